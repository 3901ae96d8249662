# %% data
import pandas as pd

from gvcmetrics import measures
from gvcmetrics.simulate.examples import example_firms

firms = example_firms()
year = firms[firms["year"] == 2015].reset_index(drop=True)
year[["firm_id", "region", "industry", "employment", "weight"]]

# %% region_industry_table
measures.region_industry_table(year)

# %% location_quotient
measures.location_quotient(year)

# %% regional_specialisation
measures.regional_specialisation(year)

# %% industry_localisation
measures.industry_localisation(year)

# %% ellison_glaeser
measures.ellison_glaeser(year)

# %% maurel_sedillot
measures.maurel_sedillot(year)

# %% duranton_overman, KDensity
density = measures.duranton_overman(year, "14", n_simulations=100, seed=1)
density.curve

# %% related_variety
finer = year.assign(industry=year["industry"] + (year.index % 3).astype(str))
measures.related_variety(finer)

# %% size_distribution
measures.size_distribution(year)

# %% hub_and_spoke
measures.hub_and_spoke(
    year.assign(exports_usd=year["export_share"] * year["sales_usd"]), exports="exports_usd"
)

# %% gini
measures.gini([10.0, 20.0, 70.0])

# %% completeness
needs = pd.DataFrame(
    [[0.2, 0.0, 0.0], [0.0, 0.1, 0.3], [0.0, 0.0, 0.1]], index=["10", "13", "14"], columns=["10", "13", "14"]
)
measures.completeness(measures.location_quotient(year), needs)

# %% cluster_panel
clusters = measures.cluster_panel(firms)
clusters

# %% join_cluster_panel
joined = measures.join_cluster_panel(firms, clusters, on=["country", "year", "region", "industry"])
joined[["firm_id", "year", "region", "industry", "location_quotient"]]

# %% collective_efficiency
measures.collective_efficiency(
    firms,
    external_economies=["labour_pool", "trust_suppliers"],
    joint_action=["joint_purchases", "association"],
    scale=(1, 5),
)

# %% cronbach_alpha
measures.cronbach_alpha(firms, ["trust_suppliers", "trust_rivals", "association"])

# %% industrial_districts
local = firms.assign(sector="manufacturing")
measures.industrial_districts(local)

# %% coagglomeration
near = measures.coagglomeration(year)
near.round(4)

# %% locational_correlation
by_place = measures.locational_correlation(year)
by_place.round(2)

# %% input_output_links
bought = pd.DataFrame([[5.0, 1.0], [8.0, 20.0]], index=["13", "14"], columns=["13", "14"])
measures.input_output_links(bought)

# %% occupation_correlation
jobs = pd.DataFrame(
    {"sewing": [9.0, 8.0, 1.0], "welding": [0.0, 1.0, 7.0], "sales": [2.0, 3.0, 2.0]},
    index=["13", "14", "25"],
)
measures.occupation_correlation(jobs).round(2)

# %% mean_relatedness
related = measures.mean_relatedness([near, by_place])
related.round(2)

# %% industry_clusters
groups = measures.industry_clusters(related, 2)
groups

# %% cluster_validation
measures.cluster_validation(related, groups)

# %% related_specialisation
measures.related_specialisation(year, groups)

# %% resilience
regions = firms.groupby(["region", "year"], as_index=False)["employment"].sum()
measures.resilience(regions, shock=(2010, 2012), recovery=(2012, 2015))
