"""Upgrading read off trade: Kaplinsky–Readman quadrants and the moves between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import (
    listed,
    numbers,
    require_columns,
    require_unique,
    require_whole_numbers,
)

QUADRANTS = ("downgrading", "failed product upgrading", "process upgrading", "product upgrading")
"""From worst to best; the order of the categorical that `quadrants` returns."""

Period = int | tuple[int, int]


def quadrants(
    frame: pd.DataFrame,
    *,
    unit: str | Sequence[str] = ("exporter", "product"),
    time: str = "year",
    relative_unit_value: str = "relative_unit_value",
    market_share: str = "market_share",
    periods: Sequence[Period] | None = None,
    tolerance: float = 0.0,
) -> pd.DataFrame:
    """Kaplinsky–Readman quadrant of each unit, from changes in relative unit value and market share.

    ==================  ==================  =========================
    relative unit value market share        quadrant
    ==================  ==================  =========================
    rises               rises               product upgrading
    falls               rises               process upgrading
    rises               falls               failed product upgrading
    falls               falls               downgrading
    ==================  ==================  =========================

    Parameters
    ----------
    frame : trade panel with one row for each unit and year.
    periods : two or more years or inclusive (first, last) windows in order of time; each is compared with
        the next. A window's value is the mean over the years in which both measures are observed. By
        default the unit's own first and last year with both measures.
    unit : columns that identify the exporter of a product.
    relative_unit_value, market_share : the two measures.
    tolerance : changes no larger than this in absolute value are ties.

    Returns
    -------
    pandas.DataFrame
        One row for each unit and pair of successive periods, sorted: `unit`, `start_year` (first year of the
        earlier period), `end_year` (last year of the later one), `start_` and `end_` of both measures,
        `change_relative_unit_value`, `change_market_share` (in levels), `quadrant` (ordered categorical,
        `QUADRANTS`) and `status`: ``"classified"``, ``"tie"`` (a change within the tolerance),
        ``"no start"`` or ``"no end"`` (nothing observed in the period), ``"one year"`` (own first year is
        also the last). Only classified rows have a quadrant. Units never observed stay in the frame.

    Raises
    ------
    DataError
        For missing columns, repeated unit-years, and periods that are fewer than two, reversed or overlap.

    Source: Kaplinsky and Readman (2005), who compare the change in relative unit value with the change in
    market share.
    """
    unit = listed(unit)
    measures = [relative_unit_value, market_share]
    require_columns(frame, *unit, time, *measures)
    require_unique(frame, [*unit, time])
    require_whole_numbers(frame, time)
    for measure in measures:
        numbers(frame, measure)
    keys = frame[unit].drop_duplicates().set_index(unit).index
    seen = frame.loc[frame[measures].notna().all(axis=1), [*unit, time, *measures]]
    seen = seen.astype(dict.fromkeys(measures, float))
    if periods is None:
        first = seen.loc[seen.groupby(unit)[time].idxmin()].set_index(unit)
        last = seen.loc[seen.groupby(unit)[time].idxmax()].set_index(unit)
        pairs = [_compare(first.reindex(keys), last.reindex(keys), time, measures)]
    else:
        spans = _spans(periods)
        means = [_window_mean(seen, unit, time, measures, span).reindex(keys) for span in spans]
        pairs = [
            _compare(before.assign(**{time: a}), after.assign(**{time: z}), time, measures)
            for (before, after), ((a, _), (_, z)) in zip(pairwise(means), pairwise(spans), strict=True)
        ]
    out = pd.concat(pairs).reset_index().sort_values([*unit, "start_year"], ignore_index=True)
    price, share = out["change_relative_unit_value"], out["change_market_share"]
    tie = (price.abs() <= tolerance) | (share.abs() <= tolerance)
    out["status"] = np.select(
        [
            out["start_relative_unit_value"].isna(),
            out["end_relative_unit_value"].isna(),
            (out["start_year"] == out["end_year"]).fillna(False).astype(bool),
            tie,
        ],
        ["no start", "no end", "one year", "tie"],
        "classified",
    )
    code = np.where(out["status"] == "classified", (price > 0) + 2 * (share > 0), -1)
    out["quadrant"] = pd.Categorical.from_codes(code, categories=pd.Index(QUADRANTS), ordered=True)
    for measure, column in (
        ("relative_unit_value", relative_unit_value),
        ("market_share", market_share),
    ):
        for stage in ("start", "end", "change"):
            record(out, f"{stage}_{measure}", column, like=frame)
    for column in ("start_year", "end_year"):
        record(out, column, time, like=frame)
    record(out, "status", *measures, like=frame)
    return record(out, "quadrant", *measures, like=frame)


def transition_matrix(
    frame: pd.DataFrame,
    *,
    state: str = "quadrant",
    unit: str | Sequence[str] = ("exporter", "product"),
    time: str = "start_year",
    probabilities: bool = True,
) -> pd.DataFrame:
    """Transitions of units between states from each period to the next.

    Parameters
    ----------
    frame : one row for each unit and period, as `quadrants` returns for three or more periods.
    state : a categorical (all its categories appear, in order) or any column of labels (sorted).
    unit, time : what identifies a row.
    probabilities : rows that add to one; otherwise counts.

    Returns
    -------
    pandas.DataFrame
        From-states in rows, to-states in columns. Only moves between neighbouring periods of the frame
        count; a move from or to a missing state does not. The row of a state that nobody leaves is
        missing (probabilities) or zero (counts).

    Raises
    ------
    DataError
        For missing columns, repeated unit-periods, and frames with one period.
    """
    unit = listed(unit)
    require_columns(frame, state, *unit, time)
    require_unique(frame, [*unit, time])
    order = np.sort(frame[time].unique())
    if len(order) < 2:
        raise DataError("there is one period, so no transition", Place(column=time), "Pass two or more.")
    step = pd.Series(np.searchsorted(order, frame[time]), index=frame.index)
    now = frame[[*unit, state]].assign(step=step)
    later = now.assign(step=step - 1)
    moves = now.merge(later, on=[*unit, "step"], suffixes=("_from", "_to")).dropna()
    labels = (
        frame[state].cat.categories
        if isinstance(frame[state].dtype, pd.CategoricalDtype)
        else sorted(frame[state].dropna().unique())
    )
    counts = pd.crosstab(moves[f"{state}_from"].to_numpy(), moves[f"{state}_to"].to_numpy())
    counts = counts.reindex(index=list(labels), columns=list(labels), fill_value=0)
    counts = counts.rename_axis(index="from", columns="to")
    if not probabilities:
        return counts
    total = counts.sum(axis=1)
    return counts.div(total.where(total > 0), axis=0)


def _spans(periods: Sequence[Period]) -> list[tuple[int, int]]:
    spans = [(period[0], period[1]) if isinstance(period, tuple) else (period, period) for period in periods]
    if len(spans) < 2:
        raise DataError(f"{len(spans)} period given", remedy="Give two or more years or windows.")
    edges = [edge for span in spans for edge in span]
    ordered = all(first <= last for first, last in spans)
    apart = all(before[1] < after[0] for before, after in pairwise(spans))
    if not (ordered and apart):
        raise DataError(
            f"the periods {edges} are reversed or overlap", remedy="Give them in order of time, apart."
        )
    return spans


def _window_mean(
    seen: pd.DataFrame, unit: Sequence[str], time: str, measures: list[str], span: tuple[int, int]
) -> pd.DataFrame:
    inside = seen[seen[time].between(*span)]
    return inside.groupby(list(unit))[measures].mean()


def _compare(before: pd.DataFrame, after: pd.DataFrame, time: str, measures: list[str]) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {"start_year": before[time], "end_year": after[time]}
    names = dict(zip(("relative_unit_value", "market_share"), measures, strict=True))
    for name, column in names.items():
        columns[f"start_{name}"] = before[column]
        columns[f"end_{name}"] = after[column]
        columns[f"change_{name}"] = after[column] - before[column]
    years = {"start_year": "Int64", "end_year": "Int64"}
    return pd.DataFrame(columns).astype(years)
