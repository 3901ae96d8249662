"""From a nested likelihood to an estimate: starting values, names, standard deviations and correlations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.effects.pooled import constants_of, notes_on, pooled_problem, predictor_of
from gvcmetrics.models.effects.random import variance_statistics
from gvcmetrics.models.engine.estimate import Estimate, from_likelihood
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.families.ols import family as least_squares
from gvcmetrics.models.levels.likelihood import NestedEffects
from gvcmetrics.models.levels.structure import Level, Nest
from gvcmetrics.models.likelihood.family import Array, Family, Transform
from gvcmetrics.models.likelihood.problem import Problem, Solution, parameter_map, solve
from gvcmetrics.models.marginal.predictor import Predictor

RANDOM = "Random effects"
_SPREADS = (0.2, 0.5, 1.0, 2.0)
# In units of the index: an entry of a Cholesky factor below it is a variance, or what correlation leaves of
# one, at zero.
_EDGE = 1e-4


def laplace(nest: Nest, original: Array, request: Request, response: Response, sample: Sample) -> Estimate:
    """The maximum of Laplace's approximation, which of a linear model is the likelihood itself.

    original : regressors in their own units.
    """
    family, restricted = response.family(sample), request.options["method"] == "reml" and _linear(response)
    flat = pooled_problem(sample, family)
    pooled = solve(flat).optimum
    likelihood = NestedEffects(
        family, sample.y[nest.order], sample.X[nest.order], nest,
        None if sample.offset is None else sample.offset[nest.order], restricted,
        float(np.linalg.slogdet(original.T @ original)[1]) if restricted else 0.0,
    )  # fmt: skip
    problem = _problem(flat, likelihood, pooled.theta)
    solution = solve(problem)
    exact = likelihood.hessian(solution.optimum.theta)
    solution = replace(solution, optimum=replace(solution.optimum, hessian=exact))
    if _linear(response):
        solution = _apart(solution, len(sample.names))
    theta = solution.optimum.theta
    single = nest.edges[-1] == 1 and nest.levels[0].effects == ("Intercept",)
    levels, edges = covariances(likelihood, theta), _edges(likelihood, theta)
    residual = family.latent_variance if family.residual is None else family.residual(
        theta[len(sample.names) : likelihood.fixed]
    )  # fmt: skip
    facts: dict[str, float] = {f"groups_{level.grouping}": level.count for level in nest.levels}
    if single and not restricted:
        sigma = float(np.sqrt(levels[0][0, 0]))
        more = variance_statistics(sigma, residual, solution.optimum.loglik, pooled.loglik)
        facts |= {key: value for key, value in more.items() if key != "rho"}
    made = from_likelihood(
        problem, solution, sample, request.errors,
        statistics=facts,
        notes=(*notes_on(family, sample, theta), *edges),
        predictor=_predictor(response, family, sample, len(theta), single=single),
        extra={"Variances": variances(nest, levels, residual)},
        **constants_of(family, RANDOM),
    )  # fmt: skip
    if restricted:
        # What coefficients take of the scores of variances is no sum over groups.
        centred = made.inference.scores - made.inference.scores.mean(axis=0)
        made = replace(made, inference=replace(made.inference, scores=centred))
    return made


def _linear(response: Response) -> bool:
    return response.name.startswith("linear")


def _problem(flat: Problem, likelihood: NestedEffects, pooled: Array) -> Problem:
    nest, family = likelihood.nest, likelihood.family
    random = names_of(nest)
    unit = flat.unit(pooled)
    diagonal = np.concatenate([1.0 * (rows == columns) for rows, columns in (lv.free for lv in nest.levels)])
    candidates = [np.concatenate([pooled, size * unit * diagonal]) for size in _SPREADS]
    return replace(
        flat,
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        scores_of=None,
        names=(*flat.names, *random),
        blocks={**flat.blocks, RANDOM: random},
        start=max(candidates, key=likelihood.loglik),
        # A variance of zero is an answer, not a separation.
        spreads=np.append(flat.spreads, np.zeros(len(random))),
        free_spreads=lambda: np.append(
            flat.free_spreads() if flat.free_spreads else flat.spreads, np.zeros(len(random))
        ),
        groups=Groups(nest.order, np.append(nest.widest_rows, len(nest.order)).astype(np.int64)),
        natural=_natural(likelihood, family),
        back=None,
        refit=None,
        noise=1e-11,
    )


def names_of(nest: Nest) -> tuple[str, ...]:
    """Names of the standard deviations and correlations of every level."""
    made = list[str]()
    for level in nest.levels:
        made += [f"sd({effect} | {level.grouping})" for effect in level.effects]
        made += [f"corr({level.effects[i]}, {level.effects[j]} | {level.grouping})" for i, j in level.pairs]
    return tuple(made)


def _natural(likelihood: NestedEffects, family: Family) -> Transform:
    fixed, coefficients = likelihood.fixed, likelihood.X.shape[1]
    of_fixed = parameter_map(family, coefficients, random=False)

    def natural(theta: Array) -> tuple[Array, Array]:
        made, jacobian = theta.copy(), np.eye(len(theta))
        if of_fixed is not None:
            made[:fixed], jacobian[:fixed, :fixed] = of_fixed(theta[:fixed])
        unit, at = family.deviation(theta[coefficients:fixed]), fixed
        for level, L in zip(likelihood.nest.levels, likelihood.factors(theta), strict=True):
            own = slice(at, at + len(level.free[0]))
            made[own] = _spread_and_correlation(level, L)[0]
            jacobian[own, own] = _spread_and_correlation(level, _off_the_edge(L, 1e-5 * unit))[1]
            at = own.stop
        return made, jacobian

    return natural


def _off_the_edge(L: Array, least: float) -> Array:
    """L with no diagonal entry of zero, where the Jacobian has no inverse."""
    diagonal = np.diag(L)
    return L + np.diag(
        np.where(np.abs(diagonal) < least, np.where(diagonal < 0, -least, least), diagonal) - diagonal
    )


def _spread_and_correlation(level: Level, L: Array) -> tuple[Array, Array]:
    """Standard deviations and correlations of LL', in the units of the effects, and their Jacobian."""
    rows, columns = level.free
    q, pairs = len(level.effects), level.pairs
    sizes = np.linalg.norm(L, axis=1)
    ways = np.divide(L, sizes[:, None], out=np.zeros_like(L), where=sizes[:, None] > 0)
    correlations = [float(ways[i] @ ways[j]) for i, j in pairs]
    jacobian = np.zeros((len(rows), len(rows)))
    for entry, (a, b) in enumerate(zip(rows, columns, strict=True)):
        jacobian[a, entry] = ways[a, b] / level.scale[a]
        for number, (i, j) in enumerate(pairs):
            for one, other in ((i, j), (j, i)):
                if a == one and sizes[one] > 0:
                    turn = ways[other, b] - correlations[number] * ways[one, b]
                    jacobian[q + number, entry] += turn / sizes[one]
    return np.concatenate([sizes / level.scale, correlations]), jacobian


def covariances(likelihood: NestedEffects, theta: Array) -> list[Array]:
    """The covariance of the effects of each level, in their own units."""
    return [
        L @ L.T / np.outer(level.scale, level.scale)
        for level, L in zip(likelihood.nest.levels, likelihood.factors(theta), strict=True)
    ]


def _edges(likelihood: NestedEffects, theta: Array) -> tuple[str, ...]:
    unit = likelihood.family.deviation(theta[likelihood.X.shape[1] : likelihood.fixed])
    said = []
    for level, L in zip(likelihood.nest.levels, likelihood.factors(theta), strict=True):
        sizes = np.linalg.norm(L, axis=1)
        for j, effect in enumerate(level.effects):
            if sizes[j] < _EDGE * unit:
                said.append(f"the variance of {effect} by {level.grouping} is zero")
            elif abs(L[j, j]) < _EDGE * unit:
                said.append(
                    f"{effect} by {level.grouping} is a combination of the effects before it (correlation ±1)"
                )
    if not said:
        return ()
    return (
        f"Singular fit: {'; '.join(said)}. The data do not carry this random part; leave the effect out, or "
        "read the errors of the random part as unknown.",
    )


def variances(nest: Nest, levels: list[Array], residual: float) -> pd.DataFrame:
    """Variances by effect; of intercepts the share of all, and the correlation of two rows of a group.

    Shares are of a row whose other random slopes multiply zero; of a Poisson model, whose rows have no
    variance on the scale of the index, there are none.
    """
    intercepts = [
        V[level.effects.index("Intercept"), level.effects.index("Intercept")]
        if "Intercept" in level.effects
        else 0.0
        for level, V in zip(nest.levels, levels, strict=True)
    ]
    total, rows = sum(intercepts) + residual, {}
    for number, (level, V) in enumerate(zip(nest.levels, levels, strict=True)):
        for j, effect in enumerate(level.effects):
            constant = effect == "Intercept"
            rows[f"{effect} | {level.grouping}"] = (
                V[j, j],
                V[j, j] / total if constant else np.nan,
                sum(intercepts[: number + 1]) / total if constant else np.nan,
            )
    if not np.isnan(residual):
        rows["Residual"] = (residual, residual / total, np.nan)
    columns = ["variance", "share", "correlation within"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _apart(solution: Solution, coefficients: int) -> Solution:
    """The solution with the expected information of a linear model, which has no block between coefficients
    and variances."""
    hessian = solution.optimum.hessian.copy()
    hessian[:coefficients, coefficients:] = hessian[coefficients:, :coefficients] = 0.0
    return replace(solution, optimum=replace(solution.optimum, hessian=hessian))


def _predictor(
    response: Response, family: Family, sample: Sample, parameters: int, *, single: bool
) -> Predictor:
    """Expected outcomes: averaged over one random intercept, else of groups whose effects are zero."""
    if single and not family.linear:
        return predictor_of(response, family, sample, random=True)
    seen = least_squares if family.linear else family
    made = predictor_of(replace(response, family=lambda _: seen), seen, sample)
    scales = made.scales
    if not family.linear:
        words = f"{scales['response'].words}, of groups whose effects are zero"
        scales = {**scales, "response": replace(scales["response"], words=words)}
    expand = np.eye(len(sample.names) + len(seen.constants), parameters)
    return replace(made, scales=scales, expand=expand)
