"""The road of every model: request → formula → sample → outcome → estimate → Results."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.batch import EstimationSample
from gvcmetrics.models.data.batches import open_parquet
from gvcmetrics.models.data.build import build_sample
from gvcmetrics.models.data.formula import Formula, refuse_code
from gvcmetrics.models.data.frames import panel_of
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.data.unit_means import regressors_of, with_unit_means
from gvcmetrics.models.engine.conclude import conclude
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import TREATMENTS, WITH_SLOPES, Response, Treatment
from gvcmetrics.models.engine.scaled import estimate_scaled
from gvcmetrics.models.engine.several import each, requests
from gvcmetrics.models.likelihood.newton import one_blas_thread
from gvcmetrics.models.likelihood.separation import drop_perfect_predictors
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList


def fit(request: Request, response: Response) -> Results | ResultsList:
    """Estimate what the user asked for: one model, or each of those that formula and splits stand for."""
    request = _with_panel(request)
    asked = requests(request)
    return fit_one(request, response) if asked is None else each(asked, partial(fit_one, response=response))


def fit_one(request: Request, response: Response) -> Results:
    """Estimate a single model."""
    request = _with_panel(request)
    with one_blas_thread():
        treatment = treatment_of(request, response)
        if request.path is not None:
            return _from_file(request, response, treatment)
        sample = sample_of(request, response, treatment)
        if response.binary and not request.firth and not sample.absorbed and request.effects != "fixed":
            sample = drop_perfect_predictors(sample)
        return estimate(request, response, sample)


def _with_panel(request: Request) -> Request:
    """The request with a pandas frame, and the panel that its index names."""
    if request.path is not None:
        return request
    data, unit, time = panel_of(request.data, request.unit, request.time)
    return replace(request, data=data, unit=unit, time=time)


def estimate(request: Request, response: Response, sample: Sample) -> Results:
    """The second half of the road, from a sample whose outcome is coded."""
    treatment = treatment_of(request, response)
    before, means = sample, tuple[str, ...]()
    if request.effects.startswith("correlated"):
        sample, means = with_unit_means(sample)
    if not response.intercept:
        # Cutpoints take its place.
        before, sample = without_intercept(before), without_intercept(sample)
    made = estimate_scaled(treatment, request, response, sample)
    return conclude(request, response, _predicting_with(made, before, means), means)


def _from_file(request: Request, response: Response, treatment: Treatment) -> Results:
    if not treatment.from_file or request.firth:
        offered = [f"{name} effects" for name, other in response.treatments.items() if other.from_file]
        raise ModelError(
            f"{response.name} with effects={request.effects!r}{' and firth=True' if request.firth else ''} "
            "is not fitted from a file",
            remedy=f"Read it with pd.read_parquet{', or use ' + ', '.join(offered) if offered else ''}",
        )
    errors = request.errors
    if errors.kind not in ("iid", "hetero", "HC0", "CRV1"):
        raise ModelError(f"{errors.kind} errors need the sample in memory", remedy="Use iid, hetero or CRV1")
    if request.subset is not None and not isinstance(request.subset, str):
        raise ModelError("the rows of a file are chosen by a condition", remedy="Write subset='size > 10'")
    for expression in (request.offset, request.subset, *request.extras):
        if expression and not request.trusted:
            refuse_code(expression)
    assert request.path is not None
    sample = open_parquet(
        request.path, request.parsed, treatment.coding or response.coding, intercept=response.intercept,
        weights=request.weights, frequency=request.frequency, offset=request.offset,
        clusters=errors.columns, extras=request.extras, subset=request.subset,
    )  # fmt: skip
    made = estimate_scaled(treatment, request, response, sample)
    return conclude(request, response, _predicting_with(made, sample, ()), ())


def treatment_of(request: Request, response: Response) -> Treatment:
    """The treatment of units that was asked for.

    Raises
    ------
    ModelError : it is not known, does not exist for this response, or lacks the unit.
    """
    name, known = request.effects, response.treatments
    if name not in TREATMENTS or name == "absorbed":
        offered = [treatment for treatment in known if treatment != "absorbed"]
        raise ModelError(f"effects={name!r} is not known", remedy=f"Use one of {', '.join(offered)}")
    if name not in known:
        raise ModelError(
            f"{response.name} with effects={name!r} does not exist here", remedy=response.instead_of(name)
        )
    if name != "pooled" and request.unit is None:
        raise ModelError(f"effects={name!r} needs the panel's unit", remedy="Pass unit='firm_id'")
    if request.firth and name in ("random", "correlated"):
        raise ModelError(f"firth=True with effects={name!r} does not exist", remedy="Use 'pooled' or 'fixed'")
    treatment = known[name]
    absorbs = (name == "pooled" and "absorbed" in known) or treatment.absorbs_unit
    if request.parsed.slopes and not (absorbs and response.slopes):
        raise ModelError(
            f"{response.name} with effects={name!r} has no varying slopes",
            remedy=f"They are offered for {WITH_SLOPES}, with effects='pooled' or 'fixed'; elsewhere write "
            "i(group, x) among the regressors",
        )
    if request.parsed.absorbed and not absorbs:
        _refuse_absorbed(request.parsed, response, name)
    if request.bias_correction is not None and not request.parsed.absorbed:
        raise ModelError(
            "bias_correction= is for absorbed effects", remedy="Absorb the unit: 'y ~ x | firm_id + year'"
        )
    if name == "pooled" and (request.parsed.absorbed or request.parsed.slopes):
        return known["absorbed"]
    return treatment


def _refuse_absorbed(formula: Formula, response: Response, effects: str) -> None:
    absorbed = " + ".join("^".join(columns) for columns in formula.absorbed)
    who = response.name if effects == "pooled" else f"effects={effects!r}"
    instead = ", or use effects='fixed'" if "fixed" in response.treatments else ""
    raise ModelError(
        f"{who} does not absorb {absorbed}",
        remedy=f"Write the effect among the regressors, as C(year){instead}",
    )


def sample_of(request: Request, response: Response, treatment: Treatment) -> Sample:
    """The sample that was asked for, its outcome coded."""
    parsed = request.parsed
    if treatment.absorbs_unit and request.effects == "fixed":
        parsed = parsed.absorbing(str(request.unit))
    sample = build_sample(
        parsed, request.data, unit=request.unit, time=request.time, step=request.step,
        weights=request.weights, frequency=request.frequency, offset=request.offset,
        clusters=request.errors.columns, subpop=request.errors.subpop, subset=request.subset,
        extras=request.extras, categorical=response.coding.categorical, trusted=request.trusted,
    )  # fmt: skip
    return sample.coded(treatment.coding or response.coding)


def _predicting_with(made: Estimate, before: EstimationSample, means: tuple[str, ...]) -> Estimate:
    """The estimate with a predictor that makes the regressors of new rows, unit means included."""
    if made.predictor is None or not means:
        return made
    assert isinstance(before, Sample)
    known = before

    def regressors(data: pd.DataFrame) -> np.ndarray:
        return regressors_of(known, means, data)

    return replace(made, predictor=replace(made.predictor, regressors=regressors))


def without_intercept(sample: Sample) -> Sample:
    """The sample without its constant, where cutpoints take its place."""
    keep = np.array([name != "Intercept" for name in sample.names])
    if keep.all():
        return sample
    kept = tuple(p for p, n in zip(sample.design.kept, sample.design.names, strict=True) if n != "Intercept")
    names = tuple(name for name in sample.design.names if name != "Intercept")
    return replace(
        sample,
        X=np.ascontiguousarray(sample.X[:, keep]),
        names=tuple(name for name in sample.names if name != "Intercept"),
        design=replace(sample.design, kept=kept, names=names),
    )
