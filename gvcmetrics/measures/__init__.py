"""The field's constructs as pure functions: frames and arrays in, frames and arrays out.

Each name is imported on first use.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    name: module
    for module, names in {
        "complexity": ("density", "economic_complexity", "proximity"),
        "concentration": ("concentration_indices", "hhi", "market_share", "normalised_hhi", "theil"),
        "lineage": ("raw_columns", "record"),
        "productivity": ("labour_productivity", "markups", "production_function", "revenue_tfp"),
        "quality": (
            "distance_to_frontier",
            "khandelwal_quality",
            "relative_unit_value",
            "unit_value",
            "unit_value_outliers",
        ),
        "sophistication": ("expy", "presence", "prody", "rca", "rca_matrix", "sophistication_by_year"),
        "spells": ("entry_exit", "kaplan_meier", "trade_spells"),
        "two_way": ("two_way_trade",),
        "upgrading": ("quadrants", "transition_matrix"),
    }.items()
    for name in names
}

__all__ = [*_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
