"""A request that stands for several: formulas by steps, outcomes side by side, a sample that is split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as pads

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.design import evaluate, require
from gvcmetrics.models.data.domain import rows_in
from gvcmetrics.models.data.formula import refuse_code, unquote, variables_of
from gvcmetrics.models.data.formulas.several import Written, formulas
from gvcmetrics.models.data.formulas.text import halves, split_outside
from gvcmetrics.models.data.frames import plain_columns
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import FULL_SAMPLE, ResultsList

_MOST_SAMPLES = 200


@dataclass(frozen=True)
class Asked:
    """One of several requests, and what sets it apart from the others."""

    request: Request
    sample: str
    written: Written


def requests(request: Request) -> list[Asked] | None:
    """The requests that a request stands for, sample by sample, in fixest's order; None for a single one.

    Raises
    ------
    ModelError, DataError : `split` and `fsplit` at once, more than 200 samples, no such column.
    """
    if request.split is not None and request.fsplit is not None:
        raise ModelError("split= and fsplit= are given at once", remedy="Use fsplit=, which has all rows too")
    if isinstance(request.formula, str) and not request.trusted and ".." in request.formula:
        raise ModelError("a formula from a spec or a file names its columns", remedy="Write them out")
    each_formula = formulas(request.formula, _columns(request))
    by = request.fsplit or request.split
    if by is None:
        if each_formula is None:
            return None
        samples = {FULL_SAMPLE: request.subset}
    else:
        samples = _samples(request, by)
        if request.fsplit:
            samples = {FULL_SAMPLE: request.subset, **samples}
    written = each_formula or [_as_it_is(request.formula)]
    plain = replace(request, split=None, fsplit=None)
    return [
        Asked(
            replace(plain, formula=each.text if each_formula else plain.formula, subset=subset), sample, each
        )
        for sample, subset in samples.items()
        for each in written
    ]


def each(asked: Sequence[Asked], estimate: Callable[[Request], Results]) -> Results | ResultsList:
    """The estimates one by one; a sample that cannot be estimated is left out with a warning.

    Raises
    ------
    ModelError : no sample can be estimated, or one of several formulas cannot.
    """
    if len(asked) == 1:
        return estimate(asked[0].request)
    samples = {one.sample for one in asked}
    made, kept, failed = list[Results](), list[Asked](), list[tuple[Asked, ModelError]]()
    for one in asked:
        try:
            made.append(estimate(one.request))
            kept.append(one)
        except ModelError as error:
            if len(samples) == 1:
                raise
            failed.append((one, error))
    if not made:
        raise failed[0][1]
    for one, why in failed:
        warn(f"not estimated: {one.written.text}, sample {one.sample}: {why}")
    parts = [(one.sample, one.written.outcome, one.written.regressors, one.written.absorbed) for one in kept]
    return ResultsList(made, parts)


def _as_it_is(text: str) -> Written:
    """The parts of a single formula."""
    outcome, right = halves(text, "~")
    regressors, *after = split_outside(right, "|")
    effects = after.pop(0) if after and len(split_outside(after[0], "~")) == 1 else ""
    return Written(outcome, regressors, effects, tuple(after))


def _columns(request: Request) -> list[str]:
    if request.path is not None:
        return list(pads.dataset(request.path).schema.names) if request.path.exists() else []
    return [str(name) for name in request.data.columns]  # type: ignore[union-attr]


def _samples(request: Request, by: str) -> dict[str, Any]:
    """The subset of each value of `by`, under the value's name, in the order of the values."""
    if not request.trusted:
        refuse_code(by)
    column = unquote(by)
    known = _columns(request)
    columns = [column] if column in known else list(variables_of(by))
    require(pd.DataFrame(columns=known), columns)
    if request.path is not None:
        frame = pads.dataset(request.path).to_table(columns=columns).to_pandas()
    else:
        assert isinstance(request.data, pd.DataFrame)
        frame = request.data[columns]
    frame = plain_columns(frame, columns)
    chosen = frame.notna().all(axis=1).to_numpy()
    if request.subset is not None and isinstance(request.data, pd.DataFrame):
        chosen = chosen & rows_in(request.data, request.subset)
    if column in columns:
        values = frame.loc[chosen, column]
        text = column if column.isidentifier() else f"`{column}`"
    else:
        values, text = pd.Series(evaluate(by, frame[chosen])), f"({by})"
        values = values.astype(np.int64) if (values == values.round()).all() else values
    levels = _levels(values, by)
    if request.subset is None or isinstance(request.subset, str):
        before = f"({request.subset}) & " if request.subset else ""
        return {
            str(level): f"{before}({text} == {level!r})" if before else f"{text} == {level!r}"
            for level in levels
        }
    inside = np.zeros(len(frame), dtype=bool)
    at = np.flatnonzero(chosen)
    found = {}
    for level in levels:
        mask = inside.copy()
        mask[at[(values == level).to_numpy()]] = True
        found[str(level)] = mask
    return found


def _levels(values: pd.Series, by: str) -> list[Any]:
    """The values in their order, as Python writes them."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        present = values.cat.remove_unused_categories().cat.categories.tolist()
    else:
        present = sorted(values.unique().tolist())
    if len(present) > _MOST_SAMPLES:
        raise ModelError(f"'{by}' has {len(present)} values, more than {_MOST_SAMPLES} samples")
    if not present:
        raise ModelError(f"'{by}' has no value to split by")
    if not all(isinstance(level, (str, int, float, bool)) for level in present):
        raise DataError(
            f"a sample is split by text or numbers, not {type(present[0]).__name__}",
            Place(column=by),
            "Make a column of years or of groups",
        )
    return present
