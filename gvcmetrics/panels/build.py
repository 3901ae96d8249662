"""Build one panel: spec → raw file → checked rows → Parquet. The steps read in the order they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from sqlglot import exp

import gvcmetrics
from gvcmetrics.errors import DataError, GvcError, Place
from gvcmetrics.panels.checks import Tally, check_rows, first_reject, refuse_all_missing
from gvcmetrics.panels.checks_rejects import REJECTS_TABLE
from gvcmetrics.panels.files import replacing, spill_folder
from gvcmetrics.panels.harmonise import MONEY_TABLE, NUMBERED_TABLE, RAW_TABLE, TYPED_TABLE, select_panel
from gvcmetrics.panels.harmonise_checks import select_typed
from gvcmetrics.panels.harmonise_money import money_factors
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.readers.select import duckdb_relation, select_raw
from gvcmetrics.panels.readers.sources import RawFiles, find_raw
from gvcmetrics.panels.readers.tables import RawTable, open_tables
from gvcmetrics.panels.spec import PanelSpec, load_spec
from gvcmetrics.panels.store import ColumnProvenance, Coverage, Provenance, write_panel

_MEMORY_LIMIT = "1GB"


@dataclass(frozen=True)
class Built:
    """What a build did."""

    path: Path
    provenance: Provenance
    rejects: Path | None


def build_panel(spec_path: Path | str, project: Project | None = None) -> Built:
    """Build the panel of one spec into `data/parquet/NAME.parquet`.

    The earlier Parquet file stays as it was until the new one is whole; on any error it stays.

    Raises
    ------
    SpecError : the spec is wrong.
    MissingSourceError : its source is not on this machine.
    DataError : the raw file breaks the spec or the contract; bad cells are listed in
        `data/parquet/NAME.rejects.csv` with row, column, value and reason.
    """
    project = project or find_project(Path(spec_path).absolute().parent)
    spec = load_spec(spec_path)
    raw = find_raw(spec, project)
    target = project.panel_file(spec.name)
    with replacing(target) as temporary, duckdb.connect(config={"memory_limit": _MEMORY_LIMIT}) as connection:
        connection.execute("SET temp_directory = ?", [str(spill_folder(temporary))])
        try:
            spec, tables = open_tables(raw.paths, spec, spill_folder(temporary) / "raw")
            define_views(connection, spec, tables, project)
            tally = check_rows(connection, spec, tables, raw.name)
            rejects = _judge_rejects(connection, spec, tally, project)
            refuse_all_missing(connection, spec, raw.name)
            provenance = _provenance(connection, spec, raw, raw.checksum(project), tally)
            write_panel(connection, select_panel(spec), provenance, temporary)
        except duckdb.Error as error:
            raise _explain(error, raw.name) from None
    return Built(target, provenance, rejects)


def show_sql(spec_path: Path | str, dialect: str = "duckdb") -> str:
    """The SQL that a build runs, for reading."""
    spec = load_spec(spec_path)
    typed, panel = (query.sql(dialect, pretty=True) for query in (select_typed(spec), select_panel(spec)))
    heads = f"-- {TYPED_TABLE}: every row of the raw file, typed and judged", f"-- {spec.name}: the panel"
    return f"{heads[0]}\n{typed};\n\n{heads[1]}\n{panel};"


def define_views(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tables: Sequence[RawTable], project: Project
) -> None:
    """The raw tables as views, plain and with rows numbered, and the table of factors to USD."""
    for name, numbered in ((RAW_TABLE, False), (NUMBERED_TABLE, True)):
        query = select_raw(tables, spec, numbered, duckdb_relation)
        connection.execute(f"CREATE TEMP VIEW {name} AS {query.sql('duckdb')}")
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
    row_keys = exp.select(*(f'"{key}"' for key in spec.keys)).distinct().from_(TYPED_TABLE).where('"#ok"')
    country = spec.contract.country_column
    panel = select_panel(spec, ordered=False).sql("duckdb")
    counts = f'SELECT COUNT(*), MIN("year"), MAX("year"), COUNT(DISTINCT "{country}") FROM ({panel})'
    rows, first, last, countries = connection.sql(counts).fetchall()[0]
    keys = connection.sql(f"SELECT COUNT(*) FROM ({row_keys.sql('duckdb')})").fetchall()[0][0]
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
        coverage=Coverage(rows, first, last, countries, tally.rows, keys - rows, tally.rejected),
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
    money = spec.spec.money
    if money is not None and money.rates is not None:
        notes.append(f"Converted from {money.currency} at the rates of {money.rates}.")
    if money is not None and money.deflator is not None:
        notes.append(f"In prices of {money.base_year}, by {money.deflator}.")
    return notes


def _explain(error: duckdb.Error, file: str) -> GvcError:
    first = str(error).splitlines()[0]
    if "No space left" in str(error) or "could not write" in str(error).lower():
        return DataError(f"the disk is full ({first})", Place(file), "Free space and build again")
    return DataError(
        f"the file cannot be read as the spec says ({first})",
        Place(file),
        "Check format, delimiter and quotes",
    )
