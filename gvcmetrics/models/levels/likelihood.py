r"""The likelihood of nested normal effects by Laplace's approximation, with its exact score.

With :math:`\eta_i = x_i'\beta + a_i'u`, :math:`a_i = L'z_i`, standard normal u with mode :math:`\hat u`,
:math:`w_i = -\ell''_i` and :math:`H = I + A'WA`,

.. math:: \ell = \sum_i \ell_i(\hat\eta_i) - \tfrac12 \hat u'\hat u - \tfrac12 \log|H|.

With :math:`h_i = a_i'H^{-1}a_i`, :math:`s_i = \tfrac12 h_i \ell'''_i`, :math:`v = H^{-1}A's` and
:math:`r_i = g_i + s_i - w_i a_i'v`, where v brings in how the modes move,

.. math:: \ell_\beta = \sum_i r_i x_i, \qquad
   \ell_L = \sum_i z_i\big(r_i \hat u + g_i v - w_i H^{-1}a_i\big)', \qquad
   \ell_c = \sum_i \big(\ell_{ic} + \tfrac12 h_i \ell_{i\eta\eta c} + a_i'v\, \ell_{i\eta c}\big)

for constants c (cutpoints, a log standard deviation). Restricted likelihood of a linear model adds
:math:`-\tfrac12\log|X'V^{-1}X|`. Time is :math:`O(n(Q^2 + k))` a score, and the Hessian is
differences of the score.

Source: Pinheiro & Chao (2006, Journal of Computational and Graphical Statistics 15), for the levels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gvcmetrics.models.levels.modes import AtModes, find
from gvcmetrics.models.levels.structure import Nest
from gvcmetrics.models.likelihood.family import Array, Family

# Of steps of a search, whose Hessian need not be exact, and of errors.
_ONE_SIDED, _CENTRAL = 1e-5, 1e-4


@dataclass(frozen=True)
class NestedEffects:
    """Parameters are coefficients, constants of the family, and the free entries of each level's L.

    y, X, offset : rows in the order of the nest. Z : by level. restricted : whether coefficients are
    integrated out, of a normal family. own_information : log|X'X| of the regressors in their own units, by
    which restricted likelihoods do not depend on the scale that X is given in.
    """

    family: Family
    y: Array
    X: Array
    nest: Nest
    offset: Array | None = None
    restricted: bool = False
    own_information: float = 0.0
    modes: Array = field(init=False, repr=False)
    Z: tuple[Array, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "modes", np.zeros((len(self.nest.rows), self.nest.edges[-1])))
        object.__setattr__(self, "Z", tuple(level.Z[self.nest.order] for level in self.nest.levels))

    @property
    def fixed(self) -> int:
        """Coefficients and constants."""
        return self.X.shape[1] + len(self.family.constants)

    def factors(self, theta: Array) -> list[Array]:
        """The Cholesky factor of each level."""
        made, at = [], self.fixed
        for level in self.nest.levels:
            rows, columns = level.free
            L = np.zeros((len(level.effects),) * 2)
            L[rows, columns] = theta[at : at + len(rows)]
            made.append(L)
            at += len(rows)
        return made

    def at(self, theta: Array) -> AtModes | None:
        """The modes; the search begins where the last one ended."""
        k = self.X.shape[1]
        base = self.X @ theta[:k]
        if self.offset is not None:
            base = base + self.offset
        A = np.column_stack([Z @ L for Z, L in zip(self.Z, self.factors(theta), strict=True)])
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return find(self.family, self.y, base, theta[k : self.fixed], A, self.nest, self.modes)

    def loglik(self, theta: Array) -> float:
        """Log likelihood alone; minus infinity where it overflows."""
        return self._score(theta)[0]

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and a Hessian by one-sided differences, good to five digits."""
        p = len(theta)
        value, score, _ = self._score(theta, keep=True)
        if not np.isfinite(value):
            return value, score, np.zeros((p, p))
        moves = self._moves(theta, _ONE_SIDED)
        hessian = np.array([(self._score(theta + move)[1] - score) / move.sum() for move in moves])
        return value, score, (hessian + hessian.T) / 2.0

    def hessian(self, theta: Array) -> Array:
        """The Hessian by central differences, good to eight digits."""
        moves = self._moves(theta, _CENTRAL)
        made = np.array(
            [
                (self._score(theta + move)[1] - self._score(theta - move)[1]) / (2.0 * move.sum())
                for move in moves
            ]
        )
        return (made + made.T) / 2.0

    def _moves(self, theta: Array, step: float) -> Array:
        """A small move of each parameter, in the unit of the index."""
        steps = np.full(len(theta), step)
        unit = self.family.deviation(theta[self.X.shape[1] : self.fixed])
        steps[: self.X.shape[1]] *= unit
        steps[self.fixed :] *= unit
        return np.diag(steps)

    def scores(self, theta: Array) -> Array:
        """Score of each of the widest groups; of a restricted likelihood as far as it is a sum."""
        return self._score(theta)[2]

    def _score(self, theta: Array, *, keep: bool = False) -> tuple[float, Array, Array]:
        """Log likelihood, its score, and the scores of the widest groups."""
        p = len(theta)
        found = self.at(theta)
        if found is None:
            return -np.inf, np.zeros(p), np.zeros((1, p))
        if keep:
            self.modes[:] = found.u
        value = float(found.height.sum() - 0.5 * found.H.log_determinant().sum())
        scores = self._of_groups(theta, found)
        score = scores.sum(axis=0)
        if self.restricted:
            more, slope = self._restriction(found, theta)
            value, score = value + more, score + slope
        return value, score, scores

    def _of_groups(self, theta: Array, found: AtModes) -> Array:
        family, k = self.family, self.X.shape[1]
        constants, eta, g, w = theta[k : self.fixed], found.eta[:, None], found.g[:, 0], found.w
        assert family.bend is not None
        bend = family.bend(self.y, eta, constants)[0].reshape(len(g), -1)
        HA = np.einsum("nqr,nr->nq", found.H.covariances()[found.unit], found.A)
        leverage = np.einsum("nq,nq->n", found.A, HA)
        s = 0.5 * leverage * bend[:, 0]
        v = found.H.solve(found.sums(s[:, None]))[:, :, 0]
        moved = found.along(v)
        r = g + s - w * moved
        parts = [self.X * r[:, None]]
        for j in range(1, 1 + len(family.constants)):
            cross = j * (j + 1) // 2
            parts.append(
                (found.g[:, j] + 0.5 * leverage * bend[:, cross] + moved * found.h[:, cross])[:, None]
            )
        inner = r[:, None] * found.u[found.unit] + g[:, None] * v[found.unit] - w[:, None] * HA
        for level, Z, first in zip(self.nest.levels, self.Z, self.nest.edges, strict=False):
            rows, columns = level.free
            parts.append(Z[:, rows] * inner[:, first + columns])
        return np.add.reduceat(np.hstack(parts), self.nest.widest_rows, axis=0)

    def _restriction(self, found: AtModes, theta: Array) -> tuple[float, Array]:
        """-log|X'V⁻¹X|/2 and the constant that comes with it, and the derivative."""
        X, k, w = self.X, self.X.shape[1], found.w[:, None]
        U = found.H.solve(found.sums(w * X))
        G = w * (X - np.einsum("nq,nqk->nk", found.A, U[found.unit]))
        S = X.T @ G
        weighted = np.linalg.solve(S, G.T).T
        slope = np.zeros(len(theta))
        slope[k] = np.exp(2.0 * theta[k]) * float((weighted * G).sum())
        inner, at = np.einsum("nk,nqk->nq", weighted, U[found.unit]), self.fixed
        for level, Z, first in zip(self.nest.levels, self.Z, self.nest.edges, strict=False):
            rows, columns = level.free
            slope[at : at + len(rows)] = (Z[:, rows] * inner[:, first + columns]).sum(axis=0)
            at += len(rows)
        given = np.linalg.slogdet(X.T @ X)[1]
        value = -0.5 * (np.linalg.slogdet(S)[1] - given + self.own_information) + 0.5 * k * np.log(2 * np.pi)
        return float(value), slope
