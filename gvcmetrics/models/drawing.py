"""Figures outside pyplot, so that nothing piles up and no window opens; notebooks show them all the same."""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class Drawing(Figure):
    """A figure that draws itself in a notebook, which else shows only those that pyplot knows."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height))
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", facecolor="white")
        return drawn.getvalue()
