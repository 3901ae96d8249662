"""Probit: P(y = 1) = Phi(eta)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from scipy.special import erfcx, ndtri

from gvcmetrics.models.families.base import Array, Family, shares
from gvcmetrics.models.families.scalar import inverse_mills, inverse_mills_slope, log_normal_cdf


@njit(cache=True, nogil=True)
def probit_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """log Phi(q eta), q = 2y - 1, with its first and second derivative in eta."""
    for i in range(y.shape[0]):
        q = 2.0 * y[i] - 1.0
        x = q * eta[i, 0]
        mills = inverse_mills(x)
        loglik[i] = log_normal_cdf(x)
        gradient[i, 0] = q * mills
        hessian[i, 0] = -mills * inverse_mills_slope(x)


def start_probit(y: Array, weights: Array) -> tuple[Array, Array]:
    """Normal quantile of the share of ones."""
    return ndtri(shares(y, weights, 2)[1:]), np.empty(0)


def bend_probit(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """Derivatives of h = -m(x + m) in eta, x = q eta; the inverse Mills ratio m has the slope h."""
    q = 2.0 * y[:, None] - 1.0
    x = q * eta
    m = np.sqrt(2.0 / np.pi) / erfcx(-x / np.sqrt(2.0))
    h = -m * (x + m)
    first = -h * (x + m) - m * (1.0 + h)
    return q * first, -first * (x + 2.0 * m) - 2.0 * h * (1.0 + h)


probit = Family("probit", probit_kernel, start_probit, bend=bend_probit)
