"""Regressors centred and scaled, so that no model depends on the units in which they were measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Columns within these bounds are left as they are, bit by bit: sums over rows lose nothing there.
_FAR_OUT = 64.0
_LARGE, _SMALL = 2.0**10, 2.0**-10


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of columns; where a column is constant the latter is its size."""

    mean: Array
    spread: Array
    constant: NDArray[np.bool_]


@dataclass(frozen=True)
class Scaling:
    """z = (x - centre) / scale, column by column. Scales are powers of two, which lose no digit."""

    centre: Array
    scale: Array

    @classmethod
    def of(cls, moments: Moments, *, centred: bool) -> Scaling | None:
        """What brings columns near zero and one; None where they are near enough.

        centred : whether a constant or an effect takes up what is subtracted.
        """
        spread = np.where(moments.spread > 0, moments.spread, 1.0)
        power = 2.0 ** np.round(np.log2(spread))
        scale = np.where((spread > _LARGE) | (spread < _SMALL), power, 1.0)
        far = centred & ~moments.constant & (np.abs(moments.mean) > _FAR_OUT * spread)
        if not far.any() and (scale == 1.0).all():
            return None
        return cls(np.where(far, moments.mean, 0.0), scale)

    def of_columns(self, X: Array) -> Array:
        """The columns, centred and scaled."""
        return np.ascontiguousarray((X - self.centre) / self.scale)


def moments_of(X: Array) -> Moments:
    """Moments of columns (n, k), exact also where a mean is many times the standard deviation."""
    n, k = X.shape
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.full(n, 1.0 / n) @ X
        square = np.einsum("ij,ij->j", X, X) / n
        variance = square - mean**2
        spread = np.sqrt(np.maximum(variance, 0.0))
    constant = np.zeros(k, dtype=bool)
    # Where the difference has lost digits, or a square has overflowed, it is taken again.
    for j in np.flatnonzero(~((variance > 1e-6 * square) & (square > 1e-200) & (square < 1e200))):
        x = X[:, j]
        constant[j] = bool((x == x[0]).all())
        largest = float(np.abs(x).max())
        if constant[j] or largest == 0.0:
            spread[j] = largest
            continue
        shares = x / largest
        middle = float(shares.mean())
        mean[j] = middle * largest
        spread[j] = largest * float(np.sqrt(np.mean((shares - middle) ** 2)))
    return Moments(mean, spread, constant)


def free_spreads(X: Array, *, constant: bool) -> Array:
    """Standard deviation of what the other columns leave of each; `constant` says that ones are among them.

    It measures how much a column tells by itself: little, of a year beside its square.
    """
    beside = constant and not (X[:1] == X).all(axis=0).any()
    wide = np.column_stack([np.ones(len(X)), X]) if beside else X
    found = left_by_others(np.asarray(np.linalg.qr(wide, mode="r")), len(X))
    return found[1:] if beside else found


def left_by_others(triangle: Array, rows: int) -> Array:
    """The same from the triangle of a QR of the columns."""
    size = np.linalg.norm(triangle, axis=0)
    scale = np.where(size > 0, size, 1.0)
    inverse = np.linalg.pinv(triangle / scale, rcond=1e-13)
    own = np.linalg.norm(inverse, axis=1)
    return scale / np.where(own > 0, own, 1.0) / np.sqrt(rows)
