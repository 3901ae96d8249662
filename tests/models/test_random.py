"""Random and correlated effects against R, an integral by brute force, and Mundlak's identities."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ConvergenceWarning, EstimationWarning, ModelError
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.effects.random import RandomIntercept, variance_statistics
from gvcmetrics.models.families.cloglog import family as cloglog_family
from gvcmetrics.models.families.logit import family as logit_family
from gvcmetrics.models.families.negative_binomial import family as negative_binomial_family
from gvcmetrics.models.families.ordered_logit import family as ordered_logit_family
from gvcmetrics.models.families.ordered_probit import family as ordered_probit_family
from gvcmetrics.models.families.poisson import family as poisson_family
from gvcmetrics.models.families.probit import family as probit_family
from gvcmetrics.models.likelihood import problem as estimate_module
from gvcmetrics.models.likelihood.newton import maximise

REFERENCE = Path(__file__).parents[1] / "reference" / "engine"
CASES = {
    f"{name}:{key}": case
    for name in ("random_binary", "random_ordered", "random_wagepan")
    for key, case in json.loads((REFERENCE / f"{name}.json").read_text()).items()
}
OUTCOMES = {
    "logit": "binary",
    "probit": "binary",
    "cloglog": "event",
    "poisson": "count",
    "ordered_logit": "ordered",
    "ordered_probit": "ordered",
}
FAMILIES = [
    logit_family,
    probit_family,
    cloglog_family,
    poisson_family,
    negative_binomial_family,
    ordered_logit_family(3),
    ordered_probit_family(3),
]
KEYS = [key for key in CASES if key.split(":")[2] in ("random", "correlated")]


def sample(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv")


def _ours(name: str) -> str:
    if name.endswith("_mean"):
        return f"mean({name.removesuffix('_mean')})"
    return "sigma_u" if name == "sd" else name


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("key", KEYS)
def test_against_r(key: str) -> None:
    case, (response, effects) = CASES[key], key.split(":")[1:3]
    data, unit, outcome, regressors = sample(case["data"]), "unit", OUTCOMES[response], "x1 + x2 + d"
    if case["data"] == "wagepan":
        unit, outcome = "nr", "quartile" if response == "ordered_logit" else "union"
        own = ("Intercept", "sd", "cut1", "cut2", "cut3")
        regressors = " + ".join(name for name in case["names"] if name not in own)
    weighted = "weighted" in key
    estimate = getattr(gvc, response)(
        f"{outcome} ~ {regressors}", data, unit=unit, effects=effects, nquad=case["points"],
        weights="weight" if weighted else None, vcov={"CRV1": unit},
    )  # fmt: skip
    names = [_ours(name) for name in case["names"]]
    errors = estimate.std_errors[names]
    coefficients = np.array(case["coef"])
    coefficients[-1] = abs(coefficients[-1])
    np.testing.assert_allclose(estimate.params[names], coefficients, rtol=1e-5)
    assert estimate.loglik == pytest.approx(case["loglik"], rel=1e-9)
    assert estimate.nobs == case["nobs"]
    assert estimate.statistics["units"] == case["groups"]
    small = (case["nobs"] - 1) / (case["nobs"] - len(names)) * case["groups"] / (case["groups"] - 1)
    np.testing.assert_allclose(errors, np.array(case["se"]["CRV0:unit"]) * np.sqrt(small), rtol=1e-4)
    if not weighted:
        plain = estimate.with_vcov("iid").std_errors[names]
        np.testing.assert_allclose(plain, case["se"]["classical"], rtol=1e-4)
        lr = case["lr_pooled"]
        assert estimate.statistics["lr_pooled"] == pytest.approx(lr["chi2"], rel=1e-5)
        assert estimate.statistics["lr_pooled_p"] == pytest.approx(lr["p_mixture"], rel=1e-3, abs=1e-300)
    if case.get("intraclass_correlation"):
        assert estimate.statistics["rho"] == pytest.approx(case["intraclass_correlation"], rel=1e-3)
    if case.get("mundlak_test"):
        expected = case["mundlak_test"]["CRV1:unit"]["chi2"]
        assert estimate.statistics["mundlak"] == pytest.approx(expected, rel=1e-3)


def test_the_published_wagepan_model() -> None:
    # ordinal::clmm2 with twelve points: log likelihood -4511.985, sd 2.4552, married 0.5331
    estimate = gvc.ordered_logit(
        "quartile ~ married + poorhlth + exper + educ",
        sample("wagepan"),
        unit="nr",
        effects="random",
        nquad=12,
    )
    assert estimate.loglik == pytest.approx(-4511.985, abs=1e-3)
    assert estimate.params["sigma_u"] == pytest.approx(2.4552, abs=1e-4)
    assert estimate.params["married"] == pytest.approx(0.5331, abs=1e-4)


@pytest.mark.parametrize("family", [logit_family, ordered_probit_family(3)])
def test_quadrature_against_a_fine_grid(family) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(3)
    unit = np.repeat(np.arange(6), [1, 2, 3, 5, 8, 40])
    X = rng.normal(size=(len(unit), 2))
    y = rng.integers(0, family.outcomes, len(unit)).astype(float)
    constants = np.array([-0.4, 0.5])[: len(family.constants)]
    theta = np.concatenate([[0.5, -0.3], constants, [np.log(1.7)]])
    likelihood = RandomIntercept(family, y, X, Groups.of(unit), nquad=30)
    loglik = likelihood.loglik(theta)
    a = np.linspace(-12, 12, 40_001)
    total = 0.0
    for g in range(6):
        rows = unit == g
        at = (X[rows] @ theta[:2])[:, None] + 1.7 * a
        parts = family.evaluate(np.repeat(y[rows], len(a)), at.reshape(-1, 1), constants)[0]
        inside = parts.reshape(-1, len(a)).sum(axis=0) - 0.5 * a**2 - 0.5 * np.log(2 * np.pi)
        total += np.log(np.exp(inside).sum() * (a[1] - a[0]))
    assert loglik == pytest.approx(total, rel=1e-8)
    assert abs(RandomIntercept(family, y, X, Groups.of(unit), nquad=4).loglik(theta) - loglik) > 1e-5


def _outcome(family, n: int, rng: np.random.Generator):  # type: ignore[no-untyped-def]
    drawn = rng.poisson(2.0, n) if family.outcomes is None else rng.integers(0, family.outcomes, n)
    return drawn.astype(float), np.array([-0.4, 0.5])[: len(family.constants)]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("nquad", [2, 12])
def test_exact_derivatives_while_the_nodes_move(family, nquad: int) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(3)
    unit = np.repeat(np.arange(6), [1, 2, 3, 5, 8, 40])
    y, constants = _outcome(family, len(unit), rng)
    likelihood = RandomIntercept(
        family, y, rng.normal(size=(len(unit), 2)), Groups.of(unit), nquad,
        rng.uniform(0.5, 2.0, 6), rng.normal(size=len(unit)) / 10,
    )  # fmt: skip
    theta = np.concatenate([[0.5, -0.3], constants, [np.log(1.7)]])
    _, score, hessian = likelihood.evaluate(theta)
    np.testing.assert_allclose(likelihood.scores(theta).sum(axis=0), score, rtol=1e-12)
    for j in range(len(theta)):
        move = 2e-5 * np.eye(len(theta))[j]
        above, below = likelihood.evaluate(theta + move), likelihood.evaluate(theta - move)
        size = np.abs(score).max()
        assert score[j] == pytest.approx((above[0] - below[0]) / 4e-5, rel=1e-7, abs=1e-8 * size)
        np.testing.assert_allclose(
            hessian[j], (above[1] - below[1]) / 4e-5, rtol=1e-7, atol=1e-8 * np.abs(hessian).max()
        )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_how_hessians_bend(family) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(4)
    y, constants = _outcome(family, 300, rng)
    eta = rng.normal(size=(300, 1)) * 2.0
    first, second = family.bend(y, eta, constants)
    step = 1e-4
    above, below = (family.evaluate(y, eta + move, constants)[2] for move in (step, -step))
    np.testing.assert_allclose(first, (above - below) / (2 * step), rtol=1e-6, atol=1e-7)
    above, below = (family.bend(y, eta + move, constants)[0] for move in (step, -step))
    np.testing.assert_allclose(second, (above - below) / (2 * step), rtol=1e-6, atol=1e-7)


def test_no_unit_effect_is_found_as_none() -> None:
    rng = np.random.default_rng(11)
    data = pd.DataFrame({"unit": np.repeat(np.arange(200), 4), "x": rng.normal(size=800)})
    # within each unit ones and zeros alternate, which is less variation between units than chance gives
    data["y"] = (np.arange(800) % 2 + (rng.uniform(size=800) < 0.05)) % 2
    estimate = gvc.logit("y ~ x", data, unit="unit", effects="random")
    pooled = gvc.logit("y ~ x", data)
    assert estimate.params["sigma_u"] < 0.01
    assert estimate.loglik == pytest.approx(pooled.loglik, abs=1e-4)
    assert estimate.statistics["lr_pooled_p"] > 0.49
    assert any("lower bound" in note for note in estimate.notes)


def test_population_averaged_probabilities() -> None:
    data = sample("balanced")
    estimate = gvc.probit("binary ~ x1", data, unit="unit", effects="random")
    b, sigma = estimate.params, estimate.params["sigma_u"]
    from scipy.stats import norm

    exact = norm.cdf((b["Intercept"] + b["x1"] * data["x1"]) / np.sqrt(1 + sigma**2))
    np.testing.assert_allclose(estimate.predict(), exact, atol=1e-9)


def test_unit_means_in_predictions_are_those_of_the_estimation_sample() -> None:
    data = sample("balanced")
    estimate = gvc.logit("binary ~ x1 + x2", data, unit="unit", effects="correlated_pooled")
    np.testing.assert_allclose(estimate.predict(data.iloc[[7, 300]]), estimate.predict().iloc[[7, 300]])
    stranger = data.iloc[[7]].assign(unit=99_999)
    assert estimate.predict(stranger).isna().all()


def test_what_random_effects_need() -> None:
    data = sample("balanced")
    once = data.groupby("unit").head(1)
    with pytest.raises(ModelError, match="observed once"):
        gvc.logit("binary ~ x1", once, unit="unit", effects="random")
    with pytest.raises(ModelError, match="nquad=1"):
        gvc.logit("binary ~ x1", data, unit="unit", effects="random", nquad=1)
    with pytest.raises(ModelError, match="'time' varies within 'unit'"):
        gvc.logit("binary ~ x1", data, unit="unit", effects="random", vcov={"CRV1": "time"})


def test_leaving_clusters_out() -> None:
    data = sample("balanced").query("region <= 6")
    estimate = gvc.logit("binary ~ x1", data, unit="unit", effects="random", vcov={"CRV3": "region"})
    without = [
        gvc.logit("binary ~ x1", data[data["region"] != region], unit="unit", effects="random").params
        for region in sorted(data["region"].unique())
    ]
    difference = np.array(without) - estimate.params.to_numpy()
    count = len(without)
    np.testing.assert_allclose(estimate.cov, (count - 1) / count * difference.T @ difference, rtol=1e-4)


def _panel(units: int = 100, periods: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(12)
    data = pd.DataFrame({"unit": np.repeat(np.arange(units), periods), "x": rng.normal(size=units * periods)})
    index = data["x"] + rng.normal(size=units)[data["unit"]] + rng.logistic(size=len(data))
    return data.assign(y=(index > 0).astype(int), rung=np.searchsorted([-1.0, 1.0], index))


def test_a_category_without_observations_is_left_out() -> None:
    data = _panel()
    data["rung"] = pd.Categorical(data["rung"] * 2, categories=[0, 1, 2, 3, 4], ordered=True)
    with pytest.warns(EstimationWarning, match="no observation"):
        estimate = gvc.ordered_logit("rung ~ x", data, unit="unit", effects="random")
    plain = gvc.ordered_logit("rung ~ x", _panel(), unit="unit", effects="random")
    np.testing.assert_allclose(estimate.params, plain.params, rtol=1e-9)
    assert list(estimate.params.index) == list(plain.params.index)


def test_outcomes_that_carry_no_random_effect() -> None:
    data = _panel()
    with pytest.raises(ModelError, match="is 1 in all 400 rows"):
        gvc.logit("one ~ x", data.assign(one=1), unit="unit", effects="random")
    persistent = data.assign(y=data.groupby("unit")["y"].transform("first"))
    with pytest.raises(ModelError, match="'y' changes within no 'unit'"):
        gvc.probit("y ~ x", persistent, unit="unit", effects="random")


def test_units_with_one_row_count() -> None:
    data = _panel()
    kept = data[(data["unit"] >= 50) | (data.groupby("unit").cumcount() == 0)]
    estimate = gvc.logit("y ~ x", kept, unit="unit", effects="random", nquad=30)
    assert (estimate.nobs, estimate.statistics["units"]) == (250, 100)
    # the likelihood of a unit with one row is an integral of its own, here on a grid
    b, sigma = estimate.params, estimate.params["sigma_u"]
    a = np.linspace(-10, 10, 20_001)
    density = np.exp(-0.5 * a**2) / np.sqrt(2 * np.pi) * (a[1] - a[0])
    total = 0.0
    for _, rows in kept.groupby("unit"):
        q = 2.0 * rows["y"].to_numpy() - 1.0
        index = (b["Intercept"] + b["x"] * rows["x"].to_numpy())[:, None] + sigma * a
        total += np.log(density @ (1.0 / (1.0 + np.exp(-q[:, None] * index))).prod(axis=0))
    assert estimate.loglik == pytest.approx(total, rel=1e-9)


def test_the_boundary_test_is_an_even_mixture() -> None:
    assert variance_statistics(0.0, 1.0, -10.0, -10.0)["lr_pooled_p"] == 1.0
    # chi2(1) puts 5 % beyond 3.8415; half of the mixture is a point at zero
    mixture = variance_statistics(0.5, 1.0, -10.0, -10.0 - 3.841458820694124 / 2)
    assert mixture["lr_pooled_p"] == pytest.approx(0.025, rel=1e-9)
    assert mixture["rho"] == pytest.approx(0.2)


def test_not_converged_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate_module, "maximise", partial(maximise, max_iterations=1))
    with pytest.warns(ConvergenceWarning, match="no convergence after 1 iterations"):
        estimate = gvc.ordered_probit("rung ~ x", _panel(), unit="unit", effects="random")
    assert not estimate.converged
    assert "NOT CONVERGED" in str(estimate)
