"""What a response distribution has to say for the engine to estimate it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kernel = Callable[[Array, Array, Array, Array, Array, Array], None]
Start = Callable[[Array, Array], tuple[Array, Array]]
Bend = Callable[[Array, Array, Array], tuple[Array, Array]]
Density = Callable[[Array], tuple[Array, Array, Array]]
# theta -> (reported parameters, Jacobian), or back
Transform = Callable[[Array], tuple[Array, Array]]
# indices (n, m), shared parameters (q), slopes u and v (n, m) -> derivatives (n, m + q) of sum P_jl u_j v_l
Third = Callable[[Array, Array, Array, Array], Array]
# indices, shared parameters -> probabilities of c categories (c, n), first derivatives (c, n, m + q)
Together = Callable[[Array, Array], tuple[Array, Array]]


@dataclass(frozen=True)
class Outcome:
    """Something that is expected, as a function of m indices (n, m) and the q parameters that rows share.

    value : (n). derivatives : value (n), first (n, m + q), second (n, m, m + q).
    third : see `third`; None where it is not known.
    bind : of an outcome that differs by row for a reason other than the indices (a censoring limit): what
        the likelihood of the rows needs besides, by expression -> the outcome of these rows.
    together : what gives all categories at once, of which this is number `place`.
    """

    value: Callable[[Array, Array], Array]
    derivatives: Callable[[Array, Array], tuple[Array, Array, Array]]
    third: Third | None = None
    bind: Callable[[Mapping[str, Array]], Outcome] | None = None
    together: Together | None = None
    place: int = 0

    def of_rows(self, extras: Mapping[str, Array]) -> Outcome:
        """The outcome of some rows."""
        return self if self.bind is None else self.bind(extras)


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
    constants : the names of the constants, in order; `reported` is what they are in print: a map from the
        constants to the reported ones with its Jacobian, and `working` its inverse.
    outcomes : number of categories, coded 0, 1, ..., or None when y is a number.
    strip : rows that a thread takes at a time; fewer for a dear kernel.
    start : `start(y, weights)` gives an intercept for each index, and the constants, of a model
        without regressors (or close to it).
    index_start : `index_start(y, weights)` gives each row an index to start from where zero is far off.
    bend : `bend(y, eta, constants)` gives the first and second derivative of the packed Hessian in the
        one index; random effects and Firth's penalty need them.
    expected : what is expected of a numeric y; None when y is coded by category, with a probability each.
    canonical : whether the curvature in the one index does not depend on y, so that it is the inverse of the
        variance of the working residual.
    linear : whether what is expected is the index itself.
    third : of the probability of a category, third derivatives, where they are known.
    together : probabilities of all categories at once, where that is cheaper than one by one.
    density : of the latent error, F, f and f' at an index; bias corrections need them.
    latent_variance : of that error; NaN where there is none. residual : the same from the constants, where it
        is estimated.
    boundary : of the constants, a sentence when they lie on the edge of what they may be.
    block : title under which the constants are printed, none for those printed with the coefficients.
    tested : whether that a constant differs from zero says something.
    null : whether a model with a constant only is one to compare with.
    """

    name: str
    kernel: Kernel
    start: Start
    n_indices: int = 1
    constants: tuple[str, ...] = ()
    outcomes: int | None = 2
    strip: int = 32_768
    bend: Bend | None = None
    expected: Outcome | None = None
    canonical: bool = False
    linear: bool = False
    third: Callable[[int], Third] | None = None
    together: Together | None = None
    density: Density | None = None
    latent_variance: float = float("nan")
    residual: Callable[[Array], float] | None = None
    reported: Transform | None = None
    working: Transform | None = None
    index_start: Callable[[Array, Array], Array] | None = None
    boundary: Callable[[Array], str | None] | None = None
    block: str = ""
    tested: bool = True
    null: bool = True

    @property
    def n_arguments(self) -> int:
        return self.n_indices + len(self.constants)

    def deviation(self, constants: Array) -> float:
        """The unit of the index: the standard deviation of the latent error, where it is estimated."""
        return 1.0 if self.residual is None else float(np.sqrt(self.residual(constants)))

    def evaluate(self, y: Array, eta: Array, constants: Array) -> tuple[Array, Array, Array]:
        """Log likelihood, gradient and packed Hessian of each observation, in new arrays."""
        n, m = len(y), self.n_arguments
        loglik, gradient, hessian = np.empty(n), np.empty((n, m)), np.empty((n, m * (m + 1) // 2))
        self.kernel(y, eta, constants, loglik, gradient, hessian)
        return loglik, gradient, hessian


def shares(y: Array, weights: Array, outcomes: int) -> Array:
    """Weighted share of each outcome, kept away from 0 and 1."""
    counts = np.bincount(y.astype(np.int64), weights=weights, minlength=outcomes)
    return (counts + 0.5) / (counts.sum() + 0.5 * outcomes)
