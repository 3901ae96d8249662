"""Concentration: hand-worked numbers, bounds, decomposition, and bad input."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvcmetrics.errors import DataError
from gvcmetrics.measures.trade.concentration import (
    concentration_indices,
    hhi,
    market_share,
    normalised_hhi,
    theil,
)

amounts = st.lists(st.floats(0.01, 1e9), min_size=2, max_size=30)


def test_hand_worked_indices():
    values = [50, 30, 20, 0, np.nan]
    assert hhi(values) == pytest.approx(0.38, rel=1e-14)
    assert normalised_hhi(values) == pytest.approx((0.38 - 1 / 3) / (2 / 3), rel=1e-14)
    assert normalised_hhi(values, n=5) == pytest.approx((0.38 - 0.2) / 0.8, rel=1e-14)
    expected = 0.5 * math.log(1.5) + 0.3 * math.log(0.9) + 0.2 * math.log(0.6)
    assert theil(values) == pytest.approx(expected, rel=1e-12)
    assert theil(values, n=5) == pytest.approx(expected + math.log(5 / 3), rel=1e-12)


@given(amounts, st.floats(0.001, 1000))
def test_bounds_and_scale_invariance(values, scale):
    n = len(values)
    assert 1 / n - 1e-12 <= hhi(values) <= 1
    assert -1e-9 <= normalised_hhi(values) <= 1
    assert -1e-9 <= theil(values) <= math.log(n) + 1e-9
    assert hhi(np.array(values) * scale) == pytest.approx(hhi(values), rel=1e-9)


@given(st.floats(0.1, 1e6), st.integers(2, 40))
def test_equal_amounts_are_not_concentrated(amount, n):
    assert hhi([amount] * n) == pytest.approx(1 / n)
    assert normalised_hhi([amount] * n) == pytest.approx(0, abs=1e-12)
    assert theil([amount] * n) == pytest.approx(0, abs=1e-12)


@given(amounts, amounts)
def test_theil_decomposes_into_between_and_within_groups(left, right):
    total, sums = sum(left) + sum(right), [sum(left), sum(right)]
    n = len(left) + len(right)
    groups = list(zip((left, right), sums, strict=True))
    between = sum(s / total * math.log((s / total) / (len(g) / n)) for g, s in groups)
    within = sum(s / total * theil(g) for g, s in groups)
    assert theil(left + right) == pytest.approx(between + within, rel=1e-8, abs=1e-10)


def test_one_market_and_none():
    assert normalised_hhi([7.0]) == 1.0
    assert theil([7.0]) == 0.0
    for index in (hhi, normalised_hhi, theil):
        assert math.isnan(index([0.0, 0.0]))
        with pytest.raises(DataError, match="negative"):
            index([1.0, -1.0])
    with pytest.raises(DataError, match="2 places are served but n is 1"):
        theil([1.0, 2.0], n=1)


@pytest.fixture
def trade() -> pd.DataFrame:
    rows = [
        ("ITA", "DEU", "shoes", 2000, 50.0),
        ("ITA", "DEU", "tiles", 2000, 25.0),
        ("ITA", "FRA", "shoes", 2000, 20.0),
        ("ITA", "USA", "shoes", 2000, 5.0),
        ("BRA", "USA", "shoes", 2000, 9.0),
        ("IND", "USA", "shoes", 2000, 0.0),
        ("PAK", "USA", "shoes", 2000, np.nan),
        ("ITA", "DEU", "shoes", 2001, 10.0),
        ("ITA", "FRA", "shoes", 2001, 10.0),
    ]
    return pd.DataFrame(rows, columns=["exporter", "importer", "product", "year", "value_usd"])


def test_frame_agrees_with_the_scalar_functions(trade):
    before = trade.copy(deep=True)
    out = concentration_indices(trade).set_index(["exporter", "year"])
    row = out.loc[("ITA", 2000)]
    assert row["n_markets"] == 3
    assert row["hhi"] == pytest.approx(hhi([75, 20, 5]), rel=1e-14)
    assert row["hhi_normalised"] == pytest.approx(normalised_hhi([75, 20, 5]), rel=1e-14)
    assert row["theil"] == pytest.approx(theil([75, 20, 5]), rel=1e-12)
    assert row["diversification"] == pytest.approx(1 - row["hhi_normalised"], rel=1e-14)
    pd.testing.assert_frame_equal(trade, before)


def test_frame_with_all_zero_missing_and_single_market_units(trade):
    out = concentration_indices(trade).set_index(["exporter", "year"])
    for exporter in ("IND", "PAK"):
        assert out.loc[(exporter, 2000), "n_markets"] == 0
        assert out.loc[(exporter, 2000), ["hhi", "hhi_normalised", "theil", "diversification"]].isna().all()
    assert out.loc[("BRA", 2000), "diversification"] == 0
    assert out.loc[("ITA", 2001), "diversification"] == 1


def test_number_of_places_and_other_directions(trade):
    out = concentration_indices(trade, n=10).set_index(["exporter", "year"])
    assert out.loc[("ITA", 2000), "hhi_normalised"] == pytest.approx(normalised_hhi([75, 20, 5], n=10))
    assert out.loc[("ITA", 2000), "theil"] == pytest.approx(theil([75, 20, 5], n=10))
    imports = concentration_indices(trade, across="exporter", by=["importer", "year"])
    usa = imports.set_index(["importer", "year"]).loc[("USA", 2000)]
    assert usa["hhi"] == pytest.approx(hhi([5, 9]))
    with pytest.raises(DataError, match="3 places are served but n is 2"):
        concentration_indices(trade, n=2)


def test_market_shares_add_to_one_and_remember_their_source(trade):
    share = market_share(trade)
    sums = share.groupby([trade["product"], trade["year"]]).sum()
    np.testing.assert_allclose(sums, 1, rtol=1e-14)
    assert share.iloc[0] == pytest.approx(50 / 84)
    assert np.isnan(share.iloc[6])
    assert share.attrs["lineage"] == {"market_share": ["value_usd"]}
    assert concentration_indices(trade).attrs["lineage"]["theil"] == ["importer", "value_usd"]


def test_all_zero_market_has_missing_shares(trade):
    assert market_share(trade.assign(value_usd=0.0)).isna().all()


def test_bad_frames_are_refused_with_their_place(trade):
    with pytest.raises(DataError, match=r"row 3.*repeat a key"):
        market_share(trade.iloc[[0, 0, 1]])
    with pytest.raises(DataError, match=r"row 2, column 'value_usd': \d negative values, the first is -50"):
        market_share(trade.assign(value_usd=-trade["value_usd"]))
    with pytest.raises(DataError, match=r"column 'value_usd'.*no such column"):
        concentration_indices(trade.drop(columns="value_usd"))
    with pytest.raises(DataError, match=r"column 'value_usd'.*not numeric"):
        concentration_indices(trade.assign(value_usd=trade["value_usd"].astype(str)))
    with pytest.raises(DataError, match="part of the key is missing"):
        concentration_indices(trade.assign(importer=None))


def test_two_markets_are_normalised_too():
    frame = pd.DataFrame({"firm_id": "a", "buyer_id": ["X", "Y"], "sales_usd": [75.0, 25.0]})
    row = concentration_indices(frame, across="buyer_id", by=["firm_id"], value="sales_usd").iloc[0]
    assert row["hhi"] == pytest.approx(0.625)
    assert row["hhi_normalised"] == pytest.approx((0.625 - 0.5) / 0.5)
