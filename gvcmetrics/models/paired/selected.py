"""Who is seen and what is seen: the rows of a model with selection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.rows import line
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.build import refuse_impossible
from gvcmetrics.models.data.design import evaluate, require
from gvcmetrics.models.data.formula import Formula, split_outside, unquote
from gvcmetrics.models.data.frames import frame_of, plain_columns
from gvcmetrics.models.data.spelling import plain
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.paired.pair import Pair, independent, pair

# Names that no file has, for columns that are made here.
_SEEN, _VALUE = "\N{NO-BREAK SPACE}seen", "\N{NO-BREAK SPACE}value"


def selected_rows(request: Request) -> Pair:
    """The rows of a model with selection; y is (n, 2): the outcome, zero where it is not seen, and whether
    it is.

    Raises
    ------
    ModelError : everybody is seen or nobody, or the selection has no regressor of its own.
    DataError : whether a row is seen is neither 0 nor 1.
    """
    selection, observed = _selection(request)
    data = frame_of(request.data)
    require(data, [*request.parsed.variables, *selection.variables])
    refuse_impossible(request.parsed, data, [n for n in (request.unit, request.time, request.weights) if n])
    frame = plain_columns(data, [*request.parsed.variables, *selection.variables])
    value = evaluate(request.parsed.outcomes[0], frame)
    seen = _seen(frame, selection, value, observed)
    made = data.copy(deep=False)
    # A row that is selected and has no outcome goes, as it goes in any model.
    made[_SEEN] = np.where(np.isnan(value) & (seen == 1.0), np.nan, seen)
    made[_VALUE] = np.where(seen == 1.0, value, 0.0)
    formula = replace(request.parsed, outcomes=(f"`{_SEEN}`",))
    outcome, condition = plain(request.parsed.outcomes[0]), observed
    both = pair(
        replace(request, data=made), formula, selection, (outcome, condition), needed=(f"`{_VALUE}`",)
    )
    sample = both.sample
    y = np.column_stack([sample.extras[f"`{_VALUE}`"], sample.y])
    dropped = {
        reason.replace(f"missing {_SEEN}", f"missing {outcome} of a selected row"): count
        for reason, count in sample.dropped.items()
    }
    both = replace(
        both,
        sample=replace(sample, y=y, outcome=(outcome,), extras={}, dropped=dropped, formula=formula),
    )
    _refuse_one_kind(sample.y, condition)
    both = independent(independent(both, 0, y[:, 1] == 1.0), 1)
    _refuse_too_few(both)
    if not both.excluded and request.options["exclusion"]:
        raise ModelError(
            f"every regressor of '{condition}' is one of '{outcome}' as well: nothing but the normal "
            "distribution would tell selection from the outcome",
            remedy="Name in select= something that moves who is seen and not what is seen, or pass "
            "exclusion=False",
        )
    return both


def _selection(request: Request) -> tuple[Formula, str]:
    """The selection equation, and what it is called."""
    text = request.options["select"]
    if not isinstance(text, str) or "~" not in text:
        raise ModelError(
            "select= is the equation of who is seen",
            remedy="Write select='exports ~ size + age', or select='~ size + age' where the outcome is "
            "missing for those who are not seen",
        )
    left, right = split_outside(text, "~")[0], text.split("~", 1)[1]
    parsed = Formula.parse(f"{left or request.parsed.outcomes[0]} ~ {right}", trusted=request.trusted)
    if len(request.parsed.outcomes) != 1 or len(parsed.outcomes) != 1:
        raise ModelError("a model with selection has one outcome and one selection")
    if not left:
        return replace(parsed, outcomes=()), "selected"
    return parsed, plain(unquote(left))


def _seen(frame: pd.DataFrame, selection: Formula, value: Array, name: str) -> Array:
    """1 where a row is seen, 0 where it is not, missing where that is not known."""
    if not selection.outcomes:
        return (~np.isnan(value)).astype(np.float64)
    seen = evaluate(selection.outcomes[0], frame)
    bad = ~np.isnan(seen) & ~np.isin(seen, (0.0, 1.0))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{seen[row]:g} is neither 0 nor 1; {int(bad.sum())} such rows",
            Place(row=line(row), column=name),
            "Recode it to 0/1: 1 where the outcome is seen",
        )
    return seen


def _refuse_one_kind(seen: Array, name: str) -> None:
    for value, word in ((1.0, "no row is unseen"), (0.0, "no row is seen")):
        if (seen == value).all():
            raise ModelError(
                f"'{name}' is {value:g} in all {len(seen)} rows: {word}",
                remedy="A model with selection needs both; rows that lack a regressor of either equation are "
                "left out",
            )


def _refuse_too_few(both: Pair) -> None:
    k, seen = both.sizes[0], int(both.sample.y[:, 1].sum())
    if seen <= k:
        raise ModelError(
            f"{seen} rows are seen, and the outcome has {k} coefficients", remedy="Use fewer regressors"
        )
