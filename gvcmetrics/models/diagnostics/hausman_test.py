"""Hausman's test of fixed unit effects against random or none, classical and robust."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.corrections import nested_in
from gvcmetrics.ground.numerics.demean import group_sums
from gvcmetrics.ground.numerics.least_squares import distance_squared
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.same_rows import named_rows, order_of
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.effects.conditional import INVARIANT
from gvcmetrics.models.engine.fit import estimate
from gvcmetrics.models.inference.covariance import VcovSpec, parse_vcov
from gvcmetrics.models.inference.restrictions import TestResult, wald
from gvcmetrics.models.results.results import Results

_NULL = "unit effects are uncorrelated with the regressors ({} effects are consistent)"


def hausman(fixed: Results, other: Results, *, vcov: VcovSpec | None = None) -> TestResult:
    r"""Hausman test of fixed against random effects, or of a conditional against a pooled logit.

    Classical: :math:`H = d'(V_F-V_R)^{-1}d`, :math:`d=\hat\beta_F-\hat\beta_R` over the slopes that both
    have, with the classical covariances, χ² with as many degrees of freedom.

    With `vcov`, valid under heteroskedasticity and clustering. Linear models: the unit means of the
    regressors are added to the random-effects model and tested jointly. Logits: the covariance of d comes
    from the two models' scores by cluster,

    .. math:: V_d = \frac{G}{G-1} \sum_g \psi_g\psi_g', \qquad
       \psi_g = B_F \sum_{i\in g} s^F_i - B_R \sum_{i\in g} s^R_i,

    so that neither model need be efficient.

    Parameters
    ----------
    fixed : result of `ols`, `logit`, `ordered_logit` or `multinomial_logit` with `effects="fixed"`.
    other : the same with `effects="random"`, or with `"pooled"` after a logit.
    vcov : `{"CRV1": "unit"}`, the unit or something that units are nested in; for `ols` any. Needed for
        `ordered_logit`, whose fixed-effects likelihood is composite.

    Raises
    ------
    ModelError : the models are not what they must be, or differ in their rows or units.

    Source: Hausman (1978), eq. 3.9; White (1982), section 4; Mundlak (1978); Wooldridge (2010), 10.7.3.
    """
    linear = bool(fixed.inference and fixed.inference.linear)
    _check(fixed, other, linear)
    null = _NULL.format("random" if other.effects == "random" else "no")
    if vcov is not None and linear:
        return _auxiliary(other, vcov, null)
    common = [name for name in fixed.params.index if name in other.params.index and name != "Intercept"]
    if not common:
        raise ModelError("the two models have no slope in common")
    distance = (fixed.params[common] - other.params[common]).to_numpy()
    if vcov is not None:
        spread, label = _stacked(fixed, other, common, vcov)
        statistic = distance_squared(distance, spread)
        name = f"Hausman test, robust ({label})"
        return TestResult(
            name, statistic, len(common), float(stats.chi2.sf(statistic, len(common))), "χ²", None, null
        )
    for result in (fixed, other):
        _refuse_not_classical(result)
    fixed, other = fixed.with_vcov("iid"), other.with_vcov("iid")
    difference = (fixed.cov.loc[common, common] - other.cov.loc[common, common]).to_numpy()
    units = fixed.std_errors[common].to_numpy()
    if np.linalg.eigvalsh(difference / np.outer(units, units))[0] <= 0:
        warn(
            "the difference of the covariances is not positive definite, so the classical Hausman statistic "
            "is doubtful; use the robust form, hausman(…, vcov=…)"
        )
    statistic = distance_squared(distance, difference, units)
    pvalue = float(stats.chi2.sf(statistic, len(common)))
    return TestResult("Hausman test", statistic, len(common), pvalue, "χ²", None, null)


def _refuse_not_classical(result: Results) -> None:
    if result.inference is not None and result.inference.classical.kind != "iid":
        unit = result.sample.unit_name if result.sample else "unit"
        raise ModelError(
            f"{result.model} with effects={result.effects!r} has no classical covariance, which this needs: "
            "its likelihood is composite, or weighted",
            remedy=f"Use the robust form, vcov={{'CRV1': '{unit}'}}",
        )


def _check(fixed: Results, other: Results, linear: bool) -> None:
    allowed = ("random",) if linear else ("random", "pooled")
    if fixed.effects != "fixed" or other.effects not in allowed:
        raise ModelError(
            f"the test compares effects='fixed' with effects='random'{'' if linear else ' or pooled'}, not "
            f"'{fixed.effects}' with '{other.effects}'",
            remedy="Call hausman(fixed, random)",
        )
    if fixed.outcome != other.outcome or fixed.response.name != other.response.name:
        raise ModelError(
            f"the models differ in their outcome or kind ({fixed.outcome}, {fixed.model}; {other.outcome}, "
            f"{other.model})",
            remedy="Estimate both by the same function on the same rows",
        )
    if not _same_rows(fixed, other):
        # A conditional likelihood leaves out units whose outcome never changes; they say nothing there.
        nobs = fixed.nobs + fixed.dropped.get(INVARIANT, 0)
        raise ModelError(
            f"the models differ in their observations ({nobs}, {other.nobs}): not the same units in the same "
            "rows of the same data, or other weights",
            remedy="Estimate both on the same frame, with unit= the same",
        )


def _same_rows(fixed: Results, other: Results) -> bool:
    """Whether the rows are the same, but for units that the conditional likelihood leaves out."""
    few, all_of_them = fixed.sample, other.sample
    if not (isinstance(few, Sample) and isinstance(all_of_them, Sample)):
        return False
    left_out = fixed.dropped.get(INVARIANT, 0)
    if len(few.rows) + left_out != len(all_of_them.rows):
        return False
    order = order_of(*named_rows(few, all_of_them))
    if order is None:
        return False
    if all_of_them.unit is None or few.unit is None:
        return True
    units = all_of_them.unit
    return nested_in(few.unit, units[order]) and nested_in(units[order], few.unit)


def _auxiliary(random: Results, vcov: VcovSpec, null: str) -> TestResult:
    """Joint test of the unit means added to the random-effects model."""
    asked = replace(random.request, effects="correlated", vcov=vcov)
    assert isinstance(random.sample, Sample)
    added = estimate(asked, random.response, random.sample)
    means = added.blocks.get("Unit means", ())
    if not means:
        raise ModelError("no regressor varies within units, so there is nothing to test")
    test = wald(added.params, added.cov, [f"`{name}`" for name in means], added.df, added.adjusted)
    name = f"Hausman test, robust ({added.vcov_label})"
    return TestResult(
        name, test.statistic, test.df, test.pvalue, test.distribution, test.df_denominator, null
    )


def _stacked(fixed: Results, other: Results, common: list[str], vcov: VcovSpec) -> tuple[np.ndarray, str]:
    """Covariance of the difference of the slopes, from both models' influence by cluster."""
    asked = parse_vcov(vcov)
    if asked.kind != "CRV1" or len(asked.clusters) != 1:
        raise ModelError("the robust test of two logits clusters one way", remedy='Use vcov={"CRV1": "unit"}')
    column = asked.clusters[0]
    influence = _influence(other, common, column)
    # Clusters without an informative unit have influence on one of the estimates only.
    difference = _influence(fixed, common, column).reindex(influence.index, fill_value=0.0) - influence
    psi = difference.to_numpy()
    count = len(psi)
    if count <= len(common):
        raise ModelError(f"{count} clusters of '{column}' cannot carry {len(common)} slopes at once")
    return count / (count - 1) * psi.T @ psi, f"clustered by {column}"


def _influence(results: Results, common: list[str], column: str) -> pd.DataFrame:
    """B Σ s by cluster, for the slopes in `common`; indexed by the cluster's name."""
    sample, inference, codes = results.sample, results.inference, results.codes
    assert isinstance(sample, Sample)
    assert inference is not None
    assert codes is not None
    groups = codes(column)
    sums = group_sums(inference.scores, groups) @ inference.bread
    return pd.DataFrame(sums, index=sample.labels(column), columns=results.params.index)[common]
