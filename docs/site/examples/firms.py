# %% data
from gvcmetrics import measures
from gvcmetrics.simulate.examples import example_firms, example_trade

firms = example_firms()
firms[["firm_id", "year", "sales_usd", "value_added_usd", "employment", "capital_usd"]]

# %% labour_productivity
firms["productivity"] = measures.labour_productivity(firms)
firms["productivity"]

# %% production_function, ProductionFunction
function = measures.production_function(firms, method="fixed_effects", by="country", bootstrap=5)
function.elasticities

# %% revenue_tfp
measures.revenue_tfp(firms)

# %% markups
measures.markups(firms, elasticity=0.6)

# %% upgrading_from_items
measures.upgrading_from_items(
    firms, {"product": ["upgrade_product"], "process": ["upgrade_process", "joint_design"]}
)

# %% upgrading_from_changes
measures.upgrading_from_changes(firms, {"process": "productivity"}, unit="firm_id")

# %% chain_upgrading
measures.chain_upgrading(firms)

# %% export_stage
stages = firms.assign(assembles=1, makes=1, designs=firms["joint_design"], sells=0, brands=0)
measures.export_stage(
    stages,
    assembly="assembles",
    manufacturing="makes",
    design="designs",
    marketing="sells",
    own_brand="brands",
)

# %% economic_social_quadrants
measures.economic_social_quadrants(firms, economic=["productivity"], social=["wage_usd"])

# %% environmental_upgrading
measured = firms.assign(energy=0.1 * firms["materials_usd"], iso_14001=firms["foreign"])
measures.environmental_upgrading(measured, certified="iso_14001")

# %% backshoring
measures.backshoring(firms.assign(abroad_share=0.3 - 0.02 * (firms["year"] - 2010)))

# %% outward_processing_reversal
trade = example_trade().groupby(["exporter", "product", "year"], as_index=False)["value_usd"].sum()
trade["outward_value_usd"] = trade["value_usd"] * (0.3 - 0.04 * (trade["year"] - 2010))
measures.outward_processing_reversal(trade)

# %% sectoral_pattern
measures.sectoral_pattern(firms)

# %% attrition_table
measures.attrition_table(firms[firms["firm_id"] > "F010"])

# %% outliers
measures.outliers(firms, ["sales_usd", "employment"], by="industry")

# %% winsorise
measures.winsorise(firms, ["sales_usd"], by="year")

# %% survey_means
design = {"weights": "weight", "stratum": "stratum", "psu": "psu"}
measures.survey_means(firms[firms["year"] == 2015], ["upgrade_product"], by="region", **design)

# %% survey_totals
measures.survey_totals(firms[firms["year"] == 2015], ["employment"], **design)
