"""Build one panel, of whatever contract: spec → raw files → checked rows or tables → Parquet."""

from __future__ import annotations

from pathlib import Path

import duckdb

from gvcmetrics.errors import Place, SpecError
from gvcmetrics.ground.files import workspace
from gvcmetrics.ground.inputs import write_inputs
from gvcmetrics.panels.classifications import files_between
from gvcmetrics.panels.crosswalks.tables import folder as tables_folder
from gvcmetrics.panels.harmonise.engines.duckdb import explained
from gvcmetrics.panels.job import AnySpec, Built, Engine, Job
from gvcmetrics.panels.kinds import load_panel
from gvcmetrics.panels.progress import Report
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.readers.tables import dictionary_file
from gvcmetrics.panels.sources.raw_files import RawFiles, data_file, find_raw
from gvcmetrics.panels.spec.panel import PanelSpec
from gvcmetrics.panels.store.write import put_panel


def build_panel(
    spec_path: Path | str,
    project: Project | None = None,
    engine: Engine = "duckdb",
    report: Report | None = None,
) -> Built:
    """Build the panel of one spec into `data/parquet/NAME.parquet`, or a folder `NAME` if it is large.

    The earlier panel stays as it was until the new one is whole; on any error it stays. Both engines
    give the same bytes. `report` is called with each step forward, from a thread of its own.

    Raises
    ------
    SpecError : the spec is wrong, or the engine has no part in panels of its contract.
    MissingSourceError : its source is not on this machine.
    DataError : a raw file is not the one expected, or breaks the spec or the contract, or the disk is
        full; bad cells of rows are listed in `data/parquet/NAME.rejects.csv`.
    """
    path = Path(spec_path)
    project = project or find_project(path.absolute().parent)
    kind, spec = load_panel(path)
    if engine not in kind.engines:
        problem = f"{engine} has no part in building a panel of the contract {spec.contract.name}"
        raise SpecError(problem, Place(path.name), "Leave `--engine` out")
    raw = find_raw(spec, project, kind.formats(spec))
    with workspace(project.parquet / spec.name) as folder:
        try:
            made = kind.build(spec, Job(raw, project, folder, engine, report))
            place = put_panel(made, project)
            write_inputs(project.inputs_file(spec.name), *_inputs(spec, raw, project))
        except (duckdb.Error, OSError, MemoryError) as error:
            raise explained(error, raw.name) from None
    return Built(place, made.provenance, made.rejects)


def _inputs(spec: AnySpec, raw: RawFiles, project: Project) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Every file that a build reads, and the patterns that find them."""
    files, given = list(raw.files), spec.words.source
    if isinstance(spec, PanelSpec):
        money, place = spec.words.money, spec.document.place(("money",))
        tables = [table for table in (money.rates, money.deflator) if table] if money is not None else []
        dictionary = dictionary_file(spec, project)
        files += [dictionary] if dictionary is not None else []
        files += [data_file(table, project, place) for table in tables]
        words = [item.spec.crosswalk for item in spec.columns if item.spec.crosswalk is not None]
        names = [name for found in words for name in files_between(found.from_, found.to)]
        files += [tables_folder(names) / name for name in names]
    pattern = None if isinstance(given, str) else given.files
    sought = [(project.data, pattern)] if isinstance(pattern, str) else []
    return list(dict.fromkeys(files)), sought


def show_sql(spec_path: Path | str, dialect: str = "duckdb") -> str:
    """The SQL that a build runs, for reading.

    Raises
    ------
    SpecError : the spec is wrong, or no SQL builds panels of its contract.
    """
    kind, spec = load_panel(Path(spec_path))
    return kind.sql(spec, dialect)
