"""Survey items on one scale: checks, mean scores, z-score indices, Cronbach's α."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.measures.requirements import numbers


def checked_items(
    frame: pd.DataFrame,
    items: Sequence[str],
    *,
    scale: tuple[float, float] = (0, 1),
    whole: bool = True,
) -> pd.DataFrame:
    """The items as floats, missing as NaN, after a check that every answer lies on the declared scale.

    Parameters
    ----------
    frame : rows of respondents.
    items : columns of the items; booleans count as 0 and 1.
    scale : lowest and highest answer.
    whole : whether only whole numbers are answers.

    Raises
    ------
    DataError
        No item is given, an item is absent or not numeric, or an answer lies outside the scale (undeclared
        codes such as −9 among them): the message names the column, the row and the value.
    """
    if not items:
        raise DataError("no items are declared", remedy="Name the columns of the survey items.")
    low, high = scale
    answers = {}
    for item in items:
        values = numbers(frame, item)
        known = ~np.isnan(values)
        bad = known & ((values < low) | (values > high))
        if whole:
            bad |= known & (values != np.round(values))
        if bad.any():
            kind = "whole numbers" if whole else "numbers"
            raise DataError(
                f"{values[bad][0]:g} is not on the declared scale ({kind} from {low:g} to {high:g}); "
                f"{int(bad.sum())} such answers",
                Place(row=first_line(bad), column=item),
                "Recode the answers, or set codes for don't know and refused to missing.",
            )
        answers[item] = values
    return pd.DataFrame(answers, index=frame.index)


def cronbach_alpha(frame: pd.DataFrame, items: Sequence[str], *, standardised: bool = False) -> float:
    """Cronbach's α: how consistently the items measure one thing.

    .. math:: \\alpha = \\frac{k}{k-1} \\left(1 - \\frac{\\sum_i \\sigma_i^2}{\\sigma_T^2}\\right)

    Parameters
    ----------
    frame : rows of respondents; rows with a missing item are left out.
    items : at least two numeric columns, all keyed in the same direction.
    standardised : whether the items are first brought to unit variance (α from the mean correlation).

    Returns
    -------
    float
        At most 1; negative where the items disagree. Missing with fewer than two complete rows, or where
        the total (standardised: any item) does not vary.

    Raises
    ------
    DataError
        Fewer than two items, or an item that is absent or not numeric.

    Source: Cronbach (1951).
    """
    if len(items) < 2:
        raise DataError("Cronbach's alpha needs at least two items", remedy="Name two or more columns.")
    values = np.column_stack([numbers(frame, item) for item in items])
    values = values[~np.isnan(values).any(axis=1)]
    if len(values) < 2:
        return float("nan")
    covariance = np.cov(values, rowvar=False)
    if standardised:
        deviation = np.sqrt(np.diag(covariance))
        if not _varies(values).all():
            return float("nan")
        covariance = covariance / np.outer(deviation, deviation)
    total = covariance.sum()
    k = len(items)
    if not _varies(values.sum(axis=1, keepdims=True)).all():
        return float("nan")
    return float(k / (k - 1) * (1 - np.trace(covariance) / total))


def z_scores(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Columns less their mean, over their standard deviation (n − 1), each on its own known rows.

    Raises
    ------
    DataError
        A column has fewer than two known values or the same value everywhere.
    """
    scores = {}
    for column in columns:
        values = numbers(frame, column)
        known = values[~np.isnan(values)]
        if len(known) < 2 or not _varies(known[:, None]).all():
            raise DataError(
                "the column has fewer than two different values, so it cannot be standardised",
                Place(column=column),
                "Leave this component out, or use a frame in which it varies.",
            )
        scores[column] = (values - known.mean()) / known.std(ddof=1)
    return pd.DataFrame(scores, index=frame.index)


def mean_z_score(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Mean of the columns' z-scores; missing where any of them is."""
    return z_scores(frame, columns).mean(axis=1, skipna=False)


def _varies(values: np.ndarray) -> np.ndarray:
    """Whether each column has two values that differ by more than rounding."""
    spread = values.max(axis=0) - values.min(axis=0)
    return spread > 1e-12 * np.abs(values).max(axis=0)
