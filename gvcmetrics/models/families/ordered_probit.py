"""Ordered probit: P(y <= j) = F(cut_j - eta), F normal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numba import njit
from scipy.special import log_ndtr, ndtr, ndtri

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.effects.random import random_intercept
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import NOT_CONDITIONAL, Response, Treatment
from gvcmetrics.models.families.kernels.ordered import about, ordered_family, packed, place
from gvcmetrics.models.families.kernels.scalar import (
    inverse_mills,
    inverse_mills_slope,
    log_normal_cdf,
    log_normal_pdf,
)  # fmt: skip
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.likelihood.third import normal
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList


@njit(cache=True, nogil=True)
def ordered_probit_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """log[Phi(u) - Phi(l)], taken in the lower tail by symmetry."""
    top = constants.shape[0]
    for i in range(y.shape[0]):
        k = int(y[i])
        if k == 0 or k == top:
            x = constants[0] - eta[i, 0] if k == 0 else eta[i, 0] - constants[k - 1]
            mills = inverse_mills(x)
            h = -mills * inverse_mills_slope(x)
            loglik[i] = log_normal_cdf(x)
            if k == 0:
                derivatives = (-mills, mills, 0.0, h, -h, 0.0, h, 0.0, 0.0)
            else:
                derivatives = (mills, 0.0, -mills, h, 0.0, -h, 0.0, 0.0, h)
            place(i, k, derivatives, gradient, hessian)
            continue
        u, low = constants[k] - eta[i, 0], constants[k - 1] - eta[i, 0]
        if u <= low:
            loglik[i] = -math.inf
            gradient[i, :] = 0.0
            hessian[i, :] = 0.0
            continue
        if u + low > 0.0:
            far, near = log_normal_cdf(-low), log_normal_cdf(-u)
        else:
            far, near = log_normal_cdf(u), log_normal_cdf(low)
        drop = near - far
        log_p = far + (math.log(-math.expm1(drop)) if drop > -1.0 else math.log1p(-math.exp(drop)))
        au = math.exp(log_normal_pdf(u) - log_p)
        al = math.exp(log_normal_pdf(low) - log_p)
        huu, hll, hul = -u * au - au * au, low * al - al * al, au * al
        loglik[i] = log_p
        derivatives = (
            al - au, au, -al,
            low * al - u * au - (au - al) ** 2, -huu - hul, -hll - hul,
            huu, hul, hll,
        )  # fmt: skip
        place(i, k, derivatives, gradient, hessian)


def bend_ordered_probit(y: Array, eta: Array, cuts: Array) -> tuple[Array, Array]:
    """Derivatives in eta of the Hessian of log P, written in A = phi(u)/P and B = phi(l)/P."""
    u, low = about(y, eta, cuts)
    upper = u + low > 0.0
    far, near = log_ndtr(np.where(upper, -low, u)), log_ndtr(np.where(upper, -u, low))
    log_p = far + np.log(-np.expm1(near - far))
    A, B = (np.exp(-0.5 * x**2 - 0.5 * np.log(2.0 * np.pi) - log_p) for x in (u, low))
    u, low = (np.where(np.isfinite(x), x, 0.0) for x in (u, low))
    D = B - A
    A1, B1 = u * A - A * D, low * B - B * D
    h = low * B - u * A - D**2
    h1 = A - u * A1 - B + low * B1 - 2.0 * D * h
    A2, B2 = u * A1 - A - A1 * D - A * h, low * B1 - B - B1 * D - B * h
    h2 = low * B2 - u * A2 + 2.0 * (A1 - B1) - 2.0 * h**2 - 2.0 * D * h1
    uu1, uu2 = A - u * A1 - 2.0 * A * A1, 2.0 * A1 - u * A2 - 2.0 * (A1**2 + A * A2)
    ll1, ll2 = low * B1 - B - 2.0 * B * B1, low * B2 - 2.0 * B1 - 2.0 * (B1**2 + B * B2)
    ul1, ul2 = A1 * B + A * B1, A2 * B + 2.0 * A1 * B1 + A * B2
    first = (h1, -uu1 - ul1, -ll1 - ul1, uu1, ul1, ll1)
    second = (h2, -uu2 - ul2, -ll2 - ul2, uu2, ul2, ll2)
    return packed(y, len(cuts), first), packed(y, len(cuts), second)


def tails(x: Array) -> tuple[Array, Array, Array]:
    """F(x), F(-x) and the density of the standard normal distribution."""
    return ndtr(x), ndtr(-x), np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)


def family(categories: int) -> Family:
    """The family of an ordered response with categories 0, ..., categories - 1."""
    return ordered_family(
        "ordered_probit", ordered_probit_kernel, ndtri, bend_ordered_probit, normal, tails, 1.0, categories
    )  # fmt: skip


ORDERED_PROBIT = Response(
    "ordered_probit",
    "Ordered probit",
    outcomes.ORDERED_CATEGORIES,
    lambda sample: family(len(sample.categories or ())),
    {
        "pooled": Treatment(pooled, from_file=True),
        "random": Treatment(random_intercept),
        "correlated": Treatment(random_intercept),
        "correlated_pooled": Treatment(pooled),
    },
    instead={"fixed": NOT_CONDITIONAL.format(logit="gvc.ordered_logit")},
    intercept=False,
)  # fmt: skip


def ordered_probit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, step: float = 1,
    effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int | str = "auto",
    fix: Mapping[str, float] | None = None, subset: str | Sequence[bool] | None = None,
    split: str | None = None, fsplit: str | None = None, trusted: bool = True,
) -> Results | ResultsList:  # fmt: skip
    r"""Ordered probit (McKelvey & Zavoina 1975).

    .. math:: \Pr(y_{it} \le j) = \Phi(\kappa_j - x_{it}'\beta - \alpha_i)

    Parameters are those of `ordered_logit`, without `effects="fixed"`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "rung": [0, 1, 0, 1, 1, 2, 1, 2]})
    >>> ordered_probit("rung ~ rd", frame).params.round(4).to_dict()
    {'rd': 0.7163, 'cut1': 1.0253, 'cut2': 3.9887}
    """
    return fit(
        Request(
            ordered_probit, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, nquad=nquad, fix=fix,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
        ),
        ORDERED_PROBIT,
    )  # fmt: skip
