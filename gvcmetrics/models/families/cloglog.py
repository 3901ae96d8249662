"""Complementary log-log: P(y = 1) = 1 - exp(-exp(eta)); the discrete-time proportional hazard."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from gvcmetrics.models.families.base import Array, Family, shares


@njit(cache=True, nogil=True)
def cloglog_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """log(1 - exp(-mu)) or -mu, mu = exp(eta), with its first and second derivative in eta."""
    for i in range(y.shape[0]):
        x = eta[i, 0]
        mu = math.exp(x)
        if y[i] == 0.0:
            loglik[i] = -mu
            gradient[i, 0] = -mu
            hessian[i, 0] = -mu
        elif mu < 1e-3:
            # The series keeps what 1 - mu - gradient would lose to cancellation.
            gradient[i, 0] = 1.0 - mu / 2.0 + mu * mu / 12.0
            loglik[i] = x - mu / 2.0 + mu * mu / 24.0
            hessian[i, 0] = gradient[i, 0] * (-mu / 2.0 - mu * mu / 12.0)
        elif mu < 700.0:
            slope = mu / math.expm1(mu)
            loglik[i] = math.log(-math.expm1(-mu)) if mu < 1.0 else math.log1p(-math.exp(-mu))
            gradient[i, 0] = slope
            hessian[i, 0] = slope * (1.0 - mu - slope)
        else:
            loglik[i] = gradient[i, 0] = hessian[i, 0] = 0.0


def start_cloglog(y: Array, weights: Array) -> tuple[Array, Array]:
    """log(-log(share of zeros))."""
    return np.log(-np.log(shares(y, weights, 2)[:1])), np.empty(0)


def bend_cloglog(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """Derivatives in eta of -mu, or of r(1 - mu - r) with r = mu/(exp(mu) - 1), whose own slope that is."""
    mu = np.exp(np.minimum(eta, 700.0))
    r = mu / np.expm1(np.minimum(mu, 700.0))
    gap = np.where(mu < 1e-3, -mu / 2.0 - mu**2 / 12.0, 1.0 - mu - r)
    h = r * gap
    first = h * gap - r * (mu + h)
    second = first * gap - 2.0 * h * (mu + h) - r * (mu + first)
    one = y[:, None] > 0.0
    dead = mu >= 700.0
    return np.where(one, np.where(dead, 0.0, first), -mu), np.where(one, np.where(dead, 0.0, second), -mu)


cloglog = Family("cloglog", cloglog_kernel, start_cloglog, bend=bend_cloglog)
