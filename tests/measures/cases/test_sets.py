"""Calibration, necessity and sufficiency: R's QCA, values by hand, identities."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures
from gvcmetrics.errors import DataError

REFERENCE = Path(__file__).parents[2] / "reference" / "qca"
PUBLISHED = (REFERENCE / "qca.txt").read_text("utf-8")
CONDITIONS = ["DEV", "URB", "LIT", "IND", "STB"]


@pytest.fixture
def fuzzy() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "lf.csv", index_col=0)


def test_calibration_is_that_of_r():
    raw = pd.read_csv(REFERENCE / "lr.csv")["DEV"]
    lines = PUBLISHED[PUBLISHED.index("## calibrate") :].replace("[1]", "|").split("|")[1:]
    logistic, linear = ([float(x) for x in re.findall(r"\b\d\.\d{6}", part)] for part in lines)
    anchors = (400, 550, 900)
    np.testing.assert_allclose(measures.calibrate(raw, anchors), logistic, atol=5e-7)
    np.testing.assert_allclose(measures.calibrate(raw, anchors, method="linear"), linear, atol=5e-7)


@pytest.mark.parametrize("method", ["logistic", "linear"])
def test_falling_anchors_give_the_complement_of_rising_ones(method):
    x = np.array([-1.0, 0.0, 2.0, 3.0, np.nan])
    rising, falling = (measures.calibrate(x, anchors, method=method) for anchors in ((0, 1, 4), (4, 1, 0)))
    np.testing.assert_allclose(rising, 1 - falling)
    assert measures.calibrate([1.0], (0, 1, 4), method=method) == [0.5]


def test_calibration_refuses_what_means_nothing():
    for anchors in ((1, 1, 2), (0, 2, 1)):
        with pytest.raises(DataError, match="neither rise nor fall"):
            measures.calibrate([1.0], anchors)
    with pytest.raises(DataError, match="no method 'probit'"):
        measures.calibrate([1.0], (0, 1, 2), method="probit")
    with pytest.raises(DataError, match=r"degree of 0\.5"):
        measures.calibrate([1.0], (0, 1, 2), degree=0.5)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_fit_of_single_conditions_is_that_of_r(fuzzy, condition):
    line = re.search(rf"^{condition} necessity .*$", PUBLISHED, re.M).group()
    theirs = [float(x) for x in re.findall(r"\d\.\d{6}", line)]
    mine = [
        *measures.necessity(fuzzy, condition, "SURV").loc[condition],
        *measures.sufficiency(fuzzy, condition, "SURV").loc[condition],
    ]
    np.testing.assert_allclose(mine, theirs, atol=5e-7)


def test_the_search_for_necessary_conditions_finds_those_of_r(fuzzy):
    block = PUBLISHED[PUBLISHED.index("## necessity") : PUBLISHED.index("DEV necessity")]
    rows = re.findall(r"^\d +(\S.*?)  +(\d\.\d+)  +(\d\.\d+)  +(\d\.\d+)", block, re.M)
    found = measures.necessary_conditions(fuzzy, CONDITIONS, "SURV")
    assert list(found.index) == [name for name, *_ in rows]
    np.testing.assert_allclose(found, [[float(x) for x in fit] for _, *fit in rows], atol=5e-4)


def test_fit_worked_by_hand():
    sets = pd.DataFrame({"x": [0.2, 0.8], "z": [0.6, 0.1], "y": [0.4, 0.7]})
    sufficient = measures.sufficiency(sets, ["x", "~x * z + x"], "y")
    np.testing.assert_allclose(sufficient.loc["x"], [0.9 / 1.0, (0.9 - 0.5) / (1 - 0.5), 0.9 / 1.1])
    # max(min(0.8, 0.6), 0.2) = 0.6 and max(min(0.2, 0.1), 0.8) = 0.8.
    assert sufficient.loc["~x * z + x", "consistency"] == pytest.approx((0.4 + 0.7) / 1.4)
    necessary = measures.necessity(sets, "x", "~y")
    np.testing.assert_allclose(necessary.loc["x"], [(0.2 + 0.3) / 0.9, 1.0 / 1.5, 0.5 / 1.0])


def test_x_within_y_is_not_y_absent_within_x_absent_but_necessity_turns_it_round(fuzzy):
    """X sufficient for Y is Y necessary for X."""
    one = measures.sufficiency(fuzzy, "DEV", "SURV").loc["DEV", ["consistency", "coverage"]]
    other = measures.necessity(fuzzy, "SURV", "DEV").loc["SURV", ["consistency", "coverage"]]
    np.testing.assert_allclose(one, other)


def test_empty_sets_have_no_fit_and_long_searches_are_refused():
    sets = pd.DataFrame({"x": [0.0, 0.0], "y": [0.0, 1.0]})
    assert measures.sufficiency(sets, "x", "y").isna()["consistency"].all()
    wide = pd.DataFrame(0.5, index=range(3), columns=list("abcdefghiy"))
    with pytest.raises(DataError, match="9 conditions"):
        measures.necessary_conditions(wide, list("abcdefghi"), "y")
    assert measures.necessary_conditions(sets.assign(x=[1.0, 0.0]), ["x"], "y", relevance=1.1).empty


def test_a_missing_membership_is_not_taken_for_absence():
    sets = pd.DataFrame({"x": [0.0, np.nan], "y": [0.0, 1.0]})
    with pytest.raises(DataError, match="row 3, column 'x': 1 cases have no membership"):
        measures.sufficiency(sets, "x", "y")
