"""Complementary log-log: P(y = 1) = 1 - exp(-exp(eta)); the discrete-time proportional hazard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numba import njit

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.effects.absorbed import absorbed
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.effects.random import random_intercept
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import NOT_CONDITIONAL, Response, Treatment
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.family import Array, Family, shares
from gvcmetrics.models.likelihood.third import extreme_value, of_value
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList


@njit(cache=True, nogil=True)
def cloglog_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """log(1 - exp(-mu)) or -mu, mu = exp(eta), with its first and second derivative in eta."""
    for i in range(y.shape[0]):
        x = eta[i, 0]
        mu = math.exp(x)
        if y[i] == 0.0:
            loglik[i] = -mu
            gradient[i, 0] = -mu
            hessian[i, 0] = -mu
        elif mu < 1e-3:
            # The series keeps what 1 - mu - gradient would lose to cancellation.
            gradient[i, 0] = 1.0 - mu / 2.0 + mu * mu / 12.0
            loglik[i] = x - mu / 2.0 + mu * mu / 24.0
            hessian[i, 0] = gradient[i, 0] * (-mu / 2.0 - mu * mu / 12.0)
        elif mu < 700.0:
            slope = mu / math.expm1(mu)
            loglik[i] = math.log(-math.expm1(-mu)) if mu < 1.0 else math.log1p(-math.exp(-mu))
            gradient[i, 0] = slope
            hessian[i, 0] = slope * (1.0 - mu - slope)
        else:
            loglik[i] = gradient[i, 0] = hessian[i, 0] = 0.0


def start_cloglog(y: Array, weights: Array) -> tuple[Array, Array]:
    """log(-log(share of zeros))."""
    return np.log(-np.log(shares(y, weights, 2)[:1])), np.empty(0)


def bend_cloglog(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """Derivatives in eta of -mu, or of r(1 - mu - r) with r = mu/(exp(mu) - 1), whose own slope that is."""
    mu = np.exp(np.minimum(eta, 700.0))
    r = mu / np.expm1(np.minimum(mu, 700.0))
    gap = np.where(mu < 1e-3, -mu / 2.0 - mu**2 / 12.0, 1.0 - mu - r)
    h = r * gap
    first = h * gap - r * (mu + h)
    second = first * gap - 2.0 * h * (mu + h) - r * (mu + first)
    one = y[:, None] > 0.0
    dead = mu >= 700.0
    return np.where(one, np.where(dead, 0.0, first), -mu), np.where(one, np.where(dead, 0.0, second), -mu)


family = Family(
    "cloglog",
    cloglog_kernel,
    start_cloglog,
    bend=bend_cloglog,
    third=lambda _: of_value(extreme_value),
    latent_variance=np.pi**2 / 6,
)

CLOGLOG = Response(
    "cloglog",
    "Complementary log-log",
    outcomes.BINARY,
    lambda _: family,
    {
        "pooled": Treatment(pooled, from_file=True),
        "absorbed": Treatment(absorbed),
        "random": Treatment(random_intercept),
        "correlated": Treatment(random_intercept),
        "correlated_pooled": Treatment(pooled),
    },
    instead={"fixed": NOT_CONDITIONAL.format(logit="gvc.logit")},
    ratio="hazard ratio",
)


def cloglog(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, step: float = 1,
    effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int | str = "auto",
    fix: Mapping[str, float] | None = None, subset: str | Sequence[bool] | None = None,
    split: str | None = None, fsplit: str | None = None, trusted: bool = True,
) -> Results | ResultsList:  # fmt: skip
    r"""Complementary log-log model of a 0/1 outcome: the hazard of a spell in discrete time.

    .. math:: \Pr(y_{it} = 1) = 1 - \exp\{-\exp(x_{it}'\beta + \alpha_i)\}

    With one row a period at risk and duration among the regressors, :math:`e^{\beta}` is the hazard ratio
    of a proportional-hazards model in continuous time (Prentice & Gloeckler 1978); see `spells`.

    Parameters are those of `logit`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "innovates": [0, 0, 1, 0, 1, 0, 1, 1]})
    >>> cloglog("innovates ~ rd", frame).params.round(4).to_dict()
    {'Intercept': -2.0021, 'rd': 0.4354}
    """
    return fit(
        Request(
            cloglog, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, nquad=nquad, fix=fix,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
        ),
        CLOGLOG,
    )  # fmt: skip
