"""Multinomial logit: P(y = j) = exp(eta_j) / sum_k exp(eta_k), with eta_0 = 0."""

from __future__ import annotations

import numpy as np

from gvcmetrics.models.families.base import Array, Family, shares


def multinomial_kernel(
    y: Array, eta: Array, constants: Array, loglik: Array, gradient: Array, hessian: Array
) -> None:
    """eta_y - log sum_k exp(eta_k), with its derivatives in eta_1, ..., eta_{J-1}.

    In NumPy, whose exponential and logarithm take several numbers at a time.
    """
    n, m = eta.shape
    indices = np.zeros((m + 1, n))
    indices[1:] = eta.T
    indices -= indices.max(axis=0)
    p = np.exp(indices)
    total = p.sum(axis=0)
    p /= total
    chosen = y.astype(np.intp)
    np.subtract(indices[chosen, np.arange(n)], np.log(total), out=loglik)
    for j in range(m):
        np.subtract(chosen == j + 1, p[j + 1], out=gradient[:, j])
        for k in range(j):
            np.multiply(p[j + 1], p[k + 1], out=hessian[:, j * (j + 1) // 2 + k])
        np.multiply(p[j + 1], p[j + 1] - 1.0, out=hessian[:, j * (j + 3) // 2])


def multinomial_logit(outcomes: int) -> Family:
    """The family of a response with categories 0 (the base), ..., outcomes - 1."""

    def start(y: Array, weights: Array) -> tuple[Array, Array]:
        share = shares(y, weights, outcomes)
        return np.log(share[1:] / share[0]), np.empty(0)

    return Family("multinomial_logit", multinomial_kernel, start, outcomes - 1, (), outcomes)
