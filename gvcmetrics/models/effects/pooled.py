"""Pooled likelihoods: every row counts by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.engine.conclude import Problem, Transform, column_spreads
from gvcmetrics.models.engine.likelihood import in_memory
from gvcmetrics.models.engine.newton import maximise
from gvcmetrics.models.families.base import Array, Family


def parameter_names(
    family: Family, names: Sequence[str], equations: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Names of all parameters, and the block of each equation when there are several.

    One index has its regressors' names; several prefix them: `equation: name`.
    """
    if family.n_indices == 1:
        blocks = {"Cutpoints": family.constants} if family.constants and family.outcomes else {}
        return (*names, *family.constants), blocks
    groups = {str(e): tuple(f"{e}: {name}" for name in names) for e in equations}
    return (*(name for group in groups.values() for name in group), *family.constants), groups


def starting_values(family: Family, y: Array, sample: Sample) -> Array:
    """Zero slopes, and the constants of a model without regressors."""
    weights = np.ones(len(y)) if sample.weights is None else sample.weights
    intercepts, constants = family.start(y, weights)
    k = len(sample.names)
    start = np.zeros((family.n_indices, k))
    if "Intercept" in sample.names:
        # With an offset the constant of the model without it is still a fair guess at its mean.
        shift = 0.0 if sample.offset is None else np.average(sample.offset, weights=weights)
        start[:, sample.names.index("Intercept")] = intercepts - shift
    return np.concatenate([start.ravel(), constants])


def pooled_problem(
    sample: Sample,
    y: Array,
    family: Family,
    equations: Sequence[str] = (),
    natural: Transform | None = None,
    start: Array | None = None,
) -> Problem:
    """The likelihood of a sample in memory, row by row.

    equations : names of the indices, when there are several. natural : see `Problem`.
    """
    likelihood = in_memory(family, y, sample.X, sample.weights, sample.offset)
    names, blocks = parameter_names(family, sample.names, equations)
    spreads = np.tile(column_spreads(sample.X), family.n_indices)
    return Problem(
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        names=names,
        start=starting_values(family, y, sample) if start is None else start,
        # A constant at infinity (no dispersion, correlation one) is an answer, not a separation.
        spreads=np.concatenate([spreads, np.zeros(len(family.constants))]),
        natural=natural,
        refit=_refit(sample, y, family),
        blocks=blocks,
    )


def null_loglik(sample: Sample, y: Array, family: Family) -> float:
    """Log likelihood of the model with a constant only (and the offset)."""
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


def _refit(sample: Sample, y: Array, family: Family) -> Callable[[NDArray[np.bool_], Array], Array]:
    def refit(keep: NDArray[np.bool_], start: Array) -> Array:
        likelihood = in_memory(
            family,
            y[keep],
            sample.X[keep],
            None if sample.weights is None else sample.weights[keep],
            None if sample.offset is None else sample.offset[keep],
        )
        return maximise(likelihood.evaluate, start).theta

    return refit
