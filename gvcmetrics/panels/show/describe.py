"""What each column of a built panel holds: the numbers behind the codebook."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from gvcmetrics.ground.numbers import short
from gvcmetrics.ground.provenance import ColumnProvenance, Provenance
from gvcmetrics.panels.harmonise.engines.duckdb import connected
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sql import column as quoted
from gvcmetrics.panels.store.listing import not_built
from gvcmetrics.panels.store.stored import find_panel, scan

_TOP = 4


@dataclass(frozen=True)
class ColumnSummary:
    """One line of a codebook.

    Attributes
    ----------
    missing_share : share of rows without a value.
    distinct : number of different values.
    spread : minimum, mean and maximum of a number; the most frequent values of a text.
    """

    name: str
    column: ColumnProvenance
    missing_share: float
    distinct: int
    spread: str


def summarise_panel(provenance: Provenance, project: Project) -> list[ColumnSummary]:
    """A summary of every column of a built panel, counted in its files: it need not fit into memory.

    Raises
    ------
    MissingSourceError : the panel is not built.
    """
    path = find_panel(provenance.panel, project)
    if path is None:
        raise not_built(provenance.panel, project)
    with tempfile.TemporaryDirectory() as folder, connected(Path(folder)) as connection:
        connection.execute(f"CREATE TEMP VIEW panel AS {scan(path, provenance).sql('duckdb')}")
        return [
            _summary(connection, name, column, provenance.coverage.rows)
            for name, column in provenance.columns.items()
        ]


def raw_columns(column: ColumnProvenance) -> str:
    """Where a column comes from, in words: the raw column, its scale, or the constant."""
    if not column.raw:
        return "constant of the spec"
    text = ", ".join(column.raw)
    return text if column.scale is None else f"{text} × {column.scale:,g}"


def _summary(
    connection: duckdb.DuckDBPyConnection, name: str, column: ColumnProvenance, rows: int
) -> ColumnSummary:
    value = quoted(name).sql("duckdb")
    present, distinct = _one(connection, f"SELECT COUNT({value}), COUNT(DISTINCT {value}) FROM panel")
    if not present:
        spread = "no value"
    elif column.type in ("number", "integer", "binary"):
        low, mean, high = _one(connection, f"SELECT MIN({value}), AVG({value}), MAX({value}) FROM panel")
        years = column.type == "integer" and column.unit == "year"
        spread = f"{low} … {high}" if years else f"{short(low)} … {short(mean)} … {short(high)}"
    else:
        counts = f"SELECT {value}, COUNT(*) AS n FROM panel WHERE {value} IS NOT NULL GROUP BY 1"
        top = connection.sql(f"{counts} ORDER BY n DESC, 1 LIMIT {_TOP}").fetchall()
        spread = ", ".join(f"{text} ({n:,})" for text, n in top) + (", …" if distinct > _TOP else "")
    return ColumnSummary(name, column, 1 - present / rows, distinct, spread)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple:
    return connection.sql(query).fetchall()[0]
