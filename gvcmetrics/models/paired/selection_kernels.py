r"""Likelihoods of a row under selection; y is (n, 2): the outcome, and whether it is seen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from gvcmetrics.models.families.kernels.bivariate_probit import bivariate_probit_kernel
from gvcmetrics.models.families.kernels.scalar import (
    LOG_SQRT_2PI,
    inverse_mills,
    inverse_mills_slope,
    log_normal_cdf,
)  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def heckman_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    r"""A normal outcome that is seen where a probit says so; constants are log sigma and t = atanh rho.

    Seen, with r = (y - eta_1)/sigma and a = eta_2 cosh t + r sinh t, a row adds
    log Phi(a) - r^2/2 - log sigma - log sqrt(2 pi); unseen, log Phi(-eta_2).
    """
    s = math.exp(constants[0])
    c, d = math.cosh(constants[1]), math.sinh(constants[1])
    first, last = np.empty(4), np.empty(10)
    for i in range(y.shape[0]):
        e = eta[i, 1]
        gradient[i, :] = 0.0
        hessian[i, :] = 0.0
        if y[i, 1] == 0.0:
            m = inverse_mills(-e)
            loglik[i] = log_normal_cdf(-e)
            gradient[i, 1] = -m
            hessian[i, 2] = -m * inverse_mills_slope(-e)
            continue
        r = (y[i, 0] - eta[i, 0]) / s
        a = e * c + r * d
        m = inverse_mills(a)
        bent = -m * inverse_mills_slope(a)
        loglik[i] = log_normal_cdf(a) - 0.5 * r * r - constants[0] - LOG_SQRT_2PI
        # Derivatives of a in (eta_1, eta_2, log sigma, t), and the lower triangle of its second ones.
        first[0], first[1], first[2], first[3] = -d / s, c, -r * d, e * d + r * c
        last[:] = 0.0
        last[3], last[5] = d / s, r * d
        last[6], last[7], last[8], last[9] = -c / s, d, -r * c, a
        for j in range(4):
            gradient[i, j] = m * first[j]
            for k in range(j + 1):
                at = j * (j + 1) // 2 + k
                hessian[i, at] = bent * first[j] * first[k] + m * last[at]
        gradient[i, 0] += r / s
        gradient[i, 2] += r * r - 1.0
        hessian[i, 0] -= 1.0 / (s * s)
        hessian[i, 3] -= 2.0 * r / s
        hessian[i, 5] -= 2.0 * r * r


def probit_selection_kernel(
    y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any
) -> None:
    """A 0/1 outcome that is seen where a second probit says so: log Phi2(±eta_1, eta_2; ±rho) where it is
    seen, log Phi(-eta_2) where not; the constant is atanh rho."""
    # Category y_1 + 2 of the joint probit is seen with outcome y_1.
    bivariate_probit_kernel(y[:, 0] + 2.0, eta, constants, loglik, gradient, hessian)
    unseen = np.flatnonzero(y[:, 1] == 0.0)
    if len(unseen):
        _unseen(unseen, eta, loglik, gradient, hessian)


@njit(cache=True, nogil=True)
def _unseen(rows: Any, eta: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    for i in rows:
        e = eta[i, 1]
        m = inverse_mills(-e)
        gradient[i, :] = 0.0
        hessian[i, :] = 0.0
        loglik[i] = log_normal_cdf(-e)
        gradient[i, 1] = -m
        hessian[i, 2] = -m * inverse_mills_slope(-e)
