"""The check that every measure of a frame begins with."""

from __future__ import annotations

import pandas as pd

from gvcmetrics.errors import DataError, Place


def require_columns(frame: pd.DataFrame, *columns: str) -> None:
    """Raise a `DataError` that names the first column which the frame lacks."""
    for column in columns:
        if column not in frame.columns:
            known = ", ".join(map(str, frame.columns[:12]))
            raise DataError(
                "the frame has no such column",
                Place(column=column),
                f"Rename a column or pass its name as keyword; the frame has: {known}.",
            )
