"""The field's constructs as pure functions: frames and arrays in, frames and arrays out.

Each name is imported on first use.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    name: module
    for module, names in {
        "attrition": ("attrition_table",),
        "complexity": ("density", "economic_complexity", "proximity"),
        "concentration": ("concentration_indices", "hhi", "market_share", "normalised_hhi", "theil"),
        "decompositions": (
            "borin_mancini_perspective",
            "borin_mancini_sink",
            "borin_mancini_source",
            "hummels_ishii_yi",
            "koopman_wang_wei",
            "oecd_content",
            "standard_parts",
            "wang_wei_zhu",
        ),
        "extreme_values": ("outliers", "winsorise"),
        "input_output": (
            "InputOutput",
            "by_year",
            "gross_exports",
            "group_countries",
            "leontief_inverse",
            "local_inverses",
            "technical_coefficients",
        ),
        "input_output_tables": ("from_matrices", "from_pymrio", "from_wide"),
        "lineage": ("raw_columns", "record"),
        "participation": (
            "domestic_value_added_in_exports",
            "gvc_participation",
            "participation_koopman",
            "value_added_in_exports",
            "value_added_in_final_use",
            "value_added_in_industry_exports",
        ),
        "position": (
            "correct_inventories",
            "country_position",
            "downstreamness",
            "positions",
            "production_length",
            "smile_curve",
            "upstreamness",
        ),
        "productivity": ("labour_productivity", "markups", "production_function", "revenue_tfp"),
        "quality": (
            "distance_to_frontier",
            "khandelwal_quality",
            "relative_unit_value",
            "unit_value",
            "unit_value_outliers",
        ),
        "sophistication": ("expy", "presence", "prody", "rca", "rca_matrix", "sophistication_by_year"),
        "specialisation": ("functional_specialisation", "income_in_exports"),
        "spells": ("entry_exit", "kaplan_meier", "trade_spells"),
        "survey": ("survey_means", "survey_totals"),
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
