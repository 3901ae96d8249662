"""Relative unit values and the distance to the quality frontier."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.trade.quality import (
    distance_to_frontier,
    khandelwal_quality,
    relative_unit_value,
    unit_value,
    unit_value_outliers,
)


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
    with pytest.raises(DataError, match=r"column 'value_usd'.*no such column"):
        relative_unit_value(trade.drop(columns="value_usd"))
    with pytest.raises(DataError, match="row 2, column 'quality'"):
        distance_to_frontier(trade.assign(quality=np.inf))
    for percentile in (0, 101):
        with pytest.raises(DataError, match="percentile"):
            distance_to_frontier(trade, percentile=percentile)


def test_unit_values_and_their_zeros():
    frame = pd.DataFrame({"value_usd": [6.0, 6.0, 0.0, np.nan], "quantity": [2.0, 0.0, 2.0, 2.0]})
    got = unit_value(frame)
    assert got.iloc[0] == 3.0
    assert got.iloc[1:].isna().all()
    assert got.attrs["lineage"] == {"unit_value_usd": ["quantity", "value_usd"]}
    with pytest.raises(DataError, match="row 2, column 'quantity'"):
        unit_value(frame.assign(quantity=-1.0))


def test_outlier_rules_by_hand():
    prices = [0.1, 0.9, 1.0, 1.0, 1.1, 2.0, 4.9, 5.6, np.nan, 0.0]
    frame = pd.DataFrame({"unit_value_usd": prices, "product": "p", "year": 1})
    median = np.median(prices[:8])
    expected = [p < median / 5 or p > 5 * median for p in prices[:8]]
    assert unit_value_outliers(frame).tolist() == [*expected, False, False]
    assert expected == [True, *[False] * 6, True]
    q1, q3 = np.quantile(np.log(prices[:8]), [0.25, 0.75])
    fences = [not q1 - 0.5 * (q3 - q1) <= np.log(p) <= q3 + 0.5 * (q3 - q1) for p in prices[:8]]
    assert 0 < sum(fences) < 8
    assert unit_value_outliers(frame, rule="fences", bound=0.5).tolist()[:8] == fences
    trimmed = unit_value_outliers(frame, rule="percentile", bound=10)
    assert trimmed.tolist() == [True, *[False] * 6, True, False, False]
    for rule, bound in (("median", 1.0), ("percentile", 50), ("fences", 0), ("best", 1)):
        with pytest.raises(DataError, match="rule"):
            unit_value_outliers(frame, rule=rule, bound=bound)


def flows(seed: int = 0, rows: int = 600) -> tuple[pd.DataFrame, np.ndarray]:
    """Simulated CES demand with known quality; sectors have their own elasticities."""
    rng = np.random.default_rng(seed)
    product, place = rng.integers(0, 30, rows), rng.integers(0, 40, rows)
    sigma = np.where(product < 15, 3.0, 6.0)
    quality, price = rng.normal(0, 0.5, rows), rng.normal(0, 1, rows)
    effects = rng.normal(size=30)[product] + rng.normal(size=40)[place]
    log_quantity = -sigma * price + (sigma - 1) * quality + effects
    frame = pd.DataFrame(
        {
            "product": product,
            "importer": place // 4,
            "year": place % 4,
            "quantity": np.exp(log_quantity),
            "unit_value_usd": np.exp(price),
            "sigma": sigma,
        }
    )
    return frame, quality


def dummies(*factors: np.ndarray) -> np.ndarray:
    return np.hstack([(f[:, None] == np.unique(f)[None, :]).astype(float) for f in factors])


def test_khandelwal_quality_against_least_squares_on_dummies():
    frame, _ = flows()
    got = khandelwal_quality(frame, sigma=4.0)
    y = np.log(frame["quantity"]) + 4 * np.log(frame["unit_value_usd"])
    place = (frame["importer"] * 10 + frame["year"]).to_numpy()
    x = dummies(frame["product"].to_numpy(), place)
    expected = (y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) / 3
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-10)
    assert got.attrs["lineage"] == {"log_quality": ["quantity", "unit_value_usd"]}


def test_khandelwal_quality_recovers_known_quality_net_of_effects():
    frame, quality = flows(rows=1500)
    got = khandelwal_quality(frame.assign(sector=frame["sigma"]), sigma="sigma", by=["sector"])
    for sector in (3.0, 6.0):
        inside = (frame["sigma"] == sector).to_numpy()
        place = (frame["importer"] * 10 + frame["year"]).to_numpy()[inside]
        x = dummies(frame["product"].to_numpy()[inside], place)
        truth = quality[inside] - x @ np.linalg.lstsq(x, quality[inside], rcond=None)[0]
        np.testing.assert_allclose(got[inside], truth, atol=1e-9)
    assert np.corrcoef(got, quality)[0, 1] > 0.9


def test_khandelwal_quality_of_lonely_and_unusable_rows_is_missing():
    frame, _ = flows()
    extra = pd.DataFrame(
        {
            "product": [99, 98, 98, 1, 1],
            "importer": [0, 0, 77, 0, np.nan],
            "year": [0, 0, 0, 0, 0],
            "quantity": [1.0, 2.0, 3.0, 0.0, 1.0],
            "unit_value_usd": 1.0,
            "sigma": 3.0,
        }
    )
    both = pd.concat([frame, extra], ignore_index=True)
    got = khandelwal_quality(both, sigma="sigma")
    # Product 99 is alone; 98's second row is alone in its importer-year, which leaves the first alone too.
    assert got.iloc[-5:].isna().all()
    np.testing.assert_allclose(got.iloc[:-5], khandelwal_quality(frame, sigma="sigma"), atol=1e-9)


def test_khandelwal_quality_on_unconnected_blocks():
    frame, _ = flows(rows=200)
    twin = frame.assign(product=frame["product"] + 100, importer=frame["importer"] + 100)
    both = khandelwal_quality(pd.concat([frame, twin], ignore_index=True), sigma=4.0)
    alone = khandelwal_quality(frame, sigma=4.0).to_numpy()
    np.testing.assert_allclose(both, np.concatenate([alone, alone]), atol=1e-9)


def test_khandelwal_quality_refuses_small_elasticities():
    frame, _ = flows(rows=50)
    with pytest.raises(DataError, match=r"elasticity 1\.0 is not above one"):
        khandelwal_quality(frame, sigma=1.0)
    frame.loc[4, "sigma"] = 0.5
    with pytest.raises(DataError, match="row 6, column 'sigma'"):
        khandelwal_quality(frame, sigma="sigma")


def test_the_world_is_a_mean_of_unit_values_or_value_over_quantity() -> None:
    """A's relative unit value falls by the one and rises by the other: 133/118 and 19/115 are the world's."""
    world = pd.DataFrame(
        {"exporter": list("ABAB"), "product": "p", "year": [0, 0, 1, 1], "value_usd": [92.0, 41, 18, 1]}
    )
    quantity = np.array([44.0, 74, 30, 85])
    world["unit_value_usd"] = world["value_usd"] / quantity
    ratio = relative_unit_value(world, world="ratio")
    expected = world["unit_value_usd"] / np.array([133 / 118, 133 / 118, 19 / 115, 19 / 115])
    np.testing.assert_allclose(ratio, expected, rtol=1e-12)
    mean = relative_unit_value(world, world="mean")
    pd.testing.assert_series_equal(mean, relative_unit_value(world))
    assert mean[2] < mean[0]
    assert ratio[2] > ratio[0]
    with pytest.raises(DataError, match="no unit value of the world"):
        relative_unit_value(world, world="median")
