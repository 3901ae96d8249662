"""Derivatives of every family against finite differences, values against other programs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gvcmetrics.models.families.cloglog import family as cloglog
from gvcmetrics.models.families.kernels.bivariate_normal import log_bivariate_cdf
from gvcmetrics.models.families.kernels.bivariate_probit import bivariate_probit
from gvcmetrics.models.families.kernels.scalar import inverse_mills, inverse_mills_slope, log_normal_cdf
from gvcmetrics.models.families.logit import family as logit
from gvcmetrics.models.families.multinomial_logit import family as multinomial_logit
from gvcmetrics.models.families.negative_binomial import family as negative_binomial
from gvcmetrics.models.families.ordered_logit import family as ordered_logit
from gvcmetrics.models.families.ordered_probit import family as ordered_probit
from gvcmetrics.models.families.poisson import family as poisson
from gvcmetrics.models.families.probit import family as probit
from gvcmetrics.models.likelihood.expected import probability, together
from gvcmetrics.models.likelihood.family import Family

REFERENCE = Path(__file__).parents[1] / "reference" / "models"
FAMILIES = {
    "logit": logit,
    "probit": probit,
    "cloglog": cloglog,
    "poisson": poisson,
    "negative_binomial": negative_binomial,
    "ordered_logit": ordered_logit(4),
    "ordered_probit": ordered_probit(4),
    "multinomial_logit": multinomial_logit(4),
    "bivariate_probit": bivariate_probit,
}


def _constants(family: Family, draws: list[float]) -> np.ndarray:
    if family.name.startswith("ordered"):
        return np.cumsum([draws[0], *(abs(d) + 0.05 for d in draws[1:])])[: len(family.constants)]
    return np.array(draws[: len(family.constants)])


def _value(family: Family, y: float, arguments: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    eta, constants = arguments[: family.n_indices], arguments[family.n_indices :]
    loglik, gradient, packed = family.evaluate(np.array([y]), eta[None, :], constants)
    m = family.n_arguments
    hessian = np.zeros((m, m))
    hessian[np.tril_indices(m)] = packed[0]
    return loglik[0], gradient[0], hessian + np.tril(hessian, -1).T


def _differences(family: Family, y: float, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian by fourth-order central differences of the log likelihood and the gradient."""
    step = 2e-4
    gradient, hessian = np.empty(len(at)), np.empty((len(at), len(at)))
    for j in range(len(at)):
        move = np.eye(len(at))[j] * step
        near = [_value(family, y, at + s * move)[:2] for s in (-2, -1, 1, 2)]
        weights = np.array([1, -8, 8, -1]) / (12 * step)
        gradient[j] = weights @ [v[0] for v in near]
        hessian[j] = weights @ np.array([v[1] for v in near])
    return gradient, hessian


def _check(family: Family, y: float, at: np.ndarray, tolerance: float = 2e-7) -> None:
    value, gradient, hessian = _value(family, y, at)
    assert np.isfinite(value)
    assert value <= 1e-12 or family.outcomes is None
    by_gradient, by_hessian = _differences(family, y, at)
    # a difference of the log likelihood cannot be better than its rounding over the step
    noise = 4e-16 * max(1.0, abs(value)) / 2e-4
    np.testing.assert_allclose(gradient, by_gradient, rtol=tolerance, atol=tolerance + 10 * noise)
    scale = max(1.0, np.abs(gradient).max())
    np.testing.assert_allclose(hessian, by_hessian, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_derivatives_at_random_points(name: str, data: st.DataObject) -> None:
    family = FAMILIES[name]
    eta = data.draw(st.lists(st.floats(-4, 4), min_size=family.n_indices, max_size=family.n_indices))
    constants = _constants(family, data.draw(st.lists(st.floats(-1.2, 1.2), min_size=3, max_size=3)))
    outcome = data.draw(st.integers(0, 12 if family.outcomes is None else family.outcomes - 1))
    _check(family, float(outcome), np.array([*eta, *constants]))


@pytest.mark.parametrize(
    ("name", "y", "at"),
    [
        *[("logit", y, [x]) for y in (0, 1) for x in (-600, -40, 40, 600)],
        *[("probit", y, [x]) for y in (0, 1) for x in (-200, -38, -36, 36, 38, 200)],
        *[("cloglog", y, [x]) for y, x in ((1, -600), (1, -30), (1, -7), (0, -30), (0, 5), (1, 5), (1, 30))],
        *[("ordered_logit", y, [x, -1.0, 0.5, 0.51]) for y in range(4) for x in (-600, -35, 35, 600)],
        *[("ordered_probit", y, [x, -1.0, 0.5, 0.7]) for y in range(4) for x in (-60, -36, 36, 60)],
        *[("multinomial_logit", y, [x, -x, 0.3]) for y in range(4) for x in (-700, 700, 40)],
        *[("negative_binomial", y, [1.0, x]) for y in (0, 3, 40) for x in (-25, -8, 4)],
        *[("bivariate_probit", y, [x, z, 1.5]) for y in range(4) for x, z in ((8, -8), (20, 20), (-12, 5))],
    ],
)
def test_derivatives_in_the_tails(name: str, y: int, at: list[float]) -> None:
    _check(FAMILIES[name], float(y), np.array(at, dtype=float), tolerance=1e-6)


@pytest.mark.parametrize("name", [n for n, f in FAMILIES.items() if f.outcomes])
def test_probabilities_add_to_one_and_scores_have_mean_zero(name: str) -> None:
    family = FAMILIES[name]
    rng = np.random.default_rng(7)
    eta = rng.normal(size=(50, family.n_indices)) * 2
    constants = _constants(family, [-0.4, 0.7, 0.9])
    outcomes = [probability(family, category) for category in range(family.outcomes)]
    p = np.column_stack([outcome.value(eta, constants) for outcome in outcomes])
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)
    expected = np.zeros((50, family.n_arguments))
    curvature = np.zeros((50, family.n_arguments * (family.n_arguments + 1) // 2))
    low = np.tril_indices(family.n_arguments)
    for outcome in range(family.outcomes or 0):
        _, g, h = family.evaluate(np.full(50, float(outcome)), eta, constants)
        expected += p[:, [outcome]] * g
        curvature += p[:, [outcome]] * (h + (g[:, :, None] * g[:, None, :])[:, low[0], low[1]])
    np.testing.assert_allclose(expected, 0, atol=1e-11)
    np.testing.assert_allclose(curvature, 0, atol=1e-10)


@pytest.mark.parametrize("name", [n for n, f in FAMILIES.items() if f.together])
def test_categories_at_once_are_those_one_by_one(name: str) -> None:
    """Far in both tails too, and for some of the categories in another order."""
    family = FAMILIES[name]
    eta = np.array([[-30.0], [-6.0], [-0.7], [0.1], [2.5], [7.0], [30.0]])
    constants = _constants(family, [-0.4, 0.7, 0.9])
    outcomes = [probability(family, category) for category in (2, 0, 3, 1)]
    for chosen in (outcomes, outcomes[:2], [outcomes[1], outcomes[3], outcomes[0], outcomes[2]]):
        values, first = together(chosen, eta, constants)
        for outcome, value, slopes in zip(chosen, values, first, strict=True):
            alone, slopes_alone, _ = outcome.derivatives(eta, constants)
            np.testing.assert_allclose(value, alone, rtol=1e-12)
            np.testing.assert_allclose(slopes, slopes_alone, rtol=1e-9, atol=1e-15)


def test_values_against_scipy() -> None:
    x = np.array([-3.0, -0.2, 1.7])
    one, zero = np.ones(3), np.zeros(3)
    none = np.empty(0)
    np.testing.assert_allclose(logit.evaluate(one, x[:, None], none)[0], stats.logistic.logcdf(x), rtol=1e-13)
    np.testing.assert_allclose(probit.evaluate(zero, x[:, None], none)[0], stats.norm.logsf(x), rtol=1e-12)
    np.testing.assert_allclose(
        cloglog.evaluate(one, x[:, None], none)[0], np.log(-np.expm1(-np.exp(x))), rtol=1e-12
    )
    counts = np.array([0.0, 3.0, 20.0])
    np.testing.assert_allclose(
        poisson.evaluate(counts, x[:, None], none)[0], stats.poisson.logpmf(counts, np.exp(x)), rtol=1e-12
    )
    for log_alpha in (-4.0, 0.3):
        size = np.exp(-log_alpha)
        np.testing.assert_allclose(
            negative_binomial.evaluate(counts, x[:, None], np.array([log_alpha]))[0],
            stats.nbinom.logpmf(counts, size, size / (size + np.exp(x))),
            rtol=1e-10,
        )
    cuts = np.array([-1.0, 0.2, 1.1])
    for family, cdf in ((ordered_logit(4), stats.logistic.cdf), (ordered_probit(4), stats.norm.cdf)):
        bounds = np.concatenate([[-np.inf], cuts, [np.inf]])
        for k in range(4):
            np.testing.assert_allclose(
                np.exp(family.evaluate(np.full(3, float(k)), x[:, None], cuts)[0]),
                cdf(bounds[k + 1] - x) - cdf(bounds[k] - x),
                rtol=1e-11,
            )


def test_normal_tails_join_smoothly() -> None:
    for x in (-36.99, -37.01, -100.0, -1e8, -5.0, -0.01, 0.01, 4.99, 40.0):
        assert log_normal_cdf(x) == pytest.approx(stats.norm.logcdf(x), rel=1e-13, abs=1e-300)
    assert inverse_mills(-36.999999) == pytest.approx(inverse_mills(-37.000001), rel=1e-7)
    assert inverse_mills_slope(-36.999999) == pytest.approx(inverse_mills_slope(-37.000001), rel=1e-6)


def test_bivariate_normal_against_thirty_digits() -> None:
    for h, k, rho, expected in pd.read_csv(REFERENCE / "bivariate_normal.csv").itertuples(index=False):
        assert log_bivariate_cdf(h, k, rho) == pytest.approx(expected, rel=1e-11, abs=1e-12)


def test_impossible_cutpoints_have_no_likelihood() -> None:
    for family in (ordered_logit(3), ordered_probit(3)):
        loglik, _, _ = family.evaluate(np.ones(1), np.zeros((1, 1)), np.array([1.0, 1.0]))
        assert loglik[0] == -np.inf
