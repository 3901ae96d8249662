"""Raw tables as one relation of texts: the columns that a spec reads, of every file, row under row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from gvcmetrics.panels.readers.columnar import as_text
from gvcmetrics.panels.readers.delimited import delimited_relation
from gvcmetrics.panels.readers.tables import RawTable
from gvcmetrics.panels.spec.columns import FILE_YEAR
from gvcmetrics.panels.spec.panel import PanelSpec
from gvcmetrics.panels.sql import parquet_files

FILE = "#file"
ROW = "#row"


def select_raw(
    tables: Sequence[RawTable],
    spec: PanelSpec,
    numbered: bool,
    relation: Callable[[RawTable], exp.Expression],
) -> exp.Query:
    """Every wanted raw column as text; with each row's file and its number there if `numbered`.

    Parameters
    ----------
    relation : how an engine reads one table.
    """
    selects = [_select(table, spec, numbered, relation(table)) for table in tables]
    query: exp.Query = selects[0]
    for other in selects[1:]:
        query = exp.union(query, other, distinct=False)
    return query


def duckdb_relation(
    table: RawTable, numbers: frozenset[str] = frozenset(), nulls: Sequence[str] = ()
) -> exp.Expression:
    """One table as DuckDB reads it; of a text file, some columns as numbers."""
    if table.dialect is not None:
        raw = frozenset(table.raw(name) for name in numbers)
        return delimited_relation(table.path, table.columns, table.dialect, raw, nulls)
    if table.rows_from is not None:
        return parquet_files([table.path])
    numbered = exp.EQ(this=exp.to_identifier("file_row_number"), expression=exp.true())
    return parquet_files([table.path], numbered)


def _select(table: RawTable, spec: PanelSpec, numbered: bool, relation: exp.Expression) -> exp.Select:
    query = exp.select().from_(relation)
    for name in spec.wanted():
        if not table.has(name):
            query = query.select(exp.cast(exp.null(), "VARCHAR").as_(name, quoted=True))
            continue
        found = table.raw(name)
        raw: exp.Expr = exp.column(exp.to_identifier(found, quoted=True))
        query = query.select(
            (as_text(raw, table.types[found]) if table.types else raw).as_(name, quoted=True)
        )
    if any(column.spec.file_name for column in spec.columns):
        query = query.select(exp.Literal.string(table.year or "").as_(FILE_YEAR, quoted=True))
    if numbered:
        query = query.select(exp.Literal.string(table.name).as_(FILE, quoted=True))
        query = query.select(_row(table).as_(ROW, quoted=True))
    return query


def _row(table: RawTable) -> exp.Expr:
    if table.rows_from is not None:
        return exp.column(exp.to_identifier(table.rows_from, quoted=True))
    if table.dialect is None:
        number: exp.Expr = exp.column("file_row_number")
        return exp.Add(this=number, expression=exp.Literal.number(1))
    # Rows come in file order; `harmonise/rejects.py` turns record numbers into lines where the two differ.
    number = exp.Window(this=exp.RowNumber(), over="OVER")
    return exp.Add(this=number, expression=exp.Literal.number(table.first_row - 1))
