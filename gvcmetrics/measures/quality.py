"""Unit values and quality of exported goods, relative to the world and to the frontier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.measures.lineage import record
from gvcmetrics.measures.trade_checks import (
    require_columns,
    require_non_negative,
    require_unique,
    trade_key,
)


def relative_unit_value(
    frame: pd.DataFrame,
    *,
    unit_value: str = "unit_value_usd",
    value: str = "value_usd",
    within: Sequence[str] = ("product", "year"),
) -> pd.Series:
    """Unit value of each row over the value-weighted mean of its market, by default the world's product-year.

    .. math:: r_{cpt} = u_{cpt} \\Big/ \\frac{\\sum_j x_{jpt} u_{jpt}}{\\sum_j x_{jpt}}

    Parameters
    ----------
    frame : trade panel, one row for each exporter (and importer) in a market.
    unit_value : value over quantity.
    value : export value, the weight.
    within : columns that define the market; add ``"importer"`` to compare within destinations.

    Returns
    -------
    pandas.Series
        `relative_unit_value` (1 is the world's mean), aligned to the frame. A missing or zero unit value
        gives a missing measure. The mean is over rows where both unit value and value are positive; a
        market without such a row has missing measures.

    Raises
    ------
    DataError
        For missing columns, repeated keys, and negative or infinite unit values or values.

    Source: Kaplinsky and Readman (2005), with the world's mean weighted by value.
    """
    require_columns(frame, [unit_value, value, *within])
    require_unique(frame, trade_key(frame, within))
    require_non_negative(frame, unit_value)
    require_non_negative(frame, value)
    price = frame[unit_value].where(frame[unit_value] > 0)
    weight = frame[value].where((frame[value] > 0) & price.notna())
    market = [frame[column] for column in within]
    spent = (weight * price).groupby(market, sort=False).transform("sum")
    weights = weight.groupby(market, sort=False).transform("sum")
    ratio = (price / (spent / weights.where(weights > 0))).rename("relative_unit_value")
    return record(ratio, "relative_unit_value", unit_value, value, like=frame)


def distance_to_frontier(
    frame: pd.DataFrame,
    *,
    quality: str = "quality",
    within: Sequence[str] = ("product", "year"),
    percentile: float = 100.0,
) -> pd.Series:
    """Log distance of each row to the quality frontier of its market, by default the product-year.

    .. math:: d_{cpt} = \\ln F_{pt} - \\ln \\lambda_{cpt}

    with F the given percentile of quality λ in the market.

    Parameters
    ----------
    frame : trade panel.
    quality : a positive quality index or unit value (in levels, not in logs).
    within : columns that define the market.
    percentile : of the market's distribution that counts as the frontier, in (0, 100]; 100 is the best
        exporter, 90 the ninetieth percentile (linear interpolation), robust to one stray observation.

    Returns
    -------
    pandas.Series
        `distance_to_frontier`, aligned to the frame: 0 at the frontier, larger further behind; below
        zero for rows above a percentile under 100. Missing or zero quality gives missing.

    Raises
    ------
    DataError
        For missing columns, repeated keys, negative quality, or a percentile outside (0, 100].

    Source: Amiti and Khandelwal (2013), whose proximity to the frontier is exp(−d) at percentile 100.
    """
    require_columns(frame, [quality, *within])
    require_unique(frame, trade_key(frame, within))
    require_non_negative(frame, quality)
    if not 0 < percentile <= 100:
        raise DataError(f"percentile is {percentile}", remedy="Choose one above 0 and up to 100.")
    level = frame[quality].where(frame[quality] > 0)
    market = [frame[column] for column in within]
    frontier = level.groupby(market).quantile(percentile / 100).rename("frontier")
    reached = frame[list(within)].join(frontier, on=list(within))["frontier"]
    distance = (np.log(reached) - np.log(level)).rename("distance_to_frontier")
    return record(distance, "distance_to_frontier", quality, like=frame)
