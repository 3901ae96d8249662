r"""Linear models: pooled, fixed, random and correlated unit effects.

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

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.ground.numerics.demean import absorbed_parameters, demean, group_means, nested_in
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.sample import Sample, build_sample
from gvcmetrics.models.effects.mundlak import mundlak_columns, quasi_demean, variance_components
from gvcmetrics.models.inference.covariance import Inference, Vcov, VcovSpec, covariance, parse_vcov
from gvcmetrics.models.results.results import Results, call_text, make_results

Effects = Literal["pooled", "fixed", "random", "correlated"]
_MODEL = {"pooled": "OLS", "fixed": "OLS", "random": "GLS", "correlated": "GLS"}


def ols(
    formula: str,
    data: pd.DataFrame,
    *,
    unit: str | None = None,
    time: str | None = None,
    effects: Effects = "pooled",
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    trusted: bool = True,
) -> Results:
    r"""Linear regression, with absorbed and unit effects.

    .. math:: y_{it} = x_{it}'\beta + \alpha_i + \lambda_{t} + \varepsilon_{it}

    Parameters
    ----------
    formula : `"y ~ x1 * x2 + log(x3) | effect1^effect2 + effect3"`; effects after `|` are absorbed.
    data : frame, one row an observation.
    unit, time : columns of the panel's unit and period; needed for unit effects and for lags.
    effects : `pooled`; `fixed`: unit effects absorbed; `random`: feasible GLS with the variance
        components of Swamy & Arora (1972), as Stata's `xtreg, re` (harmonic mean of the panel
        lengths where they differ); `correlated`: random with unit means `mean(x)` added, the
        coefficients of which are jointly zero if random effects are consistent (Mundlak test).
    vcov : see `gvcmetrics.models.inference.covariance`.
    weights : column of weights (analytic or sampling); `frequency=True` when a row stands for that
        many equal rows.
    trusted : False refuses formulas that would run code.

    Returns
    -------
    Results

    Raises
    ------
    ModelError, DataError : see the message.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "firm": [1, 1, 1, 2, 2, 2, 3, 3, 3], "year": [1, 2, 3] * 3,
    ...     "rd": [1.0, 2, 4, 2, 3, 3, 5, 4, 7], "sales": [2.0, 3, 6, 5, 6, 7, 1, 1, 3]})
    >>> ols("sales ~ rd | year", frame, unit="firm", effects="fixed").params.round(4).to_dict()
    {'rd': 0.5714}
    """
    if effects == "correlated_pooled":
        raise ModelError(
            "ols with effects='correlated_pooled' does not exist here",
            remedy="Use effects='correlated', whose slopes are the within estimates too",
        )
    if effects not in _MODEL:
        raise ModelError(f"effects={effects!r} is not known", remedy=f"Use one of {', '.join(_MODEL)}")
    if effects != "pooled" and unit is None:
        raise ModelError(f"effects={effects!r} needs the panel's unit", remedy="Pass unit='firm_id'")
    asked = parse_vcov(vcov)
    parsed = Formula.parse(formula, trusted=trusted)
    if effects == "fixed":
        parsed = parsed.absorbing(str(unit))
    if effects in ("random", "correlated"):
        if parsed.absorbed:
            raise ModelError(
                f"effects={effects!r} cannot absorb {' + '.join('^'.join(e) for e in parsed.absorbed)}",
                remedy="Write the effect among the regressors, as C(year), or use effects='fixed'",
            )
        if weights:
            raise ModelError(
                f"effects={effects!r} takes no weights", remedy="Use effects='pooled' or 'fixed'"
            )
    sample = build_sample(
        parsed,
        data,
        unit=unit,
        time=time,
        weights=weights,
        frequency=frequency,
        clusters=asked.columns,
    )
    if sample.y.ndim != 1:
        raise ModelError(
            f"a linear model has one outcome, the formula has {len(sample.outcome)}",
            remedy="Estimate a model for each, or put a sum in I(…)",
        )
    options = {
        "unit": unit,
        "time": time,
        "effects": effects,
        "vcov": vcov,
        "weights": weights,
        "frequency": frequency,
        "trusted": trusted,
    }
    call = call_text(ols, formula, options)
    if effects in ("pooled", "fixed"):
        return _within(sample, effects, asked, call)
    return generalised(sample, effects, asked, call)


def _within(sample: Sample, effects: str, asked: Vcov, call: str) -> Results:
    """Least squares after partialling out the absorbed effects."""
    absorbed = tuple(sample.absorbed.values())
    weights = sample.weights
    y, X = sample.y, sample.X
    if absorbed:
        both = demean(np.column_stack([y, X]), absorbed, weights)
        y, X = both[:, 0], both[:, 1:]
    estimates, bread, residuals = least_squares(y, X, weights)
    rss = _sum_of_squares(residuals, weights)
    left = sample.nobs - len(estimates) - absorbed_parameters(absorbed)
    if left <= 0:
        raise ModelError(
            f"{sample.nobs} observations do not identify {sample.nobs - left} parameters",
            remedy="Use fewer regressors or absorbed effects",
        )
    inference = Inference(
        scores=X * (residuals if weights is None else residuals * weights)[:, None],
        bread=bread,
        nobs=sample.nobs,
        parameters=len(estimates),
        linear=True,
        sigma2=rss / left,
        absorbed=absorbed,
        leverage=partial(_leverage, X, bread, sample, absorbed) if len(absorbed) < 2 else None,
        jackknife=_jackknife(y, X, weights, sample),
        estimates=estimates,
        frequency=weights if sample.frequency else None,
        regression=(X, residuals, weights),
    )
    results = make_results(
        covariance(asked, inference, sample.codes),
        estimates,
        sample.names,
        sample,
        inference,
        model=_MODEL[effects],
        effects=effects,
        call=call,
        loglik=_gaussian_loglik(rss, sample.nobs) if weights is None or sample.frequency else None,
        statistics=_fit_statistics(sample, y, rss, left),
        predictor=partial(_predict, sample=sample, residuals=residuals),
    )
    if effects == "fixed" and len(absorbed) == 1 and weights is None:
        return replace(results, statistics={**results.statistics, **_unit_statistics(results, rss / left)})
    return results


def generalised(sample: Sample, effects: str, asked: Vcov, call: str) -> Results:
    """Feasible GLS with a random unit effect; for correlated effects with unit means added.

    The covariances, the jackknife included, take θ as given, as Stata and plm do.
    """
    assert sample.unit is not None
    X, names = mundlak_columns(sample) if effects == "correlated" else (sample.X, sample.names)
    means = names[len(sample.names) :]
    components = variance_components(sample.y, X, sample.unit)
    y_star, X_star = (quasi_demean(columns, sample.unit, components) for columns in (sample.y, X))
    estimates, bread, residuals = least_squares(y_star, X_star, None)
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
    )
    results = make_results(
        covariance(asked, inference, sample.codes),
        estimates,
        names,
        sample,
        inference,
        model=_MODEL[effects],
        effects=effects,
        call=call,
        statistics=components.statistics | _explained_variation(sample, X @ estimates),
        blocks={"Unit means": means} if means else {},
        predictor=partial(_predict, sample=sample, residuals=sample.y - X @ estimates),
    )
    if not means:
        return results
    test = results.test([f"`{name}`" for name in means])
    return replace(
        results, statistics={**results.statistics, "mundlak": test.statistic, "mundlak_p": test.pvalue}
    )


def least_squares(
    y: np.ndarray, X: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Weighted) least squares by QR: estimates, (X'WX)⁻¹ and residuals."""
    if X.shape[1] == 0:
        raise ModelError("no regressor is left to estimate", remedy="See the warning on collinear regressors")
    if len(y) < X.shape[1]:
        raise ModelError(f"{len(y)} observations do not identify {X.shape[1]} parameters")
    root = None if weights is None else np.sqrt(weights)
    Q, R = np.linalg.qr(X if root is None else X * root[:, None])
    estimates = np.linalg.solve(R, Q.T @ (y if root is None else y * root))
    inverse = np.linalg.inv(R)
    return estimates, inverse @ inverse.T, y - X @ estimates


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
        absorbed = [*sample.absorbed.values()]
        weighted = X if weights is None else X * weights[:, None]
        groups = int(codes.max()) + 1
        refit = not all(nested_in(effect, codes) for effect in absorbed)
        gram, moment = weighted.T @ X, weighted.T @ y
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=groups))
        found = np.empty((groups, X.shape[1]))
        deficient = 0
        for group in range(groups):
            rows = order[ends[group - 1] if group else 0 : ends[group]]
            if refit:
                left, right = _moments_without(rows, sample, absorbed)
            else:
                left, right = gram - weighted[rows].T @ X[rows], moment - weighted[rows].T @ y[rows]
            # Scaling by the diagonal keeps the rank decision free of the regressors' units.
            scale = np.sqrt(np.maximum(np.diag(gram), np.finfo(float).tiny))
            solution, _, rank, _ = np.linalg.lstsq(left / np.outer(scale, scale), right / scale, rcond=1e-11)
            found[group] = solution / scale
            deficient += rank < X.shape[1]
        if deficient:
            warnings.warn(
                f"without {deficient} of {groups} clusters a regressor is collinear; its CRV3 error is void",
                EstimationWarning,
                stacklevel=6,
            )
        return found

    return estimates


def _moments_without(
    rows: np.ndarray, sample: Sample, absorbed: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    keep = np.ones(len(sample.y), dtype=bool)
    keep[rows] = False
    weights = None if sample.weights is None else sample.weights[keep]
    codes = [np.unique(effect[keep], return_inverse=True)[1] for effect in absorbed]
    both = demean(np.column_stack([sample.y[keep], sample.X[keep]]), codes, weights)
    weighted = both[:, 1:] if weights is None else both[:, 1:] * weights[:, None]
    return weighted.T @ both[:, 1:], weighted.T @ both[:, 0]


def _fit_statistics(sample: Sample, y_within: np.ndarray, rss: float, left: int) -> dict[str, float]:
    constant = bool(sample.absorbed) or "Intercept" in sample.names
    mean = np.average(sample.y, weights=sample.weights) if constant else 0.0
    total = _sum_of_squares(sample.y - mean, sample.weights)
    mass = sample.nobs if sample.weights is None else float(sample.weights.sum())
    statistics = {"r2": 1 - rss / total, "r2_adjusted": 1 - (rss / left) / (total / (sample.nobs - constant))}
    if sample.absorbed:
        statistics["r2_within"] = 1 - rss / _sum_of_squares(y_within, sample.weights)
    return statistics | {"rmse": float(np.sqrt(rss / left * sample.nobs / mass))}


def _unit_statistics(results: Results, sigma2: float) -> dict[str, float]:
    """σ_u (standard deviation of the estimated unit effects), σ_e and ρ, as Stata's `xtreg, fe` has them."""
    sample = results.sample
    assert sample is not None
    assert sample.unit is not None
    index = sample.X @ results.params.to_numpy()
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


def _predict(
    results: Results, data: pd.DataFrame | None, *, sample: Sample, residuals: np.ndarray
) -> pd.Series:
    """Fitted values of the sample, absorbed effects included; x'b for the rows of `data`."""
    if data is None:
        return pd.Series(sample.y - residuals, index=sample.source.index[sample.rows], name="fitted")
    if sample.absorbed or len(results.params) != len(sample.names):
        raise ModelError(
            "absorbed effects and unit means are not known for new rows",
            remedy="Write the effect among the regressors, as C(year), or predict for the sample",
        )
    values = sample.design.matrix(data) @ results.params.to_numpy()
    return pd.Series(values, index=data.index, name="fitted")
