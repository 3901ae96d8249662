"""Parquet and CSV: every printed cell as a row, numbers at full precision."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq

from gvcmetrics.report.tables.grid import Grid

SCHEMA = pa.schema(
    [
        ("block", pa.string()),
        ("row", pa.string()),
        ("name", pa.string()),
        ("column_number", pa.int32()),
        ("column", pa.string()),
        ("statistic", pa.string()),
        ("value", pa.float64()),
        ("text", pa.string()),
        ("simulated", pa.bool_()),
    ]
)


def document(table: Grid) -> bytes:
    """The file's bytes; its metadata hold the schema and nothing of the machine."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(records(table), schema=SCHEMA), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def separated(table: Grid) -> str:
    """The same rows as CSV; a number is written with the digits that give it back exactly."""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, SCHEMA.names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(table))
    return sink.getvalue()


def records(table: Grid) -> list[dict[str, object]]:
    """One record for every number, and one with no value for every cell of words."""
    found: list[dict[str, object]] = []
    for block in table.blocks:
        label = ""
        for row in block.rows:
            # A row without a label (a standard error) continues the labelled row above it.
            label = row.label or label
            for number, (column, cell) in enumerate(zip(table.columns, row.cells, strict=True), start=1):
                if not cell.text:
                    continue
                shared = {
                    "block": block.title,
                    "row": label,
                    "name": row.name or label,
                    "column_number": number,
                    "column": column,
                    "text": cell.text + cell.stars,
                    "simulated": table.simulated,
                }
                for statistic, value in cell.numbers or (("text", None),):
                    found.append({**shared, "statistic": statistic, "value": value})
    return found
