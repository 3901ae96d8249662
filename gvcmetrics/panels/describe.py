"""What each column of a built panel holds: the numbers behind the codebook."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd
from sqlglot import exp

from gvcmetrics.panels.contracts import INPUT_OUTPUT
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.store import ColumnProvenance, Provenance, panel, scan

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


def summarise(frame: pd.DataFrame, provenance: Provenance) -> list[ColumnSummary]:
    """A summary of every column of a panel, in the panel's order."""
    return [_summary(name, column, frame[name]) for name, column in provenance.columns.items()]


def summarise_panel(provenance: Provenance, project: Project) -> list[ColumnSummary]:
    """A summary of every column of a built panel."""
    name = provenance.panel
    if provenance.contract != INPUT_OUTPUT.name:
        return summarise(panel(name, project=project), provenance)
    # The cells of all years need not fit into memory; the engine counts them in the file.
    cells = scan(project.panel_file(name), provenance).sql("duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TEMP VIEW panel AS {cells}")
        return [
            _counted(connection, column, meta, provenance.coverage.rows)
            for column, meta in provenance.columns.items()
        ]


def raw_columns(column: ColumnProvenance) -> str:
    """Where a column comes from, in words: the raw column, its scale, or the constant."""
    if not column.raw:
        return "constant of the spec"
    text = ", ".join(column.raw)
    return text if column.scale is None else f"{text} × {column.scale:,g}"


def number(value: float) -> str:
    """A number for reading: four significant digits, thousands set apart, powers of ten beyond a million."""
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:.3e}" if abs(value) >= 1e6 or 0 < abs(value) < 1e-3 else f"{value:,.4g}"


def _counted(
    connection: duckdb.DuckDBPyConnection, name: str, column: ColumnProvenance, rows: int
) -> ColumnSummary:
    quoted = exp.to_identifier(name, quoted=True).sql("duckdb")
    counts = connection.sql(f"SELECT COUNT({quoted}), COUNT(DISTINCT {quoted}) FROM panel").fetchall()
    present, distinct = counts[0]
    if column.type in ("number", "integer"):
        query = f"SELECT MIN({quoted}), AVG({quoted}), MAX({quoted}) FROM panel"
        low, mean, high = connection.sql(query).fetchall()[0]
        ends = f"{low} … {high}"
        spread = ends if column.unit == "year" else f"{number(low)} … {number(mean)} … {number(high)}"
    else:
        query = f"SELECT {quoted}, COUNT(*) AS n FROM panel GROUP BY {quoted} ORDER BY n DESC, {quoted}"
        top = connection.sql(f"{query} LIMIT {_TOP}").fetchall()
        spread = ", ".join(f"{value} ({n:,})" for value, n in top) + (", …" if distinct > _TOP else "")
    return ColumnSummary(name, column, 1 - present / rows, distinct, spread)


def _summary(name: str, column: ColumnProvenance, values: pd.Series) -> ColumnSummary:
    present = values.dropna()
    if present.empty:
        spread = "no value"
    elif column.type == "integer" and column.unit == "year":
        spread = f"{int(present.min())} … {int(present.max())}"
    elif column.type in ("number", "integer", "binary"):
        low, mean, high = (number(float(v)) for v in (present.min(), present.mean(), present.max()))
        spread = f"{low} … {mean} … {high}"
    else:
        counts = (
            present.value_counts()
            .rename_axis("value")
            .reset_index(name="n")
            .sort_values(["n", "value"], ascending=[False, True])
        )
        shown = [f"{row.value} ({row.n:,})" for row in counts.head(_TOP).itertuples()]
        spread = ", ".join(shown) + (", …" if len(counts) > _TOP else "")
    return ColumnSummary(name, column, float(values.isna().mean()), int(present.nunique()), spread)
