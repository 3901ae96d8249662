"""Simulated firms on which production.R computes its reference values; writes firms.csv beside this file.

`python tests/reference/productivity/firms.py`. The simulator's value-added firms, some of which leave when
productivity is low, with an input price of their own in materials and a made-up gross output, so that every
estimator has something to work on. No coefficient of gross output is meant to be true.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gvcmetrics.simulate.firms import simulate_firms

firms = simulate_firms(250, 7, design="labour errors", burn_in=2, seed=14)
rng = np.random.default_rng(14)
price = rng.normal(0, 0.2, 250)[firms["firm_id"]] + rng.normal(0, 0.2, len(firms))
firms["materials_usd"] *= np.exp(-price)
firms["sales_usd"] = firms["value_added_usd"] ** 0.4 * firms["materials_usd"] ** 0.6

low = (firms["true_log_productivity"] < -0.2) & (rng.random(len(firms)) < 0.5) & (firms["year"] < 6)
leaves_after = firms["year"].where(low).groupby(firms["firm_id"]).transform("min").fillna(99)
firms = firms[firms["year"] <= leaves_after]
firms = firms[rng.random(len(firms)) < 0.97]  # a few holes, so that lags are not simply the row above
columns = ["value_added_usd", "sales_usd", "employment", "capital_usd", "materials_usd", "investment_usd"]
firms[["firm_id", "year", *columns]].to_csv(
    Path(__file__).parent / "firms.csv", index=False, float_format="%.12g", lineterminator="\n"
)
