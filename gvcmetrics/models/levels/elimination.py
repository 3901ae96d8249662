r"""Linear algebra of nested effects, level by level: linear in the rows, whatever the number of groups.

:math:`H = I + A'WA` has, for effects ordered by level, non-zero blocks only between groups that hold one
another. Eliminating the narrowest groups first fills nothing in: with P the sum of :math:`a_i w_i a_i'` over
a group's rows, split at the effects of its own level, :math:`D = I + P_{ll}` and
:math:`T = -D^{-1}P_{la}`, the wider group gets :math:`P_{aa} + P_{al}T`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.levels.structure import Nest


@dataclass(frozen=True)
class Eliminated:
    """H factored. inverse : by level, D⁻¹ (groups, q, q). fill : T (groups, q, wider effects)."""

    nest: Nest
    inverse: tuple[Array, ...]
    fill: tuple[Array, ...]
    logdet: tuple[Array, ...]

    @classmethod
    def of(cls, nest: Nest, P: Array) -> Eliminated:
        """From the sums P (narrowest groups, Q, Q) of a w a' over their rows."""
        edges, inverse, fill, logdet = nest.edges, list[Array](), list[Array](), list[Array]()
        for level in range(len(nest.levels) - 1, -1, -1):
            first, last = edges[level], edges[level + 1]
            D = P[:, first:last, first:last] + np.eye(last - first)
            if last - first == 1:
                own, log = 1.0 / D, np.log(D[:, 0, 0])
            else:
                own = np.linalg.inv(D).astype(np.float64, copy=False)
                log = np.linalg.slogdet(D)[1]
            T = -own @ P[:, first:last, :first]
            inverse.insert(0, own)
            fill.insert(0, T)
            logdet.insert(0, log)
            if level:
                left = P[:, :first, :first] + P[:, :first, first:last] @ T
                P = np.add.reduceat(left, nest.children[level - 1], axis=0)
        return cls(nest, tuple(inverse), tuple(fill), tuple(logdet))

    def log_determinant(self) -> Array:
        """log|H| by widest group."""
        nest = self.nest
        return np.sum(
            [np.add.reduceat(log, at) for log, at in zip(self.logdet, nest.of_widest, strict=True)], axis=0
        )

    def solve(self, b: Array) -> Array:
        """H⁻¹b of sums b (narrowest groups, Q, r) over rows, as the effects that each narrowest group has."""
        nest, edges = self.nest, self.nest.edges
        half = list[Array]()
        for level in range(len(nest.levels) - 1, -1, -1):
            first, last = edges[level], edges[level + 1]
            half.insert(0, self.inverse[level] @ b[:, first:last])
            if level:
                left = b[:, :first] + np.swapaxes(self.fill[level], 1, 2) @ b[:, first:last]
                b = np.add.reduceat(left, nest.children[level - 1], axis=0)
        x = half[0]
        for level in range(1, len(nest.levels)):
            above = x[nest.parents[level - 1]]
            x = np.concatenate([above, half[level] + self.fill[level] @ above], axis=1)
        return x

    def covariances(self) -> Array:
        """The part of H⁻¹ (narrowest groups, Q, Q) between the effects that a row has."""
        C = self.inverse[0]
        for level in range(1, len(self.nest.levels)):
            above, T = C[self.nest.parents[level - 1]], self.fill[level]
            side = T @ above
            own = self.inverse[level] + side @ np.swapaxes(T, 1, 2)
            C = np.concatenate(
                [
                    np.concatenate([above, np.swapaxes(side, 1, 2)], axis=2),
                    np.concatenate([side, own], axis=2),
                ],
                axis=1,
            )
        return C
