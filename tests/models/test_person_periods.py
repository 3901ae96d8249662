"""Spell data: by hand, and the remission times of Freireich et al. (1963) against their life table."""

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError

SPELLS = pd.DataFrame(
    {
        "firm": ["a", "b", "c"],
        "years": [3, 1, 4],
        "exit": [1, 0, 1],
        "seen": [0, 0, 2],
        "since": [1990, 1995, 2000],
    }
)
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSE = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
# Survivor function of 6-MP patients at the weeks of a relapse, as printed in the textbooks on survival.
SURVIVAL = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}


def test_by_hand() -> None:
    rows = gvc.spell_data(SPELLS, duration="years", event="exit", entry="seen", start="since", bands=[1, 3])
    assert rows["firm"].tolist() == ["a", "a", "a", "b", "c", "c"]
    assert rows["spell"].tolist() == [0, 0, 0, 1, 2, 2]
    assert rows["period"].tolist() == [1, 2, 3, 1, 3, 4]
    assert rows["exit"].tolist() == [0, 0, 1, 0, 0, 1]
    assert rows["time"].tolist() == [1990, 1991, 1992, 1995, 2002, 2003]
    assert rows["band"].tolist() == ["1", "2-3", "2-3", "1", "2-3", "4+"]
    assert rows["band"].cat.ordered


def test_duration_dummies_give_the_life_table() -> None:
    spells = pd.DataFrame({"weeks": WEEKS, "relapse": RELAPSE})
    rows = gvc.spell_data(spells, duration="weeks", event="relapse")
    assert len(rows) == sum(WEEKS)
    assert rows["relapse"].sum() == sum(RELAPSE)
    # Weeks without a relapse have hazard zero and no dummy.
    with_event = rows[rows.groupby("period")["relapse"].transform("sum") > 0]
    result = gvc.cloglog("relapse ~ 0 + C(period)", with_event)
    hazard = result.predict().groupby(with_event["period"]).first()
    survival = (1 - hazard).cumprod()
    for week, share in SURVIVAL.items():
        assert survival[week] == pytest.approx(share, abs=6e-4)
    at_risk = with_event.groupby("period")["relapse"]
    np.testing.assert_allclose(hazard, at_risk.mean(), rtol=1e-7)


def test_hazard_ratio_is_that_of_continuous_time() -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(0, 2, 20_000)
    exact = rng.exponential(1 / (0.15 * np.exp(0.5 * x)))
    length = np.ceil(exact).clip(max=6).astype(int)
    spells = pd.DataFrame({"x": x, "length": length, "ended": (exact <= 6).astype(int)})
    rows = gvc.spell_data(spells, duration="length", event="ended", bands=[1, 2, 3, 4, 5])
    result = gvc.cloglog("ended ~ x + band", rows)
    low, high = result.conf_int(0.999).loc["x"]
    assert low < 0.5 < high
    assert high - low < 0.15


@pytest.mark.parametrize(
    ("change", "column", "message"),
    [
        ({"years": [0, 1, 2]}, "years", "whole number of at least 1"),
        ({"years": [1.5, 1, 2]}, "years", "whole number of at least 1"),
        ({"years": [np.nan, 1, 2]}, "years", "whole number"),
        ({"exit": [0, 2, 1]}, "exit", "neither 0 nor 1"),
        ({"seen": [0, 1, 0]}, "seen", "not before the spell's end"),
        ({"years": ["a", "b", "c"]}, "years", "numbers are needed"),
        ({"period": [1, 1, 1]}, "period", "overwritten"),
    ],
)
def test_bad_input(change: dict, column: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        gvc.spell_data(SPELLS.assign(**change), duration="years", event="exit", entry="seen")
    assert caught.value.place.column == column


@pytest.mark.parametrize("bands", [[], [0, 2], [3, 2]])
def test_bands_rise(bands: list) -> None:
    with pytest.raises(DataError, match="rising"):
        gvc.spell_data(SPELLS, duration="years", event="exit", bands=bands)
