"""Fixed unit effects, conditioned away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.groups import Groups, varies
from gvcmetrics.models.data.sample import Sample, drop_collinear
from gvcmetrics.models.data.scaling import free_spreads, moments_of
from gvcmetrics.models.effects.conditional_logit import ConditionalLogit
from gvcmetrics.models.effects.conditional_multinomial import ConditionalMultinomial
from gvcmetrics.models.effects.irls import irls
from gvcmetrics.models.effects.pooled import unpenalised
from gvcmetrics.models.engine.estimate import Estimate, from_likelihood, unit_weights
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.inference.covariance import Vcov
from gvcmetrics.models.likelihood.family import Array
from gvcmetrics.models.likelihood.firth import penalised
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.problem import Problem, solve
from gvcmetrics.models.marginal.predictor import Predictor

# Two arrays of so many numbers, 1.6 gigabytes.
_MOST_MOMENTS = 1e8
INVARIANT = "unit whose outcome never changes"


def conditional_logit(request: Request, response: Response, sample: Sample) -> Estimate:
    """Chamberlain's conditional logit."""
    made = _conditional(request, response, sample, conditional_problem)
    used, family = made.sample, response.family(sample)
    assert isinstance(used, Sample)
    assert used.unit is not None
    absorbing = replace(used, absorbed={str(used.unit_name): used.unit})
    assert made.predictor is not None
    with_level = replace(made.predictor, levelled=lambda params: irls(absorbing, family, held=params).eta)
    return replace(made, predictor=with_level)


def blow_up_and_cluster(request: Request, response: Response, sample: Sample) -> Estimate:
    """Conditional logits of all ways to cut an ordered outcome in two."""
    cutoffs = max(len(sample.categories or ()) - 1, 1)
    made = _conditional(
        request, response, sample, lambda few: conditional_problem(few, cutoffs),
        # The copies of a unit are dependent, so the inverse Hessian is not a covariance here.
        Vcov("CRV1", (str(sample.unit_name),)),
    )  # fmt: skip
    note = "Blow-up and cluster estimator; the log likelihood is composite."
    return replace(made, notes=(*made.notes, note))


def conditional_multinomial(request: Request, response: Response, sample: Sample) -> Estimate:
    """Chamberlain's conditional multinomial logit."""
    labels = [str(label) for label in sample.categories or ()]
    return _conditional(request, response, sample, lambda few: conditional_multinomial_problem(few, labels))


def _conditional(
    request: Request,
    response: Response,
    sample: Sample,
    likelihood: Callable[[Sample], Problem],
    classical: Vcov | None = None,
) -> Estimate:
    sample, statistics = informative(sample)
    problem = likelihood(sample)
    family = response.family(sample)
    penalty = penalised(problem) if request.firth else None
    if penalty:
        solution, more = unpenalised(solve(penalty, request.fix))
        statistics |= more
    else:
        solution = solve(problem, request.fix)
    return from_likelihood(
        problem, solution, sample, request.errors, classical, penalty,
        statistics=statistics,
        notes=(f"{statistics['units_left_out']:g} units left out: their outcome never changes.",),
        predictor=Predictor(
            sample=sample,
            family=family,
            scales=response.scales_of(family, sample, conditional=True),
            regressors=sample.design.matrix,
            conditional=True,
        ),
    )  # fmt: skip


def informative(sample: Sample) -> tuple[Sample, dict[str, float]]:
    """The sample without the units whose outcome never changes, as Stata's `clogit` counts it.

    Those units add nothing to a conditional likelihood. Regressors that no unit varies are dropped with
    a warning.

    Returns
    -------
    The smaller sample, and the numbers of units used and left out.
    """
    assert sample.unit is not None
    keep = varies(sample.y, sample.unit)
    if not keep.any():
        raise ModelError(
            f"'{sample.outcome[0]}' changes within no '{sample.unit_name}'",
            remedy="Fixed effects use changes within units only; see effects='correlated'",
        )
    units = int(sample.unit.max()) + 1
    sample = sample.select(keep, INVARIANT)
    if "Intercept" in sample.names:
        sample = sample.keep_columns(np.array([name != "Intercept" for name in sample.names]))
    codes = sample.unit
    assert codes is not None
    sample = drop_collinear(sample, [codes])
    if not sample.names:
        raise ModelError(
            f"no regressor varies within '{sample.unit_name}'",
            remedy="Fixed effects take out everything that is constant; see effects='correlated'",
        )
    used = int(codes.max()) + 1
    return sample, {"units": used, "units_left_out": units - used}


def conditional_problem(sample: Sample, cutoffs: int = 1) -> Problem:
    """Conditional logit, or with several cutoffs the blow-up and cluster estimator."""
    groups, X, offset, weights = _by_unit(sample)
    y = sample.y[groups.order]
    likelihood = ConditionalLogit(y, X, groups, cutoffs, weights, offset)

    def refit(keep: NDArray[np.bool_], start: Array) -> Array:
        rows = np.repeat(keep, np.diff(groups.starts))
        fewer = ConditionalLogit(
            y[rows], X[rows], groups.only(keep), cutoffs,
            None if weights is None else weights[keep], None if offset is None else offset[rows],
        )  # fmt: skip
        return maximise(fewer.evaluate, start).theta

    return Problem(
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        names=sample.names,
        start=np.zeros(len(sample.names)),
        spreads=moments_of(likelihood.within).spread,
        free_spreads=lambda: free_spreads(likelihood.within, constant=False),
        groups=groups,
        refit=refit,
    )


def conditional_multinomial_problem(sample: Sample, categories: Sequence[str]) -> Problem:
    """Chamberlain's conditional multinomial logit; `categories` with the base first."""
    groups, X, offset, weights = _by_unit(sample)
    if offset is not None:
        raise ModelError("multinomial_logit with effects='fixed' takes no offset")
    y = sample.y[groups.order]
    _refuse_too_many_states(sample, y, groups, len(categories))
    likelihood = ConditionalMultinomial(y, X, groups, len(categories), weights)

    def refit(keep: NDArray[np.bool_], start: Array) -> Array:
        rows = np.repeat(keep, np.diff(groups.starts))
        fewer = ConditionalMultinomial(
            y[rows], X[rows], groups.only(keep), len(categories), None if weights is None else weights[keep]
        )
        return maximise(fewer.evaluate, start).theta

    blocks = {c: tuple(f"{c}: {name}" for name in sample.names) for c in categories[1:]}
    names = tuple(name for block in blocks.values() for name in block)
    return Problem(
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        names=names,
        start=np.zeros(len(names)),
        spreads=np.tile(moments_of(_within(X, groups)).spread, len(blocks)),
        free_spreads=lambda: np.tile(free_spreads(_within(X, groups), constant=False), len(blocks)),
        groups=groups,
        refit=refit,
        blocks=blocks,
    )


def _by_unit(sample: Sample) -> tuple[Groups, Array, Array | None, Array | None]:
    assert sample.unit is not None
    groups = Groups.of(sample.unit)
    # Rows that already stand in the order of their units need no copy.
    X = sample.X if groups.in_order else sample.X[groups.order]
    offset = None if sample.offset is None else sample.offset[groups.order]
    return groups, X, offset, unit_weights(sample, groups)


def _refuse_too_many_states(sample: Sample, y: Array, groups: Groups, outcomes: int) -> None:
    """Raise when a unit's counts of choices have more combinations than memory holds moments for."""
    chosen = np.column_stack([groups.sums((y == j).astype(np.int64)) for j in range(1, outcomes)])
    states = np.prod(chosen + 1.0, axis=1)
    k = (outcomes - 1) * len(sample.names)
    width = 1 + k + k * (k + 1) / 2
    if states.max() * width > _MOST_MOMENTS:
        worst = int(states.argmax())
        label = sample.unit_labels[worst] if sample.unit_labels is not None else worst
        raise ModelError(
            f"unit '{label}' chose in {groups.starts[worst + 1] - groups.starts[worst]} periods, whose "
            f"{states.max():.2g} counts of choices are too many to sum over",
            remedy="Merge categories, use fewer periods, or effects='correlated_pooled'",
        )


def _within(X: Array, groups: Groups) -> Array:
    """Deviations from the means of units: what fixed effects leave to identify a coefficient."""
    sizes = np.diff(groups.starts)
    means = groups.sums(X) / sizes[:, None]
    return X - np.repeat(means, sizes, axis=0)
