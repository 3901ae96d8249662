"""The table of rejects: each bad cell with file, row, column, value and reason."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import duckdb
import pyarrow as pa
from sqlglot import exp

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.codes import countries
from gvcmetrics.panels.harmonise.rules import checks, shown_raw
from gvcmetrics.panels.harmonise.tree import MEASURE, RAW_TABLE, UNMAPPED, column, literal, select_values
from gvcmetrics.panels.readers.delimited import lines_of, one_line_a_record
from gvcmetrics.panels.readers.numbers import FastRead
from gvcmetrics.panels.readers.select import FILE, ROW, duckdb_relation, select_raw
from gvcmetrics.panels.readers.tables import RawTable
from gvcmetrics.panels.spec.columns import text_name
from gvcmetrics.panels.spec.panel import PanelSpec

REJECTS_TABLE = "rejects"
_HEADER_AGAIN = "the header stands here again"
_PROBLEMS = {
    "MISSING COLUMNS": "the line has too few columns; the file may be cut off here",
    "TOO MANY COLUMNS": "the line has too many columns",
    "UNQUOTED VALUE": "a quote is opened and not closed; the file may be cut off here",
    "INVALID ENCODING": "the line is not UTF-8 text",
}


def refuse_malformed_lines(connection: duckdb.DuckDBPyConnection, tables: Sequence[RawTable]) -> None:
    """Raise DataError for the first line of a text file that cannot be split into its columns."""
    names = {str(table.path): table.name for table in tables if table.dialect is not None}
    if not names:
        return
    rejects = connection.sql(
        "SELECT s.file_path, e.line, e.column_name, e.error_type, e.error_message "
        "FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id) ORDER BY 1, 2 LIMIT 1"
    ).fetchall()
    for path, line, name, kind, message in rejects:
        problem = _PROBLEMS.get(kind, message.splitlines()[0])
        remedy = "Restore the file, or correct this line"
        if kind == "INVALID ENCODING":
            remedy = "Save the file as UTF-8, or state its encoding as `read: {encoding: cp1252}`"
        raise DataError(problem, Place(names.get(path, path), row=line, column=name), remedy)


def collect_rejects(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, bad: bool, duplicated: bool, said: str
) -> None:
    """Fill the table of rejects with the cells that break a rule and the rows that share a key."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {REJECTS_TABLE} "
        '(file VARCHAR, row BIGINT, "column" VARCHAR, panel_column VARCHAR, value VARCHAR, reason VARCHAR)'
    )
    if bad:
        _collect_bad_cells(connection, spec)
    if duplicated:
        _collect_duplicates(connection, spec, said)


def use_lines(connection: duckdb.DuckDBPyConnection, tables: Sequence[RawTable]) -> None:
    """Turn record numbers into lines in files whose values hold newlines, or that have empty lines."""
    for table in tables:
        query = f"SELECT DISTINCT row FROM {REJECTS_TABLE} WHERE file = ?"
        rows = [row for (row,) in connection.execute(query, [table.name]).fetchall()]
        if not rows or table.dialect is None or one_line_a_record(table.path):
            continue
        lines = lines_of(table.path, table.dialect, [row - table.first_row + 1 for row in rows])
        moved = pa.table(
            {
                "row": pa.array([record + table.first_row - 1 for record in lines], pa.int64()),
                "line": pa.array(list(lines.values()), pa.int64()),
            }
        )
        connection.register("moved", moved)
        connection.execute(
            f"UPDATE {REJECTS_TABLE} SET row = moved.line FROM moved "
            f"WHERE {REJECTS_TABLE}.row = moved.row AND file = ?",
            [table.name],
        )
        connection.unregister("moved")


def file_row(tables: Sequence[RawTable], file: str, row: int) -> int:
    """The row of a file as its user counts it, from the number that the engine gave it."""
    table = next(table for table in tables if table.name == file)
    if table.dialect is None or one_line_a_record(table.path):
        return row
    record = row - table.first_row + 1
    return lines_of(table.path, table.dialect, [record]).get(record, row)


def row_key(spec: PanelSpec) -> list[str]:
    """What names a row of the raw file: the keys that vary and, in a long file, the measure."""
    constants = {item.name for item in spec.columns if item.spec.constant is not None}
    varying = [key for key in spec.keys if key not in constants]
    return [*varying, MEASURE] if spec.long_to_wide else varying or list(spec.keys)


def create(connection: duckdb.DuckDBPyConnection, name: str, query: exp.Query) -> None:
    """Make a table of a query, in place of one of this name; the cursors of other threads see it too."""
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS {query.sql('duckdb')}")


def define_raw(
    connection: duckdb.DuckDBPyConnection,
    spec: PanelSpec,
    tables: Sequence[RawTable],
    fast: FastRead | None = None,
) -> None:
    """Make the view of the raw files: every column text, or some as numbers if read `fast`."""
    relation = partial(duckdb_relation, numbers=fast.numbers, nulls=fast.nulls) if fast else duckdb_relation
    query = select_raw(tables, spec, numbered=False, relation=relation).sql("duckdb")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {RAW_TABLE} AS {query}")


def create_codes(connection: duckdb.DuckDBPyConnection, name: str, codes: dict[str, str]) -> None:
    """Make a temporary table of spellings and their codes.

    The codes are an ENUM: two bytes a row where text takes sixteen, sorted and written faster.
    """
    listed = ", ".join(exp.Literal.string(code).sql("duckdb") for code in sorted(countries()))
    connection.execute(f"CREATE TYPE IF NOT EXISTS iso3 AS ENUM ({listed})")
    table = pa.table({"spelling": list(codes), "code": list(codes.values())})
    connection.register("codes", table)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT spelling, code::iso3 AS code FROM codes"
    )
    connection.unregister("codes")


def one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple:
    """The first row of a query."""
    return connection.sql(query).fetchall()[0]


def _collect_bad_cells(connection: duckdb.DuckDBPyConnection, spec: PanelSpec) -> None:
    rules = checks(spec)
    numbered = select_values(spec, numbered=True).subquery("v")
    bad = exp.select("*").from_(numbered).where(exp.or_(*(rule.bad for rule in rules)))
    create(connection, "bad_rows", bad)
    numbers = [item for item in spec.columns if item.is_number and item.raw and item.spec.cell is None]
    if numbers:
        again = exp.and_(
            *(column(text_name(item.name)).eq(shown_raw(item.raw or "", spec)) for item in numbers)
        )
        first = numbers[0]
        raw = shown_raw(first.raw or "", spec)
        _insert(connection, raw, first.name, column(text_name(first.name)), _HEADER_AGAIN, again)
        headers = exp.func("COALESCE", again, exp.false()).sql("duckdb")
        connection.execute(f"DELETE FROM bad_rows WHERE {headers}")
    for rule in rules:
        value = exp.func("REPLACE", column(rule.shown), literal(UNMAPPED), literal(""))
        _insert(connection, rule.raw, rule.column, value, rule.reason, rule.bad)


def _insert(
    connection: duckdb.DuckDBPyConnection,
    raw: exp.Expr,
    name: str,
    value: exp.Expr,
    reason: str,
    where: exp.Expr,
) -> None:
    cells = (
        exp.select(column(FILE), column(ROW), raw, literal(name), value, literal(reason))
        .from_("bad_rows")
        .where(where)
    )
    connection.execute(f"INSERT INTO {REJECTS_TABLE} {cells.sql('duckdb')}")


def _collect_duplicates(connection: duckdb.DuckDBPyConnection, spec: PanelSpec, said: str) -> None:
    names = row_key(spec)
    same = exp.and_(*(column(name, "v").eq(column(name, "d")) for name in names))
    parts = [
        part
        for name in names
        for part in (literal(f", {name.lstrip('#')} "), exp.cast(column(name, "v"), "VARCHAR"))
    ]
    reason = exp.func("CONCAT", literal(said), *parts)
    first = names[0] if names[0] != MEASURE else spec.keys[0]
    raw = next((item.raw for item in spec.columns if item.name == first and item.raw), first)
    cells = exp.select(
        column(FILE, "v"),
        column(ROW, "v"),
        literal(raw),
        literal(first),
        column(text_name(first), "v"),
        reason,
    ).from_(select_values(spec, numbered=True).subquery("v"))
    cells = cells.join(exp.to_table("duplicated").as_("d"), on=same)
    connection.execute(f"INSERT INTO {REJECTS_TABLE} {cells.sql('duckdb')}")
