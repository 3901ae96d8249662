"""Poisson: E(y) = exp(eta); the quasi-likelihood of any non-negative outcome."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from gvcmetrics.models.families.base import Array, Family


@njit(cache=True, nogil=True)
def poisson_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """y eta - exp(eta) - log y!, with its first and second derivative in eta."""
    for i in range(y.shape[0]):
        mu = math.exp(eta[i, 0])
        loglik[i] = y[i] * eta[i, 0] - mu - math.lgamma(y[i] + 1.0)
        gradient[i, 0] = y[i] - mu
        hessian[i, 0] = -mu


def start_count(y: Array, weights: Array) -> tuple[Array, Array]:
    """Log of the mean."""
    return np.log(np.array([(weights @ y + 0.5) / (weights.sum() + 0.5)])), np.empty(0)


def bend_poisson(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """Derivatives of -mu in eta."""
    mu = np.exp(eta)
    return -mu, -mu


poisson = Family("poisson", poisson_kernel, start_count, outcomes=None, bend=bend_poisson)
