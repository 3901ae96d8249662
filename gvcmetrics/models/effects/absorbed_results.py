"""Results of binary models with absorbed effects."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.linalg import null_space

from gvcmetrics.errors import ConvergenceWarning, ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.effects.absorbed import (
    NO_VARIATION,
    AbsorbedFit,
    analytical,
    fit_absorbed,
    jackknife,
    refit_without,
    with_variation,
)
from gvcmetrics.models.engine.conclude import column_spreads
from gvcmetrics.models.engine.separation import refuse_separation
from gvcmetrics.models.families.base import Array, Family
from gvcmetrics.models.inference.covariance import Inference, Vcov, covariance
from gvcmetrics.models.results.results import Results, make_results

ABSORBING = ("logit", "probit", "cloglog")
_CORRECTED = ("logit", "probit")


def absorbed_results(
    sample: Sample, title: str, family: Family, asked: Vcov, call: str, options: Mapping[str, Any]
) -> Results:
    """Estimate with absorbed effects, correct the bias when asked, and collect what covariances need.

    The covariance of corrected estimates is that of the likelihood with the effects re-estimated there;
    the correction is of smaller order than the errors.
    """
    if options["fix"]:
        raise ModelError("fix= cannot be combined with absorbed effects", remedy="Use offset=")
    correction = options.get("bias_correction")
    if correction not in (None, "analytical", "jackknife"):
        raise ModelError(
            f"bias_correction={correction!r} is not known", remedy="Use 'analytical' or 'jackknife'"
        )
    if correction and family.name not in _CORRECTED:
        raise ModelError(
            f"there is no bias correction for {family.name}", remedy="Use gvc.logit or gvc.probit"
        )
    if correction and sample.weights is not None:
        raise ModelError("bias_correction= takes no weights")
    whole, sample = sample, with_variation(sample)
    fit = fit_absorbed(sample, family)
    refuse_separation(
        _bread(fit), column_spreads(fit.X), sample.names, "Leave one of them out, or absorb coarser effects"
    )
    if not fit.converged:
        warnings.warn("the likelihood was not maximised", ConvergenceWarning, stacklevel=4)
    notes = []
    if correction:
        uncorrected = fit
        fit = (
            analytical(sample, family, fit, options["lags"])
            if correction == "analytical"
            else jackknife(whole, sample, family, fit)
        )
        moved = ", ".join(
            f"{name} {b:.4f}" for name, b in zip(sample.names, uncorrected.estimates, strict=True)
        )
        notes = [f"Bias corrected ({correction}); before: {moved}."]
    elif sample.unit_name in sample.absorbed:
        notes = ["Absorbed unit effects bias the coefficients when periods are few; see bias_correction=."]
    if sample.weights is not None and not sample.frequency and asked.kind == "iid":
        asked = Vcov("hetero")
    inference = Inference(
        scores=fit.X * fit.gradient[:, None],
        bread=_bread(fit),
        nobs=sample.nobs,
        parameters=len(fit.estimates),
        linear=False,
        absorbed=tuple(sample.absorbed.values()),
        jackknife=None if correction else _jackknife(sample, family),
        estimates=fit.estimates,
        frequency=sample.weights if sample.frequency else None,
        restricted=None if correction else partial(_restricted, sample, family, fit),
    )
    return make_results(
        covariance(asked, inference, sample.codes), fit.estimates, sample.names, sample, inference,
        model=title, effects=options["effects"], call=call, loglik=fit.loglik, converged=fit.converged,
        statistics={"rows_left_out": sample.dropped.get(NO_VARIATION, 0)},
        notes=tuple(notes),
        predictor=AbsorbedPrediction(fit, family, options["lags"] if correction else None),
        family=family,
    )  # fmt: skip


def _bread(fit: AbsorbedFit) -> Array:
    information = (fit.X * fit.weights[:, None]).T @ fit.X
    return np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64)


def _restricted(sample: Sample, family: Family, fit: AbsorbedFit, R: Array, r: Array) -> tuple[Array, Array]:
    """Scores and bread of the estimates under Rβ = r: what the restriction fixes becomes an offset."""
    pull = _bread(fit) @ R.T
    base = fit.estimates - pull @ np.linalg.solve(R @ pull, R @ fit.estimates - r)
    shift = sample.X @ base + (0.0 if sample.offset is None else sample.offset)
    along = fit_absorbed(replace(sample, X=sample.X @ null_space(R), offset=shift), family)
    if not along.converged:
        raise ModelError("the restricted model did not converge", remedy="Use impose_null=False")
    X = demean(sample.X, [*sample.absorbed.values()], along.weights)
    information = (X * along.weights[:, None]).T @ X
    return X * along.gradient[:, None], np.linalg.pinv(information, hermitian=True)


def _jackknife(sample: Sample, family: Family) -> Callable[[np.ndarray], np.ndarray]:
    def estimates(codes: np.ndarray) -> np.ndarray:
        found = np.full((int(codes.max()) + 1, len(sample.names)), np.nan)
        for cluster in range(len(found)):
            try:
                part = refit_without(sample, family, codes != cluster)
            except ModelError:
                continue
            if part is not None:
                found[cluster] = part
        return found

    return estimates


@dataclass(frozen=True)
class AbsorbedPrediction:
    """Fitted probabilities of the estimation sample, effects included.

    lags : those of the bias correction; None without one.
    """

    fit: AbsorbedFit
    family: Family
    lags: int | None

    def __call__(
        self, results: Results, data: pd.DataFrame | None, kind: Literal["mean", "index"] = "mean"
    ) -> pd.Series:
        if data is not None:
            raise ModelError(
                "absorbed effects are not known for new rows",
                remedy="Write the effect among the regressors, as C(year)",
            )
        sample, eta = results.sample, self.fit.eta
        assert sample is not None
        values = eta if kind == "index" else self.family.mean(eta[:, None], np.empty(0))[:, 1]
        return pd.Series(values, index=sample.source.index[sample.rows], name="fitted")
