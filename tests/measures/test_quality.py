"""Relative unit values and the distance to the quality frontier."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.quality import distance_to_frontier, relative_unit_value


@pytest.fixture
def trade() -> pd.DataFrame:
    rows = [
        ("DEU", "cars", 2000, 60.0, 3.0, 1.2),
        ("BRA", "cars", 2000, 40.0, 2.0, 0.6),
        ("IND", "cars", 2000, 0.0, 9.0, 0.3),
        ("PAK", "cars", 2000, 10.0, np.nan, np.nan),
        ("KEN", "cars", 2000, 10.0, 0.0, 0.0),
        ("DEU", "cars", 2001, 0.0, 4.0, 2.0),
    ]
    columns = ["exporter", "product", "year", "value_usd", "unit_value_usd", "quality"]
    return pd.DataFrame(rows, columns=columns, index=[10, 11, 12, 13, 14, 15])


def test_relative_unit_value_by_hand(trade):
    before = trade.copy(deep=True)
    ratio = relative_unit_value(trade)
    world = (60 * 3 + 40 * 2) / 100
    np.testing.assert_allclose(ratio.iloc[:3], np.array([3, 2, 9]) / world, rtol=1e-14)
    assert ratio.iloc[3:].isna().all()  # no unit value, zero unit value, a market without any value
    assert ratio.index.equals(trade.index)
    assert ratio.attrs["lineage"] == {"relative_unit_value": ["unit_value_usd", "value_usd"]}
    pd.testing.assert_frame_equal(trade, before)


def test_value_weighted_mean_of_relative_unit_values_is_one():
    rng = np.random.default_rng(1)
    world = pd.DataFrame(
        {
            "exporter": np.tile(np.arange(30), 8),
            "product": np.repeat([1, 2, 3, 4], 60),
            "year": np.tile(np.repeat([2000, 2001], 30), 4),
            "value_usd": rng.exponential(size=240),
            "unit_value_usd": rng.lognormal(size=240),
        }
    )
    weighted = relative_unit_value(world) * world["value_usd"]
    keys = [world["product"], world["year"]]
    means = weighted.groupby(keys).sum() / world["value_usd"].groupby(keys).sum()
    np.testing.assert_allclose(means, 1, rtol=1e-13)


def test_comparison_within_destinations(trade):
    two = pd.concat([trade.assign(importer="USA"), trade.assign(importer="JPN", value_usd=1.0)])
    ratio = relative_unit_value(two, within=["importer", "product", "year"])
    np.testing.assert_allclose(ratio.iloc[:6], relative_unit_value(trade), rtol=1e-14)
    np.testing.assert_allclose(ratio.iloc[6:9], np.array([3, 2, 9]) / (14 / 3), rtol=1e-14)


def test_distance_to_the_best_exporter_and_to_a_percentile(trade):
    distance = distance_to_frontier(trade)
    np.testing.assert_allclose(distance.iloc[[0, 1, 2, 5]], np.log([1, 2, 4, 1]), atol=1e-15)
    assert distance.iloc[[3, 4]].isna().all()
    half = distance_to_frontier(trade, percentile=50)
    np.testing.assert_allclose(half.iloc[:3], np.log([0.5, 1, 2]), atol=1e-15)
    assert distance.attrs["lineage"] == {"distance_to_frontier": ["quality"]}


def test_bad_frames_are_refused_with_their_place(trade):
    with pytest.raises(DataError, match=r"row 3.*repeat a key of exporter, product, year"):
        relative_unit_value(trade.iloc[[0, 0, 1]])
    with pytest.raises(DataError, match="row 2, column 'unit_value_usd'"):
        relative_unit_value(trade.assign(unit_value_usd=-1.0))
    with pytest.raises(DataError, match=r"column 'value_usd'.*missing"):
        relative_unit_value(trade.drop(columns="value_usd"))
    with pytest.raises(DataError, match="row 2, column 'quality'"):
        distance_to_frontier(trade.assign(quality=np.inf))
    for percentile in (0, 101):
        with pytest.raises(DataError, match="percentile"):
            distance_to_frontier(trade, percentile=percentile)
