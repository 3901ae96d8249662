"""The likelihood of two equations, at its maximum and in the units of the regressors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.models.data.batch import Array, Batch
from gvcmetrics.models.data.scaling import Scaling, free_spreads, moments_of
from gvcmetrics.models.effects.pooled import constants_of
from gvcmetrics.models.engine.estimate import Estimate, from_likelihood
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.scaled import Back
from gvcmetrics.models.likelihood.expected import Scale
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.problem import Problem, in_print, parameter_map, solve
from gvcmetrics.models.likelihood.sums import Likelihood
from gvcmetrics.models.marginal.predictor import Predictor
from gvcmetrics.models.paired.pair import Pair

Starts = Callable[[Pair], Array]
Facts = Callable[[Pair, float], Mapping[str, float]]


def maximum(
    request: Request,
    pair: Pair,
    family: Family,
    scales: Mapping[str, Scale],
    start: Starts,
    facts: Facts = lambda pair, loglik: {},
    notes: tuple[str, ...] = (),
) -> Estimate:
    """Maximum likelihood on scaled regressors, brought back to their own units.

    start : pair -> parameters of the kernels to begin with. facts : (pair, log likelihood) -> statistics.
    """
    before, (pair, scaling) = pair, scaled(pair)
    asked = _of_scaled(request, pair, scaling)
    problem = in_print(_problem(pair, family, start(pair)), asked)
    solution = solve(problem, asked)
    made = from_likelihood(
        problem, solution, pair.sample, request.errors,
        statistics={} if request.fix else facts(pair, solution.optimum.loglik),
        notes=notes,
        predictor=predictor(pair, family, scales),
        **constants_of(family),
    )  # fmt: skip
    return unscaled(made, pair, scaling, before)


def predictor(pair: Pair, family: Family, scales: Mapping[str, Scale]) -> Predictor:
    """Expected outcomes of both equations."""
    return Predictor(
        sample=pair.sample,
        family=family,
        scales=scales,
        regressors=pair.sample.design.matrix,
        expand=pair.expand(len(family.constants)),
    )


def scaled(pair: Pair) -> tuple[Pair, Scaling | None]:
    """The pair with regressors near zero and one; centred where both equations have a constant."""
    centred = all("Intercept" in names for names in pair.names)
    scaling = Scaling.of(moments_of(pair.sample.X), centred=centred)
    return (pair, None) if scaling is None else (replace(pair, sample=pair.sample.scaled(scaling)), scaling)


def unscaled(made: Estimate, pair: Pair, scaling: Scaling | None, before: Pair) -> Estimate:
    """The estimate of a scaled pair, in the units that it had before."""
    if scaling is None:
        return made
    return _back(pair, scaling, len(made.params) - sum(pair.sizes)).estimate(made, before.sample)


def _of_scaled(request: Request, pair: Pair, scaling: Scaling | None) -> Mapping[str, float] | None:
    """Held coefficients in the units of the scaled regressors."""
    if scaling is None or not request.fix:
        return request.fix
    scale = dict(zip(pair.sample.names, scaling.scale, strict=True))
    return {name: value * scale.get(name.split(": ", 1)[-1], 1.0) for name, value in request.fix.items()}


def _back(pair: Pair, scaling: Scaling, constants: int) -> Back:
    """The linear map from parameters of scaled regressors to those of the regressors."""
    blocks, inverses = [], []
    for columns, names in zip(pair.columns, pair.names, strict=True):
        centre, scale = scaling.centre[columns], scaling.scale[columns]
        T, inverse = np.diag(1.0 / scale), np.diag(scale)
        if "Intercept" in names:
            at = names.index("Intercept")
            T[at] -= centre / scale
            inverse[at] += centre
        blocks.append(T)
        inverses.append(inverse)
    stretch = float(sum(np.log(scaling.scale[columns]).sum() for columns in pair.columns))
    return Back(
        _diagonal(blocks, constants), _diagonal(inverses, constants), scaling.centre, scaling.scale, stretch
    )


def _diagonal(blocks: list[Array], constants: int) -> Array:
    k, m = (len(block) for block in blocks)
    made = np.eye(k + m + constants)
    made[:k, :k], made[k : k + m, k : k + m] = blocks
    return made


def _problem(pair: Pair, family: Family, start: Array) -> Problem:
    sample, coefficients = pair.sample, sum(pair.sizes)
    likelihood = Likelihood(family, pair.columns, sample.batches)
    constants = np.zeros(len(family.constants))

    def spreads(of: Callable[[Array], Array]) -> Array:
        return np.concatenate([*(of(pair.X(j)) for j in range(2)), constants])

    blocks: dict[str, tuple[str, ...]] = dict(pair.blocks)
    if family.constants:
        blocks[family.block] = family.constants
    return Problem(
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        scores_of=likelihood.scores_of,
        names=(*pair.parameters, *family.constants),
        start=start,
        spreads=spreads(lambda X: moments_of(X).spread),
        free_spreads=lambda: spreads(lambda X: free_spreads(X, constant=True)),
        natural=parameter_map(family, coefficients, random=False),
        back=parameter_map(family, coefficients, random=False, back=True),
        refit=_refit(pair, family),
        blocks=blocks,
        unit=lambda theta: family.deviation(theta[coefficients:]),
    )


def _refit(pair: Pair, family: Family) -> Callable[[NDArray[np.bool_], Array], Array]:
    sample = pair.sample

    def refit(keep: NDArray[np.bool_], start: Array) -> Array:
        batch = Batch(*(_kept(part, keep) for part in (sample.y, sample.X, sample.weights, sample.offset)))
        return maximise(Likelihood(family, pair.columns, lambda: (batch,)).evaluate, start).theta

    return refit


def _kept(values: Any, keep: NDArray[np.bool_]) -> Any:
    return None if values is None else values[keep]
