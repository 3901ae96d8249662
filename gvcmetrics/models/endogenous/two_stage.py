r"""k-class estimates of a linear equation: two-stage least squares and LIML.

With P the projection on instruments and controls and :math:`M = I - P`,

.. math:: \hat\beta = (X'(I - \kappa M)X)^{-1} X'(I - \kappa M)y, \qquad \kappa_{2SLS} = 1, \quad
   \kappa_{LIML} = \min \lambda:\; \det(Y'M_1Y - \lambda\, Y'MY) = 0,

Y outcome and instrumented regressors, :math:`M_1` what takes the controls out. The scores are
:math:`\hat x_i e_i` with :math:`\hat X = PX` for both, as in Stata and linearmodels, and the bread is the
inverse above.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.corrections import nested_in, small_sample
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.ground.numerics.least_squares import least_squares
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.effects.pooled import predictor_of
from gvcmetrics.models.endogenous.equation import Equation, scaled_columns
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.families.ols import family
from gvcmetrics.models.inference.covariance import Inference
from gvcmetrics.models.inference.jackknife import refitted
from gvcmetrics.models.marginal.predictor import Fitted


@dataclass(frozen=True, eq=False)
class KClass:
    """Estimates, the inverse of X'(I − κM)X, the projected regressors, residuals and κ."""

    estimates: Array
    bread: Array
    fitted: Array
    residuals: Array
    kappa: float


def k_class(y: Array, X: Array, Z: Array, endogenous: NDArray[np.bool_], *, liml: bool) -> KClass:
    """The estimates from columns that are net of absorbed effects and times the root of the weights.

    X : (n, k) controls and instrumented regressors. Z : (n, K) excluded instruments.
    """
    W, D = X[:, ~endogenous], X[:, endogenous]
    wide = np.hstack([W, Z])
    wide = wide / np.linalg.norm(wide, axis=0)
    both = np.linalg.qr(wide)[0]
    own = both[:, : W.shape[1]]
    Y = np.column_stack([y, D])
    beyond = _residual(Y, both)
    projected = X.copy()
    projected[:, endogenous] = D - beyond[:, 1:]
    estimates, bread, _ = least_squares(y, projected)
    kappa = 1.0
    if liml:
        kappa = _smallest_root(_residual(Y, own), beyond)
        V = beyond[:, 1:]
        # X'(I − κM)X differs from the two-stage matrix by (1 − κ)V'V in the instrumented block.
        pull = bread[:, endogenous]
        inner = np.eye(V.shape[1]) + (1.0 - kappa) * (V.T @ V) @ pull[endogenous]
        bread = bread - (1.0 - kappa) * pull @ np.linalg.solve(inner, (V.T @ V) @ pull.T)
        right = projected.T @ y
        right[endogenous] += (1.0 - kappa) * (V.T @ beyond[:, 0])
        estimates = bread @ right
    return KClass(estimates, bread, projected, y - X @ estimates, kappa)


def _residual(columns: Array, basis: Array) -> Array:
    left = columns - basis @ (basis.T @ columns)
    return np.asarray(left - basis @ (basis.T @ left))


def _smallest_root(restricted: Array, unrestricted: Array) -> float:
    """The smallest λ of det(A − λB) = 0 for the cross-products A and B of two sets of residuals."""
    size = np.linalg.norm(restricted, axis=0)
    A, B = ((part / size).T @ (part / size) for part in (restricted, unrestricted))
    return float(scipy.linalg.eigh(A, B, eigvals_only=True, subset_by_index=[0, 0])[0])


def estimate(equation: Equation, liml: bool, response: Response, sample: Sample) -> Estimate:
    """The estimate of an equation whose regressors may be scaled meanwhile, as those of `sample` are."""
    columns = _columns(equation, sample)
    made = k_class(*columns, equation.endogenous, liml=liml)
    root = _root(sample)
    rss = float(made.residuals @ made.residuals)
    count = len(made.estimates)
    _, left = small_sample(sample.nobs, count, equation.absorbed)
    inference = Inference(
        scores=made.fitted * made.residuals[:, None],
        bread=made.bread,
        nobs=sample.nobs,
        parameters=count,
        linear=True,
        sigma2=rss / left,
        absorbed=equation.absorbed,
        jackknife=_jackknife(equation, sample, columns, liml),
        estimates=made.estimates,
        frequency=sample.weights if sample.frequency else None,
        periods=sample.periods,
    )
    predictor = predictor_of(response, family, sample)
    if sample.absorbed:
        fitted = sample.y - made.residuals / root
        predictor = replace(predictor, fitted=Fitted(fitted, np.ones(len(fitted))))
    mass = sample.nobs if sample.weights is None else float(sample.weights.sum())
    facts = {"rmse": float(np.sqrt(rss / left * sample.nobs / mass)), "instruments": len(equation.names)}
    if liml:
        facts["kappa"] = made.kappa
    named = ", ".join(equation.instrumented), ", ".join(equation.names)
    return Estimate(
        sample=sample, names=sample.names, params=made.estimates, inference=inference, codes=sample.codes,
        title="LIML" if liml else "Two-stage least squares",
        statistics=facts, predictor=predictor,
        notes=(f"Instrumented: {named[0]}. Instruments: {named[1]}, and the controls.",),
    )  # fmt: skip


def _root(sample: Sample) -> Array:
    return np.ones(len(sample.y)) if sample.weights is None else np.sqrt(sample.weights)


def _columns(equation: Equation, sample: Sample) -> tuple[Array, Array, Array]:
    """Outcome, regressors and instruments net of absorbed effects, times the root of the weights."""
    constant = bool(sample.absorbed) or "Intercept" in sample.names
    Z = scaled_columns(equation.Z, centred=constant)
    k = sample.X.shape[1]
    both = np.column_stack([sample.y, sample.X, Z])
    both = demean(both, equation.absorbed, sample.weights) if sample.absorbed else both
    both = both * _root(sample)[:, None]
    return both[:, 0], both[:, 1 : 1 + k], both[:, 1 + k :]


def _jackknife(
    equation: Equation, sample: Sample, columns: tuple[Array, Array, Array], liml: bool
) -> Callable[[np.ndarray], np.ndarray]:
    """Estimates without each cluster; effects that are nested in clusters leave with them."""
    y, X, Z = columns

    def estimates(codes: np.ndarray) -> np.ndarray:
        nested = all(nested_in(effect, codes) for effect in equation.absorbed)

        def refit(keep: NDArray[np.bool_]) -> Array:
            if nested:
                return _full_rank(y[keep], X[keep], Z[keep], equation.endogenous, liml)
            part = replace(sample, dropped={}).select(keep, "left out")
            return _full_rank(
                *_columns(replace(equation, Z=equation.Z[keep], sample=part), part), equation.endogenous, liml
            )

        return refitted(refit, X.shape[1])(codes)

    return estimates


def _full_rank(y: Array, X: Array, Z: Array, endogenous: NDArray[np.bool_], liml: bool) -> Array:
    for part in (X, Z):
        size = np.linalg.norm(part, axis=0)
        if np.linalg.matrix_rank(part / np.where(size > 0, size, 1.0)) < part.shape[1]:
            raise ModelError("a regressor or an instrument is collinear without a cluster")
    return k_class(y, X, Z, endogenous, liml=liml).estimates
