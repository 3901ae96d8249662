"""Dependence on buyers: how concentrated a firm's sales are on them, and how long the main one stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.lineage import record
from gvcmetrics.measures.clusters.firm_sizes import size_distribution
from gvcmetrics.measures.requirements import amounts, listed, numbers, require_columns, require_known
from gvcmetrics.measures.trade.concentration import concentration_indices


def buyer_concentration(
    frame: pd.DataFrame,
    *,
    by: str | Sequence[str] = ("firm_id", "year"),
    buyer: str = "buyer_id",
    value: str = "sales_usd",
) -> pd.DataFrame:
    """Transactional dependence of each firm: its main buyer's share, CR3 and HHI over buyers.

    Parameters
    ----------
    frame : one row for each firm, year and buyer (several rows of one pair are added up).
    by : columns that identify a firm in a year.
    buyer, value : buyer's identifier and sales to it; missing sales are left out.

    Returns
    -------
    pandas.DataFrame
        One row for each unit: `n_buyers`, `main_buyer_share`, `buyer_cr3`, `buyer_hhi`,
        `buyer_hhi_normalised` (HHI*, 1 with a single buyer). Missing for a firm without sales.

    Raises
    ------
    DataError
        Absent columns, missing keys or buyers, negative sales.

    Source: Humphrey (2001), note 2, for dependence; `concentration` for the formulas.
    """
    by = listed(by)
    spread = concentration_indices(frame, across=buyer, by=by, value=value)
    totals = frame.groupby([*by, buyer])[value].sum().reset_index()
    shares = size_distribution(totals, cluster=by, by=(), value=value, weights=None, top=[1, 3])
    out = spread[[*by, "n_markets", "hhi", "hhi_normalised"]].merge(
        shares[[*by, "cr_1", "cr_3"]], on=by, how="left", validate="1:1"
    )
    names = {
        "n_markets": "n_buyers",
        "cr_1": "main_buyer_share",
        "cr_3": "buyer_cr3",
        "hhi": "buyer_hhi",
        "hhi_normalised": "buyer_hhi_normalised",
    }
    out = out.rename(columns=names)[[*by, *names.values()]]
    out.attrs = {}
    for column in names.values():
        record(out, column, buyer, value, like=frame)
    return out


def buyer_hhi_bounds(
    frame: pd.DataFrame, *, main_buyer_share: str = "main_buyer_share", n_buyers: str = "n_buyers"
) -> pd.DataFrame:
    """What a survey's main-buyer share s and number of buyers n say of the buyer HHI: its bounds.

    Lowest where the other n − 1 buyers are equal, s² + (1 − s)²/(n − 1); highest where as many as
    possible are as large as the main buyer, m s² + (1 − m s)² with m the whole part of 1/s.

    Parameters
    ----------
    frame : firm panel.
    main_buyer_share : in (0, 1]. n_buyers : a whole number from 1.

    Returns
    -------
    pandas.DataFrame
        `buyer_hhi_lower`, `buyer_hhi_upper`, aligned; missing where either is.

    Raises
    ------
    DataError
        A share outside (0, 1], fewer buyers than one, or a share below 1/n, or below 1 with one buyer:
        no main buyer can have it.
    """
    s, n = numbers(frame, main_buyer_share), numbers(frame, n_buyers)
    for column, bad in (
        (main_buyer_share, (s <= 0) | (s > 1)),
        (n_buyers, (n < 1) | (n != np.round(n)) & ~np.isnan(n)),
        (main_buyer_share, s * n < 1 - 1e-9),
    ):
        if bad.any():
            raise DataError(
                f"a main-buyer share of {s[bad][0]:g} and {n[bad][0]:g} buyers cannot both be true",
                Place(row=first_line(bad), column=column),
                "The share is a fraction of sales and at least 1/n.",
            )
    others = np.maximum(n - 1, 1)
    with np.errstate(invalid="ignore"):
        whole = np.floor(1 / s + 1e-12)
        lower = s**2 + (1 - s) ** 2 / others
        upper = whole * s**2 + np.maximum(1 - whole * s, 0) ** 2
        unknown = np.isnan(s) | np.isnan(n)
    out = pd.DataFrame(
        {
            "buyer_hhi_lower": np.where(unknown, np.nan, lower),
            "buyer_hhi_upper": np.where(unknown, np.nan, upper),
        },
        index=frame.index,
    )
    for column in out.columns:
        record(out, column, main_buyer_share, n_buyers, like=frame)
    return out


def main_buyer_spells(
    frame: pd.DataFrame,
    *,
    unit: str = "firm_id",
    buyer: str = "buyer_id",
    time: str = "year",
    value: str = "sales_usd",
) -> pd.DataFrame:
    """How long each firm keeps its main buyer: spells for survival analysis.

    The main buyer of a year is the one with the largest sales; where several are largest the one of the
    year before stays, otherwise the first in alphabetical order. A spell ends when the firm is observed
    in the next year with another main buyer. When the firm itself is not observed in the next year the
    spell is censored, and a spell after the gap is a new one, of unknown age.

    Parameters
    ----------
    frame : one row for each firm, year and buyer. Years without positive sales are not observed.
    unit, buyer, time, value : columns of firm, buyer, year and sales; years are whole numbers.

    Returns
    -------
    pandas.DataFrame
        One row for each spell: `firm`, `spell`, `buyer`, `start`, `end`, `duration` (years), `ended`
        (False: censored on the right), `left_censored` (begun before the firm was observed); as `spells`
        returns, ready for `kaplan_meier`.

    Raises
    ------
    DataError
        Absent columns, missing keys, negative sales, years that are not whole numbers.
    """
    require_columns(frame, unit, buyer, time, value)
    amounts(frame, value)
    require_known(frame, [unit, buyer, time])
    years = numbers(frame, time)
    if (years != np.round(years)).any():
        raise DataError("the years are not whole numbers", Place(column=time))
    sold = frame.assign(_year=years.astype(np.int64)).groupby([unit, "_year", buyer], observed=True)[value]
    totals = sold.sum().rename("_sold").reset_index()
    totals = totals[totals["_sold"] > 0].sort_values([unit, "_year", buyer])
    largest = totals.groupby([unit, "_year"], observed=True)["_sold"].transform("max")
    candidates = totals[totals["_sold"] == largest].groupby([unit, "_year"], observed=True)[buyer].agg(list)
    rows: list[dict[str, Any]] = []
    for name, when, names in candidates.reset_index().itertuples(index=False, name=None):
        last = rows[-1] if rows and rows[-1][unit] == name else None
        follows = last is not None and last["end"] == when - 1
        if last is not None and follows and last[buyer] in names:
            last["end"] = when
            continue
        if last is not None and follows:
            last["ended"] = True
        number = 1 if last is None else last["spell"] + 1
        rows.append(
            {
                unit: name,
                "spell": number,
                buyer: names[0],
                "start": when,
                "end": when,
                "ended": False,
                "left_censored": not follows,
            }
        )
    out = pd.DataFrame(rows, columns=[unit, "spell", buyer, "start", "end", "ended", "left_censored"])
    out.insert(5, "duration", out["end"] - out["start"] + 1)
    for column in out.columns.difference([unit, buyer]):
        record(out, column, buyer, value, like=frame)
    return out
