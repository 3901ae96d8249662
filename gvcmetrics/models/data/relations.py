"""What is known of regressors that were left out: how the data tie them to those that stayed.

A regressor h that others explain (or that never varied) has no coefficient, and within the sample none is
needed, because there :math:`h = X\\gamma + a`, a being constant or taken up by absorbed effects. Where a new
row, or a row at other values, breaks that relation, nothing in the data says what is expected there: it is
not estimable (Searle 1971, section 5.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.ground.numerics.least_squares import shortest
from gvcmetrics.ground.numerics.slopes import Effect
from gvcmetrics.models.data.design import Design
from gvcmetrics.models.data.scaling import Array, moments_of

_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Relations:
    """Regressors that were left out, as combinations of those that stayed.

    positions, names : of what was left out, in the specification. gamma : (k, r). constant : (r), zero with
    absorbed effects, which take it up row by row.
    """

    design: Design
    positions: tuple[int, ...]
    names: tuple[str, ...]
    gamma: Array
    constant: Array

    def left_out(self, frame: pd.DataFrame) -> Array:
        """The regressors that were left out, (n, r)."""
        return self.design.columns(frame, self.positions)

    def rest(self, X: Array, H: Array) -> Array:
        """What the relation leaves of regressors that were left out, (n, r): nothing, or absorbed effects."""
        return H - X @ self.gamma - self.constant

    def broken(self, X: Array, H: Array, before: Array) -> Array:
        """How far rows are from what the relation left `before`; exactly zero where that is rounding."""
        gap = self.rest(X, H) - before
        size = np.abs(H) + np.abs(X) @ np.abs(self.gamma) + np.abs(self.constant) + np.abs(before)
        return np.where(np.abs(gap) > _ROUNDING * size, gap, 0.0)


def relations_of(
    design: Design, X: Array, frame: pd.DataFrame, weights: Array | None, within: Sequence[Effect]
) -> Relations | None:
    """The relations that hold in some rows, within the groups of some effects; None if nothing was left out.

    X : (n, k), of the columns of `frame`, with unit means if the model has them.
    """
    positions = design.left_out
    if not positions:
        return None
    # It may have gone by the name of cutpoints since.
    constant = "Intercept" in design.spec.column_names
    both = np.column_stack([X, design.columns(frame, positions)])
    moments = moments_of(both)
    scale = np.where(moments.spread > 0, moments.spread, 1.0)
    centre = np.where(moments.constant, 0.0, moments.mean) if within or constant else np.zeros(len(scale))
    both = (both - centre) / scale
    if within:
        both = demean(both, within, weights)
    k = X.shape[1]
    ones = np.ones((len(both), 1)) if constant and not within else np.empty((len(both), 0))
    found = shortest(np.hstack([both[:, :k], ones]), both[:, k:])
    found[np.abs(found) < 1e-9] = 0.0
    gamma = found[:k] * scale[k:] / scale[:k, None]
    level = np.zeros(len(positions))
    if not within:
        level = centre[k:] - centre[:k] @ gamma + (found[k:] * scale[k:]).sum(axis=0)
    return Relations(design, positions, design.called(positions), gamma, level)


def relations_of_triangle(design: Design, triangle: Array, kept: NDArray[np.bool_]) -> Relations | None:
    """The same from the triangle of a QR of ones and all regressors, `kept` or not."""
    positions = design.left_out
    if not positions:
        return None
    basis = triangle[:, np.append(True, kept)]
    found = shortest(basis, triangle[:, np.append(False, ~kept)])
    size = np.linalg.norm(basis, axis=0)[:, None] / np.maximum(np.linalg.norm(triangle, axis=0).max(), 1e-300)
    found[np.abs(found) * size < 1e-12] = 0.0
    return Relations(design, positions, design.called(positions), found[1:], found[0])
