"""The maximum of each likelihood of choices, and what is reported of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.choices.conditional import Conditional
from gvcmetrics.models.choices.mixed import LOGNORMAL, NORMAL, Mixed
from gvcmetrics.models.choices.nested import Nested
from gvcmetrics.models.choices.nodes import nodes
from gvcmetrics.models.choices.predictor import ChoicePredictor
from gvcmetrics.models.choices.rows import Rows
from gvcmetrics.models.choices.sets import Codes
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.scaling import free_spreads, moments_of
from gvcmetrics.models.engine.estimate import Estimate, from_likelihood, unit_weights
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.problem import Problem, Solution, solve

Kernel = Conditional | Nested | Mixed
DISSIMILARITY, SPREAD = "Dissimilarity of nests", "Standard deviations"
TITLES = {Conditional: "Conditional logit", Nested: "Nested logit", Mixed: "Mixed logit"}


def nests_of(nests: Mapping[str, Sequence[Any]] | None, labels: Sequence[Any]) -> Codes:
    """The nest of each alternative, those of none after the nests, each by itself.

    Raises
    ------
    ModelError : an alternative that is not there, or is in two nests.
    """
    made, count = np.full(len(labels), -1, dtype=np.int64), len(nests or {})
    for m, (name, members) in enumerate((nests or {}).items()):
        for member in members:
            if member not in labels:
                raise ModelError(
                    f"nest '{name}' names '{member}', which is no alternative",
                    remedy=f"They are {', '.join(map(str, labels))}",
                )
            at = labels.index(member)
            if made[at] >= 0:
                raise ModelError(f"alternative '{member}' is in two nests", remedy="Nests do not overlap")
            made[at] = m
    alone = made < 0
    made[alone] = count + np.arange(int(alone.sum()))
    return made


def estimate(request: Request, rows: Rows) -> Estimate:
    """The estimate of the model that is asked for: with nests, with random coefficients, or neither."""
    start = maximise(Conditional(rows.choices).evaluate, np.zeros(rows.choices.D.shape[1]))
    if request.options["nests"]:
        return _nested(request, rows, start.theta, start.loglik)
    if request.options["random"]:
        return _mixed(request, rows, start.theta, start.loglik)
    unit = rows.choices.unit
    if unit is not None:
        warn("panel= says whose choices share random coefficients, of which there are none; cluster by it")
    rows = replace(rows, choices=replace(rows.choices, unit=None))
    return _made(request, rows, Conditional(rows.choices), np.zeros(len(start.theta)), (), {}, ())


def _nested(request: Request, rows: Rows, start: Array, simple: float) -> Estimate:
    given, labels = request.options["nests"], rows.regressors.labels
    if request.options["random"] or request.options["panel"]:
        raise ModelError("nests are not combined with random coefficients", remedy="Use one of them")
    nests = nests_of(given, list(labels))
    together = [len(members) > 1 for members in given.values()]
    if not any(together):
        raise ModelError("no nest has two alternatives", remedy="Without nests this is a conditional logit")
    free = np.full(int(nests.max()) + 1, -1, dtype=np.int64)
    free[: len(together)] = np.where(together, np.cumsum(together) - 1, -1)
    names = [f"dissimilarity: {name}" for name, several in zip(given, together, strict=True) if several]
    if request.options["same_dissimilarity"]:
        free, names = np.minimum(free, 0), ["dissimilarity"]
    kernel = Nested(rows.choices, nests, free)
    _refuse_lonely(rows, kernel, names)
    made = _made(
        request, rows, kernel, np.append(start, np.ones(len(names))), tuple(names),
        {DISSIMILARITY: tuple(names)}, (),
    )  # fmt: skip
    beyond = [name for name, value in zip(names, made.params[len(start) :], strict=True) if value > 1.0]
    said = "A dissimilarity of one is a conditional logit."
    if beyond:
        said += f" Above one ({', '.join(beyond)}) utilities are not maximised at every attribute."
    return _against_conditional(replace(made, notes=(*made.notes, said)), simple, len(names), edge=False)


def _refuse_lonely(rows: Rows, kernel: Nested, names: Sequence[str]) -> None:
    """Raise where no chooser had two alternatives of a nest, so that nothing tells its dissimilarity."""
    sets = rows.choices.sets
    nest = kernel.nests[sets.alternative]
    count = np.zeros((sets.count, int(kernel.nests.max()) + 1), dtype=np.int64)
    np.add.at(count, (sets.of, nest), 1)
    seen = {int(kernel.free[m]) for m in np.flatnonzero((count > 1).any(axis=0)) if kernel.free[m] >= 0}
    for position, name in enumerate(names):
        if position not in seen:
            raise ModelError(
                f"no chooser had two alternatives of the nest of '{name}'", remedy="Take the nest out"
            )


def _mixed(request: Request, rows: Rows, start: Array, simple: float) -> Estimate:
    given, names = request.options["random"], list(rows.regressors.used)
    for name, kind in given.items():
        if name not in names:
            raise ModelError(
                f"random= names '{name}', which has no coefficient", remedy=f"They are {', '.join(names)}"
            )
        if kind not in (NORMAL, LOGNORMAL):
            raise ModelError(
                f"random={{'{name}': {kind!r}}} is not known", remedy="Use 'normal' or 'lognormal'"
            )
    at = np.array([names.index(name) for name in given], dtype=np.intp)
    lognormal = np.array([kind == LOGNORMAL for kind in given.values()])
    wrong = [name for name, j, log in zip(given, at, lognormal, strict=True) if log and start[j] <= 0.0]
    if wrong:
        raise ModelError(
            f"the coefficient of {', '.join(wrong)} is negative, which no log-normal one is",
            remedy="Change the sign of the regressor, I(-price)",
        )
    of_nodes = nodes(len(at), request.nquad, request.options["draws"])
    kernel = Mixed(rows.choices, at, lognormal, of_nodes)
    spreads = moments_of(rows.choices.D).spread[at]
    deviations = np.where(lognormal, 0.5, 0.5 / spreads)
    begin = np.append(start, deviations)
    begin[at[lognormal]] = np.log(start[at[lognormal]])
    said = tuple(f"sd: {name}" for name in given)
    shared = f"the choices of a {request.options['panel']}" if request.options["panel"] else "one choice"
    notes = [f"Random coefficients are independent, and those of {shared}; {of_nodes.said}."]
    if lognormal.any():
        notes.append("The mean and deviation of a log-normal coefficient are those of its log.")
    made = _made(request, rows, kernel, begin, said, {SPREAD: said}, tuple(notes))
    made = replace(made, quadrature=partial(_check, kernel, made, request.options["draws"]))
    return _against_conditional(made, simple, len(at), edge=True)


def _check(kernel: Mixed, made: Estimate, draws: int | None) -> pd.DataFrame:
    """Log likelihood and estimates by number of nodes, from the estimates on."""
    dimensions, rows = len(kernel.random), {}
    known = len(kernel.nodes.logs)
    for factor in (0.5, 1.0, 2.0):
        if draws is None and dimensions <= 2:
            count = round(known ** (1 / dimensions) * factor)
            other = nodes(dimensions, count)
        else:
            other = nodes(dimensions, "auto", round(known * factor))
        optimum = maximise(replace(kernel, nodes=other).evaluate, made.params)
        rows[other.said] = {"loglik": optimum.loglik, **dict(zip(made.names, optimum.theta, strict=True))}
    return pd.DataFrame.from_dict(rows, orient="index")


def _made(
    request: Request,
    rows: Rows,
    kernel: Kernel,
    start: Array,
    further: tuple[str, ...],
    ancillary: Mapping[str, tuple[str, ...]],
    notes: tuple[str, ...],
) -> Estimate:
    names = (*rows.regressors.used, *further)
    problem = _problem(rows, kernel, start, names, {**rows.regressors.blocks(), **ancillary})
    solution = _above_zero(problem, solve(problem), len(rows.regressors.used), kernel)
    made = from_likelihood(
        problem, solution, rows.sample, request.errors,
        statistics=_facts(rows, solution.optimum.loglik),
        ancillary=tuple(ancillary), untested=tuple(ancillary),
        notes=(f"Base alternative: {rows.regressors.labels[0]}.", *notes),
    )  # fmt: skip
    predictor: Any = ChoicePredictor.of(request, rows, kernel)
    return replace(made, title=TITLES[type(kernel)], predictor=predictor)


def _above_zero(problem: Problem, solution: Solution, k: int, kernel: Kernel) -> Solution:
    """Standard deviations enter squared only, and are reported above zero."""
    theta = solution.optimum.theta
    if not isinstance(kernel, Mixed) or (theta[k:] >= 0.0).all():
        return solution
    theta = np.append(theta[:k], np.abs(theta[k:]))
    return solve(replace(problem, start=theta))


def _problem(
    rows: Rows, kernel: Kernel, start: Array, names: tuple[str, ...], blocks: Mapping[str, tuple[str, ...]]
) -> Problem:
    D, unit = rows.choices.D, rows.choices.unit
    further = np.zeros(len(names) - D.shape[1])

    def refit(keep: NDArray[np.bool_], begin: Array) -> Array:
        return maximise(kernel.only(keep).evaluate, begin).theta

    groups = None if unit is None else Groups.of(unit)
    if groups is not None:
        unit_weights(rows.sample, groups)
    return Problem(
        evaluate=kernel.evaluate,
        scores=kernel.scores,
        scores_of=(lambda theta, batch: kernel.scores(theta)) if groups is None else None,
        names=names,
        start=start,
        spreads=np.append(moments_of(D).spread, further),
        free_spreads=lambda: np.append(free_spreads(D, constant=False), further),
        groups=groups,
        refit=refit,
        blocks=blocks,
    )


def _facts(rows: Rows, loglik: float) -> dict[str, float]:
    """Sizes of the choice sets, and McFadden's R² against equal chances."""
    choices = rows.choices
    sizes = np.bincount(choices.sets.of)
    chance = -float(choices.mass @ np.log(sizes))
    found: dict[str, float] = {
        "alternatives_min": int(sizes.min()),
        "alternatives_max": int(sizes.max()),
        "pseudo_r2": 1.0 - loglik / chance,
    }
    if choices.unit is not None:
        found["units"] = int(choices.unit.max()) + 1
    return found


def _against_conditional(made: Estimate, simple: float, df: int, *, edge: bool) -> Estimate:
    """With the likelihood-ratio test against a conditional logit.

    edge : no deviation, on the edge of what deviations may be: of one an even mixture of χ²(0) and χ²(1), of
    several p is at most that of χ².
    """
    assert made.loglik is not None
    ratio = max(2.0 * (made.loglik - simple), 0.0)
    p = float(stats.chi2.sf(ratio, df))
    if edge and df == 1:
        p = 0.5 * (p + float(ratio == 0.0))
    note = ("p of the test against a conditional logit is an upper bound.",) if edge and df > 1 else ()
    return replace(
        made,
        statistics={**made.statistics, "lr_conditional": ratio, "lr_conditional_p": p},
        notes=(*made.notes, *note),
    )
