"""From a likelihood with named parameters to Results: the steps that every estimator shares."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space

from gvcmetrics.errors import ConvergenceWarning, ModelError
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.engine.newton import Optimum, maximise
from gvcmetrics.models.engine.separation import refuse_separation
from gvcmetrics.models.families.base import Array
from gvcmetrics.models.inference.covariance import Inference, Vcov, covariance
from gvcmetrics.models.results.results import Results, make_results

Transform = Callable[[Array], tuple[Array, Array]]
# Squared distance of the estimates from the maximum, in standard errors.
_NOT_A_MAXIMUM = 1e-6
_FIRTH = "Leave one of them out, merge categories, or, for a logit, use firth=True"


@dataclass(frozen=True)
class Problem:
    """A likelihood to maximise and what is needed to report its maximum.

    Attributes
    ----------
    evaluate : theta -> log likelihood, score, Hessian. scores : theta -> one row a unit of likelihood.
    names : of the parameters. start : their starting values.
    spreads : standard deviation of the regressor of each parameter, 0 for other parameters.
    groups : the units of a likelihood that is not a sum over rows.
    natural : theta -> (reported parameters, Jacobian), where some are estimated in another scale.
    refit : (mask of rows, or of units, to keep; start) -> theta without the others, for the jackknife.
    noise : relative error of the log likelihood.
    """

    evaluate: Callable[[Array], tuple[float, Array, Array]]
    scores: Callable[[Array], Array]
    names: tuple[str, ...]
    start: Array
    spreads: Array
    groups: Groups | None = None
    natural: Transform | None = None
    refit: Callable[[NDArray[np.bool_], Array], Array] | None = None
    noise: float = 1e-13
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def solve(problem: Problem, fix: Mapping[str, float] | None = None) -> tuple[Optimum, NDArray[np.bool_]]:
    """Maximise, with the parameters of `fix` held at their values; the optimum and the mask of free ones."""
    start, free = problem.start.copy(), np.ones(len(problem.names), dtype=bool)
    for name, value in (fix or {}).items():
        if name not in problem.names:
            raise ModelError(
                f"fix= names '{name}', which is not a parameter",
                remedy=f"They are {', '.join(problem.names[:12])}",
            )
        position = problem.names.index(name)
        start[position], free[position] = float(value), False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        optimum = maximise(problem.evaluate, start, free, noise=problem.noise)
    information = -optimum.hessian[np.ix_(free, free)]
    refuse_separation(
        inverse_information(information), problem.spreads[free],
        [name for name, moves in zip(problem.names, free, strict=True) if moves], _FIRTH,
    )  # fmt: skip
    if not optimum.converged:
        warnings.warn(
            f"not converged: {optimum.reason}, {optimum.gradient_norm:.2g} standard errors from the maximum",
            ConvergenceWarning,
            stacklevel=5,
        )
    return optimum, free


def conclude(
    problem: Problem,
    optimum: Optimum,
    free: NDArray[np.bool_],
    sample: Sample,
    asked: Vcov,
    **facts: Any,
) -> Results:
    """Scores and bread in the reported parameters, their covariance, and the Results."""
    p = len(free)
    bread = np.zeros((p, p))
    bread[np.ix_(free, free)] = inverse_information(-optimum.hessian[np.ix_(free, free)])
    estimates, jacobian = problem.natural(optimum.theta) if problem.natural else (optimum.theta, None)
    scores = problem.scores(optimum.theta)
    if jacobian is not None:
        bread = jacobian @ bread @ jacobian.T
        scores = scores @ np.linalg.inv(jacobian)
    frequency = sample.weights if sample.frequency else None
    codes: Callable[[str], np.ndarray] = sample.codes
    if problem.groups is not None:
        frequency = None if frequency is None else frequency[problem.groups.first]
        codes = _unit_codes(sample, problem.groups)
    inference = Inference(
        scores=scores,
        bread=bread,
        nobs=sample.nobs,
        parameters=int(free.sum()),
        linear=False,
        jackknife=None if problem.refit is None else _jackknife(problem, optimum),
        estimates=estimates,
        frequency=frequency,
        restricted=_restricted(problem, optimum, free),
    )
    notes = tuple(facts.pop("notes", ()))
    statistics = {**facts.pop("statistics", {}), "iterations": optimum.iterations}
    if sample.weights is not None and not sample.frequency and asked.kind == "iid":
        asked = Vcov("hetero")
        notes += ("With sampling weights the errors are heteroskedasticity-robust.",)
    return make_results(
        covariance(asked, inference, codes),
        estimates,
        problem.names,
        sample,
        inference,
        loglik=optimum.loglik,
        converged=optimum.converged,
        blocks=problem.blocks,
        statistics=statistics,
        notes=notes,
        codes=codes,
        **facts,
    )


def column_spreads(X: Array) -> Array:
    """Standard deviation of each column; its size, for a constant."""
    mean = np.full(len(X), 1.0 / len(X)) @ X
    square = np.einsum("ij,ij->j", X, X) / len(X)
    variance = square - mean**2
    return np.where(variance > 1e-12 * square, np.sqrt(np.maximum(variance, 0.0)), np.sqrt(square))


def unit_weights(sample: Sample, groups: Groups) -> Array | None:
    """Weights by unit.

    Raises
    ------
    ModelError : they vary within a unit, whose likelihood then has no weight.
    """
    if sample.weights is None:
        return None
    ordered = sample.weights[groups.order]
    first = sample.weights[groups.first]
    if not np.array_equal(np.repeat(first, np.diff(groups.starts)), ordered):
        raise ModelError(
            f"weights '{sample.weights_name}' vary within '{sample.unit_name}'",
            remedy="A unit's likelihood takes one weight: use its mean, or effects='pooled'",
        )
    return first


def _unit_codes(sample: Sample, groups: Groups) -> Callable[[str], np.ndarray]:
    """Cluster codes of units, from those of rows; refuses clusters that cut a unit in two."""

    def codes(column: str) -> np.ndarray:
        rows = sample.codes(column)
        units = rows[groups.first]
        if not np.array_equal(np.repeat(units, np.diff(groups.starts)), rows[groups.order]):
            raise ModelError(
                f"'{column}' varies within '{sample.unit_name}'",
                remedy=f"Cluster by '{sample.unit_name}', or by something that it is nested in",
            )
        return units

    return codes


def _jackknife(problem: Problem, optimum: Optimum) -> Callable[[np.ndarray], np.ndarray]:
    """Estimates without each cluster, refitted from the full estimate; missing where none exists."""
    refit = problem.refit
    assert refit is not None

    def estimates(codes: np.ndarray) -> np.ndarray:
        found = np.full((int(codes.max()) + 1, len(optimum.theta)), np.nan)
        for cluster in range(len(found)):
            with warnings.catch_warnings():
                warnings.simplefilter("error", ConvergenceWarning)
                try:
                    theta = refit(codes != cluster, optimum.theta)
                except (ModelError, ConvergenceWarning):
                    continue
            found[cluster] = problem.natural(theta)[0] if problem.natural else theta
        return found

    return estimates


def _restricted(
    problem: Problem, optimum: Optimum, free: NDArray[np.bool_]
) -> Callable[[Array, Array], tuple[Array, Array]]:
    """Scores and bread of the estimates under R theta = r: the likelihood maximised over what R leaves free.

    theta = theta_0 + Z gamma, where theta_0 is the point on the restriction nearest to the estimates in
    the metric of the Hessian and the columns of Z span the null space of R.
    """
    estimates = problem.natural(optimum.theta)[0] if problem.natural else optimum.theta

    def restricted(R: Array, r: Array) -> tuple[Array, Array]:
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
        full = np.zeros((len(free), len(free)))
        hessian = problem.evaluate(theta)[2]
        full[np.ix_(free, free)] = inverse_information(-hessian[np.ix_(free, free)])
        return problem.scores(theta), full

    return restricted


def inverse_information(information: Array) -> Array:
    """Inverse of a symmetric matrix; infinite variances where it is singular."""
    if not len(information):
        return information
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    values, vectors = np.linalg.eigh(information * np.outer(scale, scale))
    usable = values > 1e-14 * values.max()
    inverse = (vectors[:, usable] / values[usable]) @ vectors[:, usable].T
    # A direction without curvature has no finite variance in any of its parameters.
    inverse[np.diag_indices_from(inverse)] += (vectors[:, ~usable] ** 2 > 1e-8).sum(axis=1) * 1e30
    return inverse * np.outer(scale, scale)
