"""Frames as users have them: of pandas, polars, Arrow or DuckDB, with an index that names the panel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place

_REMEDY = "Pass a frame of pandas, polars, pyarrow or DuckDB, or the path of a Parquet file"
_TEXT = pd.StringDtype(na_value=np.nan)


def frame_of(data: Any) -> pd.DataFrame:
    """The data as a pandas frame in which the named levels of the index are columns too; never changed.

    Raises
    ------
    DataError : the data are no frame.
    """
    frame = data if isinstance(data, pd.DataFrame) else _brought_over(data)
    levels = [
        (position, name)
        for position, name in enumerate(level_names(frame))
        if name is not None and name not in frame.columns
    ]
    if levels:
        frame = frame.copy(deep=False)
        for position, name in levels:
            frame[name] = frame.index.get_level_values(position)
    return frame


def panel_of(data: Any, unit: str | None, time: str | None) -> tuple[pd.DataFrame, str | None, str | None]:
    """The frame, and its unit and time: of a frame with two levels in its index the levels, unless named."""
    frame = frame_of(data)
    names = level_names(frame)
    if len(names) == 2 and unit is None and time is None:
        unit, time = names
    return frame, unit, time


def level_names(frame: pd.DataFrame) -> list[Any]:
    """Names of the levels of the index; two levels without names are the unit and the time."""
    names = list(frame.index.names)
    return ["unit", "time"] if names == [None, None] else names


def plain_columns(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """The frame with some columns in numpy's types, which is all that formulas compute with.

    Numbers and truth values that may be missing become floats where one is; text of every kind becomes text.
    """
    changed = {}
    for column in _other_than_numbers(frame, columns):
        values = frame[column]
        if isinstance(values, pd.Series):
            plain = _plain(values)
            if plain.dtype != values.dtype:
                changed[column] = plain
    if not changed:
        return frame
    frame = frame.copy(deep=False)
    for column, values in changed.items():
        frame[column] = values
    return frame


def refuse_mixed(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise for a column that holds text and numbers: 1 and "1" would be two units.

    Raises
    ------
    DataError : it names the column and a value of either kind.
    """
    for column in _other_than_numbers(frame, columns):
        values = frame[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = pd.Series(values.cat.categories)
        if values.dtype != object or not pd.api.types.infer_dtype(values, skipna=True).startswith("mixed"):
            continue
        kinds: dict[str, Any] = {}
        for value in values.dropna():
            kind = "text" if isinstance(value, str) else type(value).__name__
            numeric = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            kinds.setdefault("a number" if numeric else kind, value)
        if len(kinds) > 1:
            (one, first), (other, second) = list(kinds.items())[:2]
            raise DataError(
                f"the values are of mixed types: {first!r} is {one}, {second!r} is {other}",
                Place(column=column),
                f"Make them one type: data['{column}'] = data['{column}'].astype(str)",
            )


def _other_than_numbers(frame: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """Those of the columns, each once, that are not in one of numpy's types already, nor pandas' own text."""
    asked = set(columns)
    return [
        name
        for name, dtype in zip(frame.columns, frame.dtypes, strict=True)
        if name in asked and not (isinstance(dtype, np.dtype) and dtype.kind != "O") and dtype != _TEXT
    ]


def _plain(column: pd.Series) -> pd.Series:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = column.cat.categories
        plain = _plain(pd.Series(categories))
        if plain.dtype == categories.dtype:
            return column
        return column.cat.rename_categories(pd.Index(plain))
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O" and pd.api.types.infer_dtype(column, skipna=True) == "decimal":
            return column.astype(float)
        return column
    if isinstance(dtype, pd.ArrowDtype) and str(dtype).startswith("dictionary"):
        return _plain(pd.Series(pd.Categorical(column.astype(object)), index=column.index, name=column.name))
    if pd.api.types.is_bool_dtype(dtype):
        return column.astype(object if column.isna().any() else bool)
    if pd.api.types.is_numeric_dtype(dtype):
        if column.isna().any() or pd.api.types.is_float_dtype(dtype) or "decimal" in str(dtype):
            return pd.Series(column.to_numpy(np.float64, na_value=np.nan), column.index, name=column.name)
        return column.astype(dtype.numpy_dtype if hasattr(dtype, "numpy_dtype") else np.int64)
    if isinstance(dtype, pd.StringDtype) or str(dtype).startswith(("string", "large_string")):
        return column.astype("str")
    if isinstance(dtype, pd.ArrowDtype) and str(dtype).startswith(("timestamp", "date")):
        return pd.Series(pd.to_datetime(column.to_numpy()), index=column.index, name=column.name)
    return column


def _brought_over(data: Any) -> pd.DataFrame:
    import narwhals as nw

    try:
        frame = nw.from_native(data)
    except TypeError as error:
        raise DataError(f"data must be a frame, not {type(data).__name__}", remedy=_REMEDY) from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    return frame.to_pandas()
