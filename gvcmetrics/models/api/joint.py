"""Joint probits of two to four 0/1 outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.sample import Sample, build_sample
from gvcmetrics.models.effects.pooled import pooled_problem
from gvcmetrics.models.engine.conclude import Transform, conclude, solve
from gvcmetrics.models.engine.fit import refuse_absorbed, regressors_of, with_mundlak_test, with_unit_means
from gvcmetrics.models.families.base import Array
from gvcmetrics.models.families.bivariate_probit import bivariate_probit
from gvcmetrics.models.families.multivariate_probit import (
    correlations,
    multivariate_probit,
    partial_correlations,
)
from gvcmetrics.models.families.probit import probit
from gvcmetrics.models.inference.covariance import VcovSpec, parse_vcov
from gvcmetrics.models.results.prediction import Prediction
from gvcmetrics.models.results.results import Results, call_text

_EFFECTS = ("pooled", "correlated_pooled")


def joint_probit(
    formula: str,
    data: pd.DataFrame,
    *,
    unit: str | None = None,
    time: str | None = None,
    effects: str = "pooled",
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    offset: str | None = None,
    fix: Mapping[str, float] | None = None,
    trusted: bool = True,
) -> Results:
    r"""Probits of two to four outcomes whose errors are correlated.

    .. math:: y_{ij} = 1[x_i'\beta_j + \varepsilon_{ij} > 0], \qquad \varepsilon_i \sim N(0, R)

    The likelihood is exact for two outcomes (bivariate normal distribution function to twelve digits)
    and simulated by GHK at fixed points for three and four. Correlations are parameters of the result,
    `rho(y2, y1)`, with errors by the delta method; `extra` holds their matrix.

    Parameters
    ----------
    formula : `"y1 + y2 + y3 ~ x1 + x2"`; every equation has the same regressors.
    data, unit, time, vcov, weights, frequency, offset, trusted : as in `logit`.
    effects : `pooled`, or `correlated_pooled`: with the unit means of the regressors.
    fix : coefficients held at a value, `{"y1: x2": 0}`, which takes x2 out of the first equation.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "rd": [0, 1, 2, 3, 4, 5, 6, 7], "product": [0, 0, 1, 0, 1, 0, 1, 1],
    ...     "process": [1, 0, 0, 0, 1, 0, 1, 1]})
    >>> result = joint_probit("product + process ~ rd", frame)
    >>> float(result.params["rho(process, product)"].round(3))
    0.632
    """
    options = {name: value for name, value in locals().items() if name not in ("formula", "data")}
    if effects not in _EFFECTS:
        raise ModelError(
            f"joint_probit with effects={effects!r} does not exist here",
            remedy="Use effects='correlated_pooled', which needs no integral over unit effects",
        )
    if effects != "pooled" and unit is None:
        raise ModelError(f"effects={effects!r} needs the panel's unit", remedy="Pass unit='firm_id'")
    asked = parse_vcov(vcov)
    parsed = Formula.parse(formula, trusted=trusted)
    refuse_absorbed("joint_probit", parsed, fixed=False)
    before = build_sample(
        parsed, data, unit=unit, time=time, weights=weights, frequency=frequency, offset=offset,
        clusters=asked.columns,
    )  # fmt: skip
    y = outcomes.joint(before)
    sample, means = with_unit_means(before) if effects == "correlated_pooled" else (before, ())
    d = len(sample.outcome)
    family = bivariate_probit if d == 2 else multivariate_probit(d)
    pairs = [(j, k) for j in range(d) for k in range(j)]
    names = tuple(f"rho({sample.outcome[j]}, {sample.outcome[k]})" for j, k in pairs)
    family = replace(family, constants=names)
    apart, loglik_apart = _separate_probits(sample)
    problem = pooled_problem(
        sample, y, family, sample.outcome, _natural(d), np.concatenate([apart, np.zeros(len(pairs))])
    )
    problem = replace(problem, blocks={**problem.blocks, "Correlations": names})
    optimum, free = solve(problem, fix)
    ratio = max(2.0 * (optimum.loglik - loglik_apart), 0.0)
    statistics = {}
    if not fix:
        statistics = {
            "lr_independence": ratio,
            "lr_independence_p": float(stats.chi2.sf(ratio, len(pairs))),
        }
    rho = problem.natural(optimum.theta)[0][-len(pairs) :] if problem.natural else np.zeros(len(pairs))
    results = conclude(
        problem, optimum, free, sample, asked,
        model="Joint probit", effects=effects, statistics=statistics,
        call=call_text(joint_probit, formula, options),
        extra={"Correlations of the errors": _matrix(rho, sample.outcome)},
        predictor=Prediction(
            family=family,
            columns=tuple(np.arange(len(sample.names)) for _ in range(d)),
            working=_working(d),
            regressors=partial(regressors_of, before, means),
            labels=tuple(_cell(code, sample.outcome) for code in range(2**d)),
            outcomes=tuple(range(2**d)),
        ),
    )  # fmt: skip
    return with_mundlak_test(results, means) if means else results


def _separate_probits(sample: Sample) -> tuple[Array, float]:
    """Coefficients of one probit an outcome, and the sum of their log likelihoods."""
    parts, total = [], 0.0
    for j, name in enumerate(sample.outcome):
        alone = replace(sample, y=sample.y[:, j], outcome=(name,))
        optimum, _ = solve(pooled_problem(alone, alone.y, probit))
        parts.append(optimum.theta)
        total += optimum.loglik
    return np.concatenate(parts), total


def _natural(d: int) -> Transform:
    def natural(theta: Array) -> tuple[Array, Array]:
        q = d * (d - 1) // 2
        params, jacobian = theta.copy(), np.eye(len(theta))
        params[-q:], jacobian[-q:, -q:] = correlations(theta[-q:], d)
        return params, jacobian

    return natural


def _working(d: int) -> Transform:
    def working(params: Array) -> tuple[Array, Array]:
        q = d * (d - 1) // 2
        theta, jacobian = params.copy(), np.eye(len(params))
        theta[-q:] = partial_correlations(params[-q:], d)
        jacobian[-q:, -q:] = np.linalg.inv(correlations(theta[-q:], d)[1])
        return theta, jacobian

    return working


def _matrix(rho: Array, names: tuple[str, ...]) -> pd.DataFrame:
    table = np.eye(len(names))
    table[np.tril_indices(len(names), -1)] = rho
    return pd.DataFrame(table + np.tril(table, -1).T, index=list(names), columns=list(names))


def _cell(code: int, names: tuple[str, ...]) -> str:
    return ", ".join(f"{name}={(code >> j) & 1}" for j, name in enumerate(names))
