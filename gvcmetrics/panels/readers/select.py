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
    relation: Callable[[Sequence[RawTable]], exp.Expression],
    together: bool = False,
) -> exp.Query:
    """Every wanted raw column as text; with each row's file and its number there if `numbered`.

    Parameters
    ----------
    relation : how an engine reads tables that are alike.
    together : does it read more than one at a time? Thousands of files are then one relation, not one each.
    """
    groups = _alike(tables) if together and not numbered else [[table] for table in tables]
    selects = [_select(group[0], spec, numbered, relation(group)) for group in groups]
    return exp.union(*selects, distinct=False, copy=False) if len(selects) > 1 else selects[0]


def _alike(tables: Sequence[RawTable]) -> list[list[RawTable]]:
    """The tables by columns, types, dialect and year."""
    groups: dict[tuple, list[RawTable]] = {}
    for table in tables:
        kinds = tuple(str(kind) for kind in table.types.values())
        alike = (table.columns, kinds, table.dialect, table.rows_from, table.year)
        groups.setdefault(alike, []).append(table)
    return list(groups.values())


def duckdb_relation(
    tables: Sequence[RawTable], numbers: frozenset[str] = frozenset(), nulls: Sequence[str] = ()
) -> exp.Expression:
    """Tables that are alike as DuckDB reads them; of text files, some columns as numbers."""
    table, paths = tables[0], [table.path for table in tables]
    if table.dialect is not None:
        fast = frozenset(found for name in numbers if (found := table.column(name)) is not None)
        return delimited_relation(paths, table.engine_names.values(), table.dialect, fast, nulls)
    if table.rows_from is not None:
        return parquet_files(paths)
    numbered = exp.EQ(this=exp.to_identifier("file_row_number"), expression=exp.true())
    return parquet_files(paths, numbered)


def _select(table: RawTable, spec: PanelSpec, numbered: bool, relation: exp.Expression) -> exp.Select:
    query = exp.select().from_(relation)
    for name, known in spec.raw_columns.items():
        found = table.column(name)
        if found is None:
            query.select(exp.cast(exp.null(), "VARCHAR").as_(known, quoted=True), copy=False)
            continue
        raw: exp.Expr = exp.column(exp.to_identifier(found, quoted=True))
        text = as_text(raw, table.types[found]) if table.types else raw
        # A copy of the query for each column would take the square of their number.
        query.select(text.as_(known, quoted=True), copy=False)
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
