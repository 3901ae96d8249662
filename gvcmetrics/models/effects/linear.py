r"""Linear models: pooled, with absorbed effects, with a random unit effect.

Every one of them is least squares of a transformed outcome on transformed regressors; they
differ in the transformation only:

===========  =================================================================================
pooled       absorbed effects partialled out, if any
fixed        unit effects absorbed as well: the within estimator
random       quasi-demeaned, :math:`x_{it}-\theta_i\bar x_i` (feasible GLS, Swamy & Arora 1972)
correlated   random, with the unit means of the regressors added (Mundlak 1978)
===========  =================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.corrections import nested_in, small_sample
from gvcmetrics.ground.numerics.demean import demean, group_means
from gvcmetrics.ground.numerics.least_squares import least_squares
from gvcmetrics.ground.numerics.slopes import Effect, rows_of
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.effects.pooled import predictor_of
from gvcmetrics.models.effects.variance_components import quasi_demean, variance_components
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.inference.bias_reduced import Working
from gvcmetrics.models.inference.covariance import Inference
from gvcmetrics.models.inference.jackknife import downdated
from gvcmetrics.models.marginal.predictor import Fitted


def within(request: Request, response: Response, sample: Sample) -> Estimate:
    """Least squares after partialling out the absorbed effects, if there are any."""
    absorbed = sample.effects
    weights = sample.weights
    y, X = sample.y, sample.X
    if absorbed:
        both = demean(np.column_stack([y, X]), absorbed, weights)
        y, X = both[:, 0], both[:, 1:]
    estimates, bread, residuals = least_squares(y, X, weights)
    rss = _sum_of_squares(residuals, weights)
    _, left = small_sample(sample.nobs, len(estimates), absorbed)
    inference = Inference(
        scores=X * (residuals if weights is None else residuals * weights)[:, None],
        bread=bread,
        nobs=sample.nobs,
        parameters=len(estimates),
        linear=True,
        sigma2=rss / left,
        absorbed=absorbed,
        leverage=partial(_leverage, X, bread, sample, tuple(sample.absorbed.values()))
        if len(absorbed) < 2 and not sample.slopes
        else None,
        jackknife=_jackknife(y, X, weights, sample),
        estimates=estimates,
        frequency=weights if sample.frequency else None,
        regression=(X, residuals, weights),
        working=None
        if weights is not None or sample.slopes
        else partial(Working, X, residuals, None, tuple(sample.absorbed.values())),
        periods=sample.periods,
    )
    statistics = _fit_statistics(sample, y, rss, left)
    if request.effects == "fixed" and len(absorbed) == 1 and weights is None:
        statistics |= _unit_statistics(sample, estimates, rss / left)
    predictor = predictor_of(response, response.family(sample), sample)
    if absorbed:
        curvature = np.ones(len(y))
        predictor = replace(predictor, fitted=Fitted(sample.y - residuals, curvature))
    return Estimate(
        sample=sample, names=sample.names, params=estimates, inference=inference, codes=sample.codes,
        loglik=_gaussian_loglik(rss, sample.nobs) if weights is None or sample.frequency else None,
        statistics=statistics, predictor=predictor,
    )  # fmt: skip


def generalised(request: Request, response: Response, sample: Sample) -> Estimate:
    """Feasible GLS with a random unit effect; of correlated effects the sample holds the unit means.

    The covariances, the jackknife included, take θ as given, as Stata and plm do.
    """
    assert sample.unit is not None
    if sample.weights is not None:
        raise ModelError(
            f"effects={request.effects!r} takes no weights", remedy="Use effects='pooled' or 'fixed'"
        )
    X, names = sample.X, sample.names
    means = tuple(name for name in names if name not in sample.design.names)
    components = variance_components(sample.y, X, sample.unit)
    y_star, X_star = (quasi_demean(columns, sample.unit, components) for columns in (sample.y, X))
    estimates, bread, residuals = least_squares(y_star, X_star)
    inference = Inference(
        scores=X_star * residuals[:, None],
        bread=bread,
        nobs=sample.nobs,
        parameters=len(estimates),
        linear=True,
        sigma2=_sum_of_squares(residuals) / (sample.nobs - len(estimates)),
        leverage=partial(_leverage, X_star, bread, sample, ()),
        jackknife=_jackknife(y_star, X_star, None, sample),
        estimates=estimates,
        regression=(X_star, residuals, None),
        working=partial(Working, X_star, residuals),
        periods=sample.periods,
    )
    return Estimate(
        sample=sample, names=names, params=estimates, inference=inference, codes=sample.codes,
        title="GLS",
        statistics=components.statistics | _explained_variation(sample, X @ estimates),
        blocks={"Unit means": means} if means else {},
        predictor=predictor_of(response, response.family(sample), sample),
    )  # fmt: skip


def _sum_of_squares(values: np.ndarray, weights: np.ndarray | None = None) -> float:
    return float(values @ values if weights is None else weights @ values**2)


def _leverage(
    X: np.ndarray, bread: np.ndarray, sample: Sample, absorbed: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Hat values, known in closed form with at most one absorbed effect; of one row each if repeated."""
    hat = np.einsum("ij,ij->i", X @ bread, X)
    if absorbed:
        hat = hat + 1 / np.bincount(absorbed[0], weights=sample.weights)[absorbed[0]]
    return hat if sample.weights is None or sample.frequency else hat * sample.weights


def _jackknife(
    y: np.ndarray, X: np.ndarray, weights: np.ndarray | None, sample: Sample
) -> Callable[[np.ndarray], np.ndarray]:
    """Estimates without each cluster: exact downdates where the absorbed effects allow, else refits.

    An effect nested in clusters leaves with its cluster, so what is left stays partialled out.
    """

    def estimates(codes: np.ndarray) -> np.ndarray:
        absorbed = sample.effects
        weighted = X if weights is None else X * weights[:, None]
        gram, moment = weighted.T @ X, weighted.T @ y
        nested = all(nested_in(effect, codes) for effect in absorbed)

        def without(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            if nested:
                return gram - weighted[rows].T @ X[rows], moment - weighted[rows].T @ y[rows]
            return _moments_without(rows, sample, absorbed)

        return downdated(codes, without, np.diag(gram))

    return estimates


def _moments_without(
    rows: np.ndarray, sample: Sample, absorbed: Sequence[Effect]
) -> tuple[np.ndarray, np.ndarray]:
    keep = np.ones(len(sample.y), dtype=bool)
    keep[rows] = False
    weights = None if sample.weights is None else sample.weights[keep]
    codes = [rows_of(effect, keep) for effect in absorbed]
    both = demean(np.column_stack([sample.y[keep], sample.X[keep]]), codes, weights)
    weighted = both[:, 1:] if weights is None else both[:, 1:] * weights[:, None]
    return weighted.T @ both[:, 1:], weighted.T @ both[:, 0]


def _fit_statistics(sample: Sample, y_within: np.ndarray, rss: float, left: int) -> dict[str, float]:
    constant = bool(sample.absorbed) or "Intercept" in sample.names
    mean = np.average(sample.y, weights=sample.weights) if constant else 0.0
    total = _sum_of_squares(sample.y - mean, sample.weights)
    mass = sample.nobs if sample.weights is None else float(sample.weights.sum())
    statistics = {"r2": 1 - rss / total, "r2_adjusted": 1 - (rss / left) / (total / (sample.nobs - constant))}
    if sample.effects:
        statistics["r2_within"] = 1 - rss / _sum_of_squares(y_within, sample.weights)
    return statistics | {"rmse": float(np.sqrt(rss / left * sample.nobs / mass))}


def _unit_statistics(sample: Sample, estimates: np.ndarray, sigma2: float) -> dict[str, float]:
    """σ_u (standard deviation of the estimated unit effects), σ_e and ρ, as Stata's `xtreg, fe` has them."""
    assert sample.unit is not None
    index = sample.X @ estimates
    effects = group_means((sample.y - index)[:, None], sample.unit)[:, 0]
    sigma_u, sigma_e = float(effects.std(ddof=1)), float(np.sqrt(sigma2))
    return {
        "units": len(effects),
        "sigma_u": sigma_u,
        "sigma_e": sigma_e,
        "rho": sigma_u**2 / (sigma_u**2 + sigma_e**2),
        **_explained_variation(sample, index),
    }


def _explained_variation(sample: Sample, index: np.ndarray) -> dict[str, float]:
    """Squared correlations of outcome and index within units, between them, and over all."""
    assert sample.unit is not None
    pair = np.column_stack([sample.y, index])
    means = group_means(pair, sample.unit)
    parts = {"r2_within": pair - means[sample.unit], "r2_between": means, "r2_overall": pair}
    return {key: float(np.corrcoef(part.T)[0, 1] ** 2) for key, part in parts.items()}


def _gaussian_loglik(rss: float, nobs: int) -> float:
    return float(-nobs / 2 * (np.log(2 * np.pi) + np.log(rss / nobs) + 1))
