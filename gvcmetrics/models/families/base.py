"""What a response distribution has to say for the engine to estimate it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kernel = Callable[[Array, Array, Array, Array, Array, Array], None]
Start = Callable[[Array, Array], tuple[Array, Array]]
Bend = Callable[[Array, Array, Array], tuple[Array, Array]]


@dataclass(frozen=True)
class Family:
    """A response distribution, seen through its linear indices.

    Parameters
    ----------
    name : the response, as the public function is called.
    kernel : `kernel(y, eta, constants, loglik, gradient, hessian)` fills, for n observations,
        loglik (n), gradient (n, m) and hessian (n, m(m+1)/2; row-wise lower triangle), where the m
        arguments are the indices (n, n_indices) followed by the constants (shared by all observations:
        cutpoints, a correlation, a log dispersion). It releases the interpreter lock and gives -inf
        where the likelihood is zero.
    n_indices : how many linear indices carry regressors.
    constants : the names of the constants, in order.
    outcomes : number of categories, coded 0, 1, ..., or None when y is a count.
    strip : rows that a thread takes at a time; fewer for a dear kernel.
    start : `start(y, weights)` gives an intercept for each index, and the constants, of a model
        without regressors (or close to it).
    bend : `bend(y, eta, constants)` gives the first and second derivative of the packed Hessian in the
        one index; random effects need them.
    """

    name: str
    kernel: Kernel
    start: Start
    n_indices: int = 1
    constants: tuple[str, ...] = ()
    outcomes: int | None = 2
    strip: int = 32_768
    bend: Bend | None = None

    @property
    def n_arguments(self) -> int:
        return self.n_indices + len(self.constants)

    def evaluate(self, y: Array, eta: Array, constants: Array) -> tuple[Array, Array, Array]:
        """Log likelihood, gradient and packed Hessian of each observation, in new arrays."""
        n, m = len(y), self.n_arguments
        loglik, gradient, hessian = np.empty(n), np.empty((n, m)), np.empty((n, m * (m + 1) // 2))
        self.kernel(y, eta, constants, loglik, gradient, hessian)
        return loglik, gradient, hessian

    def mean(self, eta: Array, constants: Array) -> Array:
        """Probability of each outcome (n, outcomes), or the expected count (n, 1)."""
        if self.outcomes is None:
            return np.exp(eta)
        columns = [
            np.exp(self.evaluate(np.full(len(eta), float(outcome)), eta, constants)[0])
            for outcome in range(self.outcomes)
        ]
        return np.column_stack(columns)


def shares(y: Array, weights: Array, outcomes: int) -> Array:
    """Weighted share of each outcome, kept away from 0 and 1."""
    counts = np.bincount(y.astype(np.int64), weights=weights, minlength=outcomes)
    return (counts + 0.5) / (counts.sum() + 0.5 * outcomes)
