r"""Differences in differences with treatments that begin at different times."""

from __future__ import annotations

from typing import Any, Literal

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.frames import panel_of
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.inference.covariance import VcovSpec, parse_vcov
from gvcmetrics.models.treatments.aggregates import OVERALL
from gvcmetrics.models.treatments.cohorts import Staggered, staggered
from gvcmetrics.models.treatments.estimators import (
    METHODS,
    Effects,
    callaway_santanna,
    imputation,
    sun_abraham,
)
from gvcmetrics.models.treatments.event_study import DidResults

_CHOICES = {
    "method": tuple(METHODS),
    "control": ("never_treated", "not_yet_treated"),
    "estimation": ("dr", "reg", "ipw"),
    "base": ("varying", "universal"),
}


def did(
    formula: str,
    data: Any,
    *,
    treated: str,
    unit: str | None = None,
    time: str | None = None,
    method: Literal["callaway_santanna", "sun_abraham", "imputation"] = "callaway_santanna",
    control: Literal["never_treated", "not_yet_treated"] = "never_treated",
    estimation: Literal["dr", "reg", "ipw"] = "dr",
    anticipation: int = 0,
    base: Literal["varying", "universal"] = "varying",
    vcov: VcovSpec | None = None,
) -> DidResults:
    r"""Average effects on the treated of a treatment that begins at different times and lasts.

    .. math:: ATT(g, t) = E[Y_t(g) - Y_t(\infty) \mid G = g]

    for the cohort first treated in g, identified by parallel trends with those never or not yet treated.

    Parameters
    ----------
    formula : `"log_sales ~ 1"`, or with covariates given which trends are parallel, `"log_sales ~ size"`.
    data : frame, a row a unit and period.
    treated : column with 0 and 1, which stays 1, or with the period in which treatment begins (0, missing or
        infinite: never).
    unit, time : columns of units and of periods, which are whole numbers; by default the levels of the index.
    method : `"callaway_santanna"`: each cohort and period against the one before treatment, then averaged;
        `"sun_abraham"`: one regression with cohorts by event time; `"imputation"` (Borusyak, Jaravel &
        Spiess): what the untreated rows let expect is taken from the treated ones.
    control : who is compared with. Imputation uses all rows not yet treated in any case.
    estimation : of Callaway & Sant'Anna with covariates: doubly robust, outcome regression, weighting.
    anticipation : periods before treatment in which it may already have an effect.
    base : of Callaway & Sant'Anna: effects before treatment against the period before each, or all against
        the last period before treatment.
    vcov : `{"CRV1": column}`, in which units are nested; by default the units.

    Returns
    -------
    DidResults, in units of the outcome: `ATT`, the average over treated rows, and `event[k]`. `by("cohort")`,
    `by("period")` and `by("event")` average otherwise, `plot()` is the event study, `pretrend()` tests the
    effects before treatment, `honest()` bounds the effect where trends were not parallel.

    Raises
    ------
    ModelError : diff-diff is not installed; nobody is treated, or everybody at once or from the first period
        on; an argument is not known.
    DataError : the treatment ends or is not 0, 1 or a period.

    Source
    ------
    Callaway & Sant'Anna (2021, Journal of Econometrics 225), Sun & Abraham (2021, ibid.), Borusyak, Jaravel &
    Spiess (2024, Review of Economic Studies 91), estimated by diff-diff.

    Notes
    -----
    Errors of Callaway & Sant'Anna are those of R's did, but for the mean of cohorts: did 2.1.2 takes the
    share of the first cohort for that of each, and prints 0.01241527 for 0.01244606 of its example. Those of
    Sun & Abraham are fixest's (cohort shares as known), those of imputation didimputation's.
    """
    given = {"method": method, "control": control, "estimation": estimation, "base": base}
    for name, value in given.items():
        if value not in _CHOICES[name]:
            raise ModelError(f"{name}={value!r} is not known", remedy=f"Use {', '.join(_CHOICES[name])}")
    if not isinstance(anticipation, int) or anticipation < 0:
        raise ModelError(f"anticipation={anticipation!r} must be a whole number from 0 on")
    data, unit, time = panel_of(data, unit, time)
    if unit is None or time is None:
        raise ModelError("did needs units and periods", remedy="Pass unit= and time=")
    cluster = _cluster(vcov, unit)
    parsed = Formula.parse(formula)
    # Imputation learns from all rows without treatment, whoever they are of.
    compared = "not_yet_treated" if method == "imputation" else control
    rows = staggered(parsed, data, unit, time, treated, cluster, compared)
    clustered = cluster != unit
    if clustered and (rows.frame.groupby("unit")["cluster"].nunique() > 1).any():
        raise ModelError(f"'{cluster}' changes within units", remedy="Cluster by what units are nested in")
    if method == "callaway_santanna":
        found = callaway_santanna(rows, clustered, control, estimation, anticipation, base)
    elif method == "sun_abraham":
        found = sun_abraham(rows, clustered, control, anticipation)
    else:
        found = imputation(rows, clustered, anticipation)
    request = Request(
        function=did, formula=formula, data=data, unit=unit, time=time, vcov=vcov,  # type: ignore[arg-type]
        options={**given, "treated": treated, "anticipation": anticipation},
    )  # fmt: skip
    return _results(request, rows, found, parsed, cluster, anticipation)


def _cluster(vcov: VcovSpec | None, unit: str) -> str:
    if vcov is None:
        return unit
    asked = parse_vcov(vcov)
    if asked.kind != "CRV1" or len(asked.clusters) != 1:
        raise ModelError("did has errors clustered in one way", remedy='Pass vcov={"CRV1": column}')
    return asked.clusters[0]


def _results(
    request: Request, rows: Staggered, found: Effects, parsed: Formula, cluster: str, anticipation: int
) -> DidResults:
    params, cov = found.parts["simple"]
    first = rows.units["first"]
    return DidResults(
        model=f"Difference in differences ({METHODS[request.options['method']]})",
        params=params,
        cov=cov,
        nobs=len(rows.frame),
        df=float("inf"),
        vcov_label=f"clustered by {cluster}",
        n_clusters={cluster: rows.frame["cluster"].nunique()},
        outcome=" + ".join(rows.sample.outcome),
        formula=parsed.text,
        call=request.call,
        dropped=dict(rows.sample.dropped),
        facts={"units": float(len(first)), "treated_units": float((first > 0).sum())},
        blocks={"By periods since treatment": tuple(name for name in params.index if name != OVERALL)},
        notes=found.notes,
        sample=rows.sample,
        request=request,
        parts=found.parts,
        reference=found.reference,
        anticipation=anticipation,
        own_pretrend=found.pretrend,
    )
