"""Spells in discrete time: one row a period at risk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.periods import periods, refuse_repeated


def spells(data: pd.DataFrame, *, unit: str, time: str, state: str, step: float = 1) -> pd.DataFrame:
    """The periods in which each unit could still leave a state, with duration and exit.

    A unit enters the risk set when it is in the state and leaves it with its first period out of the state
    (`exit = 1`) or with its last observed one (censored). A gap in time censors the spell: what happened
    inside it is not known. A unit may have several spells.

    Parameters
    ----------
    data : frame, one row a unit and period. unit, time : its columns; time holds numbers, dates, pandas
        periods or text such as "2020Q1". step : periods from one row of a unit to the next.
    state : column that is 1 (or True) while the unit is in the state, 0 otherwise.

    Returns
    -------
    The rows at risk: `data` where the period before was in the state, with `spell` (number within the
    unit, from 1), `duration` (periods in the state before this one, from 1) and `exit` (0/1).
    For `gvc.cloglog("exit ~ C(duration) + x", ...)`, which is then a proportional hazard.
    Spells that began before the unit's first row are left-censored: their duration counts from there.

    Raises
    ------
    DataError : a unit has a period twice, or the state is neither 0 nor 1.

    Source
    ------
    Prentice & Gloeckler (1978); Jenkins (1995), Oxford Bulletin of Economics and Statistics 57(1).

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"firm": [1] * 5, "year": range(2000, 2005), "captive": [0, 1, 1, 0, 1]})
    >>> spells(frame, unit="firm", time="year", state="captive")[["year", "spell", "duration", "exit"]]
       year  spell  duration  exit
    2  2002      1         1     0
    3  2003      1         2     1
    """
    for column in (unit, time, state):
        if column not in data:
            raise DataError("no such column in the data", Place(column=column))
    counted = periods(data[time], time).numbers
    refuse_repeated(data[unit], counted, data[time], "Keep one row for each")
    known = data[[unit, time, state]].notna().all(axis=1).to_numpy()
    order = np.lexsort([counted[known], pd.factorize(data.loc[known, unit], sort=True)[0]])
    frame, period = data[known].iloc[order], counted[known][order]
    inside = frame[state].astype(float)
    if not inside.isin([0.0, 1.0]).all():
        raise DataError("the state is neither 0 nor 1", Place(column=state), "Recode it to 0/1 or True/False")
    same = frame[unit].eq(frame[unit].shift()) & (np.diff(period, prepend=np.nan) == step)
    at_risk = same & inside.shift().eq(1.0)
    # A run of rows in the state, unbroken in time, is one spell.
    starts = inside.eq(1.0) & ~at_risk
    number = starts.groupby(frame[unit]).cumsum()
    run = starts.cumsum()
    rows = frame[at_risk].copy()
    rows["spell"] = number[at_risk].astype(int)
    rows["duration"] = at_risk.groupby(run).cumsum()[at_risk].astype(int)
    rows["exit"] = np.where(inside[at_risk] == 0.0, 1, 0)
    return rows
