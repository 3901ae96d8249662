"""One optimiser for every likelihood: Newton's method with step control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from gvcmetrics.errors import ConvergenceWarning, ModelError
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.likelihood.family import Array

Objective = Callable[[Array], tuple[float, Array, Array]]

# g'(-H)^-1 g is the squared distance to the maximum in standard errors, whatever the units of the regressors.
TOLERANCE = 1e-14
# Below this the line search can find no better point because the log likelihood has no more digits.
NEARLY = 1e-8
HALVINGS = 40
# Likelihoods bring their own threads; BLAS threads beside them, on small blocks, only get in the way. They
# spin for a while even after their work is done, so a model calls for none of them from its first line.
one_blas_thread = partial(ThreadpoolController().limit, limits=1, user_api="blas")


@dataclass(frozen=True)
class Optimum:
    """Where the optimiser stopped, and why.

    theta, loglik, score, hessian : the point and the values there (of all parameters, fixed ones too).
    gradient_norm : the square root of g'(-H)^-1 g over free parameters: the distance to the maximum in
        standard errors.
    converged, reason, iterations : the report.
    """

    theta: Array
    loglik: float
    score: Array
    hessian: Array
    gradient_norm: float
    iterations: int
    converged: bool
    reason: str


def maximise(
    objective: Objective,
    start: Array,
    free: NDArray[np.bool_] | None = None,
    max_iterations: int = 100,
    noise: float = 1e-13,
) -> Optimum:
    """Maximise a log likelihood by Newton's method with step halving.

    Where the Hessian is not negative definite its eigenvalues are replaced by their absolute values, away
    from zero, so each step climbs (Nocedal & Wright 2006, section 3.4); a step is halved until the log
    likelihood rises by at least a ten-thousandth of what its slope promises.

    Parameters
    ----------
    objective : `objective(theta)` gives log likelihood, score and Hessian; a log likelihood that is
        not finite marks a point outside the domain.
    start : where to begin; the log likelihood must be finite there.
    free : which parameters move; the others keep their starting value. All, when None.
    max_iterations : accepted steps before giving up.
    noise : relative error of the log likelihood (rounding; larger where a part of the score is a
        difference, as in Firth's penalty). A step that promises less is taken as it is.

    Returns
    -------
    Optimum; when `converged` is False a ConvergenceWarning has been issued.

    Raises
    ------
    ModelError : the log likelihood is not finite at the starting values.
    """
    theta = np.array(start, dtype=float)
    move = np.ones(len(theta), dtype=bool) if free is None else np.asarray(free, dtype=bool)
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        value, score, hessian = objective(theta)
        if not _finite(value, score, hessian):
            raise ModelError(
                "the log likelihood is not finite at the starting values",
                remedy="Rescale regressors with very large values, or check the offset.",
            )
        distance, iteration = np.inf, 0
        while True:
            step = _ascent(score[move], hessian[np.ix_(move, move)])
            gain = float(score[move] @ step)
            distance = np.sqrt(max(gain, 0.0))
            if gain <= TOLERANCE:
                converged, reason = True, "the score is zero"
                break
            if iteration == max_iterations:
                converged, reason = False, f"no convergence after {max_iterations} iterations"
                break
            found = _search(objective, theta, move, step, (value, gain), noise * (1.0 + abs(value)))
            if found is None:
                converged = gain < NEARLY
                reason = "the log likelihood has no more digits" if converged else "no step improves it"
                break
            theta, value, score, hessian = found
            iteration += 1
    optimum = Optimum(theta, value, score, hessian, distance, iteration, converged, reason)
    if not converged:
        warn(
            f"the optimiser did not converge: {reason}, {distance:.2g} standard errors from the maximum",
            ConvergenceWarning,
        )
    return optimum


def _search(
    objective: Objective,
    theta: Array,
    move: NDArray[np.bool_],
    step: Array,
    promise: tuple[float, float],
    noise: float,
) -> tuple[Array, float, Array, Array] | None:
    """The first point on theta + 1, 1/2, 1/4, ... of the step that climbs enough; None if none does."""
    value, gain = promise
    length = 1.0
    for _ in range(HALVINGS):
        trial = theta.copy()
        trial[move] += length * step
        new, score, hessian = objective(trial)
        # Near the maximum the rise drowns in the noise of the sum; then the quadratic model decides.
        least = 1e-4 * length * gain if gain > max(NEARLY, noise) else -max(NEARLY, noise)
        if _finite(new, score, hessian) and new - value >= least:
            return trial, new, score, hessian
        length /= 2.0
        if length * gain < 1e-3 * TOLERANCE:
            break
    return None


def _ascent(score: Array, hessian: Array) -> Array:
    """(-H)^-1 g where -H is positive definite; elsewhere its eigenvalues are made positive first."""
    if not len(score):
        return score
    diagonal = np.abs(np.diag(hessian))
    scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    information = -hessian * np.outer(scale, scale)
    try:
        root = np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(information)
        floor = 1e-3 * np.abs(values).max() or 1.0
        return scale * (vectors @ ((vectors.T @ (scale * score)) / np.maximum(np.abs(values), floor)))
    half = np.linalg.solve(root, scale * score)
    return scale * np.linalg.solve(root.T, half)


def _finite(value: float, score: Array, hessian: Array) -> bool:
    return bool(np.isfinite(value) and np.isfinite(score).all() and np.isfinite(hessian).all())
