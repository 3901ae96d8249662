"""Tables, figures and the HTML report; each name is imported on first use."""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "Table": "gvcmetrics.report.tables.formats",
    "table": "gvcmetrics.report.tables.table",
    "regression_table": "gvcmetrics.report.tables.regression",
    "frame_table": "gvcmetrics.report.tables.frames",
    "save_figure": "gvcmetrics.ground.figures",
    "new_figure": "gvcmetrics.ground.figures",
    "quadrant_plot": "gvcmetrics.report.figures.plots",
    "path_plot": "gvcmetrics.report.figures.plots",
    "coefficient_plot": "gvcmetrics.report.figures.plots",
    "scatter_plot": "gvcmetrics.report.figures.plots",
    "heat_map": "gvcmetrics.report.figures.plots",
    "xy_plot": "gvcmetrics.report.figures.sets",
    "Study": "gvcmetrics.report.pages.manifest",
    "build_report": "gvcmetrics.report.pages.html",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'gvcmetrics.report' has no attribute '{name}'")
