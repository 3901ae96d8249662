"""Who enters, stays and leaves a panel of firms, year by year."""

from __future__ import annotations

import pandas as pd

from gvcmetrics.measures.requirements import require_columns, require_rows, require_unique


def attrition_table(frame: pd.DataFrame, *, unit: str = "firm_id", time: str = "year") -> pd.DataFrame:
    """Entry, stay and exit by period, between the periods that the panel observes.

    A unit stays in a period if it is observed in it and in the period before; it enters for the first
    time (`entered`) or comes back (`returned`), and it leaves with its last observation before the
    panel's end (`last_seen`) or pauses (`paused`):

        observed_t = stayed_t + entered_t + returned_t,   stayed_{t+1} = observed_t − last_seen_t − paused_t.

    Returns
    -------
    pandas.DataFrame : a row a period; observed, stayed, entered, returned, last_seen, paused, and
        `exit_rate` = last_seen / observed (missing in the last period, whose exits nobody sees).
        `attrs["balanced"]` is the number of units observed in every period, `attrs["units"]` of all.

    Raises
    ------
    DataError : a column is absent, a key is missing, or a unit is observed twice
        in a period; there are no rows.
    """
    require_columns(frame, unit, time)
    require_rows(frame)
    require_unique(frame, [unit, time])
    seen = frame.assign(seen=True).pivot(index=unit, columns=time, values="seen").notna().sort_index(axis=1)
    before = seen.shift(1, axis=1, fill_value=False)
    after = seen.shift(-1, axis=1, fill_value=False)
    ever = seen.cummax(axis=1).shift(1, axis=1, fill_value=False)
    again = seen.iloc[:, ::-1].cummax(axis=1).iloc[:, ::-1].shift(-1, axis=1, fill_value=False)
    last = seen & ~again
    last.iloc[:, -1] = False
    table = pd.DataFrame(
        {
            "observed": seen.sum(),
            "stayed": (seen & before).sum(),
            "entered": (seen & ~ever).sum(),
            "returned": (seen & ever & ~before).sum(),
            "last_seen": last.sum(),
            "paused": (seen & ~after & again).sum(),
        }
    )
    table["exit_rate"] = table["last_seen"] / table["observed"]
    table.loc[table.index[-1], "exit_rate"] = float("nan")
    table.attrs["balanced"] = int(seen.all(axis=1).sum())
    table.attrs["units"] = len(seen)
    return table
