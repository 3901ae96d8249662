"""The random-effects mean against metafor: data, script and output are in `tests/reference/meta`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.claims.pool import forest, leave_one_out, pool
from gvcmetrics.errors import DataError

REFERENCE = Path(__file__).parents[1] / "reference" / "meta"
TRIALS = pd.read_csv(REFERENCE / "bcg.csv")
EFFECTS, ERRORS = TRIALS["yi"], np.sqrt(TRIALS["vi"])
TEXT = (REFERENCE / "meta.txt").read_text("utf-8")


def printed(label: str) -> dict[str, list[float]]:
    """Name → numbers of one line of the output."""
    words = next(line for line in TEXT.splitlines() if line.startswith(f"## {label} b ")).split()
    found: dict[str, list[float]] = {}
    name = ""
    for word in words[words.index("b") :]:
        if re.match(r"^-?[0-9.]+(e-?[0-9]+)?$", word):
            found[name].append(float(word))
        else:
            name = word
            found[name] = []
    return found


@pytest.mark.parametrize(("label", "knapp_hartung"), [("REML", False), ("REML Knapp-Hartung", True)])
def test_the_mean_is_that_of_metafor(label: str, knapp_hartung: bool) -> None:
    expected, found = printed(label), pool(EFFECTS, ERRORS, knapp_hartung=knapp_hartung)
    assert found.estimate == pytest.approx(expected["b"][0], abs=1e-8)
    assert found.std_error == pytest.approx(expected["se"][0], abs=1e-8)
    assert found.tau2 == pytest.approx(expected["tau2"][0], abs=1e-8)
    assert found.i2 == pytest.approx(expected["I2"][0], abs=1e-5)
    assert found.q == pytest.approx(expected["Q"][0], abs=1e-6)
    assert found.q_p == pytest.approx(expected["Qp"][0], rel=1e-4)
    assert [found.conf_low, found.conf_high] == pytest.approx(expected["ci"], abs=1e-7)


def test_the_prediction_interval_and_leaving_one_out_are_those_of_metafor() -> None:
    found = pool(EFFECTS, ERRORS, knapp_hartung=False)
    expected = re.search(r"prediction interval (\S+) (\S+)", TEXT)
    assert expected is not None
    assert [found.predict_low, found.predict_high] == pytest.approx(
        [*map(float, expected.groups())], abs=1e-7
    )
    one_out = next(line for line in TEXT.splitlines() if line.startswith("leave-one-out"))
    assert leave_one_out(EFFECTS, ERRORS) == pytest.approx([*map(float, one_out.split()[1:])], abs=1e-7)


def test_equal_estimates_have_no_variance_between_panels() -> None:
    found = pool([0.2, 0.2, 0.2], [0.1, 0.2, 0.3])
    assert found.tau2 == 0.0
    assert found.estimate == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("effects", "errors"), [([0.1], [0.1]), ([0.1, 0.2], [0.1, 0.0]), ([0.1, np.nan], [1, 1])]
)
def test_what_cannot_be_summed_up_is_refused(effects: list, errors: list) -> None:
    with pytest.raises(DataError, match="two or more estimates"):
        pool(effects, errors)


def test_two_panels_have_a_mean_and_none_without_one() -> None:
    assert pool([0.1, 0.3], [0.1, 0.1]).k == 2
    assert np.isnan(leave_one_out([0.1, 0.3], [0.1, 0.1])).all()


def test_the_forest_names_every_panel_and_the_mean() -> None:
    labels = [
        text.get_text()
        for text in forest(["here", "there"], [0.1, 0.3], [0.1, 0.1]).axes[0].get_yticklabels()
    ]
    assert labels[:2] == ["here", "there"]
    assert labels[2].startswith("mean of 2")


def test_the_forest_shows_what_the_summary_says() -> None:
    """Panels, the mean with both its intervals, and the mean without each, as numbers beside the figure."""
    y, e = [0.10, 0.35, 0.22], [0.05, 0.08, 0.04]
    shown = forest(["a", "b", "c"], y, e).shown
    mean = pool(y, e)
    assert list(shown["row"]) == ["a", "b", "c", f"mean of 3, I² = {mean.i2:.0f} %"] + [
        f"without {name}" for name in "abc"
    ]
    np.testing.assert_allclose(shown["estimate"][:3], y)
    np.testing.assert_allclose(shown["conf_high"][:3], np.array(y) + 1.959964 * np.array(e))
    row = shown.iloc[3]
    assert (row["estimate"], row["conf_low"]) == (mean.estimate, mean.conf_low)
    assert (row["predict_low"], row["predict_high"]) == (mean.predict_low, mean.predict_high)
    np.testing.assert_allclose(shown["estimate"][4:], leave_one_out(y, e))
    assert shown["conf_low"].iloc[5] == pool([0.10, 0.22], [0.05, 0.04]).conf_low


def test_panels_stay_in_sight_however_wide_the_mean_is() -> None:
    """The interval of two panels' mean is wide; it must not press the panels into a dot."""
    axes = forest(["a", "b"], [0.10, 0.60], [0.01, 0.01]).axes[0]
    low, high = axes.get_xlim()
    assert low <= 0.0
    assert high >= 0.62
    assert high - low <= 3.2 * 0.62
