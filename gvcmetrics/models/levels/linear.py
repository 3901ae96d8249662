"""The normal distribution of a row given the effects of its groups."""

from __future__ import annotations

import numpy as np

from gvcmetrics.models.likelihood.expected import index
from gvcmetrics.models.likelihood.family import Array, Family


def normal_kernel(
    y: Array, eta: Array, constants: Array, loglik: Array, gradient: Array, hessian: Array
) -> None:
    """-(y - eta)²/2σ² - log σ - log √2π, with derivatives in (eta, log σ)."""
    precision = np.exp(-2.0 * constants[0])
    residual = y - eta[:, 0]
    squared = residual**2 * precision
    loglik[:] = -0.5 * squared - constants[0] - 0.5 * np.log(2.0 * np.pi)
    gradient[:, 0], gradient[:, 1] = residual * precision, squared - 1.0
    hessian[:, 0], hessian[:, 1], hessian[:, 2] = -precision, -2.0 * gradient[:, 0], -2.0 * squared


def bend_normal(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """First and second derivative of the packed Hessian in eta."""
    precision = np.exp(-2.0 * constants[0])
    first, second = np.zeros((len(y), 3)), np.zeros((len(y), 3))
    first[:, 1], first[:, 2] = 2.0 * precision, 4.0 * (y - eta.reshape(-1)) * precision
    second[:, 2] = -4.0 * precision
    return first, second


def start_normal(y: Array, weights: Array) -> tuple[Array, Array]:
    """Mean, and log standard deviation; of a constant outcome that of one."""
    mean = float(np.average(y, weights=weights))
    spread = float(np.sqrt(np.average((y - mean) ** 2, weights=weights)))
    return np.array([mean]), np.array([np.log(spread) if spread > 0 else 0.0])


def _exp(constants: Array) -> tuple[Array, Array]:
    return np.exp(constants), np.diag(np.exp(constants))


def _log(constants: Array) -> tuple[Array, Array]:
    return np.log(constants), np.diag(1.0 / constants)


family = Family(
    "linear",
    normal_kernel,
    start_normal,
    constants=("sigma_e",),
    outcomes=None,
    bend=bend_normal,
    expected=index(0),
    linear=True,
    residual=lambda constants: float(np.exp(2.0 * constants[0])),
    reported=_exp,
    working=_log,
    block="Error",
    tested=False,
    null=False,
)
