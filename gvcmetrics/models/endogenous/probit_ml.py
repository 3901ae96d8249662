r"""Probit with an instrumented regressor by full maximum likelihood (Newey 1987).

.. math:: y = 1[x'\beta + u > 0], \quad d = f'\delta + v, \quad
   (u, v) \sim N\Big(0, \begin{pmatrix} 1 & \rho\sigma \\ \rho\sigma & \sigma^2\end{pmatrix}\Big)

A row's log likelihood is :math:`\log\Phi(\pm q) + \log\phi(e) - \log\sigma`, with
:math:`e = (d - f'\delta)/\sigma`, :math:`\eta = \operatorname{atanh}\rho` and
:math:`q = x'\beta \cosh\eta + e \sinh\eta`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import erfcx, log_ndtr

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.effects.pooled import pooled_problem
from gvcmetrics.models.endogenous.stages import Scaled, Stages, least_squares_of
from gvcmetrics.models.engine.estimate import Estimate, from_likelihood
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.families import probit
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.likelihood.problem import Problem, solve
from gvcmetrics.models.likelihood.sums import in_memory

CONSTANTS = ("log_sigma", "atanh_rho")
_HALF_LOG_2PI = 0.5 * np.log(2.0 * np.pi)


def kernel(y: Array, eta: Array, constants: Array, loglik: Array, gradient: Array, hessian: Array) -> None:
    """Of y = (0/1 outcome, instrumented regressor), indices x'β and f'δ, constants log σ and atanh ρ."""
    tau, bent = constants
    C, S, sigma = np.cosh(bent), np.sinh(bent), np.exp(tau)
    a, e = eta[:, 0], (y[:, 1] - eta[:, 1]) / sigma
    sign = 2.0 * y[:, 0] - 1.0
    q = a * C + e * S
    x = sign * q
    mills = np.sqrt(2.0 / np.pi) / erfcx(-x / np.sqrt(2.0))
    first, second = sign * mills, -mills * (x + mills)
    loglik[:] = log_ndtr(x) - 0.5 * e**2 - tau - _HALF_LOG_2PI
    zero = np.zeros_like(a)
    q_by = (C + zero, -S / sigma + zero, -e * S, a * S + e * C)
    e_by = (zero, -1.0 / sigma + zero, -e, zero)
    q_twice = {(2, 1): S / sigma, (2, 2): e * S, (3, 0): S, (3, 1): -C / sigma, (3, 2): -e * C, (3, 3): q}
    e_twice = {(2, 1): 1.0 / sigma, (2, 2): e}
    for i in range(4):
        gradient[:, i] = first * q_by[i] - e * e_by[i] - (1.0 if i == 2 else 0.0)
        for j in range(i + 1):
            hessian[:, i * (i + 1) // 2 + j] = (
                second * q_by[i] * q_by[j] + first * q_twice.get((i, j), 0.0)
                - e_by[i] * e_by[j] - e * e_twice.get((i, j), 0.0)
            )  # fmt: skip


def _start(y: Array, weights: Array) -> tuple[Array, Array]:
    """Nothing explained, no correlation."""
    return np.zeros(2), np.array([np.log(np.std(y[:, 1])), 0.0])


family = Family("iv_probit", kernel, _start, 2, CONSTANTS, outcomes=None)


def maximum_likelihood(request: Request, response: Response, stages: Stages) -> Estimate:
    """Estimates of both equations together.

    Raises
    ------
    ModelError : several regressors are instrumented.
    """
    if stages.D.shape[1] != 1:
        raise ModelError(
            f"method='ml' takes one instrumented regressor, not {stages.D.shape[1]}",
            remedy="Use method='two_step'",
        )
    sample = stages.sample
    X = Scaled.of(sample.X, sample.names)
    F = stages.scaled_first
    unit = 2.0 ** np.round(np.log2(np.std(stages.D[:, 0])))
    y = np.column_stack([sample.y, stages.D[:, 0] / unit])
    k, L = X.columns.shape[1], F.columns.shape[1]
    both = np.hstack([X.columns, F.columns])
    columns = (np.arange(k), np.arange(k, k + L))
    likelihood = in_memory(family, y, both, sample.weights, columns=columns)
    problem = Problem(
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        names=(*sample.names, *stages.blocks[next(iter(stages.blocks))], *CONSTANTS),
        start=_first_guess(stages, X, unit),
        spreads=np.concatenate([np.std(X.columns, axis=0), np.zeros(L + 2)]),
        refit=None,
    )
    solution = solve(problem)
    T = np.eye(k + L + 2)
    T[:k, :k], T[k : k + L, k : k + L] = X.T, unit * F.T
    shift = np.zeros(k + L + 2)
    shift[k + L] = np.log(unit)
    weight = float(len(y)) if sample.weights is None else float(sample.weights.sum())
    theta = T @ solution.optimum.theta + shift
    made = from_likelihood(
        replace(problem, scores_of=lambda at, batch: likelihood.scores(at)), solution, sample, request.errors,
        title="Probit with an instrumented regressor, maximum likelihood",
        blocks={**stages.blocks, "Errors": CONSTANTS}, ancillary=("Errors",),
        tested={"exogeneity": ("atanh_rho",)},
        statistics={"sigma": float(np.exp(theta[-2])), "error_correlation": float(np.tanh(theta[-1]))},
        predictor=stages.predictor(response, probit.family, lambda params: _as_fixed_columns(params, k, L)),
    )  # fmt: skip
    inverse = np.linalg.inv(T)
    inference = replace(
        made.inference, scores=made.inference.scores @ inverse, bread=T @ made.inference.bread @ T.T,
        estimates=theta, restricted=None, profile=None,
    )  # fmt: skip
    loglik = solution.optimum.loglik - weight * np.log(unit)
    return replace(made, params=theta, inference=inference, loglik=loglik)


def _first_guess(stages: Stages, X: Scaled, unit: float) -> Array:
    """The control function's estimates, in the errors' own scale."""
    delta, V, _ = least_squares_of(stages)
    spread = float(np.sqrt(np.average(V[:, 0] ** 2, weights=stages.sample.weights)))
    named = (*stages.sample.names, *stages.residuals)
    wide = np.column_stack([X.columns, V / spread])
    sample = replace(stages.sample, X=np.ascontiguousarray(wide), names=named)
    theta = solve(pooled_problem(sample, probit.family)).optimum.theta
    shrink = np.sqrt(1.0 + theta[-1] ** 2)
    return np.concatenate(
        [theta[:-1] / shrink, delta[:, 0] / unit, [np.log(spread / unit), np.arcsinh(theta[-1])]]
    )


def _as_fixed_columns(params: Array, k: int, L: int) -> tuple[Array, Array]:
    """Coefficients of x, d and f in q: β cosh η, sinh η/σ, −δ sinh η/σ, with their Jacobian."""
    beta, delta = params[:k], params[k : k + L]
    C, S, sigma = np.cosh(params[-1]), np.sinh(params[-1]), np.exp(params[-2])
    made = np.concatenate([beta * C, [S / sigma], -S / sigma * delta])
    jacobian = np.zeros((len(made), len(params)))
    jacobian[:k, :k] = C * np.eye(k)
    jacobian[:k, -1] = beta * S
    jacobian[k, -2:] = -S / sigma, C / sigma
    jacobian[k + 1 :, k : k + L] = -S / sigma * np.eye(L)
    jacobian[k + 1 :, -2], jacobian[k + 1 :, -1] = S / sigma * delta, -C / sigma * delta
    return made, jacobian
