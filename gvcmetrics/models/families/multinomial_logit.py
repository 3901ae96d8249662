"""Multinomial logit: P(y = j) = exp(eta_j) / sum_k exp(eta_k), with eta_0 = 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.effects.conditional import conditional_multinomial
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood import third as thirds
from gvcmetrics.models.likelihood.family import Array, Family, shares
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList


def multinomial_kernel(
    y: Array, eta: Array, constants: Array, loglik: Array, gradient: Array, hessian: Array
) -> None:
    """eta_y - log sum_k exp(eta_k), with its derivatives in eta_1, ..., eta_{J-1}.

    In NumPy, whose exponential and logarithm take several numbers at a time.
    """
    n, m = eta.shape
    indices = np.zeros((m + 1, n))
    indices[1:] = eta.T
    indices -= indices.max(axis=0)
    p = np.exp(indices)
    total = p.sum(axis=0)
    p /= total
    chosen = y.astype(np.intp)
    np.subtract(indices[chosen, np.arange(n)], np.log(total), out=loglik)
    for j in range(m):
        np.subtract(chosen == j + 1, p[j + 1], out=gradient[:, j])
        for k in range(j):
            np.multiply(p[j + 1], p[k + 1], out=hessian[:, j * (j + 1) // 2 + k])
        np.multiply(p[j + 1], p[j + 1] - 1.0, out=hessian[:, j * (j + 3) // 2])


def family(categories: int) -> Family:
    """The family of a response with categories 0 (the base), ..., categories - 1."""

    def start(y: Array, weights: Array) -> tuple[Array, Array]:
        share = shares(y, weights, categories)
        return np.log(share[1:] / share[0]), np.empty(0)

    return Family(
        "multinomial_logit",
        multinomial_kernel,
        start,
        categories - 1,
        (),
        categories,
        third=thirds.multinomial,
    )


MULTINOMIAL_LOGIT = Response(
    "multinomial_logit",
    "Multinomial logit",
    outcomes.CATEGORIES,
    lambda sample: family(len(sample.categories or ())),
    {
        "pooled": Treatment(pooled, from_file=True),
        "fixed": Treatment(conditional_multinomial),
        "correlated_pooled": Treatment(pooled),
    },
    instead={
        "random": "Use effects='fixed', which needs no distribution of the unit effects",
        "correlated": "Use effects='correlated_pooled' or 'fixed'",
    },
    independent=True,
    index_words="log odds",
    ratio="relative-risk ratio",
)


def multinomial_logit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, step: float = 1,
    effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None,
    fix: Mapping[str, float] | None = None, subset: str | Sequence[bool] | None = None,
    split: str | None = None, fsplit: str | None = None, trusted: bool = True,
) -> Results | ResultsList:  # fmt: skip
    r"""Multinomial logit of a choice among categories (McFadden 1974).

    .. math:: \Pr(y_{it} = j) = \frac{\exp(x_{it}'\beta_j + \alpha_{ij})}{\sum_k \exp(x_{it}'\beta_k
       + \alpha_{ik})}, \qquad \beta_0 = 0

    The first category (in the order of a Categorical, else sorted) is the base. Parameters are those of
    `logit`. `effects="fixed"` is Chamberlain's (1980) conditional likelihood given how often each unit chose
    each category, by recursion over counts.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "kind": list("aabcbcca")})
    >>> multinomial_logit("kind ~ rd", frame).params.round(4).to_dict()
    {'b: Intercept': -0.6091, 'b: rd': 0.0719, 'c: Intercept': -1.5754, 'c: rd': 0.4279}
    """
    return fit(
        Request(
            multinomial_logit, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, fix=fix,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
        ),
        MULTINOMIAL_LOGIT,
    )  # fmt: skip
