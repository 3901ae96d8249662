"""What a measure is given, checked in one place before anything is measured.

Every public measure passes here (`spelling.spelt`), so that no measure meets a list for a frame, a frame
without rows, columns of one name, a column that mixes text and numbers, or the types of Arrow and of nullable
columns, which numpy does not know. What only some ask stands in `requirements`, and they ask it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import InputOutput
from gvcmetrics.ground.rows import first_line
from gvcmetrics.measures.requirements import PANEL_KEYS

MATRICES = {
    *("exports", "presence", "relatedness", "flows", "shares", "coefficients", "phi"),
    *("rates", "imported"),
}
_NUMBERS = {"integer", "floating", "mixed-integer-float", "boolean", "integer-na", "decimal", "empty"}
_MIXED = {"mixed", "mixed-integer"}
_KINDS = {"str": "a column's name", "float": "a number", "int": "a whole number", "bool": "True or False"}

_SEVERAL = ("Sequence", "Mapping", "Iterable", "tuple", "ArrayLike", "Matrix", "Any", "DataFrame", "Series")

Parameters = Mapping[str, inspect.Parameter]


def taken(name: str, parameters: Parameters, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments as the measure takes them, in place of those that were given.

    Raises
    ------
    DataError
        An argument is of another kind than the measure's signature says, a frame has no rows, two columns of
        one name, or holds in a column that the measure reads lists, or text among numbers.
    """
    for word, value in given.items():
        _check_option(name, parameters[word], value)
    defaults = [parameter.default for parameter in parameters.values()]
    read = {*PANEL_KEYS, *_names(defaults), *_names(list(given.values()))}
    return {word: _argument(name, parameters[word], value, read) for word, value in given.items()}


def _argument(name: str, parameter: inspect.Parameter, value: Any, read: set[Any]) -> Any:
    word, kind = parameter.name, str(parameter.annotation)
    if word == "table" and not isinstance(value, InputOutput):
        raise _other_kind(name, word, "an InputOutput", value, "Make one with from_wide or gvc.input_output.")
    if (kind == "pd.DataFrame" and word not in MATRICES) or (word == "frame" and "DataFrame" in kind):
        if not isinstance(value, pd.DataFrame):
            raise _other_kind(name, word, "a DataFrame", value, "pandas.DataFrame(…) makes one of rows.")
        return _frame(value, read)
    if kind == "pd.DataFrame" and not isinstance(value, pd.DataFrame):
        remedy = "pandas.DataFrame(…, index=…, columns=…) gives the cells their labels."
        raise _other_kind(name, word, "a DataFrame with labels", value, remedy)
    if kind in ("pd.DataFrame", "Matrix", "pd.DataFrame | None") and word in MATRICES:
        return None if value is None and parameter.default is None else matrix(value, word)
    if kind == "ArrayLike" or (kind == "ArrayLike | None" and value is not None):
        return _array(value, word)
    if kind == "pd.Series" and not isinstance(value, pd.Series):
        raise _other_kind(name, word, "a Series", value, "pandas.Series(…, index=…) makes one.")
    return value


def _frame(frame: pd.DataFrame, read: set[Any]) -> pd.DataFrame:
    if not len(frame):
        raise DataError("the frame has no rows", remedy="Check the filter that made it.")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError("the frame has two columns of this name", Place(column=str(twice)), "Rename one.")
    changed = {}
    for column in frame.columns:
        if column in read and frame[column].dtype not in (np.float64, np.int64, np.bool_):
            plain = _plain(frame[column])
            if plain is not frame[column]:
                changed[column] = plain
    if not changed:
        return frame
    # By position of the columns, so that no label of the caller's is taken for a keyword.
    parts = [changed.get(column, frame[column]) for column in frame.columns]
    out = pd.concat(parts, axis=1).set_axis(frame.columns, axis=1)
    out.attrs = frame.attrs
    return out


def _plain(column: pd.Series) -> pd.Series:
    """The column in a type that numpy knows: numbers as int64 or float64, text as it is."""
    dtype = column.dtype
    if isinstance(dtype, pd.ArrowDtype) or type(dtype).__name__ in _NULLABLE:
        if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
            return _numeric(column)
        if isinstance(dtype, pd.ArrowDtype):
            return column.astype(object).where(column.notna(), None).infer_objects()
    if isinstance(dtype, pd.CategoricalDtype) and pd.api.types.is_numeric_dtype(dtype.categories.dtype):
        return column.astype(dtype.categories.dtype if column.notna().all() else np.float64)
    if pd.api.types.is_object_dtype(dtype):
        kind = pd.api.types.infer_dtype(column, skipna=True)
        if kind in _MIXED:
            texts = column.map(lambda value: isinstance(value, str)).to_numpy(dtype=bool)
            odd = texts if kind == "mixed-integer" or texts.any() else column.notna().to_numpy()
            raise DataError(
                "the column mixes text with numbers, or holds what is no number and no text",
                Place(row=first_line(odd), column=str(column.name)),
                "Write one kind of value in it: all text, or all numbers.",
            )
        if kind in _NUMBERS:
            return _numeric(column)
    return column


def _numeric(column: pd.Series) -> pd.Series:
    try:
        if column.isna().any():
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            values = column.infer_objects().to_numpy()
            kinds = ((pd.api.types.is_integer_dtype, np.int64), (pd.api.types.is_bool_dtype, np.bool_))
            dtype = next((plain for of_kind, plain in kinds if of_kind(values.dtype)), np.float64)
            values = values.astype(dtype)
    except (TypeError, ValueError, OverflowError):
        return column
    return pd.Series(values, column.index, name=column.name)


_NULLABLE = {
    *("Int8Dtype", "Int16Dtype", "Int32Dtype", "Int64Dtype", "UInt8Dtype", "UInt16Dtype", "UInt32Dtype"),
    *("UInt64Dtype", "Float32Dtype", "Float64Dtype", "BooleanDtype"),
}


def matrix(values: Any, word: str) -> Any:
    """A matrix of numbers, missing as NaN: a frame stays a frame, anything else becomes an array.

    Raises
    ------
    DataError
        It is empty, has no two dimensions, or holds what is no number.
    """
    try:
        if isinstance(values, pd.DataFrame):
            numeric: Any = values
            if not all(dtype == np.float64 for dtype in values.dtypes):
                numeric = pd.DataFrame(
                    values.to_numpy(dtype=np.float64, na_value=np.nan), values.index, values.columns
                )
                numeric.attrs = values.attrs
        else:
            numeric = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{word} is not a matrix of numbers", remedy="Convert its cells to numbers."
        ) from error
    if numeric.ndim != 2 or 0 in numeric.shape:
        shape = " × ".join(map(str, numeric.shape)) or "a single number"
        raise DataError(
            f"{word} is {shape}, not a matrix", remedy="Give rows and columns, at least one each."
        )
    return numeric


def _array(values: Any, word: str) -> Any:
    numeric = values.to_numpy(dtype=object) if isinstance(values, pd.Series) else np.asarray(values)
    try:
        if numeric.dtype == object:
            numeric = pd.Series(numeric.ravel()).to_numpy(dtype=np.float64, na_value=np.nan)
        numeric = numeric.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{word} holds something that is no number", remedy="Convert it first.") from error
    if not numeric.ndim or values is None:
        raise DataError(f"{word} is a single value", remedy="Give an array of numbers.")
    return values if isinstance(values, pd.Series) else numeric


def _check_option(name: str, parameter: inspect.Parameter, value: Any) -> None:
    kinds = {kind.strip() for kind in str(parameter.annotation).split("|")}
    of_several = any(word in str(parameter.annotation) for word in _SEVERAL)
    if isinstance(value, (list, dict, set)) and not of_several:
        raise _other_kind(name, parameter.name, "one value", value, "")
    if not kinds <= {*_KINDS, "None", "Sequence[str]"} or (value is None and "None" in kinds):
        return
    of_text = "str" in kinds and isinstance(value, str)
    of_numbers = (
        ("float" in kinds and isinstance(value, Real) and not isinstance(value, bool) and value == value)
        or ("int" in kinds and isinstance(value, Integral) and not isinstance(value, bool))
        or ("bool" in kinds and isinstance(value, (bool, np.bool_)))
    )
    several = "Sequence[str]" in kinds and _is_list(value)
    if not (of_text or of_numbers or several):
        wanted = " or ".join(
            [*(said for kind, said in _KINDS.items() if kind in kinds)]
            + (["a list of names"] if "Sequence[str]" in kinds else [])
        )
        raise _other_kind(name, parameter.name, wanted, value, "")


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, pd.Index, np.ndarray)) and all(
        isinstance(item, (str, Integral)) or item is None for item in value
    )


def _names(given: Any) -> Iterator[Any]:
    """Whatever may name a column in arguments, however nested."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping):
        for value in given.values():
            yield from _names(value)
    elif isinstance(given, (list, tuple)):
        for value in given:
            yield from _names(value)


def _other_kind(name: str, word: str, wanted: str, value: Any, remedy: str) -> DataError:
    said = f"{value!r}" if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__
    return DataError(f"{name} takes {wanted} as {word}, not {said}", remedy=remedy)
