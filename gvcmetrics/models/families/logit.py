"""Logit: P(y = 1) = 1 / (1 + exp(-eta)); also the quasi-likelihood of a share in [0, 1]."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from gvcmetrics.models.families.base import Array, Family


def logit_kernel(
    y: Array, eta: Array, constants: Array, loglik: Array, gradient: Array, hessian: Array
) -> None:
    """y log p + (1 - y) log(1 - p), with its first and second derivative in eta.

    In NumPy, whose exponential and logarithm take several numbers at a time.
    """
    x = eta[:, 0]
    u = np.exp(-np.abs(x))
    share = 1.0 / (1.0 + u)
    tail = u * share
    np.multiply(y, x, out=loglik)
    loglik -= np.maximum(x, 0.0)
    loglik -= np.log1p(u)
    np.subtract(y, np.where(x >= 0.0, share, tail), out=gradient[:, 0])
    np.multiply(tail, -share, out=hessian[:, 0])


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
