"""Outliers reported by a stated rule, and winsorising: only on request, and recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import attrs_with_lineage, record
from gvcmetrics.measures.requirements import listed, numbers, require_columns, require_rows

LIMIT = 3.5


def outliers(
    frame: pd.DataFrame, columns: Sequence[str], *, by: str | Sequence[str] | None = None
) -> pd.DataFrame:
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
    require_columns(frame, *columns, *listed(by or []))
    require_rows(frame)
    found = []
    for column in columns:
        values, groups = _levels(frame, column, by)
        logs = np.log(values.where(values > 0))
        apart = logs - logs.groupby(groups).transform("median")
        spread = apart.abs().groupby(groups).transform("median")
        score = 0.6745 * apart / spread.where(spread > 0)
        far = pd.DataFrame({"column": column, "value": values, "score": score})[score.abs() > LIMIT]
        # By position, not by label: an index may repeat.
        far = far.iloc[np.argsort(-far["score"].abs().to_numpy(), kind="stable")]
        found.append(far.rename_axis("row").reset_index())
    table = pd.concat(found, ignore_index=True)
    within = f", by {', '.join(listed(by))}" if by else ""
    table.attrs["rule"] = f"0.6745 |ln x − median| / MAD > {LIMIT}{within}"
    return table


def winsorise(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    lower: float = 0.01,
    upper: float = 0.99,
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
    require_columns(frame, *columns, *listed(by or []))
    require_rows(frame)
    done = dict(frame.attrs.get("winsorised", {}))
    result = frame.copy()
    result.attrs = attrs_with_lineage(frame)
    for column in columns:
        if column in done:
            raise DataError("the column is winsorised already", Place(column=column), "Start from the panel")
        values, groups = _levels(frame, column, by)
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


def _levels(frame: pd.DataFrame, column: str, by: str | Sequence[str] | None) -> tuple[pd.Series, list[Any]]:
    """The column as floats, and what groups its rows."""
    values = pd.Series(numbers(frame, column), frame.index)
    groups = [np.zeros(len(frame), dtype=int)] if by is None else [frame[key] for key in listed(by)]
    if by is not None and frame[listed(by)].isna().any(axis=1).all():
        raise DataError(
            "no row has a group", Place(column=listed(by)[0]), "Fill the groups in, or leave out by=."
        )
    return values, groups
