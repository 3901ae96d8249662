"""Inter-country input-output tables as panels: what a table is, and whether it balances.

A panel of the contract `input_output` is one Parquet file, one row group a year, one row a cell:

    year, country, industry, use_country, use, kind, value

`kind` is `intermediate` (then `use` is an industry of `use_country`), `final` (then `use` is a
category of final use) or `output` (then `use` is `output`). Cells that are zero are left out, and every
country × industry has its row of output, in the order of the table. Why long: rows and columns carry
their labels, any engine or language can ask for a part, and most cells are zero. The 17 tables of the World
Input-Output Database (1435 × 1640 cells each, 84 per cent of them zero) take 11 MB, against 27 MB as
files of 1640 columns, and a year is in matrices as soon as from those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place

KINDS = ("intermediate", "final", "output")


@dataclass(frozen=True, eq=False)
class InputOutputTable:
    """One year's table, labelled, as it was published: nothing is closed or corrected.

    Attributes
    ----------
    intermediate : (country, industry) on both axes, in the same order.
    final : the same rows; columns (country, use).
    output : gross output, the same rows.
    primary : primary inputs by buying country × industry (value added, taxes less subsidies on
        products), where the source states them.
    """

    year: int
    intermediate: pd.DataFrame
    final: pd.DataFrame
    output: pd.Series
    primary: pd.Series | None = None


@dataclass(frozen=True)
class Balance:
    """How far a table's rows and columns are from its output.

    Attributes
    ----------
    row_gap, column_gap : sum of absolute gaps in total output; uses against output by row, inputs
        against output by column (None where the source states no primary inputs).
    largest_gap, largest_in : the largest gap of a row, in the table's unit, and where it is.
    without_output, negative_value_added, negative_cells : counts of industries, industries and
        intermediate cells.
    """

    year: int
    row_gap: float
    column_gap: float | None
    largest_gap: float
    largest_in: str
    without_output: int
    negative_value_added: int
    negative_cells: int

    def __str__(self) -> str:
        columns = "" if self.column_gap is None else f", column sums by {self.column_gap:.1e}"
        return (
            f"{self.year}: row sums miss output by {self.row_gap:.1e} of it (at most "
            f"{self.largest_gap:,.4g}, in {self.largest_in}){columns}; {self.without_output} industries "
            f"without output, {self.negative_value_added} with negative value added, {self.negative_cells} "
            "negative intermediate cells"
        )


def balance(table: InputOutputTable) -> Balance:
    """Compare the sums of a table's rows and columns with its output."""
    Z, x = table.intermediate.to_numpy(), table.output.to_numpy()
    gap = np.abs(Z.sum(axis=1) + table.final.to_numpy().sum(axis=1) - x)
    worst = int(gap.argmax())
    total = x.sum() or np.nan
    column_gap = None
    if table.primary is not None:
        column_gap = float(np.abs(Z.sum(axis=0) + table.primary.to_numpy() - x).sum() / total)
    # What an industry without output buys is final use by another name, not negative value added.
    short = (x - Z.sum(axis=0) < -1e-9 * np.maximum(np.abs(x), 1.0)) & (x > 0)
    return Balance(
        year=table.year,
        row_gap=float(gap.sum() / total),
        column_gap=column_gap,
        largest_gap=float(gap[worst]),
        largest_in=" ".join(table.output.index[worst]),
        without_output=int((x == 0).sum()),
        negative_value_added=int(short.sum()),
        negative_cells=int((Z < 0).sum()),
    )


def check(table: InputOutputTable, found: Balance, tolerance: float, file: str) -> None:
    """Refuse a table that cannot be one: nothing produced, or gaps beyond `tolerance` of output.

    Raises
    ------
    DataError : with the file, by how much, and the row with the largest gap.
    """
    if not table.output.sum() > 0:
        raise DataError("the table has no output", Place(file), "Check that the file is complete")
    for gap, what in ((found.row_gap, "row sums"), (found.column_gap, "column sums")):
        if gap is not None and gap > tolerance:
            raise DataError(
                f"the table does not balance: {what} miss output by {gap:.2%} of it, beyond {tolerance:.2%}; "
                f"the largest gap of a row is {found.largest_gap:,.4g}, in {found.largest_in}",
                Place(file),
                "Restore the file, or raise `tolerance` in the spec if the source is so",
            )
