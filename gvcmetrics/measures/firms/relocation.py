"""Production that went abroad and came back: backshoring of firms, reversal of outward processing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.lineage import record
from gvcmetrics.measures.firms.earlier import earlier
from gvcmetrics.measures.items import checked_items
from gvcmetrics.measures.requirements import (
    amounts,
    listed,
    require_columns,
    require_unique,
    require_whole_numbers,
)


def backshoring(
    frame: pd.DataFrame,
    *,
    unit: str | Sequence[str] = ("firm_id",),
    time: str = "year",
    share: str = "abroad_share",
    least: float = 0.05,
    window: int = 1,
) -> pd.DataFrame:
    """Whether a firm moves production back from abroad, or abroad, between two observations.

    With a the share of its production (or of its jobs, or of the value that it buys) that is abroad,

        backshoring = 1[a_t − a_{t−w} ≤ −least]        offshoring = 1[a_t − a_{t−w} ≥ least]

    Backshoring asks for something that had gone abroad: it is missing, not 0, where nothing was abroad
    before, so that its mean is the share of those who could.

    Parameters
    ----------
    frame : firm panel, one row for each firm and year.
    unit, time : keys; years are whole numbers.
    share : share abroad in [0, 1]. A survey's 0/1 item of having production abroad serves too.
    least : the smallest change that counts, in (0, 1].
    window : years between the two observations.

    Returns
    -------
    pandas.DataFrame
        `abroad_change`, `backshoring` and `offshoring` (1, 0), aligned; missing where the firm has no row, or
        no share, `window` years before.

    Raises
    ------
    DataError
        Absent columns, a share outside [0, 1], repeated firm-years, `least` outside (0, 1].

    Source: Fratocchi, Di Mauro, Barbieri, Nassimbeni and Zanoni (2014) on what backshoring is; Kinkel (2012)
    for its share among firms with production abroad.
    """
    if not 0 < least <= 1:
        raise DataError(f"the least change is {least}", remedy="Give a share above 0, at most 1.")
    abroad = checked_items(frame, [share], whole=False)[share].to_numpy()
    before = earlier(frame, {"share": abroad}, unit, time, window)["share"].to_numpy()
    # A share has few decimals; 0.3 − 0.25 must count as 0.05.
    change = np.round(abroad - before, 12)
    known = ~np.isnan(change)
    out = pd.DataFrame(
        {
            "abroad_change": change,
            "backshoring": np.where(known & (before > 0), change <= -least, np.nan),
            "offshoring": np.where(known, change >= least, np.nan),
        },
        index=frame.index,
    )
    for column in out.columns:
        record(out, column, share, like=frame)
    return out


def outward_processing_reversal(
    frame: pd.DataFrame,
    *,
    unit: str | Sequence[str] = ("exporter", "product"),
    time: str = "year",
    value: str = "value_usd",
    outward: str = "outward_value_usd",
    fall: float = 0.5,
    least: float = 0.01,
) -> pd.DataFrame:
    """Whether processing abroad has been taken back: outward-processing trade far below its earlier peak.

    .. math:: s_t = O_t / V_t, \\quad
              \\text{reversal}_t = 1[s_t \\le (1 - \\text{fall}) \\max_{u < t} s_u]

    with O what leaves to be processed abroad and returns (the customs procedure of that name) and V all trade
    of the unit.

    Parameters
    ----------
    frame : trade panel, one row for each unit and year.
    unit : what is followed: a country's or a district's product.
    time : whole years; the peak is over the years of the frame.
    value : all exports (or imports) of the unit.
    outward : the part of them under outward processing, at most `value`.
    fall : share of the peak that must be gone, in (0, 1].
    least : peak share from which there was something to take back.

    Returns
    -------
    pandas.DataFrame
        Aligned: `outward_share`; `outward_peak`, the largest share of earlier years; `outward_reversal`
        (1, 0), missing where the earlier peak is below `least` or unknown.

    Raises
    ------
    DataError
        Absent columns, repeated keys, negative amounts, a part above the whole, years that are not whole.

    Source: Baldone, Sdogati and Tajoli (2001) on outward processing as offshoring that customs see; the rule
    of the reversal is this package's.
    """
    if not (0 < fall <= 1 and 0 <= least < 1):
        raise DataError(f"fall is {fall} and least {least}", remedy="Give shares, fall above 0.")
    keys = listed(unit)
    require_columns(frame, *keys, time, value, outward)
    require_unique(frame, [*keys, time])
    require_whole_numbers(frame, time)
    whole, part = amounts(frame, value), amounts(frame, outward)
    over = part > whole * (1 + 1e-9)
    if over.any():
        raise DataError(
            f"{int(over.sum())} rows have more outward processing than trade",
            Place(row=first_line(over), column=outward),
            "Give both in the same unit and direction.",
        )
    shares = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    order = frame[time].argsort(kind="stable").to_numpy()
    rows = frame[keys].iloc[order].assign(share=shares[order])
    # The latest share does not enter its own peak.
    before = rows.groupby(keys, observed=True)["share"].transform(lambda part: part.cummax().ffill().shift())
    peak = np.empty(len(frame))
    peak[order] = before.to_numpy()
    out = pd.DataFrame({"outward_share": shares, "outward_peak": peak}, index=frame.index)
    could = (peak >= least) & ~np.isnan(shares)
    out["outward_reversal"] = np.where(could, shares <= (1 - fall) * peak, np.nan)
    for column in out.columns:
        record(out, column, value, outward, like=frame)
    return out
