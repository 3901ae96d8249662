"""Checks that every firm and cluster measure makes of the frame that it is given.

The column names of the firm panel are the defaults everywhere. Keys and weights that a small frame
often lacks (country, year, weight) are used where the frame has them; a name that the caller passes
must exist.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.measures.frames import require_columns

PANEL_KEYS = ("country", "year")


def group_keys(frame: pd.DataFrame, by: Sequence[str] | None) -> list[str]:
    """Columns within which a measure is computed: `by`, or country and year where the frame has them."""
    if by is None:
        return [key for key in PANEL_KEYS if key in frame.columns]
    require_columns(frame, *by)
    return list(by)


def numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column as float64, missing as NaN.

    Raises
    ------
    DataError
        The column is absent or holds something that is not a number.
    """
    require_columns(frame, column)
    try:
        return frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the column is not numeric ({error})", Place(column=column), "Convert it to numbers first."
        ) from error


def first_row(bad: np.ndarray) -> int:
    """Row of the first True, counted as a spreadsheet does (the header is row 1)."""
    return int(np.flatnonzero(bad)[0]) + 2


def non_negative(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column as float64 in which missing values are allowed and negative or infinite ones are not."""
    values = numbers(frame, column)
    if values.size == 0:
        raise DataError("the frame has no rows", Place(column=column), "Check the filter that made it.")
    # fmin and fmax pass over NaN, and cost one scan each where a mask costs three.
    if np.fmin.reduce(values) < 0:
        bad = values < 0
        raise DataError(
            f"{int(bad.sum())} negative values, the first is {values[bad][0]:g}",
            Place(row=first_row(bad), column=column),
            "Negative survey codes (don't know, refused) must be missing before measures are computed.",
        )
    if np.fmax.reduce(values) == np.inf:
        raise DataError(
            "the column holds infinite values", Place(row=first_row(np.isinf(values)), column=column)
        )
    return values


def sampling_weights(frame: pd.DataFrame, weight: str | None) -> np.ndarray | None:
    """Sampling weights as float64; None where the frame has no column ``weight`` or `weight` is None.

    Raises
    ------
    DataError
        A weight is missing or negative, or a column other than the default is named and absent.
    """
    if weight is None or (weight == "weight" and weight not in frame.columns):
        return None
    values = non_negative(frame, weight)
    missing = np.isnan(values)
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} rows have no weight",
            Place(row=first_row(missing), column=weight),
            "Leave these rows out, give them a weight, or pass weight=None for an unweighted measure.",
        )
    return values
