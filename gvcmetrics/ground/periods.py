"""Any column of time as ordered numbers one period apart: years, dates, pandas periods, "2020Q1", "2020-01".

Text is not sorted as text, in which "2020m10" comes before "2020m2", but read; text that names no period has
no order, and what needs one refuses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.rows import line

UNDERSTOOD = (
    "Understood are numbers, dates, pandas periods, an ordered pd.Categorical, and text such as '2020', "
    "'2020H1', '2020Q1', '2020m1', '2020-01' and '2020-01-31'"
)
_NUMBER = re.compile(r"-?\d{1,4}(?:\.0)?$")
_PARTS = {
    "half-year": (re.compile(r"(\d{4})[-_ ]?[hHsS]0?([12])$"), 2),
    "quarter": (re.compile(r"(\d{4})[-_ ]?[qQ]0?([1-4])$"), 4),
    "month": (re.compile(r"(\d{4})(?:[-_ ]?[mM]|[-/.])(0?[1-9]|1[0-2])$"), 12),
}
_WEEK = re.compile(r"(\d{4})-?[wW](\d{2})$")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$")
_QUARTERS, _MONTHS = 3, 12


@dataclass(frozen=True, eq=False)
class Periods:
    """Periods in order.

    numbers : (n) floats, missing where the period is. unit : what a step of one is ("year", "quarter",
    "month", "day", …; "period" where only a count is known).
    """

    numbers: NDArray[np.float64]
    unit: str

    @property
    def step(self) -> float:
        """The largest step that leads from every period to every other; 1 with fewer than two periods."""
        found = np.unique(self.numbers[np.isfinite(self.numbers)])
        gaps = np.diff(found)
        if len(gaps) == 0:
            return 1.0
        return float(np.gcd.reduce(gaps.astype(np.int64))) if (gaps % 1 == 0).all() else float(gaps.min())


def periods(column: pd.Series, name: str, unit: str | None = None) -> Periods:
    """The periods of a column.

    Parameters
    ----------
    column : one value a row. name : what it is called in an error.
    unit : the unit that dates are counted in, as found before in other rows; by default the coarsest that
        tells them apart: years where all fall on one day of the year, else quarters, months, days, seconds.

    Raises
    ------
    ModelError : the values have no order that is known.

    Examples
    --------
    >>> periods(pd.Series(["2020m10", "2020m2", "2020m11"]), "month").numbers.tolist()
    [24249.0, 24241.0, 24250.0]
    """
    found = known_periods(column, unit)
    if found is None:
        raise ModelError(
            f"'{name}' holds {_first_unknown(column)!r}, a period whose order is not known", remedy=UNDERSTOOD
        )
    return found


def known_periods(column: pd.Series, unit: str | None = None) -> Periods | None:
    """The same; None where the values have no order that is known."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _of_categories(column, unit)
    if isinstance(dtype, pd.PeriodDtype):
        values = column.array
        numbers = np.where(column.isna(), np.nan, values.asi8.astype(np.float64))
        return Periods(numbers, f"period ({dtype.freq.freqstr})")
    if pd.api.types.is_bool_dtype(dtype):
        return None
    if pd.api.types.is_numeric_dtype(dtype):
        return Periods(column.to_numpy(dtype=np.float64, na_value=np.nan), "period")
    if pd.api.types.is_datetime64_any_dtype(dtype) or str(dtype).startswith(("timestamp", "date")):
        return _of_dates(pd.Series(pd.to_datetime(column.to_numpy())), unit)
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
        return Periods(pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan), "period")
    if kind in ("date", "datetime", "datetime64"):
        return _of_dates(pd.to_datetime(column), unit)
    if kind == "period":
        values = pd.Series(pd.array(column.to_numpy(), dtype=column.dropna().iloc[0].freq))
        return known_periods(values.astype(pd.PeriodDtype(column.dropna().iloc[0].freq)), unit)
    return _of_text(column, unit) if kind == "string" else None


def in_order(column: pd.Series) -> tuple[np.ndarray, pd.Index, str] | None:
    """Codes of the periods, in their order, a label of each, and their unit; None without an order."""
    found = known_periods(column)
    if found is None or np.isnan(found.numbers).any():
        return None
    _, first, codes = np.unique(found.numbers, return_index=True, return_inverse=True)
    return codes.astype(np.int32), pd.Index(column.iloc[first]), found.unit


def refuse_repeated(unit: pd.Series, numbers: NDArray[Any], time: pd.Series, remedy: str) -> None:
    """Raise for a unit that has a period twice, and name the first; rows without either are not looked at.

    Raises
    ------
    DataError : two rows have the same unit and period.
    """
    known = (unit.notna() & time.notna()).to_numpy()
    pairs = pd.DataFrame({"unit": unit.to_numpy()[known], "time": np.asarray(numbers)[known]})
    repeated = pairs.duplicated().to_numpy()
    if repeated.any():
        row = int(np.flatnonzero(known)[repeated.argmax()])
        raise DataError(
            f"unit '{unit.iloc[row]}' has period {time.iloc[row]} twice; {int(repeated.sum())} rows repeat a "
            "unit and period",
            Place(row=line(row), column=str(time.name)),
            remedy,
        )


def _of_categories(column: pd.Series, unit: str | None) -> Periods | None:
    categories = column.cat.categories
    found = known_periods(pd.Series(categories), unit)
    if column.cat.ordered and (found is None or (np.diff(found.numbers) <= 0).any()):
        found = Periods(np.arange(len(categories), dtype=np.float64), "category")
    if found is None:
        return None
    codes = column.cat.codes.to_numpy()
    numbers = np.append(found.numbers, np.nan)
    return Periods(numbers[codes], found.unit)


def _of_text(column: pd.Series, unit: str | None) -> Periods | None:
    codes, labels = pd.factorize(column)
    texts = [str(label).strip() for label in labels]
    found = _of_labels(texts, unit)
    if found is None:
        return None
    return Periods(np.append(found.numbers, np.nan)[codes], found.unit)


def _of_labels(texts: list[str], unit: str | None) -> Periods | None:
    """The periods of distinct texts, all of one kind."""
    if all(_NUMBER.match(text) for text in texts):
        return Periods(np.array([float(text) for text in texts]), "period")
    for name, (pattern, per_year) in _PARTS.items():
        matches = [pattern.match(text) for text in texts]
        if all(matches):
            return Periods(
                np.array([per_year * int(match[1]) + int(match[2]) - 1.0 for match in matches if match]), name
            )
    if all(_WEEK.match(text) for text in texts):
        days = pd.to_datetime(
            pd.Series([text.upper().replace("-", "") + "1" for text in texts]),
            format="%GW%V%u",
            errors="coerce",
        )
        return None if days.isna().any() else Periods(_days(days) // 7, "week")
    if all(_DAY.match(text) for text in texts):
        days = pd.to_datetime(pd.Series(texts), format="ISO8601", errors="coerce")
        return None if days.isna().any() else _of_dates(days, unit)
    return None


def _of_dates(dates: pd.Series, unit: str | None) -> Periods:
    if dates.dt.tz is not None:
        dates = dates.dt.tz_localize(None)
    missing = dates.isna().to_numpy()
    known = dates[~missing]
    unit = unit or _unit_of_dates(known)
    year, month = known.dt.year.to_numpy(), known.dt.month.to_numpy()
    counted = {
        "year": lambda: year,
        "quarter": lambda: 4 * year + (month - 1) // _QUARTERS,
        "month": lambda: _MONTHS * year + month - 1,
        "day": lambda: _days(known),
    }.get(unit, lambda: (known - pd.Timestamp(0)) / pd.Timedelta(seconds=1))()
    numbers = np.full(len(dates), np.nan)
    numbers[~missing] = np.asarray(counted, dtype=np.float64)
    return Periods(numbers, unit)


def _unit_of_dates(known: pd.Series) -> str:
    if (known != known.dt.normalize()).any():
        return "second"
    if not (known.dt.day.nunique() <= 1 or known.dt.is_month_end.all()):
        return "day"
    month = known.dt.month
    if month.nunique() <= 1:
        return "year"
    return "quarter" if (month % _QUARTERS).nunique() == 1 else "month"


def _days(dates: pd.Series) -> NDArray[np.float64]:
    return np.asarray((dates - pd.Timestamp(0)).dt.days, dtype=np.float64)


def _first_unknown(column: pd.Series) -> Any:
    """The first value that is of no kind, or of another kind than most."""
    values = list(dict.fromkeys(column.dropna()))
    alone = [value for value in values if known_periods(pd.Series([value], dtype=object)) is None]
    return (alone or values or [None])[0]
