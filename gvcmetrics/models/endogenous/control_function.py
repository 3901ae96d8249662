"""Endogenous regressors of outcomes that are no plain numbers: control functions, likelihood, moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import erfcx, log_ndtr

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.endogenous import poisson_moments, probit_ml, second_step
from gvcmetrics.models.endogenous.equation import equation_of, in_memory
from gvcmetrics.models.endogenous.formula import read
from gvcmetrics.models.endogenous.stages import Stages
from gvcmetrics.models.engine.conclude import conclude
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.fit import treatment_of
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.families.fractional_logit import FRACTIONAL_LOGIT
from gvcmetrics.models.families.logit import LOGIT
from gvcmetrics.models.families.ordered_logit import ORDERED_LOGIT
from gvcmetrics.models.families.ordered_probit import ORDERED_PROBIT
from gvcmetrics.models.families.poisson import POISSON
from gvcmetrics.models.families.probit import PROBIT, normal_density, start_probit
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.likelihood.newton import one_blas_thread
from gvcmetrics.models.likelihood.third import normal, of_value
from gvcmetrics.models.results.results import Results

_LABELS = {
    "exogeneity": "Exogeneity test, χ²",
    "exogeneity_p": "Exogeneity test, p",
    "error_correlation": "Correlation of the errors",
    "sigma": "σ of the first stage",
    "instruments": "Instruments",
    "hansen": "Hansen test",
    "hansen_p": "Hansen test, p",
    "overidentified": "Overidentifying restrictions",
}


def _share_kernel(
    y: Array, eta: Array, constants: Array, loglik: Array, gradient: Array, hessian: Array
) -> None:
    """y log Φ(η) + (1 − y) log Φ(−η), with its first and second derivative in η."""
    x = eta[:, 0]
    up, down = (np.sqrt(2.0 / np.pi) / erfcx(-s * x / np.sqrt(2.0)) for s in (1.0, -1.0))
    loglik[:] = y * log_ndtr(x) + (1.0 - y) * log_ndtr(-x)
    gradient[:, 0] = y * up - (1.0 - y) * down
    hessian[:, 0] = -y * up * (x + up) - (1.0 - y) * down * (down - x)


_SHARE = Family(
    "fractional_probit", _share_kernel, start_probit, third=lambda _: of_value(normal), density=normal_density
)
_FRACTIONAL_PROBIT = replace(
    FRACTIONAL_LOGIT,
    name="fractional_probit",
    title="Fractional probit",
    family=lambda _: _SHARE,
    index_words="linear index",
)
_BASES = {
    "probit": PROBIT,
    "logit": LOGIT,
    "ordered_probit": ORDERED_PROBIT,
    "ordered_logit": ORDERED_LOGIT,
    "fractional_probit": _FRACTIONAL_PROBIT,
    "fractional_logit": FRACTIONAL_LOGIT,
    "poisson": POISSON,
}
_METHODS: Mapping[str, tuple[Callable[[Request, Response, Stages], Estimate], tuple[str, ...]]] = {
    "two_step": (second_step.two_step, (*_BASES,)),
    "ml": (probit_ml.maximum_likelihood, ("probit",)),
    "gmm": (poisson_moments.moments, ("poisson",)),
}


def _only_here(request: Request, response: Response, sample: object) -> Estimate:
    raise ModelError("an equation with instruments is estimated by gvc.control_function")


def control_function(
    formula: str,
    data: pd.DataFrame,
    *,
    response: str,
    method: Literal["two_step", "ml", "gmm"] = "two_step",
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    vcov: VcovSpec | None = None,
    weights: str | None = None,
    frequency: bool = False,
    trusted: bool = True,
) -> Results:
    r"""Endogenous regressors in models of choices, ranks, shares and counts.

    .. math:: E[y_i \mid x_i, d_i, v_i] = G(x_i'\beta + d_i'\gamma + v_i'\rho), \qquad d_i = f_i'\delta + v_i,

    f controls and instruments. The first step estimates v, the second takes it as a regressor, and
    the errors are those of both together (stacked moments). That ρ is zero is the test of exogeneity.

    Parameters
    ----------
    formula : `"y ~ x [d ~ z1 + z2]"` or `"y ~ x | d ~ z1 + z2"`, as in `iv`.
    data, unit, time, step, weights, frequency, trusted : as in `ols`.
    response : `probit` (Rivers & Vuong 1988), `logit`, `ordered_probit`, `ordered_logit`,
        `fractional_probit` (Papke & Wooldridge 2008), `fractional_logit`, `poisson` (Wooldridge 2010, 18.5).
    method : `two_step`; of a probit also `ml`, both equations by maximum likelihood with jointly normal
        errors (coefficients then are those of a latent error of variance one, not of one given v); of
        `poisson` also `gmm`, moments :math:`E[f(y - e^{x'\beta})] = 0` without an assumption on v.
    vcov : `"hetero"`, of both steps and without small-sample factor; `"iid"`, each step by itself (the
        second takes the first for known, which is right for the test of exogeneity alone; of a probit by the
        expected information); clusters, see `gvcmetrics.models.inference.covariance`. By
        default `hetero`, of `ml` `iid`.

    Returns
    -------
    Results, the second step first. `margins` and `predict` average the residuals out: at whatever value
    of a regressor each row keeps its own (Blundell & Powell's average structural function), and their
    errors hold the first step's. The residual of new rows is made of their own d and f. `statistics` has
    `exogeneity`.

    Raises
    ------
    ModelError : the response or method is not known; what `iv` raises. DataError : the outcome is not of its
        kind.

    Source
    ------
    Newey (1987); Rivers & Vuong (1988); Mullahy (1997); Blundell & Powell (2004); Wooldridge (2010, 2015).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> z, v = rng.normal(size=(2, 2000)); d = z + v
    >>> y = 1 * (0.5 * d - 0.4 * v + rng.normal(size=2000) > 0)
    >>> frame = pd.DataFrame({"y": y, "d": d, "z": z})
    >>> control_function("y ~ 1 [d ~ z]", frame, response="probit").params[:3].round(2).to_dict()
    {'Intercept': 0.01, 'd': 0.48, 'residual(d)': -0.42}
    """
    if response not in _BASES:
        remedy = did_you_mean(response, _BASES, f"Use one of {', '.join(_BASES)}")
        raise ModelError(f"response={response!r} is not known", remedy=remedy)
    if method not in _METHODS:
        raise ModelError(f"method={method!r} is not known", remedy="Use 'two_step', 'ml' or 'gmm'")
    estimator, takes = _METHODS[method]
    if response not in takes:
        raise ModelError(
            f"method={method!r} is for response={takes[0]!r}, not {response!r}",
            remedy="Use method='two_step'",
        )
    errors = vcov if vcov is not None else "iid" if method == "ml" else "hetero"
    base = _BASES[response]
    asked = replace(
        base, treatments={"pooled": Treatment(_only_here)}, labels={**base.labels, **_LABELS}, limit=None
    )
    request = Request(
        control_function, formula, data, unit=unit, time=time, step=step, vcov=errors, weights=weights,
        frequency=frequency, trusted=trusted, options={"response": response, "method": method}, reader=read,
    )  # fmt: skip
    request = in_memory(request)
    with one_blas_thread():
        equation = equation_of(request, asked, treatment_of(request, asked))
        return conclude(request, asked, estimator(request, asked, Stages.of(equation, asked)), ())
