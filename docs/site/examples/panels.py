# %% data
import os
import tempfile
from pathlib import Path

import pandas as pd

import gvcmetrics as gvc
from gvcmetrics.panels.build import build_panel
from gvcmetrics.simulate.examples import example_firms

# A project of its own: a folder data/ with raw/ and panels/. In your project these files are there already.
data = Path(tempfile.mkdtemp()) / "data"
(data / "panels").mkdir(parents=True)
(data / "raw").mkdir()
os.environ["GVCMETRICS_DATA"] = str(data)

columns = ["country", "firm_id", "year", "region", "industry", "employment", "sales_usd"]
for year, wave in example_firms(40, 2)[columns].groupby("year"):
    wave.to_csv(data / "raw" / f"firms_{year}.csv", index=False)
spec = """\
title: Made-up firms
contract: firm
source: {files: "raw/firms_*.csv"}
licence: none (made up)
citation: none (made up)
columns: {country: {}, firm_id: {}, year: {}, region: {}, industry: {}, employment: {}, sales_usd: {}}
"""
(data / "panels" / "firms.yaml").write_text(spec)
build_panel(data / "panels" / "firms.yaml")
print(spec)

# %% panel
gvc.panel("firms", columns=["firm_id", "year", "employment"], where="employment > 50")

# %% list_panels
gvc.list_panels()

# %% wave_changes
later = pd.read_csv(data / "raw" / "firms_2011.csv").rename(columns={"sales_usd": "sales"})
later.assign(employment=later["employment"] * 100).to_csv(data / "raw" / "firms_2011.csv", index=False)
gvc.wave_changes(data / "panels" / "firms.yaml")

# %% crosswalk needs: concordances
gvc.crosswalk("ISIC3", "ISIC4", digits=2).links

# %% convert needs: concordances
jobs = example_firms(40, 1).groupby("industry", as_index=False)["employment"].sum()
gvc.convert(jobs, "industry", "ISIC4", "WIOD2013", ["employment"])
