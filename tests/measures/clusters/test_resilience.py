"""Resilience by hand and by identity."""

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.clusters.resilience import resilience


@pytest.fixture
def regions() -> pd.DataFrame:
    levels = {"a": [100, 80, 100], "b": [100, 100, 110], "c": [0, 20, 30]}
    return pd.DataFrame(
        [(r, y, float(v)) for r, row in levels.items() for y, v in zip((2008, 2010, 2014), row, strict=True)],
        columns=["region", "year", "employment"],
    )


def test_resilience_by_hand(regions):
    two = regions[regions["region"] != "c"]
    out = resilience(two, shock=(2008, 2010), recovery=(2010, 2014)).set_index("region")
    # Nation: −10 % in the shock, +30/180 in the recovery.
    assert out["resistance"].tolist() == pytest.approx([(-0.2 + 0.1) / 0.1, 1.0])
    assert out["recovery"].tolist() == pytest.approx([(0.25 - 1 / 6) * 6, (0.1 - 1 / 6) * 6])
    assert out.attrs["lineage"]["resistance"] == ["employment"]


def test_weighted_mean_is_the_nation(regions):
    rng = np.random.default_rng(0)
    many = pd.DataFrame(
        {
            "country": np.repeat(["ITA", "ESP"], 24),
            "region": np.tile(np.repeat(np.arange(8), 3), 2),
            "year": np.tile([1, 2, 3], 16),
            "employment": rng.uniform(50, 150, 48),
        }
    )
    out = resilience(many, shock=(1, 2), recovery=(2, 3), by="country")
    first = many[many["year"] == 1].sort_values(["country", "region"])["employment"].to_numpy()
    weighted = (out["resistance"] * first).groupby(out["country"]).sum()
    np.testing.assert_allclose(weighted, 0, atol=1e-10)


def test_documented_missing(regions):
    out = resilience(regions, shock=(2008, 2010), recovery=(2010, 2014)).set_index("region")
    assert out.loc["c", ["growth_shock", "resistance"]].isna().all()
    assert out.loc["c", "recovery"] > 0
    # a −20, b 0, c +20: the nation stands still, so relative growth is not defined.
    assert out["resistance"].isna().all()


def test_bad_input(regions):
    windows = {"shock": (2008, 2010), "recovery": (2010, 2014)}
    with pytest.raises(DataError, match="do not run forward"):
        resilience(regions, shock=(2010, 2008), recovery=(2010, 2014))
    with pytest.raises(DataError, match="column 'year': no row is of 2009"):
        resilience(regions, shock=(2008, 2009), recovery=(2010, 2014))
    with pytest.raises(DataError, match="one unit only"):
        resilience(regions[regions["region"] == "a"], **windows)
    with pytest.raises(DataError, match="repeat a key"):
        resilience(pd.concat([regions, regions]), **windows)
    with pytest.raises(DataError, match="negative"):
        resilience(regions.assign(employment=-1), **windows)
