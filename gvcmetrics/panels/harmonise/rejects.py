"""The table of rejects: each bad cell with file, row, column, value and reason."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.codes import UNKNOWN, no_country
from gvcmetrics.panels.harmonise.bench import Bench
from gvcmetrics.panels.harmonise.rules import checks, shown_raw
from gvcmetrics.panels.harmonise.texts import UNLISTED, UNMAPPED
from gvcmetrics.panels.harmonise.tree import MEASURE
from gvcmetrics.panels.readers.delimited import lines_of, one_line_a_record
from gvcmetrics.panels.readers.select import FILE, ROW
from gvcmetrics.panels.readers.tables import RawTable
from gvcmetrics.panels.spec.columns import text_name
from gvcmetrics.panels.spec.panel import PanelSpec
from gvcmetrics.panels.sql import column, literal

_HEADER_AGAIN = "the header stands here again"
_PROBLEMS = {
    "MISSING COLUMNS": "the line has too few columns; the file may be cut off here",
    "TOO MANY COLUMNS": "the line has too many columns",
    "UNQUOTED VALUE": "a quote is opened and not closed; the file may be cut off here",
    "INVALID ENCODING": "the line is not UTF-8 text",
}

# What a spreadsheet takes for a formula when it opens a CSV; also after blanks or in wide signs.
_FORMULA = r"^[\t\r]|^[\s\p{Z}\p{Cc}\p{Cf}]*[=@+\-＝＠＋－]"
# Signed numbers, and dashes that stand for a missing value.
_HARMLESS = r"^\s*([+-]+|[+-][0-9.,'\s\x{a0}\x{202f}]+([eE][+-]?[0-9]+)?\s*%?)\s*$"


def select_for_spreadsheets(rejects: exp.Table) -> str:
    """The rejects with an apostrophe before what a spreadsheet would run as a formula; numbers stay."""

    formula, harmless, mark = (literal(text).sql("duckdb") for text in (_FORMULA, _HARMLESS, "'"))

    def safe(name: str) -> str:
        runs = f"REGEXP_MATCHES({name}, {formula}) AND NOT REGEXP_MATCHES({name}, {harmless})"
        return f"CASE WHEN {runs} THEN CONCAT({mark}, {name}) ELSE {name} END AS {name}"

    texts = (column(name).sql("duckdb") for name in ("file", "column", "panel_column", "value", "reason"))
    return f"SELECT * REPLACE ({', '.join(map(safe, texts))}) FROM {rejects}"


def refuse_malformed_lines(bench: Bench) -> None:
    """Raise DataError for the first line of a text file that cannot be split into its columns."""
    texts = {str(table.path): table for table in bench.tables if table.dialect is not None}
    if not texts:
        return
    found = bench.rows(
        "SELECT s.file_path, e.line, e.column_name, e.error_type, e.error_message "
        "FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id) ORDER BY 1, 2 LIMIT 1"
    )
    for path, line, name, kind, message in found:
        problem = _PROBLEMS.get(kind, message.splitlines()[0])
        remedy = "Restore the file, or correct this line"
        if kind == "INVALID ENCODING":
            remedy = "Save the file as UTF-8, or state its encoding as `read: {encoding: cp1252}`"
        if kind == "TOO MANY COLUMNS" and path in texts and line == texts[path].first_row:
            remedy += ". Row names of R without a name above them: write the file with `row.names = FALSE`"
        place = Place(texts[path].name if path in texts else path, row=line, column=name)
        raise DataError(problem, place, remedy)


def collect_rejects(bench: Bench, bad: bool, duplicated: exp.Table | None, said: str) -> exp.Table:
    """A table of the cells that break a rule and of the rows whose key is among those `duplicated`."""
    bench.connection.execute(
        "CREATE OR REPLACE TEMP TABLE rejects "
        '(file VARCHAR, row BIGINT, "column" VARCHAR, panel_column VARCHAR, value VARCHAR, reason VARCHAR)'
    )
    rejects = exp.to_table("rejects")
    if bad:
        _collect_bad_cells(bench, rejects)
    if duplicated is not None:
        _collect_duplicates(bench, rejects, duplicated, said)
    return rejects


def use_lines(bench: Bench, rejects: exp.Table) -> None:
    """Turn record numbers into lines in files whose values hold newlines, or that have empty lines."""
    for table in bench.tables:
        rows = [
            row for (row,) in bench.rows(f"SELECT DISTINCT row FROM {rejects} WHERE file = ?", [table.name])
        ]
        if not rows or table.dialect is None or one_line_a_record(table.path):
            continue
        lines = lines_of(table.path, table.dialect, [row - table.first_row + 1 for row in rows])
        moved = pa.table(
            {
                "row": pa.array([record + table.first_row - 1 for record in lines], pa.int64()),
                "line": pa.array(list(lines.values()), pa.int64()),
            }
        )
        with bench.lent("moved", moved):
            bench.connection.execute(
                f"UPDATE {rejects} SET row = moved.line FROM moved "
                f"WHERE {rejects}.row = moved.row AND file = ?",
                [table.name],
            )


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


def _collect_bad_cells(bench: Bench, rejects: exp.Table) -> None:
    spec, rules = bench.spec, checks(bench.spec)
    numbered = bench.numbered_values().subquery("v")
    found = bench.make(
        "bad_rows", exp.select("*").from_(numbered).where(exp.or_(*(rule.bad for rule in rules)))
    )

    def insert(raw: exp.Expr, name: str, value: exp.Expr, reason: str, where: exp.Expr) -> None:
        cells = exp.select(column(FILE), column(ROW), raw, literal(name), value, literal(reason))
        _insert(bench, rejects, cells.from_(found).where(where))

    numbers = [item for item in spec.columns if item.is_number and item.raw and item.spec.cell is None]
    if numbers:
        again = exp.and_(
            *(column(text_name(item.name)).eq(shown_raw(item.raw or "", spec)) for item in numbers)
        )
        first = numbers[0]
        raw = shown_raw(first.raw or "", spec)
        insert(raw, first.name, column(text_name(first.name)), _HEADER_AGAIN, again)
        headers = exp.func("COALESCE", again, exp.false()).sql("duckdb")
        bench.connection.execute(f"DELETE FROM {found} WHERE {headers}")
    for rule in rules:
        value: exp.Expr = column(rule.shown)
        for mark in (UNMAPPED, UNLISTED):
            value = exp.func("REPLACE", value, literal(mark), literal(""))
        insert(rule.raw, rule.column, value, rule.reason, rule.bad)
    _name_aggregates(bench, rejects)


def _name_aggregates(bench: Bench, rejects: exp.Table) -> None:
    unknown = bench.rows(f"SELECT DISTINCT value FROM {rejects} WHERE reason = ?", [UNKNOWN])
    for value, why in [(value, no_country(value)) for (value,) in unknown]:
        if why != UNKNOWN:
            bench.connection.execute(
                f"UPDATE {rejects} SET reason = ? WHERE value = ? AND reason = ?", [why, value, UNKNOWN]
            )


def _insert(bench: Bench, rejects: exp.Table, cells: exp.Select) -> None:
    bench.connection.execute(f"INSERT INTO {rejects} {cells.sql('duckdb')}")


def _collect_duplicates(bench: Bench, rejects: exp.Table, duplicated: exp.Table, said: str) -> None:
    spec, names = bench.spec, row_key(bench.spec)
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
    ).from_(bench.numbered_values().subquery("v"))
    _insert(bench, rejects, cells.join(duplicated.as_("d"), on=same))
