"""What an estimator finds, before it is dressed as Results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.data.batch import Array, EstimationSample
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.inference.bias_reduced import Working
from gvcmetrics.models.inference.covariance import Inference, Vcov, classical_errors
from gvcmetrics.models.inference.jackknife import refitted
from gvcmetrics.models.likelihood.problem import Problem, Solution, profiled, restricted
from gvcmetrics.models.marginal.predictor import Predictor
from gvcmetrics.models.results.by_errors import ByErrors


@dataclass(frozen=True)
class Estimate:
    """Estimates, and what any covariance, test or prediction is made from.

    Attributes
    ----------
    sample : the rows that were used. params, names : estimates, of every reported parameter.
    inference : scores, bread and counts. codes : column -> cluster codes of the rows of the scores.
    predictor : None where nothing can be expected.
    title : of the model, where the treatment changes it.
    statistics, blocks, ancillary, untested, notes, extra, quadrature : see `Results`.
    uncorrected : estimates before a correction of their bias.
    renewed : see `Results`. tested : name of a statistic -> parameters that it tests jointly.
    """

    sample: EstimationSample
    names: tuple[str, ...]
    params: Array
    inference: Inference
    codes: Callable[[str], np.ndarray]
    predictor: Predictor | None = None
    loglik: float | None = None
    converged: bool = True
    uncorrected: Array | None = None
    title: str | None = None
    statistics: Mapping[str, float] = field(default_factory=dict)
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ancillary: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    quadrature: Callable[[], pd.DataFrame] | None = None
    renewed: Callable[[Any], ByErrors] | None = None
    tested: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def from_likelihood(
    problem: Problem,
    solution: Solution,
    sample: EstimationSample,
    asked: Vcov,
    classical: Vcov | None = None,
    penalty: Problem | None = None,
    working: Callable[[], Working] | None = None,
    **facts: Any,
) -> Estimate:
    """The estimate at the maximum of a likelihood, in the reported parameters; `facts` as in `Estimate`.

    penalty : the problem with its penalty, where that is what was maximised. working : see `Inference`.

    classical : see `Inference`; by default what weights leave of classical errors.
    """
    optimum, free = solution.optimum, solution.free
    bread, jacobian = solution.bread, None
    params = optimum.theta
    if problem.natural:
        params, jacobian = problem.natural(optimum.theta)
        bread = jacobian @ bread @ jacobian.T
    weighted = sample.weights_name is not None and not sample.frequency
    classical = classical or classical_errors(weighted)
    # A file keeps of the scores what the errors need, those that stand for classical ones included.
    scores, codes = scores_of(problem, sample, optimum.theta, classical if asked.kind == "iid" else asked)
    # Classical errors of a file come without scores.
    if jacobian is not None and scores.shape[1] == len(jacobian):
        scores = scores @ np.linalg.inv(jacobian)
    inference = Inference(
        scores=scores,
        bread=bread,
        nobs=sample.nobs,
        parameters=int(free.sum()),
        linear=False,
        jackknife=_jackknife(problem, optimum.theta),
        estimates=params,
        frequency=_frequency(problem, sample),
        restricted=restricted(problem, solution),
        working=working,
        profile=profiled(penalty or problem, solution) if problem.natural is None else None,
        of_units=problem.groups is not None,
        classical=classical,
    )
    statistics = {**facts.pop("statistics", {}), "iterations": optimum.iterations}
    return Estimate(
        sample=sample, names=problem.names, params=params, inference=inference, codes=codes,
        loglik=optimum.loglik, converged=optimum.converged, blocks=facts.pop("blocks", problem.blocks),
        statistics=statistics, **facts,
    )  # fmt: skip


def scores_of(
    problem: Problem, sample: EstimationSample, theta: Array, asked: Vcov
) -> tuple[Array, Callable[[str], np.ndarray]]:
    """Scores of the rows, or of the units of a likelihood that is no sum over rows, and their clusters."""
    if problem.scores_of is not None:
        return sample.collect(partial(problem.scores_of, theta), asked.kind, asked.clusters)
    assert problem.groups is not None
    assert isinstance(sample, Sample)
    return problem.scores(theta), unit_codes(sample, problem.groups)


def unit_weights(sample: Sample, groups: Groups) -> Array | None:
    """Weights by unit.

    Raises
    ------
    ModelError : they vary within a unit, whose likelihood then has no weight.
    """
    if sample.weights is None:
        return None
    ordered = sample.weights[groups.order]
    first = sample.weights[groups.first]
    if not np.array_equal(np.repeat(first, np.diff(groups.starts)), ordered):
        raise ModelError(
            f"weights '{sample.weights_name}' vary within '{sample.unit_name}'",
            remedy="A unit's likelihood takes one weight: use its mean, or effects='pooled'",
        )
    return first


def unit_codes(sample: Sample, groups: Groups) -> Callable[[str], np.ndarray]:
    """Cluster codes of units, from those of rows; refuses clusters that cut a unit in two."""

    def codes(column: str) -> np.ndarray:
        rows = sample.codes(column)
        units = rows[groups.first]
        if not np.array_equal(np.repeat(units, np.diff(groups.starts)), rows[groups.order]):
            raise ModelError(
                f"'{column}' varies within '{sample.unit_name}'",
                remedy=f"Cluster by '{sample.unit_name}', or by something that it is nested in",
            )
        return units

    return codes


def _frequency(problem: Problem, sample: EstimationSample) -> Array | None:
    if not (sample.frequency and sample.in_memory and isinstance(sample, Sample)) or sample.weights is None:
        return None
    return sample.weights if problem.groups is None else sample.weights[problem.groups.first]


def _jackknife(problem: Problem, theta: Array) -> Callable[[np.ndarray], np.ndarray] | None:
    refit = problem.refit
    if refit is None:
        return None
    return refitted(lambda keep: problem.reported(refit(keep, theta)), len(theta))
