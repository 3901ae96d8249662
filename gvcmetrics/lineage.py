"""Lineage: every constructed column remembers the raw columns that it was made from.

The record travels in ``frame.attrs["lineage"]``, a dictionary from a constructed column to the sorted
list of its raw columns. pandas copies `attrs` with the frame and writes them into Parquet metadata. A panel
begins the record with the columns of its raw file (``source.column``, which no panel column is called),
measures carry it on, and a model reads it to refuse a regressor made from what its outcome is made from.

pandas drops the `attrs` of a series that is assigned to a frame, and a measure does not write into the
frame that it is given. So the session remembers the series that measures made, by their name and a sketch of
their values, and ``frame["rca"] = rca(frame)`` is known again: in that frame, and in whatever is selected,
sorted, joined or read back from it, as long as the column keeps its name and most of its values. Under
another name it is one's own column, without lineage; a warning says so where its values are those of a
measure, and `with_measures` gives it the name with the lineage.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, EstimationWarning, Place
from gvcmetrics.ground.warn import warn

KEY = "lineage"
PROVENANCE = "provenance"
SKETCH = 1 << 16
"""Values that a sketch holds at most: half a megabyte, and enough to know a few hundred rows of millions."""
KEPT = 0.8
"""Share of its values by which a measure is known again; the others may have been capped or filled in."""

TELLING = 12
"""Different values, not whole, from which a measure can be told under another name."""
AGREE = 0.99
"""Share of its values that must agree under another name."""

Tabular = TypeVar("Tabular", pd.DataFrame, pd.Series)


@dataclass(frozen=True)
class _Made:
    """A series that a measure made: its raw columns, and the smallest hashes of its values up to a bound.

    Of any part of its rows, the hashes up to the bound are among them.
    """

    sources: tuple[str, ...]
    hashes: np.ndarray
    bound: np.uint64

    @classmethod
    def of(cls, series: pd.Series, sources: list[str]) -> _Made:
        hashes = _hashes(series)
        if len(hashes) <= SKETCH:
            return cls(tuple(sources), np.unique(hashes), np.uint64(np.iinfo(np.uint64).max))
        smallest = np.unique(np.partition(hashes, SKETCH)[:SKETCH])
        return cls(tuple(sources), smallest, smallest[-1])

    def is_in(self, column: pd.Series, share: float = KEPT, least: int = 1) -> bool:
        """Whether most of the column's different values are of this series."""
        hashes = _hashes(column)
        comparable = np.unique(hashes[hashes <= self.bound])
        return len(comparable) >= least and bool(np.isin(comparable, self.hashes).mean() >= share)


_MADE: defaultdict[str, deque[_Made]] = defaultdict(lambda: deque(maxlen=16))


def lineage_of(frame: pd.DataFrame | pd.Series) -> dict[str, list[str]]:
    """The record of a frame: what its `attrs` say, and what measures made of its other columns."""
    known = {name: list(sources) for name, sources in frame.attrs.get(KEY, {}).items()}
    if isinstance(frame, pd.DataFrame):
        for name in frame.columns:
            if name not in known and (made := _recognised(frame, name)) is not None:
                known[name] = made
    return known


def attrs_with_lineage(frame: pd.DataFrame) -> dict[Any, Any]:
    """The `attrs` of a frame with its whole record, for a frame that is made from it."""
    known = lineage_of(frame)
    return {**frame.attrs, KEY: known} if known else dict(frame.attrs)


def raw_columns(frame: pd.DataFrame | pd.Series, *columns: str) -> list[str]:
    """Raw columns behind the given columns of a frame.

    Parameters
    ----------
    frame : the frame (or series) whose ``attrs["lineage"]`` is read; of a column without a record there,
        whether it is a measure made in this session.
    columns : names to resolve; a name without a record is itself raw.

    Returns
    -------
    list of str
        Sorted, without repetition. Chains of records are followed to their ends, cycles included.
    """
    lineage: Mapping[str, list[str]] = frame.attrs.get(KEY, {})
    made = {name: _recognised(frame, name) for name in columns if name not in lineage}
    lineage = {**lineage, **{name: sources for name, sources in made.items() if sources is not None}}
    raw: set[str] = set()
    seen: set[str] = set()
    waiting = list(columns)
    while waiting:
        column = waiting.pop()
        parents = lineage.get(column, [column])
        seen.add(column)
        # A column rebuilt from itself (x = log x) is its own raw source.
        raw.update(parent for parent in parents if parent == column or parent not in lineage)
        waiting.extend(parent for parent in parents if parent in lineage and parent not in seen)
    return sorted(raw)


def record(
    frame: Tabular, column: str, *sources: str, like: pd.DataFrame | pd.Series | None = None
) -> Tabular:
    """Write into a frame which raw columns a constructed column was made from.

    Parameters
    ----------
    frame : the new frame (or series) that holds `column`; its `attrs` are changed, its data are not.
    column : the constructed column.
    sources : the columns it was computed from, raw or constructed; constructed ones are resolved to
        their raw columns.
    like : the frame that the sources were read from, where that is not `frame` itself; its whole
        record is carried over for the columns that `frame` still has.

    Returns
    -------
    The same frame, so that the call can close a function.

    Examples
    --------
    >>> import pandas as pd
    >>> firms = pd.DataFrame({"sales_usd": [4.0], "employment": [2.0]})
    >>> firms = firms.assign(productivity=firms.sales_usd / firms.employment)
    >>> record(firms, "productivity", "sales_usd", "employment").attrs["lineage"]
    {'productivity': ['employment', 'sales_usd']}
    """
    origin = frame if like is None else like
    resolved = raw_columns(origin, *sources)
    kept = dict(frame.attrs.get(KEY, {}))
    if like is not None:
        names = set(frame.columns) if isinstance(frame, pd.DataFrame) else {frame.name}
        carried = like.attrs.get(KEY, {})
        kept = {name: list(carried[name]) for name in carried if name in names} | kept
    frame.attrs[KEY] = {**kept, column: resolved}
    if isinstance(frame, pd.Series):
        _MADE[column].append(_Made.of(frame, resolved))
    return frame


def with_measures(frame: pd.DataFrame, *made: pd.DataFrame | pd.Series, **named: pd.Series) -> pd.DataFrame:
    """A panel with measures of its rows and their lineage: the step from panel to panel.

    The record stands in the panel's `attrs` afterwards, so that it stays with it in files too. pandas' own
    `join`, `merge` and `concat` drop the attrs of both sides.

    Parameters
    ----------
    frame : the panel; not changed.
    made : series and frames with the panel's index, as the measures by row return them.
    named : series under a name of the caller's choice.

    Returns
    -------
    pandas.DataFrame
        The same rows in the same order, with the measures as columns and the attrs of the panel.

    Raises
    ------
    DataError
        A measure has other rows than the panel, no name, or the name of a column that is there.

    Examples
    --------
    >>> import pandas as pd
    >>> firms = pd.DataFrame({"sales_usd": [4.0], "employment": [2.0]})
    >>> ratio = (firms.sales_usd / firms.employment).rename("productivity")
    >>> record(ratio, "productivity", "sales_usd", "employment", like=firms)
    0    2.0
    Name: productivity, dtype: float64
    >>> with_measures(firms, ratio).attrs["lineage"]
    {'productivity': ['employment', 'sales_usd']}
    >>> with_measures(firms, output_per_worker=ratio).attrs["lineage"]
    {'output_per_worker': ['employment', 'sales_usd']}
    """
    out = frame.copy(deep=False)
    lineage = lineage_of(frame)
    renamed = [
        record(part.rename(name), name, *raw_columns(part, str(part.name))) for name, part in named.items()
    ]
    for part in (*made, *renamed):
        columns = part if isinstance(part, pd.DataFrame) else part.to_frame()
        if not columns.index.equals(frame.index):
            raise DataError(
                f"the measure has {len(columns)} rows that are not the {len(frame)} of the panel",
                Place(column=str(columns.columns[0])),
                "Join a measure by keys with join_cluster_panel.",
            )
        for name in columns.columns:
            if not isinstance(name, str) or name in out.columns:
                problem = "the panel has this column already" if name in out else "the measure has no name"
                raise DataError(problem, Place(column=str(name)), "Rename the measure.")
            out[name] = columns[name]
            lineage[name] = raw_columns(part, name)
    out.attrs = {**frame.attrs, KEY: lineage}
    return out


def with_lineage(
    frame: pd.DataFrame, *parents: pd.DataFrame, renamed: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """A frame with the lineage and the sources of those that it was made from, where pandas drops them.

    pandas keeps `attrs` through selections and copies; `merge`, `join` and `concat` drop them unless all
    frames have the same, and a renamed column has no record under its new name.

    Parameters
    ----------
    frame : what was made; not changed.
    parents : the frames that it was made from.
    renamed : new name → name in the parents, for columns that changed it (``{"jobs": "employment"}``,
        ``{"value_x": "value"}`` after a merge).

    Returns
    -------
    pandas.DataFrame
        The same columns. Each has the raw columns of its namesake in every parent that has it, beside what
        the frame's own record says; a column of no parent stays one's own. `attrs["provenance"]` lists the
        parents', so that a table names them.

    Raises
    ------
    DataError
        A name in `renamed` is not in the frame, or what it was called is in no parent.

    Examples
    --------
    >>> import pandas as pd
    >>> firms = pd.DataFrame({"id": [1], "employment": [2.0]})
    >>> firms.attrs["lineage"] = {"employment": ["wbes.l1"]}
    >>> more = firms.rename(columns={"employment": "jobs"}).merge(pd.DataFrame({"id": [1], "hub": [True]}))
    >>> with_lineage(more, firms, renamed={"jobs": "employment"}).attrs["lineage"]
    {'jobs': ['wbes.l1']}
    """
    former = dict(renamed or {})
    for name, was in former.items():
        if name not in frame.columns or not any(was in parent.columns for parent in parents):
            lost = f"'{name}' is not in the frame" if name not in frame.columns else f"no parent has '{was}'"
            raise DataError(lost, Place(column=str(name)), "renamed maps new names to those in the parents.")
    records = [lineage_of(parent) for parent in parents]
    # A record under a name that the parents use for something else is not the frame's.
    own = {name: list(sources) for name, sources in frame.attrs.get(KEY, {}).items() if name not in former}
    for column in frame.columns:
        was = former.get(column, column)
        # A raw column is its own source, and has to be said so once it is called otherwise.
        found = [
            raw_columns(parent, was)
            for parent, known in zip(parents, records, strict=True)
            if was in known or (column in former and was in parent.columns)
        ]
        if found:
            own[column] = sorted({*own.get(column, []), *(raw for sources in found for raw in sources)})
    out = frame.copy(deep=False)
    out.attrs = {**frame.attrs, KEY: own}
    told: list[Any] = []
    for source in (frame, *parents):
        given = source.attrs.get(PROVENANCE)
        told += [one for one in (given if isinstance(given, list) else [given]) if one and one not in told]
    if told:
        out.attrs[PROVENANCE] = told[0] if len(told) == 1 else told
    return out


def _recognised(frame: pd.DataFrame | pd.Series, name: object) -> list[str] | None:
    """Raw columns of the latest measure of this name that the column holds; None if there is none."""
    if isinstance(frame, pd.Series) or not _MADE or name not in frame.columns:
        return None
    column = frame[name]
    if isinstance(column, pd.DataFrame):  # two columns of one name
        return None
    if name in _MADE:
        named = (list(made.sources) for made in reversed(_MADE[str(name)]) if made.is_in(column))
        if (sources := next(named, None)) is not None:
            return sources
    if (measure := _renamed(column)) is not None:
        warn(
            f"the column '{name}' holds the measure '{measure}' under a name that has no lineage, so a model "
            f"does not see what it is made from; with_measures(frame, {name}=…) gives it both",
            EstimationWarning,
        )
    return None


def _renamed(column: pd.Series) -> str | None:
    """The measure whose values a column of another name holds; None if there is none."""
    if not pd.api.types.is_float_dtype(column.dtype):
        return None
    # Whole numbers and short scales are alike in columns that have nothing to do with each other.
    numbers = column.to_numpy(float, na_value=np.nan)
    telling = column[(numbers % 1 != 0) & np.isfinite(numbers)]
    few = telling.iloc[: 8 * TELLING]
    for name, series in _MADE.items():
        for made in reversed(series):
            if made.is_in(few, AGREE) and made.is_in(telling, AGREE, TELLING):
                return name
    return None


def _hashes(values: pd.Series) -> np.ndarray:
    known = values.dropna()
    return pd.util.hash_pandas_object(known, index=False).to_numpy()
