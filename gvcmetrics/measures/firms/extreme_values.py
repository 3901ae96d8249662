"""Outliers reported by a stated rule, and winsorising: only on request, and recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import record

LIMIT = 3.5


def outliers(frame: pd.DataFrame, columns: Sequence[str], by: str | None = None) -> pd.DataFrame:
    """Positive values whose logarithm lies far from the median, by the modified z-score:

        0.6745 |ln x − median| / MAD > 3.5,

    with median and median absolute deviation (MAD) of ln x, overall or by group. Values of zero and
    below have no logarithm and are not judged; where MAD is 0 nothing is.

    Returns
    -------
    pandas.DataFrame : a row an outlier: `row` (its index in the frame), `column`, `value`, `score` (with
        sign), the farthest first within a column. `attrs["rule"]` states the rule.

    Raises
    ------
    DataError : a column is absent or holds no numbers.

    Source: Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers, section 3.3.
    """
    found = []
    for column in columns:
        values = _numbers(frame, column)
        logs = np.log(values.where(values > 0))
        groups = pd.Series(0, index=frame.index) if by is None else frame[by]
        apart = logs - logs.groupby(groups).transform("median")
        spread = apart.abs().groupby(groups).transform("median")
        score = 0.6745 * apart / spread.where(spread > 0)
        far = score[score.abs() > LIMIT]
        far = far.reindex(far.abs().sort_values(ascending=False, kind="stable").index)
        found.append(
            pd.DataFrame(
                {"row": far.index, "column": column, "value": values[far.index].array, "score": far.array}
            )
        )
    table = pd.concat(found, ignore_index=True)
    table.attrs["rule"] = f"0.6745 |ln x − median| / MAD > {LIMIT}" + (f", by {by}" if by else "")
    return table


def winsorise(
    frame: pd.DataFrame,
    columns: Sequence[str],
    lower: float = 0.01,
    upper: float = 0.99,
    by: str | None = None,
) -> pd.DataFrame:
    """A copy of the frame whose values beyond two quantiles are set to these quantiles.

    The quantiles are linear between order statistics, overall or by group; missing values stay missing.
    What was done is recorded: `attrs["winsorised"]` maps each column to lower and upper quantile, group,
    and the number of values changed at either end, and the lineage of the column stays with it.

    Raises
    ------
    DataError : a column is absent or holds no numbers, it is winsorised already, or the quantiles are
        out of order.
    """
    if not 0 <= lower < upper <= 1:
        raise DataError(
            f"{lower:g} and {upper:g} are no lower and upper quantile", remedy="Write 0.01 and 0.99"
        )
    done = dict(frame.attrs.get("winsorised", {}))
    result = frame.copy()
    for column in columns:
        if column in done:
            raise DataError("the column is winsorised already", Place(column=column), "Start from the panel")
        values = _numbers(frame, column)
        groups = pd.Series(0, index=frame.index) if by is None else frame[by]
        low = values.groupby(groups).transform(lambda part: part.quantile(lower))
        high = values.groupby(groups).transform(lambda part: part.quantile(upper))
        below, above = values < low, values > high
        result[column] = values.mask(below, low).mask(above, high)
        done[column] = {
            "lower": lower,
            "upper": upper,
            "by": by,
            "raised": int(below.sum()),
            "lowered": int(above.sum()),
        }
        record(result, column, column, like=frame)
    result.attrs["winsorised"] = done
    return result


def _numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame.columns:
        raise DataError(
            "the frame has no such column", Place(column=column), f"It has: {', '.join(map(str, frame))}"
        )
    if not pd.api.types.is_numeric_dtype(frame[column]):
        raise DataError("the column holds no numbers", Place(column=column), "Name columns of numbers")
    return frame[column].astype(float)
