r"""Poisson pseudo-maximum likelihood with absorbed effects, fitted by pyfixest's IRLS."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
import pyfixest
from scipy.linalg import null_space
from scipy.special import gammaln, xlogy

from gvcmetrics.errors import ConvergenceWarning, DataError, EstimationWarning, ModelError, Place
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.models.api.linear import least_squares
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.design import evaluate
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.sample import Sample, build_sample, drop_collinear
from gvcmetrics.models.engine.fit import Response, fit
from gvcmetrics.models.families.poisson import poisson as poisson_family
from gvcmetrics.models.inference.covariance import Inference, Vcov, VcovSpec, covariance, parse_vcov
from gvcmetrics.models.results.results import Results, call_text, make_results

_RANDOM = Response(
    "poisson", "Poisson", outcomes.count, lambda _: poisson_family,
    ("pooled", "fixed", "random", "correlated", "correlated_pooled"), {},
)  # fmt: skip
SEPARATED = "separated: the outcome is zero wherever these rows differ"
_TOLERANCE = 1e-6
_MOST_STEPS = 200


def poisson(
    formula: str,
    data: pd.DataFrame,
    *,
    unit: str | None = None,
    time: str | None = None,
    effects: Literal["pooled", "fixed", "random", "correlated", "correlated_pooled"] = "pooled",
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    offset: str | None = None,
    nquad: int = 12,
    trusted: bool = True,
) -> Results:
    r"""Poisson regression, with absorbed and fixed unit effects.

    .. math:: E[y_{it}] = \exp(x_{it}'\beta + \alpha_i + \lambda_t + o_{it})

    The outcome need not be a count: the estimator is consistent for any outcome ≥ 0 with this mean
    (Gourieroux, Monfort & Trognon 1984; Santos Silva & Tenreyro 2006). Unit effects bring no
    incidental-parameter bias: the estimates equal those of the conditional likelihood of
    Hausman, Hall & Griliches (1984).

    Observations that the regressors and effects separate (fitted mean zero, as a unit whose outcome
    is always zero) carry no information; they are left out, counted and warned of (Correia,
    Guimarães & Zylkin 2019).

    Parameters
    ----------
    formula, data, unit, time, vcov, weights, frequency, trusted : as in `ols`; covariances without
        the normality of the outcome are `"hetero"` and `{"CRV1": …}`.
    effects : `pooled`; `fixed`: unit effects absorbed; `random`, `correlated`, `correlated_pooled`: as in
        `logit`, for counts.
    offset : column or expression with coefficient one, such as `"log(population)"`.
    nquad : quadrature points of random effects.

    Raises
    ------
    DataError : the outcome is negative.
    ModelError : see the message.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"firm": [1, 1, 1, 2, 2, 2], "rd": [0.0, 1, 2, 1, 2, 4],
    ...     "patents": [1, 2, 5, 0, 2, 3]})
    >>> poisson("patents ~ rd", frame, unit="firm", effects="fixed").params.round(4).to_dict()
    {'rd': 0.6686}
    """
    if effects not in ("pooled", "fixed"):
        return fit(_RANDOM, poisson, {**locals(), "fix": None})
    if effects == "fixed" and unit is None:
        raise ModelError("effects='fixed' needs the panel's unit", remedy="Pass unit='firm_id'")
    asked = parse_vcov(vcov)
    parsed = Formula.parse(formula, trusted=trusted)
    sample = build_sample(
        parsed.absorbing(str(unit)) if effects == "fixed" else parsed,
        data,
        unit=unit,
        time=time,
        weights=weights,
        frequency=frequency,
        offset=offset,
        clusters=asked.columns,
    )
    _check_outcome(sample)
    options: dict[str, object] = {
        "unit": unit,
        "time": time,
        "effects": effects,
        "vcov": vcov,
        "weights": weights,
    }
    options |= {"frequency": frequency, "offset": offset, "trusted": trusted}
    return fit_poisson(sample, effects, asked, call_text(poisson, formula, options))


def fit_poisson(sample: Sample, effects: str, vcov: Vcov, call: str) -> Results:
    """Estimate on a sample: separation, fit, scores and bread at the solution, statistics."""
    sample, index, converged = _fit_without_separated(sample)
    mean = np.exp(index)
    absorbed = tuple(sample.absorbed.values())
    weights = np.ones(len(mean)) if sample.weights is None else sample.weights
    shift = np.zeros(len(mean)) if sample.offset is None else sample.offset
    both = demean(np.column_stack([index - shift, sample.X]), absorbed, weights * mean)
    estimates, bread, _ = least_squares(both[:, 0], both[:, 1:], weights * mean)
    scores = both[:, 1:] * (weights * (sample.y - mean))[:, None]
    # One Newton step measures the distance to the maximum in standard errors.
    distance = np.abs(bread @ scores.sum(axis=0)) / np.sqrt(np.diag(bread))
    if not converged or distance.max() > _TOLERANCE:
        converged = False
        warnings.warn(
            f"Poisson did not converge: {distance.max():.1e} standard errors from the maximum",
            ConvergenceWarning,
            stacklevel=3,
        )
    inference = Inference(
        scores=scores,
        bread=bread,
        nobs=sample.nobs,
        parameters=len(estimates),
        linear=False,
        absorbed=absorbed,
        jackknife=_jackknife(sample),
        estimates=estimates,
        frequency=weights if sample.frequency else None,
        restricted=partial(_restricted, sample, estimates, bread),
    )
    loglik = _loglik(sample.y, mean, weights)
    flat = np.exp(shift) * (weights @ sample.y) / (weights @ np.exp(shift))
    return make_results(
        covariance(vcov, inference, sample.codes),
        estimates,
        sample.names,
        sample,
        inference,
        model="Poisson",
        effects=effects,
        call=call,
        loglik=loglik,
        converged=converged,
        statistics={
            "pseudo_r2": 1 - loglik / _loglik(sample.y, flat, weights),
            "deviance": float(2 * weights @ (xlogy(sample.y, sample.y / mean) - (sample.y - mean))),
        },
        predictor=partial(_predict, sample=sample, mean=mean),
        family=poisson_family,
    )


def _check_outcome(sample: Sample) -> None:
    if sample.y.ndim != 1:
        raise ModelError(
            f"Poisson has one outcome, the formula has {len(sample.outcome)}", remedy="Estimate one each"
        )
    if (sample.y < 0).any():
        row = int(sample.rows[(sample.y < 0).argmax()]) + 2
        raise DataError(
            f"the outcome is negative in {int((sample.y < 0).sum())} rows",
            Place(row=row, column=sample.outcome[0]),
            "A Poisson outcome is zero or positive",
        )
    if not sample.y.any():
        raise ModelError(f"the outcome '{sample.outcome[0]}' is always zero")


def _fit_without_separated(sample: Sample) -> tuple[Sample, np.ndarray, bool]:
    """Drop separated rows until none is left; the sample, the fitted index and whether it converged."""
    while True:
        kept, index, converged = _fit(sample)
        smaller = _without(sample, kept)
        if smaller.names == sample.names:
            kept = ~_still_falling(smaller, index)
            if kept.all():
                return smaller, index, converged
            smaller = _without(smaller, kept)
        sample = smaller


def _without(sample: Sample, kept: np.ndarray) -> Sample:
    if kept.all():
        return sample
    warnings.warn(
        f"{int((~kept).sum())} rows are separated (their fitted mean is zero) and were left out",
        EstimationWarning,
        stacklevel=5,
    )
    smaller = sample.select(kept, SEPARATED)
    return drop_collinear(smaller, [*smaller.absorbed.values()])


def _fit(sample: Sample) -> tuple[np.ndarray, np.ndarray, bool]:
    """pyfixest on the sample's arrays: mask of the rows that it kept, their index, convergence.

    Frequency weights go in as any others: estimates are the same, and pyfixest stops at weights whose sum
    is not a Python integer.
    """
    constant = "Intercept" in sample.names
    positions = [position for position, name in enumerate(sample.names) if name != "Intercept"]
    frame = pd.DataFrame({"y": sample.y})
    for position in positions:
        frame[f"x{position}"] = sample.X[:, position]
    effects = [*sample.absorbed.values()]
    # The constant as an absorbed effect of one level, because separation is only checked with effects.
    if constant and not effects:
        effects = [np.zeros(len(frame), dtype=np.int32)]
    for number, codes in enumerate(effects):
        frame[f"e{number}"] = codes
    right = " + ".join(f"x{position}" for position in positions) or "1"
    absorbed = " + ".join(f"e{number}" for number in range(len(effects)))
    if sample.weights is not None:
        frame["weights"] = sample.weights
    if sample.offset is not None:
        frame["offset"] = sample.offset
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pyfixest.fepois(
            f"y ~ {right} | {absorbed}" if absorbed else f"y ~ {right}",
            frame,
            vcov="iid",
            weights=None if sample.weights is None else "weights",
            weights_type="aweights",
            offset=None if sample.offset is None else "offset",
            fixef_rm="none",
            iwls_tol=1e-12,
            iwls_maxiter=100,
            drop_intercept=not constant,
            copy_data=False,
            store_data=False,
        )
    kept = np.ones(len(frame), dtype=bool)
    kept[np.asarray(fit.na_index, dtype=int)] = False
    return kept, np.asarray(fit._Y_hat_link).ravel(), bool(fit._convergence)


def _still_falling(sample: Sample, index: np.ndarray) -> np.ndarray:
    """Zeros whose index still falls when the likelihood has stopped rising.

    On separated rows every Newton step lowers the index by about one, for ever, while it moves no
    other row; pyfixest's own check finds separation by absorbed effects but not always by regressors.
    """
    mean = np.exp(index)
    weights = mean if sample.weights is None else mean * sample.weights
    both = demean(np.column_stack([(sample.y - mean) / mean, sample.X]), [*sample.absorbed.values()], weights)
    residuals = least_squares(both[:, 0], both[:, 1:], weights)[2]
    step = (sample.y - mean) / mean - residuals
    falling = (sample.y == 0) & (step < -0.1)
    return falling & (np.abs(step[~falling]).max(initial=0.0) < 0.01)


def _jackknife(sample: Sample) -> Callable[[np.ndarray], np.ndarray]:
    def estimates(codes: np.ndarray) -> np.ndarray:
        found = np.full((int(codes.max()) + 1, sample.X.shape[1]), np.nan)
        for group in range(len(found)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                left, index, _ = _fit_without_separated(sample.select(codes != group, ""))
                if left.names != sample.names:
                    continue
                weights = np.exp(index) if left.weights is None else left.weights * np.exp(index)
                shifted = index if left.offset is None else index - left.offset
                both = demean(np.column_stack([shifted, left.X]), [*left.absorbed.values()], weights)
                found[group] = least_squares(both[:, 0], both[:, 1:], weights)[0]
        return found

    return estimates


def _restricted(
    sample: Sample, estimates: np.ndarray, bread: np.ndarray, R: np.ndarray, r: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and bread of the estimates under Rβ = r: what the restriction fixes becomes an offset."""
    pull = bread @ R.T
    base = estimates - pull @ np.linalg.solve(R @ pull, R @ estimates - r)
    free = null_space(R)
    shift = sample.X @ base + (0.0 if sample.offset is None else sample.offset)
    index = shift + _along(replace(sample, offset=shift), sample.X @ free)
    mean = np.exp(index)
    weights = np.ones(len(mean)) if sample.weights is None else sample.weights
    X = demean(sample.X, [*sample.absorbed.values()], weights * mean)
    scores = X * (weights * (sample.y - mean))[:, None]
    return scores, np.linalg.inv(X.T @ (X * (weights * mean)[:, None]))


def _along(sample: Sample, columns: np.ndarray) -> np.ndarray:
    """The fitted index beyond the offset when the regressors are `columns`, by Newton's method."""
    assert sample.offset is not None
    effects = [*sample.absorbed.values()]
    weights = np.ones(len(sample.y)) if sample.weights is None else sample.weights
    moved = np.zeros(len(sample.y))
    for _ in range(_MOST_STEPS):
        mean = np.exp(sample.offset + moved)
        target = moved + (sample.y - mean) / mean
        both = demean(np.column_stack([target, columns]), effects, weights * mean)
        residuals = least_squares(both[:, 0], both[:, 1:], weights * mean)[2]
        step = target - residuals - moved
        moved = moved + step * min(1.0, 2.0 / np.abs(step).max(initial=1e-300))
        if np.abs(step).max(initial=0.0) < 1e-10:
            return moved
    raise ModelError("the restricted Poisson model did not converge", remedy="Use impose_null=False")


def _loglik(y: np.ndarray, mean: np.ndarray, weights: np.ndarray) -> float:
    return float(weights @ (xlogy(y, mean) - mean - gammaln(y + 1)))


def _predict(
    results: Results,
    data: pd.DataFrame | None,
    *,
    sample: Sample,
    mean: np.ndarray,
    kind: Literal["mean", "index"] = "mean",
) -> pd.Series:
    """Fitted means (or their logarithm, `kind="index"`), absorbed effects included in the sample."""
    if data is None:
        index, rows = np.log(mean), sample.source.index[sample.rows]
    elif sample.absorbed:
        raise ModelError(
            "absorbed effects are not known for new rows",
            remedy="Write the effect among the regressors, as C(year), or predict for the sample",
        )
    else:
        index, rows = sample.design.matrix(data) @ results.params.to_numpy(), data.index
        if sample.offset_name:
            index = index + evaluate(sample.offset_name, data)
    return pd.Series(np.exp(index) if kind == "mean" else index, index=rows, name="fitted")
