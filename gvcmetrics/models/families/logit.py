"""Logit: P(y = 1) = 1 / (1 + exp(-eta)); also the quasi-likelihood of a share in [0, 1]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from scipy.special import expit

from gvcmetrics.models.families.base import Array, Family


@njit(cache=True, nogil=True)
def logit_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """y log p + (1 - y) log(1 - p), with its first and second derivative in eta."""
    for i in range(y.shape[0]):
        x = eta[i, 0]
        u = math.exp(-abs(x))
        share = 1.0 / (1.0 + u)
        p = share if x >= 0.0 else u * share
        loglik[i] = (y[i] - (x >= 0.0)) * x - math.log1p(u)
        gradient[i, 0] = y[i] - p
        hessian[i, 0] = -u * share * share


def start_logit(y: Array, weights: Array) -> tuple[Array, Array]:
    """Log odds of the mean."""
    total = weights.sum()
    mean = (weights @ y + 0.5) / (total + 1.0)
    return np.array([np.log(mean / (1.0 - mean))]), np.empty(0)


def bend_logit(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """Derivatives of -p(1 - p) in eta."""
    p = expit(eta)
    v = p * expit(-eta)
    return -v * (1.0 - 2.0 * p), -v * (1.0 - 6.0 * v)


logit = Family("logit", logit_kernel, start_logit, bend=bend_logit)
fractional_logit = Family("fractional_logit", logit_kernel, start_logit)
