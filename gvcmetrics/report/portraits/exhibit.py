"""One exhibit of a panel's page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

Made = pd.DataFrame | Figure | str


@dataclass(frozen=True)
class Exhibit:
    """A table or figure of a panel.

    name, caption : part of the files' names, and what it shows.
    needs : columns that must hold values; of `any_of` at least one.
    make : panel -> table or figure, or the reason why there is none.
    notes : sentences under it. formats : of a table's columns, as in `gvc.table`.
    """

    name: str
    caption: str
    make: Callable[[pd.DataFrame], Made]
    needs: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    formats: Any = None

    def lacks(self, frame: pd.DataFrame) -> str:
        """The columns that are wanting, as text; empty if it can be made."""
        absent = [column for column in self.needs if not holds(frame, column)]
        if absent:
            return ", ".join(absent)
        if self.any_of and not any(holds(frame, column) for column in self.any_of):
            return f"one of {', '.join(self.any_of)}"
        return ""


def holds(frame: pd.DataFrame, column: str) -> bool:
    """Whether the panel has a value in the column."""
    return column in frame and bool(frame[column].notna().any())


def largest(totals: pd.Series, most: int) -> list[Any]:
    """The labels with the largest totals; ties in the order of the labels."""
    return list(totals.sort_index(kind="stable").sort_values(ascending=False, kind="stable").index[:most])


def quartiles(values: pd.Series, by: list[str]) -> pd.DataFrame:
    """Number and quartiles of a series within groups of its index levels."""
    groups = values.groupby(level=by)
    ends = {"Lower quartile": 0.25, "Median": 0.5, "Upper quartile": 0.75}
    return pd.DataFrame({"N": groups.size()} | {name: groups.quantile(share) for name, share in ends.items()})
