"""Hausman's test of random against fixed effects, classical and robust."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import stats

from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.models.covariance import VcovSpec, parse_vcov
from gvcmetrics.models.linear import generalised
from gvcmetrics.models.results import Results
from gvcmetrics.models.tests import TestResult, wald

_NULL = "unit effects are uncorrelated with the regressors (random effects are consistent)"


def hausman(fixed: Results, random: Results, *, vcov: VcovSpec | None = None) -> TestResult:
    r"""Hausman test.

    Classical: :math:`H = d'(V_{FE}-V_{RE})^{-1}d`, :math:`d=\hat\beta_{FE}-\hat\beta_{RE}` over the
    slopes that both have, with the classical covariances, χ² with as many degrees of freedom.

    With `vcov`: the unit means of the regressors are added to the random-effects model and tested
    jointly with that covariance, which is valid under heteroskedasticity and clustering.

    Parameters
    ----------
    fixed, random : results of `ols` with `effects="fixed"` and `effects="random"`, same sample.
    vcov : `{"CRV1": "unit"}` and the like for the robust form.

    Raises
    ------
    ModelError : the models are not what they must be, or differ in their observations.

    Source: Hausman (1978), eq. 3.9; Mundlak (1978); Wooldridge (2010), section 10.7.3.
    """
    if fixed.effects != "fixed" or random.effects != "random":
        raise ModelError(
            f"the test compares effects='fixed' with effects='random', not '{fixed.effects}' with "
            f"'{random.effects}'",
            remedy="Call hausman(fixed, random)",
        )
    if fixed.nobs != random.nobs or fixed.outcome != random.outcome:
        raise ModelError(
            f"the models differ in their observations ({fixed.nobs}, {random.nobs}) or outcome",
            remedy="Estimate both on the same rows",
        )
    if vcov is not None:
        assert random.sample is not None
        added = generalised(random.sample, "correlated", parse_vcov(vcov), "")
        means = added.blocks.get("Unit means", ())
        if not means:
            raise ModelError("no regressor varies within units, so there is nothing to test")
        test = wald(added.params, added.cov, [f"`{name}`" for name in means], added.df)
        return TestResult(
            f"Hausman test, robust ({added.vcov_label})",
            test.statistic,
            test.df,
            test.pvalue,
            test.distribution,
            test.df_denominator,
            _NULL,
        )
    common = [name for name in fixed.params.index if name in random.params.index and name != "Intercept"]
    if not common:
        raise ModelError("the two models have no slope in common")
    fixed, random = fixed.with_vcov("iid"), random.with_vcov("iid")
    distance = (fixed.params[common] - random.params[common]).to_numpy()
    difference = (fixed.cov.loc[common, common] - random.cov.loc[common, common]).to_numpy()
    if np.linalg.eigvalsh(difference)[0] <= 0:
        warnings.warn(
            "the difference of the covariances is not positive definite, so the classical Hausman statistic "
            "is doubtful; use the robust form, hausman(…, vcov=…)",
            EstimationWarning,
            stacklevel=2,
        )
    statistic = float(distance @ np.linalg.pinv(difference, hermitian=True) @ distance)
    pvalue = float(stats.chi2.sf(statistic, len(common)))
    return TestResult("Hausman test", statistic, len(common), pvalue, "χ²", None, _NULL)
