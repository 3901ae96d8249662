"""Which averages the data say something about, where regressors had to be left out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.models.data.relations import Relations
from gvcmetrics.models.likelihood.family import Array

NOT_ESTIMABLE = "not estimable"


@dataclass(frozen=True, eq=False)
class Tie:
    """Rows with the regressors that were left out of the model.

    H : (n, r), as the rows are now. before : (n, r), what the relation left of them in the sample.
    """

    relations: Relations
    H: Array
    before: Array

    def only(self, keep: NDArray[np.bool_]) -> Tie:
        """Some of the rows."""
        return replace(self, H=self.H[keep], before=self.before[keep])

    def gaps(self, X: Array) -> Array:
        """How far the rows are from what the data tie together, (n, r)."""
        return self.relations.broken(X, self.H, self.before)

    def slope_gaps(self, D: Array, D_left_out: Array) -> Array:
        """The same of derivatives of the regressors: (n, k), and (n, r)."""
        none = np.zeros_like(D_left_out)
        return replace(self.relations, constant=np.zeros(none.shape[1])).broken(D, D_left_out, none)


def looseness(linear: bool, weights: Array, *gaps: Array) -> Array:
    """What an average rests on that the data do not tie, signed and in size, (2, r).

    Of an average that is linear in the index the gaps may cancel, within it or in a difference of two; any
    other stands or falls with each of its rows (infinite).
    """
    gap = gaps[-1] if linear else sum(np.abs(each) for each in gaps)
    size = weights @ np.abs(gap)
    signed = weights @ gap if linear else np.where(size > 0, np.inf, 0.0)
    return np.array([signed, size])


def untied(loose: Array) -> NDArray[np.bool_]:
    """For each regressor that was left out, whether the average rests on its unknown coefficient."""
    with np.errstate(invalid="ignore"):
        return ~(np.abs(loose[0]) <= 1e-9 * loose[1])
