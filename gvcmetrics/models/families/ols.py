"""Linear regression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.effects.linear import generalised, within
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.expected import index
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList


def gaussian_kernel(
    y: Array, eta: Array, constants: Array, loglik: Array, gradient: Array, hessian: Array
) -> None:
    """-(y - eta)^2 / 2: the normal likelihood of unit variance, without its constant."""
    np.subtract(y, eta[:, 0], out=gradient[:, 0])
    np.multiply(gradient[:, 0], -0.5 * gradient[:, 0], out=loglik)
    hessian[:, 0] = -1.0


def start_mean(y: Array, weights: Array) -> tuple[Array, Array]:
    """The mean."""
    return np.array([np.average(y, weights=weights)]), np.empty(0)


family = Family("ols", gaussian_kernel, start_mean, outcomes=None, expected=index(0), linear=True)
OLS = Response(
    "ols",
    "OLS",
    outcomes.NUMBER,
    lambda _: family,
    {
        "pooled": Treatment(within),
        "absorbed": Treatment(within),
        "fixed": Treatment(within, absorbs_unit=True),
        "random": Treatment(generalised),
        "correlated": Treatment(generalised),
    },
    instead={
        "correlated_pooled": "Use effects='correlated', whose slopes are the within estimates too",
    },
    slopes=True,
    response_words="expected outcome",
)


def ols(
    formula: str,
    data: pd.DataFrame,
    *,
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    effects: str = "pooled",
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    subset: str | Sequence[bool] | None = None,
    split: str | None = None,
    fsplit: str | None = None,
    trusted: bool = True,
) -> Results | ResultsList:
    r"""Linear regression, with absorbed and unit effects.

    .. math:: y_{it} = x_{it}'\beta + \alpha_i + \lambda_{t} + \varepsilon_{it}

    Parameters
    ----------
    formula : `"y ~ x1 * x2 + log(x3) | effect1^effect2 + effect3"`; effects after `|` are absorbed.
    data : frame, one row an observation.
    unit, time : columns of the panel's unit and period; needed for unit effects and for lags.
    effects : `pooled`; `fixed`: unit effects absorbed; `random`: feasible GLS with the variance
        components of Swamy & Arora (1972), as Stata's `xtreg, re` (harmonic mean of the panel
        lengths where they differ); `correlated`: random with unit means `mean(x)` added, the
        coefficients of which are jointly zero if random effects are consistent (Mundlak test).
    vcov : see `gvcmetrics.models.inference.covariance`.
    weights : column of weights (analytic or sampling); `frequency=True` when a row stands for that
        many equal rows.
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
    ModelError, DataError : see the message.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "firm": [1, 1, 1, 2, 2, 2, 3, 3, 3], "year": [1, 2, 3] * 3,
    ...     "rd": [1.0, 2, 4, 2, 3, 3, 5, 4, 7], "sales": [2.0, 3, 6, 5, 6, 7, 1, 1, 3]})
    >>> ols("sales ~ rd | year", frame, unit="firm", effects="fixed").params.round(4).to_dict()
    {'rd': 0.5714}
    """
    return fit(
        Request(
            ols, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov, weights=weights,
            frequency=frequency,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
        ),
        OLS,
    )  # fmt: skip
