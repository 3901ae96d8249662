# %% data
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.panels.build import build_panel
from gvcmetrics.simulate.examples import example_firms, example_table

# A project with an input-output panel of two years, stored as wide files.
data = Path(tempfile.mkdtemp()) / "data"
(data / "panels").mkdir(parents=True)
(data / "raw").mkdir()
os.environ["GVCMETRICS_DATA"] = str(data)

codes = {"primary": "c1", "manufacturing": "c2", "services": "c3"}
for year in (2010, 2011):
    table = example_table(year)
    uses = [f"{country}_{codes[industry]}" for country, industry in table.rows]
    wide = pd.DataFrame(table.Z, columns=uses)
    for j, region in enumerate(table.regions):
        wide[f"{region}_f1"], wide[f"{region}_f5"] = table.Y[:, j, 0], 0.0
    wide = pd.concat([table.rows.to_frame(index=False).replace({"industry": codes}), wide], axis=1)
    for made_up, code in {"AAA": "ECU", "BBB": "COL", "CCC": "PER"}.items():
        wide = wide.replace(made_up, code).rename(columns=lambda name, a=made_up, b=code: name.replace(a, b))
    wide.assign(output=table.x).to_csv(data / "raw" / f"table_{year}.csv", index=False)
spec = """\
title: Made-up tables of three countries
contract: input_output
extends: wiod
source: {files: "raw/table_*.csv"}
licence: none (made up)
citation: none (made up)
"""
for edition in ("tables", "second"):
    (data / "panels" / f"{edition}.yaml").write_text(spec)
    build_panel(data / "panels" / f"{edition}.yaml")
firms = example_firms(60, 2)
firms["industry"] = np.where(firms["industry"] == "10", "c1", "c2")
print(spec)

# %% input_output
table = gvc.input_output("tables", 2011)
measures.gvc_participation(table)

# %% industry_measures
gvc.industry_measures("tables", [2010, 2011])

# %% join_value_chain
joined = gvc.join_value_chain(firms, None, table="tables", industries="tables")
joined[["firm_id", "year", "industry", "participation", "upstreamness"]]

# %% cluster_completeness
gvc.cluster_completeness(firms, None, table="tables", industries="tables")

# %% compare_editions
gvc.compare_editions(["tables", "second"], 2011, measures.gvc_participation)["participation"]
