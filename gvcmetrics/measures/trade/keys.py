"""Checks that every trade measure makes of the frame it is given: columns, keys, signs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gvcmetrics.errors import DataError, Place

KEY_COLUMNS = ("exporter", "importer", "product", "year")


def require_non_negative(frame: pd.DataFrame, column: str) -> None:
    """Raise `DataError` at the first negative or infinite entry, or where the column is not numeric."""
    if not pd.api.types.is_numeric_dtype(frame[column]):
        raise DataError(
            f"the values are {frame[column].dtype}, not numbers", Place(column=column), "Convert them first."
        )
    bad = (frame[column] < 0) | (frame[column].abs() == float("inf"))
    if bad.any():
        position = int(bad.to_numpy().argmax())
        raise DataError(
            f"{frame[column].iloc[position]} is negative or infinite where only amounts are allowed",
            Place(row=position + 2, column=column),
            "Correct it or set it to missing before computing the measure.",
        )


def require_unique(frame: pd.DataFrame, key: Sequence[str]) -> None:
    """Raise `DataError` at the first repeated key, or at the first missing part of one."""
    missing = frame[list(key)].isna()
    if missing.to_numpy().any():
        position = int(missing.any(axis=1).to_numpy().argmax())
        column = next(name for name in key if missing[name].iloc[position])
        raise DataError(
            "a part of the key is missing",
            Place(row=position + 2, column=column),
            "Fill it or drop the row before computing the measure.",
        )
    repeated = frame.duplicated(list(key))
    if repeated.any():
        position = int(repeated.to_numpy().argmax())
        values = ", ".join(str(frame[name].iloc[position]) for name in key)
        raise DataError(
            f"{int(repeated.sum())} rows repeat a key of {', '.join(key)}",
            Place(row=position + 2, key=values),
            "Add the rows up (or drop the repeats) before computing the measure.",
        )


def trade_key(frame: pd.DataFrame, within: Sequence[str]) -> list[str]:
    """Key columns of a trade panel that the frame has, with the grouping columns in use."""
    return [*(name for name in KEY_COLUMNS if name in frame.columns and name not in within), *within]
