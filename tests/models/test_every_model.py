"""What holds for every model: invariances, frequencies as rows, strange names, bad input refused in words."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.effects.random import RandomIntercept
from gvcmetrics.models.families.cloglog import family as cloglog
from gvcmetrics.models.families.negative_binomial import family as negative_binomial
from gvcmetrics.models.families.ordered_logit import family as ordered_logit
from gvcmetrics.models.families.poisson import family as poisson
from gvcmetrics.models.families.probit import family as probit
from gvcmetrics.models.results.results import Results
from gvcmetrics.simulate.panels import simulate_panel

UNITS, PERIODS = 50, 5
RESPONSES = (
    "ols", "logit", "probit", "cloglog", "ordered_logit", "ordered_probit", "multinomial_logit",
    "fractional_logit", "poisson", "negative_binomial", "joint_probit", "tobit",
)  # fmt: skip
TREATMENTS = [
    *((response, "pooled") for response in RESPONSES),
    *((response, "fixed") for response in ("ols", "logit", "ordered_logit", "multinomial_logit", "poisson")),
    *((response, "random") for response in ("ols", "logit", "ordered_probit", "negative_binomial", "tobit")),
    *((response, "correlated") for response in ("ols", "cloglog", "poisson", "tobit")),
    *(
        (response, "correlated_pooled")
        for response in ("probit", "fractional_logit", "joint_probit", "tobit")
    ),
]
FREQUENT = [cell for cell in TREATMENTS if cell not in (("ols", "random"), ("ols", "correlated"))]
SHARED = ("fixed", "random", "correlated")


def fit(response: str, data: pd.DataFrame, right: str = "x1 + d", **options: Any) -> Results:
    left = " + ".join(name for name in data if name in ("y", "y1", "y2"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return getattr(gvc, response)(f"{left} ~ {right}", data, unit="unit", **options)


def panel(response: str, effects: str = "pooled", seed: int = 3) -> pd.DataFrame:
    if response == "tobit":
        linear = panel("ols", effects, seed)
        return linear.assign(y=linear["y"].clip(lower=0))
    return simulate_panel(response, effects, units=UNITS, periods=PERIODS, seed=seed)


@pytest.mark.parametrize(("response", "effects"), TREATMENTS)
def test_units_of_measurement_and_the_order_of_rows_do_not_matter(response: str, effects: str) -> None:
    data = panel(response, effects)
    base = fit(response, data, effects=effects)
    moved = data.assign(x1=1000 * data["x1"] + 5000, d=1 - data["d"]).sample(frac=1, random_state=1)
    other = fit(response, moved, effects=effects)
    if base.loglik is not None:
        assert other.loglik == pytest.approx(base.loglik, rel=1e-9)
    for name in base.params.index:
        term = name.split(": ")[-1]
        scale = {"x1": 1000.0, "mean(x1)": 1000.0, "d": -1.0, "mean(d)": -1.0}.get(term)
        if scale is None:
            continue
        assert other.params[name] * scale == pytest.approx(base.params[name], rel=2e-5, abs=1e-8), name
        assert other.std_errors[name] * abs(scale) == pytest.approx(base.std_errors[name], rel=1e-4), name


@pytest.mark.parametrize(("response", "effects"), FREQUENT)
def test_frequencies_are_rows(response: str, effects: str) -> None:
    data = panel(response, effects)
    # A likelihood that a unit's rows share is repeated with its unit, and so is a unit's mean.
    by_unit = effects != "pooled" and not (effects == "fixed" and response in ("ols", "poisson"))
    data["times"] = 1 + (data["unit"] if by_unit else np.arange(len(data))) % 3
    repeated = data.loc[data.index.repeat(data["times"])]
    if effects in SHARED and by_unit:
        copy = repeated.groupby(level=0).cumcount().to_numpy()
        repeated = repeated.assign(unit=repeated["unit"] * 10 + copy)
    counted = fit(response, data, effects=effects, weights="times", frequency=True, vcov="iid")
    copied = fit(response, repeated, effects=effects, vcov="iid")
    # Errors of the ordered logit are by unit unless asked for otherwise, and copies are units.
    counted, copied = counted.with_vcov("iid"), copied.with_vcov("iid")
    assert counted.nobs == copied.nobs
    np.testing.assert_allclose(counted.params, copied.params, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(counted.std_errors, copied.std_errors, rtol=1e-5)
    if counted.loglik is not None:
        assert counted.loglik == pytest.approx(copied.loglik, rel=1e-9)
        assert counted.statistic("bic") == pytest.approx(copied.statistic("bic"), rel=1e-9)


@pytest.mark.parametrize(
    "family",
    [probit, cloglog, poisson, negative_binomial, ordered_logit(3)],
    ids=lambda family: family.name,
)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000), sigma=st.floats(0.2, 1.5))
def test_random_intercepts_against_differences(family: Any, seed: int, sigma: float) -> None:
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(5), [1, 2, 3, 5, 9])
    X = rng.normal(size=(len(unit), 2))
    y = rng.integers(0, family.outcomes or 6, len(unit)).astype(float)
    constants = {0: [], 1: [-0.4], 2: [-0.4, 0.5]}[len(family.constants)]
    theta = np.array([0.5, -0.3, *constants, np.log(sigma)])
    likelihood = RandomIntercept(family, y, X, Groups.of(unit), nquad=30)
    _, score, hessian = likelihood.evaluate(theta)
    step = 1e-5 * np.eye(len(theta))
    for j in range(len(theta)):
        above, below = likelihood.evaluate(theta + step[j]), likelihood.evaluate(theta - step[j])
        assert score[j] == pytest.approx((above[0] - below[0]) / 2e-5, rel=1e-5, abs=1e-5)
        np.testing.assert_allclose(hessian[j], (above[1] - below[1]) / 2e-5, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("response", RESPONSES)
def test_strange_names(response: str) -> None:
    data = panel(response)
    base = fit(response, data)
    data = data.rename(columns={"x1": "a b", "d": "x:1"}).assign(exp2=np.arange(len(data)) % 7)
    data["größe"] = np.sin(np.arange(len(data)))
    named = fit(response, data, "`a b` + `x:1`")
    np.testing.assert_allclose(named.params, base.params, rtol=1e-8)
    prefix = "1: " if response == "multinomial_logit" else "y1: " if response == "joint_probit" else ""
    for name in ("a b", "x:1"):
        assert f"{prefix}{name}" in named.params.index
        assert named.test(f"`{prefix}{name}` = 0").statistic > 0
    effects, expected = named.margins("`a b`"), base.margins("x1")
    np.testing.assert_allclose(effects.params, expected.params, rtol=1e-7)
    both = fit(response, data, "exp2 + größe")
    assert {f"{prefix}exp2", f"{prefix}größe"} <= set(both.params.index)


def _first(data: pd.DataFrame) -> str:
    return "y1" if "y1" in data else "y"


@pytest.mark.parametrize("response", RESPONSES)
def test_bad_input_is_refused_in_words(response: str) -> None:
    data = panel(response)
    outcome = _first(data)
    with pytest.raises(ModelError, match=rf"no observation is left.*missing {outcome}"):
        fit(response, data.assign(**{outcome: np.nan}))
    with pytest.raises(DataError, match="row 5, column 'x1': the regressor is infinite in 1 rows"):
        fit(response, data.assign(x1=data["x1"].where(data.index != 3, np.inf)))
    with pytest.raises(DataError, match="row 4, column 'w': weight -1; 1 weights are negative or infinite"):
        fit(response, data.assign(w=np.where(data.index == 2, -1.0, 1.0)), weights="w")
    weights = np.ones(len(data))
    weights[:PERIODS], weights[PERIODS : 2 * PERIODS] = 0.0, np.nan
    left = fit(response, data.assign(w=weights), weights="w")
    assert left.dropped == {"missing w": PERIODS, "zero weight": PERIODS}
    assert left.nobs == len(data) - 2 * PERIODS
    with pytest.raises(ModelError, match="one group only"):
        fit(response, data.assign(all=1), vcov={"CRV1": "all"})
    for formula in ("I(__import__('os').getcwd())", "x1.__class__", "(lambda: 1)()"):
        with pytest.raises((ModelError, DataError)):
            fit(response, data, formula, trusted=False)


@pytest.mark.parametrize("response", [r for r in RESPONSES if r not in ("ols", "poisson")])
def test_an_outcome_that_never_changes(response: str) -> None:
    data = panel(response)
    with pytest.raises(ModelError, match=r"is 1 in all 250 rows|has one category only: 1"):
        fit(response, data.assign(**{_first(data): 1}))


@pytest.mark.parametrize(
    "response", ["probit", "cloglog", "ordered_probit", "multinomial_logit", "joint_probit"]
)
def test_a_combination_that_predicts_perfectly_is_named(response: str) -> None:
    data = panel(response)
    outcome = _first(data)
    data["sign"] = data[outcome].rank(method="dense") + 0.1 * np.sin(np.arange(len(data)))
    with pytest.raises(ModelError, match="sign"):
        fit(response, data, "sign + x1")


@pytest.mark.parametrize("response", ["logit", "ordered_logit", "multinomial_logit", "poisson", "ols"])
def test_fixed_effects_name_what_does_not_vary_and_count_what_they_leave_out(response: str) -> None:
    data = panel(response, "fixed")
    data["always"] = data.groupby("unit")["x1"].transform("mean")
    changes = data.groupby("unit")["y"].transform("nunique") > 1
    if response == "poisson":
        changes = data.groupby("unit")["y"].transform("sum") > 0
    with pytest.warns(EstimationWarning, match="always"):
        result = getattr(gvc, response)("y ~ x1 + always", data, unit="unit", effects="fixed")
    assert not any("always" in name for name in result.params.index)
    if response != "ols":
        assert result.nobs == changes.sum()
        assert sum(result.dropped.values()) == (~changes).sum()
