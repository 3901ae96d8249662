"""Names and values as they enter SQL: quoted identifiers and literals, never pasted text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sqlglot import exp


def column(name: str, table: str | None = None) -> exp.Column:
    """A column by its name, whatever signs are in it."""
    return exp.column(exp.to_identifier(name, quoted=True), table=table)


def literal(value: str | float | int) -> exp.Expr:
    """A text or a number."""
    return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(repr(value))


def file_argument(path: Path) -> exp.Expr:
    """The path of one file for DuckDB, to which a path is a pattern: the signs of one in brackets."""
    return literal(re.sub(r"([\[*?])", r"[\1]", str(path)))


def no_folder_keys() -> exp.Expr:
    """The option without which DuckDB makes columns of folders such as `country=BOL` above a file."""
    return exp.EQ(this=exp.to_identifier("hive_partitioning"), expression=exp.false())


def parquet_files(paths: Sequence[Path], *options: exp.Expr) -> exp.Anonymous:
    """Parquet files as DuckDB reads them, row under row."""
    files = exp.Array(expressions=[file_argument(path) for path in paths])
    return exp.Anonymous(this="read_parquet", expressions=[files, no_folder_keys(), *options])
