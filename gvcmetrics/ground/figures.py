"""House style of figures, and figure files that are the same bytes every time."""

from __future__ import annotations

import io
import logging
import math
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
import matplotlib.ticker
import pandas as pd
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gvcmetrics.ground.files import write_atomic

# fontTools reports every glyph it embeds once any library sets the root logger to INFO, as pyfixest does.
logging.getLogger("fontTools").setLevel(logging.WARNING)

PAGE_WIDTH = 6.5
"""Inches; the text block of a page."""
NARROW_WIDTH = 4.0
"""Inches; a telephone, on which letters of a figure are as large as those of the page then."""
_LETTERS = 5.6
_width: ContextVar[float] = ContextVar("width", default=PAGE_WIDTH)
Given = ParamSpec("Given")

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
PNG_DPI, NARROW_DPI = 300, 220
NARROW = "_narrow"
"""What the name of a figure for a narrow screen ends in."""
# Dates and the versions of programs would make two builds differ.
_NO_METADATA: Mapping[str, Mapping[str, None]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


class Drawing(Figure):
    """A figure outside pyplot, so that nothing piles up; it draws itself in a notebook all the same.

    Attributes
    ----------
    shown : the data that it shows, one row a thing drawn. narrow : draws it again for a narrow screen.
    """

    shown: pd.DataFrame | None = None
    narrow: Callable[[], Figure] | None = None

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height))
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", facecolor="white")
        return drawn.getvalue()


def page_width() -> float:
    """Inches that a figure may be wide: those of a page, or of a narrow screen while one is drawn for it."""
    return _width.get()


def is_narrow() -> bool:
    """Whether a figure is drawn for a narrow screen."""
    return page_width() < PAGE_WIDTH


def broken(text: str, share: float = 1.0, size: float = 8) -> str:
    """Text in lines that take a share of the width, on a narrow screen; on a page it stays as it is."""
    if not is_narrow():
        return text
    letters = round(72 * page_width() * share / (_LETTERS / 8 * size * 0.9))
    return textwrap.fill(text, max(letters, 8), break_long_words=False)


def few_ticks() -> Any:
    """Where an axis has its ticks: fewer on a narrow screen, so that their numbers do not touch."""
    return mpl.ticker.MaxNLocator(4 if is_narrow() else 8, steps=[1, 2, 2.5, 5, 10])


@contextmanager
def _as_wide_as(width: float) -> Iterator[None]:
    before = _width.set(width)
    try:
        yield
    finally:
        _width.reset(before)


def redrawn(plot: Callable[Given, Figure]) -> Callable[Given, Figure]:
    """A plot whose figures can be drawn again for a narrow screen, from the same arguments."""

    @wraps(plot)
    def draw(*arguments: Given.args, **options: Given.kwargs) -> Figure:
        def narrow() -> Figure:
            with _as_wide_as(NARROW_WIDTH):
                return plot(*arguments, **options)

        figure = plot(*arguments, **options)
        if isinstance(figure, Drawing):
            figure.narrow = narrow
        return figure

    return draw


def shows(figure: Figure, data: pd.DataFrame) -> Figure:
    """The figure, with the data that it shows, which are saved beside it."""
    if isinstance(figure, Drawing):
        figure.shown = data
    return figure


def new_figure(width: float | None = None, height: float | None = None) -> tuple[Figure, Any]:
    """A figure with one pair of axes in the house style, outside pyplot, so that nothing piles up.

    Parameters
    ----------
    width, height : inches; by default a page wide and 0.62 times as high, on a narrow screen higher.
    """
    width = min(width or page_width(), page_width())
    with mpl.rc_context(STYLE):
        figure = Drawing(width, height or (0.9 if is_narrow() else 0.62) * width)
        return figure, figure.add_subplot()


def save_figure(figure: Figure, stem: str | Path, *, simulated: bool = False) -> list[Path]:
    """Write `stem`.pdf and `stem`.png (300 dpi), without dates, so that two builds give the same bytes.

    Of a figure of this package also `stem`.csv, the data that it shows, and `stem`_narrow.png, the same
    figure for a narrow screen.

    Parameters
    ----------
    figure : any matplotlib figure; it is drawn with the fonts of the house style.
    stem : path without a suffix.
    simulated : write "SIMULATED DATA" across the figure.

    Returns
    -------
    list of Path
        The files, the .pdf first and the .png second.
    """
    paths = [
        write_atomic(Path(f"{stem}.{suffix}"), _printed(figure, suffix, PNG_DPI, simulated))
        for suffix in _NO_METADATA
    ]
    if isinstance(figure, Drawing) and figure.shown is not None:
        data = figure.shown.assign(simulated=True) if simulated else figure.shown
        paths.append(write_atomic(Path(f"{stem}.csv"), data.to_csv(index=False, lineterminator="\n")))
    if isinstance(figure, Drawing) and figure.narrow is not None:
        narrow = _printed(figure.narrow(), "png", NARROW_DPI, simulated)
        paths.append(write_atomic(Path(f"{stem}{NARROW}.png"), narrow))
    return paths


def _printed(figure: Figure, suffix: str, dpi: int, simulated: bool) -> bytes:
    stamp = stamp_simulated(figure) if simulated else None
    drawn = io.BytesIO()
    with mpl.rc_context(STYLE):
        metadata = dict(_NO_METADATA[suffix])
        figure.savefig(drawn, format=suffix, dpi=dpi, metadata=metadata, facecolor="white")
    if stamp is not None:
        stamp.remove()
    return drawn.getvalue()


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
