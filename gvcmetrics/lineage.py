"""Lineage: every constructed column remembers the raw columns that it was made from.

The record travels in ``frame.attrs["lineage"]``, a dictionary from a constructed column to the sorted
list of its raw columns. pandas copies `attrs` with the frame and writes them into Parquet metadata. A panel
begins the record with the columns of its raw file (``source.column``, which no panel column is called),
measures carry it on, and a model reads it to refuse a regressor made from what its outcome is made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import pandas as pd

from gvcmetrics.errors import DataError, Place

KEY = "lineage"

Tabular = TypeVar("Tabular", pd.DataFrame, pd.Series)


def raw_columns(frame: pd.DataFrame | pd.Series, *columns: str) -> list[str]:
    """Raw columns behind the given columns of a frame.

    Parameters
    ----------
    frame : the frame (or series) whose ``attrs["lineage"]`` is read.
    columns : names to resolve; a name without a record is itself raw.

    Returns
    -------
    list of str
        Sorted, without repetition. Chains of records are followed to their ends, cycles included.
    """
    lineage: Mapping[str, list[str]] = frame.attrs.get(KEY, {})
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
        What is recorded for a series is noted in the `attrs` of `like` too, under the same name, unless
        `like` has a column of that name already: ``like[name] = series`` drops the attrs of the series.
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
    if isinstance(frame, pd.Series) and isinstance(like, pd.DataFrame) and column not in like.columns:
        like.attrs[KEY] = {**like.attrs.get(KEY, {}), column: resolved}
    return frame


def with_measures(frame: pd.DataFrame, *made: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """A panel with measures of its rows and their lineage: the step from panel to panel.

    pandas' own `join`, `merge` and `concat` drop the attrs of both sides.

    Parameters
    ----------
    frame : the panel; not changed.
    made : series and frames with the panel's index, as the measures by row return them.

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
    """
    out = frame.copy(deep=False)
    lineage = dict(frame.attrs.get(KEY, {}))
    for part in made:
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
