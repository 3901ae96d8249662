"""Simulated panels with known parameters, one design for each response and treatment of unit effects.

For testing estimators only. The rows follow the model that the estimator assumes:

.. math:: \\eta_{it} = \\beta_0 + \\beta_1 x_{1,it} + \\beta_2 d_{it} + \\alpha_i

with :math:`x_1` normal (partly constant within units), d a coin, and a unit effect that is zero
(`pooled`), normal (`random`), :math:`\\gamma\\bar x_{1,i}` plus a normal part (`correlated`) or without it
(`correlated_pooled`), or a skewed function of :math:`\\bar x_{1,i}` (`fixed`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError

INTERCEPT, SLOPE, SHIFT = -0.3, 0.5, -0.4
SIGMA, GAMMA = 0.8, 0.6
CUTS = (-0.8, 0.4, 1.4)
SECOND = {"Intercept": 0.2, "x1": -0.4, "d": 0.6}
DISPERSION, CORRELATION, PRECISION, NOISE = 0.5, 0.5, 4.0, 1.0
EFFECTS = ("pooled", "fixed", "random", "correlated", "correlated_pooled")

Draw = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _count(eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(np.exp(eta))


def _mixed_count(eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(np.exp(eta) * rng.gamma(1 / DISPERSION, DISPERSION, len(eta)))


def _share(eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    mean = 1 / (1 + np.exp(-eta))
    return rng.beta(PRECISION * mean, PRECISION * (1 - mean))


_DRAWS: dict[str, Draw] = {
    "ols": lambda eta, rng: eta + rng.normal(0, NOISE, len(eta)),
    "logit": lambda eta, rng: (eta + rng.logistic(size=len(eta)) > 0).astype(int),
    "probit": lambda eta, rng: (eta + rng.normal(size=len(eta)) > 0).astype(int),
    "cloglog": lambda eta, rng: (rng.exponential(size=len(eta)) < np.exp(eta)).astype(int),
    "poisson": _count,
    "negative_binomial": _mixed_count,
    "fractional_logit": _share,
    "ordered_logit": lambda eta, rng: np.searchsorted(CUTS, eta + rng.logistic(size=len(eta))),
    "ordered_probit": lambda eta, rng: np.searchsorted(CUTS, eta + rng.normal(size=len(eta))),
}
RESPONSES = (*_DRAWS, "multinomial_logit", "joint_probit")


def simulate_panel(
    response: str,
    effects: str = "pooled",
    *,
    units: int = 300,
    periods: int = 6,
    outcomes: int = 2,
    sigma: float = SIGMA,
    seed: int = 0,
) -> pd.DataFrame:
    """A balanced panel drawn from the model of one response and one treatment of unit effects.

    Parameters
    ----------
    response : one of `RESPONSES`, named as the estimators are.
    effects : one of `EFFECTS`.
    units, periods : its size. outcomes : two to four, of `joint_probit`. sigma : standard deviation of
        normal unit effects. seed : of the draws.

    Returns
    -------
    pandas.DataFrame
        `unit`, `period`, `x1`, `d`, `effect` (of the unit), `y` (outcomes `y1`, `y2`, … of `joint_probit`),
        with ``attrs["simulated"] = True``, ``attrs["formula"]`` and ``attrs["truth"]``: the parameters by the
        name that the estimator gives them.

    Raises
    ------
    ModelError
        For an unknown response or effects.
    """
    if response not in RESPONSES or effects not in EFFECTS:
        raise ModelError(
            f"there is no simulated panel of {response!r} with effects={effects!r}",
            remedy=f"Choose from {', '.join(RESPONSES)} and {', '.join(EFFECTS)}.",
        )
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), periods)
    x1 = 0.5 * rng.normal(size=units)[unit] + rng.normal(0, 0.9, len(unit))
    d = rng.integers(0, 2, len(unit)).astype(float)
    alpha, truth = _unit_effects(effects, np.bincount(unit, x1) / periods, sigma, rng)
    period = np.tile(np.arange(periods), units)
    frame = pd.DataFrame({"unit": unit, "period": period, "x1": x1, "d": d, "effect": alpha[unit]})
    ordered = response.startswith("ordered")
    eta = (0.0 if ordered else INTERCEPT) + SLOPE * x1 + SHIFT * d + alpha[unit]
    slopes = {"x1": SLOPE, "d": SHIFT, **truth}
    if response in _DRAWS:
        frame["y"] = _DRAWS[response](eta, rng)
        slopes |= {"log_alpha": np.log(DISPERSION)} if response == "negative_binomial" else {}
        if ordered and effects != "fixed":
            slopes |= {f"cut{j}": cut for j, cut in enumerate(CUTS, 1)}
    else:
        other = SECOND["Intercept"] + SECOND["x1"] * x1 + SECOND["d"] * d + alpha[unit]
        if response == "multinomial_logit":
            utility = np.column_stack([np.zeros(len(eta)), eta, other]) + rng.gumbel(size=(len(eta), 3))
            frame["y"] = utility.argmax(axis=1)
            slopes = _equations(slopes, ["1", "2"])
        else:
            names = [f"y{j}" for j in range(1, outcomes + 1)]
            spread = np.full((outcomes, outcomes), CORRELATION)
            np.fill_diagonal(spread, 1.0)
            errors = rng.multivariate_normal(np.zeros(outcomes), spread, len(eta))
            index = np.column_stack([(eta, other)[j % 2] for j in range(outcomes)])
            frame[names] = (index + errors > 0).astype(int)
            pairs = {f"rho({b}, {a})": CORRELATION for b, a in combinations(names[::-1], 2)}
            slopes = _equations(slopes, names) | pairs
    frame.attrs["simulated"] = True
    left = [str(name) for name in frame if str(name).startswith("y")]
    frame.attrs["formula"] = f"{' + '.join(left)} ~ x1 + d"
    frame.attrs["truth"] = slopes
    return frame


def simulate_clusters(
    response: str = "ols", *, clusters: int = 8, size: int = 30, seed: int = 0
) -> pd.DataFrame:
    """Rows in clusters that share an error and a regressor x1 without effect: for the size of tests.

    Parameters
    ----------
    response : `ols` or `logit`. clusters, size : their number, and rows in each.

    Returns
    -------
    pandas.DataFrame
        `cluster`, `x1` (constant in a cluster), `x2`, `y`, with ``attrs["simulated"] = True`` and
        ``attrs["truth"]``; of a logit without x2, whose coefficient the clusters' errors make smaller.
    """
    if response not in ("ols", "logit"):
        raise ModelError(f"there are no simulated clusters of {response!r}", remedy="Choose ols or logit.")
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), size)
    x2 = rng.normal(size=len(cluster))
    eta = SLOPE * x2 + 0.5 * rng.normal(size=clusters)[cluster]
    frame = pd.DataFrame(
        {
            "cluster": cluster,
            "x1": rng.normal(size=clusters)[cluster],
            "x2": x2,
            "y": _DRAWS[response](eta, rng),
        }
    )
    frame.attrs["simulated"] = True
    frame.attrs["truth"] = {"x1": 0.0, **({"x2": SLOPE} if response == "ols" else {})}
    return frame


def simulate_survey(
    response: str = "ols", *, strata: int = 8, units: int = 8, size: int = 30, seed: int = 0
) -> pd.DataFrame:
    """A stratified sample of primary sampling units in which rows of high outcome are oversampled.

    The errors of a sampling unit, and x1, which is constant in it, are shared (a correlation of a half), and
    a row is the likelier to be kept the higher its outcome, in every second stratum half as likely; without
    the weights the intercept is too high.

    Parameters
    ----------
    response : `ols` or `logit`. strata, units, size : strata, sampling units in each, and rows in each
        before selection.

    Returns
    -------
    pandas.DataFrame
        `stratum`, `psu`, `x1`, `x2`, `weight`, `y`, with ``attrs["simulated"] = True`` and
        ``attrs["truth"]``.
    """
    if response not in ("ols", "logit"):
        raise ModelError(f"there is no simulated survey of {response!r}", remedy="Choose ols or logit.")
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(strata * units), size)
    x1, x2 = rng.normal(size=strata * units)[psu], rng.normal(size=len(psu))
    # A half of the error's variance is the sampling unit's: normal, then given the distribution of the model.
    rank = stats.norm.cdf((rng.normal(size=strata * units)[psu] + rng.normal(size=len(psu))) / np.sqrt(2))
    eta = INTERCEPT + SLOPE * x1 + SHIFT * x2
    error = stats.logistic.ppf(rank) if response == "logit" else NOISE * stats.norm.ppf(rank)
    stratum = psu // units
    chance = (0.2 + 0.6 * stats.norm.cdf(eta + error)) / (1 + stratum % 2)
    kept = rng.uniform(size=len(psu)) < chance
    frame = pd.DataFrame({"stratum": stratum, "psu": psu, "x1": x1, "x2": x2, "weight": 1 / chance})
    frame["y"] = (eta + error > 0).astype(int) if response == "logit" else eta + error
    frame = frame[kept].reset_index(drop=True)
    frame.attrs["simulated"] = True
    frame.attrs["truth"] = {"Intercept": INTERCEPT, "x1": SLOPE, "x2": SHIFT}
    return frame


def _unit_effects(
    effects: str, mean: np.ndarray, sigma: float, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, float]]:
    """The unit effects, and the parameters of theirs that an estimator reports."""
    normal = sigma * rng.normal(size=len(mean))
    if effects == "random":
        return normal, {"sigma_u": sigma}
    if effects == "correlated":
        return GAMMA * mean + normal, {"mean(x1)": GAMMA, "sigma_u": sigma}
    if effects == "correlated_pooled":
        return GAMMA * mean, {"mean(x1)": GAMMA}
    if effects == "fixed":
        return mean + 0.5 * (rng.exponential(size=len(mean)) - 1), {}
    return np.zeros(len(mean)), {}


def _equations(first: dict[str, float], names: Sequence[str]) -> dict[str, float]:
    """Coefficients by equation, in turn those of the first and of the second."""
    second = {**first, "x1": SECOND["x1"], "d": SECOND["d"]}
    return {f"{name}: {term}": value for j, name in enumerate(names)
            for term, value in (first, second)[j % 2].items()}  # fmt: skip
