"""House style of figures, and figure files that are the same bytes every time."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gvcmetrics.ground.files import write_atomic

# fontTools reports every glyph it embeds once any library sets the root logger to INFO, as pyfixest does.
logging.getLogger("fontTools").setLevel(logging.WARNING)

PAGE_WIDTH = 6.5
"""Inches; the text block of a page."""

# Okabe and Ito (2008): told apart under every common form of colour blindness. Their yellow is left
# out because thin lines of it cannot be seen on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
GREY = "#B4B4B4"
INK = "#222222"

# Typed loosely: matplotlib spells out each of its three hundred keys.
STYLE: Any = {
    # DejaVu Sans comes with matplotlib, so every machine draws the same letters.
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.5,
    "xtick.color": "#666666",
    "ytick.color": "#666666",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "text.color": INK,
    "lines.linewidth": 1.6,
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    # TrueType, embedded: journals refuse Type 3 fonts, and text stays searchable.
    "pdf.fonttype": 42,
}
PNG_DPI = 300
# Dates and the versions of programs would make two builds differ.
_NO_METADATA: Mapping[str, Mapping[str, None]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


class Drawing(Figure):
    """A figure outside pyplot, so that nothing piles up; it draws itself in a notebook all the same."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height))
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", facecolor="white")
        return drawn.getvalue()


def new_figure(width: float = PAGE_WIDTH, height: float | None = None) -> tuple[Figure, Any]:
    """A figure with one pair of axes in the house style, outside pyplot, so that nothing piles up.

    Parameters
    ----------
    width, height : inches; by default a page wide and 0.62 times as high.
    """
    with mpl.rc_context(STYLE):
        figure = Drawing(width, height or 0.62 * width)
        return figure, figure.add_subplot()


def save_figure(figure: Figure, stem: str | Path, *, simulated: bool = False) -> list[Path]:
    """Write `stem`.pdf and `stem`.png (300 dpi), without dates, so that two builds give the same bytes.

    Parameters
    ----------
    figure : any matplotlib figure; it is drawn with the fonts of the house style.
    stem : path without a suffix.
    simulated : write "SIMULATED DATA" across the figure.

    Returns
    -------
    list of Path
        The two files.
    """
    paths = []
    stamp = stamp_simulated(figure) if simulated else None
    with mpl.rc_context(STYLE):
        for suffix, metadata in _NO_METADATA.items():
            drawn = io.BytesIO()
            figure.savefig(drawn, format=suffix, dpi=PNG_DPI, metadata=dict(metadata), facecolor="white")
            paths.append(write_atomic(Path(f"{stem}.{suffix}"), drawn.getvalue()))
    if stamp is not None:
        stamp.remove()
    return paths


def darker(colour: str) -> tuple[float, float, float]:
    """A colour of the palette for letters, dark enough to be read on white."""
    red, green, blue = mpl.colors.to_rgb(colour)
    return 0.7 * red, 0.7 * green, 0.7 * blue


def stamp_simulated(figure: Figure) -> Any:
    """Write "SIMULATED DATA" across the figure; returns the text, so that it can be removed."""
    width, height = figure.get_size_inches()
    return figure.text(
        0.5,
        0.5,
        "SIMULATED DATA",
        ha="center",
        va="center",
        rotation=math.degrees(math.atan2(height, width)),
        color="#A30000",
        # 0.72 em is the mean advance of these capitals: the stamp spans some 0.7 of the diagonal.
        fontsize=72 * 0.7 * math.hypot(width, height) / (0.72 * len("SIMULATED DATA")),
        fontweight="bold",
        alpha=0.16,
        zorder=100,
        in_layout=False,
    )
