"""The optimiser: convergence, its report, and what it does with bad problems."""

import warnings

import numpy as np
import pytest

from gvcmetrics.errors import ConvergenceWarning, ModelError
from gvcmetrics.models.families.poisson import family as poisson
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.sums import Likelihood, in_memory


def rosenbrock(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Its negative has one maximum, at (1, 1), at the end of a curved ridge; not concave on the way."""
    a, b = x
    value = (1 - a) ** 2 + 100 * (b - a**2) ** 2
    gradient = np.array([-2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)])
    hessian = np.array([[2 - 400 * (b - 3 * a**2), -400 * a], [-400 * a, 200.0]])
    return -value, -gradient, -hessian


def test_a_curved_ridge_is_climbed() -> None:
    optimum = maximise(rosenbrock, np.array([-1.2, 1.0]))
    np.testing.assert_allclose(optimum.theta, 1.0, rtol=1e-8)
    assert optimum.converged
    assert optimum.gradient_norm < 1e-6
    assert 5 < optimum.iterations < 60


def test_where_the_hessian_is_not_definite_steps_still_climb() -> None:
    def saddle(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value = -(x[0] ** 4) + x[0] ** 2 - x[1] ** 2
        return value, np.array([-4 * x[0] ** 3 + 2 * x[0], -2 * x[1]]), np.diag([-12 * x[0] ** 2 + 2, -2.0])

    optimum = maximise(saddle, np.array([0.1, 3.0]))
    np.testing.assert_allclose(np.abs(optimum.theta), [np.sqrt(0.5), 0.0], atol=1e-8)


def test_fixed_parameters_stay() -> None:
    optimum = maximise(rosenbrock, np.array([0.5, 7.0]), free=np.array([True, False]))
    assert optimum.theta[1] == 7.0
    assert optimum.gradient_norm < 1e-7
    assert optimum.theta[0] ** 2 == pytest.approx(7, rel=0.01)


def test_a_point_outside_the_domain_shortens_the_step() -> None:
    def log_barrier(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        if x[0] <= 0:
            return -np.inf, np.zeros(1), np.zeros((1, 1))
        return np.log(x[0]) - x[0], np.array([1 / x[0] - 1]), np.array([[-1 / x[0] ** 2]])

    assert maximise(log_barrier, np.array([5.0])).theta[0] == pytest.approx(1.0, rel=1e-9)


def test_stopping_early_is_flagged() -> None:
    with pytest.warns(ConvergenceWarning, match="no convergence after 2 iterations"):
        optimum = maximise(rosenbrock, np.array([-1.2, 1.0]), max_iterations=2)
    assert not optimum.converged
    assert optimum.iterations == 2


def test_a_likelihood_without_maximum_is_not_reported_as_maximised() -> None:
    def rising(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        return float(x[0]), np.ones(1), np.zeros((1, 1))

    with pytest.warns(ConvergenceWarning):
        assert not maximise(rising, np.zeros(1)).converged


def test_a_start_outside_the_domain_is_an_error() -> None:
    with pytest.raises(ModelError, match="not finite at the starting values"):
        maximise(lambda x: (-np.inf, np.zeros(1), np.zeros((1, 1))), np.zeros(1))


def test_overflow_on_the_way_is_stepped_back_from() -> None:
    # From zero the first Newton step of a Poisson with large counts overshoots exp.
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(200), rng.normal(size=200)])
    y = rng.poisson(np.exp(8 + 0.5 * X[:, 1])).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimum = maximise(in_memory(poisson, y, X).evaluate, np.zeros(2))
    np.testing.assert_allclose(optimum.theta, [8, 0.5], atol=0.02)


def test_columns_of_its_own_for_each_index() -> None:
    # Two indices on different columns give the score of the stacked design.
    from gvcmetrics.models.families.kernels.bivariate_probit import bivariate_probit

    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(50, 3)), rng.integers(0, 4, 50).astype(float)
    columns = (np.array([0, 1]), np.array([1, 2]))
    likelihood = Likelihood(bivariate_probit, columns, in_memory(bivariate_probit, y, X).source)
    theta = np.array([0.3, -0.2, 0.1, 0.5, 0.4])
    _, score, hessian = likelihood.evaluate(theta)
    np.testing.assert_allclose(likelihood.scores(theta).sum(axis=0), score, rtol=1e-12)
    np.testing.assert_array_equal(hessian, hessian.T)
    for j in range(5):
        move = 1e-5 * np.eye(5)[j]
        above, below = likelihood.evaluate(theta + move), likelihood.evaluate(theta - move)
        assert score[j] == pytest.approx((above[0] - below[0]) / 2e-5, rel=1e-6)
        np.testing.assert_allclose(hessian[j], (above[1] - below[1]) / 2e-5, rtol=1e-5, atol=1e-6)
