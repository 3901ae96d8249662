"""Negative binomial (NB2): E(y) = mu = exp(eta), Var(y) = mu + alpha mu^2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.effects.random import random_intercept
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.families.kernels.mixed_count import negative_binomial_kernel
from gvcmetrics.models.families.poisson import start_count
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.expected import exponential
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList

_NO_DISPERSION = 1e-6


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
    ratio="incidence-rate ratio",
)


def negative_binomial(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, step: float = 1,
    effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int | str = "auto",
    fix: Mapping[str, float] | None = None, subset: str | Sequence[bool] | None = None,
    split: str | None = None, fsplit: str | None = None, trusted: bool = True,
) -> Results | ResultsList:  # fmt: skip
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
            negative_binomial, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, nquad=nquad, fix=fix,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
        ),
        NEGATIVE_BINOMIAL,
    )  # fmt: skip
