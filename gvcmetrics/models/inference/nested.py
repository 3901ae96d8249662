r"""The likelihood-ratio test, and whether two models may be compared by it.

:math:`2(\ell_1 - \ell_0)` is χ² with as many degrees of freedom as parameters are restricted where both
models maximise the likelihood of the same rows, one is a special case of the other, and the restricted values
lie inside what the parameters may be. On their boundary (no variance of the unit effect, no dispersion) it is
an even mixture of χ²(q − 1) and χ²(q) (Self & Liang 1987). With Firth's penalty both models are penalised by
the information of the larger one (Heinze & Schemper 2002).
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.ground.numerics.slopes import Effect, Slopes, codes_of, rows_of
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.same_rows import named_rows, order_of
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.inference.estimates import Estimates
from gvcmetrics.models.inference.restrictions import TestResult

_NAME = "Likelihood-ratio test"
_INSTEAD = "Use .test()"
# The parameter that is at its edge where there is no random effect, by the distribution of the effects.
_VARIANCES = {"random": "sigma_u", "gamma": "log_alpha"}
_TOLERANCE = 1e-6


def likelihood_ratio(first: Estimates, second: Estimates) -> TestResult:
    """Likelihood-ratio test of two models, in either order.

    Raises
    ------
    ModelError : a model has no likelihood, or one whose ratio has no known distribution; the rows differ;
        neither model nests the other.
    """
    for result in (first, second):
        _refuse_without_likelihood(result)
    small, large = sorted((first, second), key=lambda result: result.n_parameters)
    if small.outcome != large.outcome:
        raise ModelError(
            f"the models differ in their outcome ({small.outcome}, {large.outcome})",
            remedy="Compare models of the same outcome",
        )
    order = _same_rows(small, large)
    if small.n_parameters == large.n_parameters:
        raise ModelError(f"both models have {small.n_parameters} parameters; neither nests the other")
    at_edge = _edges(small, large)
    map_of_small = _nesting(small, large, order)
    df = large.n_parameters - small.n_parameters
    statistic = _ratio(small, large, map_of_small)
    pvalue = float(stats.chi2.sf(statistic, df))
    if not at_edge:
        return TestResult(_NAME, statistic, df, pvalue, "χ²", None, small.formula)
    below = float(stats.chi2.sf(statistic, df - 1)) if df > 1 else float(statistic <= 0.0)
    mixture = f"½χ²({df - 1}) + ½χ²"
    return TestResult(
        _NAME, statistic, df, 0.5 * (below + pvalue), mixture, None, f"{small.formula}, without {at_edge}"
    )


def _refuse_without_likelihood(result: Estimates) -> None:
    if result.loglik is None or result.inference is None:
        raise ModelError("a likelihood-ratio test needs two models with a likelihood", remedy=_INSTEAD)
    sample, request, kind = result.sample, result.request, result.inference.classical.kind
    because = None
    if result.response.quasi(sample):
        because = "maximises a quasi-likelihood, which is not a likelihood of the sample"
    elif kind != "iid":
        weighted = sample is not None and sample.weights_name is not None
        with_what = "sampling weights" if weighted else "fixed effects"
        because = f"with {with_what} maximises what is not a likelihood of the sample"
    elif request.bias_correction is not None:
        because = "is corrected for bias, so that its estimates do not maximise its likelihood"
    if because:
        raise ModelError(
            f"{result.model} {because}; the ratio has no χ² distribution",
            remedy="Use .test(), with clustered errors",
        )
    if result.vcov_label != "iid":
        raise ModelError(
            f"errors are {result.vcov_label}: what they allow for (heteroskedasticity, dependent rows) the "
            "likelihood denies, and its ratio has no χ² distribution then",
            remedy="Use .test(), which follows the errors, or compare both .with_vcov('iid')",
        )


def _same_rows(small: Estimates, large: Estimates) -> np.ndarray:
    """Positions in the larger model's sample of the smaller model's rows."""
    one, other = named_rows(small.sample, large.sample)
    order = order_of(one, other) if len(one.labels) == len(other.labels) else None
    if order is None:
        raise ModelError(
            f"the models differ in their observations ({small.nobs}, {large.nobs}): not the same rows of the "
            "same data, or other weights",
            remedy="Estimate both on the rows complete in all variables, data.dropna(subset=[…])",
        )
    return order


def _edges(small: Estimates, large: Estimates) -> str:
    """The parameter that is at the edge of its range in the smaller model; empty where there is none.

    Raises
    ------
    ModelError : the models have likelihoods of different kinds, or two parameters are at an edge.
    """
    found = []
    held = set(large.request.fix or ())
    one, other = _kind(small), _kind(large)
    if one == "rows" and other in _VARIANCES:
        found.append(_VARIANCES[other])
    elif one != other:
        raise ModelError(
            f"effects={small.effects!r} and effects={large.effects!r} have likelihoods of different kinds; "
            "neither nests the other",
            remedy="Compare them by AIC or BIC"
            if {one, other} <= {*_VARIANCES}
            else "Compare fixed with random effects by gvc.hausman",
        )
    if small.response.name != large.response.name:
        if large.response.limit != small.response.name:
            raise ModelError(
                f"{small.model} and {large.model} are different distributions; neither nests the other",
                remedy="Compare them by AIC or BIC",
            )
        found.append(large.params.index[len(large.params) - 1 - (other == "random")])
    if len(found) > 1 or held & set(found):
        raise ModelError(
            f"{' and '.join(map(str, found))} at the edge of what they may be, or held by fix=, leave the "
            "ratio no known distribution",
            remedy="Compare with a model that differs in one of them",
        )
    return str(found[0]) if found else ""


def _kind(result: Estimates) -> str:
    if result.effects in ("random", "correlated"):
        return "gamma" if result.request.options.get("heterogeneity") == "gamma" else "random"
    if result.effects == "fixed" and not result.response.treatments["fixed"].absorbs_unit:
        return "conditional"
    return "rows"


def _nesting(small: Estimates, large: Estimates, order: np.ndarray) -> tuple[Array, Array] | None:
    """(base, Z): the larger model's coefficients at the smaller one's are base + Z times its own.

    Raises
    ------
    ModelError : a regressor of the smaller model is no combination of those of the larger one.
    """
    held = dict(large.request.fix or {})
    also = dict(small.request.fix or {})
    lost = [
        name
        for name, value in held.items()
        if also.get(name, 0.0 if name not in small.params else None) != value
    ]
    one, other = small.sample, large.sample
    in_memory = isinstance(one, Sample) and isinstance(other, Sample)
    if not in_memory:
        lost += [name for name in one.names if name not in other.names]
    if lost:
        raise ModelError(
            f"the model with fewer parameters has {', '.join(lost)} of its own, so neither nests the other",
            remedy="Compare them by AIC or BIC",
        )
    if not in_memory:
        return None
    absorbed: list[Effect] = [rows_of(effect, order) for effect in other.effects]
    if _kind(large) == "conditional":
        absorbed.append(other.unit[order])
    shift = _offset(one) - _offset(other)[order]
    free = np.array([name not in also for name in one.names], dtype=bool)
    if small.request.firth:
        shift = shift + one.X[:, ~free] @ np.array([also[n] for n in one.names if n in also])
    rng = np.random.default_rng(0)
    # Random values by level lie in the span of effects just where all their dummies do.
    dummies = [
        rng.normal(size=int(codes_of(effect).max()) + 1)[codes_of(effect)]
        * (effect.values if isinstance(effect, Slopes) else 1.0)
        for effect in one.effects
    ]
    wanted = np.column_stack([one.X, shift, *dummies])
    basis = other.X[order]
    if not large.response.intercept:
        basis = np.column_stack([basis, np.ones(len(basis))])
    size = np.sqrt((wanted**2).sum(axis=0))
    if absorbed:
        both = demean(np.column_stack([wanted, basis]), absorbed)
        wanted, basis = both[:, : wanted.shape[1]], both[:, wanted.shape[1] :]
    scale = np.sqrt((basis**2).sum(axis=0))
    scale[scale == 0.0] = 1.0
    found = np.linalg.lstsq(basis / scale, wanted, rcond=None)[0] / scale[:, None]
    gap = np.sqrt(((wanted - basis @ found) ** 2).sum(axis=0))
    outside = gap > _TOLERANCE * np.where(size > 0, size, 1.0)
    if outside.any():
        named = [*one.names, "the offset", *one.absorbed, *one.slopes]
        names = [name for name, out in zip(named, outside, strict=True) if out]
        raise ModelError(
            f"{', '.join(names)} of the model with fewer parameters is no combination of the regressors of "
            "the other, so neither nests the other",
            remedy="Compare them by AIC or BIC",
        )
    k = one.X.shape[1]
    return found[:, k], found[:, :k][:, free]


def _offset(sample: Sample) -> Array:
    return np.zeros(len(sample.X)) if sample.offset is None else sample.offset


def _ratio(small: Estimates, large: Estimates, nesting: tuple[Array, Array] | None) -> float:
    assert small.loglik is not None
    assert large.loglik is not None
    if small.request.firth != large.request.firth:
        raise ModelError(
            "one model is penalised (firth=True) and the other is not, so their likelihoods do not compare",
            remedy="Estimate both with firth=True",
        )
    if small.request.firth:
        assert nesting is not None
        assert large.inference is not None
        assert large.inference.profile is not None
        best, restricted = large.statistics["penalised_loglik"], large.inference.profile(*nesting)
    else:
        best, restricted = large.loglik, small.loglik
    statistic = 2.0 * (best - restricted)
    if statistic < -1e-8 * abs(best):
        raise ModelError(
            "the model with more parameters has the lower likelihood, so it does not nest the other, or was "
            "not maximised"
        )
    return max(statistic, 0.0)
