"""Linear models with instruments."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.endogenous.equation import equation_of, in_memory
from gvcmetrics.models.endogenous.formula import read
from gvcmetrics.models.endogenous.tests import Diagnostics
from gvcmetrics.models.endogenous.two_stage import estimate
from gvcmetrics.models.engine.conclude import conclude
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.fit import treatment_of
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.engine.scaled import estimate_scaled
from gvcmetrics.models.families.ols import family
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.newton import one_blas_thread
from gvcmetrics.models.results.results import Results


def _only_here(request: Request, response: Response, sample: object) -> Estimate:
    raise ModelError("an equation with instruments is estimated by gvc.iv")


_TREATMENT = Treatment(_only_here)
IV = Response(
    "iv",
    "Two-stage least squares",
    outcomes.NUMBER,
    lambda _: family,
    {"pooled": _TREATMENT, "absorbed": _TREATMENT, "fixed": replace(_TREATMENT, absorbs_unit=True)},
    response_words="expected outcome",
    labels={
        "instruments": "Instruments",
        "kappa": "LIML κ",
        "first_stage_f": "First-stage F",
        "first_stage_r2": "First-stage partial R²",
        "effective_f": "Effective F",
        "effective_f_critical": "Effective F, critical",
        "ar": "Anderson–Rubin test, F",
        "ar_p": "Anderson–Rubin test, p",
        "wu_hausman": "Wu–Hausman test, F",
        "wu_hausman_p": "Wu–Hausman test, p",
        "sargan": "Sargan test",
        "sargan_p": "Sargan test, p",
        "hansen": "Hansen test",
        "hansen_p": "Hansen test, p",
        "overidentified": "Overidentifying restrictions",
    },
)


def iv(
    formula: str,
    data: pd.DataFrame,
    *,
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    effects: Literal["pooled", "fixed"] = "pooled",
    estimator: Literal["2sls", "liml"] = "2sls",
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    trusted: bool = True,
) -> Results:
    r"""Linear regression with instrumented regressors: two-stage least squares, or LIML.

    .. math:: y_i = x_i'\beta + d_i'\gamma + \varepsilon_i, \qquad E[(x_i, z_i)\,\varepsilon_i] = 0,
       \qquad \hat\beta = (X'(I - \kappa M)X)^{-1}X'(I - \kappa M)y

    M takes out what controls x and instruments z explain; κ is 1 for two-stage least squares, and for LIML
    the smallest root of :math:`\det(Y'M_xY - \kappa Y'MY)`.

    Parameters
    ----------
    formula : `"y ~ x [d ~ z1 + z2] | effects"`: d is instrumented by z1, z2 and the controls x; or as in
        fixest `"y ~ x | effects | d ~ z1 + z2"`. Effects are absorbed, out of the instruments too.
    data, unit, time, step, weights, frequency, trusted : as in `ols`.
    effects : `pooled`, or `fixed`: unit effects absorbed.
    estimator : `2sls` or `liml`.
    vcov : see `gvcmetrics.models.inference.covariance`; tests below follow it.

    Returns
    -------
    Results. Among the `statistics`: `first_stage_f`, of the instruments net of controls and effects;
    `effective_f` (Montiel Olea & Pflueger 2013), which does not change with the basis of the instruments,
    and the value above which the worst bias of two-stage least squares is below a tenth at 5 %, whatever
    the errors (`effective_f_critical`); `ar`, that the instrumented regressors have no effect, valid however
    weak the instruments (the set of values it does not reject: `anderson_rubin`); `wu_hausman`, that
    they are exogenous; `sargan`, and with errors that are not iid `hansen`, of the overidentifying
    restrictions; `kappa`. `extra["First stage"]` has its coefficients, and with several instrumented
    regressors `extra["First stage, all instruments"]` their F.

    Raises
    ------
    ModelError : too few instruments, or more than observations; an instrument that does not vary or is among
        the controls; an instrumented regressor among the controls. DataError : see `ols`.

    Source
    ------
    Anderson & Rubin (1949); Sargan (1958); Hausman (1978); Hansen (1982); Montiel Olea & Pflueger (2013).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(2)
    >>> z, u = rng.normal(size=(2, 400)); d = z + u + rng.normal(size=400)
    >>> frame = pd.DataFrame({"z": z, "d": d, "y": 0.5 * d + u + rng.normal(size=400)})
    >>> result = iv("y ~ 1 [d ~ z]", frame)
    >>> round(float(result.params["d"]), 2), round(result.statistics["effective_f"])
    (0.44, 187)
    """
    if estimator not in ("2sls", "liml"):
        raise ModelError(f"estimator={estimator!r} is not known", remedy="Use '2sls' or 'liml'")
    request = Request(
        iv, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov, weights=weights,
        frequency=frequency, trusted=trusted, options={"estimator": estimator}, reader=read,
    )  # fmt: skip
    request = in_memory(request)
    treatment = treatment_of(request, IV)
    with one_blas_thread():
        equation = equation_of(request, IV, treatment)
        liml = estimator == "liml"

        def estimated(asked: Request, response: Response, sample: object) -> Estimate:
            return estimate(equation, liml, response, sample)  # type: ignore[arg-type]

        made = estimate_scaled(replace(treatment, estimate=estimated), request, IV, equation.sample)
        tests = Diagnostics(equation, made.params)
        return conclude(request, IV, replace(made, renewed=tests.under), ())
