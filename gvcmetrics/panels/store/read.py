"""Panels on disk: Parquet sorted by key, with provenance.

A panel is a file, `NAME.parquet`, with its provenance in the file's metadata; or, if its spec says
`partition_by` or it has more than PARTITION_ROWS rows, a folder that Arrow, DuckDB, R and Spark read as
one table, `NAME/year=2019/part.parquet`, with `_provenance.json` beside the years. The same raw file, spec
and version give the same bytes: no date, no path and no machine is written.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from gvcmetrics.errors import DataError, MissingSourceError, Place
from gvcmetrics.ground.files import recover
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.lineage import KEY
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.sources.plugins import shipped_panels
from gvcmetrics.panels.spec.extends import spec_digest

# Beyond this, a year is read a good deal faster than the whole, and a sort of the whole spills to disk.
PARTITION_ROWS = 5_000_000
METADATA_KEY = "gvcmetrics"
PROVENANCE_FILE = "_provenance.json"


@dataclass(frozen=True)
class ColumnProvenance:
    """What a column is and which raw columns it was made from (none: a constant of the spec)."""

    type: str
    unit: str
    label: str
    raw: list[str]
    scale: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Coverage:
    """How much a panel holds, and what of the raw file it does not.

    Attributes
    ----------
    raw_rows : rows of the raw file.
    omitted : keys left out because the source has no value for them (`omit_empty`).
    rejected : rows of the raw file that break a rule.
    """

    rows: int
    first_year: int
    last_year: int
    countries: int
    raw_rows: int
    omitted: int
    rejected: int


@dataclass(frozen=True)
class Provenance:
    """Where a panel comes from; carried with the Parquet and in `frame.attrs["provenance"]`."""

    panel: str
    title: str
    contract: str
    keys: list[str]
    source: str
    source_title: str
    origin: str
    licence: str
    citation: str
    raw_file: str
    raw_sha256: str
    spec_file: str
    spec_sha256: str
    code_version: str
    coverage: Coverage
    columns: dict[str, ColumnProvenance]
    notes: list[str]
    partition_by: str | None = None
    simulated: bool = False


def quoted(name: str) -> exp.Column:
    """A column by its name, whatever signs are in it."""
    return exp.column(exp.to_identifier(name, quoted=True))


def scan(path: Path, provenance: Provenance) -> exp.Select:
    """All columns of a stored panel, as DuckDB reads them."""
    arguments: list[exp.Expression] = [exp.Literal.string(str(path))]
    if provenance.partition_by is not None:
        integer = provenance.columns[provenance.partition_by].type == "integer"
        kind = exp.Literal.string("BIGINT" if integer else "VARCHAR")
        name = exp.to_identifier(provenance.partition_by, quoted=True)
        types = exp.Struct(expressions=[exp.PropertyEQ(this=name, expression=kind)])
        arguments = [
            exp.Literal.string(str(path / "*" / "*.parquet")),
            exp.EQ(this=exp.to_identifier("hive_types"), expression=types),
        ]
    return exp.select("*").from_(exp.Anonymous(this="read_parquet", expressions=arguments))


def find_panel(name: str, project: Project) -> Path | None:
    """The file or the folder of a built panel."""
    folder = project.panel_folder(name)
    recover(folder)
    if folder.is_dir():
        return folder
    path = project.panel_file(name)
    return path if path.exists() else None


def read_provenance(path: Path) -> Provenance:
    """The provenance of a panel that gvcmetrics wrote, file or folder.

    Raises
    ------
    DataError : the panel is damaged or not whole, or it is none.
    """
    try:
        stored: dict[str, Any]
        if path.is_dir():
            stored = json.loads((path / PROVENANCE_FILE).read_text(encoding="utf-8"))
            found = sum(pq.read_metadata(part).num_rows for part in path.glob("*/*.parquet"))
            if found != stored["coverage"]["rows"]:
                raise ValueError
        else:
            stored = json.loads((pq.read_schema(path).metadata or {})[METADATA_KEY.encode()])
    except (pa.ArrowInvalid, OSError, ValueError):
        kind = "folder of Parquet files" if path.is_dir() else "Parquet file"
        remedy = "Delete it and build the panel again"
        raise DataError(f"the {kind} is damaged", Place(path.name), remedy) from None
    except KeyError:
        raise DataError(
            "the Parquet file is no panel of gvcmetrics", Place(path.name), "Build it from a spec"
        ) from None
    stored["coverage"] = Coverage(**stored["coverage"])
    stored["columns"] = {name: ColumnProvenance(**column) for name, column in stored["columns"].items()}
    return Provenance(**stored)


def panel(
    name: str, columns: list[str] | None = None, where: str | None = None, project: Project | None = None
) -> pd.DataFrame:
    """A built panel as a pandas frame, sorted by its keys.

    Parameters
    ----------
    name : the panel's name, as `panels()` lists it.
    columns : the columns to read; all by default.
    where : a condition on the panel's columns, as in SQL: `"year >= 2000 AND exporter IN ('DEU', 'JPN')"`.
    project : by default the project around the working directory.

    Returns
    -------
    pandas.DataFrame : text as `str`, whole numbers as `int64` (`float64` where values are missing).
        `attrs["provenance"]` is a dictionary of source, licence, citation, checksums and the raw
        columns of each column; `attrs["labels"]` maps each column to its label and unit;
        `attrs["lineage"]` maps it to the raw columns behind it as `source.raw column` (none: a constant),
        where measures carry the record on.

    Raises
    ------
    MissingSourceError : the panel is not built; the remedy is the command.
    DataError : an unknown column, or a condition that is none.
    """
    project = project or find_project()
    path = find_panel(name, project)
    if path is None:
        raise not_built(name, project)
    provenance = read_provenance(path)
    wanted = list(provenance.columns) if columns is None else list(columns)
    _refuse_unknown(wanted, provenance)
    query = exp.select(*(quoted(column) for column in wanted)).from_("panel")
    if where is not None:
        query = query.where(_condition(where, provenance))
    if provenance.partition_by is not None:
        query = query.order_by(*(quoted(key) for key in provenance.keys))
    with duckdb.connect() as connection:
        try:
            connection.execute(f"CREATE TEMP VIEW panel AS {scan(path, provenance).sql('duckdb')}")
            table = connection.sql(query.sql("duckdb")).to_arrow_table()
        except duckdb.Error as error:
            problem = f"the panel cannot be read so ({str(error).splitlines()[0]})"
            raise DataError(problem, Place(path.name), "Check `where`, or build the panel again") from None
    frame = table.to_pandas(types_mapper={pa.string(): pd.StringDtype(na_value=float("nan"))}.get)
    described = {column: provenance.columns[column] for column in wanted}
    frame.attrs["provenance"] = {
        **asdict(provenance),
        "columns": {key: asdict(column) for key, column in described.items()},
    }
    frame.attrs["labels"] = {key: f"{column.label} ({column.unit})" for key, column in described.items()}
    frame.attrs[KEY] = {
        key: sorted({f"{provenance.source}.{raw}" for raw in column.raw}) for key, column in described.items()
    }
    return frame


def panels(project: Project | None = None) -> pd.DataFrame:
    """The project's panels: what is built and what a spec could build.

    Returns
    -------
    pandas.DataFrame : one row a panel, index `panel`; title, contract, state (`built`, `stale` where
        the spec changed since, `not built`, `damaged`), rows, first and last year, countries, source,
        licence, and the command that builds it.
    """
    project = project or find_project()
    rows = [_listed(name, project) for name in panel_names(project)]
    counts = dict.fromkeys(("rows", "first_year", "last_year", "countries"), "Int64")
    names = ["panel", "title", "contract", "state", *counts, "source", "licence", "command"]
    return pd.DataFrame(rows, columns=names).astype(counts).set_index("panel")


def panel_names(project: Project) -> list[str]:
    """Names of all panels that are built or have a spec, here or in an installed package."""
    folders = [file.parent for file in project.parquet.glob(f"*/{PROVENANCE_FILE}")]
    files = [*project.specs.glob("*.yaml"), *project.parquet.glob("*.parquet"), *folders]
    return sorted({*shipped_panels(), *(file.stem for file in files if not file.name.startswith("."))})


def build_command(name: str, project: Project) -> str:
    """The command that builds a panel."""
    shipped = not project.spec_file(name).exists() and name in shipped_panels()
    return f"gvcmetrics panel build {name}" if shipped else f"gvcmetrics panel build data/panels/{name}.yaml"


def _listed(name: str, project: Project) -> dict[str, Any]:
    path, spec = find_panel(name, project), project.spec_file(name)
    if not spec.exists() and name in shipped_panels():
        spec = shipped_panels()[name].spec
    row: dict[str, Any] = {"panel": name, "state": "not built", "command": build_command(name, project)}
    if path is None:
        return row
    try:
        found = read_provenance(path)
    except DataError:
        return {**row, "state": "damaged"}
    stale = spec.exists() and spec_digest(spec) != found.spec_sha256
    kept = {field: getattr(found, field) for field in ("title", "contract", "source", "licence")}
    counts = {
        field: getattr(found.coverage, field) for field in ("rows", "first_year", "last_year", "countries")
    }
    return {**row, **kept, **counts, "state": "stale" if stale else "built"}


def not_built(name: str, project: Project) -> MissingSourceError:
    """The error for a panel that is not there: how to build it, or the nearest that is."""
    known = panel_names(project)
    if name in known:
        return MissingSourceError(
            f"the panel '{name}' is not built", remedy=f"Run `{build_command(name, project)}`, or `make all`"
        )
    remedy = did_you_mean(name, known, f"Panels here: {', '.join(known) or 'none'}")
    return MissingSourceError(f"there is no panel '{name}'", remedy=remedy)


def _refuse_unknown(wanted: list[str], provenance: Provenance) -> None:
    for column in wanted:
        if column not in provenance.columns:
            remedy = did_you_mean(column, provenance.columns, f"Columns: {', '.join(provenance.columns)}")
            raise DataError("the panel has no such column", Place(provenance.panel, column=column), remedy)


def _condition(where: str, provenance: Provenance) -> exp.Expression:
    remedy = "Write a condition such as \"year >= 2000 AND exporter = 'DEU'\""
    try:
        statements = sqlglot.parse(f"SELECT 1 WHERE {where}", dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        statements = []
    condition = statements[0].find(exp.Where) if len(statements) == 1 and statements[0] else None
    if condition is None or condition.find(exp.Query):
        raise DataError(f"`where` is no condition on columns: {where}", Place(provenance.panel), remedy)
    _refuse_unknown([found.name for found in condition.find_all(exp.Column)], provenance)
    return condition.this
