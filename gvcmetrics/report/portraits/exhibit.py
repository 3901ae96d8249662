"""One exhibit of a panel's page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from gvcmetrics.ground.numbers import count, fixed
from gvcmetrics.report.figures.plots import heat_map

Made = pd.DataFrame | Figure | str


@dataclass(frozen=True)
class Exhibit:
    """A table or figure of a panel.

    name, caption : part of the files' names, and what it shows.
    needs : columns that must hold values; of `any_of` at least one.
    make : panel -> table or figure, or the reason why there is none.
    notes : sentences under it. formats : of a table's columns, as in `gvc.table`.
    most, last : the most rows of the table, and what these are where it has as many ("years").
    """

    name: str
    caption: str
    make: Callable[[pd.DataFrame], Made]
    needs: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    formats: Any = None
    most: int = 0
    last: str = ""

    def said_under(self, made: Made) -> tuple[str, ...]:
        """The sentences under what was made; that rows were cut only where they can have been."""
        cut = isinstance(made, pd.DataFrame) and self.most and len(made) >= self.most
        return (f"The last {self.most} {self.last}.", *self.notes) if cut else self.notes

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


def readable(frame: pd.DataFrame, column: str) -> str:
    """A column's label without its unit, which stands in the codebook."""
    label = str(frame.attrs.get("labels", {}).get(column, column.replace("_", " ")))
    short = label.rsplit(" (", 1)[0]
    return short if len(short) <= 60 else f"{short[:57]}…"


def to_read(value: object) -> str:
    """A number with three decimals or so that a person reads: fewer where it is large."""
    number = float(value)  # type: ignore[arg-type]
    if number == int(number):
        return count(number)
    size = abs(number)
    return fixed(number, 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3)


def moments(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Number, mean, deviation, ends and median of some columns of numbers."""
    described = frame[columns].astype(float).describe().T
    described["count"] = described["count"].astype(int)
    names = {"count": "N", "mean": "Mean", "std": "SD", "min": "Min", "50%": "Median", "max": "Max"}
    labels = {column: readable(frame, column) for column in columns}
    return described[list(names)].rename(columns=names, index=labels).rename_axis("Column")


def quotient_tiles(cells: pd.DataFrame, sizes: pd.DataFrame, most: int) -> Figure | str:
    """Location quotients of the largest regions and industries.

    Parameters
    ----------
    cells : region, industry, location_quotient. sizes : region, industry, size.
    """
    if sizes["region"].nunique() < 2 or sizes["industry"].nunique() < 2:
        return "there are not two regions and two industries"
    rows, columns = (largest(sizes.groupby(key)["size"].sum(), most) for key in ("region", "industry"))
    tiles = cells.pivot_table(index="region", columns="industry", values="location_quotient")
    tiles = tiles.reindex(index=rows, columns=columns)
    return heat_map(tiles, value_title="Location quotient", row_title="Region", column_title="Industry")
