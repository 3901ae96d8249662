"""Run a spec's rules over a raw file and say which rows break them, with the row in the file.

A clean file is read once. Only when a rule is broken is it read again with its rows numbered, so the
numbering, which holds an engine to file order, costs nothing on good data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
from sqlglot import exp

from gvcmetrics.errors import DataError, MissingSourceError, Place
from gvcmetrics.panels.codes import countries, match_countries
from gvcmetrics.panels.harmonise.engines.duckdb import define_functions
from gvcmetrics.panels.harmonise.rejects import (
    REJECTS_TABLE,
    collect_rejects,
    create,
    create_codes,
    define_raw,
    file_row,
    one,
    refuse_malformed_lines,
    row_key,
    use_lines,
)
from gvcmetrics.panels.harmonise.rules import checks, select_typed
from gvcmetrics.panels.harmonise.tree import (
    BLANKS,
    MEASURE,
    OK,
    RAW_TABLE,
    TYPED_TABLE,
    codes_table,
    column,
    kept,
    literal,
    present,
    select_values,
)
from gvcmetrics.panels.readers.delimited import UNREAD_TABLE
from gvcmetrics.panels.readers.numbers import fast_read
from gvcmetrics.panels.readers.select import FILE, ROW
from gvcmetrics.panels.readers.tables import RawTable
from gvcmetrics.panels.spec.columns import text_name
from gvcmetrics.panels.spec.panel import PanelSpec

DUPLICATE = "duplicate key"
Fill = Callable[[duckdb.DuckDBPyConnection, PanelSpec, Sequence[RawTable]], bool]


@dataclass(frozen=True)
class Tally:
    """How many rows the raw files have, how many of them are bad, and how many `keep` leaves out."""

    rows: int
    rejected: int
    left_out: int = 0


def check_rows(
    connection: duckdb.DuckDBPyConnection,
    spec: PanelSpec,
    tables: Sequence[RawTable],
    file: str,
    duplicates: bool,
    fill: Fill,
) -> Tally:
    """Fill the table of typed rows from the table `raw`, and the table of rejects, cell by cell.

    `fill` is the fast way to fill the typed rows; where it gives up or a row is bad, the files are read
    once more, every cell as text. Rows that break a rule, and with `duplicates` all rows that share a
    key, are marked not OK.

    Raises
    ------
    DataError : a line of a file is malformed, there is no row, or a long file lacks a measure.
    """
    bad = _fill_typed(connection, spec, tables, fill)
    rows = one(connection, f"SELECT COUNT(*) FROM {TYPED_TABLE}")[0]
    left_out = _left_out(connection, spec)
    if rows == 0:
        why = "`keep` keeps none of the rows" if left_out else "the file has a header and no rows"
        raise DataError(why, Place(file), "Check that it is complete, and the spec")
    duplicated = duplicates and _mark_duplicates(connection, spec)
    collect_rejects(connection, spec, bool(bad), duplicated, DUPLICATE)
    use_lines(connection, tables)
    rejected = one(connection, f"SELECT COUNT(*) FROM (SELECT DISTINCT file, row FROM {REJECTS_TABLE})")[0]
    # A bad cell takes its row from a key, which then lacks a measure: the bad cell is the news.
    if spec.long_to_wide and not rejected:
        _refuse_incomplete(connection, spec, tables)
    return Tally(rows // max(1, len(spec.periods)), rejected, left_out)


def fill_fast(connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tables: Sequence[RawTable]) -> bool:
    """Fill the typed rows with numbers as DuckDB's reader reads them; false if a cell is in doubt."""
    fast = fast_read(tables, spec, BLANKS)
    if fast is None:
        return False
    define_raw(connection, spec, tables, fast)
    connection.execute(define_functions(fast.blanks))
    create(connection, TYPED_TABLE, select_typed(spec, fast.numbers))
    connection.execute(define_functions())
    return not one(connection, f"SELECT COUNT(*) FROM {UNREAD_TABLE}")[0]


def fill_by_spark(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tables: Sequence[RawTable], folder: Path
) -> bool:
    """Fill the table of typed rows by way of Spark; false if a line is malformed.

    Raises
    ------
    MissingSourceError : pyspark is not installed.
    """
    try:
        from gvcmetrics.panels.harmonise.engines.spark import typed_rows  # an extra
    except ImportError:
        remedy = "Install it with `pip install 'gvcmetrics[spark]'`, and Java 17 or newer"
        raise MissingSourceError("pyspark is not installed", remedy=remedy) from None
    define_raw(connection, spec, tables)
    found = typed_rows(connection, spec, tables, folder)
    if found is None:
        return False
    countries_named = [item.name for item in spec.columns if item.meta.type == "country"]
    codes = ", ".join(f'"{name}"::iso3 AS "{name}"' for name in countries_named)
    replaced = f"REPLACE ({codes})" if codes else ""
    query = f"SELECT * {replaced} FROM read_parquet('{found}/*.parquet')"
    connection.execute(f"CREATE OR REPLACE TABLE {TYPED_TABLE} AS {query}")
    return True


def refuse_all_missing(connection: duckdb.DuckDBPyConnection, spec: PanelSpec, file: str) -> None:
    """Raise DataError for a mapped column without a single value: a wrong code more often than a fact."""
    named = [item for item in spec.columns if item.lineage and not item.spec.optional]
    counts = ", ".join(f'COUNT("{item.name}")' for item in named)
    if not named:
        return
    found = one(connection, f'SELECT {counts} FROM {TYPED_TABLE} WHERE "{OK}"')
    for item, count in zip(named, found, strict=True):
        if count == 0:
            problem = f"no row has a value for '{item.name}'"
            remedy = f"Check `missing` and `recode` of '{item.name}', or take it out of the spec"
            raise DataError(problem, Place(file, column=item.lineage[0]), remedy)


def first_reject(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tally: Tally, listed: str
) -> DataError:
    """The error for the first bad cell, which names how many more there are and where they are listed."""
    file, row, raw, name, value, reason = one(
        connection,
        f"SELECT * FROM {REJECTS_TABLE} ORDER BY file, row, panel_column, reason LIMIT 1",
    )
    rules = [rule for rule in checks(spec) if rule.column == name and rule.reason == reason]
    problem = f"'{value:.80}': {reason}" if value is not None else reason
    if reason.startswith(DUPLICATE):
        problem = reason
        remedy = "Remove the repeated rows, or add the column that tells them apart to `keys`"
        if any(item.spec.crosswalk is not None for item in spec.columns if item.name in spec.keys):
            remedy += "; where `crosswalk` makes several codes one, `gvc.convert` sums them after the build"
    elif rules:
        remedy = rules[0].remedy
    else:
        problem, remedy = reason, "Remove this line"
    if reason == "unknown country":
        near = match_countries([value]).unknown.get(value, "")
        problem += f", nearest is {near}" if near else ""
    verb = "is" if tally.rejected == 1 else "are"
    share = f"{tally.rejected:,} of {tally.rows:,} rows {verb} bad, listed in {listed}"
    return DataError(f"{problem} ({share})", Place(file, row=row, column=raw), remedy)


def _fill_typed(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tables: Sequence[RawTable], fill: Fill
) -> int:
    """Fill the table of typed rows; returns how many of them break a rule.

    The countries are looked up among the spellings of the table of countries as they stand. Only if a
    spelling is not there is the file read again, to look it up without case, accents and punctuation.
    """
    named = [item.name for item in spec.columns if item.meta.type == "country"]
    for name in named:
        create_codes(connection, codes_table(name), _spelled())
    if fill(connection, spec, tables) and not _bad(connection):
        return 0
    define_raw(connection, spec, tables)
    create(connection, TYPED_TABLE, select_typed(spec))
    refuse_malformed_lines(connection, tables)
    bad = _bad(connection)
    if not bad or not named:
        return bad
    found = {name: match_countries(_unknown(connection, spec, name)).codes for name in named}
    if not any(found.values()):
        return bad
    for name, codes in found.items():
        create_codes(connection, codes_table(name), {**_spelled(), **codes})
    create(connection, TYPED_TABLE, select_typed(spec))
    return _bad(connection)


def _bad(connection: duckdb.DuckDBPyConnection) -> int:
    return one(connection, f'SELECT COUNT(*) FILTER (NOT "{OK}") FROM {TYPED_TABLE}')[0]


def _unknown(connection: duckdb.DuckDBPyConnection, spec: PanelSpec, name: str) -> list[str]:
    """The spellings in a country column that have no code yet."""
    values = select_values(spec, numbered=False).subquery("v")
    text = column(text_name(name))
    query = exp.select(text).distinct().from_(values).where(exp.Is(this=column(name), expression=exp.null()))
    rows = connection.sql(query.where(present(text)).sql("duckdb")).fetchall()
    return [value for (value,) in rows]


@cache
def _spelled() -> dict[str, str]:
    return match_countries(spelling for c in countries().values() for spelling in c.spellings).codes


def _left_out(connection: duckdb.DuckDBPyConnection, spec: PanelSpec) -> int:
    if not spec.words.keep:
        return 0
    dropped = (
        exp.select(exp.Count(this=exp.Star())).from_(RAW_TABLE).where(exp.Not(this=exp.paren(kept(spec))))
    )
    return one(connection, dropped.sql("duckdb"))[0]


def _mark_duplicates(connection: duckdb.DuckDBPyConnection, spec: PanelSpec) -> bool:
    names = row_key(spec)
    keys = [column(name) for name in names]
    repeated = exp.select(*keys).from_(TYPED_TABLE).where(column(OK)).group_by(*keys).having("COUNT(*) > 1")
    create(connection, "duplicated", repeated)
    if not one(connection, "SELECT COUNT(*) FROM duplicated")[0]:
        return False
    same = " AND ".join(f'{TYPED_TABLE}."{name}" = duplicated."{name}"' for name in names)
    connection.execute(f'UPDATE {TYPED_TABLE} SET "{OK}" = FALSE FROM duplicated WHERE {same}')
    return True


def _refuse_incomplete(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tables: Sequence[RawTable]
) -> None:
    """A long file must have one row for every measure of a key, and carry the rest unchanged."""
    assert spec.long_to_wide is not None
    cells = [item.spec.cell for item in spec.columns if item.spec.cell is not None]
    keys = [name for name in row_key(spec) if name != MEASURE]
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
        said = ", ".join(f"{key} {value}" for key, value in zip(keys, found, strict=False))
        problem = f"{said} has {found[-1]} of the {len(cells)} measures"
        where = _place_of(connection, spec, tables, dict(zip(keys, found, strict=False)))
        raise DataError(
            problem,
            Place(where.file, row=where.row, column=spec.long_to_wide.names_from),
            "The file may be cut off: restore it",
        )
    for item in spec.columns:
        if item.spec.cell is None and item.raw and item.name not in spec.keys:
            varies = f'COUNT(DISTINCT "{item.name}") > 1'
            query = f"SELECT {named} FROM {TYPED_TABLE} GROUP BY {named} HAVING {varies} LIMIT 1"
            for varying in connection.sql(query).fetchall():
                where = _place_of(connection, spec, tables, dict(zip(keys, varying, strict=True)))
                raise DataError(
                    "differs between the measures of one key",
                    Place(where.file, row=where.row, column=item.raw),
                    "Add it to `keys`, or correct the file",
                )


def _place_of(
    connection: duckdb.DuckDBPyConnection,
    spec: PanelSpec,
    tables: Sequence[RawTable],
    key: dict[str, object],
) -> Place:
    """The last file row of a key."""
    numbered = select_values(spec, numbered=True).sql("duckdb")
    where = " AND ".join(f'"{name}" = ?' for name in key)
    query = f'SELECT "{FILE}", "{ROW}" FROM ({numbered}) WHERE {where} ORDER BY ALL DESC LIMIT 1'
    file, record = connection.execute(query, list(key.values())).fetchall()[0]
    return Place(file, row=file_row(tables, file, record))
