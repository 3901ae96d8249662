"""A likelihood with named parameters: how it is maximised, and maximised under a restriction."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space

from gvcmetrics.errors import ConvergenceWarning, ModelError
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.ground.numerics.least_squares import inverse_information
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Batch
from gvcmetrics.models.likelihood.family import Array, Family, Transform
from gvcmetrics.models.likelihood.newton import Optimum, maximise
from gvcmetrics.models.likelihood.separation import refuse_separation

# Squared distance of the estimates from the maximum, in standard errors.
_NOT_A_MAXIMUM = 1e-6
_REMEDY = "Leave one of them out, merge categories, or, for a logit, use firth=True"
_NO_ERROR = 1e-8


@dataclass(frozen=True)
class Problem:
    """A likelihood to maximise and what is needed to report its maximum.

    Attributes
    ----------
    evaluate : theta -> log likelihood, score, Hessian. scores : theta -> one row a unit of likelihood.
    scores_of : (theta, batch) -> the same for some rows, of a likelihood that is a sum over rows.
    names : of the parameters. start : their starting values.
    spreads : standard deviation of the regressor of each parameter, 0 for other parameters. free_spreads : of
        what the other regressors leave of it.
    groups : the units of a likelihood that is not a sum over rows.
    natural : theta -> (reported parameters, Jacobian), where some are estimated in another scale.
    back : the inverse of `natural`.
    refit : (mask of rows, or of units, to keep; start) -> theta without the others, for the jackknife.
    noise : relative error of the log likelihood.
    unit : theta -> the unit in which the index is measured.
    """

    evaluate: Callable[[Array], tuple[float, Array, Array]]
    scores: Callable[[Array], Array]
    names: tuple[str, ...]
    start: Array
    spreads: Array
    free_spreads: Callable[[], Array] | None = None
    groups: Groups | None = None
    scores_of: Callable[[Array, Batch], Array] | None = None
    natural: Transform | None = None
    back: Transform | None = None
    refit: Callable[[NDArray[np.bool_], Array], Array] | None = None
    noise: float = 1e-13
    unit: Callable[[Array], float] = lambda theta: 1.0
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def reported(self, theta: Array) -> Array:
        """The parameters as they are reported."""
        return self.natural(theta)[0] if self.natural else theta.copy()


@dataclass(frozen=True)
class Solution:
    """The maximum of a problem. free : mask of the parameters that were not held."""

    optimum: Optimum
    free: NDArray[np.bool_]

    @property
    def bread(self) -> Array:
        """Inverse of the information; zero for parameters that are held."""
        return spread_out(-self.optimum.hessian, self.free)


def solve(problem: Problem, fix: Mapping[str, float] | None = None) -> Solution:
    """Maximise, with the parameters of `fix` held at their values in print."""
    start, free = problem.start.copy(), np.ones(len(problem.names), dtype=bool)
    if fix:
        positions = _positions(problem, fix)
        start[positions] = _held(problem, fix)[positions]
        free[positions] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        optimum = maximise(problem.evaluate, start, free, noise=problem.noise)
    information = -optimum.hessian[np.ix_(free, free)]
    unit = problem.unit(optimum.theta)
    # An index without error fits exactly, which is an answer, and its information has no digits.
    if unit > _NO_ERROR * problem.unit(start):
        refuse_separation(
            inverse_information(information), problem.spreads[free] / unit,
            [name for name, moves in zip(problem.names, free, strict=True) if moves], _REMEDY,
            lambda: (problem.free_spreads() if problem.free_spreads else problem.spreads)[free] / unit,
        )  # fmt: skip
    if not optimum.converged:
        warn(
            f"not converged: {optimum.reason}, {optimum.gradient_norm:.2g} standard errors from the maximum",
            ConvergenceWarning,
        )
    return Solution(optimum, free)


def in_print(problem: Problem, fix: Mapping[str, float] | None) -> Problem:
    """The problem to solve under `fix`: the same, or the one in the reported parameters where one that is
    held is a function of several of the likelihood's."""
    if not fix or problem.natural is None or problem.back is None:
        return problem
    # At the start a Jacobian may be diagonal that is so nowhere else.
    away = problem.start + 0.1 + 0.01 * np.arange(len(problem.start))
    rows = problem.natural(away)[1][_positions(problem, fix)]
    if (np.count_nonzero(rows, axis=1) == 1).all():
        return problem
    natural, back = problem.natural, problem.back
    step = 1e-5

    def evaluate(reported: Array) -> tuple[float, Array, Array]:
        p = len(reported)
        try:
            theta, jacobian = back(reported)
            # How the Jacobian bends, by central differences; their error is of the order 1e-10.
            moves = step * np.eye(p)
            bends = [(back(reported + m)[1] - back(reported - m)[1]) / (2.0 * step) for m in moves]
        except np.linalg.LinAlgError:
            return -np.inf, np.zeros(p), np.zeros((p, p))
        loglik, score, hessian = problem.evaluate(theta)
        bent = np.array([score @ bend for bend in bends])
        return loglik, score @ jacobian, jacobian.T @ hessian @ jacobian + (bent + bent.T) / 2.0

    def scores(reported: Array) -> Array:
        theta, jacobian = back(reported)
        return np.asarray(problem.scores(theta) @ jacobian)

    def scores_of(reported: Array, batch: Batch) -> Array:
        assert problem.scores_of is not None
        theta, jacobian = back(reported)
        return np.asarray(problem.scores_of(theta, batch) @ jacobian)

    start = natural(_held(problem, fix))[0]
    return replace(
        problem,
        evaluate=evaluate,
        scores=scores,
        scores_of=scores_of if problem.scores_of else None,
        start=start,
        natural=None,
        back=None,
        refit=None,
    )


def _positions(problem: Problem, fix: Mapping[str, float]) -> list[int]:
    for name in fix:
        if name not in problem.names:
            raise ModelError(
                f"fix= names '{name}', which is not a parameter",
                remedy=f"They are {', '.join(problem.names[:12])}",
            )
    return [problem.names.index(name) for name in fix]


def _held(problem: Problem, fix: Mapping[str, float]) -> Array:
    """The starting values with the parameters of `fix` at theirs.

    Raises
    ------
    ModelError : a parameter cannot have its value (a standard deviation below zero, a correlation above one).
    """
    start = problem.reported(problem.start)
    start[_positions(problem, fix)] = [float(value) for value in fix.values()]
    if problem.back is None:
        return start
    with np.errstate(divide="ignore", invalid="ignore"):
        try:
            theta = problem.back(start)[0]
        except np.linalg.LinAlgError:
            theta = np.full(len(start), np.nan)
    if not np.isfinite(theta).all():
        held = ", ".join(f"{name} at {value:g}" for name, value in fix.items())
        raise ModelError(
            f"fix= holds {held}, which is outside or on the edge of what the parameter may be",
            remedy="Standard deviations are above zero, correlations between -1 and 1",
        )
    return theta


def restricted(problem: Problem, solution: Solution) -> Callable[[Array, Array], tuple[Array, Array]]:
    """Scores and bread of the estimates under R theta = r: the likelihood maximised over what R leaves free.

    theta = theta_0 + Z gamma, where theta_0 is the point on the restriction nearest to the estimates in
    the metric of the Hessian and the columns of Z span the null space of R.
    """
    optimum, free = solution.optimum, solution.free
    estimates = problem.reported(optimum.theta)

    def under(R: Array, r: Array) -> tuple[Array, Array]:
        if (R[:, ~free] != 0).any() or not np.array_equal((R != 0) * estimates, (R != 0) * optimum.theta):
            raise ModelError(
                "the restriction names a parameter that is fixed, or not linear in the likelihood",
                remedy="Restrict regression coefficients, or use impose_null=False",
            )
        Rf, bread = R[:, free], inverse_information(-optimum.hessian[np.ix_(free, free)])
        slope = problem.evaluate(optimum.theta)[1][free]
        if slope @ bread @ slope > _NOT_A_MAXIMUM:
            raise ModelError(
                "the estimates maximise a penalised likelihood, which has no restricted scores here",
                remedy="Use impose_null=False",
            )
        pull = bread @ Rf.T
        base = optimum.theta.copy()
        base[free] -= pull @ np.linalg.solve(Rf @ pull, R @ optimum.theta - r)
        Z = np.zeros((len(free), int(free.sum()) - len(R)))
        Z[free] = null_space(Rf)

        def along(gamma: Array) -> tuple[float, Array, Array]:
            loglik, score, hessian = problem.evaluate(base + Z @ gamma)
            return loglik, score @ Z, Z.T @ hessian @ Z

        theta = base + Z @ maximise(along, np.zeros(Z.shape[1]), noise=problem.noise).theta
        return problem.scores(theta), spread_out(-problem.evaluate(theta)[2], free)

    return under


def profiled(problem: Problem, solution: Solution) -> Callable[[Array, Array], float]:
    """(base, Z) -> the highest log likelihood over theta = base + Z gamma."""

    def highest(base: Array, Z: Array) -> float:
        def along(gamma: Array) -> tuple[float, Array, Array]:
            loglik, score, hessian = problem.evaluate(base + Z @ gamma)
            return loglik, score @ Z, Z.T @ hessian @ Z

        nearest: Array = np.asarray(np.linalg.pinv(Z) @ (solution.optimum.theta - base))
        return maximise(along, nearest, noise=problem.noise).loglik

    return highest


def spread_out(information: Array, free: NDArray[np.bool_]) -> Array:
    """Inverse of the information of free parameters, with zeros for those that are held."""
    full = np.zeros((len(free), len(free)))
    full[np.ix_(free, free)] = inverse_information(information[np.ix_(free, free)])
    return full


def parameter_map(family: Family, coefficients: int, *, random: bool, back: bool = False) -> Transform | None:
    """From the parameters of the kernels to the reported ones, or `back`.

    They are the coefficients, the constants of the family, and log sigma of a random intercept, which is
    reported as sigma.
    """
    change = family.working if back else family.reported
    if change is None and not random:
        return None
    constants = slice(coefficients, coefficients + len(family.constants))

    def mapped(parameters: Array) -> tuple[Array, Array]:
        made, jacobian = parameters.copy(), np.eye(len(parameters))
        if change is not None:
            made[constants], jacobian[constants, constants] = change(parameters[constants])
        if random and back:
            made[-1], jacobian[-1, -1] = np.log(parameters[-1]), 1.0 / parameters[-1]
        elif random:
            made[-1] = jacobian[-1, -1] = np.exp(parameters[-1])
        return made, jacobian

    return mapped
