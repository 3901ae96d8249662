"""Pooled likelihoods: every row counts by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.models.data.batch import Array, EstimationSample
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.engine.estimate import Estimate, from_likelihood
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.inference.bias_reduced import Working, of_response
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.likelihood.firth import RowTrace, penalised
from gvcmetrics.models.likelihood.newton import Optimum, maximise
from gvcmetrics.models.likelihood.problem import Problem, Solution, parameter_map, solve
from gvcmetrics.models.likelihood.sums import Likelihood, in_memory
from gvcmetrics.models.marginal.predictor import Predictor, equations


def pooled(request: Request, response: Response, sample: EstimationSample) -> Estimate:
    """Maximum likelihood over rows, in memory or from a file."""
    family = response.family(sample)
    problem = pooled_problem(sample, family, equations(sample))
    statistics: dict[str, float] = {}
    penalty = None
    if request.firth:
        assert isinstance(sample, Sample)
        trace = RowTrace(family, sample.y, sample.X, sample.weights, sample.offset)
        penalty = penalised(problem, trace)
        solution, statistics = unpenalised(solve(penalty, request.fix))
    else:
        solution = solve(problem, request.fix)
        if request.fix is None and isinstance(sample, Sample) and family.null:
            null = null_loglik(sample, family)
            statistics["pseudo_r2"] = 1.0 - solution.optimum.loglik / null
    return from_likelihood(
        problem, solution, sample, request.errors, penalty=penalty,
        statistics=statistics,
        notes=notes_on(family, sample, solution.optimum.theta),
        predictor=predictor_of(response, family, sample),
        working=None if request.firth else working_of(family, sample, solution),
        **constants_of(family),
    )  # fmt: skip


def working_of(family: Family, sample: EstimationSample, solution: Solution) -> Callable[[], Working] | None:
    """The weighted regression whose scores are those at the maximum, where there is one."""
    if not (family.canonical and isinstance(sample, Sample)) or sample.weights is not None:
        return None
    if not solution.free.all():
        return None

    def working() -> Working:
        eta = sample.X @ solution.optimum.theta + (0.0 if sample.offset is None else sample.offset)
        _, g, h = family.evaluate(sample.y, eta[:, None], np.empty(0))
        return of_response(sample.X, g[:, 0], -h[:, 0])

    return working


def constants_of(family: Family, *further: str) -> dict[str, Any]:
    """Which blocks hold the family's constants, and `further` ones that are not tested either."""
    own = (family.block,) if family.block else ()
    return {"ancillary": (*own, *further), "untested": (*(() if family.tested else own), *further)}


def predictor_of(
    response: Response, family: Family, sample: EstimationSample, *, random: bool = False
) -> Predictor:
    """Expected outcomes of a likelihood with the regressors of the sample."""
    return Predictor(
        sample=sample,
        family=family,
        scales=response.scales_of(family, sample, conditional=False),
        regressors=sample.design.matrix,
        random=random,
    )


def notes_on(family: Family, sample: EstimationSample, theta: Array) -> tuple[str, ...]:
    """What a reader should know: the base category, constants on the edge of what they may be."""
    notes = []
    if family.n_indices > 1 and sample.categories:
        notes.append(f"Base category: {sample.categories[0]}.")
    if family.boundary is not None:
        first = family.n_indices * len(sample.names)
        edge = family.boundary(theta[first : first + len(family.constants)])
        notes += [edge] if edge else []
    return tuple(notes)


def unpenalised(solution: Solution) -> tuple[Solution, dict[str, float]]:
    """The optimum with the likelihood proper, and the penalised one as a statistic."""
    optimum: Optimum = solution.optimum
    half_determinant = 0.5 * float(np.linalg.slogdet(-optimum.hessian)[1])
    proper = replace(optimum, loglik=optimum.loglik - half_determinant)
    return Solution(proper, solution.free), {"penalised_loglik": optimum.loglik}


def parameter_names(
    family: Family, names: Sequence[str], equations: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Names of all parameters, and the block of each equation when there are several.

    One index has its regressors' names; several prefix them: `equation: name`.
    """
    if family.n_indices == 1:
        blocks = {family.block: family.constants} if family.constants and family.block else {}
        return (*names, *family.constants), blocks
    groups = {str(e): tuple(f"{e}: {name}" for name in names) for e in equations}
    blocks = {**groups, family.block: family.constants} if family.constants and family.block else groups
    return (*(name for group in groups.values() for name in group), *family.constants), blocks


def starting_values(family: Family, sample: EstimationSample) -> Array:
    """Zero slopes, and the constants of a model without regressors."""
    intercepts, constants = family.start(*sample.values())
    k = len(sample.names)
    start = np.zeros((family.n_indices, k))
    if "Intercept" in sample.names:
        # With an offset the constant of the model without it is still a fair guess at its mean.
        start[:, sample.names.index("Intercept")] = intercepts - sample.mean_offset()
    return np.concatenate([start.ravel(), constants])


def pooled_problem(
    sample: EstimationSample, family: Family, equations: Sequence[str] = (), start: Array | None = None
) -> Problem:
    """The likelihood of a sample, row by row.

    equations : names of the indices, when there are several.
    """
    k = len(sample.names)
    columns = tuple(np.arange(k) for _ in range(family.n_indices))
    likelihood = Likelihood(family, columns, sample.batches)
    names, blocks = parameter_names(family, sample.names, equations)

    def of_parameters(spreads: Array) -> Array:
        # A constant at infinity (no dispersion, correlation one) is an answer, not a separation.
        return np.concatenate([np.tile(spreads, family.n_indices), np.zeros(len(family.constants))])

    constants = slice(family.n_indices * k, family.n_indices * k + len(family.constants))
    return Problem(
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        scores_of=likelihood.scores_of,
        names=names,
        start=starting_values(family, sample) if start is None else start,
        spreads=of_parameters(sample.spreads()),
        free_spreads=lambda: of_parameters(sample.free_spreads()),
        natural=parameter_map(family, family.n_indices * k, random=False),
        back=parameter_map(family, family.n_indices * k, random=False, back=True),
        refit=_refit(sample, family) if isinstance(sample, Sample) else None,
        blocks=blocks,
        unit=lambda theta: family.deviation(theta[constants]),
    )


def null_loglik(sample: Sample, family: Family) -> float:
    """Log likelihood of the model with a constant only (and the offset)."""
    y = sample.y
    coded = family.outcomes is not None and np.array_equal(y, np.floor(y))
    if coded and sample.offset is None:
        counts = np.bincount(y.astype(int), weights=sample.weights)
        counts = counts[counts > 0]
        return float(counts @ np.log(counts / counts.sum()))
    weights = np.ones(len(y)) if sample.weights is None else sample.weights
    intercepts, constants = family.start(y, weights)
    ordered = family.n_indices == 1 and family.constants and family.outcomes is not None
    ones = np.empty((len(y), 0)) if ordered else np.ones((len(y), 1))
    flat = in_memory(family, y, ones, sample.weights, sample.offset)
    start = constants if ordered else np.concatenate([intercepts, constants])
    return maximise(flat.evaluate, start).loglik


def _refit(sample: Sample, family: Family) -> Callable[[NDArray[np.bool_], Array], Array]:
    def refit(keep: NDArray[np.bool_], start: Array) -> Array:
        likelihood = in_memory(
            family,
            sample.y[keep],
            sample.X[keep],
            None if sample.weights is None else sample.weights[keep],
            None if sample.offset is None else sample.offset[keep],
        )
        return maximise(likelihood.evaluate, start).theta

    return refit
