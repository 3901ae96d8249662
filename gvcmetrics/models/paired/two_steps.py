r"""Heckman's two steps: a probit, then least squares with its inverse Mills ratio.

With :math:`\delta_i = \lambda_i(\lambda_i + z_i'\gamma)`, W = (x, λ) of those who are seen and
:math:`\beta_\lambda` the coefficient of λ, :math:`\sigma^2 = (e'e + \beta_\lambda^2 \sum\delta_i)/n`, and the
covariance is

.. math:: \sigma^2 (W'W)^{-1}
   \big[ W'(I - \rho^2\Delta)W + \rho^2 (W'\Delta Z) V_\gamma (Z'\Delta W) \big] (W'W)^{-1}

and :math:`\beta_\lambda (W'W)^{-1} W'\Delta Z V_\gamma` between the equations, since what the second step
leaves is uncorrelated with the probit's score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.families.probit import family as probit
from gvcmetrics.models.families.tobit import mills_derivatives
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.sums import in_memory
from gvcmetrics.models.paired.pair import Pair


@dataclass(frozen=True)
class Steps:
    """Both steps.

    outcome, selection, slope : coefficients, and that of the inverse Mills ratio. sigma : of the outcome's
    error. classical : covariance of (outcome, selection, slope). influence : (n, parameters), what each row
    moves them by.
    """

    outcome: Array
    selection: Array
    slope: float
    sigma: float
    classical: Array
    influence: Array


def two_steps(both: Pair) -> Steps:
    """The probit and the regression on its inverse Mills ratio.

    Raises
    ------
    ModelError : the inverse Mills ratio is a combination of the outcome's regressors.
    """
    sample = both.sample
    y, Z, k = sample.y, both.X(1), both.sizes[0]
    seen = y[:, 1] == 1.0
    likelihood = in_memory(probit, y[:, 1], Z, sample.weights, sample.offset)
    first = maximise(likelihood.evaluate, np.zeros(Z.shape[1]))
    V = np.linalg.inv(-first.hessian)
    e = Z[seen] @ first.theta + (0.0 if sample.offset is None else sample.offset[seen])
    mills = mills_derivatives(e)[0]
    delta = mills * (mills + e)
    W, value = np.column_stack([both.X(0)[seen], mills]), y[seen, 0]
    scale = np.linalg.norm(W, axis=0)
    if np.linalg.cond(W / scale) > 1e10:
        raise ModelError(
            "the inverse Mills ratio is a combination of the outcome's regressors",
            remedy="Name in select= something that moves who is seen and not what is seen",
        )
    w = np.ones(len(W)) if sample.weights is None else sample.weights[seen]
    root = np.sqrt(w)
    b = np.linalg.lstsq(W * root[:, None] / scale, value * root, rcond=None)[0] / scale
    residual, slope = value - W @ b, float(b[-1])
    variance = float(w @ (residual**2 + slope**2 * delta)) / float(w.sum())
    A = np.linalg.inv((W * w[:, None]).T @ W)
    cross = (W * (w * delta)[:, None]).T @ Z[seen]
    meat = variance * ((W * w[:, None]).T @ W) - slope**2 * (W * (w * delta)[:, None]).T @ W
    V_outcome = A @ (meat + slope**2 * cross @ V @ cross.T) @ A
    V_both = slope * A @ cross @ V
    # What a change of the probit does to the second step: d lambda/d gamma = -delta z.
    scores = likelihood.scores(first.theta)
    of_probit = scores @ V
    of_outcome = np.zeros((len(y), k + 1))
    of_outcome[seen] = (W * (w * residual)[:, None]) @ A
    of_outcome += of_probit @ (slope * A @ cross).T
    order = [*range(k), *range(k + 1, k + 1 + Z.shape[1]), k]
    full = np.block([[V_outcome, V_both], [V_both.T, V]])
    influence = np.hstack([of_outcome, of_probit])
    return Steps(
        b[:-1], first.theta, slope, float(np.sqrt(variance)), full[np.ix_(order, order)], influence[:, order]
    )
