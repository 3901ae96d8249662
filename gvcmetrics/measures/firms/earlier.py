"""What a unit was some periods before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import DataError
from gvcmetrics.measures.requirements import listed, require_columns, require_unique, require_whole_numbers

Floats = NDArray[np.float64]


def earlier(
    frame: pd.DataFrame, values: Mapping[str, Floats], unit: str | Sequence[str], time: str, window: int
) -> pd.DataFrame:
    """The values of each row's unit `window` years before, missing where it has no row then.

    Raises
    ------
    DataError
        Absent columns, repeated unit-years, years that are not whole, a window below one year.
    """
    keys = listed(unit)
    require_columns(frame, *keys, time)
    if window < 1:
        raise DataError(f"the window is {window} years", remedy="Give at least one year.")
    require_unique(frame, [*keys, time])
    require_whole_numbers(frame, time)
    # Under names that no key has.
    before = frame[[*keys, time]].assign(**{f" {name}": value for name, value in values.items()})
    before[time] = before[time] + window
    merged = frame[[*keys, time]].merge(before, how="left", on=[*keys, time], validate="1:1")
    return merged[[f" {name}" for name in values]].set_axis(frame.index).set_axis(list(values), axis=1)
