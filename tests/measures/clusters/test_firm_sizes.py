"""Size distribution and hub-and-spoke: base R, identities, bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError, EstimationWarning
from gvcmetrics.measures.clusters.firm_sizes import gini, hub_and_spoke, size_distribution

REFERENCE = Path(__file__).parents[2] / "reference" / "clusters"


@pytest.fixture
def plants() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "plants.csv", dtype={"industry": str, "region": str})


@pytest.mark.parametrize("weighted", [False, True])
def test_size_distribution_agrees_with_r(plants, weighted):
    ours = size_distribution(plants, cluster="region", weights="weight" if weighted else None)
    theirs = pd.read_csv(REFERENCE / "sizes.csv").query("weighted == @weighted")
    for column in ("n_firms", "cr_4", "hhi", "gini"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-10)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 500), min_size=1, max_size=25).filter(sum), st.integers(2, 4))
def test_a_weight_is_that_many_firms(sizes, weight):
    one = pd.DataFrame({"cluster_id": "c", "year": 1, "employment": np.repeat(sizes, weight)})
    many = pd.DataFrame({"cluster_id": "c", "year": 1, "employment": sizes, "weight": float(weight)})
    pd.testing.assert_frame_equal(size_distribution(one), size_distribution(many), check_exact=False)
    assert size_distribution(one, top=[10**6])["cr_1000000"].iloc[0] == pytest.approx(1)
    n = len(sizes)
    double_sum = np.abs(np.subtract.outer(sizes, sizes)).sum() / (2 * n * np.sum(sizes))
    assert gini(sizes) == pytest.approx(double_sum, abs=1e-12)


def test_known_distributions():
    assert gini([1, 1, 1]) == pytest.approx(0)
    assert gini([0, 0, 0, 9]) == pytest.approx(0.75)
    assert np.isnan(gini([0, 0]))
    assert gini([1, np.nan, 3]) == pytest.approx(0.25)
    assert gini([1, 3], weights=[3, 1]) == pytest.approx(gini([1, 1, 1, 3]))


def test_empty_and_one_firm_clusters():
    frame = pd.DataFrame(
        {"cluster_id": ["one", "zero", "zero", None], "year": 1, "employment": [5.0, 0.0, np.nan, 3.0]}
    )
    out = size_distribution(frame).set_index("cluster_id")
    assert out.index.tolist() == ["one", "zero"]
    assert out.loc["one", ["cr_1", "hhi", "gini"]].tolist() == [1.0, 1.0, 0.0]
    assert out.loc["zero", ["cr_1", "cr_4", "hhi", "gini"]].isna().all()


def test_the_same_name_in_another_country_or_year_is_another_cluster(plants):
    abroad = plants.assign(employment=plants["employment"] * 3)
    both = pd.concat([plants.assign(country="ITA", year=1), abroad.assign(country="ESP", year=1)])
    out = size_distribution(both, cluster="region")
    assert out.columns[:3].tolist() == ["country", "year", "region"]
    alone = size_distribution(plants, cluster="region")
    for country in ("ITA", "ESP"):
        part = out[out["country"] == country]
        np.testing.assert_allclose(part[["cr_1", "hhi", "gini"]], alone[["cr_1", "hhi", "gini"]])
    assert len(size_distribution(both, cluster="region", by=())) == len(alone)


def test_hub_and_spoke_ranks_dominated_clusters_first(plants):
    hub = pd.DataFrame({"region": "hub", "employment": [1000] + [2] * 20, "exports_usd": [1e6] + [0.0] * 20})
    even = pd.DataFrame({"region": "even", "employment": [10] * 30, "exports_usd": [5.0] * 30})
    frame = pd.concat([plants.assign(exports_usd=plants["employment"] * 2.0), hub, even], ignore_index=True)
    out = hub_and_spoke(frame, cluster="region", exports="exports_usd", weights=None).set_index("region")
    assert out["hub_and_spoke"].idxmax() == "hub"
    assert out["hub_and_spoke"].idxmin() == "even"
    assert out["hub_and_spoke"].mean() == pytest.approx(0, abs=1e-12)
    assert out.loc["hub", "top_4_export_share"] == pytest.approx(1)
    # α of standardised items is k r̄ / (1 + (k − 1) r̄).
    parts = out[["cr_1", "cr_4", "hhi", "gini", "top_4_export_share"]]
    mean_r = (parts.corr().to_numpy().sum() - 5) / 20
    assert out.attrs["cronbach_alpha"] == pytest.approx(5 * mean_r / (1 + 4 * mean_r))
    assert out.attrs["lineage"]["hub_and_spoke"] == ["employment", "exports_usd"]


def test_bad_input(plants):
    with pytest.raises(DataError, match="negative values"):
        size_distribution(plants.assign(employment=-plants["employment"]), cluster="region")
    with pytest.raises(DataError, match="is 0"):
        size_distribution(plants, cluster="region", top=[0])
    with pytest.raises(DataError, match="no weight"):
        size_distribution(plants.assign(weight=np.nan), cluster="region")
    with pytest.raises(DataError, match="negative amounts"):
        gini([1, -1])
    with pytest.raises(DataError, match="fewer than two different values"):
        hub_and_spoke(plants[plants["region"] == "north"], cluster="region")


def test_rows_without_a_place_are_counted_in_a_warning():
    firms = pd.DataFrame({"cluster_id": ["a", "a", None], "employment": [3.0, None, 5.0], "year": 2000})
    with pytest.warns(EstimationWarning, match="2 of 3 rows have no year, cluster_id, employment"):
        sizes = size_distribution(firms)
    assert sizes["total_employment"].tolist() == [3.0]
