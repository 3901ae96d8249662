"""Tobit against R, its derivatives and margins against differences, limits as numbers and as columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, ModelError
from gvcmetrics.models.families.tobit import family, mills_derivatives

FOLDER = Path(__file__).parents[1] / "reference" / "tobit"
AFFAIRS = pd.read_csv(FOLDER / "affairs.csv").assign(limit=lambda d: np.where(d["age"] < 30, 0, 1))
REFERENCE = pd.read_csv(FOLDER / "tobit.csv").replace({"term": {"(Intercept)": "Intercept"}})
FORMULA = "affairs ~ age + yearsmarried + religiousness + occupation + rating"
CASES: dict[str, dict[str, Any]] = {
    "below": {},
    "above": {"lower": None, "upper": 4},
    "both": {"upper": 4},
    "by row": {"lower": "limit"},
    "frequency": {"weights": "rating", "frequency": True},
}


@pytest.mark.parametrize("case", CASES)
def test_estimates_errors_and_likelihood_equal_those_of_r(case: str) -> None:
    expected = REFERENCE[REFERENCE["case"] == case].set_index("term")
    made = gvc.tobit(FORMULA, AFFAIRS, **CASES[case])
    np.testing.assert_allclose(made.params[expected.index], expected["estimate"], rtol=1e-6)
    np.testing.assert_allclose(made.std_errors[expected.index], expected["std_error"], rtol=1e-6)
    assert made.loglik == pytest.approx(expected["loglik"].iloc[0], rel=1e-9)


def test_random_effects_equal_those_of_censreg() -> None:
    data = pd.read_csv(FOLDER / "panel_tobit.csv")
    made = gvc.tobit("y ~ x1 + x2", data, unit="id", effects="random", nquad=64)
    assert made.loglik == pytest.approx(-73.18914380, abs=1e-8)
    logs = np.log(made.params[["sigma_u", "sigma"]])
    found = [*made.params[["Intercept", "x1", "x2"]], *logs]
    np.testing.assert_allclose(found, [-0.3654498, 1.6837813, 2.2636257, -0.1140376, -0.0134594], atol=2e-6)
    errors = made.std_errors / np.where(made.params.index.str.startswith("sigma"), made.params, 1.0)
    expected = {
        "Intercept": 0.4611366,
        "x1": 0.2124256,
        "x2": 0.6739151,
        "sigma_u": 0.2811316,
        "sigma": 0.1301776,
    }
    # censReg's nodes do not follow the units, which shows in its curvature: most in that of sigma_u, by 5e-4.
    tolerance = pd.Series(1e-4, expected).mask(pd.Index(expected) == "sigma_u", 6e-4)
    assert (abs(errors[list(expected)] / pd.Series(expected) - 1) < tolerance).all()


def rows(n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    eta = rng.normal(scale=2, size=(n, 1))
    low, high = rng.uniform(-2, 0, n), rng.uniform(1, 3, n)
    low[::7], high[::5] = -np.inf, np.inf
    y = np.clip(eta[:, 0] + rng.normal(size=n), low, high)
    return np.column_stack([y, low, high]), eta, np.array([0.3])


def test_derivatives_equal_differences() -> None:
    y, eta, constants = rows()
    h = 1e-5

    def at(de: float, dc: float) -> tuple[np.ndarray, ...]:
        return family.evaluate(y, eta + de, constants + dc)

    _, g, H = at(0, 0)
    for j, (de, dc) in enumerate([(h, 0), (0, h)]):
        up, down = at(de, dc), at(-de, -dc)
        np.testing.assert_allclose(g[:, j], (up[0] - down[0]) / (2 * h), rtol=1e-6, atol=1e-8)
        for k in range(j + 1):
            slope = (up[1][:, k] - down[1][:, k]) / (2 * h)
            np.testing.assert_allclose(H[:, j * (j + 1) // 2 + k], slope, rtol=1e-6, atol=1e-7)
    assert family.bend is not None
    first, second = family.bend(y, eta, constants)
    np.testing.assert_allclose(first, (at(h, 0)[2] - at(-h, 0)[2]) / (2 * h), rtol=1e-5, atol=1e-7)
    above, below = (family.bend(y, eta + d, constants)[0] for d in (h, -h))
    np.testing.assert_allclose(second, (above - below) / (2 * h), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("scale", ["response", "probability", "index"])
@pytest.mark.parametrize("options", [CASES["both"], CASES["by row"], {"effects": "random", "unit": "couple"}])
def test_margins_are_derivatives_of_predictions(scale: str, options: dict[str, Any]) -> None:
    data = AFFAIRS.assign(couple=np.arange(len(AFFAIRS)) // 3)
    made = gvc.tobit("affairs ~ age * rating + religiousness", data, **options)
    kind = {"response": "mean"}.get(scale, scale)
    h = 1e-5
    up, down = (made.predict(data.assign(age=data["age"] + d), kind) for d in (h, -h))
    effects = made.margins("age", scale=scale)
    assert effects.values[0] == pytest.approx(float((up - down).mean()) / (2 * h), rel=1e-6)
    # The second difference: how the slope in age moves with the rating.
    step = 1e-4
    tilted = []
    for d in (step, -step):
        moved = data.assign(rating=data["rating"] + d)
        up, down = (made.predict(moved.assign(age=moved["age"] + e), kind) for e in (step, -step))
        tilted.append(float((up - down).mean()) / (2 * step))
    cross = made.margins("age:rating", scale=scale)
    assert cross.values[0] == pytest.approx((tilted[0] - tilted[1]) / (2 * step), rel=1e-4)
    _check_errors(made, cross, scale)


def _check_errors(made: Any, cross: Any, scale: str) -> None:
    """The delta method against a gradient by differences of the estimates."""
    from dataclasses import replace

    columns, at = [], made.params.to_numpy()
    for j in range(len(at)):
        step = 1e-5 * max(abs(at[j]), 0.1)
        both = []
        for sign in (1, -1):
            theta = at.copy()
            theta[j] += sign * step
            moved = replace(made, params=pd.Series(theta, index=made.params.index))
            both.append(moved.margins("age:rating", scale=scale).values[0])
        columns.append((both[0] - both[1]) / (2 * step))
    error = np.sqrt(np.array(columns) @ made.cov.to_numpy() @ np.array(columns))
    assert cross.std_errors.iloc[0] == pytest.approx(error, rel=1e-5)


def test_a_file_gives_the_estimates_and_margins_of_memory(tmp_path: Path) -> None:
    AFFAIRS.to_parquet(tmp_path / "affairs.parquet")
    for options in (CASES["both"], CASES["by row"]):
        memory = gvc.tobit(FORMULA, AFFAIRS, vcov="hetero", **options)
        file = gvc.tobit(FORMULA, tmp_path / "affairs.parquet", vcov="hetero", **options)
        np.testing.assert_allclose(file.params, memory.params, rtol=1e-9)
        np.testing.assert_allclose(file.std_errors, memory.std_errors, rtol=1e-8)
        for one, other in (
            (file.margins(), memory.margins()),
            (file.margins("age", scale="probability"), memory.margins("age", scale="probability")),
        ):
            np.testing.assert_allclose(one.values, other.values, rtol=1e-9)
            np.testing.assert_allclose(one.std_errors, other.std_errors, rtol=1e-8)
        np.testing.assert_allclose(file.predict(), memory.predict(), rtol=1e-9)


def test_without_a_row_at_a_limit_it_is_least_squares() -> None:
    made = gvc.tobit(FORMULA, AFFAIRS, lower=-1)
    linear = gvc.ols(FORMULA, AFFAIRS)
    np.testing.assert_allclose(made.params[linear.params.index], linear.params, rtol=1e-8)
    assert made.loglik == pytest.approx(linear.loglik, rel=1e-10)


def test_bad_calls_say_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"needs a limit.*use gvc.ols"):
        gvc.tobit(FORMULA, AFFAIRS, lower=None)
    with pytest.raises(ModelError, match=r"lies between the limits in no row. It runs from 0 to 12"):
        gvc.tobit(FORMULA, AFFAIRS, lower=12)
    # Also where the outcome reaches both ends, and where the limits are columns.
    ends = AFFAIRS.assign(affairs=np.where(AFFAIRS["affairs"] > 0, 12, 0))
    for lower, upper in ((0, 12), ("limit", "limit + 2")):
        with pytest.raises(ModelError, match="lies between the limits in no row"):
            gvc.tobit(FORMULA, ends, lower=lower, upper=upper)
    with pytest.raises(ModelError, match=r"lower limit 3 is not below the upper one, 2"):
        gvc.tobit(FORMULA, AFFAIRS, lower=3, upper=2)
    with pytest.raises(
        DataError, match=r"row 2, column 'limit': .* 1 is not below the upper one, 1, in \d+ rows"
    ):
        gvc.tobit(FORMULA, AFFAIRS, lower=1, upper="limit")
    with pytest.raises(ModelError, match=r"not Series.*lower='limit'"):
        gvc.tobit(FORMULA, AFFAIRS, lower=AFFAIRS["limit"])
    with pytest.raises(ModelError, match="this model has one outcome"):
        gvc.tobit("affairs + education ~ age", AFFAIRS)
    with pytest.raises(DataError, match="no such column"):
        gvc.tobit(FORMULA, AFFAIRS, lower="limits")
    with pytest.raises(ModelError, match=r"effects='fixed' does not exist here.*effects='correlated'"):
        gvc.tobit(FORMULA, AFFAIRS, unit="age", effects="fixed")


def test_the_call_is_printed_with_the_limits_that_are_not_the_default() -> None:
    assert gvc.tobit(FORMULA, AFFAIRS, lower=0).call == f"gvc.tobit({FORMULA!r}, data)"
    made = gvc.tobit(FORMULA, AFFAIRS, lower="limit", upper=10)
    assert made.call == f"gvc.tobit({FORMULA!r}, data, lower='limit', upper=10)"


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.ConvergenceWarning")
def test_outcomes_that_fit_exactly_are_said_to_and_divide_by_nothing() -> None:
    exact = AFFAIRS.assign(affairs=(AFFAIRS["age"] - 30).clip(lower=0))
    (note,) = gvc.tobit("affairs ~ age", exact).notes
    assert "sigma is at its lower bound, zero" in note
    assert not gvc.tobit(FORMULA, AFFAIRS).notes


def test_what_lies_beyond_a_limit_counts_as_censored() -> None:
    cut = gvc.tobit(FORMULA, AFFAIRS.assign(affairs=AFFAIRS["affairs"].clip(upper=4)), upper=4)
    beyond = gvc.tobit(FORMULA, AFFAIRS.assign(affairs=AFFAIRS["affairs"].replace({0: -99})), upper=4)
    np.testing.assert_allclose(beyond.params, cut.params, rtol=1e-9)
    assert beyond.loglik == pytest.approx(cut.loglik, rel=1e-12)


def test_derivatives_of_the_mills_ratio_keep_their_digits_in_the_tails() -> None:
    known = pd.read_csv(FOLDER / "mills.csv")
    made = np.column_stack(mills_derivatives(known["a"].to_numpy()))
    np.testing.assert_allclose(made, known[["m", "m1", "m2", "m3"]], rtol=5e-6)


@pytest.mark.parametrize("distance", [30.0, 300.0, -30.0])
def test_the_likelihood_keeps_its_digits_where_a_limit_is_far_away(distance: float) -> None:
    y, eta = np.array([[0.0, 0.0, np.inf], [0.0, -np.inf, 0.0]]), np.array([[distance], [-distance]])
    value, gradient, hessian = family.evaluate(y, eta, np.zeros(1))
    np.testing.assert_allclose(value, norm.logcdf(-distance), rtol=1e-12)
    m, m1, _, _ = mills_derivatives(np.full(2, -distance))
    np.testing.assert_allclose(gradient[:, 0], np.array([-1.0, 1.0]) * m, rtol=1e-9)
    np.testing.assert_allclose(hessian[:, 0], m1, rtol=1e-9)


def test_the_chance_between_two_far_limits_keeps_its_digits() -> None:
    made = gvc.tobit(FORMULA, AFFAIRS, upper="4 + 200 * (age > 50)", lower="200 * (age > 50)")
    far = AFFAIRS[AFFAIRS["age"] > 50]
    index, sigma = made.predict(far, "index"), made.params["sigma"]
    expected = norm.sf((200 - index) / sigma) - norm.sf((204 - index) / sigma)
    np.testing.assert_allclose(made.predict(far, "probability"), expected, rtol=1e-9)
    assert (expected > 0).all()
