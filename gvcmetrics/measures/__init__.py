"""The field's constructs as pure functions: frames and arrays in, frames and arrays out.

One convention for all signatures:

- First comes what is measured: `frame` (rows), `table` (input-output), a matrix or series called by what
  its cells hold (`exports`, `presence`, `relatedness`, `governance`), or `values` (an array).
- What has no default may be given by position. What has one is given by name only: first the columns, each
  always by the same word for the same thing (docs/measures.md lists the words), then the options.
- The answer is a series where it is one value for each row of the frame, and a frame with the frame's index
  where it is several; a frame with its keys where it is by key.
- A measure changes nothing in what it is given, its `attrs` included.

Names are imported on first use, so that `from gvcmetrics import measures` costs next to nothing.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

_MODULES = {
    "cases.agreement": ("coding_agreement", "cohen_kappa"),
    "cases.sets": ("calibrate", "necessary_conditions", "necessity", "sufficiency"),
    "cases.solutions": ("set_solutions", "truth_table"),
    "clusters.agglomeration": ("ellison_glaeser", "maurel_sedillot"),
    "clusters.cluster_panel": ("cluster_panel", "join_cluster_panel"),
    "clusters.collective_efficiency": ("collective_efficiency",),
    "clusters.completeness": ("completeness",),
    "clusters.districts": ("industrial_districts",),
    "clusters.firm_sizes": ("gini", "hub_and_spoke", "size_distribution"),
    "clusters.k_density": ("duranton_overman", "KDensity"),
    "clusters.location": (
        "industry_localisation",
        "location_quotient",
        "region_industry_table",
        "regional_specialisation",
    ),
    "clusters.related_clusters": ("cluster_validation", "industry_clusters", "related_specialisation"),
    "clusters.relatedness": (
        "coagglomeration",
        "input_output_links",
        "locational_correlation",
        "mean_relatedness",
        "occupation_correlation",
    ),
    "clusters.variety": ("related_variety",),
    "clusters.resilience": ("resilience",),
    "firms.attrition": ("attrition_table",),
    "firms.environmental": ("environmental_upgrading",),
    "firms.extreme_values": ("outliers", "winsorise"),
    "firms.productivity": (
        "labour_productivity",
        "markups",
        "production_function",
        "ProductionFunction",
        "revenue_tfp",
    ),
    "firms.relocation": ("backshoring", "outward_processing_reversal"),
    "firms.sectors": ("sectoral_pattern",),
    "firms.survey": ("survey_means", "survey_totals"),
    "firms.upgrading": (
        "chain_upgrading",
        "economic_social_quadrants",
        "export_stage",
        "upgrading_from_changes",
        "upgrading_from_items",
    ),
    "governance.buyers": ("buyer_concentration", "buyer_hhi_bounds", "main_buyer_spells"),
    "governance.channels": ("sales_channels",),
    "governance.classification": ("classify_governance", "classify_governance_ghs", "governance_index"),
    "governance.latent_classes": ("latent_classes", "LatentClasses"),
    "governance.lock_in": ("functional_breadth", "lock_in_index"),
    "governance.schemes": ("crosswalk_governance", "governance_agreement", "governance_shares"),
    "input_output.build": ("from_arrays", "from_long", "from_matrices", "from_pymrio", "from_wide"),
    "input_output.decompositions": (
        "borin_mancini_perspective",
        "borin_mancini_sink",
        "borin_mancini_source",
        "hummels_ishii_yi",
        "koopman_wang_wei",
        "oecd_content",
        "standard_parts",
        "wang_wei_zhu",
    ),
    "input_output.exposure": (
        "average_propagation_length",
        "cumulative_tariffs",
        "foreign_input_exposure",
        "hypothetical_extraction",
        "hypothetical_extraction_by_industry",
    ),
    "input_output.origins": (
        "satellite_in_trade",
        "tiva_indicators",
        "value_added_in_bilateral_exports",
        "value_added_in_imports",
    ),
    "input_output.participation": (
        "domestic_value_added_in_exports",
        "gvc_participation",
        "participation_koopman",
        "value_added_in_exports",
        "value_added_in_final_use",
        "value_added_in_industry_exports",
    ),
    "input_output.position": (
        "correct_inventories",
        "country_position",
        "downstreamness",
        "positions",
        "production_length",
        "smile_curve",
        "upstreamness",
    ),
    "input_output.shares": (
        "output_participation",
        "pure_and_two_sided_participation",
        "simple_and_complex_participation",
    ),
    "input_output.specialisation": ("functional_specialisation", "income_in_exports"),
    "input_output.table": (
        "by_year",
        "gross_exports",
        "group_countries",
        "InputOutput",
        "leontief_inverse",
        "local_inverses",
        "national_coefficients",
        "technical_coefficients",
    ),
    "items": ("cronbach_alpha",),
    "trade.complexity": ("complexity_outlook", "density", "economic_complexity", "fitness", "proximity"),
    "trade.concentration": ("concentration_indices", "hhi", "market_share", "normalised_hhi", "theil"),
    "trade.margins": ("export_similarity", "lafay_index", "trade_margins", "vertical_specialisation"),
    "trade.quadrants": ("quadrants", "transition_matrix"),
    "trade.quality": (
        "distance_to_frontier",
        "khandelwal_quality",
        "relative_unit_value",
        "unit_value",
        "unit_value_outliers",
    ),
    "trade.sophistication": ("expy", "presence", "prody", "rca", "rca_matrix", "sophistication_by_year"),
    "trade.survival": ("entry_exit", "kaplan_meier", "trade_spells"),
    "trade.two_way": ("two_way_trade",),
}
_LINEAGE = ("raw_columns", "record", "with_lineage", "with_measures")
_PUBLIC = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
_PUBLIC |= dict.fromkeys(_LINEAGE, "gvcmetrics.lineage")

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(_PUBLIC[name]), name)
        if inspect.isfunction(value):
            value = importlib.import_module(f"{__name__}.spelling").spelt(value)
        globals()[name] = value
        return value
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def room_of(name: str) -> str:
    """The module in which a public name is defined."""
    return _PUBLIC[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
