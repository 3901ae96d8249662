"""Probit: P(y = 1) = Phi(eta)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from scipy.special import ndtri

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


probit = Family("probit", probit_kernel, start_probit)
