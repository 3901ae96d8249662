"""Ordered responses: P(y <= j) = F(cut_j - eta), F logistic or normal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from scipy.special import expit, log_ndtr, ndtri
from scipy.special import logit as log_odds

from gvcmetrics.models.families.base import Array, Bend, Family, Kernel, shares
from gvcmetrics.models.families.scalar import (
    inverse_mills,
    inverse_mills_slope,
    log_normal_cdf,
    log_normal_pdf,
)


@njit(cache=True, nogil=True)
def _place(i: int, y: int, values: tuple, gradient: Any, hessian: Any) -> None:
    """Put the derivatives in (eta, upper cut, lower cut) where the arguments (eta, cuts) belong."""
    g0, gu, gl, h00, h0u, h0l, huu, hul, hll = values
    gradient[i, :] = 0.0
    hessian[i, :] = 0.0
    gradient[i, 0] = g0
    hessian[i, 0] = h00
    u, low = y + 1, y
    if u < gradient.shape[1]:
        gradient[i, u] = gu
        hessian[i, u * (u + 1) // 2] = h0u
        hessian[i, u * (u + 3) // 2] = huu
        if y > 0:
            hessian[i, u * (u + 1) // 2 + low] = hul
    if y > 0:
        gradient[i, low] = gl
        hessian[i, low * (low + 1) // 2] = h0l
        hessian[i, low * (low + 3) // 2] = hll


@njit(cache=True, nogil=True)
def ordered_logit_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """log[F(u) - F(l)] = log F(u) + log F(-l) + log(1 - exp(l - u)), F logistic; stable everywhere."""
    top = constants.shape[0]
    # log(1 - exp(-d)) and 1/(exp(d) - 1) of the distance d between the cuts of each category
    gap, r = np.zeros(top + 1), np.zeros(top + 1)
    for k in range(1, top):
        d = constants[k] - constants[k - 1]
        if d <= 0.0:
            gap[k] = -math.inf
        else:
            gap[k] = math.log(-math.expm1(-d)) if d < 1.0 else math.log1p(-math.exp(-d))
            r[k] = 1.0 / math.expm1(d) if d < 700.0 else 0.0
    for i in range(y.shape[0]):
        k = int(y[i])
        eu = el = fu = fl = fu_slope = fl_slope = tails = 0.0
        if k < top:
            u = constants[k] - eta[i, 0]
            eu = math.exp(-abs(u))
            share = 1.0 / (1.0 + eu)
            fu = eu * share if u >= 0.0 else share
            fu_slope = eu * share * share
            tails += min(u, 0.0)
        if k > 0:
            low = constants[k - 1] - eta[i, 0]
            el = math.exp(-abs(low))
            share = 1.0 / (1.0 + el)
            fl = share if low >= 0.0 else el * share
            fl_slope = el * share * share
            tails += min(-low, 0.0)
        loglik[i] = tails - math.log1p(eu + el + eu * el) + gap[k]
        rr = r[k] * (1.0 + r[k])
        derivatives = (
            fl - fu, fu + r[k], -fl - r[k],
            -fu_slope - fl_slope, fu_slope, fl_slope,
            -fu_slope - rr, rr, -fl_slope - rr,
        )  # fmt: skip
        _place(i, k, derivatives, gradient, hessian)


@njit(cache=True, nogil=True)
def ordered_probit_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """log[Phi(u) - Phi(l)], taken in the lower tail by symmetry."""
    top = constants.shape[0]
    for i in range(y.shape[0]):
        k = int(y[i])
        if k == 0 or k == top:
            x = constants[0] - eta[i, 0] if k == 0 else eta[i, 0] - constants[k - 1]
            mills = inverse_mills(x)
            h = -mills * inverse_mills_slope(x)
            loglik[i] = log_normal_cdf(x)
            if k == 0:
                derivatives = (-mills, mills, 0.0, h, -h, 0.0, h, 0.0, 0.0)
            else:
                derivatives = (mills, 0.0, -mills, h, 0.0, -h, 0.0, 0.0, h)
            _place(i, k, derivatives, gradient, hessian)
            continue
        u, low = constants[k] - eta[i, 0], constants[k - 1] - eta[i, 0]
        if u <= low:
            loglik[i] = -math.inf
            gradient[i, :] = 0.0
            hessian[i, :] = 0.0
            continue
        if u + low > 0.0:
            far, near = log_normal_cdf(-low), log_normal_cdf(-u)
        else:
            far, near = log_normal_cdf(u), log_normal_cdf(low)
        drop = near - far
        log_p = far + (math.log(-math.expm1(drop)) if drop > -1.0 else math.log1p(-math.exp(drop)))
        au = math.exp(log_normal_pdf(u) - log_p)
        al = math.exp(log_normal_pdf(low) - log_p)
        huu, hll, hul = -u * au - au * au, low * al - al * al, au * al
        loglik[i] = log_p
        derivatives = (
            al - au, au, -al,
            low * al - u * au - (au - al) ** 2, -huu - hul, -hll - hul,
            huu, hul, hll,
        )  # fmt: skip
        _place(i, k, derivatives, gradient, hessian)


def _packed(y: Array, top: int, parts: tuple[Array, ...]) -> Array:
    """Packed Hessians (n) of values by pair: (eta, eta), (eta, u), (eta, l), (u, u), (u, l), (l, l)."""
    h00, h0u, h0l, huu, hul, hll = parts
    packed = np.zeros((len(y), (top + 1) * (top + 2) // 2))
    packed[:, 0] = h00
    k = y.astype(np.intp)
    above, below = np.flatnonzero(k < top), np.flatnonzero(k > 0)
    u, low = k[above] + 1, k[below]
    packed[above, u * (u + 1) // 2], packed[above, u * (u + 3) // 2] = h0u[above], huu[above]
    packed[below, low * (low + 1) // 2], packed[below, low * (low + 3) // 2] = h0l[below], hll[below]
    between = np.flatnonzero((k < top) & (k > 0))
    u = k[between] + 1
    packed[between, u * (u + 1) // 2 + u - 1] = hul[between]
    return packed


def _about(y: Array, eta: Array, cuts: Array) -> tuple[Array, Array]:
    """The distances u and l of the cuts about each category, infinite beyond the last."""
    k = y.astype(np.intp)
    padded = np.concatenate([[-np.inf], cuts, [np.inf]])
    return padded[k + 1] - eta[:, 0], padded[k] - eta[:, 0]


def bend_ordered_logit(y: Array, eta: Array, cuts: Array) -> tuple[Array, Array]:
    """Derivatives in eta of the Hessian of log F(u) + log F(-l), whose entries are the density at u and l."""
    (f1, f2), (g1, g2) = (
        (v * (1.0 - 2.0 * expit(x)), v * (1.0 - 6.0 * v))
        for x in _about(y, eta, cuts)
        for v in [expit(x) * expit(-x)]
    )
    none = np.zeros(len(y))
    first = (f1 + g1, -f1, -g1, f1, none, g1)
    second = (-f2 - g2, f2, g2, -f2, none, -g2)
    return _packed(y, len(cuts), first), _packed(y, len(cuts), second)


def bend_ordered_probit(y: Array, eta: Array, cuts: Array) -> tuple[Array, Array]:
    """Derivatives in eta of the Hessian of log P, written in A = phi(u)/P and B = phi(l)/P."""
    u, low = _about(y, eta, cuts)
    upper = u + low > 0.0
    far, near = log_ndtr(np.where(upper, -low, u)), log_ndtr(np.where(upper, -u, low))
    log_p = far + np.log(-np.expm1(near - far))
    A, B = (np.exp(-0.5 * x**2 - 0.5 * np.log(2.0 * np.pi) - log_p) for x in (u, low))
    u, low = (np.where(np.isfinite(x), x, 0.0) for x in (u, low))
    D = B - A
    A1, B1 = u * A - A * D, low * B - B * D
    h = low * B - u * A - D**2
    h1 = A - u * A1 - B + low * B1 - 2.0 * D * h
    A2, B2 = u * A1 - A - A1 * D - A * h, low * B1 - B - B1 * D - B * h
    h2 = low * B2 - u * A2 + 2.0 * (A1 - B1) - 2.0 * h**2 - 2.0 * D * h1
    uu1, uu2 = A - u * A1 - 2.0 * A * A1, 2.0 * A1 - u * A2 - 2.0 * (A1**2 + A * A2)
    ll1, ll2 = low * B1 - B - 2.0 * B * B1, low * B2 - 2.0 * B1 - 2.0 * (B1**2 + B * B2)
    ul1, ul2 = A1 * B + A * B1, A2 * B + 2.0 * A1 * B1 + A * B2
    first = (h1, -uu1 - ul1, -ll1 - ul1, uu1, ul1, ll1)
    second = (h2, -uu2 - ul2, -ll2 - ul2, uu2, ul2, ll2)
    return _packed(y, len(cuts), first), _packed(y, len(cuts), second)


def _ordered(name: str, kernel: Kernel, quantile: Any, outcomes: int, bend: Bend) -> Family:
    def start(y: Array, weights: Array) -> tuple[Array, Array]:
        return np.zeros(1), quantile(np.cumsum(shares(y, weights, outcomes))[:-1])

    cuts = tuple(f"cut{j}" for j in range(1, outcomes))
    return Family(name, kernel, start, 1, cuts, outcomes, bend=bend)


def ordered_logit(outcomes: int) -> Family:
    """The family of an ordered response with categories 0, ..., outcomes - 1 and logistic errors."""
    return _ordered("ordered_logit", ordered_logit_kernel, log_odds, outcomes, bend_ordered_logit)


def ordered_probit(outcomes: int) -> Family:
    """The family of an ordered response with categories 0, ..., outcomes - 1 and normal errors."""
    return _ordered("ordered_probit", ordered_probit_kernel, ndtri, outcomes, bend_ordered_probit)
