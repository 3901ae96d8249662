"""Scalar functions that the kernels share, accurate in the tails."""

from __future__ import annotations

import math

from numba import njit

LOG_SQRT_2PI = 0.9189385332046727
SQRT_HALF = 0.7071067811865476


@njit(cache=True, nogil=True)
def normal_cdf(x: float) -> float:
    """Standard normal distribution function."""
    return 0.5 * math.erfc(-x * SQRT_HALF)


@njit(cache=True, nogil=True)
def log_normal_pdf(x: float) -> float:
    """Log of the standard normal density."""
    return -0.5 * x * x - LOG_SQRT_2PI


@njit(cache=True, nogil=True)
def log_normal_cdf(x: float) -> float:
    """Log of the standard normal distribution function; an asymptotic series where erfc underflows."""
    if x > 0.0:
        return math.log1p(-0.5 * math.erfc(x * SQRT_HALF))
    if x > -37.0:
        return math.log(0.5 * math.erfc(-x * SQRT_HALF))
    z = 1.0 / (x * x)
    return log_normal_pdf(x) - math.log(-x) + math.log1p(-z * (1.0 - 3.0 * z * (1.0 - 5.0 * z)))


@njit(cache=True, nogil=True)
def inverse_mills(x: float) -> float:
    """phi(x) / Phi(x)."""
    if x > -37.0:
        return math.exp(log_normal_pdf(x)) / (0.5 * math.erfc(-x * SQRT_HALF))
    t = -x
    z = 1.0 / (t * t)
    return t + (1.0 - 2.0 * z * (1.0 - 5.0 * z)) / t


@njit(cache=True, nogil=True)
def inverse_mills_slope(x: float) -> float:
    """x + phi(x)/Phi(x), without the cancellation far in the lower tail."""
    if x > -37.0:
        return x + inverse_mills(x)
    t = -x
    z = 1.0 / (t * t)
    return (1.0 - 2.0 * z * (1.0 - 5.0 * z)) / t
