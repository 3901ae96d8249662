"""The cluster panel holds what the single measures give, and returns to the firms it came from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import raw_columns
from gvcmetrics.measures.clusters.agglomeration import ellison_glaeser
from gvcmetrics.measures.clusters.cluster_panel import cluster_panel, join_cluster_panel
from gvcmetrics.measures.clusters.firm_sizes import size_distribution
from gvcmetrics.measures.clusters.location import location_quotient, regional_specialisation

REFERENCE = Path(__file__).parents[2] / "reference" / "clusters"
ON = ["country", "year", "region", "industry"]


@pytest.fixture
def firms() -> pd.DataFrame:
    plants = pd.read_csv(REFERENCE / "plants.csv", dtype={"industry": str})
    later = plants.assign(year=2001, employment=plants["employment"] + 5)
    return pd.concat([plants.assign(year=2000), later], ignore_index=True).assign(country="ITA")


def test_the_panel_is_its_measures(firms):
    panel = cluster_panel(firms).set_index(ON)
    quotients = location_quotient(firms).set_index(ON)
    np.testing.assert_allclose(panel["location_quotient"], quotients["location_quotient"])
    sizes = size_distribution(firms, cluster=ON[2:]).set_index(ON).reindex(panel.index)
    for column in ("cr_1", "cr_4", "hhi", "gini"):
        np.testing.assert_allclose(panel[f"cluster_{column}"], sizes[column])
    np.testing.assert_allclose(panel["cluster_employment"], sizes["total_employment"])
    krugman = regional_specialisation(firms).set_index(ON[:3])["krugman"]
    gamma = ellison_glaeser(firms).set_index(["country", "year", "industry"])["ellison_glaeser"]
    place = panel.index.to_frame()
    np.testing.assert_allclose(
        panel["region_krugman"], krugman.reindex(pd.MultiIndex.from_frame(place[ON[:3]]))
    )
    np.testing.assert_allclose(
        panel["industry_ellison_glaeser"],
        gamma.reindex(pd.MultiIndex.from_frame(place[["country", "year", "industry"]])),
    )
    assert raw_columns(panel, "cluster_gini") == ["employment", "weight"]


def test_back_onto_the_firms(firms):
    firms = firms.assign(upgrade_product=1.0).iloc[::-1]
    firms.attrs["lineage"] = {"upgrade_product": ["h1"]}
    panel = cluster_panel(firms)
    joined = join_cluster_panel(firms, panel[panel["year"] == 2000], on=ON, columns=["location_quotient"])
    assert joined.index.equals(firms.index)
    assert joined.attrs["match_rate"] == 0.5
    assert joined["location_quotient"].isna().equals(joined["year"] == 2001)
    by_cluster = joined[joined["year"] == 2000].groupby(ON)["location_quotient"].first()
    expected = panel[panel["year"] == 2000].set_index(ON)["location_quotient"]
    np.testing.assert_allclose(by_cluster, expected)
    assert joined.attrs["lineage"]["location_quotient"] == ["employment", "weight"]
    assert joined.attrs["lineage"]["upgrade_product"] == ["h1"]
    assert join_cluster_panel(firms, panel, on=ON).attrs["match_rate"] == 1


def test_bad_joins(firms):
    panel = cluster_panel(firms)
    with pytest.raises(DataError, match="several rows of region × industry"):
        join_cluster_panel(firms, panel, on=["region", "industry"], columns=["location_quotient"])
    with pytest.raises(DataError, match="column 'employment': the firms already have"):
        join_cluster_panel(firms, panel.rename(columns={"cluster_employment": "employment"}), on=ON)
    with pytest.raises(DataError, match="no firm's country"):
        join_cluster_panel(firms.assign(country="ESP"), panel, on=ON)
    with pytest.raises(DataError, match="column 'lq': the frame has no such column"):
        join_cluster_panel(firms, panel, on=ON, columns=["lq"])
