"""Least squares, and inverses that do not depend on the units of the regressors."""

from __future__ import annotations

import numpy as np

from gvcmetrics.errors import ModelError


def least_squares(
    y: np.ndarray, X: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Weighted) least squares by QR: estimates, (X'WX)⁻¹ and residuals.

    Raises
    ------
    ModelError : no column, or fewer rows than columns.
    """
    if X.shape[1] == 0:
        raise ModelError("no regressor is left to estimate", remedy="See the warning on collinear regressors")
    if len(y) < X.shape[1]:
        raise ModelError(f"{len(y)} observations do not identify {X.shape[1]} parameters")
    root = None if weights is None else np.sqrt(weights)
    Q, R = np.linalg.qr(X if root is None else X * root[:, None])
    estimates = np.linalg.solve(R, Q.T @ (y if root is None else y * root))
    inverse = np.linalg.inv(R)
    return estimates, inverse @ inverse.T, y - X @ estimates


def shortest(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Least-squares estimates, the shortest of them where columns are collinear, by columns of length one."""
    length = np.linalg.norm(X, axis=0)
    scale = np.where(length > 0, length, 1.0)
    found = np.asarray(np.linalg.lstsq(X / scale, y, rcond=None)[0])
    return (found.T / scale).T


def rank(covariance: np.ndarray) -> int:
    """Rank of a covariance, or of another symmetric matrix, whatever the units of its rows."""
    return int(np.linalg.matrix_rank(_without_units(covariance)[0], hermitian=True))


def distance_squared(distance: np.ndarray, covariance: np.ndarray, units: np.ndarray | None = None) -> float:
    """d' V⁻¹ d, with the generalised inverse where V is singular; the units of d do not matter.

    units : positive numbers in the units of d; by default the standard errors in V.
    """
    scaled, units = _without_units(covariance, units)
    z = distance / units
    return float(z @ np.linalg.pinv(scaled, hermitian=True) @ z)


def _without_units(covariance: np.ndarray, units: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    size = np.sqrt(np.maximum(np.diag(covariance), 0.0)) if units is None else units
    size = np.where(size > 0, size, 1.0)
    return covariance / np.outer(size, size), size


def inverse_information(information: np.ndarray) -> np.ndarray:
    """Inverse of a symmetric matrix; infinite variances where it is singular."""
    if not len(information):
        return information
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    values, vectors = np.linalg.eigh(information * np.outer(scale, scale))
    usable = values > 1e-14 * values.max()
    inverse = (vectors[:, usable] / values[usable]) @ vectors[:, usable].T
    # A direction without curvature has no finite variance in any of its parameters.
    inverse[np.diag_indices_from(inverse)] += (vectors[:, ~usable] ** 2 > 1e-8).sum(axis=1) * 1e30
    return inverse * np.outer(scale, scale)
