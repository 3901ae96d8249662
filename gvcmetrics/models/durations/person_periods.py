"""Spells, one row each, as person-period rows: the form in which a binary model is a hazard model.

`spells` makes such rows of a panel in which units enter and leave a state.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.models.data.design import require


def spell_data(
    data: pd.DataFrame,
    *,
    duration: str,
    event: str,
    entry: str | None = None,
    start: str | None = None,
    bands: Sequence[int] | None = None,
) -> pd.DataFrame:
    r"""One row a period at risk from one row a spell.

    The likelihood of a spell that lasts T periods is that of T binary outcomes, zero until the last
    and then one if the event took place (Allison 1982; Jenkins 1995). With `cloglog`,

    .. math:: h_{it} = 1 - \exp\{-\exp(x_{it}'\beta + \gamma_t)\},

    :math:`e^{\beta}` are hazard ratios of the proportional-hazards model in continuous time, and
    :math:`\gamma_t` are the coefficients of duration dummies: `C(period)` or `band` in the formula.

    Parameters
    ----------
    data : one row a spell; its other columns are carried to every period.
    duration : column of completed or censored length in periods, a whole number of at least one.
    event : column, 1 if the spell ended with the event, 0 if it was censored.
    entry : column of periods that had passed before the spell was observed (delayed entry); periods up to
        it are left out.
    start : column of the calendar time of the spell's first period; adds `time`, to merge covariates that
        change, by unit and time.
    bands : last periods of intervals with one hazard each, `[1, 2, 4]` for 1, 2, 3–4 and 5 or more; adds the
        ordered category `band`. Periods without an event cannot have a dummy of their own.

    Returns
    -------
    Frame with the columns of `data`, `period` (1, 2, …) and `event` as 0/1 of that period, sorted as
    the data were; `spell` is the row number of the spell in the data.

    Raises
    ------
    DataError : durations that are not whole or below one, events other than 0/1, entry not before the end,
        bands that do not rise, or a column `period`, `spell`, `band` or `time` that would be overwritten.

    Source: Jenkins (1995); Singer & Willett (1993).

    Examples
    --------
    >>> spells = pd.DataFrame({"firm": ["a", "b"], "years": [2, 3], "upgraded": [1, 0]})
    >>> spell_data(spells, duration="years", event="upgraded")[["firm", "period", "upgraded"]]
      firm  period  upgraded
    0    a       1         0
    1    a       2         1
    2    b       1         0
    3    b       2         0
    4    b       3         0
    """
    require(data, [column for column in (duration, event, entry, start) if column])
    made = ["spell", "period", *(["band"] if bands is not None else []), *(["time"] if start else [])]
    for name in made:
        if name in data.columns:
            raise DataError("the column would be overwritten", Place(column=name), "Rename it first")
    length = _whole(data, duration, 1)
    ended = _whole(data, event, 0)
    _refuse(data, event, ended > 1, "is neither 0 nor 1", "Recode it: 1 event, 0 censored")
    before = _whole(data, entry, 0) if entry else np.zeros(len(data), dtype=np.int64)
    if entry:
        _refuse(data, entry, before >= length, "is not before the spell's end", "Leave these spells out")
    at_risk = length - before
    spell = np.repeat(np.arange(len(data)), at_risk)
    first = np.cumsum(at_risk) - at_risk
    period = np.arange(len(spell)) - first[spell] + before[spell] + 1
    rows = data.iloc[spell].reset_index(drop=True)
    rows[event] = ((period == length[spell]) & (ended[spell] == 1)).astype(np.int64)
    rows["spell"], rows["period"] = spell, period
    if bands is not None:
        rows["band"] = _banded(period, bands)
    if start:
        rows["time"] = rows[start] + period - 1
    return rows


def _banded(period: np.ndarray, bands: Sequence[int]) -> pd.Categorical:
    ends = [int(end) for end in bands]
    if not ends or ends[0] < 1 or (np.diff(ends) <= 0).any():
        raise DataError(f"bands={list(bands)} must be rising periods from 1", remedy="Write [1, 2, 4]")
    low = [1, *(end + 1 for end in ends)]
    labels = [str(a) if a == b else f"{a}-{b}" for a, b in zip(low[:-1], ends, strict=True)] + [f"{low[-1]}+"]
    codes = np.searchsorted(ends, period)
    used = [label for code, label in enumerate(labels) if (codes == code).any()]
    return pd.Categorical([labels[code] for code in codes], categories=used, ordered=True)


def _whole(data: pd.DataFrame, column: str, least: int) -> np.ndarray:
    if not (pd.api.types.is_numeric_dtype(data[column]) or pd.api.types.is_bool_dtype(data[column])):
        raise DataError(f"numbers are needed, the column holds {data[column].dtype}", Place(column=column))
    values = data[column].to_numpy(dtype=float, na_value=np.nan)
    bad = ~(np.isfinite(values) & (values >= least) & (values == np.round(values)))
    _refuse(
        data, column, bad, f"is not a whole number of at least {least}", "Leave these spells out or recode"
    )
    return values.astype(np.int64)


def _refuse(data: pd.DataFrame, column: str, bad: np.ndarray, what: str, remedy: str) -> None:
    if bad.any():
        raise DataError(
            f"the value {what} in {int(bad.sum())} rows",
            Place(row=first_line(bad), column=column),
            remedy,
        )
