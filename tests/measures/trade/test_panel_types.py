"""Trade measures give the same numbers whichever way pandas stores a column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.measures.trade.concentration import concentration_indices, market_share
from gvcmetrics.measures.trade.quadrants import quadrants, transition_matrix
from gvcmetrics.measures.trade.quality import (
    distance_to_frontier,
    khandelwal_quality,
    relative_unit_value,
    unit_value,
    unit_value_outliers,
)
from gvcmetrics.measures.trade.sophistication import rca, sophistication_by_year
from gvcmetrics.measures.trade.survival import entry_exit, kaplan_meier, trade_spells
from gvcmetrics.measures.trade.two_way import two_way_trade


@pytest.fixture(scope="module")
def flows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    axes = [list("abcdef"), list("abcdef"), list("tuvwxyz"), range(2000, 2004)]
    names = ["exporter", "importer", "product", "year"]
    grid = pd.MultiIndex.from_product(axes, names=names).to_frame(index=False)
    frame = grid[grid["exporter"] != grid["importer"]].reset_index(drop=True)
    n = len(frame)
    frame["value_usd"] = rng.lognormal(size=n) * (rng.random(n) < 0.6)
    frame["quantity"] = rng.lognormal(size=n)
    frame.loc[3, "value_usd"] = np.nan
    frame.loc[5, "quantity"] = np.nan
    return frame.assign(unit_value_usd=unit_value(frame), quality=rng.random(n))


def totals(flows: pd.DataFrame) -> pd.DataFrame:
    keys = ["exporter", "product", "year"]
    out = flows.groupby(keys, as_index=False).agg(
        value_usd=("value_usd", "sum"), unit_value_usd=("unit_value_usd", "mean")
    )
    return out.assign(relative_unit_value=relative_unit_value(out), market_share=market_share(out))


MEASURES = {
    "unit_value": unit_value,
    "outliers": unit_value_outliers,
    "relative_unit_value": relative_unit_value,
    "market_share": market_share,
    "distance": distance_to_frontier,
    "quality": lambda f: khandelwal_quality(f, sigma=4.0),
    "concentration": concentration_indices,
    "entry_exit": entry_exit,
    "survival": lambda f: kaplan_meier(trade_spells(f)),
    "vertical": two_way_trade,
    "quadrants": lambda f: quadrants(totals(f)),
    "transitions": lambda f: transition_matrix(quadrants(totals(f), periods=[2000, 2002, 2003])),
    "rca": lambda f: rca(totals(f)),
    "complexity": lambda f: sophistication_by_year(f, threshold=0.8)[0],
}

STORAGE = {
    "nullable": lambda f: f.convert_dtypes(),
    "arrow": lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
    "categories": lambda f: f.astype(dict.fromkeys(["exporter", "importer", "product"], "category")),
    "other labels": lambda f: f.set_axis(["same"] * len(f)),
}


def numbers(result: pd.DataFrame | pd.Series) -> np.ndarray:
    frame = result.to_frame() if isinstance(result, pd.Series) else result
    return frame.select_dtypes(["number", "bool", "boolean"]).astype(float).to_numpy()


@pytest.mark.parametrize("storage", STORAGE)
@pytest.mark.parametrize("measure", MEASURES)
def test_storage_does_not_matter(flows, measure, storage):
    got = numbers(MEASURES[measure](STORAGE[storage](flows)))
    np.testing.assert_allclose(got, numbers(MEASURES[measure](flows)), rtol=1e-10)
