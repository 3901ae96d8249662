"""Average effects of a treatment that is as good as random given regressors."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.numerics.demean import group_sums
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.build import build_sample
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.frames import panel_of
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.treatments import matching, moments
from gvcmetrics.models.treatments.overlap import TreatmentResults, balance_table, overlap_table

METHODS = {
    "regression": "regression adjustment",
    "ipw": "inverse probability weighting",
    "aipw": "doubly robust",
    "ipw_regression": "weighted regression",
    "matching": "nearest neighbours on the score",
}
_THIN = 1e-3


def treatment(
    formula: str,
    data: Any,
    *,
    treated: str,
    score: str | None = None,
    method: Literal["regression", "ipw", "aipw", "ipw_regression", "matching"] = "aipw",
    on: Literal["all", "treated"] = "all",
    link: Literal["logit", "probit"] = "logit",
    neighbours: int = 1,
    replace: bool = True,
    vcov: VcovSpec = "HC0",
) -> TreatmentResults:
    r"""The average effect of a treatment, :math:`E[Y(1) - Y(0)]` or that on the treated, given regressors.

    .. math:: \hat\tau = \frac1n\sum_i \Big[m_1(x_i) - m_0(x_i)
       + \frac{t_i(y_i - m_1(x_i))}{e(z_i)} - \frac{(1-t_i)(y_i - m_0(x_i))}{1 - e(z_i)}\Big]

    is the doubly robust one; the others are in `treatments.moments`.

    Parameters
    ----------
    formula : outcome and regressors, `"log_sales ~ size + age"`. `L(x)` and `D(y)` need a panel's index or
        columns `unit` and `time` in the index of the frame: matching on the growth `D(y)` with lagged
        regressors is the field's differences in differences on matched firms.
    treated : column with 0 and 1.
    score : regressors of the probability of treatment, `"size + age"`; by default those of the formula.
    method : `"regression"`, `"ipw"` (weights that sum to one), `"aipw"` (doubly robust), `"ipw_regression"`,
        `"matching"` with the `neighbours` nearest on the logit score.
    on : average over all rows, or over the treated.
    link : of the probability of treatment.
    neighbours, replace : of matching; without replacement one neighbour for each of the treated.
    vcov : `"HC0"`: from stacked moments, so that the estimated score counts; `{"CRV1": column}` sums them by
        cluster, with G/(G−1). Matching with replacement has the errors of Abadie & Imbens alone.

    Returns
    -------
    TreatmentResults, in units of the outcome: the effect (`ATE` or `ATT`), and the means `E[Y(0)]` and
    `E[Y(1)]`; with `balance`, `overlap` and `plot()`.

    Raises
    ------
    ModelError : nobody or everybody is treated, there is no overlap, or rows are too few.
    DataError : the treatment is not 0 and 1.

    Source
    ------
    Robins, Rotnitzky & Zhao (1994), Wooldridge (2010, chapter 21), Abadie & Imbens (2006); Stata's teffects.

    Examples
    --------
    >>> import numpy as np, pandas as pd, gvcmetrics as gvc
    >>> x = np.arange(60) % 10
    >>> frame = pd.DataFrame({"x": x, "t": np.arange(60) % 7 < 3})
    >>> frame["y"] = 1.0 + x + 2 * frame["t"]
    >>> gvc.treatment("y ~ x", frame, treated="t").params.round(6).to_dict()
    {'ATE': 2.0, 'E[Y(0)]': 5.5, 'E[Y(1)]': 7.5}
    """
    given = {"method": (method, METHODS), "on": (on, ("all", "treated")), "link": (link, ("logit", "probit"))}
    for name, (value, known) in given.items():
        if value not in known:
            raise ModelError(f"{name}={value!r} is not known", remedy=f"Use {', '.join(known)}")
    if neighbours < 1 or (not replace and (neighbours > 1 or on == "all")):
        raise ModelError(
            "without replacement each of the treated gets one neighbour",
            remedy='Pass on="treated", neighbours=1',
        )
    options = {"treated": treated, "score": score, "method": method, "on": on, "link": link,
               "neighbours": neighbours, "replace": replace}  # fmt: skip
    frame, unit, time = panel_of(data, None, None)
    request = Request(function=treatment, formula=formula, data=data, vcov=vcov, options=options)
    sample, X, Z, names = _rows(request, frame, unit, time, formula, treated, score)
    t = _zero_one(sample.extras[treated], treated)
    if len(t) <= X.shape[1] + Z.shape[1]:
        raise ModelError(f"{len(t)} rows are too few for {X.shape[1] + Z.shape[1]} parameters")
    of = None if method == "regression" else moments.score(t, moments.in_scale(Z), link)
    means, cov, weights = _estimate(request, sample, t, moments.in_scale(X), of)
    return _results(request, sample, t, (means, cov, weights), (Z, names), of)


def _rows(
    request: Request, frame: pd.DataFrame, unit: str | None, time: str | None, formula: str, treated: str,
    score: str | None,
) -> tuple[Sample, Array, Array, tuple[str, ...]]:  # fmt: skip
    """The rows on which both equations are known, and the regressors of each."""
    parsed = Formula.parse(formula)
    if parsed.absorbed or parsed.slopes:
        raise ModelError("treatment absorbs no effects", remedy="Write them among the regressors, C(year)")
    columns = request.errors.columns
    panel: dict[str, Any] = {"unit": unit, "time": time, "clusters": columns, "extras": (treated,)}
    sample = build_sample(parsed, frame, **panel)
    if score is None:
        return sample, sample.X, sample.X, sample.names
    other = build_sample(f"{parsed.outcomes[0]} ~ {score}", frame, **panel)
    if not np.array_equal(sample.rows, other.rows):
        known = np.intersect1d(sample.rows, other.rows)
        reason = "missing value in the other equation"
        sample = sample.select(np.isin(sample.rows, known), reason)
        other = other.select(np.isin(other.rows, known), reason)
    return sample, sample.X, other.X, other.names


def _zero_one(values: Array, treated: str) -> Array:
    t = np.asarray(values, dtype=np.float64)
    if not np.isin(t, (0.0, 1.0)).all():
        raise DataError("a treatment is 0 or 1", Place(column=treated), "Code it with 1 for the treated")
    if t.all() or not t.any():
        raise ModelError(
            f"{'everybody' if t.all() else 'nobody'} is treated: '{treated}' is the same in all rows"
        )
    return t


def _estimate(
    request: Request, sample: Sample, t: Array, X: Array, of: moments.Score | None
) -> tuple[Array, Array, Array]:
    """Both means, their covariance, and the weights that balance the groups."""
    options, y = request.options, sample.y
    on, weights = options["on"], np.ones(len(t))
    if of is None:
        found = moments.regression_adjustment(y, t, X, on)
    else:
        p = of.probability
        thin = (p < _THIN).any() or (p > 1 - _THIN).any()
        if thin:
            warn(f"probabilities of treatment below {_THIN:g} or above {1 - _THIN:g}: overlap is thin")
        weights = np.where(t == 1, 1.0, p / (1 - p)) if on == "treated" else t / p + (1 - t) / (1 - p)
        if options["method"] == "matching":
            index = np.log(p / (1 - p))
            if options["replace"]:
                if request.errors.kind != "HC0":
                    raise ModelError("matching with replacement has Abadie & Imbens' errors alone")
                return matching.with_replacement(y, t, index, options["neighbours"], on)
            found, weights = matching.without_replacement(y, t, p)
        elif options["method"] == "ipw":
            found = moments.weighting(y, t, of, on)
        elif options["method"] == "aipw":
            found = moments.doubly_robust(y, t, X, of, on)
        else:
            found = moments.weighted_regression(y, t, X, of, on)
    return found.means, _covariance(request, sample, found.influence), weights


def _covariance(request: Request, sample: Sample, influence: Array) -> Array:
    asked = request.errors
    if asked.kind == "HC0":
        return np.asarray(influence.T @ influence)
    if asked.kind != "CRV1" or len(asked.clusters) != 1:
        raise ModelError("treatment has errors HC0, or clustered in one way", remedy='vcov={"CRV1": column}')
    sums = group_sums(influence, sample.codes(asked.clusters[0]))
    if len(sums) < 2:
        raise ModelError(f"'{asked.clusters[0]}' has one group only; clustered errors need at least two")
    return np.asarray(len(sums) / (len(sums) - 1) * sums.T @ sums)


def _results(
    request: Request, sample: Sample, t: Array, found: tuple[Array, Array, Array],
    regressors: tuple[Array, tuple[str, ...]], of: moments.Score | None,
) -> TreatmentResults:  # fmt: skip
    means, cov, weights = found
    options, asked = request.options, request.errors
    effect = "ATT" if options["on"] == "treated" else "ATE"
    index = pd.Index([effect, "E[Y(0)]", "E[Y(1)]"], dtype=object)
    change = np.array([[-1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    label = "from stacked moments"
    if options["method"] == "matching":
        label = "Abadie & Imbens" if options["replace"] else "of matched pairs"
    clusters = {name: len(np.unique(sample.codes(name))) for name in asked.clusters}
    if clusters:
        label = f"clustered by {asked.clusters[0]}"
    scores = pd.DataFrame(
        {"treated": t.astype(int), "weight": weights}, index=sample.source.index[sample.rows]
    )
    if of is not None:
        scores.insert(1, "probability", of.probability)
    return TreatmentResults(
        model=f"Treatment effect, {METHODS[options['method']]}",
        params=pd.Series(change @ means, index=index, name="estimate"),
        cov=pd.DataFrame(change @ cov @ change.T, index=index, columns=index),
        nobs=len(t),
        df=float("inf"),
        vcov_label=label,
        n_clusters=clusters,
        outcome=" + ".join(sample.outcome),
        formula=sample.formula.text,
        call=request.call,
        dropped=dict(sample.dropped),
        facts={"treated_rows": float(t.sum())},
        blocks={"Means": ("E[Y(0)]", "E[Y(1)]")},
        sample=sample,
        request=request,
        balance=balance_table(*regressors, t, weights),
        overlap=pd.DataFrame() if of is None else overlap_table(of.probability, t),
        scores=scores,
    )
