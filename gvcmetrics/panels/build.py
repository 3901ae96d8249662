"""Build one panel: spec → raw file → checked rows → Parquet. The steps read in the order they run."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import duckdb
from sqlglot import exp

import gvcmetrics
import gvcmetrics.panels.store.stored as store
from gvcmetrics.errors import DataError, GvcError, Place
from gvcmetrics.ground.files import put_file, put_folder, replacing, workspace
from gvcmetrics.ground.provenance import ColumnProvenance, Coverage, Provenance
from gvcmetrics.panels.classifications import files_between
from gvcmetrics.panels.harmonise.crosswalks import create_crosswalks
from gvcmetrics.panels.harmonise.engines.duckdb import connected, define_functions
from gvcmetrics.panels.harmonise.money import money_factors
from gvcmetrics.panels.harmonise.rejects import REJECTS_TABLE
from gvcmetrics.panels.harmonise.rules import select_typed
from gvcmetrics.panels.harmonise.tree import MONEY_TABLE, NUMBERED_TABLE, OK, TYPED_TABLE, select_panel
from gvcmetrics.panels.harmonise.verdicts import (
    Fill,
    Tally,
    check_rows,
    fill_by_spark,
    fill_fast,
    first_reject,
    refuse_all_missing,
)
from gvcmetrics.panels.input_output.build import build_input_output
from gvcmetrics.panels.input_output.spec import is_input_output, load_input_output_spec
from gvcmetrics.panels.progress import Report, reading, writing
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.readers.select import duckdb_relation, select_raw
from gvcmetrics.panels.readers.tables import RawTable, about_rows, open_tables
from gvcmetrics.panels.sources.raw_files import RawFiles, find_raw
from gvcmetrics.panels.spec.panel import PanelSpec, load_spec
from gvcmetrics.panels.store.write import has_repeats, write_file, write_folder

_FULL = ("no space left", "could not write", "file too large", "out of disk space", "quota exceeded")


@dataclass(frozen=True)
class Built:
    """What a build did."""

    path: Path
    provenance: Provenance
    rejects: Path | None


def build_panel(
    spec_path: Path | str,
    project: Project | None = None,
    engine: Literal["duckdb", "spark"] = "duckdb",
    report: Report | None = None,
) -> Built:
    """Build the panel of one spec into `data/parquet/NAME.parquet`, or a folder `NAME` if it is large.

    The earlier panel stays as it was until the new one is whole; on any error it stays. Both engines
    give the same bytes. `report` is called with each step forward, from a thread of its own.

    Raises
    ------
    SpecError : the spec is wrong.
    MissingSourceError : its source is not on this machine.
    DataError : the raw file breaks the spec or the contract, or the disk is full; bad cells are listed
        in `data/parquet/NAME.rejects.csv` with row, column, value and reason.
    """
    project = project or find_project(Path(spec_path).absolute().parent)
    if is_input_output(spec_path):
        tables_spec = load_input_output_spec(spec_path)
        built = build_input_output(tables_spec, project)
        return Built(project.panel_file(tables_spec.name), built, None)
    spec = load_spec(spec_path)
    raw = find_raw(spec, project)
    with workspace(project.parquet / spec.name) as folder, connected(folder / "spill") as connection:
        try:
            spec, tables = open_tables(raw.paths, spec, folder / "raw")
            define_views(connection, spec, tables, project)
            # Equal keys are neighbours in a sorted panel, which is the cheap way to find them. Where rows
            # are merged or left out on the way, they must be looked for before.
            sorted_shows = not (spec.long_to_wide or spec.spec.omit_empty)
            fill = partial(fill_by_spark, folder=folder) if engine == "spark" else fill_fast
            make = partial(_make, connection, spec, tables, raw, project, folder, fill, report)
            made = make(duplicates=not sorted_shows)
            if sorted_shows and has_repeats(connection, made.path, made.provenance):
                made = make(duplicates=True)
            path = _put(made, project)
        except (duckdb.Error, OSError) as error:
            raise _explain(error, raw.name) from None
    return Built(path, made.provenance, made.rejects)


def _make(
    connection: duckdb.DuckDBPyConnection,
    spec: PanelSpec,
    tables: Sequence[RawTable],
    raw: RawFiles,
    project: Project,
    folder: Path,
    fill: Fill,
    report: Report | None,
    duplicates: bool,
) -> Built:
    with reading(connection, sum(about_rows(table) for table in tables), report):
        tally = check_rows(connection, spec, tables, raw.name, duplicates, fill)
    rejects = _judge_rejects(connection, spec, tally, project)
    refuse_all_missing(connection, spec, raw.name)
    provenance = _provenance(connection, spec, raw, raw.checksum(project), tally)
    panel = select_panel(spec)
    made = folder / "panel"
    wrote = writing(provenance.coverage.rows, report)
    if provenance.partition_by is None:
        write_file(connection, panel, provenance, made, wrote)
        return Built(made, provenance, rejects)
    shutil.rmtree(made, ignore_errors=True)
    write_folder(connection, panel, provenance, made, wrote)
    return Built(made, provenance, rejects)


def _put(made: Built, project: Project) -> Path:
    """Put a panel in its place; where it was a file and is a folder now, or the reverse, the other goes."""
    file = project.panel_file(made.provenance.panel)
    folder = project.panel_folder(made.provenance.panel)
    if made.path.is_dir():
        put_folder(made.path, folder)
        file.unlink(missing_ok=True)
        return folder
    put_file(made.path, file)
    if folder.is_dir():
        os.rename(folder, made.path)
    return file


def show_sql(spec_path: Path | str, dialect: str = "duckdb") -> str:
    """The SQL that a build runs, for reading."""
    spec = load_spec(spec_path)
    typed, panel = (query.sql(dialect, pretty=True) for query in (select_typed(spec), select_panel(spec)))
    heads = f"-- {TYPED_TABLE}: every row of the raw file, typed and judged", f"-- {spec.name}: the panel"
    return f"{define_functions()}\n\n{heads[0]}\n{typed};\n\n{heads[1]}\n{panel};"


def define_views(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tables: Sequence[RawTable], project: Project
) -> None:
    """The raw rows as texts with their numbers, as a view, and the tables of codes and of factors to USD."""
    query = select_raw(tables, spec, numbered=True, relation=duckdb_relation)
    connection.execute(f"CREATE TEMP VIEW {NUMBERED_TABLE} AS {query.sql('duckdb')}")
    create_crosswalks(connection, spec)
    if spec.spec.money is not None:
        connection.execute(f"CREATE TEMP TABLE {MONEY_TABLE} (country VARCHAR, year BIGINT, factor DOUBLE)")
        rows = [(*key, factor) for key, factor in money_factors(spec, project).items()]
        if rows:
            connection.executemany(f"INSERT INTO {MONEY_TABLE} VALUES (?, ?, ?)", rows)


def _judge_rejects(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tally: Tally, project: Project
) -> Path | None:
    path = project.rejects_file(spec.name)
    if not tally.rejected:
        path.unlink(missing_ok=True)
        return None
    with replacing(path) as temporary:
        file = exp.Literal.string(str(temporary)).sql("duckdb")
        query = f"SELECT * FROM {REJECTS_TABLE} ORDER BY file, row, panel_column, reason"
        connection.execute(f"COPY ({query}) TO {file} (FORMAT csv, HEADER, USE_TMP_FILE false)")
    if tally.rejected > spec.spec.max_reject_share * tally.rows:
        listed = f"{project.data.name}/{project.parquet.name}/{path.name}"
        raise first_reject(connection, spec, tally, listed)
    return path


def _provenance(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, raw: RawFiles, digest: str, tally: Tally
) -> Provenance:
    country = spec.contract.country_column
    panel = select_panel(spec).sql("duckdb")
    counts = f'SELECT COUNT(*), MIN("year"), MAX("year"), COUNT(DISTINCT "{country}") FROM ({panel})'
    rows, first, last, countries = connection.sql(counts).fetchall()[0]
    omitted = 0
    if spec.long_to_wide or spec.spec.omit_empty:
        named = exp.select(*(exp.column(key, quoted=True) for key in spec.keys)).distinct()
        named = named.from_(TYPED_TABLE).where(exp.column(OK, quoted=True))
        omitted = connection.sql(f"SELECT COUNT(*) FROM ({named.sql('duckdb')})").fetchall()[0][0] - rows
    if rows == 0:
        raise DataError(
            "no row is left for the panel", Place(raw.name), "Check the spec and the rejects file"
        )
    return Provenance(
        panel=spec.name,
        title=spec.spec.title,
        contract=spec.contract.name,
        keys=list(spec.keys),
        source=raw.source.name,
        source_title=raw.source.title,
        origin=raw.source.origin,
        licence=spec.spec.licence or raw.source.licence,
        citation=spec.spec.citation or raw.source.citation,
        raw_file=raw.name,
        raw_sha256=digest,
        spec_file=spec.path.name,
        spec_sha256=spec.sha256,
        code_version=gvcmetrics.__version__,
        coverage=Coverage(rows, first, last, countries, tally.rows, omitted, tally.rejected),
        columns={
            item.name: ColumnProvenance(
                item.meta.type,
                item.meta.unit,
                item.meta.label,
                item.lineage,
                item.spec.scale,
                item.spec.note,
            )
            for item in spec.columns
        },
        partition_by=spec.spec.partition_by or ("year" if rows > store.PARTITION_ROWS else None),
        notes=[*spec.spec.notes, *_what_was_done(spec, tally)],
    )


def _what_was_done(spec: PanelSpec, tally: Tally) -> list[str]:
    """What the words of the spec did that no column says."""
    notes = []
    if spec.spec.extends is not None:
        notes.append(f"Layout preset: {spec.spec.extends}.")
    if spec.absent:
        notes.append(f"Not in the raw file, hence absent: {', '.join(spec.absent)}.")
    if spec.spec.keep:
        kept = "; ".join(f"{name} in {', '.join(values)}" for name, values in spec.spec.keep.items())
        notes.append(f"Kept are rows with {kept}; {tally.left_out:,} other raw rows are left out.")
    for item in spec.columns:
        if item.spec.crosswalk is not None:
            words = item.spec.crosswalk
            files = ", ".join(files_between(words.from_, words.to))
            notes.append(f"'{item.name}' is mapped from {words.from_} to {words.to} by {files}.")
    money = spec.spec.money
    if money is not None and money.rates is not None:
        notes.append(f"Converted from {money.currency} at the rates of {money.rates}.")
    if money is not None and money.deflator is not None:
        notes.append(f"In prices of {money.base_year}, by {money.deflator}.")
    return notes


def _explain(error: duckdb.Error | OSError, file: str) -> GvcError | OSError:
    # DuckDB appends its own details as JSON
    first = (str(error).splitlines() or [type(error).__name__])[0].split(": {")[0]
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if full or any(said in str(error).lower() for said in _FULL):
        problem = f"the disk is full, or a file may not grow so large ({first})"
        return DataError(problem, Place(file), "Free space and build again; the earlier panel is as it was")
    if isinstance(error, OSError):
        return error
    return DataError(
        f"the file cannot be read as the spec says ({first})",
        Place(file),
        "Check format, delimiter and quotes",
    )
