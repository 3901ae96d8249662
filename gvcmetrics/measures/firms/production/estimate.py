"""One production function on one sample: point estimate, bootstrap by firm, productivity of every row."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.measures.firms.production.firm_years import Sample
from gvcmetrics.measures.firms.production.flexible import pose_share
from gvcmetrics.measures.firms.production.forms import Surface
from gvcmetrics.measures.firms.production.linear import clustered_ols, wooldridge
from gvcmetrics.measures.firms.production.proxy import pose, starting_points

Floats = NDArray[np.float64]

PROXY_METHODS = ("olley_pakes", "levinsohn_petrin", "ackerberg_caves_frazer")
FLEXIBLE = "gandhi_navarro_rivers"
METHODS = ("ols", "fixed_effects", *PROXY_METHODS, "wooldridge", FLEXIBLE)


@dataclass(frozen=True)
class Options:
    """Method, degree of the control function and of productivity's Markov process, selection, bootstrap."""

    method: str
    degree: int
    markov_degree: int
    survival: bool
    bootstrap: int
    seed: int
    objective: str = "residuals"


@dataclass(frozen=True)
class Estimate:
    """Coefficients and standard errors of the inputs, all solutions of the second stage, and draws.

    Standard errors are missing where they would need a bootstrap that was not asked for;
    `first_stage_residual` (aligned to the sample) exists for methods with two stages only. `surface` is the
    function itself where it is of no form with these coefficients, which are then its mean elasticities.
    """

    coefficients: Floats
    std_errors: Floats
    solutions: list[Floats]
    draws: Floats
    first_stage_residual: Floats | None
    surface: Surface | None = None


def estimate(sample: Sample, options: Options) -> Estimate:
    """Estimate by the method and, where asked, bootstrap by firm."""
    ones = np.ones(len(sample.y))
    if options.method == "wooldridge":
        beta, covariance = wooldridge(sample, options.degree)
        return Estimate(beta, np.sqrt(np.diag(covariance)), [beta], np.empty((0, len(beta))), None)
    if options.method == FLEXIBLE:
        flexible = pose_share(sample, degree=options.degree, markov_degree=options.markov_degree)
        found = flexible.estimate(ones)
        draws = _bootstrap(lambda weight: flexible.estimate(weight, [found.theta]).mean, sample, options)
        spread = _spread(draws, len(found.mean))
        return Estimate(found.mean, spread, found.solutions, draws, found.noise, found.surface)
    ols, ols_covariance = clustered_ols(sample, ones, fixed_effects=False)
    if options.method in PROXY_METHODS:
        problem = pose(
            sample,
            method=options.method,
            degree=options.degree,
            markov_degree=options.markov_degree,
            survival=options.survival,
            objective=options.objective,
        )
        beta, solutions = problem.estimate(ones, starting_points(sample, ols))
        draws = _bootstrap(lambda weight: problem.estimate(weight, [beta])[0], sample, options)
        return Estimate(beta, _spread(draws, len(beta)), solutions, draws, problem.first_stage(ones)[2])
    fixed = options.method == "fixed_effects"
    beta, covariance = clustered_ols(sample, ones, fixed_effects=True) if fixed else (ols, ols_covariance)
    draws = _bootstrap(lambda weight: clustered_ols(sample, weight, fixed_effects=fixed)[0], sample, options)
    analytic = np.sqrt(np.diag(covariance))
    return Estimate(beta, _spread(draws, len(beta)) if len(draws) else analytic, [beta], draws, None)


def _bootstrap(fit: Callable[[Floats], Floats], sample: Sample, options: Options) -> Floats:
    """Estimates on samples of firms drawn with replacement; draws without a solution are missing.

    A firm drawn twice counts twice, so weights replace resampling and lags stay within firms. The weights are
    drawn before the threads start: results do not depend on how many there are.
    """
    rng = np.random.default_rng(options.seed)
    firms = sample.n_firms
    counts = rng.multinomial(firms, np.full(firms, 1 / firms), size=options.bootstrap).astype(float)

    def one(weights: Floats) -> Floats:
        try:
            return fit(weights[sample.firm])
        except (ModelError, np.linalg.LinAlgError):
            return np.full(sample.x.shape[1], np.nan)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.array(list(pool.map(one, counts))).reshape(-1, sample.x.shape[1])


def _spread(draws: Floats, inputs: int) -> Floats:
    solved = draws[~np.isnan(draws).any(axis=1)]
    return solved.std(axis=0, ddof=1) if len(solved) > 1 else np.full(inputs, np.nan)
