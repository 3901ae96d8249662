"""Build one panel of rows: raw files → checked rows → Parquet. The steps read in the order they run."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import duckdb
from sqlglot import exp

import gvcmetrics.panels.store.stored as store
from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.files import replacing
from gvcmetrics.ground.provenance import ColumnProvenance, Coverage, Provenance
from gvcmetrics.ground.warn import warn
from gvcmetrics.panels.classifications import files_between
from gvcmetrics.panels.harmonise.bench import Bench
from gvcmetrics.panels.harmonise.crosswalks import create_crosswalks
from gvcmetrics.panels.harmonise.engines.duckdb import connected, define_functions
from gvcmetrics.panels.harmonise.money import money_factors
from gvcmetrics.panels.harmonise.rejects import select_for_spreadsheets
from gvcmetrics.panels.harmonise.rules import select_typed
from gvcmetrics.panels.harmonise.tree import MONEY_TABLE, OK, select_panel
from gvcmetrics.panels.harmonise.verdicts import (
    Judged,
    Tally,
    fill_by_spark,
    fill_fast,
    first_reject,
    judge_rows,
    refuse_all_missing,
)
from gvcmetrics.panels.harmonise.zeros import with_zeros
from gvcmetrics.panels.job import Built, Job
from gvcmetrics.panels.progress import reading, writing
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.tables import RawTable, about_rows, open_tables
from gvcmetrics.panels.spec.panel import PanelSpec, said_unlabelled
from gvcmetrics.panels.sql import column, literal
from gvcmetrics.panels.store.write import has_repeats, write_file, write_folder


def build_rows(spec: PanelSpec, job: Job) -> Built:
    """Make the panel's file, or its folder if it is large, in the workspace of the build.

    Raises
    ------
    DataError : the raw file breaks the spec or the contract; bad cells are listed in
        `data/parquet/NAME.rejects.csv` with row, column, value and reason.
    """
    folder = job.folder
    with connected(folder / "spill") as connection:
        spec, tables = open_tables(job.raw.paths, spec, folder / "raw", job.project)
        if spec.unlabelled:
            warn(f"{spec.name}: {said_unlabelled(spec)}", UserWarning)
        bench = laid_out(connection, spec, tables, job.project)
        # Equal keys are neighbours in a sorted panel, which is the cheap way to find them. Where rows
        # are merged or left out on the way, they must be looked for before.
        sorted_shows = not (spec.long_to_wide or spec.words.omit_empty)
        made = _make(bench, job, duplicates=not sorted_shows)
        if sorted_shows and has_repeats(connection, made.path, made.provenance):
            made = _make(bench, job, duplicates=True)
    return made


def laid_out(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tables: Sequence[RawTable], project: Project
) -> Bench:
    """A bench with the tables of crosswalks and of factors to USD that the trees join."""
    create_crosswalks(connection, spec)
    if spec.words.money is not None:
        connection.execute(f"CREATE TEMP TABLE {MONEY_TABLE} (country VARCHAR, year BIGINT, factor DOUBLE)")
        rows = [(*key, factor) for key, factor in money_factors(spec, project).items()]
        if rows:
            connection.executemany(f"INSERT INTO {MONEY_TABLE} VALUES (?, ?, ?)", rows)
    return with_zeros(Bench(connection, spec, tables))


def rows_sql(spec: PanelSpec, dialect: str) -> str:
    """The SQL that a build runs, for reading."""
    raw, rows = exp.to_table("raw"), exp.to_table("typed")
    typed, panel = (
        query.sql(dialect, pretty=True) for query in (select_typed(spec, raw), select_panel(spec, rows))
    )
    heads = f"-- {rows}: every row of the raw file, typed and judged", f"-- {spec.name}: the panel"
    return f"{define_functions()}\n\n{heads[0]}\n{typed};\n\n{heads[1]}\n{panel};"


def _make(bench: Bench, job: Job, duplicates: bool) -> Built:
    fill = partial(fill_by_spark, folder=job.folder) if job.engine == "spark" else fill_fast
    with reading(bench.connection, sum(about_rows(table) for table in bench.tables), job.report):
        judged = judge_rows(bench, job.raw.name, duplicates, fill)
    rejects = _judge_rejects(bench, judged, job.project)
    refuse_all_missing(bench, judged.typed, job.raw.name)
    panel = select_panel(bench.spec, judged.typed)
    provenance = _provenance(bench, job, judged, panel)
    made = job.folder / "panel"
    wrote = writing(provenance.coverage.rows, job.report)
    if provenance.partition_by is None:
        write_file(bench.connection, panel, provenance, made, wrote)
        return Built(made, provenance, rejects)
    shutil.rmtree(made, ignore_errors=True)
    write_folder(bench.connection, panel, provenance, made, wrote)
    return Built(made, provenance, rejects)


def _judge_rejects(bench: Bench, judged: Judged, project: Project) -> Path | None:
    spec, tally = bench.spec, judged.tally
    path = project.rejects_file(spec.name)
    if not tally.rejected:
        path.unlink(missing_ok=True)
        return None
    with replacing(path) as temporary:
        file = literal(str(temporary)).sql("duckdb")
        query = f"{select_for_spreadsheets(judged.rejects)} ORDER BY file, row, panel_column, reason"
        bench.connection.execute(f"COPY ({query}) TO {file} (FORMAT csv, HEADER, USE_TMP_FILE false)")
    if tally.rejected > spec.words.max_reject_share * tally.rows:
        raise first_reject(bench, judged, f"{project.data.name}/{project.parquet.name}/{path.name}")
    return path


def _provenance(bench: Bench, job: Job, judged: Judged, panel: exp.Select) -> Provenance:
    spec, tally = bench.spec, judged.tally
    country = spec.contract.country_column
    counts = f'COUNT(*), MIN("year"), MAX("year"), COUNT(DISTINCT "{country}")'
    rows, first, last, countries = bench.one(f"SELECT {counts} FROM ({panel.sql('duckdb')})")
    omitted = 0
    if spec.long_to_wide or spec.words.omit_empty:
        named = exp.select(*(column(key) for key in spec.keys)).distinct()
        named = named.from_(judged.typed).where(column(OK))
        omitted = bench.one(f"SELECT COUNT(*) FROM ({named.sql('duckdb')})")[0] - rows
    if rows == 0:
        raise DataError(
            "no row is left for the panel", Place(job.raw.name), "Check the spec and the rejects file"
        )
    columns = {
        item.name: ColumnProvenance(
            item.meta.type, item.meta.unit, item.meta.label, item.lineage, item.spec.scale, item.spec.note
        )
        for item in spec.columns
    }
    coverage = Coverage(rows, first, last, countries, tally.rows, omitted, tally.rejected)
    partition = spec.words.partition_by or ("year" if rows > store.PARTITION_ROWS else None)
    return job.record(spec, spec.keys, coverage, columns, _what_was_done(spec, tally), partition)


def _what_was_done(spec: PanelSpec, tally: Tally) -> list[str]:
    """What the words of the spec did that no column says."""
    notes = []
    if spec.words.extends is not None:
        notes.append(f"Layout preset: {spec.words.extends}.")
    if spec.absent:
        notes.append(f"Not in the raw file, hence absent: {', '.join(spec.absent)}.")
    if spec.unlabelled:
        notes.append(f"{said_unlabelled(spec)}.")
    if spec.words.keep or spec.words.drop:
        kept = [f"{name} in {', '.join(values)}" for name, values in spec.words.keep.items()]
        kept += [f"{name} not in {', '.join(values)}" for name, values in spec.words.drop.items()]
        notes.append(f"Kept are rows with {'; '.join(kept)}; {tally.left_out:,} other raw rows are left out.")
    for item in spec.columns:
        if item.spec.classification is not None:
            digits = f", filled with zeros to {item.spec.pad} digits" if item.spec.pad else ""
            notes.append(f"'{item.name}' is checked against the codes of {item.spec.classification}{digits}.")
        if item.spec.crosswalk is not None:
            words = item.spec.crosswalk
            files = ", ".join(files_between(words.from_, words.to))
            notes.append(f"'{item.name}' is mapped from {words.from_} to {words.to} by {files}.")
    money = spec.words.money
    if money is not None and money.rates is not None:
        fixed = money.deflator is not None and money.prices == "local"
        rate = f"the rate of {money.base_year}" if fixed else "the rates of each year"
        notes.append(f"Converted from {money.currency} at {rate} in {money.rates}.")
    if money is not None and money.deflator is not None:
        notes.append(f"In prices of {money.base_year}, by {money.deflator}.")
    return notes
