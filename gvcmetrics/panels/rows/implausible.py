"""Columns whose values break no rule and are hardly what the column is to be.

A score of an obstacle read as a share, an answer of yes or no as a region, a class of sizes as a number of
persons: each is a number or a text as good as another, and only how the values lie tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb

from gvcmetrics.panels.contracts import Column
from gvcmetrics.panels.spec.columns import PanelColumn
from gvcmetrics.panels.sql import column as quoted

# Answers such as 1 … 5 or 0 … 10 are scores.
_HIGHEST_SCORE = 10
_EARLIEST, _LATEST = 1900, 2100
_MOST_YEARS = 100
_FEW_ROWS = 20


def implausible(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[PanelColumn], rows: int
) -> tuple[tuple[str, str], ...]:
    """The columns of a panel to look at once more, each with what is odd about it."""
    if rows <= _FEW_ROWS:
        return ()
    return tuple(
        (item.name, said) for item in columns for said in _oddities(connection, table, item.meta) if said
    )


def _oddities(connection: duckdb.DuckDBPyConnection, table: str, meta: Column) -> Iterator[str]:
    name = quoted(meta.name).sql("duckdb")
    count, distinct = _one(connection, f"SELECT COUNT({name}), COUNT(DISTINCT {name}) FROM {table}")
    if not count:
        return
    if meta.name == "region" and distinct == 2:
        yield "two values: places, or the answers to a question?"
    if meta.type not in ("number", "integer", "binary"):
        return
    low, high, whole, percents = _one(
        connection,
        f"SELECT MIN({name}), MAX({name}), BOOL_AND({name} = FLOOR({name})), "
        f"BOOL_AND(ABS({name} * 100 - ROUND({name} * 100)) < 1e-9) FROM {table}",
    )
    if distinct == 1 and meta.unit != "year":
        yield f"the same value in every row, {low:g}"
    elif meta.unit == "share" and percents and distinct > 1 and high <= _HIGHEST_SCORE / 100:
        yield f"never above {100 * high:g} per cent, in whole numbers: a score?"
    elif meta.unit == "share" and distinct == 2 and high == 1:
        yield "two values: yes and no, rather than a share?"
    elif meta.unit == "USD" and whole and low >= _EARLIEST and high <= _LATEST:
        yield f"from {low:g} to {high:g}: years?"
    elif meta.unit in ("USD", "persons") and whole and high <= _HIGHEST_SCORE:
        yield f"whole numbers up to {high:g}: a class or a score?"
    elif meta.unit == "year" and (low < _EARLIEST or distinct > _MOST_YEARS) and meta.name == "year":
        yield f"{distinct:,} years from {low} to {high}: those of a survey?"


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple:
    return connection.sql(query).fetchall()[0]
