r"""Normal distribution functions of three and four variables, as one integral over those of fewer.

The derivative of the probability in a correlation is a bivariate density times a conditional probability
(Plackett 1954), so along a path from :math:`X_1` independent of the others to the correlations asked for

.. math:: \Phi_d(b; R) = \Phi(b_1) \Phi_{d-1}(b_{2..d}) + \int \sum_{j>1} \frac{d r_{1j}}{d t}
   \varphi_2(b_1, b_j; r_{1j}(t)) \, \Phi_{d-2}(\text{the others} \mid b_1, b_j) \, dt

(Drezner & Wesolowsky 1990 for two, Genz 2004 for three). The path is :math:`r_{1j}(t) = r_{1j} \sin t / \rho`
with :math:`\rho` the multiple correlation of :math:`X_1` with the others: then :math:`\det R(t)` is
:math:`\cos^2 t` times that of the others, and its root smooth. Panels of 20 Gauss-Legendre points are halved
until the last Legendre coefficients of the integrand say that the rule, exact to twice their degree, has all
digits.

Where the terms cancel, which they do in tails against negative correlations, the integral over
:math:`X_1` of its density times the conditional probability of the others is taken instead, in logs, between
the points where the integrand, which is log-concave, has fallen to nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from gvcmetrics.models.families.kernels.bivariate_normal import (
    NODES,
    TWO_PI,
    WEIGHTS,
    bivariate_cdf,
    log_bivariate_cdf,
)
from gvcmetrics.models.families.kernels.scalar import log_normal_cdf, log_normal_pdf, normal_cdf

_LAST = len(NODES) - 1
# Weights of the last two Legendre coefficients.
_TOP = WEIGHTS * np.polynomial.legendre.Legendre.basis(_LAST)(NODES) * (_LAST + 0.5)
_NEXT = WEIGHTS * np.polynomial.legendre.Legendre.basis(_LAST - 1)(NODES) * (_LAST - 0.5)
_ROUNDING, _CANCELLED, _UNDERFLOW = 1e-15, 1e-5, 1e-100
_MOST_PANELS = 200
# A log-concave integrand is searched at so many points, so often, down to this far below its peak.
_GRID, _SEARCHES, _FLOOR = 9, 4, 40.0
_NEARLY_ONE = 1.0 - 1e-14


@njit(cache=True, nogil=True)
def log_trivariate_cdf(
    b1: float, b2: float, b3: float, r21: float, r31: float, r32: float, least: float, panels: int
) -> float:
    """log P(X <= b) of three standard normal variables with correlations r.

    least : an absolute error of the probability that does no harm; with 0 small ones too are exact, to a
        relative error of some 1e-10. panels : to begin with; more than 1 only to see what they change.
    """
    # The first variable is the one that stands apart from the pair with the largest correlation.
    if abs(r31) >= abs(r21) and abs(r31) > abs(r32):
        b1, b2, r31, r32 = b2, b1, r32, r31
    elif abs(r21) > abs(r32):
        b1, b3, r21, r32 = b3, b1, r32, r21
    return _log_trivariate(b1, b2, b3, r21, r31, r32, least, panels)


@njit(cache=True, nogil=True)
def _log_trivariate(
    b1: float, b2: float, b3: float, r21: float, r31: float, r32: float, least: float, panels: int
) -> float:
    log_apart = log_normal_cdf(b1) + log_bivariate_cdf(b2, b3, r32)
    apart = math.exp(log_apart)
    rest = (1.0 - r32) * (1.0 + r32)
    root = math.sqrt(max(r21 * r21 + r31 * r31 - 2.0 * r21 * r31 * r32, 0.0) / rest)
    if root < 1e-30:
        return log_apart
    u2, u3 = r21 / root, r31 / root
    end = math.asin(min(root, 1.0))
    heights, sizes = np.empty(NODES.shape[0]), np.empty(NODES.shape[0])
    left, widest, used = 0.0, end / panels, 0
    width, total, size = widest, 0.0, apart
    while left < end and used < _MOST_PANELS:
        half = 0.5 * min(width, end - left)
        for i in range(NODES.shape[0]):
            t = left + half * (1.0 + NODES[i])
            sine, cosine = math.sin(t), math.cos(t)
            x2, x3 = u2 * sine, u3 * sine
            to2 = u2 * cosine * _edge(b1, b2, b3, x2, x3, r32, rest * cosine * cosine)
            to3 = u3 * cosine * _edge(b1, b3, b2, x3, x2, r32, rest * cosine * cosine)
            heights[i], sizes[i] = to2 + to3, abs(to2) + abs(to3)
        part, plus, error = _panel(half, heights, sizes)
        used += 1
        if error <= max(_ROUNDING * (size + plus), 0.1 * least):
            total, size, left = total + part, size + plus, left + 2.0 * half
            width = min(2.0 * width, widest)
        else:
            width = half
    p = apart + total
    harmless = max(_ROUNDING * size, _UNDERFLOW) < least
    if left >= end and (harmless or p > max(_CANCELLED * size, _UNDERFLOW)):
        return math.log(max(p, _UNDERFLOW))
    return _log_tail_of_three(b1, b2, b3, r21, r31, r32)


@njit(cache=True, nogil=True)
def _panel(half: float, heights: Any, sizes: Any) -> Any:
    """Integrals of the heights and of the sizes over a panel, and the error of the first.

    Legendre coefficients of a smooth function fall geometrically: those at twice the degree, which the rule
    misses, are the last ones squared over the largest.
    """
    part, plus, top, following, peak = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(NODES.shape[0]):
        part += WEIGHTS[i] * heights[i]
        plus += WEIGHTS[i] * sizes[i]
        top += _TOP[i] * heights[i]
        following += _NEXT[i] * heights[i]
        peak = max(peak, abs(heights[i]))
    last = max(abs(top), abs(following))
    return half * part, half * plus, half * last * last / peak if peak > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _edge(h: float, k: float, x: float, r: float, rh: float, rk: float, det: float) -> float:
    """Density of two variables at (h, k) with correlation r, times P(the third <= x) given these."""
    v = (1.0 - r) * (1.0 + r)
    density = math.exp((h * k * r - 0.5 * (h * h + k * k)) / v) / (TWO_PI * math.sqrt(v))
    return density * normal_cdf((x * v - h * (rh - r * rk) - k * (rk - r * rh)) / math.sqrt(v * det))


@njit(cache=True, nogil=True)
def _given_one(
    x: float, b2: float, b3: float, r21: float, r31: float, s2: float, s3: float, rho: float
) -> float:
    """Log density of the first variable at x, times the probability of two others given it."""
    return log_normal_pdf(x) + log_bivariate_cdf((b2 - r21 * x) / s2, (b3 - r31 * x) / s3, rho)


@njit(cache=True, nogil=True)
def _log_tail_of_three(b1: float, b2: float, b3: float, r21: float, r31: float, r32: float) -> float:
    s2, s3 = math.sqrt((1.0 - r21) * (1.0 + r21)), math.sqrt((1.0 - r31) * (1.0 + r31))
    rho = min(max((r32 - r21 * r31) / (s2 * s3), -_NEARLY_ONE), _NEARLY_ONE)
    low, high = _bracket(b1, max(abs(b2), abs(b3)))
    heights = np.empty(_GRID)
    search = 0
    while search < _SEARCHES:
        for i in range(_GRID):
            x = low + (high - low) * i / (_GRID - 1)
            heights[i] = _given_one(x, b2, b3, r21, r31, s2, s3, rho)
        low, high, found = _narrowed(low, high, b1, heights)
        search += 1 if found else 0
    peak, total = heights.max(), 0.0
    left, width, used = low, 0.25 * (high - low), 0
    values = np.empty(NODES.shape[0])
    while left < high and used < _MOST_PANELS:
        half = 0.5 * min(width, high - left)
        for i in range(NODES.shape[0]):
            x = left + half * (1.0 + NODES[i])
            values[i] = math.exp(_given_one(x, b2, b3, r21, r31, s2, s3, rho) - peak)
        part, _, error = _panel(half, values, values)
        used += 1
        if error <= _ROUNDING * (high - low) or used > _MOST_PANELS // 2:
            total, left, width = total + part, left + 2.0 * half, 2.0 * width
        else:
            width = half
    return peak + math.log(total)


@njit(cache=True, nogil=True)
def _bracket(b: float, others: float) -> Any:
    """Where to look first for the mode of what is integrated up to b."""
    return min(b, -others) - 9.0, min(b, others + 9.0)


@njit(cache=True, nogil=True)
def _narrowed(low: float, high: float, limit: float, heights: Any) -> Any:
    """The part of the bracket in which a log-concave function is not far below its peak, or a wider bracket
    where it still rises at an end that can move, and whether it was found."""
    n = heights.shape[0]
    best = heights.argmax()
    if best == 0:
        return low - 4.0 * (high - low), high, False
    if best == n - 1 and high < limit:
        return low, min(limit, high + 4.0 * (high - low)), False
    first, last = best, best
    while first > 0 and heights[first] > heights[best] - _FLOOR:
        first -= 1
    while last < n - 1 and heights[last] > heights[best] - _FLOOR:
        last += 1
    step = (high - low) / (n - 1)
    return low + first * step, low + last * step, True


@njit(cache=True, nogil=True)
def log_quadrivariate_cdf(b: Any, R: Any, least: float, panels: int) -> float:
    """log P(X <= b) of four standard normal variables with correlation matrix R; see `log_trivariate_cdf`."""
    first, lowest = 0, math.inf
    for i in range(4):
        shared = 0.0
        for j in range(4):
            shared += R[i, j] * R[i, j]
        if shared < lowest:
            first, lowest = i, shared
    j, k, m = (first + 1) % 4, (first + 2) % 4, (first + 3) % 4
    log_apart = log_normal_cdf(b[first]) + log_trivariate_cdf(
        b[j], b[k], b[m], R[j, k], R[j, m], R[k, m], 0.0, panels
    )
    apart, root = math.exp(log_apart), math.sqrt(_multiple(first, j, k, m, R))
    if root < 1e-30:
        return log_apart
    end = math.asin(min(root, 1.0))
    heights, sizes = np.empty(NODES.shape[0]), np.empty(NODES.shape[0])
    left, widest, used = 0.0, end / panels, 0
    width, total, size = widest, 0.0, apart
    while left < end and used < _MOST_PANELS:
        half = 0.5 * min(width, end - left)
        for i in range(NODES.shape[0]):
            t = left + half * (1.0 + NODES[i])
            share, slope = math.sin(t) / root, math.cos(t) / root
            heights[i] = sizes[i] = 0.0
            for _ in range(3):
                part = slope * R[first, j] * _edge_of_four(b, R, share, first, j, k, m)
                heights[i] += part
                sizes[i] += abs(part)
                j, k, m = k, m, j
        part, plus, error = _panel(half, heights, sizes)
        used += 1
        if error <= max(_ROUNDING * (size + plus), 0.1 * least):
            total, size, left = total + part, size + plus, left + 2.0 * half
            width = min(2.0 * width, widest)
        else:
            width = half
    p = apart + total
    harmless = max(_ROUNDING * size, _UNDERFLOW) < least
    if left >= end and (harmless or p > max(_CANCELLED * size, _UNDERFLOW)):
        return math.log(max(p, _UNDERFLOW))
    return _log_tail_of_four(b, R, first, j, k, m)


@njit(cache=True, nogil=True)
def _multiple(i: int, j: int, k: int, m: int, R: Any) -> float:
    """Squared multiple correlation of variable i with j, k and m."""
    r1, r2, r3 = R[i, j], R[i, k], R[i, m]
    a, b, c = R[j, k], R[j, m], R[k, m]
    det = 1.0 - a * a - b * b - c * c + 2.0 * a * b * c
    own = r1 * r1 * (1.0 - c * c) + r2 * r2 * (1.0 - b * b) + r3 * r3 * (1.0 - a * a)
    cross = r1 * r2 * (b * c - a) + r1 * r3 * (a * c - b) + r2 * r3 * (a * b - c)
    return max(own + 2.0 * cross, 0.0) / det


@njit(cache=True, nogil=True)
def _edge_of_four(b: Any, R: Any, share: float, i: int, j: int, k: int, m: int) -> float:
    """Density of variables i and j at their limits, times the conditional probability of k and m, the
    correlations of i being a share of what they are in R."""
    h, x, r = b[i], b[j], share * R[i, j]
    v = (1.0 - r) * (1.0 + r)
    density = math.exp((h * x * r - 0.5 * (h * h + x * x)) / v) / (TWO_PI * math.sqrt(v))
    rk, rm = share * R[i, k], share * R[i, m]
    k_on_i, k_on_j = (rk - r * R[j, k]) / v, (R[j, k] - r * rk) / v
    m_on_i, m_on_j = (rm - r * R[j, m]) / v, (R[j, m] - r * rm) / v
    sk = math.sqrt(max(1.0 - k_on_i * rk - k_on_j * R[j, k], 1e-16))
    sm = math.sqrt(max(1.0 - m_on_i * rm - m_on_j * R[j, m], 1e-16))
    rho = (R[k, m] - k_on_i * rm - k_on_j * R[j, m]) / (sk * sm)
    return density * bivariate_cdf(
        (b[k] - k_on_i * h - k_on_j * x) / sk,
        (b[m] - m_on_i * h - m_on_j * x) / sm,
        min(max(rho, -_NEARLY_ONE), _NEARLY_ONE),
    )


@njit(cache=True, nogil=True)
def _given(x: float, b: Any, R: Any, first: int, j: int, k: int, m: int) -> float:
    """Log density of the first variable at x, times the probability of three others given it."""
    rj, rk, rm = R[first, j], R[first, k], R[first, m]
    sj, sk, sm = math.sqrt(1.0 - rj * rj), math.sqrt(1.0 - rk * rk), math.sqrt(1.0 - rm * rm)
    kj, mj, mk = (
        (R[j, k] - rj * rk) / (sj * sk),
        (R[j, m] - rj * rm) / (sj * sm),
        (R[k, m] - rk * rm) / (sk * sm),
    )
    return log_normal_pdf(x) + log_trivariate_cdf(
        (b[j] - rj * x) / sj, (b[k] - rk * x) / sk, (b[m] - rm * x) / sm, kj, mj, mk, 0.0, 1
    )


@njit(cache=True, nogil=True)
def _log_tail_of_four(b: Any, R: Any, first: int, j: int, k: int, m: int) -> float:
    low, high = _bracket(b[first], max(abs(b[j]), abs(b[k]), abs(b[m])))
    heights = np.empty(_GRID)
    search = 0
    while search < _SEARCHES:
        for i in range(_GRID):
            x = low + (high - low) * i / (_GRID - 1)
            heights[i] = _given(x, b, R, first, j, k, m)
        low, high, found = _narrowed(low, high, b[first], heights)
        search += 1 if found else 0
    peak, total = heights.max(), 0.0
    left, width, used = low, 0.25 * (high - low), 0
    values = np.empty(NODES.shape[0])
    while left < high and used < _MOST_PANELS:
        half = 0.5 * min(width, high - left)
        for i in range(NODES.shape[0]):
            x = left + half * (1.0 + NODES[i])
            values[i] = math.exp(_given(x, b, R, first, j, k, m) - peak)
        part, _, error = _panel(half, values, values)
        used += 1
        if error <= _ROUNDING * (high - low) or used > _MOST_PANELS // 2:
            total, left, width = total + part, left + 2.0 * half, 2.0 * width
        else:
            width = half
    return peak + math.log(total)
