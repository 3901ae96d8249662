"""Multinomial logit: P(y = j) = exp(eta_j) / sum_k exp(eta_k), with eta_0 = 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from gvcmetrics.models.families.base import Array, Family, shares


@njit(cache=True, nogil=True)
def multinomial_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """eta_y - log sum_k exp(eta_k), with its derivatives in eta_1, ..., eta_{J-1}."""
    m = eta.shape[1]
    for i in range(y.shape[0]):
        top = 0.0
        for j in range(m):
            top = max(top, eta[i, j])
        total = math.exp(-top)
        for j in range(m):
            gradient[i, j] = math.exp(eta[i, j] - top)
            total += gradient[i, j]
        chosen = int(y[i]) - 1
        loglik[i] = (eta[i, chosen] if chosen >= 0 else 0.0) - top - math.log(total)
        for j in range(m):
            gradient[i, j] /= total
        for j in range(m):
            for k in range(j):
                hessian[i, j * (j + 1) // 2 + k] = gradient[i, j] * gradient[i, k]
            hessian[i, j * (j + 3) // 2] = -gradient[i, j] * (1.0 - gradient[i, j])
        for j in range(m):
            gradient[i, j] = (1.0 if j == chosen else 0.0) - gradient[i, j]


def multinomial_logit(outcomes: int) -> Family:
    """The family of a response with categories 0 (the base), ..., outcomes - 1."""

    def start(y: Array, weights: Array) -> tuple[Array, Array]:
        share = shares(y, weights, outcomes)
        return np.log(share[1:] / share[0]), np.empty(0)

    return Family("multinomial_logit", multinomial_kernel, start, outcomes - 1, (), outcomes)
