"""Elasticities, semi-elasticities: statsmodels, differences of predictions and of estimates, identities."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.models.registry import responses

REFERENCE = Path(__file__).parents[1] / "reference"
BALANCED = (
    pd.read_csv(REFERENCE / "engine/data/balanced.csv").head(240).assign(size=lambda d: 1 + d["x2"] ** 2)
)
EXPECTED = pd.read_csv(REFERENCE / "elasticities/elasticities.csv")
SIDES = {"logit": "binary", "probit": "binary", "poisson": "count", "negative_binomial": "overdispersed"}
OUTCOMES = {
    "ols": "number", "logit": "yes", "probit": "yes", "cloglog": "yes", "ordered_logit": "rung",
    "ordered_probit": "rung", "multinomial_logit": "rung", "fractional_logit": "share", "poisson": "count",
    "negative_binomial": "count", "joint_probit": "yes + also", "tobit": "number",
}  # fmt: skip
CELLS = [(name, effects) for name, response in responses().items() for effects in response.treatments]
SCALES = ("elasticity", "semi_elasticity", "dyex")


def panel(units: int = 30, periods: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = units * periods
    unit = np.repeat(np.arange(units), periods)
    x, z, d = rng.uniform(0.5, 3.0, n), rng.normal(size=n), rng.integers(0, 2, n)
    latent = 0.5 * x + 0.3 * z - 0.4 * d + 1.2 * rng.normal(size=units)[unit] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "unit": unit, "x": x, "z": z, "d": d, "number": 6 + latent,
            "yes": (latent > 0.6).astype(int), "also": (latent + rng.normal(size=n) > 0.6).astype(int),
            "rung": np.digitize(latent, [0.0, 1.2]), "share": 1 / (1 + np.exp(-latent)),
            "count": rng.poisson(np.exp(0.4 * latent)),
        }
    )  # fmt: skip


DATA = panel()


@cache
def fitted(name: str, effects: str, terms: str = "x*z + d") -> Any:
    formula = f"{OUTCOMES[name]} ~ {terms}" + (" | unit" if effects == "absorbed" else "")
    options = {"lower": 4} if name == "tobit" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return getattr(gvc, name)(
            formula, DATA, unit="unit", effects="pooled" if effects == "absorbed" else effects, **options
        )


@pytest.mark.parametrize("name", SIDES)
def test_agrees_with_statsmodels(name: str) -> None:
    result = getattr(gvc, name)(f"{SIDES[name]} ~ x1 + size", BALANCED)
    for (scale, at), expected in EXPECTED[EXPECTED["model"] == name].groupby(["scale", "at"]):
        made = result.margins(scale=scale, at_means=at == "mean")
        np.testing.assert_allclose(made.params[expected["variable"]], expected["estimate"], rtol=1e-6)
        np.testing.assert_allclose(made.std_errors[expected["variable"]], expected["std_error"], rtol=1e-6)


@pytest.mark.parametrize(("name", "effects"), [c for c in CELLS if not fitted(*c).predictor.conditional])
def test_values_are_differences_of_predictions(name: str, effects: str) -> None:
    result, h = fitted(name, effects), 1e-6
    outcomes = list(result.predict().columns) if name == "joint_probit" else None
    data = result.sample.source.iloc[result.sample.rows]

    def predicted(factor: float) -> np.ndarray:
        X = result.sample.X.copy()
        changed = data.assign(x=data["x"] * factor)
        columns = result.predictor.sample.design.matrix(changed)
        X[:, : columns.shape[1]] = columns
        # Unit means and absorbed effects stay as they are.
        sample = replace(result.sample, X=X)
        fitted_index = result.predictor.fitted
        if fitted_index is not None:
            index = fitted_index.index + (X - result.sample.X) @ result.params.to_numpy()
            fitted_index = replace(fitted_index, index=index)
        moved = replace(result.predictor, sample=sample, fitted=fitted_index)
        made = replace(result, predictor=moved, sample=sample).predict()
        return np.asarray(made).reshape(len(data), -1)

    above, level, below = predicted(1 + h), predicted(1.0), predicted(1 - h)
    by_log = (above - below) / (2 * h)
    x = data["x"].to_numpy()[:, None]
    expected = {
        "elasticity": by_log / level, "semi_elasticity": by_log / level / x, "dyex": by_log,
    }  # fmt: skip
    for scale in SCALES:
        only = {"denominator": "used"} if scale == "dyex" else {}
        made = result.margins("x", scale=scale, outcomes=outcomes, **only)
        np.testing.assert_allclose(made.values, expected[scale].mean(axis=0), rtol=2e-6, atol=1e-9)


@pytest.mark.parametrize(("name", "effects"), [c for c in CELLS if c[1] in ("pooled", "random")])
def test_errors_follow_differences_of_the_estimates(name: str, effects: str) -> None:
    result = fitted(name, effects, "x + d")
    theta, V = result.params.to_numpy(), result.cov.to_numpy()
    for options in (
        {"variables": "x", "scale": "elasticity", "at_means": effects == "random"},
        {"variables": "x", "scale": "dyex"},
        {"variables": "d", "scale": "semi_elasticity"},
    ):
        columns = []
        for j, step in enumerate(1e-5 * np.maximum(np.abs(theta), 0.1)):
            both = [
                replace(result, params=result.params + s * step * np.eye(len(theta))[j]).margins(**options)
                for s in (1, -1)
            ]
            columns.append((both[0].values - both[1].values) / (2 * step))
        G = np.array(columns).T
        made = result.margins(**options)
        np.testing.assert_allclose(
            made.std_errors**2, np.einsum("ia,ab,ib->i", G, V, G), rtol=2e-5, atol=1e-12
        )


@pytest.mark.parametrize("name", ["logit", "ordered_probit", "multinomial_logit", "poisson", "tobit"])
@pytest.mark.parametrize("effects", ["pooled", "random"])
def test_the_cross_derivative_of_the_logarithm(name: str, effects: str) -> None:
    if effects not in responses()[name].treatments:
        effects = "correlated_pooled"
    result, h = fitted(name, effects), 1e-5
    made = result.margins("x:z", scale="semi_elasticity", at={"z": 0.3}).values
    above, below = (
        result.margins("x", scale="semi_elasticity", at={"z": 0.3 + s * h}).values for s in (1, -1)
    )
    np.testing.assert_allclose(made, (above - below) / (2 * h), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("effects", ["pooled", "absorbed", "fixed", "random"])
def test_of_a_count_semi_elasticities_are_coefficients(effects: str) -> None:
    """Errors too, absorbed effects or not: the log of the mean is the index."""
    result = fitted("poisson", effects, "x + d")
    used = DATA.iloc[result.sample.rows]
    semi = result.margins(scale="semi_elasticity")
    np.testing.assert_allclose(semi.params[["x", "d"]], result.params[["x", "d"]], rtol=1e-9)
    np.testing.assert_allclose(semi.std_errors[["x", "d"]], result.std_errors[["x", "d"]], rtol=1e-9)
    full = result.margins("x", scale="elasticity")
    assert full.values[0] == pytest.approx(result.params["x"] * used["x"].mean(), rel=1e-9)
    assert full.std_errors.iloc[0] == pytest.approx(result.std_errors["x"] * used["x"].mean(), rel=1e-9)


@pytest.mark.parametrize("scale", [1e9, 1e-9])
def test_elasticities_have_no_units(scale: float) -> None:
    one = gvc.logit("yes ~ x + z", DATA).margins("x", scale="elasticity")
    other = gvc.logit("yes ~ x + z", DATA.assign(x=DATA["x"] * scale)).margins("x", scale="elasticity")
    np.testing.assert_allclose(other.values, one.values, rtol=1e-8)
    np.testing.assert_allclose(other.std_errors, one.std_errors, rtol=1e-8)


def test_a_conditional_logit_has_those_of_its_probability() -> None:
    result = fitted("logit", "fixed", "x + z")
    used = DATA.iloc[result.sample.rows]
    left = 1 - used["yes"].mean()
    made = result.margins("x", scale="elasticity")
    assert made.values[0] == pytest.approx(left * result.params["x"] * used["x"].mean(), rel=1e-12)
    with pytest.raises(ModelError, match="no probability can change"):
        result.margins("x", scale="dyex")
    with pytest.raises(ModelError, match="is not known for this model"):
        fitted("multinomial_logit", "fixed", "x + z").margins("x", scale="elasticity")


def test_words() -> None:
    result = fitted("logit", "pooled")
    made = result.margins(scale="elasticity")
    assert list(made.terms) == ["x", "z"]
    assert list(made.keys["contrast"]) == ["ey/ex", "ey/ex"]
    assert made.heading == "Average elasticities of the probability of yes · Logit"
    assert list(result.margins(scale="eydx").terms) == ["x", "z", "d"]
    np.testing.assert_array_equal(result.margins("x", scale="eyex").values, made.values[:1])
    with pytest.raises(ModelError, match="'d' jumps between values, and has no elasticity"):
        result.margins("d", scale="elasticity")
    with pytest.raises(ModelError, match="'x' jumps between values, and has no semi-elasticity"):
        result.margins("x", scale="dyex", contrasts={"x": [(2, 1)]})
    with pytest.raises(ModelError, match="elasticities of an interaction"):
        result.margins("x:z", scale="elasticity")
    with pytest.raises(ModelError, match="a prediction has no elasticity"):
        result.margins(kind="predictions", scale="elasticity")
    line = gvc.ols("below ~ x", DATA.assign(below=DATA["number"] - 8))
    with pytest.raises(ModelError, match="not above zero, and has no logarithm"):
        line.margins("x", scale="elasticity")
    assert np.isfinite(line.margins("x", scale="dyex").values).all()
