"""What ordered responses share: P(y <= j) = F(cut_j - eta)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from gvcmetrics.models.likelihood.family import Array, Bend, Family, Kernel, shares
from gvcmetrics.models.likelihood.third import Bent, of_cuts

# x -> F(x), F(-x) and the density of the latent error, which is symmetric
Tails = Callable[[Array], tuple[Array, Array, Array]]


@njit(cache=True, nogil=True)
def place(i: int, y: int, values: tuple, gradient: Any, hessian: Any) -> None:
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


def packed(y: Array, top: int, parts: tuple[Array, ...]) -> Array:
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


def about(y: Array, eta: Array, cuts: Array) -> tuple[Array, Array]:
    """The distances u and l of the cuts about each category, infinite beyond the last."""
    k = y.astype(np.intp)
    padded = np.concatenate([[-np.inf], cuts, [np.inf]])
    return padded[k + 1] - eta[:, 0], padded[k] - eta[:, 0]


def categories_at_once(tails: Tails, eta: Array, cuts: Array) -> tuple[Array, Array]:
    """Probabilities (q + 1, n) of the categories about q cuts, each taken in the tail that it lies in, and
    their derivatives in eta and the cuts (q + 1, n, 1 + q)."""
    below, above, density = tails(cuts[:, None] - eta[:, 0])
    q, n = below.shape
    P, first = np.empty((q + 1, n)), np.zeros((q + 1, 1 + q, n))
    P[0], P[q] = below[0], above[-1]
    P[1:-1] = np.where(below[:-1] > above[:-1], above[:-1] - above[1:], below[1:] - below[:-1])
    first[1:, 0] = density
    first[:-1, 0] -= density
    upper = np.arange(q)
    first[upper, 1 + upper], first[1 + upper, 1 + upper] = density, -density
    return P, first.transpose(0, 2, 1)


def ordered_family(
    name: str, kernel: Kernel, quantile: Any, bend: Bend, density: Bent, tails: Tails, variance: float,
    categories: int,
) -> Family:  # fmt: skip
    """Categories 0, ..., categories - 1."""

    def start(y: Array, weights: Array) -> tuple[Array, Array]:
        return np.zeros(1), quantile(np.cumsum(shares(y, weights, categories))[:-1])

    return Family(
        name,
        kernel,
        start,
        1,
        tuple(f"cut{j}" for j in range(1, categories)),
        categories,
        bend=bend,
        third=partial(of_cuts, density),
        together=partial(categories_at_once, tails),
        latent_variance=variance,
        block="Cutpoints",
        tested=False,
    )
