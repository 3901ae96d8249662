"""Kaplinsky–Readman quadrants over years and windows, and the moves between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.trade.quadrants import QUADRANTS, quadrants, transition_matrix


def panel(rows: list[tuple]) -> pd.DataFrame:
    columns = ["exporter", "product", "year", "relative_unit_value", "market_share"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def four_corners() -> pd.DataFrame:
    ends = {"UPP": (1.2, 0.3), "PRO": (0.8, 0.3), "FAI": (1.2, 0.1), "DOW": (0.8, 0.1)}
    return panel(
        [(c, "p", 1990, 1.0, 0.2) for c in ends] + [(c, "p", 2000, r, s) for c, (r, s) in ends.items()]
    )


def test_the_four_quadrants(four_corners):
    before = four_corners.copy(deep=True)
    out = quadrants(four_corners).set_index("exporter")
    assert out["quadrant"].to_dict() == {
        "UPP": "product upgrading",
        "PRO": "process upgrading",
        "FAI": "failed product upgrading",
        "DOW": "downgrading",
    }
    assert out["quadrant"].cat.ordered
    assert tuple(out["quadrant"].cat.categories) == QUADRANTS
    assert out.loc["FAI", "change_relative_unit_value"] == pytest.approx(0.2)
    assert out.loc["FAI", "change_market_share"] == pytest.approx(-0.1)
    assert (out["start_year"] == 1990).all()
    assert (out["end_year"] == 2000).all()
    pd.testing.assert_frame_equal(four_corners, before)


def test_own_first_and_last_year_need_both_measures():
    out = quadrants(
        panel(
            [
                ("ITA", "p", 1990, np.nan, 0.9),
                ("ITA", "p", 1991, 1.0, 0.1),
                ("ITA", "p", 1995, 2.0, 0.2),
                ("ITA", "p", 1996, 0.1, np.nan),
                ("BRA", "p", 1993, 1.0, 0.1),
                ("KEN", "p", 1993, 1.0, np.nan),
            ]
        )
    ).set_index("exporter")
    assert out.loc["ITA", ["start_year", "end_year"]].tolist() == [1991, 1995]
    assert out.loc["ITA", "quadrant"] == "product upgrading"
    assert out["status"].to_dict() == {"BRA": "one year", "ITA": "classified", "KEN": "no start"}
    assert out["quadrant"].isna().sum() == 2


def test_windows_are_means_of_observed_years():
    rows = [("ITA", "p", 1990 + t, 1.0 + t, 0.5 - 0.1 * t) for t in range(5)]
    rows[1] = ("ITA", "p", 1991, np.nan, 0.4)
    out = quadrants(panel(rows), periods=[(1990, 1991), (1993, 1994)]).iloc[0]
    assert (out["start_year"], out["end_year"]) == (1990, 1994)
    assert out["start_relative_unit_value"] == 1.0
    assert out["start_market_share"] == 0.5
    assert out["end_relative_unit_value"] == pytest.approx(4.5)
    assert out["quadrant"] == "failed product upgrading"


def test_unobserved_periods_and_ties_are_told_apart():
    out = quadrants(
        panel(
            [
                ("TIE", "p", 1990, 1.0, 0.2),
                ("TIE", "p", 2000, 1.0, 0.3),
                ("NEW", "p", 2000, 1.0, 0.3),
                ("OLD", "p", 1990, 1.0, 0.3),
                ("MID", "p", 1995, 1.0, 0.3),
            ]
        ),
        periods=[1990, 2000],
    ).set_index("exporter")
    expected = {"MID": "no start", "NEW": "no start", "OLD": "no end", "TIE": "tie"}
    assert out["status"].to_dict() == expected
    assert out["quadrant"].isna().all()


def test_tolerance_makes_small_changes_ties(four_corners):
    assert (quadrants(four_corners, tolerance=0.15)["status"] == "tie").all()
    assert (quadrants(four_corners, tolerance=0.05)["status"] == "classified").all()


def test_lineage_reaches_the_raw_columns(four_corners):
    four_corners.attrs["lineage"] = {"relative_unit_value": ["unit_value_usd", "value_usd"]}
    lineage = quadrants(four_corners).attrs["lineage"]
    assert lineage["quadrant"] == ["market_share", "unit_value_usd", "value_usd"]
    assert lineage["change_market_share"] == ["market_share"]


def test_transitions_by_hand():
    path = {"A": [1, 2, 3, 4], "B": [1, 1, 2, 1], "C": [1, None, 2, 1]}
    rows = [(c, "p", 1990 + 10 * t, s) for c, states in path.items() for t, s in enumerate(states)]
    frame = pd.DataFrame(rows, columns=["exporter", "product", "start_year", "stage"])
    counts = transition_matrix(frame, state="stage", probabilities=False)
    expected = [[1, 2, 0, 0], [2, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    np.testing.assert_array_equal(counts, expected)
    shares = transition_matrix(frame, state="stage")
    np.testing.assert_allclose(shares.iloc[:3].sum(axis=1), 1)
    assert shares.iloc[3].isna().all()


def test_transitions_skip_absent_periods_of_a_unit():
    frame = pd.DataFrame(
        {
            "exporter": ["A", "A", "B", "B"],
            "product": "p",
            "start_year": [1990, 2010, 1990, 2000],
            "stage": ["low", "high", "low", "high"],
        }
    )
    assert transition_matrix(frame, state="stage", probabilities=False).to_numpy().sum() == 1


def test_quadrants_flow_into_a_matrix_with_all_four_states():
    rng = np.random.default_rng(3)
    rows = [(c, "p", y, rng.random(), rng.random()) for c in range(200) for y in (1, 2, 3, 4)]
    moves = transition_matrix(quadrants(panel(rows), periods=[1, 2, 3, 4]), probabilities=False)
    assert tuple(moves.index) == tuple(moves.columns) == QUADRANTS
    assert moves.to_numpy().sum() == 400


@pytest.mark.parametrize(
    "periods", [[1990], [2000, 1990], [(1990, 1995), (1995, 2000)], [(1995, 1990), (1996, 2000)]]
)
def test_bad_periods_are_refused(four_corners, periods):
    with pytest.raises(DataError, match="period"):
        quadrants(four_corners, periods=periods)


def test_bad_frames_are_refused_with_their_place(four_corners):
    with pytest.raises(DataError, match=r"row 3.*repeat a key of exporter, product, year"):
        quadrants(four_corners.iloc[[0, 0, 1]])
    with pytest.raises(DataError, match="column 'market_share'"):
        quadrants(four_corners.drop(columns="market_share"))
    with pytest.raises(DataError, match=r"column 'start_year'.*one period"):
        transition_matrix(quadrants(four_corners))
