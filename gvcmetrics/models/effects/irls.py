r"""Absorbed effects in a model of one index: maximised out by iterated weighted least squares.

Newton's method on the index: each step is a weighted least squares of the working outcome
:math:`\eta + g/w` on regressors and effects, g and −w the derivatives of a row's log likelihood in its index.
The effects are partialled out rather than written as dummies, so time is that of a few weighted demeanings
and memory that of a copy of X. With a list of no effects it is the ordinary iteration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import null_space

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.ground.numerics.least_squares import inverse_information, shortest
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.inference.bias_reduced import Working, of_response
from gvcmetrics.models.inference.covariance import Inference, classical_errors
from gvcmetrics.models.inference.jackknife import Refit, refitted
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.marginal.predictor import Fitted, Predictor

_ITERATIONS = 100
_TOLERANCE = 1e-13


@dataclass(frozen=True)
class AbsorbedFit:
    """Estimates, the index with the effects in it, and the partialled-out regressors at the solution.

    weights, gradient : prior weights times curvature, and times gradient, in the index.
    """

    estimates: Array
    eta: Array
    loglik: float
    X: Array
    weights: Array
    gradient: Array
    converged: bool

    @property
    def bread(self) -> Array:
        """Inverse of the information on the coefficients."""
        return inverse_information((self.X * self.weights[:, None]).T @ self.X)

    @property
    def scores(self) -> Array:
        """Score of each row."""
        return self.X * self.gradient[:, None]


def irls(sample: Sample, family: Family, held: Array | None = None) -> AbsorbedFit:
    """Maximise over coefficients and effects, or over the effects alone with coefficients `held`."""
    effects = sample.effects
    prior = np.ones(len(sample.y)) if sample.weights is None else sample.weights
    offset = np.zeros(len(sample.y)) if sample.offset is None else sample.offset
    shift = offset if held is None else offset + sample.X @ held
    columns = sample.X if held is None else sample.X[:, :0]

    def at(eta: Array) -> tuple[float, Array, Array]:
        loglik, g, h = family.evaluate(sample.y, eta[:, None], np.empty(0))
        return float(prior @ loglik), g[:, 0], -h[:, 0]

    # A start off the model's own ground may have a higher likelihood than any point on it.
    free = family.index_start is not None and held is None
    eta = family.index_start(sample.y, prior) if free and family.index_start else shift.copy()
    value, g, w = at(eta)
    value = -np.inf if free else value
    estimates = np.zeros(columns.shape[1])
    converged = False
    for _ in range(_ITERATIONS):
        # A weight of zero would leave its group without a mean.
        w = np.maximum(w, 1e-12)
        both = demean(np.column_stack([eta - shift + g / w, columns]), effects, prior * w)
        root = np.sqrt(prior * w)
        estimates = shortest(both[:, 1:] * root[:, None], both[:, 0] * root)
        step = g / w - (both[:, 0] - both[:, 1:] @ estimates)
        gain, length = float(prior @ (g * step)), 1.0
        if np.isfinite(value) and gain < _TOLERANCE * (1.0 + abs(value)):
            # The last step is as good as any before it, and squares what is left of the distance.
            eta = eta + step
            value, g, w = at(eta)
            converged = True
            break
        while True:
            new = at(eta + length * step)
            least = value + 1e-4 * length * gain - 1e-12 * (1 + abs(value)) if np.isfinite(value) else value
            if np.isfinite(new[0]) and new[0] >= least:
                break
            length /= 2.0
            if length < 1e-10:
                break
        if length < 1e-10:
            break
        eta, (value, g, w) = eta + length * step, new
    w = np.maximum(w, 1e-12)
    X = demean(sample.X, effects, prior * w)
    return AbsorbedFit(estimates if held is None else held, eta, value, X, prior * w, prior * g, converged)


def absorbed_estimate(
    sample: Sample,
    family: Family,
    fit: AbsorbedFit,
    predictor: Predictor,
    *,
    refit: Refit | None,
    **facts: Any,
) -> Estimate:
    """The estimate at the maximum, in likelihood models with absorbed effects; `facts` as in `Estimate`.

    refit : (mask of rows) -> estimates without the others; None where no jackknife and no restriction exist.
    """
    weighted = sample.weights is not None and not sample.frequency
    inference = Inference(
        scores=fit.scores,
        bread=fit.bread,
        nobs=sample.nobs,
        parameters=len(fit.estimates),
        linear=False,
        absorbed=sample.effects,
        jackknife=refitted(refit, len(fit.estimates)) if refit else None,
        estimates=fit.estimates,
        frequency=sample.weights if sample.frequency else None,
        restricted=_restricted(sample, family, fit) if refit else None,
        classical=classical_errors(weighted),
        working=_working(sample, family, fit),
    )
    return Estimate(
        sample=sample, names=sample.names, params=fit.estimates, inference=inference, codes=sample.codes,
        converged=fit.converged, predictor=predictor, **facts,
    )  # fmt: skip


def _working(sample: Sample, family: Family, fit: AbsorbedFit) -> Callable[[], Working] | None:
    """The regression whose scores are those at the maximum.

    With weights that differ absorbed effects have a part in the hat matrix even within clusters.
    """
    if not family.canonical or sample.effects or sample.weights is not None:
        return None
    return partial(of_response, fit.X, fit.gradient, fit.weights)


def fitted_index(fit: AbsorbedFit, sample: Sample, lags: int | None = None) -> Fitted:
    """The index with the effects in it, for predictions."""
    prior = 1.0 if sample.weights is None else sample.weights
    return Fitted(fit.eta, fit.weights / prior, lags)


def _restricted(
    sample: Sample, family: Family, fit: AbsorbedFit
) -> Callable[[Array, Array], tuple[Array, Array]]:
    """Scores and bread of the estimates under Rβ = r: what the restriction fixes becomes an offset."""

    def under(R: Array, r: Array) -> tuple[Array, Array]:
        pull = fit.bread @ R.T
        base = fit.estimates - pull @ np.linalg.solve(R @ pull, R @ fit.estimates - r)
        shift = sample.X @ base + (0.0 if sample.offset is None else sample.offset)
        along = irls(replace(sample, X=sample.X @ null_space(R), offset=shift), family)
        if not along.converged:
            raise ModelError("the restricted model did not converge", remedy="Use impose_null=False")
        X = demean(sample.X, sample.effects, along.weights)
        information = (X * along.weights[:, None]).T @ X
        return X * along.gradient[:, None], inverse_information(information)

    return under
