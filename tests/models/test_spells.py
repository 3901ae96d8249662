"""Spell data and the discrete-time hazard."""

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError


def test_spells_by_hand() -> None:
    frame = pd.DataFrame(
        {
            "firm": ["a"] * 6 + ["b"] * 4 + ["c"] * 3,
            "year": [1, 2, 3, 4, 5, 6, 1, 2, 4, 5, 1, 2, 3],
            "captive": [1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1],
        }
    )
    made = gvc.spells(frame.sample(frac=1, random_state=1), unit="firm", time="year", state="captive")
    # a: two spells, both left; b: one spell, censored by the gap at 3, and one that starts in its last year;
    # c enters in its last year and is never at risk.
    expected = [("a", 2, 1, 1, 0), ("a", 3, 1, 2, 1), ("a", 5, 2, 1, 1), ("b", 2, 1, 1, 0)]
    rows = made.sort_values(["firm", "year"])[["firm", "year", "spell", "duration", "exit"]]
    assert list(rows.itertuples(index=False, name=None)) == expected


def test_a_proportional_hazard_is_recovered() -> None:
    rng = np.random.default_rng(6)
    rows = []
    for firm in range(4000):
        x = rng.normal()
        rows.append((firm, 0, 1, x))
        for year in range(1, 9):
            stays = rng.uniform() >= 1 - np.exp(-np.exp(-1.5 + 0.6 * x))
            rows.append((firm, year, int(stays), x))
            if not stays:
                break
    frame = pd.DataFrame(rows, columns=["firm", "year", "captive", "x"])
    risk = gvc.spells(frame, unit="firm", time="year", state="captive")
    estimate = gvc.cloglog("exit ~ C(duration) + x", risk)
    low, high = estimate.conf_int(0.999).loc["x"]
    assert low < 0.6 < high
    assert high - low < 0.2


def test_bad_spells() -> None:
    frame = pd.DataFrame({"firm": [1, 1], "year": [1, 1], "captive": [1, 0]})
    with pytest.raises(DataError, match=r"has period .* twice; .* repeat a unit and period"):
        gvc.spells(frame, unit="firm", time="year", state="captive")
    with pytest.raises(DataError, match="neither 0 nor 1"):
        gvc.spells(frame.assign(year=[1, 2], captive=[1, 3]), unit="firm", time="year", state="captive")
    with pytest.raises(DataError, match="no such column"):
        gvc.spells(frame, unit="firm", time="year", state="status")
