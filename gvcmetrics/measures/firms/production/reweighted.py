"""Least squares of one design under many weights, as a bootstrap by firm asks for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from gvcmetrics.errors import ModelError

Floats = NDArray[np.float64]

SINGULAR = 1e-6
"""Smallest pivot of a Cholesky factor, to the largest, below which nothing but rounding is left."""


@dataclass(frozen=True)
class Reweighted:
    """A design X = QR, n × k, factored once: each set of weights then costs one product of Q with itself.

    Q has orthonormal columns, so that Q'WQ is as well conditioned as the weights are even, and normal
    equations in it lose nothing.
    """

    X: Floats
    Q: Floats
    R: Floats

    @classmethod
    def of(cls, X: Floats) -> Reweighted:
        """Factor a design.

        Raises
        ------
        ModelError
            Fewer rows than columns.
        """
        if len(X) < X.shape[1]:
            raise ModelError(f"{len(X)} observations do not identify {X.shape[1]} parameters")
        return cls(X, *np.linalg.qr(X))

    def solve(self, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
        """Coefficients under the weights, and residuals of all rows.

        Raises
        ------
        numpy.linalg.LinAlgError
            The rows with weight do not identify the coefficients.
        """
        weighted = self.Q * weight[:, None]
        factor = cho_factor(weighted.T @ self.Q)
        size = np.diag(factor[0])
        if size.min() < SINGULAR * size.max():
            raise np.linalg.LinAlgError("the rows with weight do not identify the coefficients")
        rotated = cho_solve(factor, weighted.T @ y)
        coefficients = np.linalg.solve(self.R, rotated)
        return coefficients, y - self.X @ coefficients
