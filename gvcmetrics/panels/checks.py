"""Run a spec's rules over a raw file and say which rows break them, with the row in the file.

A clean file is read once. Only when a rule is broken is it read again with its rows numbered, so the
numbering, which holds an engine to file order, costs nothing on good data.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from sqlglot import exp

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.codes import match_countries
from gvcmetrics.panels.harmonise import (
    MEASURE,
    OK,
    ROW,
    TYPED_TABLE,
    UNMAPPED,
    checks,
    codes_table,
    column,
    literal,
    select_texts,
    select_typed,
    select_values,
    text_name,
)
from gvcmetrics.panels.spec import PanelSpec

REJECTS_TABLE = "rejects"
DUPLICATE = "duplicate key"


@dataclass(frozen=True)
class Tally:
    """How many rows the raw file has, and how many of them are bad."""

    rows: int
    rejected: int


def check_rows(connection: duckdb.DuckDBPyConnection, spec: PanelSpec, file: str) -> Tally:
    """Fill the table of typed rows from the table `raw`, and the table of rejects, cell by cell.

    Rows that break a rule, and all rows that share a key, are marked not OK.

    Raises
    ------
    DataError : a line of the file is malformed, there is no row, or a long file lacks a measure.
    """
    _map_countries(connection, spec, file)
    _create(connection, TYPED_TABLE, select_typed(spec))
    _refuse_malformed_lines(connection, file)
    rows, bad = _one(connection, f'SELECT COUNT(*), COUNT(*) FILTER (NOT "{OK}") FROM {TYPED_TABLE}')
    if rows == 0:
        raise DataError("the file has a header and no rows", Place(file), "Check that it is complete")
    duplicated = _mark_duplicates(connection, spec)
    _collect_rejects(connection, spec, bool(bad), duplicated)
    if spec.long_to_wide:
        _refuse_incomplete(connection, spec, file)
    rejected = _one(connection, f"SELECT COUNT(DISTINCT row) FROM {REJECTS_TABLE}")[0]
    return Tally(rows, rejected)


def first_reject(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, file: str, tally: Tally, listed: str
) -> DataError:
    """The error for the first bad cell, which names how many more there are and where they are listed."""
    row, raw, name, value, reason = _one(
        connection,
        f"SELECT * FROM {REJECTS_TABLE} ORDER BY row, panel_column, reason LIMIT 1",
    )
    if reason.startswith(DUPLICATE):
        problem, remedy = (
            reason,
            "Remove the repeated rows, or add the column that tells them apart to `keys`",
        )
    else:
        problem = f"'{value}': {reason}" if value is not None else reason
        remedy = next(rule.remedy for rule in checks(spec) if rule.column == name and rule.reason == reason)
    if reason == "unknown country":
        near = match_countries([value]).unknown.get(value, "")
        problem += f", nearest is {near}" if near else ""
    verb = "is" if tally.rejected == 1 else "are"
    share = f"{tally.rejected:,} of {tally.rows:,} rows {verb} bad, listed in {listed}"
    return DataError(f"{problem} ({share})", Place(file, row=row, column=raw), remedy)


def _map_countries(connection: duckdb.DuckDBPyConnection, spec: PanelSpec, file: str) -> None:
    texts = select_texts(spec, numbered=False)
    for item in spec.columns:
        if item.meta.type != "country":
            continue
        spelled = exp.select(column(text_name(item.name))).distinct().from_(texts.subquery("texts"))
        rows = connection.sql(spelled.sql("duckdb")).fetchall()
        _refuse_malformed_lines(connection, file)
        found = match_countries(value for (value,) in rows if value is not None).codes
        connection.execute(f"CREATE TEMP TABLE {codes_table(item.name)} (spelling VARCHAR, code VARCHAR)")
        if found:
            connection.executemany(f"INSERT INTO {codes_table(item.name)} VALUES (?, ?)", list(found.items()))


def _refuse_malformed_lines(connection: duckdb.DuckDBPyConnection, file: str) -> None:
    rejects = connection.sql(
        "SELECT line, column_name, error_type, error_message FROM reject_errors ORDER BY line LIMIT 1"
    ).fetchall()
    if not rejects:
        return
    line, name, kind, message = rejects[0]
    problems = {
        "MISSING COLUMNS": "the line has too few columns; the file may be cut off here",
        "TOO MANY COLUMNS": "the line has too many columns",
        "UNQUOTED VALUE": "a quote is opened and not closed; the file may be cut off here",
        "INVALID ENCODING": "the line is not UTF-8 text",
    }
    problem = problems.get(kind, message.splitlines()[0])
    raise DataError(problem, Place(file, row=line, column=name), "Restore the file, or correct this line")


def _mark_duplicates(connection: duckdb.DuckDBPyConnection, spec: PanelSpec) -> bool:
    names = _row_key(spec)
    keys = [column(name) for name in names]
    repeated = exp.select(*keys).from_(TYPED_TABLE).where(column(OK)).group_by(*keys).having("COUNT(*) > 1")
    _create(connection, "duplicated", repeated)
    if not _one(connection, "SELECT COUNT(*) FROM duplicated")[0]:
        return False
    same = " AND ".join(f'{TYPED_TABLE}."{name}" = duplicated."{name}"' for name in names)
    connection.execute(f'UPDATE {TYPED_TABLE} SET "{OK}" = FALSE FROM duplicated WHERE {same}')
    return True


def _collect_rejects(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, bad: bool, duplicated: bool
) -> None:
    connection.execute(
        f"CREATE TEMP TABLE {REJECTS_TABLE} "
        '(row BIGINT, "column" VARCHAR, panel_column VARCHAR, value VARCHAR, reason VARCHAR)'
    )
    numbered = select_values(spec, numbered=True).subquery("v")
    if bad:
        rules = checks(spec)
        _create(
            connection,
            "bad_rows",
            exp.select("*").from_(numbered).where(exp.or_(*(rule.bad for rule in rules))),
        )
        for rule in rules:
            shown = MEASURE if rule.column == MEASURE else text_name(rule.column)
            value = exp.func("REPLACE", column(shown), literal(UNMAPPED), literal(""))
            cells = (
                exp.select(column(ROW), literal(rule.raw), literal(rule.column), value, literal(rule.reason))
                .from_("bad_rows")
                .where(rule.bad)
            )
            connection.execute(f"INSERT INTO {REJECTS_TABLE} {cells.sql('duckdb')}")
    if duplicated:
        names = _row_key(spec)
        same = exp.and_(*(column(name, "v").eq(column(name, "d")) for name in names))
        said = [exp.cast(column(name, "v"), "VARCHAR") for name in names]
        parts = [
            part
            for name, text in zip(names, said, strict=True)
            for part in (literal(f", {name.lstrip('#')} "), text)
        ]
        reason = exp.func("CONCAT", literal(DUPLICATE), *parts)
        first = names[0] if names[0] != MEASURE else spec.keys[0]
        raw = next((item.raw for item in spec.columns if item.name == first and item.raw), first)
        cells = exp.select(
            column(ROW, "v"), literal(raw), literal(first), column(text_name(first), "v"), reason
        ).from_(numbered)
        cells = cells.join(exp.to_table("duplicated").as_("d"), on=same)
        connection.execute(f"INSERT INTO {REJECTS_TABLE} {cells.sql('duckdb')}")


def _refuse_incomplete(connection: duckdb.DuckDBPyConnection, spec: PanelSpec, file: str) -> None:
    """A long file must have one row for every measure of a key, and carry the rest unchanged."""
    assert spec.long_to_wide is not None
    cells = [item.spec.cell for item in spec.columns if item.spec.cell is not None]
    keys = [name for name in _row_key(spec) if name != MEASURE]
    named = ", ".join(f'"{key}"' for key in keys)
    ignored = [literal(name) for name in spec.long_to_wide.ignore]
    counted = exp.select("*").from_(TYPED_TABLE)
    if ignored:
        counted = counted.where(exp.Not(this=exp.In(this=column(MEASURE), expressions=ignored)))
    lacking = (
        f'SELECT {named}, COUNT(DISTINCT "{MEASURE}") AS n FROM ({counted.sql("duckdb")}) '
        f"GROUP BY {named} HAVING n < {len(cells)}"
    )
    for found in connection.sql(f"{lacking} ORDER BY {named} LIMIT 1").fetchall():
        where = ", ".join(f"{key} {value}" for key, value in zip(keys, found, strict=False))
        problem = f"{where} has {found[-1]} of the {len(cells)} measures"
        row = _row_of(connection, spec, dict(zip(keys, found, strict=False)))
        raise DataError(
            problem,
            Place(file, row=row, column=spec.long_to_wide.names_from),
            "The file may be cut off: restore it",
        )
    for item in spec.columns:
        if item.spec.cell is None and item.raw and item.name not in spec.keys:
            varies = f'COUNT(DISTINCT "{item.name}") > 1'
            query = f"SELECT {named} FROM {TYPED_TABLE} GROUP BY {named} HAVING {varies} LIMIT 1"
            for varying in connection.sql(query).fetchall():
                row = _row_of(connection, spec, dict(zip(keys, varying, strict=True)))
                problem = "differs between the measures of one key"
                raise DataError(
                    problem, Place(file, row=row, column=item.raw), "Add it to `keys`, or correct the file"
                )


def _row_of(connection: duckdb.DuckDBPyConnection, spec: PanelSpec, key: dict[str, object]) -> int:
    """The last file row of a key."""
    numbered = select_values(spec, numbered=True).sql("duckdb")
    where = " AND ".join(f'"{name}" = ?' for name in key)
    return connection.execute(
        f'SELECT MAX("{ROW}") FROM ({numbered}) WHERE {where}', list(key.values())
    ).fetchall()[0][0]


def _row_key(spec: PanelSpec) -> list[str]:
    """What names a row of the raw file: the keys that vary and, in a long file, the measure."""
    constants = {item.name for item in spec.columns if item.spec.constant is not None}
    varying = [key for key in spec.keys if key not in constants]
    return [*varying, MEASURE] if spec.long_to_wide else varying or list(spec.keys)


def _create(connection: duckdb.DuckDBPyConnection, name: str, query: exp.Select) -> None:
    connection.execute(f"CREATE TEMP TABLE {name} AS {query.sql('duckdb')}")


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple:
    return connection.sql(query).fetchall()[0]
