"""The page of a panel of countries."""

from __future__ import annotations

import pandas as pd

from gvcmetrics.report.portraits.exhibit import Exhibit, Made, moments, to_read

_ROWS = 24


def exhibits() -> tuple[Exhibit, ...]:
    """In the order of the page."""
    return (
        Exhibit("coverage", "Countries by year", coverage, most=_ROWS, last="years"),
        Exhibit("numbers", "What the columns hold", numbers, formats=to_read),
    )


def coverage(frame: pd.DataFrame) -> Made:
    """Rows and countries by year."""
    groups = frame.groupby("year")
    table = pd.DataFrame({"Rows": groups.size(), "Countries": groups["country"].nunique()})
    return table.rename_axis("Year").tail(_ROWS)


def numbers(frame: pd.DataFrame) -> Made:
    """Moments of every column of numbers."""
    columns = [str(name) for name in frame.select_dtypes("number") if name != "year"]
    if not columns:
        return "no column holds numbers"
    return moments(frame, columns)
