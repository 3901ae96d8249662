r"""Three or four joint probits: y_j = 1 if eta_j + e_j > 0, e normal with correlation matrix R.

The outcomes are one response with 2^d categories, coded :math:`y_1 + 2y_2 + 4y_3 + \dots`. With
:math:`s_j = 2y_j - 1` its probability is :math:`P = \Phi_d(s_j \eta_j; s_j s_k r_{jk})`. Derivatives in a set
S of different indices are a density times a conditional probability of the others,

.. math:: P_S = \prod_{j \in S} s_j \; \varphi_S(\eta_S) \, \Phi(\text{the others} \mid S),

those in a correlation are :math:`\partial P / \partial r_{jk} = P_{jk}` (Plackett 1954), and where an index
is repeated they follow from :math:`\sum_k r_{jk} P_{jk} = -\eta_j P_j`, differentiated: with
:math:`u_j = -\eta_j P_S - \sum_{k \notin S} r_{jk} P_{S \cup k}` the vector of the
:math:`P_{S j}`, j in S, is :math:`R_{SS}^{-1} u`. All are taken relative to P.
R is parametrised as in `correlations`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from scipy.special import ndtri

from gvcmetrics.models.families.kernels.bivariate_normal import bivariate_cdf, log_bivariate_cdf
from gvcmetrics.models.families.kernels.correlations import bend_of_correlations, correlations
from gvcmetrics.models.families.kernels.multivariate_normal import log_quadrivariate_cdf, log_trivariate_cdf
from gvcmetrics.models.families.kernels.scalar import LOG_SQRT_2PI, log_normal_cdf
from gvcmetrics.models.likelihood.family import Array, Family, shares

# An error of a derivative, relative to the probability, that does no harm.
_HARMLESS = 1e-13
_ALMOST_NOTHING = 1e-300
# Partial correlations whose atanh is beyond this are one, as far as digits go.
_EDGE = 12.0
_NEARLY_ONE = 1.0 - 1e-14


def conditionals(R: Array) -> tuple[Array, Array, Array, Array, Array]:
    """For every set S of the d variables, coded in bits: the inverse of R_SS, the log of its determinant, the
    regression of the others on S, their standard deviations given S, and their correlations given S."""
    d = len(R)
    sets = 2**d
    inverse, logdet, slopes = np.zeros((sets, d, d)), np.zeros(sets), np.zeros((sets, d, d))
    spread, left = np.ones((sets, d)), np.zeros((sets, d, d))
    for code in range(sets):
        inside = [j for j in range(d) if code >> j & 1]
        others = [j for j in range(d) if not code >> j & 1]
        of_set = np.linalg.inv(R[np.ix_(inside, inside)])
        inverse[code][np.ix_(inside, inside)] = of_set
        logdet[code] = -np.linalg.slogdet(of_set)[1]
        on_set = R[np.ix_(others, inside)] @ of_set
        slopes[code][np.ix_(others, inside)] = on_set
        rest = R[np.ix_(others, others)] - on_set @ R[np.ix_(inside, others)]
        deviations = np.sqrt(np.maximum(np.diag(rest), 1e-30))
        spread[code, others] = deviations
        rho = np.clip(rest / np.outer(deviations, deviations), -_NEARLY_ONE, _NEARLY_ONE)
        np.fill_diagonal(rho, 1.0)
        left[code][np.ix_(others, others)] = rho
    return inverse, logdet, slopes, spread, left


@njit(cache=True, nogil=True)
def _log_cdf(b: Any, R: Any, count: int, least: float, panels: int) -> float:
    """log P(X <= b) of `count` normal variables, three at most; `least` and `panels` as for three."""
    if count == 0:
        return 0.0
    if count == 1:
        return log_normal_cdf(b[0])
    if count == 2:
        if least > 1e-15:
            return math.log(max(bivariate_cdf(b[0], b[1], R[1, 0]), _ALMOST_NOTHING))
        return log_bivariate_cdf(b[0], b[1], R[1, 0])
    return log_trivariate_cdf(b[0], b[1], b[2], R[1, 0], R[2, 0], R[2, 1], least, panels)


@njit(cache=True, nogil=True)
def log_probabilities_of_four(y: Any, eta: Any, R: Any, panels: int, loglik: Any) -> None:
    """Log of the probability of each row, apart from its derivatives, so that models of three outcomes need
    not wait for the compiler."""
    b, signed = np.zeros(4), np.ones((4, 4))
    for i in range(y.shape[0]):
        code = int(y[i])
        for j in range(4):
            s = 2.0 * (code >> j & 1) - 1.0
            b[j] = s * eta[i, j]
            for k in range(j):
                signed[j, k] = signed[k, j] = s * (2.0 * (code >> k & 1) - 1.0) * R[j, k]
        loglik[i] = log_quadrivariate_cdf(b, signed, 0.0, panels)


@njit(cache=True, nogil=True)
def _of_sets(
    log_p: float,
    eta: Any,
    signs: Any,
    known: Any,
    slopes: Any,
    spread: Any,
    left: Any,
    room: Any,
    panels: int,
    found: Any,
) -> float:
    """log P, which is given of four outcomes, and P_S/P for every set S.

    known, slopes, spread, left : what `conditionals` says. room : a vector and a matrix to work in.
    """
    d = eta.shape[0]
    inverse, logdet = known
    b, R = room
    for code in range(found.shape[0]):
        log_density, sign, size = -0.5 * logdet[code], 1.0, 0
        for i in range(d):
            if code >> i & 1:
                size += 1
                sign *= signs[i]
                for j in range(d):
                    log_density -= 0.5 * eta[i] * inverse[code, i, j] * eta[j]
        log_density -= size * LOG_SQRT_2PI
        count = 0
        for k in range(d):
            if code >> k & 1:
                continue
            mean = 0.0
            for i in range(d):
                mean += slopes[code, k, i] * eta[i]
            b[count] = signs[k] * (eta[k] - mean) / spread[code, k]
            R[count, count] = 1.0
            before = 0
            for m in range(k):
                if not code >> m & 1:
                    R[count, before] = R[before, count] = signs[k] * signs[m] * left[code, k, m]
                    before += 1
            count += 1
        if code == 0:
            log_p = _log_cdf(b, R, count, 0.0, panels) if d < 4 else log_p
            found[0] = 1.0
        else:
            least = _HARMLESS * math.exp(min(log_p - log_density, 0.0))
            found[code] = sign * math.exp(log_density + _log_cdf(b, R, count, least, panels) - log_p)
    return log_p


@njit(cache=True, nogil=True)
def _repeated(eta: Any, R: Any, inverse: Any, found: Any, thrice: Any) -> None:
    """thrice[S, j] = P_{S j}/P for j in S: derivatives with one index repeated."""
    d = eta.shape[0]
    for code in range(1, found.shape[0]):
        for i in range(d):
            thrice[code, i] = 0.0
        for j in range(d):
            if not code >> j & 1:
                continue
            u = -eta[j] * found[code]
            for k in range(d):
                if not code >> k & 1:
                    u -= R[j, k] * found[code | 1 << k]
            for i in range(d):
                if code >> i & 1:
                    thrice[code, i] += inverse[code, i, j] * u


@njit(cache=True, nogil=True)
def _second(eta: Any, R: Any, found: Any, thrice: Any, H: Any) -> None:
    """Second derivatives of P over P, lower triangle, in the indices and then the correlations."""
    d = eta.shape[0]
    for i in range(d):
        H[i, i] = thrice[1 << i, i]
        for j in range(i):
            H[i, j] = found[1 << i | 1 << j]
    row = d
    for i in range(d):
        for j in range(i):
            pair = 1 << i | 1 << j
            for k in range(d):
                H[row, k] = thrice[pair, k] if pair >> k & 1 else found[pair | 1 << k]
            column = d
            for k in range(d):
                for m in range(k):
                    if column > row:
                        break
                    other = 1 << k | 1 << m
                    shared = pair & other
                    if column == row:
                        H[row, column] = _of_pair_twice(i, j, eta, R, found, thrice)
                    elif shared == 0:
                        H[row, column] = found[pair | other]
                    else:
                        for n in range(d):
                            if shared >> n & 1:
                                H[row, column] = thrice[pair | other, n]
                    column += 1
            row += 1


@njit(cache=True, nogil=True)
def _of_pair_twice(i: int, j: int, eta: Any, R: Any, found: Any, thrice: Any) -> float:
    """P_iijj/P, from the identity of i differentiated twice in j and that of j in i and j."""
    pair, r = 1 << i | 1 << j, R[i, j]
    value = -eta[i] * thrice[pair, j] + r * (eta[j] * thrice[pair, j] + found[pair])
    for k in range(eta.shape[0]):
        if k not in (i, j):
            value += (r * R[j, k] - R[i, k]) * thrice[pair | 1 << k, j]
    return value / ((1.0 - r) * (1.0 + r))


@njit(cache=True, nogil=True)
def exact_kernel(
    y: Any, eta: Any, loglik: Any, gradient: Any, hessian: Any, R: Any, known: Any, slopes: Any, spread: Any,
    left: Any, jacobian: Any, bend: Any, panels: int,
) -> None:  # fmt: skip
    """Log of the probability, which is given of four outcomes, with derivatives in the indices and the z.

    known, slopes, spread, left : what `conditionals` says of R. jacobian, bend : of the correlations in
    the z.
    """
    d = eta.shape[1]
    pairs = d * (d - 1) // 2
    size = d + pairs
    found, thrice = np.zeros(2**d), np.zeros((2**d, d))
    signs, room = np.zeros(d), (np.zeros(d), np.zeros((d, d)))
    g, H, half = np.zeros(size), np.zeros((size, size)), np.zeros((size, pairs))
    for i in range(y.shape[0]):
        code = int(y[i])
        for j in range(d):
            signs[j] = 2.0 * (code >> j & 1) - 1.0
        loglik[i] = _of_sets(loglik[i], eta[i], signs, known, slopes, spread, left, room, panels, found)
        _repeated(eta[i], R, known[0], found, thrice)
        _second(eta[i], R, found, thrice, H)
        for j in range(d):
            g[j] = found[1 << j]
        row = d
        for j in range(d):
            for k in range(j):
                g[row] = found[1 << j | 1 << k]
                row += 1
        for a in range(size):
            for b in range(a + 1):
                H[a, b] -= g[a] * g[b]
                H[b, a] = H[a, b]
        # From the correlations to the z.
        for a in range(size):
            for p in range(pairs):
                half[a, p] = 0.0
                for q in range(pairs):
                    half[a, p] += H[a, d + q] * jacobian[q, p]
        place = 0
        for a in range(size):
            for b in range(a + 1):
                value = H[a, b]
                if a >= d and b < d:
                    value = half[b, a - d]
                elif a >= d:
                    value = 0.0
                    for q in range(pairs):
                        value += jacobian[q, a - d] * half[d + q, b - d] + g[d + q] * bend[q, a - d, b - d]
                hessian[i, place] = value
                place += 1
        for a in range(d):
            gradient[i, a] = g[a]
        for p in range(pairs):
            gradient[i, d + p] = 0.0
            for q in range(pairs):
                gradient[i, d + p] += g[d + q] * jacobian[q, p]


@lru_cache(maxsize=32)
def _shared(z: tuple[float, ...], d: int) -> tuple[Any, ...]:
    """What all rows take from the correlations; strips of rows ask for it in turn."""
    constants = np.array(z)
    R = np.eye(d)
    R[np.tril_indices(d, -1)], jacobian = correlations(constants, d)
    R += np.tril(R, -1).T
    inverse, logdet, slopes, spread, left = conditionals(R)
    bend = bend_of_correlations(constants, d)
    return R, (inverse, logdet), slopes, spread, left, np.ascontiguousarray(jacobian), bend


def multivariate_probit(d: int, panels: int = 1) -> Family:
    """The family of d = 3 or 4 joint 0/1 outcomes; `panels` as in `log_trivariate_cdf`."""

    def kernel(
        y: Array, eta: Array, constants: Array, loglik: Array, gradient: Array, hessian: Array
    ) -> None:
        if not np.isfinite(eta).all() or not np.abs(constants).max() < _EDGE:
            loglik[:], gradient[:], hessian[:] = -np.inf, 0.0, 0.0
            return
        R, known, slopes, spread, left, jacobian, bend = _shared(tuple(constants), d)
        eta = np.ascontiguousarray(eta)
        if d == 4:
            log_probabilities_of_four(y, eta, R, panels, loglik)
        exact_kernel(
            y, eta, loglik, gradient, hessian, R, known, slopes, spread, left, jacobian, bend, panels
        )

    def start(y: Array, weights: Array) -> tuple[Array, Array]:
        share = shares(y, weights, 2**d)
        ones = np.array([share[[(c >> j) & 1 == 1 for c in range(2**d)]].sum() for j in range(d)])
        return ndtri(ones), np.zeros(d * (d - 1) // 2)

    names = tuple(f"z_{j}{k}" for j in range(2, d + 1) for k in range(1, j))
    return Family("joint_probit", kernel, start, n_indices=d, constants=names, outcomes=2**d, strip=512)
