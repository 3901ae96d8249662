"""Environmental upgrading: less energy, water or emissions for a unit of value added, or a certificate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import record
from gvcmetrics.measures.firms.earlier import earlier
from gvcmetrics.measures.items import checked_items
from gvcmetrics.measures.requirements import amounts, numbers

DECOUPLING = ("none", "relative", "absolute")
"""Load that grows no less than output; that grows less; that falls while output does not."""


def environmental_upgrading(
    frame: pd.DataFrame,
    *,
    unit: str | Sequence[str] = ("firm_id",),
    time: str = "year",
    output: str = "value_added_usd",
    load: str = "energy",
    certified: str | None = None,
    least: float = 0.0,
    window: int = 1,
) -> pd.DataFrame:
    """Change of a firm's environmental load for a unit of output, and whether that is upgrading.

    .. math:: i_t = e_t / y_t, \\quad \\Delta_t = \\ln i_t - \\ln i_{t-w} = \\Delta \\ln e - \\Delta \\ln y

    A firm upgrades where Δ < −`least`, or where it has a certificate (ISO 14001) that it did not have.

    Parameters
    ----------
    frame : firm panel, one row for each firm and year.
    unit, time : keys; years are whole numbers.
    output : value added (or sales) at constant prices.
    load : energy, water, waste or emissions, in a physical unit; energy bills move with prices.
    certified : 0/1 item of an environmental certificate, or None.
    least : the fall of the intensity, in logs, that must be exceeded.
    window : years between the two observations.

    Returns
    -------
    pandas.DataFrame
        Aligned: `environmental_intensity`, `intensity_change` (Δ), `decoupling` (ordered: none, relative,
        absolute: the load falls and output does not), `upgrade_environmental` (1, 0; missing where neither
        intensity nor certificate decides). Missing where load or output is not positive, or the firm has no
        row before.

    Raises
    ------
    DataError
        Absent columns, a negative load, a certificate that is neither 0 nor 1, repeated firm-years.

    Source: De Marchi, Di Maria, Krishnan and Ponte (2019) on environmental upgrading; Tapio (2005) on
    decoupling.
    """
    if least < 0:
        raise DataError(f"the least fall is {least}", remedy="Give a number of at least 0.")
    levels = {"load": amounts(frame, load), "output": _positive(frame, output)}
    levels["load"] = np.where(levels["load"] > 0, levels["load"], np.nan)
    if certified is not None:
        levels["certified"] = checked_items(frame, [certified])[certified].to_numpy()
    before = earlier(frame, levels, unit, time, window)
    of_load = np.log(levels["load"]) - np.log(before["load"].to_numpy())
    of_output = np.log(levels["output"]) - np.log(before["output"].to_numpy())
    change = of_load - of_output
    code = np.where(np.isnan(change), -1, np.where(change >= 0, 0, 1))
    code = np.where((code == 1) & (of_load < 0) & (of_output >= 0), 2, code)
    upgraded = np.where(np.isnan(change), np.nan, change < -least)
    if certified is not None:
        gained = levels["certified"] - before["certified"].to_numpy() == 1
        known = ~np.isnan(levels["certified"]) & ~np.isnan(before["certified"].to_numpy())
        upgraded = np.where(gained, 1.0, np.where(known | (upgraded == 1), upgraded, np.nan))
    out = pd.DataFrame(
        {
            "environmental_intensity": levels["load"] / levels["output"],
            "intensity_change": change,
            "decoupling": pd.Categorical.from_codes(code, pd.Index(DECOUPLING), ordered=True),
            "upgrade_environmental": upgraded,
        },
        index=frame.index,
    )
    for column in out.columns[:3]:
        record(out, column, load, output, like=frame)
    sources = [load, output, *([certified] if certified else [])]
    return record(out, "upgrade_environmental", *sources, like=frame)


def _positive(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Value added may well be negative; it has no intensity then."""
    values = numbers(frame, column)
    return np.where((values > 0) & (values < np.inf), values, np.nan)
