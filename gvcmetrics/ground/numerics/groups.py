"""Rows brought together by unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Groups:
    """The order that brings rows together by group, and where each group begins in it.

    order : (n) positions of the rows, group after group. starts : (G + 1) with n at the end.
    """

    order: NDArray[np.intp]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, codes: NDArray) -> Groups:
        """Groups of codes 0, ..., G-1; rows keep their order within a group."""
        starts = np.concatenate([[0], np.cumsum(np.bincount(codes))])
        in_order = (codes[1:] >= codes[:-1]).all()
        return cls(np.arange(len(codes)) if in_order else np.argsort(codes, kind="stable"), starts)

    @property
    def count(self) -> int:
        return len(self.starts) - 1

    @property
    def in_order(self) -> bool:
        """Whether the rows already stand group after group."""
        return bool((self.order[1:] > self.order[:-1]).all())

    @property
    def first(self) -> NDArray[np.intp]:
        """Position of the first row of each group."""
        return self.order[self.starts[:-1]]

    def only(self, keep: NDArray[np.bool_]) -> Groups:
        """The kept groups of rows that are already in order."""
        starts = np.concatenate([[0], np.cumsum(np.diff(self.starts)[keep])])
        return Groups(np.arange(starts[-1]), starts)

    def sums(self, values: Array) -> Array:
        """Sum over each group of (n) or (n, k) values that are already in order."""
        return np.add.reduceat(values, self.starts[:-1], axis=0)


def varies(y: Array, codes: NDArray) -> NDArray[np.bool_]:
    """For each row, whether y takes more than one value in its group."""
    some = np.empty(int(codes.max()) + 1)
    some[codes] = y
    differs = np.zeros(len(some), dtype=bool)
    differs[codes[y != some[codes]]] = True
    return differs[codes]
