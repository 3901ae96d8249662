"""What a spec of rows makes of its raw files, without building.

Outliers are positive amounts whose logarithm lies far from the median, by the modified z-score of
Iglewicz and Hoaglin (1993): 0.6745 |ln x − median| / MAD > 3.5.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from gvcmetrics.errors import GvcError, Place, PlacedError
from gvcmetrics.ground.numbers import short
from gvcmetrics.panels.codes import AGGREGATE
from gvcmetrics.panels.findings import CheckedColumn, Findings, Outliers, Recoded
from gvcmetrics.panels.harmonise.bench import Bench
from gvcmetrics.panels.harmonise.engines.duckdb import connected, explained
from gvcmetrics.panels.harmonise.texts import compares_numbers, is_code, missing_codes, recodes_all
from gvcmetrics.panels.harmonise.tree import select_panel, trimmed_part
from gvcmetrics.panels.harmonise.verdicts import DUPLICATE, Judged, fill_fast, judge_rows, refuse_all_missing
from gvcmetrics.panels.progress import Report, reading
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.tables import about_rows, open_tables
from gvcmetrics.panels.rows.build import laid_out
from gvcmetrics.panels.rows.implausible import implausible
from gvcmetrics.panels.sources.raw_files import RawFiles
from gvcmetrics.panels.spec.columns import Input, PanelColumn
from gvcmetrics.panels.spec.panel import PanelSpec
from gvcmetrics.panels.sql import column as quoted

_Z, _LIMIT = 0.6745, 3.5
_MOST_VALUES = 12
_PANEL = "checked_panel"


def try_rows(spec: PanelSpec, raw: RawFiles, project: Project, report: Report | None = None) -> Findings:
    """Read a spec's raw files and say what becomes of them; nothing is written.

    `report` is called with each step forward, from a thread of its own.
    """
    with tempfile.TemporaryDirectory() as folder, connected(Path(folder) / "spill") as connection:
        try:
            spec, tables = open_tables(raw.paths, spec, Path(folder) / "raw", project)
            bench = laid_out(connection, spec, tables, project)
            with reading(connection, sum(about_rows(table) for table in tables), report):
                judged = judge_rows(bench, raw.name, duplicates=True, fill=fill_fast)
        except (duckdb.Error, MemoryError) as error:
            return Findings(spec.name, [str(explained(error, raw.name))], spec=spec)
        tally = judged.tally
        problems = _bad_cells(bench, judged)
        try:
            raw.checksum()
            if tally.rejected < tally.rows:
                refuse_all_missing(bench, judged.typed, raw.name)
        except GvcError as error:
            problems.append(str(error))
        # A pivot is done once; else the panel is the typed rows, and a copy of them would take their room.
        kind = "TABLE" if spec.long_to_wide else "VIEW"
        panel = select_panel(spec, judged.typed).sql("duckdb")
        connection.execute(f"CREATE TEMP {kind} {_PANEL} AS {panel}")
        rows = _one(connection, f"SELECT COUNT(*) FROM {_PANEL}")[0]
        duplicated = (
            f"SELECT COUNT(DISTINCT (file, row)) FROM {judged.rejects} WHERE reason LIKE '{DUPLICATE}%'"
        )
        mapped = {column.name for column in spec.columns}
        return Findings(
            name=spec.name,
            problems=problems,
            spec=spec,
            tally=tally,
            rows=rows,
            duplicates=_one(connection, duplicated)[0],
            columns=tuple(_checked(connection, column, rows) for column in spec.columns),
            absent=tuple(name for name in spec.contract.columns if name not in mapped),
            recoded=tuple(line for column in spec.columns for line in _recoded(bench, column)),
            outliers=tuple(line for column in spec.columns for line in _outliers(connection, column)),
            coverage=tuple(_coverage(connection, mapped)),
            implausible=implausible(connection, _PANEL, spec.columns, rows),
        )


def _bad_cells(bench: Bench, judged: Judged) -> list[str]:
    """A message for each kind of bad cell: the first of them, and how many there are."""
    kinds = " ".join(f"WHEN reason LIKE '{begins}%' THEN '{begins}'" for begins in (DUPLICATE, AGGREGATE))
    kind = f"CASE {kinds} ELSE reason END"
    # A value without a recode is no number either; the first of a cell's reasons says it.
    one_a_cell = (
        f"SELECT * FROM {judged.rejects} "
        "QUALIFY reason = MIN(reason) OVER (PARTITION BY file, row, panel_column)"
    )
    query = (
        f"SELECT panel_column, {kind} AS kind, COUNT(*), arg_min(file, (file, row)), MIN(row), "
        f'arg_min("column", (file, row)), arg_min(value, (file, row)), arg_min(reason, (file, row)) '
        f"FROM ({one_a_cell}) GROUP BY ALL ORDER BY MIN((file, row)), 1, 2"
    )
    messages = []
    for name, said, count, file, row, column, value, reason in bench.rows(query):
        shown = f"'{value}': {reason}" if value is not None and said != DUPLICATE else reason
        often = f"{count:,} of {judged.tally.rows:,} rows, this the first; panel column '{name}'"
        messages.append(str(PlacedError(f"{shown} ({often})", Place(file, row=row, column=column))))
    return messages


def _checked(connection: duckdb.DuckDBPyConnection, item: PanelColumn, rows: int) -> CheckedColumn:
    name = _quoted(item.name)
    count, distinct = _one(connection, f"SELECT COUNT({name}), COUNT(DISTINCT {name}) FROM {_PANEL}")
    if not count:
        spread = "no value"
    elif item.meta.type in ("number", "integer", "binary"):
        low, mean, high = _one(connection, f"SELECT MIN({name}), AVG({name}), MAX({name}) FROM {_PANEL}")
        years = item.meta.unit == "year"
        spread = f"{low} … {high}" if years else " … ".join(short(float(v)) for v in (low, mean, high))
    else:
        top = f"SELECT {name}, COUNT(*) AS n FROM {_PANEL} WHERE {name} IS NOT NULL GROUP BY 1"
        found = connection.sql(f"{top} ORDER BY n DESC, 1 LIMIT 3").fetchall()
        spread = ", ".join(f"{value} ({n:,})" for value, n in found) + (
            ", …" if distinct > len(found) else ""
        )
    return CheckedColumn(item, 1 - count / rows if rows else 1.0, distinct, spread)


def _recoded(bench: Bench, item: PanelColumn) -> Iterator[Recoded]:
    """Counts of the raw values of columns with `recode`, `equals`, `in`, `any_of` or `all_of`."""
    spec, rows = bench.spec, bench.raw().sql("duckdb")
    for found in item.inputs:
        if item.spec.recode is None and not (found.is_test and found.words.at_least is None):
            continue
        for raw in spec.raw_names(found).values():
            value = trimmed_part(quoted(spec.raw_columns[raw]), item).sql("duckdb")
            query = f"SELECT {value} AS v, COUNT(*) AS n FROM ({rows}) WHERE v <> '' GROUP BY v"
            counted = bench.rows(f"{query} ORDER BY n DESC, v")
            for text, count in counted[:_MOST_VALUES]:
                yield Recoded(item.name, raw, text, _becomes(text, item, found, spec), count)
            rest = counted[_MOST_VALUES:]
            if rest:
                yield Recoded(item.name, raw, f"{len(rest):,} other values", "", sum(n for _, n in rest))


def _becomes(text: str, item: PanelColumn, found: Input, spec: PanelSpec) -> str:
    as_number = compares_numbers(item)
    recode = item.spec.recode or {}
    old = is_code(text, recode, as_number)
    if old is not None:
        return recode[old] or "missing"
    if is_code(text, missing_codes(item, found, spec), as_number) is not None:
        return "missing"
    if recodes_all(item):
        return "no recode"
    if item.spec.recode is not None:
        return text
    equals, among = found.words.equals, found.words.in_
    return "0" if is_code(text, [equals] if equals is not None else among or [], True) is None else "1"


def _outliers(connection: duckdb.DuckDBPyConnection, item: PanelColumn) -> Iterator[Outliers]:
    if item.meta.type != "number" or item.meta.unit == "share" or item.name == "weight":
        return
    logs = f"SELECT {_quoted(item.name)} AS x, LN({_quoted(item.name)}) AS l FROM {_PANEL}"
    logs += f" WHERE {_quoted(item.name)} > 0"
    centre = f"SELECT MEDIAN(l) AS m, MAD(l) AS s, COUNT(*) AS n FROM ({logs})"
    far = f"{_Z} * ABS(l - m) / s > {_LIMIT}"
    query = (
        f"SELECT ANY_VALUE(n), COUNT(*) FILTER ({far}), MIN(x) FILTER ({far}), MAX(x) FILTER ({far}) "
        f"FROM ({logs}), ({centre}) WHERE s > 0"
    )
    positive, count, low, high = _one(connection, query)
    if count:
        yield Outliers(item.name, positive, count, low, high)


def _coverage(
    connection: duckdb.DuckDBPyConnection, mapped: set[str]
) -> Iterator[tuple[str, tuple[tuple[str, int], ...]]]:
    for name in ("year", "region", "industry"):
        if name not in mapped:
            continue
        order = "1" if name == "year" else "2 DESC, 1"
        query = f"SELECT {name}::VARCHAR, COUNT(*) FROM {_PANEL} GROUP BY 1 ORDER BY {order}"
        yield name, tuple((value or "missing", count) for value, count in connection.sql(query).fetchall())


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple:
    return connection.sql(query).fetchall()[0]


def _quoted(name: str) -> str:
    return quoted(name).sql("duckdb")
