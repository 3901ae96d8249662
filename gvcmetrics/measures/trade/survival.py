"""Entry, exit and survival of trade flows: how long does a firm or country stay in a market?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri

from gvcmetrics.errors import DataError, EstimationWarning, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.ground.warn import warn
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import (
    amounts,
    listed,
    numbers,
    require_columns,
    require_unique,
)

FLOW = ("exporter", "importer", "product")


def entry_exit(
    frame: pd.DataFrame,
    *,
    unit: str | Sequence[str] = FLOW,
    time: str = "year",
    value: str = "value_usd",
) -> pd.DataFrame:
    """Whether each flow is active, has just entered, or is about to leave.

    Active: positive value. Entry: active, and not in the preceding year. Exit: active, and not in the
    following year (so that exit stands in the last year of trade). A year without a row, or with zero or
    missing value, is a year without trade. The years that appear in the frame, for whichever flow, are the
    calendar: neighbours in it count as consecutive.

    Parameters
    ----------
    frame : trade panel, one row for each unit and year.
    unit : columns that identify a flow.

    Returns
    -------
    pandas.DataFrame
        `active` (bool), `entry` and `exit` (nullable booleans), aligned to the frame. Entry is missing in
        the frame's first year and exit in its last, where it cannot be seen; rows that are not active
        neither enter nor exit.

    Raises
    ------
    DataError
        For missing columns, repeated unit-years, negative values.

    Source: Besedeš and Prusa (2006).
    """
    unit = listed(unit)
    step, calendar = _steps(frame, unit, time, value)
    active = frame[value].fillna(0) > 0
    trading = pd.MultiIndex.from_frame(frame.loc[active, unit].assign(step=step[active]))

    def traded(offset: int) -> np.ndarray:
        neighbours = pd.MultiIndex.from_frame(frame[unit].assign(step=step + offset))
        return neighbours.isin(trading)

    first, last = step == 0, step == len(calendar) - 1
    out = pd.DataFrame(
        {
            "active": active,
            "entry": (active & ~traded(-1)).astype("boolean").mask(first & active),
            "exit": (active & ~traded(1)).astype("boolean").mask(last & active),
        },
        frame.index,
    )
    for column in out.columns:
        record(out, column, value, like=frame)
    return out


def trade_spells(
    frame: pd.DataFrame,
    *,
    unit: str | Sequence[str] = FLOW,
    time: str = "year",
    value: str = "value_usd",
    gap: int = 0,
) -> pd.DataFrame:
    """Uninterrupted spells of trade of each flow.

    Parameters
    ----------
    frame : trade panel, one row for each unit and year.
    unit : columns that identify a flow.
    gap : interruptions of up to this many years are bridged (1 is the usual robustness check); the bridged
        years count in the duration.

    Returns
    -------
    pandas.DataFrame
        One row for each spell, sorted: `unit`, `spell` (1, 2, …), `start`, `end` (years), `duration` (in
        steps of the frame's calendar), `ended` (False where the spell runs into the last year: censored on
        the right), `left_censored` (active in the first year, so begun at an unknown time).

    Raises
    ------
    DataError
        As `entry_exit`, and for a negative gap.

    Source: Besedeš and Prusa (2006), who bridge gaps of one year as a check.
    """
    unit = listed(unit)
    if gap < 0:
        raise DataError(f"gap is {gap}", remedy="Give the number of years to bridge, 0 or more.")
    step, calendar = _steps(frame, unit, time, value)
    active = frame[value].fillna(0) > 0
    flows = frame.loc[active, unit].assign(step=step[active]).sort_values([*unit, "step"])
    pause = flows.groupby(unit)["step"].diff()
    begins = ~(pause <= gap + 1)
    out = (
        flows.assign(number=begins.cumsum())
        .groupby("number")
        .agg(
            **{name: (name, "first") for name in unit}, first_step=("step", "min"), last_step=("step", "max")
        )
        .reset_index(drop=True)
    )
    out["spell"] = out.groupby(unit).cumcount() + 1
    out["start"] = calendar[out["first_step"].to_numpy(int)]
    out["end"] = calendar[out["last_step"].to_numpy(int)]
    out["duration"] = out["last_step"] - out["first_step"] + 1
    # A pause that the gap could still bridge when the data end is not yet an exit.
    out["ended"] = out["last_step"] + gap < len(calendar) - 1
    out["left_censored"] = out["first_step"] == 0
    out = out[[*unit, "spell", "start", "end", "duration", "ended", "left_censored"]]
    for column in out.columns.difference(unit):
        record(out, column, value, like=frame)
    return out


def kaplan_meier(
    frame: pd.DataFrame,
    *,
    by: str | None = None,
    duration: str = "duration",
    ended: str = "ended",
    entry: str | None = None,
    left_censored: Literal["drop", "keep"] = "drop",
    level: float = 0.95,
) -> pd.DataFrame:
    """Kaplan–Meier estimate of the share of spells that last beyond each duration.

    .. math:: \\hat S(t) = \\prod_{s \\le t} (1 - d_s / n_s), \\quad
              \\widehat{Var}\\, \\hat S(t) = \\hat S(t)^2 \\sum_{s \\le t} \\frac{d_s}{n_s (n_s - d_s)}

    Parameters
    ----------
    frame : one row for each spell, as `trade_spells` returns.
    by : column whose groups get a curve each; missing groups are left out.
    duration, ended : positive durations, and whether the spell was seen to end.
    entry : how long a spell had lasted already when it was first seen, for spells that are known to have
        begun before the data (0 for those that begin within them); such a spell is at risk from there on
        only (delayed entry), and its duration counts from its true beginning.
    left_censored : what becomes of spells that were under way when the data begin (column `left_censored`
        of `trade_spells`), whose durations are too short by an unknown time. ``"drop"`` leaves them out and
        warns how many there were; ``"keep"`` takes their first year seen for their first. With `entry`
        their beginning is known, and none is left out.
    level : of the confidence interval, which is symmetric in log survival (as R's survfit).

    Returns
    -------
    pandas.DataFrame
        One row for each group and observed duration: `by`, `duration`, `at_risk`, `events`, `censored`,
        `survival`, `std_error` (Greenwood), `lower`, `upper`. No row where no spell begins within the data.

    Raises
    ------
    DataError
        For missing columns, missing or non-positive durations, a spell seen before it had begun or after it
        had ended, and no spell.

    Source: Kaplan and Meier (1958); Greenwood (1926); Besedeš and Prusa (2006), who leave left-censored
    spells out; Andersen, Borgan, Gill and Keiding (1993), III.3, on delayed entry.
    """
    require_columns(frame, duration, ended, *([by] if by else []), *([entry] if entry else []))
    if left_censored not in ("drop", "keep"):
        raise DataError(
            f"there is no treatment '{left_censored}' of left-censored spells",
            remedy="Choose 'drop' or 'keep', or name the column `entry` of what had passed.",
        )
    if frame.empty:
        raise DataError("there is no spell", remedy="Check the filter that made the frame.")
    lasted = numbers(frame, duration)
    bad = ~(lasted > 0)
    if bad.any():
        raise DataError(
            "a duration is missing, zero or negative",
            Place(row=first_line(bad), column=duration),
            "Every spell lasts at least one period.",
        )
    entered = np.zeros(len(frame)) if entry is None else amounts(frame, entry)
    late = ~(entered < lasted)
    if late.any():
        raise DataError(
            "a spell is first seen when it has ended, or at a time that is missing",
            Place(row=first_line(late), column=entry),
            "The entry is the duration that had passed when the spell was first seen, 0 if none.",
        )
    kept = np.ones(len(frame), dtype=bool)
    if entry is None and left_censored == "drop" and "left_censored" in frame.columns:
        kept = numbers(frame, "left_censored") != 1
    if not kept.all():
        warn(
            f"{int((~kept).sum())} of {len(frame)} spells were under way when the data begin and are left "
            "out: their durations are not known. left_censored='keep' takes them as they are; `entry` says "
            "how long they had lasted",
            EstimationWarning,
        )
    spells = pd.DataFrame(
        {
            "group": frame[by].to_numpy() if by else 0,
            "duration": frame[duration].to_numpy(),
            "ended": numbers(frame, ended),
            "entry": entered,
        }
    ).loc[kept]
    grouped = spells.groupby(["group", "duration"], observed=True)["ended"]
    out = pd.DataFrame({"events": grouped.sum().astype(np.int64), "leaving": grouped.size()}).reset_index()
    out["at_risk"] = _at_risk(spells, out)
    out["censored"] = out["leaving"] - out["events"]
    alive = out["at_risk"] - out["events"]
    # The last spell's end makes the variance undefined; so does R's survfit.
    hazard = (out["events"] / (out["at_risk"] * alive.where(alive > 0))).where(out["events"] > 0, 0.0)
    group = out["group"]
    out["survival"] = (alive / out["at_risk"]).groupby(group).cumprod()
    log_se = np.sqrt(hazard.groupby(group).cumsum())
    out["std_error"] = out["survival"] * log_se
    width = ndtri(0.5 + level / 2) * log_se
    out["lower"] = out["survival"] * np.exp(-width)
    out["upper"] = np.minimum(out["survival"] * np.exp(width), 1.0)
    columns = ["duration", "at_risk", "events", "censored", "survival", "std_error", "lower", "upper"]
    names = {"duration": duration} | ({"group": by} if by else {})
    return out[[*(["group"] if by else []), *columns]].rename(columns=names)


def _at_risk(spells: pd.DataFrame, times: pd.DataFrame) -> np.ndarray:
    """Spells of the group that were seen just before each time: entered before it, not gone before it."""
    at_risk = np.zeros(len(times), dtype=np.int64)
    for label, rows in times.groupby("group", observed=True).indices.items():
        group, at = spells[spells["group"] == label], times["duration"].to_numpy()[rows]
        came = np.searchsorted(np.sort(group["entry"].to_numpy()), at)
        at_risk[rows] = came - np.searchsorted(np.sort(group["duration"].to_numpy()), at)
    return at_risk


def _steps(frame: pd.DataFrame, unit: Sequence[str], time: str, value: str) -> tuple[pd.Series, np.ndarray]:
    """Each row's position in the calendar of the frame's years, and the calendar."""
    require_columns(frame, *unit, time, value)
    require_unique(frame, [*unit, time])
    amounts(frame, value)
    calendar = np.sort(frame[time].unique())
    return pd.Series(np.searchsorted(calendar, frame[time]), frame.index), calendar
