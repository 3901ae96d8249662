"""Absorbed effects: partialling them out, singletons, and what is collinear with them.

Residuals on the dummies of Q effects come from pyfixest's preconditioned LSMR; they are accepted
only when every group mean of every column is zero to `TOLERANCE` of the column's standard
deviation, else a plain sparse LSMR is tried, which sparse worker–firm structures may need.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sparse
from pyfixest.core.demean import demean_within
from scipy.sparse.linalg import lsmr

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics import slopes
from gvcmetrics.ground.numerics.slopes import Effect

TOLERANCE = 1e-9


def demean(columns: np.ndarray, effects: Sequence[Effect], weights: np.ndarray | None = None) -> np.ndarray:
    """Residuals of each column after (weighted) least squares on the dummies (and slopes) of all effects.

    Parameters
    ----------
    columns : (n, p) array.
    effects : for each absorbed effect its codes (n,), 0 … G−1, or its slopes.
    weights : (n,) or None.

    Raises
    ------
    ModelError : neither solver reached the tolerance.
    """
    if not effects or columns.shape[1] == 0:
        return columns.copy()
    if slopes.have_slopes(effects):
        return slopes.residuals(columns, effects, weights)
    return _without_means(columns, [slopes.codes_of(effect) for effect in effects], weights)


def _without_means(
    columns: np.ndarray, effects: Sequence[np.ndarray], weights: np.ndarray | None
) -> np.ndarray:
    if len(effects) == 1:
        residuals = np.empty_like(columns)
        np.take(group_means(columns, effects[0], weights), effects[0], axis=0, out=residuals, mode="clip")
        return np.subtract(columns, residuals, out=residuals)
    scale = np.sqrt(np.mean(columns**2, axis=0))
    scale[scale == 0] = 1.0
    codes = np.column_stack(effects).astype(np.uint32)
    fast = _partialled_out(columns / scale, codes, weights)
    if fast is None or _largest_mean(fast, effects, weights) > TOLERANCE:
        residuals = _sparse_residuals(columns / scale, effects, weights)
    else:
        residuals = fast
    if _largest_mean(residuals, effects, weights) > 1e-7:
        raise ModelError(
            "the absorbed effects could not be partialled out to the needed precision",
            remedy="Drop groups with very few observations, or write the smallest effect as C(…)",
        )
    return residuals * scale


def group_means(columns: np.ndarray, codes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Means of (n, p) columns by group, (G, p)."""
    return group_sums(columns, codes, weights) / np.bincount(codes, weights=weights)[:, None]


def group_sums(columns: np.ndarray, codes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """(Weighted) sums of (n, p) columns by group, (G, p), without a copy of the columns."""
    n, groups = len(codes), int(codes.max(initial=-1)) + 1
    values = np.ones(n) if weights is None else weights
    dummies = sparse.csr_matrix((values, codes, np.arange(n + 1)), shape=(n, groups))
    return np.asarray(dummies.T @ columns)


def singletons(effects: Sequence[np.ndarray], times: np.ndarray | None = None) -> np.ndarray:
    """Mask of rows that stand alone in a group once other such rows are gone (as reghdfe drops them).

    times : how many rows each stands for, whole numbers; one by default.
    """
    alone = np.zeros(len(effects[0]) if effects else 0, dtype=bool)
    while True:
        before = alone.sum()
        for codes in effects:
            left = None if times is None else times[~alone]
            counts = np.bincount(codes[~alone], left, minlength=int(codes.max(initial=0)) + 1)
            alone |= counts[codes] == 1
        if alone.sum() == before:
            return alone


def independent_columns(columns: np.ndarray, scale: np.ndarray, tolerance: float) -> np.ndarray:
    """Mask of columns that are not a linear combination of earlier ones.

    A column is dependent when what earlier ones leave of it is shorter than `tolerance` times
    `scale`, its length before anything was partialled out.
    """
    k = columns.shape[1]
    safe = np.where(scale > 0, scale, 1.0)
    if (scale > 0).all() and _clearly_independent(columns, safe):
        return np.ones(k, dtype=bool)
    triangle = np.empty((0, k))
    for start in range(0, len(columns), 65_536):
        stacked = np.vstack([triangle, columns[start : start + 65_536] / safe])
        triangle = np.asarray(np.linalg.qr(stacked, mode="r"))
    keep = np.zeros(k, dtype=bool)
    basis = np.empty((len(triangle), 0))
    for j in range(k):
        rest = triangle[:, j].copy()
        for _ in range(2):
            rest -= basis @ (basis.T @ rest)
        length = np.linalg.norm(rest)
        if length > tolerance and scale[j] > 0:
            keep[j] = True
            basis = np.column_stack([basis, rest / length])
    return keep


def _clearly_independent(columns: np.ndarray, scale: np.ndarray) -> bool:
    """Whether the cross-products already show it, which spares a QR factorisation of all rows.

    Cross-products know a column's remaining length to about 1e-8 of its scale; what is shorter than 1e-3
    is left to the factorisation.
    """
    gram = columns.T @ columns / np.outer(scale, scale)
    try:
        return bool(np.diag(np.linalg.cholesky(gram)).min(initial=1.0) > 1e-3)
    except np.linalg.LinAlgError:
        return False


def _largest_mean(residuals: np.ndarray, effects: Sequence[np.ndarray], weights: np.ndarray | None) -> float:
    return max(float(np.abs(group_means(residuals, codes, weights)).max(initial=0.0)) for codes in effects)


def _partialled_out(columns: np.ndarray, codes: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
    """By the fast solver; None where it gives up, which some of its releases say by raising."""
    try:
        residuals, converged, _ = demean_within(columns, codes, weights, tol=1e-12, maxiter=2_000)
    except (ValueError, RuntimeError):
        return None
    return np.asarray(residuals) if converged and np.isfinite(residuals).all() else None


def _sparse_residuals(
    columns: np.ndarray, effects: Sequence[np.ndarray], weights: np.ndarray | None
) -> np.ndarray:
    n = len(columns)
    root = np.ones(n) if weights is None else np.sqrt(weights)
    blocks = []
    for codes in effects:
        size = np.sqrt(np.bincount(codes, weights=weights))
        blocks.append(sparse.csr_matrix((root / size[codes], (np.arange(n), codes))))
    dummies = sparse.hstack(blocks).tocsr()
    residuals = np.empty_like(columns)
    for j in range(columns.shape[1]):
        target = columns[:, j] * root
        solution = lsmr(dummies, target, atol=1e-14, btol=1e-14, conlim=0, maxiter=20_000)[0]
        residuals[:, j] = (target - dummies @ solution) / root
    return residuals
