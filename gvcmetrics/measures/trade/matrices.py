"""Country × product matrices: labels checked and kept, whether they come as frames or as arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gvcmetrics.errors import DataError, Place

Matrix = pd.DataFrame | ArrayLike
Floats = NDArray[np.float64]


def as_exports(exports: Matrix) -> pd.DataFrame:
    matrix = (exports if isinstance(exports, pd.DataFrame) else pd.DataFrame(np.asarray(exports))).astype(
        float
    )
    for labels in (matrix.index, matrix.columns):
        if not labels.is_unique:
            raise DataError(
                "a row or column label is repeated",
                Place(key=str(labels[labels.duplicated()][0])),
                "Add its rows or columns up first.",
            )
    values = matrix.to_numpy()
    bad = (values < 0) | np.isinf(values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"{values[row, column]} is negative or infinite where only amounts are allowed",
            Place(column=str(matrix.columns[column]), key=str(matrix.index[row])),
            "Correct it or set it to zero or missing.",
        )
    return matrix.fillna(0.0)


def as_presence(presence: Matrix) -> pd.DataFrame:
    matrix = as_exports(presence)
    if not np.isin(matrix.to_numpy(), (0.0, 1.0)).all():
        raise DataError(
            "presence has entries other than 0 and 1", remedy="Make it with presence(exports) first."
        )
    return matrix


def aligned(values: pd.Series | ArrayLike, labels: pd.Index, name: str) -> Floats:
    try:
        if isinstance(values, pd.Series):
            if not values.index.is_unique:
                raise DataError(f"{name} repeats a label", remedy="Give each label one value.")
            return values.reindex(labels).to_numpy(dtype=float, na_value=np.nan)
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} holds something that is no number", remedy="Convert it first.") from error
    if array.shape != (len(labels),):
        raise DataError(
            f"{name} has shape {array.shape}, the matrix has {len(labels)}",
            remedy="Pass a series with labels.",
        )
    return array


def positive(sums: Floats | np.floating) -> Floats:
    """The sums with zeros as missing, so that shares of nothing are missing and not an error."""
    return np.where(np.asarray(sums) > 0, sums, np.nan)
