"""Negative binomial (NB2): E(y) = mu = exp(eta), Var(y) = mu + alpha mu^2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numba import njit
from scipy.special import expit

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.effects.random import random_intercept
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.families.poisson import start_count
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.expected import exponential
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.results.results import Results

_NO_DISPERSION = 1e-6


@njit(cache=True, nogil=True)
def negative_binomial_kernel(
    y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any
) -> None:
    """Log likelihood and derivatives in eta and log alpha; O(y) an observation, exact as alpha -> 0.

    sum_{j<y} log(1 + alpha j) - log y! + y eta - (y + 1/alpha) log(1 + alpha mu)
    (Cameron & Trivedi 1998, equation 3.26, with the gamma ratio written as a product).
    """
    alpha = math.exp(constants[0])
    for i in range(y.shape[0]):
        mu = math.exp(eta[i, 0])
        a = alpha * mu
        log1a = math.log1p(a)
        # log(1+a)/alpha - mu/(1+a) and its derivative in log alpha, free of cancellation for small a
        if a < 1e-3:
            gap = mu * a * (0.5 - a * (2.0 / 3.0 - a * (0.75 - 0.8 * a)))
            gap_slope = mu * a * (0.5 - a * (4.0 / 3.0 - a * (2.25 - 3.2 * a)))
        else:
            gap = log1a / alpha - mu / (1.0 + a)
            gap_slope = -gap + mu * a / (1.0 + a) ** 2
        total = slope = curve = 0.0
        for j in range(int(y[i])):
            u = alpha * j
            total += math.log1p(u)
            slope += u / (1.0 + u)
            curve += u / (1.0 + u) ** 2
        odds = 1.0 / (1.0 + a)
        loglik[i] = total - math.lgamma(y[i] + 1.0) + y[i] * (eta[i, 0] - log1a) - gap - mu * odds
        gradient[i, 0] = (y[i] - mu) * odds
        gradient[i, 1] = slope - y[i] * a * odds + gap
        hessian[i, 0] = -mu * odds - (y[i] - mu) * a * odds * odds
        hessian[i, 1] = -(y[i] - mu) * a * odds * odds
        hessian[i, 2] = curve - y[i] * a * odds * odds + gap_slope


def start_negative_binomial(y: Array, weights: Array) -> tuple[Array, Array]:
    """Log of the mean, and the dispersion of the method of moments."""
    mean = np.average(y, weights=weights)
    spread = np.average((y - mean) ** 2, weights=weights)
    alpha = max((spread - mean) / mean**2, 0.05)
    return start_count(y, weights)[0], np.array([np.log(alpha)])


def bend_negative_binomial(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """Derivatives of the Hessian in eta, with s = alpha mu/(1 + alpha mu) and its slopes b, b', b''."""
    mu = np.exp(eta)
    s = expit(eta + constants[0])
    b = s * (1.0 - s)
    b1, b2 = b * (1.0 - 2.0 * s), b * (1.0 - 6.0 * b)
    left = y[:, None] - mu
    first = [mu * (2.0 * b - 1.0 + s) - left * b1, mu * b - left * b1, -left * b1]
    second = [
        mu * (3.0 * (b + b1) - 1.0 + s) - left * b2,
        mu * (b + 2.0 * b1) - left * b2,
        mu * b1 - left * b2,
    ]
    return np.concatenate(first, axis=1), np.concatenate(second, axis=1)


def _on_the_edge(constants: Array) -> str | None:
    """Whether the dispersion has run to zero."""
    if np.exp(constants[0]) < _NO_DISPERSION:
        return "The dispersion is at its lower bound, zero: the model is the Poisson one."
    return None


family = Family(
    "negative_binomial",
    negative_binomial_kernel,
    start_negative_binomial,
    constants=("log_alpha",),
    outcomes=None,
    bend=bend_negative_binomial,
    expected=exponential(),
    boundary=_on_the_edge,
)
NEGATIVE_BINOMIAL = Response(
    "negative_binomial",
    "Negative binomial",
    outcomes.COUNT,
    lambda _: family,
    {
        "pooled": Treatment(pooled, from_file=True),
        "random": Treatment(random_intercept),
        "correlated": Treatment(random_intercept),
        "correlated_pooled": Treatment(pooled),
    },
    instead={
        "fixed": "Use gvc.poisson with effects='fixed' and clustered errors, which allow any dispersion"
    },
    limit="poisson",
    index_words="log of the expected outcome",
    response_words="expected outcome",
)


def negative_binomial(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int = 12,
    fix: Mapping[str, float] | None = None, trusted: bool = True,
) -> Results:  # fmt: skip
    r"""Negative binomial (NB2) regression of a count (Cameron & Trivedi 1998).

    .. math:: E[y_{it}] = \mu_{it} = \exp(x_{it}'\beta + \alpha_i), \qquad
       \mathrm{Var}(y_{it}) = \mu_{it} + e^{\texttt{log\_alpha}} \mu_{it}^2

    Parameters are those of `logit`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "patents": [0, 3, 0, 1, 9, 2, 0, 14]})
    >>> negative_binomial("patents ~ rd", frame).params.round(4).to_dict()
    {'Intercept': -0.2418, 'rd': 0.3504, 'log_alpha': 0.3018}
    """
    return fit(
        Request(
            negative_binomial, formula, data, unit=unit, time=time, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, nquad=nquad, fix=fix,
            trusted=trusted,
        ),
        NEGATIVE_BINOMIAL,
    )  # fmt: skip
