"""The road that every discrete model takes from a formula to Results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import group_means
from gvcmetrics.models.data.batches import fit_parquet
from gvcmetrics.models.data.design import require
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.sample import Sample, build_sample
from gvcmetrics.models.effects.absorbed_results import ABSORBING, absorbed_results
from gvcmetrics.models.effects.conditional import (
    conditional_multinomial_problem,
    conditional_problem,
    informative,
)
from gvcmetrics.models.effects.mundlak import mundlak_columns
from gvcmetrics.models.effects.pooled import null_loglik, pooled_problem
from gvcmetrics.models.effects.random import random_problem, variance_statistics
from gvcmetrics.models.engine.conclude import conclude, solve
from gvcmetrics.models.engine.firth import RowTrace, penalised
from gvcmetrics.models.engine.newton import Optimum, one_blas_thread
from gvcmetrics.models.engine.separation import drop_perfect_predictors
from gvcmetrics.models.families.base import Array, Family
from gvcmetrics.models.inference.covariance import Vcov, parse_vcov
from gvcmetrics.models.results.prediction import Prediction
from gvcmetrics.models.results.results import Results, call_text

EFFECTS = ("pooled", "fixed", "random", "correlated", "correlated_pooled")
_NO_VARIANCE = 1e-3
_NO_DISPERSION = 1e-6
_LATENT = {"logit": np.pi**2 / 3, "probit": 1.0, "cloglog": np.pi**2 / 6}


@dataclass(frozen=True)
class Response:
    """What sets one outcome function apart from another.

    Attributes
    ----------
    name, title : the function's name, and the model's in print.
    outcome : sample -> the outcome as the kernels want it; raises when it is not of this kind.
    family : sample -> family.
    effects : which treatments of unit effects exist.
    instead : for a treatment that does not exist, why, and what to use.
    categorical : whether the outcome is coded by category. intercept : whether X has a constant.
    """

    name: str
    title: str
    outcome: Callable[[Sample], Array]
    family: Callable[[Sample], Family]
    effects: tuple[str, ...]
    instead: Mapping[str, str]
    categorical: bool = False
    intercept: bool = True

    @property
    def latent_variance(self) -> float:
        """Variance of the latent error, NaN for a count."""
        return _LATENT.get(self.name.removeprefix("ordered_"), np.nan)


def fit(response: Response, function: Callable[..., Results], arguments: Mapping[str, Any]) -> Results:
    """The road of every discrete model: formula -> sample -> outcome -> likelihood -> Results."""
    with one_blas_thread():
        return _fit(response, function, dict(arguments))


def _fit(response: Response, function: Callable[..., Results], options: dict[str, Any]) -> Results:
    formula, data = options.pop("formula"), options.pop("data")
    effects, unit = options["effects"], options["unit"]
    _check_effects(response, effects, unit)
    asked = parse_vcov(options["vcov"])
    parsed = Formula.parse(formula, trusted=options["trusted"])
    if isinstance(data, (str, Path)):
        return fit_parquet(
            response, call_text(function, formula, options), Path(data), parsed, asked, options
        )
    if response.name not in ABSORBING or effects != "pooled":
        refuse_absorbed(response.name, parsed, fixed="fixed" in response.effects)
    sample = build_sample(
        parsed,
        data,
        unit=unit,
        time=options["time"],
        weights=options["weights"],
        frequency=options["frequency"],
        offset=options["offset"],
        clusters=asked.columns,
        response="categorical" if response.categorical else "numeric",
    )
    y = response.outcome(sample)
    call = call_text(function, formula, options)
    if sample.absorbed:
        return absorbed_results(sample, response.title, response.family(sample), asked, call, options)
    if options.get("bias_correction") is not None:
        raise ModelError(
            "bias_correction= is for absorbed effects", remedy="Absorb the unit: 'y ~ x | firm_id + year'"
        )
    if effects == "fixed":
        return _fixed(response, sample, asked, call, options)
    firth = options.get("firth", False)
    if firth and effects not in ("pooled", "correlated_pooled"):
        raise ModelError(
            f"firth=True with effects={effects!r} does not exist", remedy="Use 'pooled' or 'fixed'"
        )
    if response.name in ("logit", "probit", "cloglog") and not firth:
        sample = drop_perfect_predictors(sample)
        y = sample.y
    before = sample
    sample, means = with_unit_means(sample) if effects.startswith("correlated") else (sample, ())
    if not response.intercept:
        # Cutpoints take its place.
        before, sample = _without_intercept(before), _without_intercept(sample)
    results = _likelihood(response, sample, y, asked, call, options)
    prediction = replace(results.predictor, regressors=partial(regressors_of, before, means))  # type: ignore[type-var]
    results = replace(results, predictor=prediction)
    return with_mundlak_test(results, means) if means else results


def _likelihood(
    response: Response, sample: Sample, y: Array, asked: Vcov, call: str, options: Mapping[str, Any]
) -> Results:
    """Pooled or with a random intercept."""
    family = response.family(sample)
    labels = tuple(sample.categories or ())
    effects, fix = options["effects"], options["fix"]
    problem = pooled_problem(sample, y, family, [str(label) for label in labels[1:]])
    with_random = effects in ("random", "correlated")
    firth = options.get("firth", False)
    trace = RowTrace(family, y, sample.X, sample.weights, sample.offset)
    optimum, free = solve(penalised(problem, trace) if firth else problem, None if with_random else fix)
    statistics: dict[str, float] = {}
    if firth:
        optimum, statistics = _unpenalised(optimum, statistics)
    elif fix is None and not with_random:
        null = null_loglik(sample, y, family)
        statistics["pseudo_r2"] = 1.0 - optimum.loglik / null
    if with_random:
        assert sample.unit is not None
        statistics["units"] = int(sample.unit.max()) + 1
        pooled_loglik = optimum.loglik
        problem = random_problem(sample, y, family, problem, optimum, options["nquad"])
        optimum, free = solve(problem, fix)
        sigma = float(np.exp(optimum.theta[-1]))
        statistics |= variance_statistics(sigma, response.latent_variance, optimum.loglik, pooled_loglik)
    all_columns = tuple(np.arange(len(sample.names)) for _ in range(family.n_indices))
    prediction = Prediction(
        family=family,
        columns=all_columns,
        working=_log_sigma if with_random else _identity,
        regressors=partial(regressors_of, sample, ()),
        labels=labels or (sample.outcome[0],),
        outcomes=tuple(range(family.outcomes)) if labels and family.outcomes else (1,),
        random=with_random,
    )
    notes = [f"Base category: {labels[0]}."] if family.n_indices > 1 and labels else []
    if "log_alpha" in family.constants and np.exp(optimum.theta[len(sample.names)]) < _NO_DISPERSION:
        notes.append("The dispersion is at its lower bound, zero: the model is the Poisson one.")
    if with_random and np.exp(optimum.theta[-1]) < _NO_VARIANCE:
        notes.append(
            "The variance of the unit effect is at its lower bound, zero: the model is the pooled one."
        )
    return conclude(
        problem, optimum, free, sample, asked,
        model=response.title, effects=effects, call=call, statistics=statistics,
        predictor=prediction, notes=notes,
    )  # fmt: skip


def _fixed(response: Response, sample: Sample, asked: Vcov, call: str, options: Mapping[str, Any]) -> Results:
    """Unit effects conditioned away."""
    sample, statistics = informative(sample)
    family = response.family(sample)
    labels = [str(label) for label in sample.categories or ()]
    if response.name == "multinomial_logit":
        problem = conditional_multinomial_problem(sample, labels)
    else:
        problem = conditional_problem(sample, max(len(labels) - 1, 1))
    notes = [f"{statistics['units_left_out']:g} units left out: their outcome never changes."]
    if response.name == "ordered_logit":
        notes.append("Blow-up and cluster estimator; the log likelihood is composite.")
        if asked.kind == "iid":
            # The copies of a unit are dependent, so the inverse Hessian is not a covariance here.
            asked = Vcov("CRV1", (str(sample.unit_name),))
    if options.get("firth", False):
        problem = penalised(problem)
    optimum, free = solve(problem, options["fix"])
    if options.get("firth", False):
        optimum, statistics = _unpenalised(optimum, statistics)
    columns = tuple(np.arange(len(sample.names)) for _ in range(max(family.n_indices, 1)))
    prediction = Prediction(
        family,
        columns,
        _identity,
        partial(regressors_of, sample, ()),
        (sample.outcome[0],),
        (1,),
        conditional=True,
    )
    return conclude(
        problem, optimum, free, sample, asked,
        model=response.title, effects="fixed", call=call, statistics=statistics,
        predictor=prediction, notes=notes,
    )  # fmt: skip


def _unpenalised(optimum: Optimum, statistics: dict[str, float]) -> tuple[Optimum, dict[str, float]]:
    """The optimum with the likelihood proper, and the penalised one among the statistics."""
    half_determinant = 0.5 * float(np.linalg.slogdet(-optimum.hessian)[1])
    statistics = {**statistics, "penalised_loglik": optimum.loglik}
    return replace(optimum, loglik=optimum.loglik - half_determinant), statistics


def _check_effects(response: Response, effects: str, unit: str | None) -> None:
    if effects not in EFFECTS:
        raise ModelError(
            f"effects={effects!r} is not known", remedy=f"Use one of {', '.join(response.effects)}"
        )
    if effects not in response.effects:
        raise ModelError(
            f"{response.name} with effects={effects!r} does not exist here",
            remedy=response.instead.get(effects, f"Use one of {', '.join(response.effects)}"),
        )
    if effects != "pooled" and unit is None:
        raise ModelError(f"effects={effects!r} needs the panel's unit", remedy="Pass unit='firm_id'")


def refuse_absorbed(name: str, formula: Formula, *, fixed: bool) -> None:
    """Raise when the formula absorbs effects that the model cannot; `fixed`: whether it has fixed ones."""
    if formula.absorbed:
        instead = ", or use effects='fixed'" if fixed else ""
        raise ModelError(
            f"{name} does not absorb {' + '.join('^'.join(e) for e in formula.absorbed)}",
            remedy=f"Write the effect among the regressors, as C(year){instead}",
        )


def with_unit_means(sample: Sample) -> tuple[Sample, tuple[str, ...]]:
    """The sample with the unit means of its regressors, and the names of the means."""
    X, names = mundlak_columns(sample)
    means = tuple(name for name in names if name not in sample.names)
    return replace(sample, X=np.ascontiguousarray(X), names=names), means


def _without_intercept(sample: Sample) -> Sample:
    keep = np.array([name != "Intercept" for name in sample.names])
    if keep.all():
        return sample
    kept = tuple(p for p, n in zip(sample.design.kept, sample.design.names, strict=True) if n != "Intercept")
    names = tuple(name for name in sample.design.names if name != "Intercept")
    return replace(
        sample,
        X=np.ascontiguousarray(sample.X[:, keep]),
        names=tuple(name for name in sample.names if name != "Intercept"),
        design=replace(sample.design, kept=kept, names=names),
    )


def with_mundlak_test(results: Results, means: tuple[str, ...]) -> Results:
    """The unit means in a block of their own, and the test that they are jointly zero."""
    equations = {name: name.split(": ", 1)[-1] for name in results.params.index}
    tested = [name for name, plain in equations.items() if plain in means]
    test = results.test([f"`{name}`" for name in tested])
    blocks = dict(results.blocks)
    if not any(name in terms for terms in blocks.values() for name in tested):
        blocks = {"Unit means": tuple(tested), **blocks}
    statistics = {**results.statistics, "mundlak": test.statistic, "mundlak_p": test.pvalue}
    return replace(results, blocks=blocks, statistics=statistics)


def regressors_of(sample: Sample, means: tuple[str, ...], data: pd.DataFrame | None) -> Array:
    """X of the estimation sample or of new rows, whose units keep their means of the estimation sample."""
    X = sample.X if data is None else sample.design.matrix(data)
    if not means:
        return X
    assert sample.unit is not None
    columns = [sample.names.index(name.removeprefix("mean(").removesuffix(")")) for name in means]
    table = group_means(sample.X[:, columns], sample.unit)
    if data is None:
        return np.column_stack([X, table[sample.unit]])
    assert sample.unit_labels is not None
    require(data, [str(sample.unit_name)])
    known = sample.unit_labels.get_indexer(pd.Index(data[sample.unit_name]))
    found = np.where((known >= 0)[:, None], table[np.maximum(known, 0)], np.nan)
    return np.column_stack([X, found])


def _identity(params: Array) -> tuple[Array, Array]:
    return params, np.eye(len(params))


def _log_sigma(params: Array) -> tuple[Array, Array]:
    theta, jacobian = params.copy(), np.eye(len(params))
    theta[-1], jacobian[-1, -1] = np.log(params[-1]), 1.0 / params[-1]
    return theta, jacobian
