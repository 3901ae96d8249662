"""Polynomials that stand in for unknown functions."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def polynomial(variables: Floats, degree: int) -> Floats:
    """Orthonormal basis of all polynomials up to a total degree, the constant included.

    Parameters
    ----------
    variables : n × k. Columns are standardised first, so that high powers do not drown low ones.

    Returns
    -------
    n × (number of linearly independent monomials); monomials that the data cannot tell apart are left out.
    """
    scaled = (variables - variables.mean(axis=0)) / np.maximum(variables.std(axis=0), 1e-300)
    columns = [np.ones(len(scaled))]
    for order in range(1, degree + 1):
        for chosen in combinations_with_replacement(range(scaled.shape[1]), order):
            columns.append(scaled[:, chosen].prod(axis=1))
    return independent(np.column_stack(columns))


def independent(columns: Floats, tolerance: float = 1e-9) -> Floats:
    """Orthonormal basis of the column space (scaled by √n), by singular values."""
    scale = np.maximum(np.sqrt((columns**2).mean(axis=0)), 1e-300)
    left, singular, _ = np.linalg.svd(columns / scale, full_matrices=False)
    return left[:, singular > tolerance * singular[0]] * np.sqrt(len(columns))
