# %% data
from gvcmetrics import measures
from gvcmetrics.simulate.examples import example_firms

firms = example_firms()
firms[["firm_id", "year", "value_added_usd", "employment", "wage_usd"]]

# %% raw_columns
firms["productivity"] = measures.labour_productivity(firms)
measures.raw_columns(firms, "productivity")

# %% record
firms["log_wage"] = firms["wage_usd"].transform("log")
firms = measures.record(firms, "log_wage", "wages_usd", "employment")
measures.raw_columns(firms, "log_wage")

# %% with_lineage
regions = firms.groupby(["region", "year"], as_index=False)["log_wage"].mean()
measures.raw_columns(measures.with_lineage(regions, firms), "log_wage")

# %% with_measures
more = measures.with_measures(firms, measures.upgrading_from_items(firms, {"chain": ["joint_design"]}))
more.columns[-3:].tolist()
