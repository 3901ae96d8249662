r"""Absorbed effects with a slope by group: partialling them out, counting them, and finding them again.

A slope is a column of numbers z with the codes of its groups, whose effect on row i is
:math:`\beta_{g(i)} z_i`. Columns that share their groups are made orthonormal within each group, so that one
kind of groups is a single projection, and several are as well conditioned as plain dummies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import lsmr

_FLAT = 1e-9


@dataclass(frozen=True, eq=False)
class Slopes:
    """The slopes of one variable: its values (n,), and codes (n,) of the groups, 0 … G−1."""

    codes: np.ndarray
    values: np.ndarray

    def rows(self, keep: np.ndarray) -> Slopes:
        """Those of some rows, groups counted anew."""
        left = np.unique(self.codes[keep], return_inverse=True)[1].astype(np.int32)
        return Slopes(left, self.values[keep])


Effect: TypeAlias = np.ndarray | Slopes
"""The codes of a plain effect, or slopes by group."""


def codes_of(effect: Effect) -> np.ndarray:
    """The codes of the groups of an effect."""
    return effect.codes if isinstance(effect, Slopes) else effect


def rows_of(effect: Effect, keep: np.ndarray) -> Effect:
    """An effect of some rows, groups counted anew."""
    if isinstance(effect, Slopes):
        return effect.rows(keep)
    return np.unique(effect[keep], return_inverse=True)[1].astype(np.int32)


def have_slopes(effects: Sequence[Effect]) -> bool:
    """Whether an effect among them has slopes."""
    return any(isinstance(effect, Slopes) for effect in effects)


def residuals(columns: np.ndarray, effects: Sequence[Effect], weights: np.ndarray | None) -> np.ndarray:
    """Residuals of each column (n, p) after (weighted) least squares on dummies and slopes of all effects."""
    w = np.ones(len(columns)) if weights is None else weights
    scale = np.sqrt(np.mean(columns**2, axis=0))
    scale[scale == 0] = 1.0
    left = columns / scale
    blocks = _orthonormal(effects, w)
    if len(blocks) == 1:
        codes, basis = blocks[0]
        for _ in range(2):
            for q in basis:
                left = left - q[:, None] * _sums(codes, (w * q)[:, None] * left)[codes]
        return left * scale
    root = np.sqrt(w)
    n = len(columns)
    D = sparse.hstack(
        [sparse.csr_matrix((root * q, (np.arange(n), codes))) for codes, basis in blocks for q in basis]
    ).tocsr()
    # A second pass removes what rounding left in the first.
    for _ in range(2):
        for j in range(left.shape[1]):
            target = left[:, j] * root
            found = lsmr(D, target, atol=1e-14, btol=1e-14, conlim=0, maxiter=20_000)[0]
            left[:, j] = (target - D @ found) / root
    return left * scale


def slope_parameters(effects: Sequence[Effect]) -> int:
    """Slopes that the data know beside the plain effects and the earlier slopes of the same groups."""
    counted = 0
    for codes, basis in _orthonormal(effects, np.ones(len(codes_of(effects[0])))) if effects else []:
        sizes = [np.bincount(codes, q**2) for q in basis]
        plain = any(not isinstance(e, Slopes) and np.array_equal(e, codes) for e in effects)
        counted += int(sum((size > 0.5).sum() for size in sizes[1 if plain else 0 :]))
    return counted


def found_slopes(effects: Sequence[Effect], total: np.ndarray) -> list[np.ndarray]:
    """Slopes by group, an array for each of `Slopes`, of effects that add to `total`; missing if unknown."""
    n, columns, sizes = len(total), list[sparse.csr_matrix](), list[int]()
    flat = []
    for effect in effects:
        codes = codes_of(effect)
        values = np.ones(n)
        if isinstance(effect, Slopes):
            values = effect.values
            size = np.bincount(codes, values**2)
            if any(not isinstance(e, Slopes) and np.array_equal(e, codes) for e in effects):
                # What the group's constant takes up of the variable moves the constant alone.
                values = values - (np.bincount(codes, values) / np.bincount(codes))[codes]
            flat.append(np.bincount(codes, values**2) <= _FLAT**2 * size)
        columns.append(sparse.csr_matrix((values, (np.arange(n), codes))))
        sizes.append(int(codes.max()) + 1)
    D = sparse.hstack(columns).tocsr()
    norm = np.sqrt(np.asarray(D.multiply(D).sum(axis=0)).ravel())
    norm[norm == 0] = 1.0
    solved = (
        lsmr(D @ sparse.diags(1 / norm), total, atol=1e-15, btol=1e-15, conlim=0, maxiter=100_000)[0] / norm
    )
    parts = np.split(solved, np.cumsum(sizes)[:-1])
    slopes = [part for part, effect in zip(parts, effects, strict=True) if isinstance(effect, Slopes)]
    return [np.where(unknown, np.nan, part) for part, unknown in zip(slopes, flat, strict=True)]


def _orthonormal(effects: Sequence[Effect], w: np.ndarray) -> list[tuple[np.ndarray, list[np.ndarray]]]:
    """Codes of each kind of groups, and the columns on them, orthonormal within groups, constants first."""
    blocks: list[tuple[np.ndarray, list[np.ndarray]]] = []
    for effect in sorted(effects, key=lambda each: isinstance(each, Slopes)):
        codes = codes_of(effect)
        basis = next((known for other, known in blocks if np.array_equal(other, codes)), None)
        if basis is None:
            basis = []
            blocks.append((codes, basis))
        column = effect.values.astype(np.float64) if isinstance(effect, Slopes) else np.ones(len(codes))
        before = np.bincount(codes, w * column**2)
        for _ in range(2):
            for q in basis:
                column = column - q * np.bincount(codes, w * q * column)[codes]
        size = np.bincount(codes, w * column**2)
        known = size > _FLAT**2 * before
        basis.append(np.where(known[codes], column / np.sqrt(np.where(known, size, 1.0))[codes], 0.0))
    return blocks


def _sums(codes: np.ndarray, columns: np.ndarray) -> np.ndarray:
    picks = sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))))
    return np.asarray(picks @ columns)
