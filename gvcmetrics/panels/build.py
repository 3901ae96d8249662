"""Build one panel: spec → raw file → checked rows → Parquet. The steps read in the order they run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from sqlglot import exp

import gvcmetrics
from gvcmetrics.errors import DataError, GvcError, Place, SpecError
from gvcmetrics.panels.catalogue import Source
from gvcmetrics.panels.catalogue import source as catalogue_source
from gvcmetrics.panels.checks import REJECTS_TABLE, Tally, check_rows, first_reject
from gvcmetrics.panels.fetch import raw_file, verify
from gvcmetrics.panels.files import replacing, spill_folder
from gvcmetrics.panels.harmonise import RAW_TABLE, TYPED_TABLE, select_panel, select_typed
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.readers.delimited import delimited_relation, read_header
from gvcmetrics.panels.spec import FileSource, PanelSpec, load_spec
from gvcmetrics.panels.store import ColumnProvenance, Coverage, Provenance, write_panel

_MEMORY_LIMIT = "1GB"
_TEXT_FORMATS = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class Built:
    """What a build did."""

    path: Path
    provenance: Provenance
    rejects: Path | None


@dataclass(frozen=True)
class _Raw:
    path: Path
    delimiter: str
    sha256: str | None
    source: Source


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
    raw = _find_raw(spec, project)
    target = project.panel_file(spec.name)
    with replacing(target) as temporary, duckdb.connect(config={"memory_limit": _MEMORY_LIMIT}) as connection:
        connection.execute("SET temp_directory = ?", [str(spill_folder(temporary))])
        try:
            _open_raw(connection, spec, raw)
            tally = check_rows(connection, spec, raw.path.name)
            rejects = _judge_rejects(connection, spec, raw, tally, project)
            digest = verify(raw.path, raw.sha256, _restore(raw, project))
            provenance = _provenance(connection, spec, raw, digest, tally)
            write_panel(connection, select_panel(spec), provenance, temporary)
        except duckdb.Error as error:
            raise _explain(error, raw.path.name) from None
    return Built(target, provenance, rejects)


def show_sql(spec_path: Path | str, dialect: str = "duckdb") -> str:
    """The SQL that a build runs, for reading."""
    spec = load_spec(spec_path)
    typed, panel = (query.sql(dialect, pretty=True) for query in (select_typed(spec), select_panel(spec)))
    heads = f"-- {TYPED_TABLE}: every row of the raw file, typed and judged", f"-- {spec.name}: the panel"
    return f"{heads[0]}\n{typed};\n\n{heads[1]}\n{panel};"


def _find_raw(spec: PanelSpec, project: Project) -> _Raw:
    given = spec.spec.source
    if isinstance(given, str):
        entry = catalogue_source(given, spec.document.place(("source",)))
        path = raw_file(entry, project)
        return _Raw(path, _delimiter(path, spec), entry.embedded.sha256 if entry.embedded else None, entry)
    path = (project.data / given.file).resolve()
    place = spec.document.place(("source", "file"))
    if not path.is_relative_to(project.data.resolve()):
        raise SpecError(f"'{given.file}' leaves the data folder", place, "Put the file under data/raw")
    if not path.is_file():
        raise SpecError(
            f"there is no file '{given.file}' in the data folder", place, "Put it there, or correct the path"
        )
    for key in ("licence", "citation"):
        if getattr(spec.spec, key) is None:
            remedy = f"Add `{key}:` (write `unknown` if it is)"
            raise SpecError(
                f"a panel from a file of its own must state its {key}", spec.document.place(()), remedy
            )
    entry = Source(
        name=path.name,
        title=spec.spec.title,
        origin="a file of the project",
        licence=spec.spec.licence or "",
        citation=spec.spec.citation or "",
    )
    return _Raw(path, _delimiter(path, spec), given.sha256, entry)


def _delimiter(path: Path, spec: PanelSpec) -> str:
    if path.suffix.lower() not in _TEXT_FORMATS:
        problem = f"'{path.name}' is no format that a panel is built from"
        raise SpecError(problem, spec.document.place(("source",)), f"Formats: {', '.join(_TEXT_FORMATS)}")
    return spec.spec.source.delimiter if isinstance(spec.spec.source, FileSource) else ","


def _open_raw(connection: duckdb.DuckDBPyConnection, spec: PanelSpec, raw: _Raw) -> None:
    names = read_header(raw.path, raw.delimiter)
    wanted = {item.raw: item.name for item in spec.columns if item.raw}
    if spec.long_to_wide:
        wanted[spec.long_to_wide.names_from] = "names_from"
    for name in wanted:
        if name not in names:
            shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
            remedy = f"The file has: {shown}. Correct the spec, or the delimiter ('{raw.delimiter}')"
            raise DataError("the column is absent", Place(raw.path.name, row=1, column=name), remedy)
    relation = delimited_relation(raw.path, names, raw.delimiter)
    connection.execute(f"CREATE TEMP VIEW {RAW_TABLE} AS {exp.select('*').from_(relation).sql('duckdb')}")


def _judge_rejects(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, raw: _Raw, tally: Tally, project: Project
) -> Path | None:
    path = project.rejects_file(spec.name)
    if not tally.rejected:
        path.unlink(missing_ok=True)
        return None
    with replacing(path) as temporary:
        file = exp.Literal.string(str(temporary)).sql("duckdb")
        query = f"SELECT * FROM {REJECTS_TABLE} ORDER BY row, panel_column, reason"
        connection.execute(f"COPY ({query}) TO {file} (FORMAT csv, HEADER, USE_TMP_FILE false)")
    if tally.rejected > spec.spec.max_reject_share * tally.rows:
        listed = f"{project.data.name}/{project.parquet.name}/{path.name}"
        raise first_reject(connection, spec, raw.path.name, tally, listed)
    return path


def _provenance(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, raw: _Raw, digest: str, tally: Tally
) -> Provenance:
    row_keys = exp.select(*(f'"{key}"' for key in spec.keys)).distinct().from_(TYPED_TABLE).where('"#ok"')
    country = spec.contract.country_column
    panel = select_panel(spec, ordered=False).sql("duckdb")
    counts = f'SELECT COUNT(*), MIN("year"), MAX("year"), COUNT(DISTINCT "{country}") FROM ({panel})'
    rows, first, last, countries = connection.sql(counts).fetchall()[0]
    keys = connection.sql(f"SELECT COUNT(*) FROM ({row_keys.sql('duckdb')})").fetchall()[0][0]
    if rows == 0:
        raise DataError(
            "no row is left for the panel", Place(raw.path.name), "Check the spec and the rejects file"
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
        raw_file=raw.path.name,
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
        notes=list(spec.spec.notes),
    )


def _restore(raw: _Raw, project: Project) -> str:
    if raw.source.embedded is not None:
        where = f"{project.data.name}/{project.raw.name}/{raw.path.name}"
        return f"Delete {where} to have it made again, or name an edited file under `source: {{file: …}}`"
    return "Restore the file, or correct `sha256` in the spec"


def _explain(error: duckdb.Error, file: str) -> GvcError:
    first = str(error).splitlines()[0]
    if "No space left" in str(error) or "could not write" in str(error).lower():
        return DataError(f"the disk is full ({first})", Place(file), "Free space and build again")
    return DataError(
        f"the file cannot be read as the spec says ({first})",
        Place(file),
        "Check format, delimiter and quotes",
    )
