"""Bivariate normal distribution function, to full relative accuracy in the tails."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from gvcmetrics.models.families.kernels.scalar import log_normal_cdf, normal_cdf

NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)
_FEW, _FEW_WEIGHTS = np.polynomial.legendre.leggauss(8)
TWO_PI = 2.0 * math.pi
# Squared distance over which exp(-w^2/2) falls to nothing.
_REACH = 80.0


@njit(cache=True, nogil=True)
def log_bivariate_cdf(h: float, k: float, rho: float) -> float:
    """log P(X <= h, Y <= k) for standard normal X, Y with correlation rho, |rho| < 1.

    Where the probability is not small and the correlation moderate, Plackett's identity

        Phi2(h, k; rho) = Phi(h) Phi(k) + 1/(2 pi) int_0^{asin rho} exp{-(h^2 + k^2 - 2 h k sin t)
                                                                     / (2 cos^2 t)} dt

    by Gauss-Legendre (Drezner & Wesolowsky 1990). Elsewhere from a correlation at which the probability
    is known and smaller (0, or -1 where rho is negative), so that nothing cancels, and in logs.
    """
    if abs(rho) < 0.9:
        p = _from_independence(h, k, rho)
        if p > 1e-3:
            return math.log(p)
    return _log_upwards(h, k, rho)


@njit(cache=True, nogil=True)
def bivariate_cdf(h: float, k: float, rho: float) -> float:
    """P(X <= h, Y <= k), with an absolute error of some 1e-16."""
    if abs(rho) < 0.9:
        return max(_from_independence(h, k, rho), 0.0)
    return math.exp(_log_upwards(h, k, rho))


@njit(cache=True, nogil=True)
def _from_independence(h: float, k: float, rho: float) -> float:
    top = math.asin(rho) / 2.0
    squares, product, total = h * h + k * k, h * k, 0.0
    if abs(rho) < 0.25:
        for i in range(_FEW.shape[0]):
            sine = math.sin(top * (1.0 + _FEW[i]))
            total += _FEW_WEIGHTS[i] * math.exp((product * sine - 0.5 * squares) / (1.0 - sine * sine))
    else:
        for i in range(NODES.shape[0]):
            sine = math.sin(top * (1.0 + NODES[i]))
            total += WEIGHTS[i] * math.exp((product * sine - 0.5 * squares) / (1.0 - sine * sine))
    return normal_cdf(h) * normal_cdf(k) + top * total / TWO_PI


@njit(cache=True, nogil=True)
def _log_upwards(h: float, k: float, rho: float) -> float:
    """In logs, Plackett's integral from the correlation 0 or -1 up to rho.

    With M the limit that is farther from zero and m the other one, f = M sign(rho), and y the tangent of half
    the angle between t and the end of its range (pi/2, or -pi/2 where rho is negative), the integrand is
    exp(-M^2/2 - w^2/2) 2/(1 + y^2), w = g/y + e y, g = (m - f)/2, e = (m + f)/2. As g e <= 0, w is monotone;
    what is farther than `_REACH` from the smallest w^2 is left out.
    """
    far, near = (h, k) if abs(h) > abs(k) else (k, h)
    end = math.sqrt((1.0 - rho) * (1.0 + rho)) / (1.0 + abs(rho))
    if rho >= 0.0:
        base, low, high = log_normal_cdf(h) + log_normal_cdf(k), end, 1.0
        g, e = 0.5 * (near - far), 0.5 * (near + far)
    else:
        base, low, high = _log_overlap(h, k), 0.0, end
        g, e = 0.5 * (near + far), 0.5 * (near - far)
    if e < 0.0 or (e == 0.0 and g > 0.0):
        g, e = -g, -e
    # w rises from low to high.
    at_low = g / low + e * low if low > 0.0 else (-math.inf if g < 0.0 else 0.0)
    at_high = g / high + e * high
    best = 0.0 if at_low < 0.0 < at_high else min(abs(at_low), abs(at_high))
    reach = math.sqrt(best * best + _REACH)
    low, high = max(low, _where(-reach, g, e)), min(high, _where(reach, g, e))
    middle, total = _where(0.0, g, e), 0.0
    while low < high:
        # Where g is small the integrand bends sharply close to zero.
        right = min(high, max(4.0 * low, 0.5 * abs(g), 1e-9))
        if low < middle < right:
            right = middle
        width = 0.5 * (right - low)
        for i in range(NODES.shape[0]):
            y = low + width * (1.0 + NODES[i])
            w = g / y + e * y
            total += width * WEIGHTS[i] * math.exp(0.5 * (best - w) * (best + w)) / (1.0 + y * y)
        low = right
    if total <= 0.0:
        return base
    rise = math.log(total) - 0.5 * (far * far + best * best) - math.log(math.pi)
    top = max(base, rise)
    return top + math.log(math.exp(base - top) + math.exp(rise - top))


@njit(cache=True, nogil=True)
def _log_overlap(h: float, k: float) -> float:
    """log P(-k <= X <= h), the probability at correlation -1."""
    if h + k <= 0.0:
        return -math.inf
    over, under = log_normal_cdf(min(h, k)), log_normal_cdf(-max(h, k))
    return over + math.log(-math.expm1(under - over))


@njit(cache=True, nogil=True)
def _where(w: float, g: float, e: float) -> float:
    """The positive y with g/y + e y = w, where e >= 0 >= g."""
    root = math.sqrt(w * w - 4.0 * e * g)
    if w < 0.0:
        return 2.0 * g / (w - root)
    return (w + root) / (2.0 * e) if e > 0.0 else math.inf
