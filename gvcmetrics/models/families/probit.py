"""Probit: P(y = 1) = Phi(eta)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numba import njit
from scipy.special import erfcx, ndtr, ndtri

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.effects.absorbed import absorbed
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.effects.random import random_intercept
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import NOT_CONDITIONAL, Response, Treatment
from gvcmetrics.models.families.kernels.scalar import inverse_mills, inverse_mills_slope, log_normal_cdf
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.family import Array, Family, shares
from gvcmetrics.models.likelihood.third import normal, of_value
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList


@njit(cache=True, nogil=True)
def probit_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """log Phi(q eta), q = 2y - 1, with its first and second derivative in eta."""
    for i in range(y.shape[0]):
        q = 2.0 * y[i] - 1.0
        x = q * eta[i, 0]
        mills = inverse_mills(x)
        loglik[i] = log_normal_cdf(x)
        gradient[i, 0] = q * mills
        hessian[i, 0] = -mills * inverse_mills_slope(x)


def start_probit(y: Array, weights: Array) -> tuple[Array, Array]:
    """Normal quantile of the share of ones."""
    return ndtri(shares(y, weights, 2)[1:]), np.empty(0)


def bend_probit(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """Derivatives of h = -m(x + m) in eta, x = q eta; the inverse Mills ratio m has the slope h."""
    q = 2.0 * y[:, None] - 1.0
    x = q * eta
    m = np.sqrt(2.0 / np.pi) / erfcx(-x / np.sqrt(2.0))
    h = -m * (x + m)
    first = -h * (x + m) - m * (1.0 + h)
    return q * first, -first * (x + 2.0 * m) - 2.0 * h * (1.0 + h)


def normal_density(eta: Array) -> tuple[Array, Array, Array]:
    """F, f and f' of the standard normal distribution."""
    f = np.exp(-0.5 * eta * eta) / np.sqrt(2 * np.pi)
    return ndtr(eta), f, -eta * f


family = Family(
    "probit",
    probit_kernel,
    start_probit,
    bend=bend_probit,
    third=lambda _: of_value(normal),
    density=normal_density,
    latent_variance=1.0,
)

PROBIT = Response(
    "probit",
    "Probit",
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
)


def probit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, step: float = 1,
    effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int | str = "auto",
    bias_correction: str | None = None, lags: int = 0, fix: Mapping[str, float] | None = None,
    subset: str | Sequence[bool] | None = None, split: str | None = None, fsplit: str | None = None,
    trusted: bool = True,
) -> Results | ResultsList:  # fmt: skip
    r"""Probit of a 0/1 outcome (Wooldridge 2010, chapter 15).

    .. math:: \Pr(y_{it} = 1) = \Phi(x_{it}'\beta + \alpha_i)

    Parameters are those of `logit`. There is no `effects="fixed"`: no statistic conditions the unit effects
    of a probit away.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "innovates": [0, 0, 1, 0, 1, 0, 1, 1]})
    >>> probit("innovates ~ rd", frame).params.round(4).to_dict()
    {'Intercept': -1.3082, 'rd': 0.3738}
    """
    return fit(
        Request(
            probit, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, nquad=nquad,
            bias_correction=bias_correction, lags=lags, fix=fix,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
        ),
        PROBIT,
    )  # fmt: skip
