r"""Correlation matrices in parameters that are free: the inverse hyperbolic tangents of partial correlations.

With :math:`R = LL'`, row j of L is :math:`L_{jk} = \tanh(z_{jk}) \prod_{l<k} \operatorname{sech}(z_{jl})` and
:math:`L_{jj} = \prod_l \operatorname{sech}(z_{jl})`, so R is positive definite whatever the z.
"""

from __future__ import annotations

import numpy as np

from gvcmetrics.models.likelihood.family import Array


def correlations(z: Array, d: int) -> tuple[Array, Array]:
    """Correlations (2,1), (3,1), (3,2), ... of partial correlations tanh z, and the Jacobian."""
    L, dL, _ = _root(z, d)
    lower = np.tril_indices(d, -1)
    dR = dL @ L.T + L @ dL.transpose(0, 2, 1)
    return (L @ L.T)[lower], dR[:, lower[0], lower[1]].T


def bend_of_correlations(z: Array, d: int) -> Array:
    """Second derivatives of the correlations, (correlation, z, z)."""
    L, dL, d2L = _root(z, d)
    lower = np.tril_indices(d, -1)
    once = np.einsum("aij,bkj->abik", dL, dL) + np.einsum("abij,kj->abik", d2L, L)
    d2R = once + once.transpose(0, 1, 3, 2)
    return np.ascontiguousarray(d2R[:, :, lower[0], lower[1]].transpose(2, 0, 1))


def _root(z: Array, d: int) -> tuple[Array, Array, Array]:
    """L with its first and second derivatives in the z."""
    pairs = d * (d - 1) // 2
    L, dL, d2L = np.eye(d), np.zeros((pairs, d, d)), np.zeros((pairs, pairs, d, d))
    tanh, sech = np.tanh(z), 1.0 / np.cosh(z)
    # Value, first and second derivative of the two factors.
    of_tanh = np.array([tanh, sech**2, -2.0 * tanh * sech**2])
    of_sech = np.array([sech, -sech * tanh, sech * (tanh**2 - sech**2)])
    for j in range(1, d):
        own = range(j * (j - 1) // 2, j * (j + 1) // 2)
        for k in range(j + 1):
            factors = {m: of_sech[:, m] for m in own[:k]}
            if k < j:
                factors[own[k]] = of_tanh[:, own[k]]

            def product(*orders: int, factors: dict[int, Array] = factors) -> float:
                if any(m not in factors for m in orders):
                    return 0.0
                return float(np.prod([values[orders.count(m)] for m, values in factors.items()]))

            L[j, k] = product()
            for a in own:
                dL[a, j, k] = product(a)
                for b in own:
                    d2L[a, b, j, k] = product(a, b)
    return L, dL, d2L


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
