r"""Three or four joint probits: y_j = 1 if eta_j + e_j > 0, e normal with correlation matrix R.

The outcomes are one response with 2^d categories, coded :math:`y_1 + 2y_2 + 4y_3 + \dots`. Its probability is
simulated by the GHK method (Geweke 1991; Hajivassiliou & McFadden 1998; Keane 1994): with :math:`R = LL'`
and :math:`s_j = 2y_j - 1`,

.. math:: \hat P = \sum_{r} c_r \prod_j \Phi(w_{jr}), \qquad
   w_{jr} = \frac{s_j}{L_{jj}}\Big(\eta_j + \sum_{k<j} L_{jk} e_{kr}\Big), \qquad
   e_{kr} = -s_k \Phi^{-1}\big(u_{kr} \Phi(w_{kr})\big)

at fixed points u, the same for all observations, so that the likelihood is smooth. With two or three
dimensions to integrate, the points of a Gauss rule (256 or 512) are far more exact than as many random
draws. First and second derivatives are carried along exactly.
R is parametrised by the inverse hyperbolic tangents of partial correlations, which makes it positive
definite everywhere: :math:`L_{jk} = \tanh(z_{jk}) \sqrt{1 - \sum_{l<k} L_{jl}^2}`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from scipy.special import ndtri

from gvcmetrics.models.families.kernels.scalar import inverse_mills, inverse_mills_slope, log_normal_cdf
from gvcmetrics.models.likelihood.family import Array, Family, shares

# Points a dimension, for two and three dimensions.
_POINTS = {2: 16, 3: 8}


@njit(cache=True, nogil=True)
def quantile_of_log(log_p: float) -> float:
    """x with log Phi(x) = log_p: a rational start (Abramowitz & Stegun 26.2.23) and two Halley steps."""
    low = log_p < -0.6931471805599453
    target = log_p if low else math.log(max(-math.expm1(log_p), 1e-300))
    t = math.sqrt(-2.0 * target)
    over = 2.515517 + t * (0.802853 + t * 0.010328)
    under = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    x = over / under - t
    for _ in range(2):
        gap = (log_normal_cdf(x) - target) / inverse_mills(x)
        x -= gap / (1.0 + 0.5 * gap * inverse_mills_slope(x))
    return x if low else -x


@njit(cache=True, nogil=True)
def _row(z: Any, value: Any, first: Any, second: Any) -> None:
    """Row j of L over its diagonal, (L_j0, ..., L_j,j-1, 1)/L_jj, with derivatives in the row's z.

    Entry k is sinh(z_k) prod_{i>k} cosh(z_i), and the last one prod_i cosh(z_i); a derivative swaps sinh
    and cosh of its factor.
    """
    j = z.shape[0]
    for k in range(j + 1):
        for m in range(-1, j):
            for n in range(-1, m + 1):
                product = 1.0
                for i in range(j):
                    times = (1 if i == m else 0) + (1 if i == n else 0)
                    if k < j and i < k:
                        product *= 1.0 if times == 0 else 0.0
                    elif (i == k) != (times == 1):
                        product *= math.sinh(z[i])
                    else:
                        product *= math.cosh(z[i])
                if m == -1:
                    value[k] = product
                elif n == -1:
                    first[k, m] = product
                else:
                    second[k, m, n] = second[k, n, m] = product


@njit(cache=True, nogil=True)
def _draw(
    eta: Any, signs: Any, u: Any, B: Any, B1: Any, B2: Any, e: Any, ge: Any, he: Any, gl: Any, hl: Any
) -> float:
    """Log of one draw's product of probabilities, with gradient gl and lower-triangle Hessian hl.

    The arguments are ordered by outcome, (eta_0; eta_1, z_10; eta_2, z_20, z_21; ...), so that those that
    matter for the first outcomes come first.
    """
    d = eta.shape[0]
    size = gl.shape[0]
    gc, hc = np.zeros(size), np.zeros((size, size))
    gl[:] = 0.0
    hl[:] = 0.0
    total = 0.0
    for j in range(d):
        base = j * (j + 1) // 2
        active = base + j + 1
        gc[:active] = 0.0
        hc[:active, :active] = 0.0
        c = B[j, j] * eta[j]
        gc[base] = B[j, j]
        for k in range(j):
            known = (k + 1) * (k + 2) // 2
            c += B[j, k] * e[k]
            for a in range(known):
                gc[a] += B[j, k] * ge[k, a]
                for b in range(a + 1):
                    hc[a, b] += B[j, k] * he[k, a, b]
        for m in range(j):
            row = base + 1 + m
            gc[row] = B1[j, j, m] * eta[j]
            hc[row, base] = B1[j, j, m]
            for n in range(m + 1):
                hc[row, base + 1 + n] = B2[j, j, m, n] * eta[j]
            for k in range(m + 1):
                gc[row] += B1[j, k, m] * e[k]
                for a in range((k + 1) * (k + 2) // 2):
                    hc[row, a] += B1[j, k, m] * ge[k, a]
                for n in range(m + 1):
                    hc[row, base + 1 + n] += B2[j, k, m, n] * e[k]
        w = signs[j] * c
        log_p, mills = log_normal_cdf(w), inverse_mills(w)
        bend = -mills * inverse_mills_slope(w)
        total += log_p
        for a in range(active):
            gl[a] += signs[j] * mills * gc[a]
            for b in range(a + 1):
                hl[a, b] += signs[j] * mills * hc[a, b] + bend * gc[a] * gc[b]
        if j == d - 1:
            break
        v = quantile_of_log(math.log(u[j]) + log_p)
        slope = u[j] * math.exp(0.5 * (v * v - w * w))
        curve = slope * (slope * v - w)
        e[j] = -signs[j] * v
        for a in range(active):
            ge[j, a] = -slope * gc[a]
            for b in range(a + 1):
                he[j, a, b] = -slope * hc[a, b] - signs[j] * curve * gc[a] * gc[b]
    return total


@njit(cache=True, nogil=True)
def ghk_kernel(
    y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any, points: Any, parts: Any
) -> None:
    """Log of the simulated probability with derivatives in the indices and the z.

    points (S, d-1) with their weights `parts` (S), which add to one.
    """
    d = eta.shape[1]
    size = d * (d + 1) // 2
    B, B1, B2 = np.zeros((d, d)), np.zeros((d, d, d)), np.zeros((d, d, d, d))
    place = np.empty(size, dtype=np.int64)
    start = 0
    for j in range(d):
        _row(constants[start : start + j], B[j], B1[j], B2[j])
        place[j * (j + 1) // 2] = j
        for m in range(j):
            place[j * (j + 1) // 2 + 1 + m] = d + start + m
        start += j
    e, ge, he = np.zeros(d), np.zeros((d, size)), np.zeros((d, size, size))
    gl, hl = np.zeros(size), np.zeros((size, size))
    G, H, signs = np.zeros(size), np.zeros((size, size)), np.zeros(d)
    for i in range(y.shape[0]):
        code = int(y[i])
        for j in range(d):
            signs[j] = 2.0 * ((code >> j) & 1) - 1.0
        total, top = 0.0, -math.inf
        G[:] = 0.0
        H[:] = 0.0
        for r in range(points.shape[0]):
            value = _draw(eta[i], signs, points[r], B, B1, B2, e, ge, he, gl, hl)
            if value > top:
                shrink = math.exp(top - value)
                total *= shrink
                G *= shrink
                H *= shrink
                top = value
            weight = parts[r] * math.exp(value - top)
            total += weight
            for a in range(size):
                G[a] += weight * gl[a]
                for b in range(a + 1):
                    H[a, b] += weight * (hl[a, b] + gl[a] * gl[b])
        loglik[i] = top + math.log(total)
        for a in range(size):
            gradient[i, place[a]] = G[a] / total
            for b in range(a + 1):
                high, low = max(place[a], place[b]), min(place[a], place[b])
                hessian[i, high * (high + 1) // 2 + low] = H[a, b] / total - G[a] / total * G[b] / total


def correlations(z: Array, d: int) -> tuple[Array, Array]:
    """Correlations (2,1), (3,1), (3,2), ... of partial correlations tanh z, and the Jacobian."""
    rows = [(j, k) for j in range(d) for k in range(j)]
    L, dL = np.eye(d), np.zeros((len(rows), d, d))
    for j, k in rows:
        start = j * (j - 1) // 2
        r = np.tanh(z[start : start + j])
        left = np.sqrt(1.0 - r**2)
        L[j, k] = r[k] * left[:k].prod()
        L[j, j] = left.prod()
        for m in range(k + 1):
            # d log sech(z)/dz = -tanh(z), d tanh(z)/dz = sech(z)^2
            dL[start + m, j, k] = left[k] ** 2 * left[:k].prod() if m == k else -r[m] * L[j, k]
        dL[start : start + j, j, j] = -r * L[j, j]
    R = L @ L.T
    dR = dL @ L.T + L @ dL.transpose(0, 2, 1)
    lower = tuple(np.array(rows).T)
    return R[lower], np.array([dR[m][lower] for m in range(len(rows))]).T


def partial_correlations(rho: Array, d: int) -> Array:
    """The inverse of `correlations`: atanh of the partial correlations."""
    R = np.eye(d)
    lower = np.tril_indices(d, -1)
    R[lower] = rho
    L = np.linalg.cholesky(R + np.tril(R, -1).T)
    z = []
    for j in range(d):
        for k in range(j):
            z.append(np.arctanh(L[j, k] / np.sqrt(1.0 - (L[j, :k] ** 2).sum())))
    return np.array(z)


def _rule(dimensions: int) -> tuple[Array, Array]:
    """Points in the unit cube and their shares: a product Gauss rule in t, u = t^3 (10 - 15t + 6t^2).

    The integrand has a logarithmic singularity where u is 0; the substitution takes it out.
    """
    t, w = np.polynomial.legendre.leggauss(_POINTS[dimensions])
    t, w = (t + 1.0) / 2.0, w / 2.0
    w, u = w * 30.0 * (t * (1.0 - t)) ** 2, t**3 * (10.0 - 15.0 * t + 6.0 * t**2)
    points = np.stack([axis.ravel() for axis in np.meshgrid(*[u] * dimensions)], axis=1)
    parts = np.prod([axis.ravel() for axis in np.meshgrid(*[w] * dimensions)], axis=0)
    return points, parts


def multivariate_probit(d: int) -> Family:
    """The family of d = 3 or 4 joint 0/1 outcomes."""
    points, weights = _rule(d - 1)

    def kernel(
        y: Array, eta: Array, constants: Array, loglik: Array, gradient: Array, hessian: Array
    ) -> None:
        if not np.isfinite(eta).all() or np.abs(constants).max() > 15.0:
            loglik[:], gradient[:], hessian[:] = -np.inf, 0.0, 0.0
            return
        ghk_kernel(y, eta, constants, loglik, gradient, hessian, points, weights)

    def start(y: Array, weights: Array) -> tuple[Array, Array]:
        share = shares(y, weights, 2**d)
        ones = np.array([share[[(c >> j) & 1 == 1 for c in range(2**d)]].sum() for j in range(d)])
        return ndtri(ones), np.zeros(d * (d - 1) // 2)

    names = tuple(f"z_{j}{k}" for j in range(2, d + 1) for k in range(1, j))
    return Family("joint_probit", kernel, start, n_indices=d, constants=names, outcomes=2**d, strip=128)
