"""Unit values and quality of exported goods, relative to the world and to the frontier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.numerics.demean import singletons
from gvcmetrics.ground.numerics.two_way import two_way_residuals
from gvcmetrics.ground.rows import first_line
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import amounts, listed, require_columns, require_unique, trade_key


def unit_value(frame: pd.DataFrame, *, value: str = "value_usd", quantity: str = "quantity") -> pd.Series:
    """Unit value, value over quantity.

    Parameters
    ----------
    frame : trade panel, with the quantities of a product in one unit of measure.

    Returns
    -------
    pandas.Series
        `unit_value_usd`, aligned to the frame; missing where value or quantity is zero or missing.

    Raises
    ------
    DataError
        For missing columns, and negative or infinite values or quantities.
    """
    require_columns(frame, value, quantity)
    amounts(frame, value)
    amounts(frame, quantity)
    ratio = frame[value].where(frame[value] > 0) / frame[quantity].where(frame[quantity] > 0)
    return record(ratio.rename("unit_value_usd"), "unit_value_usd", value, quantity, like=frame)


def unit_value_outliers(
    frame: pd.DataFrame,
    *,
    unit_value: str = "unit_value_usd",
    within: str | Sequence[str] = ("product", "year"),
    rule: str = "median",
    bound: float = 5.0,
) -> pd.Series:
    """Which unit values are too far from their market to be believed.

    Parameters
    ----------
    frame : trade panel.
    rule, bound :
        ``"median"``: below 1/bound or above bound times the market's median (5 is usual);
        ``"fences"``: log unit value more than bound interquartile ranges outside the quartiles (Tukey; 1.5
        or 3); ``"percentile"``: below the bound-th or above the (100 − bound)-th percentile.
    within : columns that define the market.

    Returns
    -------
    pandas.Series
        `unit_value_outlier`, booleans aligned to the frame; False where the unit value is missing or zero.
        Use ``frame["unit_value_usd"].mask(outliers)``.

    Raises
    ------
    DataError
        For missing columns, negative unit values, an unknown rule or a bound that makes no sense for it.

    Source: Khandelwal (2010) trims percentiles; Tukey (1977) for the fences.
    """
    within = listed(within)
    require_columns(frame, unit_value, *within)
    amounts(frame, unit_value)
    least = {"median": 1.0, "fences": 0.0, "percentile": 0.0}
    if rule not in least:
        raise DataError(f"there is no outlier rule '{rule}'", remedy=f"Choose from {', '.join(least)}.")
    if not least[rule] < bound or (rule == "percentile" and bound >= 50):
        raise DataError(f"bound {bound} makes no sense for the rule '{rule}'", remedy="See the docstring.")
    price = frame[unit_value].astype(float)
    level = price.where(price > 0).transform(np.log)
    groups = level.groupby([frame[column] for column in within])

    def quantile(q: float) -> pd.Series:
        return groups.transform("quantile", q)

    if rule == "median":
        low, high = quantile(0.5) - np.log(bound), quantile(0.5) + np.log(bound)
    elif rule == "fences":
        reach = bound * (quantile(0.75) - quantile(0.25))
        low, high = quantile(0.25) - reach, quantile(0.75) + reach
    else:
        low, high = quantile(bound / 100), quantile(1 - bound / 100)
    outlier = ((level < low) | (level > high)).rename("unit_value_outlier")
    return record(outlier, "unit_value_outlier", unit_value, like=frame)


def relative_unit_value(
    frame: pd.DataFrame,
    *,
    unit_value: str = "unit_value_usd",
    value: str = "value_usd",
    within: str | Sequence[str] = ("product", "year"),
    world: Literal["mean", "ratio"] = "mean",
) -> pd.Series:
    """Unit value of each row over that of its market, by default the world's product-year.

    .. math:: r_{cpt} = u_{cpt} \\Big/ \\frac{\\sum_j x_{jpt} u_{jpt}}{\\sum_j x_{jpt}}
        \\quad\\text{or}\\quad
        r_{cpt} = u_{cpt} \\Big/ \\frac{\\sum_j x_{jpt}}{\\sum_j x_{jpt} / u_{jpt}}

    Parameters
    ----------
    frame : trade panel, one row for each exporter (and importer) in a market.
    unit_value : value over quantity.
    value : export value, the weight.
    within : columns that define the market; add ``"importer"`` to compare within destinations.
    world : ``"mean"``, the mean of unit values weighted by value (the first formula); or ``"ratio"``, the
        world's value over its quantity x / u, the usual unit value of a total (the second). The mean
        weighs dear goods more and is never below the ratio. Where shares in value move, the two can
        disagree on whether a country's relative unit value rises: say which was used.

    Returns
    -------
    pandas.Series
        `relative_unit_value` (1 is the world's mean), aligned to the frame. A missing or zero unit value
        gives a missing measure. The mean is over rows where both unit value and value are positive; a
        market without such a row has missing measures.

    Raises
    ------
    DataError
        For missing columns, repeated keys, negative or infinite unit values or values, and another `world`.

    Source: Kaplinsky and Readman (2005), whose world unit value is value over quantity.
    """
    if world not in ("mean", "ratio"):
        raise DataError(f"there is no unit value of the world '{world}'", remedy="Choose 'mean' or 'ratio'.")
    within = listed(within)
    require_columns(frame, unit_value, value, *within)
    require_unique(frame, trade_key(frame, within))
    amounts(frame, unit_value)
    amounts(frame, value)
    price = frame[unit_value].where(frame[unit_value] > 0)
    weight = frame[value].where((frame[value] > 0) & price.notna())
    market = [frame[column] for column in within]
    above, below = (weight * price, weight) if world == "mean" else (weight, weight / price)
    total, weights = (part.groupby(market, sort=False).transform("sum") for part in (above, below))
    ratio = (price / (total / weights.where(weights > 0))).rename("relative_unit_value")
    return record(ratio, "relative_unit_value", unit_value, value, like=frame)


def distance_to_frontier(
    frame: pd.DataFrame,
    *,
    quality: str = "quality",
    within: str | Sequence[str] = ("product", "year"),
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
    within = listed(within)
    require_columns(frame, quality, *within)
    require_unique(frame, trade_key(frame, within))
    amounts(frame, quality)
    if not 0 < percentile <= 100:
        raise DataError(f"percentile is {percentile}", remedy="Choose one above 0 and up to 100.")
    level = frame[quality].where(frame[quality] > 0)
    market = [frame[column] for column in within]
    frontier = level.groupby(market).quantile(percentile / 100).rename("frontier")
    reached = frame[within].join(frontier, on=within)["frontier"]
    distance = (np.log(reached) - np.log(level)).rename("distance_to_frontier")
    return record(distance, "distance_to_frontier", quality, like=frame)


def khandelwal_quality(
    frame: pd.DataFrame,
    *,
    quantity: str = "quantity",
    unit_value: str = "unit_value_usd",
    product: str = "product",
    importer: str = "importer",
    time: str = "year",
    by: str | Sequence[str] = (),
    sigma: float | str,
) -> pd.Series:
    """Log quality inferred from demand: what sells more at the same price is better.

    With CES demand, the residual of

    .. math:: \\ln q_{cpjt} + \\sigma \\ln u_{cpjt} = \\alpha_p + \\alpha_{jt} + \\varepsilon_{cpjt}

    gives :math:`\\ln \\hat\\lambda = \\hat\\varepsilon / (\\sigma - 1)`, comparable within product and within
    importer-year.

    Parameters
    ----------
    frame : bilateral trade panel.
    sigma : elasticity of substitution above one: a number, or the column that holds each row's (a sector's or
        product's elasticity, merged beforehand).
    by : columns within which the equation is estimated apart, e.g. a sector, so that importer-year effects
        may differ between them.

    Returns
    -------
    pandas.Series
        `log_quality`, aligned to the frame. Missing where quantity, unit value or sigma is missing or zero,
        where product, importer or year is missing, and for rows alone in their product or importer-year
        (repeatedly, as such rows drop out): their residual would be zero by construction.

    Raises
    ------
    DataError
        For missing columns, negative quantities or unit values, and elasticities of one or below.
    ModelError
        When the fixed effects do not converge.

    Source: Khandelwal, Schott and Wei (2013), quality inferred from demand.
    """
    by = listed(by)
    given = [sigma] if isinstance(sigma, str) else []
    require_columns(frame, quantity, unit_value, product, importer, time, *by, *given)
    amounts(frame, quantity)
    amounts(frame, unit_value)
    elasticity = frame[sigma] if isinstance(sigma, str) else pd.Series(float(sigma), frame.index)
    low = elasticity <= 1
    if low.any():
        raise DataError(
            f"the elasticity {elasticity[low].iloc[0]} is not above one",
            Place(row=first_line(low), column=given[0] if given else None),
            "CES quality needs σ > 1; set others to missing.",
        )
    placed = frame[[product, importer, time, *by]].notna().all(axis=1)
    usable = (frame[quantity] > 0) & (frame[unit_value] > 0) & elasticity.notna() & placed
    rows = frame[usable]
    demand = np.log(rows[quantity]) + elasticity[usable] * np.log(rows[unit_value])
    goods = rows.groupby([*by, product], sort=False).ngroup().to_numpy()
    places = rows.groupby([*by, importer, time], sort=False).ngroup().to_numpy()
    paired = ~singletons([goods, places])
    residual = np.full(len(rows), np.nan)
    residual[paired] = two_way_residuals(demand.to_numpy()[paired], goods[paired], places[paired])
    quality = pd.Series(np.nan, frame.index, name="log_quality")
    quality[usable] = residual / (elasticity[usable].to_numpy() - 1)
    return record(quality, "log_quality", quantity, unit_value, *given, like=frame)
