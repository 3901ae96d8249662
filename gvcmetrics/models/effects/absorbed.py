"""Binary models with absorbed effects: estimated, not conditioned away, and their bias removed if asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gvcmetrics.errors import ConvergenceWarning, ModelError
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.data.scaling import free_spreads, moments_of
from gvcmetrics.models.effects.bias.binary import analytical, jackknife
from gvcmetrics.models.effects.irls import absorbed_estimate, fitted_index, irls
from gvcmetrics.models.effects.pooled import predictor_of
from gvcmetrics.models.effects.variation import with_variation
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.likelihood.separation import refuse_separation


def absorbed(request: Request, response: Response, sample: Sample) -> Estimate:
    """Estimate with absorbed effects, and correct the bias when asked.

    The covariance of corrected estimates is that of the likelihood with the effects re-estimated there;
    the correction is of smaller order than the errors.
    """
    if request.fix:
        raise ModelError("fix= cannot be combined with absorbed effects", remedy="Use offset=")
    family, correction = response.family(sample), request.bias_correction
    _check_correction(correction, response, sample, family.density is not None)
    whole, sample = sample, with_variation(sample)
    fit = irls(sample, family)
    refuse_separation(
        fit.bread, moments_of(fit.X).spread, sample.names,
        "Leave one of them out, or absorb coarser effects", lambda: free_spreads(fit.X, constant=False),
    )  # fmt: skip
    if not fit.converged:
        warn("the likelihood was not maximised", ConvergenceWarning)
    notes: tuple[str, ...] = ()
    uncorrected = None
    if correction:
        uncorrected = fit.estimates
        if correction == "analytical":
            fit = analytical(sample, family, fit, request.lags)
        else:
            fit = jackknife(whole, sample, family, fit)
    elif sample.unit_name in sample.absorbed:
        notes = ("Absorbed unit effects bias the coefficients when periods are few; see bias_correction=.",)

    def refit(keep: np.ndarray) -> Array | None:
        part = with_variation(replace(sample, dropped={}).select(keep, "left out"))
        if part.names != sample.names:
            return None
        found = irls(part, family)
        return found.estimates if found.converged else None

    lags = request.lags if correction else None
    out = ~np.isin(whole.rows, sample.rows)
    still = tuple(part for part in (whole.alone, whole.select(out, "used") if out.any() else None) if part)
    fitted = replace(fitted_index(fit, sample, lags), still=still)
    return absorbed_estimate(
        sample, family, fit,
        replace(predictor_of(response, family, sample), fitted=fitted),
        refit=None if correction else refit,
        loglik=fit.loglik,
        statistics={"rows_left_out": sum(sample.dropped.values())},
        notes=notes,
        uncorrected=uncorrected,
    )  # fmt: skip


def _check_correction(correction: str | None, response: Response, sample: Sample, known: bool) -> None:
    if correction not in (None, "analytical", "jackknife"):
        raise ModelError(
            f"bias_correction={correction!r} is not known", remedy="Use 'analytical' or 'jackknife'"
        )
    if correction and not known:
        raise ModelError(
            f"there is no bias correction for {response.name}", remedy="Use gvc.logit or gvc.probit"
        )
    if correction and sample.weights is not None:
        raise ModelError("bias_correction= takes no weights")
