"""Delimited text (CSV, TSV) as a lazy relation in which every column is text."""

from __future__ import annotations

import csv
from pathlib import Path

from sqlglot import exp

from gvcmetrics.errors import DataError, Place

_HEADER_BYTES = 1 << 20
REJECTS_LIMIT = 100


def read_header(path: Path, delimiter: str) -> list[str]:
    """The column names of a delimited text file.

    Raises
    ------
    DataError : the file is empty, not UTF-8, or a name is empty or stands twice.
    """
    with open(path, "rb") as file:
        start = file.read(_HEADER_BYTES)
    line = start.split(b"\n", 1)[0]
    if not line.strip():
        raise DataError(
            "the file is empty or starts with an empty line", Place(path.name, row=1), "Check the file"
        )
    try:
        text = start.decode("utf-8-sig", errors="ignore") if line.isascii() else line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(
            "the header is not UTF-8 text", Place(path.name, row=1), "Save the file as UTF-8"
        ) from None
    names = next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter))
    for position, name in enumerate(names):
        if not name.strip():
            problem = f"column {position + 1} has no name"
            raise DataError(problem, Place(path.name, row=1), "Give every column a name in the header")
        if name.casefold() in (earlier.casefold() for earlier in names[:position]):
            problem = "two columns have this name"
            raise DataError(problem, Place(path.name, row=1, column=name), "Rename one of them")
    return names


def delimited_relation(path: Path, names: list[str], delimiter: str) -> exp.Expression:
    """DuckDB's `read_csv` of a file, every column text, malformed lines set aside in `reject_errors`."""
    text = exp.Literal.string
    columns = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=text("VARCHAR"))
            for name in names
        ]
    )
    options: dict[str, exp.Expression] = {
        "auto_detect": exp.false(),
        "header": exp.true(),
        "columns": columns,
        "delim": text(delimiter),
        "quote": text('"'),
        "escape": text('"'),
        "store_rejects": exp.true(),
        "rejects_limit": exp.Literal.number(REJECTS_LIMIT),
    }
    arguments = [exp.EQ(this=exp.to_identifier(name), expression=value) for name, value in options.items()]
    return exp.Anonymous(this="read_csv", expressions=[text(str(path)), *arguments])
