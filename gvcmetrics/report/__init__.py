"""Tables, figures and the HTML report; each name is imported on first use."""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "Table": "gvcmetrics.report.grid",
    "table": "gvcmetrics.report.tables",
    "regression_table": "gvcmetrics.report.regression",
    "frame_table": "gvcmetrics.report.frames",
    "save_figure": "gvcmetrics.report.figures",
    "new_figure": "gvcmetrics.report.figures",
    "quadrant_plot": "gvcmetrics.report.plots",
    "path_plot": "gvcmetrics.report.plots",
    "coefficient_plot": "gvcmetrics.report.plots",
    "scatter_plot": "gvcmetrics.report.plots",
    "heat_map": "gvcmetrics.report.plots",
    "Study": "gvcmetrics.report.manifest",
    "build_report": "gvcmetrics.report.html",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'gvcmetrics.report' has no attribute '{name}'")
