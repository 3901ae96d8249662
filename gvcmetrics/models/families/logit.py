"""Logit: P(y = 1) = 1 / (1 + exp(-eta))."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.batch import EstimationSample
from gvcmetrics.models.effects.absorbed import absorbed
from gvcmetrics.models.effects.conditional import conditional_logit
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.effects.random import random_intercept
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment, usual_scales
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.expected import Scale, index
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.likelihood.third import logistic, of_value
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList


def logit_kernel(
    y: Array, eta: Array, constants: Array, loglik: Array, gradient: Array, hessian: Array
) -> None:
    """y log p + (1 - y) log(1 - p), with its first and second derivative in eta.

    In NumPy, whose exponential and logarithm take several numbers at a time.
    """
    x = eta[:, 0]
    u = np.exp(-np.abs(x))
    share = 1.0 / (1.0 + u)
    tail = u * share
    np.multiply(y, x, out=loglik)
    loglik -= np.maximum(x, 0.0)
    loglik -= np.log1p(u)
    np.subtract(y, np.where(x >= 0.0, share, tail), out=gradient[:, 0])
    np.multiply(tail, -share, out=hessian[:, 0])


def start_logit(y: Array, weights: Array) -> tuple[Array, Array]:
    """Log odds of the mean."""
    total = weights.sum()
    mean = (weights @ y + 0.5) / (total + 1.0)
    return np.array([np.log(mean / (1.0 - mean))]), np.empty(0)


def bend_logit(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """Derivatives of -p(1 - p) in eta."""
    p = expit(eta)
    v = p * expit(-eta)
    return -v * (1.0 - 2.0 * p), -v * (1.0 - 6.0 * v)


def logistic_density(eta: Array) -> tuple[Array, Array, Array]:
    """F, f and f' of the logistic distribution."""
    F, rest = expit(eta), expit(-eta)
    f = F * rest
    return F, f, f * rest - F * f


family = Family(
    "logit",
    logit_kernel,
    start_logit,
    canonical=True,
    bend=bend_logit,
    third=lambda _: of_value(logistic),
    density=logistic_density,
    latent_variance=np.pi**2 / 3,
)


def _scales(
    response: Response, family: Family, sample: EstimationSample, conditional: bool
) -> dict[str, Scale]:
    """The usual ones; of a conditional logit also the log of the probability.

    Its derivative is (1 - P) b, whose average has the mean of y for P (Kemp & Santos Silva 2016).
    """
    scales = usual_scales(response, family, sample, conditional)
    if not conditional:
        return scales
    y, weights = sample.values()
    factor = 1.0 - float(np.average(y, weights=weights))
    return {
        **scales,
        "semi_elasticity": Scale("log of the probability", {"": index(0, factor)}, discrete=False),
    }


LOGIT = Response(
    "logit",
    "Logit",
    outcomes.BINARY,
    lambda _: family,
    {
        "pooled": Treatment(pooled, from_file=True),
        "absorbed": Treatment(absorbed),
        "fixed": Treatment(conditional_logit),
        "random": Treatment(random_intercept),
        "correlated": Treatment(random_intercept),
        "correlated_pooled": Treatment(pooled),
    },
    index_words="log odds",
    scales=_scales,
    ratio="odds ratio",
)


def logit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, step: float = 1,
    effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int | str = "auto",
    bias_correction: str | None = None, lags: int = 0, firth: bool = False,
    fix: Mapping[str, float] | None = None, subset: str | Sequence[bool] | None = None,
    split: str | None = None, fsplit: str | None = None, trusted: bool = True,
) -> Results | ResultsList:  # fmt: skip
    r"""Logit of a 0/1 outcome (Wooldridge 2010, chapter 15).

    .. math:: \Pr(y_{it} = 1) = \frac{1}{1 + \exp(-x_{it}'\beta - \alpha_i)}

    Parameters
    ----------
    formula : `"y ~ x1 * x2 + C(region) | firm + year"`, y being 0/1; effects after `|` are absorbed
        (estimated, see `bias_correction`).
    data : frame, one row an observation; or the path of a Parquet file, of any size, which is then read
        batch by batch (pooled effects; iid, hetero and CRV1 errors).
    unit, time : columns of the panel's unit and period; needed for unit effects and for lags.
    effects : `pooled`; `fixed`: conditional logit (Chamberlain 1980), exact for groups of any size;
        `random`: normal intercept by unit, integrated by adaptive Gauss-Hermite quadrature;
        `correlated`: random with the unit means of the regressors, and the test that their
        coefficients are zero (Mundlak 1978); `correlated_pooled`: pooled with the means.
    vcov : see `gvcmetrics.models.inference.covariance`. With sampling weights `"iid"` becomes `"hetero"`.
    weights : column of sampling weights, or of frequencies with `frequency=True`; constant within a
        unit unless effects are pooled.
    offset : column or expression with coefficient one.
    nquad : quadrature points of random effects; `"auto"` raises them from 12 until log likelihood and
        estimates settle, see `quadrature_check` of the result.
    bias_correction : for absorbed effects, `"analytical"` or `"jackknife"` (Fernández-Val & Weidner 2016);
        `lags` of past outcomes that regressors react to, in the analytical one.
    firth : penalised likelihood (Firth 1993), pooled or fixed, for small or separated samples; robust
        covariances take the scores without the penalty.
    fix : parameters held at a value, `{"x1": 0}`, by the names and in the units that are printed
        (`sigma_u` is the standard deviation).
    subset : condition such as `"size > 10"`, or a mask of the rows, that the estimates are confined to; lags
        see the other rows.
    split, fsplit : column or expression, for each value of which a model is estimated; `fsplit` puts that of
        all rows first.
    trusted : False refuses formulas that would run code.

    Returns
    -------
    Results; a `ResultsList` where formula (`c(y1, y2)`, `sw`, `csw`, `mvsw`) or splits ask for several.

    Raises
    ------
    DataError, ModelError : the outcome is not 0/1 or constant; regressors separate it; see the message.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "innovates": [0, 0, 1, 0, 1, 0, 1, 1]})
    >>> logit("innovates ~ rd", frame).params.round(4).to_dict()
    {'Intercept': -2.0793, 'rd': 0.5941}
    """
    return fit(
        Request(
            logit, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, nquad=nquad, bias_correction=bias_correction,
            lags=lags, firth=firth, fix=fix,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
        ),
        LOGIT,
    )  # fmt: skip
