"""The field's constructs as pure functions: frames and arrays in, frames and arrays out.

Imported at once, not on first use: some modules carry the name of their function, and the import
system would otherwise put the module in its place.
"""

from gvcmetrics.lineage import raw_columns, record, with_measures
from gvcmetrics.measures.clusters.agglomeration import ellison_glaeser, maurel_sedillot
from gvcmetrics.measures.clusters.cluster_panel import cluster_panel, join_cluster_panel
from gvcmetrics.measures.clusters.collective_efficiency import collective_efficiency
from gvcmetrics.measures.clusters.completeness import completeness
from gvcmetrics.measures.clusters.districts import industrial_districts
from gvcmetrics.measures.clusters.firm_sizes import gini, hub_and_spoke, size_distribution
from gvcmetrics.measures.clusters.k_density import KDensity, duranton_overman
from gvcmetrics.measures.clusters.location import (
    industry_localisation,
    location_quotient,
    region_industry_table,
    regional_specialisation,
)
from gvcmetrics.measures.clusters.related_clusters import (
    cluster_validation,
    industry_clusters,
    related_specialisation,
)
from gvcmetrics.measures.clusters.relatedness import (
    coagglomeration,
    input_output_links,
    locational_correlation,
    mean_relatedness,
    occupation_correlation,
)
from gvcmetrics.measures.clusters.resilience import resilience
from gvcmetrics.measures.firms.attrition import attrition_table
from gvcmetrics.measures.firms.extreme_values import outliers, winsorise
from gvcmetrics.measures.firms.productivity import (
    ProductionFunction,
    labour_productivity,
    markups,
    production_function,
    revenue_tfp,
)
from gvcmetrics.measures.firms.survey import survey_means, survey_totals
from gvcmetrics.measures.firms.upgrading import (
    chain_upgrading,
    economic_social_quadrants,
    export_stage,
    upgrading_from_changes,
    upgrading_from_items,
)
from gvcmetrics.measures.governance.classification import (
    classify_governance,
    classify_governance_ghs,
    governance_index,
)
from gvcmetrics.measures.governance.latent_classes import LatentClasses, latent_classes
from gvcmetrics.measures.governance.lock_in import (
    buyer_concentration,
    buyer_hhi_bounds,
    functional_breadth,
    lock_in_index,
    main_buyer_spells,
)
from gvcmetrics.measures.governance.schemes import (
    crosswalk_governance,
    governance_agreement,
    governance_shares,
)
from gvcmetrics.measures.input_output.build import (
    from_arrays,
    from_long,
    from_matrices,
    from_pymrio,
    from_wide,
)
from gvcmetrics.measures.input_output.decompositions import (
    borin_mancini_perspective,
    borin_mancini_sink,
    borin_mancini_source,
    hummels_ishii_yi,
    koopman_wang_wei,
    oecd_content,
    standard_parts,
    wang_wei_zhu,
)
from gvcmetrics.measures.input_output.participation import (
    domestic_value_added_in_exports,
    gvc_participation,
    participation_koopman,
    value_added_in_exports,
    value_added_in_final_use,
    value_added_in_industry_exports,
)
from gvcmetrics.measures.input_output.position import (
    correct_inventories,
    country_position,
    downstreamness,
    positions,
    production_length,
    smile_curve,
    upstreamness,
)
from gvcmetrics.measures.input_output.specialisation import functional_specialisation, income_in_exports
from gvcmetrics.measures.input_output.table import (
    InputOutput,
    by_year,
    gross_exports,
    group_countries,
    leontief_inverse,
    local_inverses,
    technical_coefficients,
)
from gvcmetrics.measures.items import cronbach_alpha
from gvcmetrics.measures.trade.complexity import density, economic_complexity, proximity
from gvcmetrics.measures.trade.concentration import (
    concentration_indices,
    hhi,
    market_share,
    normalised_hhi,
    theil,
)
from gvcmetrics.measures.trade.quadrants import quadrants, transition_matrix
from gvcmetrics.measures.trade.quality import (
    distance_to_frontier,
    khandelwal_quality,
    relative_unit_value,
    unit_value,
    unit_value_outliers,
)
from gvcmetrics.measures.trade.sophistication import (
    expy,
    presence,
    prody,
    rca,
    rca_matrix,
    sophistication_by_year,
)
from gvcmetrics.measures.trade.survival import entry_exit, kaplan_meier, trade_spells
from gvcmetrics.measures.trade.two_way import two_way_trade

__all__ = [
    "InputOutput",
    "KDensity",
    "LatentClasses",
    "ProductionFunction",
    "attrition_table",
    "borin_mancini_perspective",
    "borin_mancini_sink",
    "borin_mancini_source",
    "buyer_concentration",
    "buyer_hhi_bounds",
    "by_year",
    "chain_upgrading",
    "classify_governance",
    "classify_governance_ghs",
    "cluster_panel",
    "cluster_validation",
    "coagglomeration",
    "collective_efficiency",
    "completeness",
    "concentration_indices",
    "correct_inventories",
    "country_position",
    "cronbach_alpha",
    "crosswalk_governance",
    "density",
    "distance_to_frontier",
    "domestic_value_added_in_exports",
    "downstreamness",
    "duranton_overman",
    "economic_complexity",
    "economic_social_quadrants",
    "ellison_glaeser",
    "entry_exit",
    "export_stage",
    "expy",
    "from_arrays",
    "from_long",
    "from_matrices",
    "from_pymrio",
    "from_wide",
    "functional_breadth",
    "functional_specialisation",
    "gini",
    "governance_agreement",
    "governance_index",
    "governance_shares",
    "gross_exports",
    "group_countries",
    "gvc_participation",
    "hhi",
    "hub_and_spoke",
    "hummels_ishii_yi",
    "income_in_exports",
    "industrial_districts",
    "industry_clusters",
    "industry_localisation",
    "input_output_links",
    "join_cluster_panel",
    "kaplan_meier",
    "khandelwal_quality",
    "koopman_wang_wei",
    "labour_productivity",
    "latent_classes",
    "leontief_inverse",
    "local_inverses",
    "location_quotient",
    "locational_correlation",
    "lock_in_index",
    "main_buyer_spells",
    "market_share",
    "markups",
    "maurel_sedillot",
    "mean_relatedness",
    "normalised_hhi",
    "occupation_correlation",
    "oecd_content",
    "outliers",
    "participation_koopman",
    "positions",
    "presence",
    "production_function",
    "production_length",
    "prody",
    "proximity",
    "quadrants",
    "raw_columns",
    "rca",
    "rca_matrix",
    "record",
    "region_industry_table",
    "regional_specialisation",
    "related_specialisation",
    "relative_unit_value",
    "resilience",
    "revenue_tfp",
    "size_distribution",
    "smile_curve",
    "sophistication_by_year",
    "standard_parts",
    "survey_means",
    "survey_totals",
    "technical_coefficients",
    "theil",
    "trade_spells",
    "transition_matrix",
    "two_way_trade",
    "unit_value",
    "unit_value_outliers",
    "upgrading_from_changes",
    "upgrading_from_items",
    "upstreamness",
    "value_added_in_exports",
    "value_added_in_final_use",
    "value_added_in_industry_exports",
    "wang_wei_zhu",
    "winsorise",
    "with_measures",
]
