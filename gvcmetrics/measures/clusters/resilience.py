"""Resilience of regions and clusters: resistance to a shock and recovery from it, against the nation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import amounts, listed, require_columns, require_unique


def resilience(
    frame: pd.DataFrame,
    *,
    unit: str = "region",
    by: str | Sequence[str] = (),
    time: str = "year",
    value: str = "employment",
    shock: tuple[int, int],
    recovery: tuple[int, int],
) -> pd.DataFrame:
    """Resistance and recovery of each region relative to its nation.

    With g = ΔE/E over a window (first to last year) for the region r and the nation n,

    .. math:: R = (g_r - g_n) / |g_n|,

    so that 0 is the nation's course, positive better, and −1 (in a shock) twice the nation's fall.

    Parameters
    ----------
    frame : one row for each region (or cluster) and year.
    shock, recovery : first and last year of each window; the recovery may not begin before the shock ends.
    unit : column of the region or cluster.
    by : columns that name the nation, for a frame with several; the nation is the sum of its units
        that are observed in both years of the window.
    time, value : columns; employment by default.

    Returns
    -------
    pandas.DataFrame
        One row for each unit: keys, `growth_shock`, `growth_recovery`, `resistance`, `recovery`. Missing
        where the unit is not observed in both years or has no employment in the first, and where the
        nation's growth is zero.

    Raises
    ------
    DataError
        Windows that do not run forward, a year of a window that the frame lacks, repeated unit-years,
        negative values, fewer than two units.

    Source: Martin (2012); Lagravinese (2015); Martin et al. (2016).
    """
    by = listed(by)
    keys = [*by, unit]
    require_columns(frame, *keys, time)
    if not shock[0] < shock[1] <= recovery[0] < recovery[1]:
        raise DataError(
            f"the windows {shock} and {recovery} do not run forward",
            remedy="Give (first, last) with first < last, and the recovery from the end of the shock on.",
        )
    amounts(frame, value)
    require_unique(frame, [*keys, time])
    for needed in (*shock, *recovery):
        if not (frame[time] == needed).any():
            raise DataError(f"no row is of {needed}", Place(column=time), "Choose windows inside the panel.")
    wide = frame.pivot(index=keys, columns=time, values=value).astype(np.float64)
    if len(wide) < 2:
        raise DataError(
            "there is one unit only, which is its own nation", Place(column=unit), "Add the other regions."
        )
    out = pd.DataFrame(index=wide.index)
    for window, growth, measure in (
        (shock, "growth_shock", "resistance"),
        (recovery, "growth_recovery", "recovery"),
    ):
        ends = wide[list(window)].dropna()
        ends.columns = pd.Index(["first", "last"])
        total = ends.groupby(by).transform("sum") if by else ends * 0 + ends.sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            own = (ends["last"] / ends["first"] - 1).where(ends["first"] > 0)
            national = total["last"] / total["first"] - 1
            out[growth] = own
            out[measure] = (own - national) / national.abs().where(national != 0)
    out = out[["growth_shock", "growth_recovery", "resistance", "recovery"]].reset_index()
    for column in ("growth_shock", "growth_recovery", "resistance", "recovery"):
        record(out, column, value, like=frame)
    return out
