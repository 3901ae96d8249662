"""Bivariate normal distribution function, to full relative accuracy in the tails."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from gvcmetrics.models.families.kernels.scalar import (
    inverse_mills,
    log_normal_cdf,
    log_normal_pdf,
    normal_cdf,
)

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
TWO_PI = 2.0 * math.pi


@njit(cache=True, nogil=True)
def log_bivariate_cdf(h: float, k: float, rho: float) -> float:
    """log P(X <= h, Y <= k) for standard normal X, Y with correlation rho, |rho| < 1.

    Where the probability is not small and the correlation moderate, Plackett's identity

        Phi2(h, k; rho) = Phi(h) Phi(k) + 1/(2 pi) int_0^{asin rho} exp{-(h^2 + k^2 - 2 h k sin t)
                                                                     / (2 cos^2 t)} dt

    by 20-point Gauss-Legendre (Drezner & Wesolowsky 1990); elsewhere the integral of
    phi(x) Phi((k - rho x)/sqrt(1 - rho^2)) over x <= h, on panels around its mode and its bend, in logs.
    """
    if abs(rho) < 0.9:
        top = math.asin(rho) / 2.0
        total = 0.0
        for i in range(20):
            t = top * (1.0 + _NODES[i])
            sine, cosine2 = math.sin(t), math.cos(t) ** 2
            total += _WEIGHTS[i] * math.exp(-(h * h + k * k - 2.0 * h * k * sine) / (2.0 * cosine2))
        p = normal_cdf(h) * normal_cdf(k) + top * total / TWO_PI
        if p > 1e-3:
            return math.log(p)
    if k < h:
        return _log_tail(k, h, rho)
    return _log_tail(h, k, rho)


@njit(cache=True, nogil=True)
def _height(x: float, k: float, rho: float, s: float) -> float:
    return log_normal_pdf(x) + log_normal_cdf((k - rho * x) / s)


@njit(cache=True, nogil=True)
def _slope(x: float, k: float, rho: float, s: float) -> float:
    return -x - rho / s * inverse_mills((k - rho * x) / s)


@njit(cache=True, nogil=True)
def _edge(near: float, far: float, floor: float, k: float, rho: float, s: float) -> float:
    """Where the log integrand, falling from near to far, crosses the floor (or far, if it does not)."""
    if _height(far, k, rho, s) > floor:
        return far
    for _ in range(30):
        middle = 0.5 * (near + far)
        if _height(middle, k, rho, s) > floor:
            near = middle
        else:
            far = middle
    return far


@njit(cache=True, nogil=True)
def _log_tail(h: float, k: float, rho: float) -> float:
    """The integral over x <= h of a log-concave function whose log bends down at least as fast as -x^2/2."""
    s = math.sqrt((1.0 - rho) * (1.0 + rho))
    mode = h
    if _slope(h, k, rho, s) < 0.0:
        width = 1.0
        while _slope(h - width, k, rho, s) < 0.0:
            width *= 2.0
        low, high = h - width, h
        for _ in range(40):
            mode = 0.5 * (low + high)
            if _slope(mode, k, rho, s) < 0.0:
                high = mode
            else:
                low = mode
    peak = _height(mode, k, rho, s)
    lower = _edge(mode, mode - 9.0, peak - 40.0, k, rho, s)
    upper = h if mode == h else _edge(mode, min(h, mode + 9.0), peak - 40.0, k, rho, s)
    cuts = np.empty(9)
    cuts[0], cuts[1], cuts[2] = lower, mode, upper
    bend = k / rho if abs(rho) > 1e-8 else upper
    width = s / max(abs(rho), 1e-8)
    for j in range(5):
        cuts[3 + j] = min(max(bend + (j - 2) * 4.0 * width, lower), upper)
    cuts[8] = 0.5 * (lower + mode)
    cuts.sort()
    total = 0.0
    for j in range(8):
        half = 0.5 * (cuts[j + 1] - cuts[j])
        if half > 0.0:
            middle = 0.5 * (cuts[j + 1] + cuts[j])
            part = 0.0
            for i in range(20):
                part += _WEIGHTS[i] * math.exp(_height(middle + half * _NODES[i], k, rho, s) - peak)
            total += half * part
    return peak + math.log(total)
