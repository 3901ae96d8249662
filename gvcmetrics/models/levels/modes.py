"""The modes of the effects given the parameters: where each widest group's integrand is highest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gvcmetrics.models.levels.elimination import Eliminated
from gvcmetrics.models.levels.structure import Integers, Nest
from gvcmetrics.models.likelihood.family import Array, Family

_STEPS = 100
_LAST_STEP = 1e-10


@dataclass(frozen=True)
class AtModes:
    """What is known at the modes; rows are sorted.

    u : (narrowest groups, Q) standardised effects. A : (n, Q) their slopes in the index, Z times the Cholesky
    factor. height : (widest groups) log integrand. eta, loglik, g, h : of the rows. H : factored.
    """

    u: Array
    A: Array
    unit: Integers
    height: Array
    eta: Array
    g: Array
    h: Array
    H: Eliminated

    @property
    def w(self) -> Array:
        """Minus the curvature of each row's log likelihood in its index."""
        return -self.h[:, 0]

    def along(self, effects: Array) -> Array:
        """What effects (narrowest groups, Q) add to the index of each row."""
        return np.einsum("nq,nq->n", self.A, effects[self.unit])

    def sums(self, values: Array) -> Array:
        """A'values (narrowest groups, Q, r) of values (n, r)."""
        return np.add.reduceat(self.A[:, :, None] * values[:, None, :], self.H.nest.rows, axis=0)


def find(
    family: Family, y: Array, base: Array, constants: Array, A: Array, nest: Nest, start: Array
) -> AtModes | None:
    """The modes by Newton's method, all groups at once; None where the likelihood overflows.

    base : (n) the index without effects. start : effects to begin with. The integrand is log-concave; a step
    is halved in the widest groups where it overshoots.
    """
    unit = nest.codes[-1]
    n, Q = A.shape
    of_narrowest = nest.codes[0][nest.rows]

    def at(u: Array) -> tuple[Array, Array, Array, Array, Array]:
        index = np.einsum("nq,nq->n", A, u[unit])
        eta = base + index
        loglik, g, h = family.evaluate(y, eta[:, None], constants)
        height = np.add.reduceat(loglik, nest.widest_rows) - 0.5 * squares(nest, u)
        return height, eta, index, g, h

    u = start
    height, eta, index, g, h = at(u)
    for _ in range(_STEPS):
        if not (np.isfinite(height).all() and np.isfinite(h).all()):
            return None
        w = -h[:, 0]
        P = (A[:, :, None] * (A * w[:, None])[:, None, :]).reshape(n, -1)
        H = Eliminated.of(nest, np.add.reduceat(P, nest.rows, axis=0).reshape(-1, Q, Q))
        working = (g[:, 0] + w * index)[:, None]
        step = H.solve(np.add.reduceat(A * working, nest.rows, axis=0)[:, :, None])[:, :, 0] - u
        longest = np.abs(step).max()
        if not np.isfinite(longest):
            return None
        if longest < _LAST_STEP:
            return AtModes(u, A, unit, height, eta, g, h, H)
        step *= min(1.0, 10.0 / longest)
        trial = at(u + step)
        while (worse := ~(trial[0] >= height - 1e-9 * (1.0 + np.abs(height)))).any():
            step = np.where(worse[of_narrowest][:, None], step / 2.0, step)
            if np.abs(step[worse[of_narrowest]]).max() < 1e-12:
                break
            trial = at(u + step)
        u = u + step
        height, eta, index, g, h = trial
    return None


def squares(nest: Nest, u: Array) -> Array:
    """The sum of the squared effects by widest group."""
    edges, total = nest.edges, np.zeros(nest.levels[0].count)
    for level, first in enumerate(nest.descendants):
        own = u[first, edges[level] : edges[level + 1]]
        total += np.add.reduceat((own**2).sum(axis=1), nest.of_widest[level])
    return total
