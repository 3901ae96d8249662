"""What a measure asks of the frame that it is given: columns, numbers, amounts, weights, keys.

Every measure begins here. The column names of the panels are the defaults everywhere. Keys and weights
that a small frame often lacks (country, year, weight) are used where the frame has them; a name that the
caller passes must exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.rows import first_line, line

PANEL_KEYS = ("country", "year")
TRADE_KEYS = ("exporter", "importer", "product", "year")
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean", "categorical", "empty"}


def listed(columns: str | Sequence[str]) -> list[str]:
    """One column name or several as a list."""
    return [columns] if isinstance(columns, str) else list(columns)


def require_columns(frame: pd.DataFrame, *columns: str) -> None:
    """Raise a `DataError` that names the first column which the frame lacks."""
    for column in columns:
        if column not in frame.columns:
            known = ", ".join(map(str, frame.columns[:12]))
            raise DataError(
                "the frame has no such column",
                Place(column=column),
                f"Rename a column or pass its name as keyword; the frame has: {known}.",
            )


def require_rows(frame: pd.DataFrame) -> None:
    """Raise a `DataError` where the frame is empty."""
    if not len(frame):
        raise DataError("the frame has no rows", remedy="Check the filter that made it.")


def require_known(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise a `DataError` at the first missing part of a key."""
    key = list(columns)
    missing = frame[key].isna()
    if missing.to_numpy().any():
        row = int(missing.any(axis=1).to_numpy().argmax())
        raise DataError(
            "a part of the key is missing",
            Place(row=line(row), column=next(name for name in key if missing[name].iloc[row])),
            "Fill it or drop the row before computing the measure.",
        )


def require_unique(frame: pd.DataFrame, key: Sequence[str]) -> None:
    """Raise a `DataError` at the first repeated key, or at the first missing part of one."""
    require_known(frame, key)
    repeated = frame.duplicated(list(key)).to_numpy()
    if repeated.any():
        row = int(repeated.argmax())
        raise DataError(
            f"{int(repeated.sum())} rows repeat a key of {', '.join(key)}",
            Place(row=line(row), key=", ".join(str(frame[name].iloc[row]) for name in key)),
            "Add the rows up (or drop the repeats) before computing the measure.",
        )


def group_keys(frame: pd.DataFrame, by: str | Sequence[str] | None) -> list[str]:
    """Columns within which a measure is computed: `by`, or country and year where the frame has them."""
    if by is None:
        return [key for key in PANEL_KEYS if key in frame.columns]
    require_columns(frame, *listed(by))
    return listed(by)


def trade_key(frame: pd.DataFrame, within: Sequence[str]) -> list[str]:
    """Key columns of a trade panel that the frame has, with the grouping columns in use."""
    return [*(name for name in TRADE_KEYS if name in frame.columns and name not in within), *within]


def numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column as float64, missing as NaN.

    Raises
    ------
    DataError
        The column is absent or holds something that is not a number.
    """
    require_columns(frame, column)
    values = frame[column]
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.infer_dtype(values, skipna=True) in _NUMBERS:
        try:
            return values.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            pass  # categories that are text
    raise DataError(
        f"the column is not numeric ({values.dtype})", Place(column=column), "Convert it to numbers first."
    )


def amounts(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column as float64 in which missing values are allowed and negative or infinite ones are not."""
    values = numbers(frame, column)
    require_rows(frame)
    # fmin and fmax pass over NaN, and cost one scan each where a mask costs three.
    if np.fmin.reduce(values) < 0:
        bad = values < 0
        raise DataError(
            f"{int(bad.sum())} negative values, the first is {values[bad][0]:g}",
            Place(row=first_line(bad), column=column),
            "Correct them; survey codes (don't know, refused) must be missing before measures are computed.",
        )
    if np.fmax.reduce(values) == np.inf:
        raise DataError(
            "the column holds infinite values",
            Place(row=first_line(np.isinf(values)), column=column),
            "Correct them or set them to missing before computing the measure.",
        )
    return values


def require_one_type(key: str, of: str, one: pd.Series, other: pd.Series, beside: str) -> None:
    """Raise a `DataError` where two columns that are to be compared are of types that never match."""

    def kind(column: pd.Series) -> str:
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(column.dtype.categories.dtype)
        if pd.api.types.is_numeric_dtype(column.dtype):
            return "number"
        return "date" if pd.api.types.is_datetime64_any_dtype(column.dtype) else "other"

    if kind(one) != kind(other):
        raise DataError(
            f"the key is {one.dtype} in {of} and {other.dtype} in {beside}",
            Place(column=key),
            "Bring both to one type.",
        )


def require_whole_numbers(frame: pd.DataFrame, column: str) -> None:
    """Raise a `DataError` at the first value that is no whole number: years are counted with. Missing may be.

    Raises
    ------
    DataError
        The column is absent, holds text, or a value is not whole or infinite.
    """
    require_columns(frame, column)
    try:
        values = numbers(frame, column)
    except DataError as error:
        raise DataError(
            "years are not whole numbers", Place(column=column), "Convert them: .astype(int)"
        ) from error
    bad = ~np.isnan(values) & ~(np.isfinite(values) & (values == np.round(values)))
    if bad.any():
        raise DataError(
            f"years are not whole numbers: {values[bad][0]:g}",
            Place(row=first_line(bad), column=column),
            "Convert them: .astype(int)",
        )


def sampling_weights(frame: pd.DataFrame, weights: str | None) -> np.ndarray | None:
    """Sampling weights as float64; None where the frame has no column ``weight`` or `weights` is None.

    Raises
    ------
    DataError
        A weight is missing or negative, or a column other than the default is named and absent.
    """
    if weights is None or (weights == "weight" and weights not in frame.columns):
        return None
    values = amounts(frame, weights)
    missing = np.isnan(values)
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} rows have no weight",
            Place(row=first_line(missing), column=weights),
            "Leave these rows out, give them a weight, or pass weights=None for an unweighted measure.",
        )
    return values
