"""Buyer concentration, its bounds and main-buyer spells, by hand and by identity."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import raw_columns
from gvcmetrics.measures.governance.buyers import (
    buyer_concentration,
    buyer_hhi_bounds,
    main_buyer_spells,
)
from gvcmetrics.measures.trade.concentration import hhi


@pytest.fixture
def sales() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("a", 1, "X", 60.0), ("a", 1, "Y", 30.0), ("a", 1, "Z", 10.0),
            ("a", 2, "X", 25.0), ("a", 2, "X", 25.0), ("a", 2, "Y", 50.0),
            ("a", 3, "Y", 9.0), ("a", 3, "X", 1.0),
            ("b", 1, "X", 5.0),
            ("b", 3, "X", 5.0),
            ("c", 2, "Z", 0.0),
        ],
        columns=["firm_id", "year", "buyer_id", "sales_usd"],
    )  # fmt: skip


def test_buyer_concentration_by_hand(sales):
    out = buyer_concentration(sales).set_index(["firm_id", "year"])
    assert out.loc[("a", 1), "buyer_hhi"] == pytest.approx(0.46)
    assert out.loc[("a", 1), "main_buyer_share"] == pytest.approx(0.6)
    assert out.loc[("a", 1), "buyer_cr3"] == pytest.approx(1)
    assert out.loc[("a", 1), "buyer_hhi_normalised"] == pytest.approx((0.46 - 1 / 3) / (2 / 3))
    assert out.loc[("a", 2), "main_buyer_share"] == pytest.approx(0.5)
    assert out["n_buyers"].tolist() == [3, 2, 2, 1, 1, 0]
    assert out.loc[("b", 1), ["buyer_hhi", "buyer_hhi_normalised"]].tolist() == [1, 1]
    assert out.loc[("c", 2), ["main_buyer_share", "buyer_hhi"]].isna().all()
    assert raw_columns(out, "buyer_hhi") == ["buyer_id", "sales_usd"]
    with pytest.raises(DataError, match="negative"):
        buyer_concentration(sales.assign(sales_usd=-1.0))
    with pytest.raises(DataError, match="buyer_id"):
        buyer_concentration(sales.drop(columns="buyer_id"))


@settings(max_examples=60)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=8))
def test_the_bounds_hold_for_any_sales(amounts):
    share = max(amounts) / sum(amounts)
    frame = pd.DataFrame({"main_buyer_share": [share], "n_buyers": [len(amounts)]})
    bounds = buyer_hhi_bounds(frame).iloc[0]
    assert bounds["buyer_hhi_lower"] - 1e-9 <= hhi(amounts) <= bounds["buyer_hhi_upper"] + 1e-9


def test_the_bounds_are_reached_and_impossible_answers_refused():
    frame = pd.DataFrame({"main_buyer_share": [0.4, 1.0, np.nan, 0.5], "n_buyers": [4, 1, 3, np.nan]})
    out = buyer_hhi_bounds(frame)
    assert out.loc[0, "buyer_hhi_lower"] == pytest.approx(hhi([0.4, 0.2, 0.2, 0.2]))
    assert out.loc[0, "buyer_hhi_upper"] == pytest.approx(hhi([0.4, 0.4, 0.2]))
    assert out.loc[1].tolist() == [1, 1]
    assert out.loc[2:].isna().to_numpy().all()
    for share, buyers in ((0.2, 3), (80.0, 4), (1.5, 4), (0.5, 1), (0.5, 2.5), (0.0, 3)):
        with pytest.raises(DataError, match=r"row 2, .*cannot both be true"):
            buyer_hhi_bounds(pd.DataFrame({"main_buyer_share": [share], "n_buyers": [buyers]}))


def test_main_buyer_spells_by_hand(sales):
    out = main_buyer_spells(sales)
    # Year 2 of firm a is a tie that the incumbent X keeps; firm b is not observed in year 2.
    expected = pd.DataFrame(
        [
            ("a", 1, "X", 1, 2, 2, True, True),
            ("a", 2, "Y", 3, 3, 1, False, False),
            ("b", 1, "X", 1, 1, 1, False, True),
            ("b", 2, "X", 3, 3, 1, False, True),
        ],
        columns=["firm_id", "spell", "buyer_id", "start", "end", "duration", "ended", "left_censored"],
    )
    pd.testing.assert_frame_equal(out, expected, check_dtype=False)
    assert out.attrs["lineage"]["ended"] == ["buyer_id", "sales_usd"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 6), st.sampled_from("XYZ"), st.integers(0, 9)),
        min_size=1,
        max_size=30,
    )
)
def test_spells_cover_every_observed_year_once(rows):
    sales = pd.DataFrame(rows, columns=["firm_id", "year", "buyer_id", "sales_usd"])
    out = main_buyer_spells(sales)
    covered = [(s.firm_id, y) for s in out.itertuples() for y in range(s.start, s.end + 1)]
    positive = sales[sales["sales_usd"] > 0]
    assert sorted(covered) == sorted(set(zip(positive["firm_id"], positive["year"], strict=True)))
    following = set(zip(out["firm_id"], out["start"], strict=True))
    for s in out.itertuples():
        assert s.ended == ((s.firm_id, s.end + 1) in following)


def test_spells_refuse_bad_keys(sales):
    with pytest.raises(DataError, match="row 4, column 'buyer_id': a part of the key is missing"):
        main_buyer_spells(sales.assign(buyer_id=sales["buyer_id"].where(sales.index != 2)))
    with pytest.raises(DataError, match="not whole numbers"):
        main_buyer_spells(sales.assign(year=2000.5))


def test_a_tie_keeps_the_incumbent_wherever_its_name_stands():
    rows = [
        ("a", 1, "Y", 6.0), ("a", 1, "X", 1.0), ("a", 2, "X", 4.0), ("a", 2, "Y", 4.0), ("a", 3, "Z", 3.0),
        ("a", 3, "X", 3.0), ("a", 4, "W", 2.0), ("a", 4, "X", 2.0), ("a", 4, "Z", 2.0),
    ]  # fmt: skip
    out = main_buyer_spells(pd.DataFrame(rows, columns=["firm_id", "year", "buyer_id", "sales_usd"]))
    # In year 3 the incumbent Y is gone and two newcomers tie: the first by name, which year 4 keeps.
    assert out[["buyer_id", "start", "end"]].to_numpy().tolist() == [["Y", 1, 2], ["X", 3, 4]]
