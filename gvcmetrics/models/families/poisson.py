"""Poisson: E(y) = exp(eta); the quasi-likelihood of any non-negative outcome."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numba import njit

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.batch import EstimationSample
from gvcmetrics.models.effects.gamma import gamma_intercept
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.effects.random import random_intercept
from gvcmetrics.models.effects.separated import separated
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.families.kernels.mixed_count import negative_binomial_kernel
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.expected import exponential
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList


@njit(cache=True, nogil=True)
def poisson_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """y eta - exp(eta) - log y!, with its first and second derivative in eta."""
    for i in range(y.shape[0]):
        mu = math.exp(eta[i, 0])
        loglik[i] = y[i] * eta[i, 0] - mu - math.lgamma(y[i] + 1.0)
        gradient[i, 0] = y[i] - mu
        hessian[i, 0] = -mu


def start_count(y: Array, weights: Array) -> tuple[Array, Array]:
    """Log of the mean."""
    return np.log(np.array([(weights @ y + 0.5) / (weights.sum() + 0.5)])), np.empty(0)


def bend_poisson(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """Derivatives of -mu in eta."""
    mu = np.exp(eta)
    return -mu, -mu


def start_index(y: Array, weights: Array) -> Array:
    """The log of a value between each outcome and the mean."""
    return np.log((y + np.average(y, weights=weights)) / 2.0)


family = Family(
    "poisson",
    poisson_kernel,
    start_count,
    outcomes=None,
    canonical=True,
    bend=bend_poisson,
    expected=exponential(),
    index_start=start_index,
)


def _pooled(request: Request, response: Response, sample: Any) -> Estimate:
    """In memory separated rows are looked for, as with absorbed effects."""
    return (separated if sample.in_memory else pooled)(request, response, sample)


def _random(request: Request, response: Response, sample: Any) -> Estimate:
    """A unit effect with the distribution that was asked for."""
    if not _gamma(request):
        return random_intercept(request, response, sample)
    if request.nquad != "auto":
        raise ModelError("gamma effects take no quadrature", remedy="Leave out nquad=")
    return gamma_intercept(request, response, sample, negative_binomial_kernel)


def _gamma(request: Request) -> bool:
    """Whether effects are gamma; normal ones are what the road knows."""
    asked = request.options.get("heterogeneity", "normal")
    if asked not in ("normal", "gamma"):
        raise ModelError(f"heterogeneity={asked!r} is not known", remedy="Use 'normal' or 'gamma'")
    return bool(asked == "gamma")


def _without_distribution(
    made: Callable[[Request, Response, Any], Estimate],
) -> Callable[[Request, Response, Any], Estimate]:
    """The estimator of a treatment whose effects have no distribution, or that has none."""

    def estimate(request: Request, response: Response, sample: Any) -> Estimate:
        if _gamma(request):
            raise ModelError(
                "heterogeneity='gamma' is a distribution of random effects",
                remedy="Use it with effects='random' or 'correlated'",
            )
        return made(request, response, sample)

    return estimate


def _no_counts(sample: EstimationSample) -> bool:
    """Whether the outcome is anything but a count, of which this is no distribution."""
    return any((batch.y != np.floor(batch.y)).any() for batch in sample.batches())


POISSON = Response(
    "poisson",
    "Poisson",
    outcomes.AMOUNT,
    lambda _: family,
    {
        "pooled": Treatment(_without_distribution(_pooled), from_file=True),
        "absorbed": Treatment(_without_distribution(separated)),
        "fixed": Treatment(_without_distribution(separated), absorbs_unit=True),
        "random": Treatment(_random, coding=outcomes.COUNT),
        "correlated": Treatment(_random, coding=outcomes.COUNT),
        "correlated_pooled": Treatment(_without_distribution(pooled), coding=outcomes.COUNT),
    },
    quasi=_no_counts,
    slopes=True,
    index_words="log of the expected outcome",
    response_words="expected outcome",
    ratio="incidence-rate ratio",
)


def poisson(
    formula: str,
    data: pd.DataFrame | str | Path,
    *,
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    effects: str = "pooled",
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    offset: str | None = None,
    nquad: int | str = "auto",
    heterogeneity: Literal["normal", "gamma"] = "normal",
    bias_correction: str | None = None,
    subset: str | Sequence[bool] | None = None,
    split: str | None = None,
    fsplit: str | None = None,
    trusted: bool = True,
) -> Results | ResultsList:
    r"""Poisson regression, with absorbed and fixed unit effects.

    .. math:: E[y_{it}] = \exp(x_{it}'\beta + \alpha_i + \lambda_t + o_{it})

    The outcome need not be a count: the estimator is consistent for any outcome ≥ 0 with this mean
    (Gourieroux, Monfort & Trognon 1984; Santos Silva & Tenreyro 2006). Unit effects bring no
    incidental-parameter bias: the estimates equal those of the conditional likelihood of
    Hausman, Hall & Griliches (1984).

    Observations that the regressors and effects separate (fitted mean zero, as a unit whose outcome
    is always zero) carry no information; they are left out, counted and warned of (Correia,
    Guimarães & Zylkin 2019).

    Parameters
    ----------
    formula, data, unit, time, vcov, weights, frequency, subset, split, fsplit, trusted : as in `ols`;
        covariances without the normality of the outcome are `"hetero"` and `{"CRV1": …}`.
    effects : `pooled`; `fixed`: unit effects absorbed; `random`, `correlated`, `correlated_pooled`: as in
        `logit`, for counts.
    offset : column or expression with coefficient one, such as `"log(population)"`.
    nquad : quadrature points of random effects; `"auto"` raises them from 12 until log likelihood and
        estimates settle, see `quadrature_check` of the result.
    heterogeneity : of random effects. `"normal"`: :math:`\alpha_i` is normal, with standard deviation
        `sigma_u`. `"gamma"`: :math:`e^{\alpha_i}` is gamma with mean one and variance
        :math:`e^{\texttt{log\_alpha}}`, in closed form (Hausman, Hall & Griliches 1984; the default of
        Stata's `xtpoisson, re`), and the mean is :math:`\exp(x'\beta)`.
    bias_correction : `"analytical"`, of the three-way gravity model `"trade ~ rta | exporter^year +
        importer^year + exporter^importer"`: its estimates have a bias of the order of their errors, and
        errors clustered by pair are too small. Both are corrected (Weidner & Zylkin 2021); `"iid"` and
        `"hetero"` then stand for the corrected errors by pair.

    Raises
    ------
    DataError : the outcome is negative.
    ModelError : see the message.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"firm": [1, 1, 1, 2, 2, 2], "rd": [0.0, 1, 2, 1, 2, 4],
    ...     "patents": [1, 2, 5, 0, 2, 3]})
    >>> poisson("patents ~ rd", frame, unit="firm", effects="fixed").params.round(4).to_dict()
    {'rd': 0.6686}
    """
    return fit(
        Request(
            poisson, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, nquad=nquad,
            bias_correction=bias_correction, subset=subset, split=split, fsplit=fsplit, trusted=trusted,
            options={"heterogeneity": heterogeneity},
        ),
        POISSON,
    )  # fmt: skip
