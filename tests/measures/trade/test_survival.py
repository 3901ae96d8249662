"""Entry, exit and spells by hand and by brute force; Kaplan–Meier against R's survival."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError, EstimationWarning
from gvcmetrics.measures.trade.survival import entry_exit, kaplan_meier, trade_spells

REFERENCE = Path(__file__).parents[2] / "reference" / "trade"


def flows(**paths: list[float]) -> pd.DataFrame:
    """One flow for each exporter; the list holds its values from 2000 on."""
    rows = [(c, "USA", "p", 2000 + t, v) for c, path in paths.items() for t, v in enumerate(path)]
    return pd.DataFrame(rows, columns=["exporter", "importer", "product", "year", "value_usd"])


def test_entry_and_exit_by_hand():
    frame = flows(ITA=[5, 0, 3, 4, 0], BRA=[0, 2, np.nan, 0, 1])
    before = frame.copy(deep=True)
    out = entry_exit(frame)
    na = pd.NA
    assert out["active"].tolist() == [True, False, True, True, False, False, True, False, False, True]
    assert out["entry"].tolist() == [na, False, True, False, False, False, True, False, False, True]
    assert out["exit"].tolist() == [True, False, False, True, False, False, True, False, False, na]
    assert out.attrs["lineage"]["exit"] == ["value_usd"]
    pd.testing.assert_frame_equal(frame, before)


def test_rows_left_out_and_rows_of_zero_mean_the_same():
    frame = flows(ITA=[5, 0, 3, 4, 0, 1], BRA=[0, 2, 2, 0, 1, 0])
    sparse = frame[frame["value_usd"] > 0].sample(frac=1, random_state=3)
    full = entry_exit(frame).loc[sparse.index]
    pd.testing.assert_frame_equal(entry_exit(sparse), full)
    pd.testing.assert_frame_equal(trade_spells(sparse), trade_spells(frame))


def test_spells_by_hand():
    out = trade_spells(flows(ITA=[5, 0, 3, 4, 0], BRA=[0, 2, 2, 0, 1]))
    columns = ["exporter", "spell", "start", "end", "duration", "ended", "left_censored"]
    assert out[columns].to_numpy().tolist() == [
        ["BRA", 1, 2001, 2002, 2, True, False],
        ["BRA", 2, 2004, 2004, 1, False, False],
        ["ITA", 1, 2000, 2000, 1, True, True],
        ["ITA", 2, 2002, 2003, 2, True, False],
    ]


def test_bridged_gaps_and_their_censoring():
    out = trade_spells(flows(ITA=[5, 0, 3, 4, 0], BRA=[0, 2, 0, 0, 0]), gap=1)
    columns = ["exporter", "start", "end", "duration", "ended"]
    assert out[columns].to_numpy().tolist() == [
        ["BRA", 2001, 2001, 1, True],
        ["ITA", 2000, 2003, 4, False],  # a return in 2005 would still be bridged
    ]


def test_calendar_is_the_years_of_the_frame():
    frame = flows(ITA=[1, 1, 1], BRA=[1, 0, 1])
    frame["year"] = frame["year"].map({2000: 1990, 2001: 1995, 2002: 2000})
    out = trade_spells(frame)
    assert out["duration"].tolist() == [1, 1, 3]


@pytest.mark.parametrize("gap", [0, 1, 2])
def test_spells_against_a_plain_walk_through_each_flow(gap):
    rng = np.random.default_rng(gap)
    traded = rng.random((40, 12)) < 0.5
    traded[0] = True  # so that every year is in the calendar
    out = trade_spells(
        flows(**{f"c{i:02d}": row.astype(float).tolist() for i, row in enumerate(traded)}), gap=gap
    )
    expected = []
    for i, row in enumerate(traded):
        start = last = None
        for year in np.flatnonzero(row):
            if start is None or year - last > gap + 1:
                if start is not None:
                    expected.append((f"c{i:02d}", start, last))
                start = year
            last = year
        if start is not None:
            expected.append((f"c{i:02d}", start, last))
    got = list(zip(out["exporter"], out["start"] - 2000, out["end"] - 2000, strict=True))
    assert got == expected


def test_entries_match_the_starts_of_spells():
    rng = np.random.default_rng(9)
    paths = {f"c{i}": (rng.random(10) < 0.6).astype(float).tolist() for i in range(50)}
    frame = flows(**paths)
    table, status = trade_spells(frame), entry_exit(frame)
    assert status["entry"].sum() == (~table["left_censored"]).sum()
    assert status["exit"].sum() == table["ended"].sum()
    assert status["active"].sum() == table["duration"].sum()


def test_kaplan_meier_against_r_survival():
    table = pd.read_csv(REFERENCE / "survival_spells.csv")
    expected = pd.read_csv(REFERENCE / "survival_curves.csv")
    got = kaplan_meier(table, by="market")
    assert got["market"].tolist() == expected["market"].tolist()
    for column in ("duration", "at_risk", "events"):
        np.testing.assert_array_equal(got[column], expected[column])
    for column in ("survival", "std_error", "lower", "upper"):
        np.testing.assert_allclose(got[column], expected[column], rtol=1e-10)
    one = kaplan_meier(table[table["market"] == "open"])
    pd.testing.assert_frame_equal(
        one, got[got["market"] == "open"].drop(columns="market").reset_index(drop=True)
    )


def test_without_censoring_survival_is_the_empirical_share():
    durations = np.random.default_rng(4).integers(1, 9, 300)
    curve = kaplan_meier(pd.DataFrame({"duration": durations, "ended": True}))
    share = [(durations > t).mean() for t in curve["duration"]]
    np.testing.assert_allclose(curve["survival"], share, atol=1e-14)
    binomial = np.sqrt(np.array(share) * (1 - np.array(share)) / 300)
    np.testing.assert_allclose(curve["std_error"].iloc[:-1], binomial[:-1], rtol=1e-12)


def test_bad_frames_are_refused_with_their_place():
    frame = flows(ITA=[1, 2])
    with pytest.raises(DataError, match=r"row 3.*repeat a key"):
        trade_spells(frame.iloc[[0, 0]])
    with pytest.raises(DataError, match="row 2, column 'value_usd'"):
        entry_exit(frame.assign(value_usd=-1.0))
    with pytest.raises(DataError, match="gap is -1"):
        trade_spells(frame, gap=-1)
    with pytest.raises(DataError, match=r"row 3, column 'duration'"):
        kaplan_meier(pd.DataFrame({"duration": [1, 0], "ended": True}))
    with pytest.raises(DataError, match="no spell"):
        kaplan_meier(pd.DataFrame({"duration": [], "ended": []}))


def spells_seen_from_their_third_year() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "duration": [4, 2, 3, 5, 1],
            "ended": [True, True, False, True, True],
            "left_censored": [True, False, False, True, False],
            "entry": [2, 0, 0, 3, 0],
        }
    )


def test_left_censored_spells_are_left_out_with_a_warning() -> None:
    """Besedeš and Prusa (2006): their beginnings, so their durations, are unknown."""
    spells = spells_seen_from_their_third_year()
    with pytest.warns(EstimationWarning, match="2 of 5 spells were under way"):
        curve = kaplan_meier(spells)
    pd.testing.assert_frame_equal(curve, kaplan_meier(spells[~spells["left_censored"]]))
    assert curve["survival"].tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 3])
    kept = kaplan_meier(spells, left_censored="keep")
    assert kept["at_risk"].tolist() == [5, 4, 3, 2, 1]


def test_spells_of_known_beginning_enter_late() -> None:
    """By hand: at risk at 1, 2, 3, 4, 5 are 3, 2, 2, 2, 1 (who entered before and is not gone before)."""
    curve = kaplan_meier(spells_seen_from_their_third_year(), entry="entry")
    assert curve["at_risk"].tolist() == [3, 2, 2, 2, 1]
    assert curve["survival"].tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 3, 1 / 6, 0])
    with pytest.raises(DataError, match="first seen when it has ended"):
        kaplan_meier(spells_seen_from_their_third_year().assign(entry=[2, 2, 0, 3, 0]), entry="entry")
