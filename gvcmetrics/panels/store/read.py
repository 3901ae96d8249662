"""A stored panel as a pandas frame: its columns, the rows that a condition keeps, and its record."""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow as pa
import sqlglot
from sqlglot import exp

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.ground.provenance import Provenance
from gvcmetrics.lineage import KEY
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.sql import column as quoted
from gvcmetrics.panels.store.listing import not_built
from gvcmetrics.panels.store.stored import find_panel, read_provenance, scan


def panel(
    name: str, columns: list[str] | None = None, where: str | None = None, project: Project | None = None
) -> pd.DataFrame:
    """A built panel as a pandas frame, sorted by its keys.

    Parameters
    ----------
    name : the panel's name, as `list_panels()` lists it.
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
    frame.attrs["provenance"] = provenance.told(wanted)
    frame.attrs["labels"] = {key: f"{column.label} ({column.unit})" for key, column in described.items()}
    frame.attrs[KEY] = {
        key: sorted({f"{provenance.source}.{raw}" for raw in column.raw}) for key, column in described.items()
    }
    return frame


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
