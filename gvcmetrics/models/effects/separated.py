"""Means that may be zero: rows that regressors and effects separate are found, left out and said to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from gvcmetrics.errors import ConvergenceWarning, ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.ground.numerics.least_squares import least_squares
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.sample import Sample, drop_collinear, without_singletons
from gvcmetrics.models.effects.bias.three_way import corrected
from gvcmetrics.models.effects.irls import AbsorbedFit, absorbed_estimate, fitted_index, irls
from gvcmetrics.models.effects.pooled import predictor_of
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.marginal.predictor import Predictor

_BY_PAIR = "by pair, corrected (Weidner & Zylkin 2021)"
SEPARATED = "separated: the outcome is zero wherever these rows differ"
_TOLERANCE = 1e-6


def separated(request: Request, response: Response, sample: Sample) -> Estimate:
    """Poisson pseudo-maximum likelihood with any effects absorbed, without separated rows."""
    family = response.family(sample)
    sample, fit = _without_separated(sample, family)
    # One Newton step measures the distance to the maximum in standard errors.
    distance = np.abs(fit.bread @ fit.scores.sum(axis=0)) / np.sqrt(np.diag(fit.bread))
    converged = fit.converged and bool(distance.max() <= _TOLERANCE)
    if not converged:
        warn(
            f"{response.title} did not converge: {distance.max():.1e} standard errors from the maximum",
            ConvergenceWarning,
        )
    mean = np.exp(fit.eta)
    weights = np.ones(len(mean)) if sample.weights is None else sample.weights
    shift = np.zeros(len(mean)) if sample.offset is None else sample.offset
    loglik = _loglik(sample.y, mean, weights)
    flat = np.exp(shift) * (weights @ sample.y) / (weights @ np.exp(shift))
    predictor = predictor_of(response, family, sample)
    if request.bias_correction:
        return _bias_corrected(request, family, sample, fit, predictor)
    if sample.effects:
        predictor = replace(predictor, fitted=fitted_index(fit, sample))
    return absorbed_estimate(
        sample, family, replace(fit, converged=converged), predictor,
        refit=_refit(sample, family),
        loglik=loglik,
        statistics={
            "pseudo_r2": 1 - loglik / _loglik(sample.y, flat, weights),
            "deviance": float(2 * weights @ (xlogy(sample.y, sample.y / mean) - (sample.y - mean))),
        },
    )  # fmt: skip


def _bias_corrected(
    request: Request, family: Family, sample: Sample, fit: AbsorbedFit, predictor: Predictor
) -> Estimate:
    """The three-way gravity model without the bias of its estimates and of its errors by pair."""
    if request.bias_correction != "analytical":
        raise ModelError(
            f"bias_correction={request.bias_correction!r} is not known for Poisson", remedy="Use 'analytical'"
        )
    if sample.weights is not None:
        raise ModelError("bias_correction= takes no weights")
    if sample.slopes:
        raise ModelError("bias_correction= takes no varying slopes", remedy="Leave out one of the two")
    before, made = fit.estimates, corrected(sample, fit)
    fit = irls(sample, family, held=made.estimates)
    estimate = absorbed_estimate(
        sample, family, fit, replace(predictor, fitted=fitted_index(fit, sample)),
        refit=None,
        loglik=_loglik(sample.y, np.exp(fit.eta), np.ones(len(sample.y))),
        statistics={"pairs": made.pairs},
        uncorrected=before,
    )  # fmt: skip
    own = dict.fromkeys(("iid", "hetero"), (made.covariance, _BY_PAIR))
    return replace(estimate, inference=replace(estimate.inference, own=own))


def _without_separated(sample: Sample, family: Family) -> tuple[Sample, AbsorbedFit]:
    """Drop separated rows until none is left; the sample and its fit."""
    sample = _dropping(sample, _ever_positive(sample))
    while True:
        fit = irls(sample, family)
        kept = ~_still_falling(sample, fit.eta)
        if kept.all():
            return sample, fit
        sample = _dropping(sample, kept)


def _ever_positive(sample: Sample) -> NDArray[np.bool_]:
    """Rows whose groups of every absorbed effect have an outcome that is not zero, once others are gone."""
    kept = np.ones(len(sample.y), dtype=bool)
    while True:
        before = int(kept.sum())
        for codes in sample.absorbed.values():
            total = np.bincount(codes[kept], sample.y[kept], minlength=int(codes.max()) + 1)
            kept &= total[codes] > 0
        if int(kept.sum()) == before:
            return kept


def _dropping(sample: Sample, kept: NDArray[np.bool_]) -> Sample:
    if kept.all():
        return sample
    warn(f"{int((~kept).sum())} rows are separated (their fitted mean is zero) and were left out")
    smaller = without_singletons(sample.select(kept, SEPARATED))
    return drop_collinear(smaller, smaller.effects)


def _still_falling(sample: Sample, index: Array) -> NDArray[np.bool_]:
    """Zeros whose index still falls when the likelihood has stopped rising.

    On separated rows every Newton step lowers the index by about one, for ever, while it moves no
    other row.
    """
    mean = np.exp(index)
    weights = mean if sample.weights is None else mean * sample.weights
    both = demean(np.column_stack([(sample.y - mean) / mean, sample.X]), sample.effects, weights)
    residuals = least_squares(both[:, 0], both[:, 1:], weights)[2]
    step = (sample.y - mean) / mean - residuals
    falling = (sample.y == 0) & (step < -0.1)
    return falling & (np.abs(step[~falling]).max(initial=0.0) < 0.01)


def _refit(sample: Sample, family: Family) -> Callable[[np.ndarray], Array | None]:
    def refit(keep: np.ndarray) -> Array | None:
        left, fit = _without_separated(sample.select(keep, ""), family)
        return fit.estimates if left.names == sample.names else None

    return refit


def _loglik(y: Array, mean: Array, weights: Array) -> float:
    return float(weights @ (xlogy(y, mean) - mean - gammaln(y + 1)))
