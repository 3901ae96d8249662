"""Marginal effects against differences of predictions, their gradients against differences of estimates."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.models.marginal import settings
from gvcmetrics.models.results.results import Results

REFERENCE = Path(__file__).parents[1] / "reference" / "engine" / "data"
DATA = pd.read_csv(REFERENCE / "balanced.csv").head(240).assign(size=lambda d: 1 + d["x2"] ** 2)
MODELS: dict[str, Callable[[], Results]] = {
    "logit": lambda: gvc.logit("binary ~ x1*size + d", DATA, offset="0.1 * x2"),
    "probit": lambda: gvc.probit("binary ~ x1*size + d", DATA),
    "cloglog": lambda: gvc.cloglog("event ~ x1*size + d", DATA),
    "fractional_logit": lambda: gvc.fractional_logit("fraction ~ x1*size + d", DATA),
    "ordered_logit": lambda: gvc.ordered_logit("ordered ~ x1*size + d", DATA),
    "ordered_probit": lambda: gvc.ordered_probit("ordered ~ x1*size + d", DATA),
    "multinomial_logit": lambda: gvc.multinomial_logit("choice ~ x1*size + d", DATA),
    "negative_binomial": lambda: gvc.negative_binomial("overdispersed ~ x1*size + d", DATA),
    "poisson": lambda: gvc.poisson("count ~ x1*size + d", DATA, offset="0.1 * x2"),
    "random logit": lambda: gvc.logit("binary ~ x1*size + d", DATA, unit="unit", effects="random"),
    "random ordered": lambda: gvc.ordered_probit("ordered ~ x1*size", DATA, unit="unit", effects="random"),
    "correlated": lambda: gvc.probit("binary ~ x1*size", DATA, unit="unit", effects="correlated"),
    "joint_probit": lambda: gvc.joint_probit("first + second ~ x1*size + d", DATA),
    "tobit": lambda: gvc.tobit("continuous ~ x1*size + d", DATA, upper="4 + x2"),
    "random tobit": lambda: gvc.tobit("continuous ~ x1*size", DATA, unit="unit", effects="random"),
    "trivariate": lambda: gvc.joint_probit("first + second + third ~ x1*size", DATA.head(80)),
}
_FITTED: dict[str, Results] = {}


def fitted(name: str) -> Results:
    if name not in _FITTED:
        _FITTED[name] = MODELS[name]()
    return _FITTED[name]


def moved(res: Results, theta: np.ndarray) -> Results:
    return replace(res, params=pd.Series(theta, index=res.params.index))


def check_gradient(res: Results, tolerance: float = 1e-6, **options: Any) -> None:
    """The covariance against that of a gradient taken by differences."""
    made = res.margins(**options)
    at, columns = res.params.to_numpy(), []
    for j in range(len(at)):
        step = 1e-5 * max(abs(at[j]), 0.1) * np.eye(len(at))[j]
        above, below = (moved(res, at + s).margins(**options).values for s in (step, -step))
        columns.append((above - below) / (2 * step[j]))
    G = np.array(columns).T
    np.testing.assert_allclose(
        made.std_errors, np.sqrt(np.diag(G @ res.cov.to_numpy() @ G.T)), rtol=tolerance, atol=1e-9
    )


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("name", MODELS)
def test_slopes_are_derivatives_of_predictions(name: str) -> None:
    res = fitted(name)
    data = res.sample.source.iloc[res.sample.rows]
    h = 1e-5
    if "size" in name or name == "trivariate":
        labels = res.margins("x1").keys["outcome"]
        assert list(labels) == list(res.sample.outcome)
        made, cells = res.margins("x1", outcomes=list(res.predict(data).columns)), True
    else:
        made, cells = res.margins("x1"), name == "joint_probit"
    change = res.predict(data.assign(x1=data["x1"] + h)) - res.predict(data.assign(x1=data["x1"] - h))
    expected = np.atleast_1d((change / (2 * h)).mean())
    values = made.values[-len(expected) :] if cells else made.values
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("name", MODELS)
def test_gradients_of_slopes_contrasts_and_second_differences(name: str) -> None:
    res = fitted(name)
    check_gradient(res, variables="x1")
    check_gradient(res, variables="size", contrasts={"size": [(2, 1)]}, at_means=True)
    check_gradient(res, variables="x1:size", contrasts={"size": [(2, 1)]})


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("random ordered", "trivariate")])
def test_levels_at_once_are_those_one_by_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows in strips, settings in portions, rows that do not move skipped; `at=` evaluates every row anew."""
    monkeypatch.setattr(settings, "_STRIP", 101)
    monkeypatch.setattr(settings, "_AT_ONCE", 2)
    res = fitted(name)
    variable = "d" if "d" in res.predictor.sample.frame else "size"
    values = [0, 1] if variable == "d" else [1.0, DATA["size"].iloc[3], 2.5]
    pairs = [(b, a) for a, b in pairwise(values)]
    apart = res.margins(kind="predictions", at={variable: values})
    differences = np.kron(np.eye(len(apart.values) // len(values)), np.diff(np.eye(len(values)), axis=0))
    at_once = res.margins(variable, contrasts={variable: pairs})
    np.testing.assert_allclose(at_once.values, differences @ apart.values, rtol=1e-10, atol=1e-14)
    expected = differences @ apart.covariance @ differences.T
    np.testing.assert_allclose(at_once.covariance, expected, rtol=1e-8, atol=1e-16)


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("name", MODELS)
def test_cross_derivatives_are_derivatives_of_slopes(name: str) -> None:
    res = fitted(name)
    marginal = list(res.sample.outcome) if name in ("joint_probit", "trivariate") else None
    made = res.margins("x1:size", outcomes=marginal)
    h = 1e-4
    above, below = (shifted(res, s).margins("x1", outcomes=marginal).values for s in (h, -h))
    np.testing.assert_allclose(made.values, (above - below) / (2 * h), rtol=1e-5, atol=1e-8)
    check_gradient(res, variables="x1:size", outcomes=marginal)


def shifted(res: Results, step: float) -> Results:
    """The results with `size` moved in every row, unit means and other columns as they were."""
    sample = res.sample
    source = sample.source.assign(size=sample.source["size"] + step)
    X = sample.design.matrix(source.iloc[sample.rows])
    X = np.column_stack([X, sample.X[:, X.shape[1] :]])
    at = replace(sample, source=source, X=X)
    return replace(res, sample=at, predictor=replace(res.predictor, sample=at))


@pytest.mark.parametrize("formula", ["log(size)*x1", "I(x1**2) + x1", "sqrt(size):g + x1", "bs(x1, df=5)"])
def test_transformed_regressors(formula: str) -> None:
    res = gvc.probit(f"binary ~ {formula}", DATA)
    variable = "size" if "size" in formula else "x1"
    data = DATA[DATA[variable].between(*np.quantile(DATA[variable], [0.02, 0.98]))]
    h = 1e-6
    change = res.predict(data.assign(**{variable: data[variable] + h})) - res.predict(
        data.assign(**{variable: data[variable] - h})
    )
    inside = DATA.assign(inside=DATA.index.isin(data.index))
    sample = replace(res.sample, source=inside)
    again = replace(res, sample=sample, predictor=replace(res.predictor, sample=sample))
    made = again.margins(variable, by="inside").frame().set_index("inside")
    assert made.loc[True, "estimate"] == pytest.approx((change / (2 * h)).mean(), rel=1e-6)
    assert np.isfinite(made.loc[False, "std_error"])
    check_gradient(res, variables=variable)


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("model", ["poisson", "logit", "probit"])
def test_absorbed_effects_move_with_the_coefficients(model: str) -> None:
    """The effects are solved for again at other coefficients; the estimates follow the gradient."""
    data = DATA.head(180)
    outcome = "count" if model == "poisson" else "binary"
    function = getattr(gvc, model)
    res = function(f"{outcome} ~ x1 + d | region", data)
    only_used = {} if model == "poisson" else {"denominator": "used"}
    made = res.margins(["x1", "d"], **only_used)
    at, columns = res.params.to_numpy(), []
    for j in range(2):
        both = []
        for step in (1e-4, -1e-4):
            b = at + step * np.eye(2)[j]
            index = f"{float(b[0])!r} * x1 + {float(b[1])!r} * d"
            dummies = function(f"{outcome} ~ 0 + C(region)", data, offset=index)
            used = res.sample.source.iloc[res.sample.rows]
            eta = dummies.predict(used, kind="index").to_numpy()
            P = {"poisson": np.exp, "logit": _logistic, "probit": _normal}[model]
            h = 1e-6
            slope = ((P(eta + h) - P(eta - h)) / (2 * h)).mean() * b[0]
            step_d = (P(eta + b[1] * (1 - used["d"])) - P(eta - b[1] * used["d"])).mean()
            both.append([slope, step_d])
        columns.append((np.array(both[0]) - both[1]) / 2e-4)
    G = np.array(columns).T
    np.testing.assert_allclose(made.covariance, G @ res.cov.to_numpy() @ G.T, rtol=1e-4)


def _logistic(eta: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-eta))


def _normal(eta: np.ndarray) -> np.ndarray:
    from scipy.stats import norm

    return norm.cdf(eta)


def test_linear_with_absorbed_effects() -> None:
    res = gvc.ols("continuous ~ x1*d + I(x2**2) | unit", DATA)
    b = res.params
    made = res.margins(["x1", "x2", "x1:d"])
    d, x2 = DATA["d"].mean(), DATA["x2"].mean()
    np.testing.assert_allclose(made.values, [b["x1"] + d * b["x1:d"], 2 * x2 * b["I(x2 ** 2)"], b["x1:d"]])
    assert made.std_errors.iloc[2] == pytest.approx(res.std_errors["x1:d"], rel=1e-12)
    level = res.margins(kind="predictions")
    assert level.values[0] == pytest.approx(DATA["continuous"].mean(), rel=1e-12)
    # At another d the level moves with b, and the unit means of the regressors move it back.
    at = res.margins(kind="predictions", at={"d": 1})
    X = res.sample.design.matrix(DATA.assign(d=1)) - res.sample.X
    G = (X + demean(res.sample.X, list(res.sample.absorbed.values()))).mean(axis=0)
    assert at.std_errors.iloc[0] == pytest.approx(np.sqrt(G @ res.cov.to_numpy() @ G), rel=1e-10)
