"""Ordered logit: P(y <= j) = F(cut_j - eta), F logistic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numba import njit
from scipy.special import expit
from scipy.special import logit as log_odds

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.effects.conditional import blow_up_and_cluster
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.effects.random import random_intercept
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.families.kernels.ordered import about, ordered_family, packed, place
from gvcmetrics.models.families.logit import family as logit_family
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.likelihood.third import logistic
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList


@njit(cache=True, nogil=True)
def ordered_logit_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """log[F(u) - F(l)] = log F(u) + log F(-l) + log(1 - exp(l - u)), F logistic; stable everywhere."""
    top = constants.shape[0]
    # log(1 - exp(-d)) and 1/(exp(d) - 1) of the distance d between the cuts of each category
    gap, r = np.zeros(top + 1), np.zeros(top + 1)
    for k in range(1, top):
        d = constants[k] - constants[k - 1]
        if d <= 0.0:
            gap[k] = -math.inf
        else:
            gap[k] = math.log(-math.expm1(-d)) if d < 1.0 else math.log1p(-math.exp(-d))
            r[k] = 1.0 / math.expm1(d) if d < 700.0 else 0.0
    for i in range(y.shape[0]):
        k = int(y[i])
        eu = el = fu = fl = fu_slope = fl_slope = tails = 0.0
        if k < top:
            u = constants[k] - eta[i, 0]
            eu = math.exp(-abs(u))
            share = 1.0 / (1.0 + eu)
            fu = eu * share if u >= 0.0 else share
            fu_slope = eu * share * share
            tails += min(u, 0.0)
        if k > 0:
            low = constants[k - 1] - eta[i, 0]
            el = math.exp(-abs(low))
            share = 1.0 / (1.0 + el)
            fl = share if low >= 0.0 else el * share
            fl_slope = el * share * share
            tails += min(-low, 0.0)
        loglik[i] = tails - math.log1p(eu + el + eu * el) + gap[k]
        rr = r[k] * (1.0 + r[k])
        derivatives = (
            fl - fu, fu + r[k], -fl - r[k],
            -fu_slope - fl_slope, fu_slope, fl_slope,
            -fu_slope - rr, rr, -fl_slope - rr,
        )  # fmt: skip
        place(i, k, derivatives, gradient, hessian)


def bend_ordered_logit(y: Array, eta: Array, cuts: Array) -> tuple[Array, Array]:
    """Derivatives in eta of the Hessian of log F(u) + log F(-l), whose entries are the density at u and l."""
    (f1, f2), (g1, g2) = (
        (v * (1.0 - 2.0 * expit(x)), v * (1.0 - 6.0 * v))
        for x in about(y, eta, cuts)
        for v in [expit(x) * expit(-x)]
    )
    none = np.zeros(len(y))
    first = (f1 + g1, -f1, -g1, f1, none, g1)
    second = (-f2 - g2, f2, g2, -f2, none, -g2)
    return packed(y, len(cuts), first), packed(y, len(cuts), second)


def tails(x: Array) -> tuple[Array, Array, Array]:
    """F(x), F(-x) and the density of the logistic distribution."""
    below, above = expit(x), expit(-x)
    return below, above, below * above


def family(categories: int) -> Family:
    """The family of an ordered response with categories 0, ..., categories - 1."""
    return ordered_family(
        "ordered_logit", ordered_logit_kernel, log_odds, bend_ordered_logit, logistic, tails,
        np.pi**2 / 3, categories,
    )  # fmt: skip


ORDERED_LOGIT = Response(
    "ordered_logit",
    "Ordered logit",
    outcomes.ORDERED_CATEGORIES,
    lambda sample: family(len(sample.categories or ())),
    {
        "pooled": Treatment(pooled, from_file=True),
        "fixed": Treatment(blow_up_and_cluster),
        "random": Treatment(random_intercept),
        "correlated": Treatment(random_intercept),
        "correlated_pooled": Treatment(pooled),
    },
    intercept=False,
    cut=logit_family,
    index_words="log odds",
    ratio="odds ratio",
)  # fmt: skip


def ordered_logit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, step: float = 1,
    effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int | str = "auto",
    fix: Mapping[str, float] | None = None, subset: str | Sequence[bool] | None = None,
    split: str | None = None, fsplit: str | None = None, trusted: bool = True,
) -> Results | ResultsList:  # fmt: skip
    r"""Ordered logit: the proportional-odds model (McCullagh 1980).

    .. math:: \Pr(y_{it} \le j) = \frac{1}{1 + \exp(-\kappa_j + x_{it}'\beta + \alpha_i)}

    Parameters are those of `logit`; the outcome is a number or an ordered Categorical. `effects="fixed"` is
    the blow-up and cluster estimator (Baetschmann, Staub & Winkelmann 2015), which sums the conditional
    logits of all ways to cut the outcome in two; `vcov="iid"` then becomes clustering by unit, since the
    copies of a unit are dependent.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "rung": [0, 1, 0, 1, 1, 2, 1, 2]})
    >>> ordered_logit("rung ~ rd", frame).params.round(4).to_dict()
    {'rd': 1.1675, 'cut1': 1.6377, 'cut2': 6.5345}
    """
    return fit(
        Request(
            ordered_logit, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, nquad=nquad, fix=fix,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
        ),
        ORDERED_LOGIT,
    )  # fmt: skip
