"""Run a spec's rules over a raw file and say which rows break them, with the row in the file.

A clean file is read once. Only when a rule is broken is it read again with its rows numbered, so the
numbering, which holds an engine to file order, costs nothing on good data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlglot import exp

from gvcmetrics.errors import DataError, MissingSourceError, Place
from gvcmetrics.ground.names import nearest
from gvcmetrics.panels.codes import AGGREGATE, UNKNOWN, countries, match_countries
from gvcmetrics.panels.crosswalks.code_lists import codes_of
from gvcmetrics.panels.harmonise.bench import Bench, create_codes
from gvcmetrics.panels.harmonise.engines.duckdb import define_functions
from gvcmetrics.panels.harmonise.rejects import (
    collect_rejects,
    file_row,
    refuse_malformed_lines,
    row_key,
    use_lines,
)
from gvcmetrics.panels.harmonise.rules import checks, select_typed
from gvcmetrics.panels.harmonise.tree import BLANKS, MEASURE, OK, codes_table, kept, present, select_values
from gvcmetrics.panels.readers.delimited import UNREAD_TABLE
from gvcmetrics.panels.readers.numbers import fast_read
from gvcmetrics.panels.readers.select import FILE, ROW
from gvcmetrics.panels.spec.columns import text_name
from gvcmetrics.panels.sql import column, literal, parquet_files

DUPLICATE = "duplicate key"
_TYPED = "typed"


@dataclass(frozen=True)
class Tally:
    """How many rows the raw files have, how many of them are bad, and how many `keep` leaves out."""

    rows: int
    rejected: int
    left_out: int = 0


@dataclass(frozen=True)
class Judged:
    """The rows of the raw files, typed and judged.

    Attributes
    ----------
    typed : the table of typed rows; those that break a rule, or share a key, are marked not OK.
    rejects : the table of bad cells with file, row, column, value and reason.
    """

    typed: exp.Table
    rejects: exp.Table
    tally: Tally


# The fast way to the typed rows; None where a cell is in doubt.
Fill = Callable[[Bench], exp.Table | None]


def judge_rows(bench: Bench, file: str, duplicates: bool, fill: Fill) -> Judged:
    """Type the rows of the raw files and judge each; with `duplicates`, also by its key.

    `fill` is the fast way to the typed rows; where it gives up or a row is bad, the files are read
    once more, every cell as text.

    Raises
    ------
    DataError : a line of a file is malformed, there is no row, or a long file lacks a measure.
    """
    spec = bench.spec
    typed = _typed(bench, fill)
    bad = _bad(bench, typed)
    rows = bench.one(f"SELECT COUNT(*) FROM {typed}")[0]
    left_out = _left_out(bench)
    if rows == 0:
        why = (
            "`keep` keeps none of the rows, or `drop` leaves none"
            if left_out
            else "the file has a header and no rows"
        )
        raise DataError(why, Place(file), "Check that it is complete, and the spec")
    duplicated = _mark_duplicates(bench, typed) if duplicates else None
    rejects = collect_rejects(bench, bool(bad), duplicated, DUPLICATE)
    use_lines(bench, rejects)
    rejected = bench.one(f"SELECT COUNT(*) FROM (SELECT DISTINCT file, row FROM {rejects})")[0]
    # A bad cell takes its row from a key, which then lacks a measure: the bad cell is the news.
    if spec.long_to_wide and not rejected:
        _refuse_incomplete(bench, typed)
    return Judged(typed, rejects, Tally(rows // max(1, len(spec.periods)), rejected, left_out))


def fill_fast(bench: Bench) -> exp.Table | None:
    """The typed rows with numbers as DuckDB's reader reads them; None if a cell is in doubt."""
    fast = fast_read(bench.tables, bench.spec, BLANKS)
    if fast is None:
        return None
    query = select_typed(bench.spec, bench.raw(fast=fast), fast.numbers)
    bench.connection.execute(define_functions(fast.blanks))
    try:
        typed = bench.make(_TYPED, query)
    finally:
        bench.connection.execute(define_functions())
    return None if bench.one(f"SELECT COUNT(*) FROM {UNREAD_TABLE}")[0] else typed


def fill_by_spark(bench: Bench, folder: Path) -> exp.Table | None:
    """The typed rows by way of Spark; None if a line is malformed.

    Raises
    ------
    MissingSourceError : pyspark is not installed.
    """
    try:
        from gvcmetrics.panels.harmonise.engines.spark import typed_rows  # an extra
    except ImportError:
        remedy = "Install it with `pip install 'gvcmetrics[spark]'`, and Java 17 or newer"
        raise MissingSourceError("pyspark is not installed", remedy=remedy) from None
    found = typed_rows(bench.connection, bench.spec, bench.tables, folder)
    if found is None:
        return None
    countries_named = [item.name for item in bench.spec.columns if item.meta.type == "country"]
    codes = ", ".join(f'"{name}"::iso3 AS "{name}"' for name in countries_named)
    replaced = f"REPLACE ({codes})" if codes else ""
    files = parquet_files(sorted(found.glob("*.parquet"))).sql("duckdb")
    return bench.make(_TYPED, f"SELECT * {replaced} FROM {files}")


def refuse_all_missing(bench: Bench, typed: exp.Table, file: str) -> None:
    """Raise DataError for a mapped column without a single value: a wrong code more often than a fact."""
    named = [item for item in bench.spec.columns if item.lineage and not item.spec.optional]
    counts = ", ".join(f'COUNT("{item.name}")' for item in named)
    if not named:
        return
    found = bench.one(f'SELECT {counts} FROM {typed} WHERE "{OK}"')
    for item, count in zip(named, found, strict=True):
        if count == 0:
            problem = f"no row has a value for '{item.name}'"
            remedy = f"Check `missing` and `recode` of '{item.name}', or take it out of the spec"
            raise DataError(problem, Place(file, column=item.lineage[0]), remedy)


def first_reject(bench: Bench, judged: Judged, listed: str) -> DataError:
    """The error for the first bad cell, which names how many more there are and where they are listed."""
    file, row, raw, name, value, reason = bench.one(
        f"SELECT * FROM {judged.rejects} ORDER BY file, row, panel_column, reason LIMIT 1",
    )
    rules = [rule for rule in checks(bench.spec) if rule.column == name and rule.reason == reason]
    problem = f"'{value:.80}': {reason}" if value is not None else reason
    if reason.startswith(DUPLICATE):
        problem = reason
        remedy = "Remove the repeated rows, or add the column that tells them apart to `keys`"
        if any(
            item.spec.crosswalk is not None for item in bench.spec.columns if item.name in bench.spec.keys
        ):
            remedy += "; where `crosswalk` makes several codes one, `gvc.convert` sums them after the build"
    elif reason.startswith(AGGREGATE):
        remedy = f"Leave its rows out, as in `drop: {{{raw}: [{value}]}}`"
    elif rules:
        remedy = rules[0].remedy
    else:
        problem, remedy = reason, "Remove this line"
    if reason.startswith("no code of ") and (codes := _near_codes(bench, name, value)):
        problem += f", nearest are {', '.join(codes)}"
    if reason == UNKNOWN:
        near = match_countries([value]).unknown.get(value, "")
        problem += f", nearest is {near}" if near else ""
    tally = judged.tally
    verb = "is" if tally.rejected == 1 else "are"
    share = f"{tally.rejected:,} of {tally.rows:,} rows {verb} bad, listed in {listed}"
    return DataError(f"{problem} ({share})", Place(file, row=row, column=raw), remedy)


def _near_codes(bench: Bench, name: str, value: str) -> list[str]:
    words = next(item.spec for item in bench.spec.columns if item.name == name)
    return nearest(value, codes_of(words.classification), most=3) if words.classification else []


def _typed(bench: Bench, fill: Fill) -> exp.Table:
    """The table of typed rows.

    The countries are looked up among the spellings of the table of countries as they stand. Only if a
    spelling is not there is the file read again, to look it up without case, accents and punctuation.
    """
    named = {item.name: item.spec.areas for item in bench.spec.columns if item.meta.type == "country"}
    for name, areas in named.items():
        create_codes(bench, codes_table(name), _spelled(areas))
    typed = fill(bench)
    if typed is not None and not _bad(bench, typed):
        return typed
    slowly = select_typed(bench.spec, bench.raw())
    typed = bench.make(_TYPED, slowly)
    refuse_malformed_lines(bench)
    if not named or not _bad(bench, typed):
        return typed
    found = {name: match_countries(_unknown(bench, name), areas).codes for name, areas in named.items()}
    if not any(found.values()):
        return typed
    for name, codes in found.items():
        create_codes(bench, codes_table(name), {**_spelled(named[name]), **codes})
    return bench.make(_TYPED, slowly)


def _bad(bench: Bench, typed: exp.Table) -> int:
    return bench.one(f'SELECT COUNT(*) FILTER (NOT "{OK}") FROM {typed}')[0]


def _unknown(bench: Bench, name: str) -> list[str]:
    """The spellings in a country column that have no code yet."""
    values = select_values(bench.spec, bench.raw(), numbered=False).subquery("v")
    text = column(text_name(name))
    query = exp.select(text).distinct().from_(values).where(exp.Is(this=column(name), expression=exp.null()))
    return [value for (value,) in bench.rows(query.where(present(text)))]


@cache
def _spelled(areas: str | None) -> dict[str, str]:
    return match_countries((word for c in countries().values() for word in c.spellings), areas).codes


def _left_out(bench: Bench) -> int:
    if not (bench.spec.words.keep or bench.spec.words.drop):
        return 0
    dropped = exp.Not(this=exp.paren(kept(bench.spec)))
    raw = bench.raw().subquery("raw")
    return bench.one(exp.select(exp.Count(this=exp.Star())).from_(raw).where(dropped))[0]


def _mark_duplicates(bench: Bench, typed: exp.Table) -> exp.Table | None:
    """Mark the rows that share a key; the table of these keys, or None if there are none."""
    names = row_key(bench.spec)
    keys = [column(name) for name in names]
    repeated = exp.select(*keys).from_(typed).where(column(OK)).group_by(*keys).having("COUNT(*) > 1")
    duplicated = bench.make("duplicated", repeated)
    if not bench.one(f"SELECT COUNT(*) FROM {duplicated}")[0]:
        return None
    same = " AND ".join(f'{typed}."{name}" = {duplicated}."{name}"' for name in names)
    bench.connection.execute(f'UPDATE {typed} SET "{OK}" = FALSE FROM {duplicated} WHERE {same}')
    return duplicated


def _refuse_incomplete(bench: Bench, typed: exp.Table) -> None:
    """A long file must have one row for every measure of a key, and carry the rest unchanged."""
    spec = bench.spec
    assert spec.long_to_wide is not None
    cells = [item.spec.cell for item in spec.columns if item.spec.cell is not None]
    keys = [name for name in row_key(spec) if name != MEASURE]
    named = ", ".join(f'"{key}"' for key in keys)
    ignored = [literal(name) for name in spec.long_to_wide.ignore]
    counted = exp.select("*").from_(typed)
    if ignored:
        counted = counted.where(exp.Not(this=exp.In(this=column(MEASURE), expressions=ignored)))
    lacking = (
        f'SELECT {named}, COUNT(DISTINCT "{MEASURE}") AS n FROM ({counted.sql("duckdb")}) '
        f"GROUP BY {named} HAVING n < {len(cells)}"
    )
    for found in bench.rows(f"{lacking} ORDER BY {named} LIMIT 1"):
        said = ", ".join(f"{key} {value}" for key, value in zip(keys, found, strict=False))
        problem = f"{said} has {found[-1]} of the {len(cells)} measures"
        where = _place_of(bench, dict(zip(keys, found, strict=False)))
        raise DataError(
            problem,
            Place(where.file, row=where.row, column=spec.long_to_wide.names_from),
            "The file may be cut off: restore it",
        )
    for item in spec.columns:
        if item.spec.cell is None and item.raw and item.name not in spec.keys:
            varies = f'COUNT(DISTINCT "{item.name}") > 1'
            query = f"SELECT {named} FROM {typed} GROUP BY {named} HAVING {varies} LIMIT 1"
            for varying in bench.rows(query):
                where = _place_of(bench, dict(zip(keys, varying, strict=True)))
                raise DataError(
                    "differs between the measures of one key",
                    Place(where.file, row=where.row, column=item.raw),
                    "Add it to `keys`, or correct the file",
                )


def _place_of(bench: Bench, key: dict[str, object]) -> Place:
    """The last file row of a key."""
    numbered = bench.numbered_values().sql("duckdb")
    where = " AND ".join(f'"{name}" = ?' for name in key)
    query = f'SELECT "{FILE}", "{ROW}" FROM ({numbered}) WHERE {where} ORDER BY ALL DESC LIMIT 1'
    ((file, record),) = bench.rows(query, list(key.values()))
    return Place(file, row=file_row(bench.tables, file, record))
