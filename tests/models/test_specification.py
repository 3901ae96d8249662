"""Hausman for logits, Brant, independence of alternatives, tests across equations: against R."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning, ModelError

ROOT = Path(__file__).parents[1] / "reference"
CASES = json.loads((ROOT / "engine" / "tests.json").read_text())
OWN = json.loads((ROOT / "inference" / "inference.json").read_text())


def sample(name: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / "engine" / "data" / f"{name}.csv")


def pair(data: pd.DataFrame, other: str):
    formula = "binary ~ x1 + x2 + d"
    fixed = gvc.logit(formula, data, unit="unit", effects="fixed")
    return fixed, gvc.logit(formula, data, unit="unit", effects=other)


@pytest.mark.parametrize("name", ["balanced", "unbalanced"])
@pytest.mark.parametrize("other", ["random", "pooled"])
def test_hausman_of_logits(name: str, other: str) -> None:
    case = CASES[f"hausman_logit:fixed_{other}:{name}"]
    test = gvc.hausman(*pair(sample(name), other))
    tolerance = 1e-4 if other == "random" else 1e-6
    assert test.statistic == pytest.approx(case["chi2"], rel=tolerance)
    assert test.df == case["df"]
    assert test.pvalue == pytest.approx(case["p"], rel=50 * tolerance)


def test_robust_hausman_of_logits() -> None:
    data = sample("balanced")
    test = gvc.hausman(*pair(data, "pooled"), vcov={"CRV1": "region"})
    assert test.statistic == pytest.approx(OWN["hausman_robust:logit:balanced"]["chi2"], rel=1e-6)


def test_hausman_of_logits_refuses() -> None:
    data = sample("balanced")
    fixed, pooled = pair(data, "pooled")
    with pytest.raises(ModelError, match="clusters one way"):
        gvc.hausman(fixed, pooled, vcov="hetero")
    with pytest.raises(ModelError, match="differ in their observations"):
        gvc.hausman(fixed, gvc.logit("binary ~ x1 + x2 + d", data[data["unit"] > 9]))
    with pytest.raises(ModelError, match="kind"):
        gvc.hausman(fixed, gvc.probit("binary ~ x1 + x2 + d", data))
    with pytest.raises(ModelError, match="cannot carry"):
        gvc.hausman(*pair(data.assign(half=data["unit"] % 2), "pooled"), vcov={"CRV1": "half"})


def test_hausman_of_ordered_logits_is_robust_only() -> None:
    data = sample("balanced")
    fixed, pooled = (
        gvc.ordered_logit("ordered ~ x1 + x2 + d", data, unit="unit", effects=effects)
        for effects in ("fixed", "pooled")
    )
    with pytest.raises(ModelError, match=r"no classical covariance.*vcov=\{'CRV1': 'unit'\}"):
        gvc.hausman(fixed, pooled)
    test = gvc.hausman(fixed, pooled, vcov={"CRV1": "unit"})
    # The unit effect of the sample goes with x1 (0.4) and with nothing else.
    assert test.df == 3
    assert test.pvalue < 1e-3


@pytest.mark.parametrize("name", ["balanced", "unbalanced", "wagepan"])
def test_brant(name: str) -> None:
    case = CASES[f"brant:{name}"]
    formula = (
        "quartile ~ married + poorhlth + exper + expersq + educ"
        if name == "wagepan"
        else "ordered ~ x1 + x2 + d"
    )
    table = gvc.brant(gvc.ordered_logit(formula, sample(name)))
    assert table.loc["all", "statistic"] == pytest.approx(case["omnibus"]["chi2"], rel=1e-6)
    assert table.loc["all", "df"] == case["omnibus"]["df"]
    assert table.loc["all", "p_value"] == pytest.approx(case["omnibus"]["p"], rel=1e-5)
    for variable, values in case["by_variable"].items():
        assert table.loc[variable, "statistic"] == pytest.approx(values["chi2"], rel=1e-6)
        assert table.loc[variable, "df"] == values["df"]
    slopes = table.filter(like="y > ").iloc[1:].to_numpy()
    np.testing.assert_allclose(slopes, case["binary_slopes"], rtol=1e-6)


def test_brant_with_frequencies_is_that_of_the_rows() -> None:
    data = sample("balanced").assign(f=lambda d: 1 + d["d"])
    weighted = gvc.brant(gvc.ordered_logit("ordered ~ x1 + d", data, weights="f", frequency=True))
    repeated = gvc.brant(gvc.ordered_logit("ordered ~ x1 + d", data.loc[data.index.repeat(data["f"])]))
    np.testing.assert_allclose(weighted, repeated, rtol=1e-7)


@pytest.mark.parametrize("name", ["balanced", "unbalanced"])
def test_independence_of_alternatives(name: str) -> None:
    result = gvc.multinomial_logit("choice ~ x1 + x2 + d", sample(name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        slopes, both = gvc.hausman_mcfadden(result), gvc.hausman_mcfadden(result, constant=True)
    for omitted in (1, 2):
        case = CASES[f"hausman_mcfadden:{name}:without_{omitted}"]
        for table, key in ((slopes, "slopes_only"), (both, "with_intercept")):
            assert table.loc[omitted, "statistic"] == pytest.approx(case[key]["chi2"], rel=1e-5)
            assert table.loc[omitted, "df"] == case[key]["df"]
            assert table.loc[omitted, "p_value"] == pytest.approx(case[key]["p"], rel=1e-5)


def test_leaving_out_the_base_is_leaving_out_any_category() -> None:
    data = sample("unbalanced")
    turned = data.assign(choice=pd.Categorical(data["choice"], categories=[2, 0, 1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        one, two = (
            gvc.hausman_mcfadden(gvc.multinomial_logit("choice ~ x1 + x2 + d", frame), constant=True)
            for frame in (data, turned)
        )
    np.testing.assert_allclose(one.loc[[0, 1, 2], "statistic"], two.loc[[0, 1, 2], "statistic"], rtol=1e-4)


def test_negative_statistic_is_warned_of() -> None:
    with pytest.warns(EstimationWarning, match="not positive definite without"):
        gvc.hausman_mcfadden(gvc.multinomial_logit("choice ~ x1 + x2 + d", sample("balanced")))


def test_wrong_model() -> None:
    logit = gvc.logit("binary ~ x1", sample("balanced"))
    for function in (gvc.brant, gvc.hausman_mcfadden):
        with pytest.raises(ModelError, match="not after Logit"):
            function(logit)


@pytest.mark.parametrize(("kind", "vcov"), [("classical", "iid"), ("CRV1:unit", {"CRV1": "unit"})])
def test_hypotheses_across_equations(kind: str, vcov: object) -> None:
    data = sample("unbalanced").dropna(subset=["binary", "choice", "x1", "x2", "d"]).astype({"choice": int})
    case = CASES[f"wald_across:multinomial:unbalanced:{kind}"]
    result = gvc.multinomial_logit("choice ~ x1 + x2 + d", data, vcov=vcov)
    for hypotheses, key in ((["1: x1", "2: x1"], "x1_in_both_zero"), (["1: x1 = 2: x1"], "x1_equal")):
        test = result.test(hypotheses)
        assert test.statistic == pytest.approx(case[key]["chi2"], rel=1e-6)
        assert test.df == case[key]["df"]
        assert test.pvalue == pytest.approx(case[key]["p"], rel=1e-4)


def test_hypotheses_across_equations_of_a_joint_probit() -> None:
    result = gvc.joint_probit("first + second ~ x1 + d", sample("balanced"))
    test = result.test("first: d = second: d")
    gap = result.params["first: d"] - result.params["second: d"]
    cov = result.cov.loc[["first: d", "second: d"], ["first: d", "second: d"]].to_numpy()
    assert test.statistic == pytest.approx(gap**2 / (np.array([1, -1]) @ cov @ [1, -1]), rel=1e-10)


def test_likelihood_ratio() -> None:
    data = sample("unbalanced").dropna(subset=["binary", "choice", "x1", "x2", "d"])
    case = CASES["likelihood_ratio:logit:unbalanced"]
    test = gvc.logit("binary ~ x1 + x2 + d", data).lr_test(gvc.logit("binary ~ x1", data))
    assert test.statistic == pytest.approx(case["chi2"], rel=1e-6)
    assert (test.df, test.pvalue) == (case["df"], pytest.approx(case["p"], rel=1e-5))


def test_what_is_held_fixed_is_not_a_parameter() -> None:
    data = sample("balanced")
    free = gvc.probit("binary ~ x1 + x2 + d", data)
    held = gvc.probit("binary ~ x1 + x2 + d", data, fix={"x2": 0.0})
    without = gvc.probit("binary ~ x1 + d", data)
    assert held.lr_test(free).df == 1
    assert held.lr_test(free).statistic == pytest.approx(without.lr_test(free).statistic, rel=1e-7)
    assert held.statistic("aic") == pytest.approx(without.statistic("aic"), rel=1e-10)


def test_likelihood_ratio_needs_a_likelihood() -> None:
    data = sample("unbalanced")
    weighted = [gvc.logit(f"binary ~ {x}", data, weights="weight") for x in ("x1", "x1 + d")]
    data = data.dropna(subset=["x1", "d"])
    composite = [
        gvc.ordered_logit(f"ordered ~ {x}", data, unit="unit", effects="fixed") for x in ("x1", "x1 + d")
    ]
    for first, second in (weighted, composite):
        with pytest.raises(ModelError, match="not a likelihood"):
            first.lr_test(second)


@pytest.fixture(scope="module")
def rungs() -> pd.DataFrame:
    rng = np.random.default_rng(9)
    x, t = rng.normal(size=600), rng.integers(0, 8, 600) - 3.5
    latent = 0.6 * x + 0.1 * t + rng.logistic(size=600)
    return pd.DataFrame({"x": x, "t": t, "square": t**2, "rung": np.digitize(latent, [-0.7, 0.8])})


def both_tests(data: pd.DataFrame, terms: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    choice = gvc.multinomial_logit(f"rung ~ {terms}", data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        irrelevant = [gvc.hausman_mcfadden(choice, constant=constant) for constant in (False, True)]
    return gvc.brant(gvc.ordered_logit(f"rung ~ {terms}", data)), *irrelevant


@pytest.mark.parametrize(("of_x", "of_t"), [(1e12, 1e-12), (1e-12, 1e12)])
def test_brant_and_hausman_mcfadden_have_no_units(rungs: pd.DataFrame, of_x: float, of_t: float) -> None:
    moved = rungs.assign(x=rungs["x"] * of_x, t=rungs["t"] * of_t)
    one, other = both_tests(rungs, "x + t"), both_tests(moved, "x + t")
    for before, after in zip(one, other, strict=True):
        np.testing.assert_allclose(after["statistic"], before["statistic"], rtol=1e-6)
    np.testing.assert_allclose(other[0].loc["x", "y > 0"] * of_x, one[0].loc["x", "y > 0"], rtol=1e-6)


@pytest.mark.parametrize("begin", [2004.5, 1e7])
def test_where_regressors_begin_does_not_matter_to_them(rungs: pd.DataFrame, begin: float) -> None:
    """A year beside its square, and an amount far from zero."""
    far = rungs.assign(t=rungs["t"] + begin, square=rungs["square"] + 100 * begin)
    one, other = both_tests(rungs, "x + t + square"), both_tests(far, "x + t + square")
    for before, after in zip(one[:2], other[:2], strict=True):
        np.testing.assert_allclose(after["statistic"], before["statistic"], rtol=1e-5, atol=1e-8)
    years = both_tests(rungs.assign(year=rungs["t"] + 2004.5), "x + year + I(year**2)")
    plain = both_tests(rungs, "x + t + I(t**2)")
    for before, after in zip(plain[:2], years[:2], strict=True):
        np.testing.assert_allclose(after["statistic"].iloc[:2], before["statistic"].iloc[:2], rtol=1e-5)
