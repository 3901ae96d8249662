"""Parquet files, whether the user's or copies made here: each column as text, as a CSV would hold it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from gvcmetrics.errors import DataError, Place

# The shortest text of a number, null for NaN, which every engine defines in its own way (`engines/`).
FRACTION_TEXT = "FRACTION_TEXT"
_EXACT = 1e15


def parquet_types(path: Path, name: str) -> dict[str, pa.DataType]:
    """The columns of a Parquet file and their types.

    Raises
    ------
    DataError : the file is damaged or cut off.
    """
    try:
        schema = pq.read_schema(path)
        schema.names  # noqa: B018 (decodes the names, which a damaged file may have spoilt)
    except (ValueError, pa.ArrowException, OSError) as error:
        problem = f"the Parquet file is damaged or cut off ({str(error).splitlines()[0]:.120})"
        raise DataError(problem, Place(name), "Restore the file") from None
    return {field.name: field.type for field in schema}


def as_text(column: exp.Expr, kind: pa.DataType) -> exp.Expr:
    """A typed column as text: whole numbers without a point, true and false as 1 and 0, no-number as null.

    A time with a zone is written as UTC.
    """
    if pa.types.is_boolean(kind):
        return exp.cast(exp.cast(column, "INT"), "VARCHAR")
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return exp.cast(exp.AtTimeZone(this=column, zone=exp.Literal.string("UTC")), "VARCHAR")
    if not pa.types.is_floating(kind):
        return exp.cast(column, "VARCHAR")
    number = exp.cast(column, "DOUBLE")
    fraction = exp.func(FRACTION_TEXT, number.copy())
    # Spark's FLOOR is a whole number, and fails on what exceeds one: small numbers first. DuckDB may
    # cast what no branch asks for, and NaN, which a file's minimum and maximum pass over, is no whole number.
    small = exp.LT(this=exp.Abs(this=number.copy()), expression=exp.Literal.number(repr(_EXACT)))
    whole = number.copy().eq(exp.Floor(this=number.copy()))
    as_whole = exp.cast(exp.TryCast(this=number.copy(), to=exp.DataType.build("BIGINT")), "VARCHAR")
    return exp.Case().when(small, exp.Case().when(whole, as_whole).else_(fraction.copy())).else_(fraction)


def twins(names: Iterable[str]) -> set[str]:
    """Names that another has but for case."""
    spelt: dict[str, set[str]] = {}
    for name in names:
        spelt.setdefault(name.casefold(), set()).add(name)
    return {name for alike in spelt.values() if len(alike) > 1 for name in alike}


def refuse_unreadable(types: dict[str, pa.DataType], wanted: set[str], name: str) -> None:
    """Raise DataError for a wanted column of lists or records, or whose name another has but for case.

    Engines know names whatever their case; such a pair that nobody asks for does no harm.
    """
    alike = twins(types)
    for column in sorted(wanted.intersection(types)):
        if column in alike:
            raise DataError("two columns have this name", Place(name, column=column), "Rename one of them")
        if pa.types.is_nested(types[column]) or pa.types.is_binary(types[column]):
            problem = f"the column holds {types[column]}, not one value a row"
            raise DataError(problem, Place(name, column=column), "Flatten it before")
