# %% data
import tempfile
from pathlib import Path

import gvcmetrics as gvc
from gvcmetrics import measures, report
from gvcmetrics.simulate.examples import example_firms, example_table, example_trade

firms, trade = example_firms(), example_trade()
folder = Path(tempfile.mkdtemp())
pooled = gvc.ols("log_sales ~ log_employment + main_buyer_share", firms, vcov={"CRV1": "firm_id"})
within = gvc.ols(
    "log_sales ~ log_employment + main_buyer_share | firm_id + year", firms, vcov={"CRV1": "firm_id"}
)
within

# %% table, regression_table, Table
labels = {
    "log_employment": "Employment, log",
    "main_buyer_share": "Main buyer's share",
    "log_sales": "Sales, log",
}
table = gvc.table({"Pooled": pooled, "Within": within}, title="Sales and the main buyer", labels=labels)
table

# %% frame_table
by_tie = firms.groupby("governance")[["log_sales", "export_share", "upgrade_product"]].mean()
report.frame_table(by_tie, title="Firms by the governance of their chain", digits=2)

# %% new_figure
figure, axes = report.new_figure(4.5, 2.5)
axes.plot([2010, 2011, 2012], [1.0, 1.4, 1.3])
figure

# %% save_figure
[path.name for path in report.save_figure(figure, folder / "growth", simulated=True)]

# %% quadrant_plot
world = trade.groupby(["exporter", "product", "year"], as_index=False)[["value_usd", "quantity"]].sum()
world["unit_value_usd"] = measures.unit_value(world)
world["relative_unit_value"] = measures.relative_unit_value(world)
world["market_share"] = measures.market_share(world)
moves = measures.quadrants(world, periods=[(2010, 2012), (2013, 2015)])
report.quadrant_plot(moves[moves["product"] == "610910"])

# %% path_plot
report.path_plot(
    world[world["product"] == "610910"],
    outcome="market_share",
    highlight=["CHN", "VNM", "ITA"],
    outcome_title="Share of world exports",
)

# %% coefficient_plot
report.coefficient_plot({"Pooled": pooled, "Within": within}, labels=labels)

# %% scatter_plot
curve = measures.smile_curve(example_table(), product=("AAA", "manufacturing")).reset_index()
curve["name"] = curve["country"] + " " + curve["industry"]
report.scatter_plot(
    curve, x="distance", y="value_added_ratio", size="value_added", label="name", group="country"
)

# %% heat_map
quotient = measures.location_quotient(firms[firms["year"] == 2015])
report.heat_map(
    quotient.pivot(index="region", columns="industry", values="location_quotient"),
    value_title="Location quotient",
)

# %% xy_plot
cases = firms.groupby("cluster_id", as_index=False)[["main_buyer_share", "upgrade_product"]].mean()
report.xy_plot(cases.head(15), x="upgrade_product", y="main_buyer_share", label="cluster_id")

# %% Study
study = report.Study("01_example", "An example", "Does the main buyer matter?", results=folder)
study.text("Made-up firms, to show how a study is written.")
study.table(table, "sales")
study.figure(figure, "growth", "A figure.")
manifest = study.write()
manifest.name

# %% build_report
report.build_report([manifest], folder / "report.html", title="A report").name

# %% survey
ROOT = next(
    place for place in (Path.cwd(), *Path.cwd().parents) if (place / "analysis/hypotheses.yaml").is_file()
)
asked = gvc.survey(["H1", "H2", "H7"], language="es", path=ROOT / "analysis" / "hypotheses.yaml")
[path.name for path in asked.save(folder / "survey")]
asked
