"""A linear outcome that is seen for some only: Heckman's model, by maximum likelihood or in two steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import ndtri

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.families.probit import family as probit
from gvcmetrics.models.inference.covariance import Inference, VcovSpec
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.sums import in_memory
from gvcmetrics.models.paired.expected_selection import scales_of_selection
from gvcmetrics.models.paired.maximum import maximum, predictor, scaled, unscaled
from gvcmetrics.models.paired.pair import Pair
from gvcmetrics.models.paired.road import travel
from gvcmetrics.models.paired.selected import selected_rows
from gvcmetrics.models.paired.selection_kernels import heckman_kernel
from gvcmetrics.models.paired.two_steps import Steps, two_steps
from gvcmetrics.models.results.results import Results

_EDGE = 1.0 - 1e-6
_AT_EDGE = "rho is at the edge of what a correlation may be: selection and outcome are not told apart."


def _reported(constants: Array) -> tuple[Array, Array]:
    s, r = np.exp(constants[0]), np.tanh(constants[1])
    return np.array([s, r]), np.diag([s, 1.0 - r * r])


def _working(reported: Array) -> tuple[Array, Array]:
    s, r = reported
    return np.array([np.log(s), np.arctanh(r)]), np.diag([1.0 / s, 1.0 / (1.0 - r * r)])


def _covariance(shared: Array) -> tuple[float, Array]:
    """rho sigma of the kernel's constants."""
    s, r = float(np.exp(shared[0])), float(np.tanh(shared[1]))
    return r * s, np.array([r * s, s * (1.0 - r * r)])


def _itself(shared: Array) -> tuple[float, Array]:
    """lambda, which two steps estimate."""
    return float(shared[0]), np.ones(1)


def _start_of_constants(y: Array, weights: Array) -> tuple[Array, Array]:
    """Mean of what is seen and the share that is; its log spread, and errors that are unrelated."""
    w = weights * y[:, 1]
    mean = np.average(y[:, 0], weights=w)
    spread = np.average((y[:, 0] - mean) ** 2, weights=w)
    share = float(np.clip(w.sum() / weights.sum(), 1e-6, 1.0 - 1e-6))
    return np.array([mean, ndtri(share)]), np.array([0.5 * np.log(spread), 0.0])


_FAMILY = Family(
    "heckman",
    heckman_kernel,
    _start_of_constants,
    n_indices=2,
    constants=("sigma", "rho"),
    outcomes=None,
    residual=lambda constants: float(np.exp(2.0 * constants[0])),
    reported=_reported,
    working=_working,
    block="Errors",
    null=False,
)
# Of two steps only expected outcomes are asked of the family, never its likelihood.
_TWO_STEP_FAMILY = Family(
    "heckman", heckman_kernel, _start_of_constants, n_indices=2, constants=("lambda",), outcomes=None,
    block="Selection term", null=False,
)  # fmt: skip


def _maximum(request: Request, response: Response, both: Pair) -> Estimate:
    covariance = scales_of_selection(_covariance, *both.titles)
    made = maximum(request, both, _FAMILY, covariance, _start, _independence)
    at_edge = (_AT_EDGE,) if abs(made.params[-1]) > _EDGE else ()
    return replace(made, notes=(*_counted(both), *at_edge))


def _start(both: Pair) -> Array:
    """The two steps, the correlation kept away from its edges."""
    steps = two_steps(both)
    sigma = max(steps.sigma, 1e-8)
    rho = float(np.clip(steps.slope / sigma, -0.85, 0.85))
    return np.concatenate([steps.outcome, steps.selection, [np.log(sigma), np.arctanh(rho)]])


def _independence(both: Pair, loglik: float) -> dict[str, float]:
    """Likelihood ratio against a probit and a regression that know nothing of one another."""
    y, weights = both.sample.y, both.sample.weights
    seen = y[:, 1] == 1.0
    selection = in_memory(probit, y[:, 1], both.X(1), weights, both.sample.offset)
    apart = maximise(selection.evaluate, np.zeros(both.sizes[1])).loglik
    w = np.ones(int(seen.sum())) if weights is None else weights[seen]
    X, value, root = both.X(0)[seen], y[seen, 0], np.sqrt(w)
    e = value - X @ np.linalg.lstsq(X * root[:, None], value * root, rcond=None)[0]
    total = float(w.sum())
    apart -= 0.5 * total * (np.log(2.0 * np.pi * float(w @ e**2) / total) + 1.0)
    ratio = max(2.0 * (loglik - apart), 0.0)
    return {"lr_independence": ratio, "lr_independence_p": float(stats.chi2.sf(ratio, 1))}


def _steps(request: Request, response: Response, both: Pair) -> Estimate:
    before, (both, scaling) = both, scaled(both)
    steps: Steps = two_steps(both)
    params = np.concatenate([steps.outcome, steps.selection, [steps.slope]])
    sample = both.sample
    inference = Inference(
        scores=steps.influence,
        bread=np.eye(len(params)),
        nobs=sample.nobs,
        parameters=len(params),
        linear=False,
        estimates=params,
        own={"iid": (steps.classical, "two steps (Heckman 1979)")},
    )
    made = Estimate(
        sample=sample,
        names=(*both.parameters, "lambda"),
        params=params,
        inference=inference,
        codes=sample.codes,
        title="Heckman's selection model, two steps",
        statistics={"sigma": steps.sigma, "rho": steps.slope / steps.sigma},
        blocks={**both.blocks, "Selection term": ("lambda",)},
        ancillary=("Selection term",),
        notes=_counted(both),
        predictor=predictor(both, _TWO_STEP_FAMILY, scales_of_selection(_itself, *both.titles)),
    )
    return unscaled(made, both, scaling, before)


def _counted(both: Pair) -> tuple[str, ...]:
    seen = int(both.sample.y[:, 1].sum())
    said = f"Seen: {seen:,} of {len(both.sample.y):,} rows."
    if both.excluded:
        return (f"{said} Only in '{both.titles[1]}': {', '.join(both.excluded)}.",)
    return (f"{said} No regressor is in '{both.titles[1]}' alone: the normal distribution identifies rho.",)


HECKMAN = Response(
    "heckman",
    "Heckman's selection model, maximum likelihood",
    outcomes.NUMBER,
    lambda _: _FAMILY,
    {},
    index_words="linear index",
    response_words="expected outcome",
    labels={"rho": "rho"},
)


def heckman(
    formula: str,
    data: pd.DataFrame,
    *,
    select: str,
    method: Literal["ml", "two_step"] = "ml",
    exclusion: bool = True,
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    fix: Mapping[str, float] | None = None,
    trusted: bool = True,
) -> Results:
    r"""Linear regression of an outcome that is seen for some only (Heckman 1979).

    .. math:: y_i = x_i'\beta + \varepsilon_i \text{ is seen if } z_i'\gamma + u_i > 0, \qquad
       (\varepsilon_i, u_i) \sim N(0, \Sigma), \quad
       \Sigma = \begin{pmatrix}\sigma^2 & \rho\sigma\\ \rho\sigma & 1\end{pmatrix}

    Export intensity is seen of exporters, prices of what is sold, wages of who works: where those who are
    seen differ in what is not measured (:math:`\rho \neq 0`), regressing on them alone is biased.

    Parameters
    ----------
    formula : the outcome, `"log(wage) ~ educ + exper"`.
    select : who is seen, `"works ~ educ + age + kids"` with a 0/1 column, whose zeros make any outcome in
        their rows unseen; or `"~ educ + age + kids"`, seen where the outcome is not missing. Rows need the
        regressors of both equations, seen or not.
    method : `"ml"`, maximum likelihood; `"two_step"`, a probit, then least squares with its inverse Mills
        ratio :math:`\lambda_i = \phi(z_i'\gamma)/\Phi(z_i'\gamma)`, whose coefficient is `lambda` = ρσ.
    exclusion : False lets every regressor of the selection be in the outcome as well; the model then rests
        on the normal distribution alone.
    data, unit, time, step, vcov, weights, frequency, fix, trusted : as in `logit`. Of two steps `"iid"` has
        Heckman's covariance, the others that of both steps' stacked moments.

    Returns
    -------
    Results with coefficients `outcome: x` and `selection: z`. `margins` and `predict` are on the outcome of
    everybody; with `scale="conditional"` of those who are seen, `"unconditional"` with zero for those who
    are not, `"selection"` on the probability of being seen.

    Raises
    ------
    ModelError : nobody or everybody is seen; no regressor is in the selection alone.
    DataError : the selection is neither 0 nor 1.

    Source
    ------
    Heckman (1979); covariance of the second step as in Greene (2012, section 19.5).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(3)
    >>> u = rng.normal(size=2000)
    >>> firms = pd.DataFrame({"size": rng.normal(size=2000), "near_port": rng.normal(size=2000)})
    >>> firms["exports"] = (firms["size"] + firms["near_port"] + u > 0) * 1
    >>> firms["intensity"] = 1 + 0.5 * firms["size"] + 0.7 * u + 0.3 * rng.normal(size=2000)
    >>> made = heckman("intensity ~ size", firms, select="exports ~ size + near_port")
    >>> float(made.params["intensity: size"].round(1))
    0.5
    """
    if method not in ("ml", "two_step"):
        raise ModelError(f"method={method!r} is not known", remedy="Use 'ml' or 'two_step'")
    if method == "two_step" and fix:
        raise ModelError("fix= is for maximum likelihood", remedy="Use method='ml'")
    if method == "two_step" and weights is not None:
        raise ModelError("two steps take no weights", remedy="Use method='ml'")
    request = Request(
        heckman, formula, data, unit=unit, time=time, step=step, vcov=vcov, weights=weights,
        frequency=frequency, fix=fix, trusted=trusted,
        options={"select": select, "method": method, "exclusion": exclusion},
    )  # fmt: skip
    return travel(request, HECKMAN, selected_rows, _maximum if method == "ml" else _steps)
