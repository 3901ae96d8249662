"""How far a published input-output table is from balancing, and how far it may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import InputOutput


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

    year: int | None
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


def balance(table: InputOutput) -> Balance:
    """Compare the sums of a table's rows and columns with its output."""
    Z, x = table.Z, table.x
    gap = np.abs(Z.sum(axis=1) + table.Y.reshape(len(x), -1).sum(axis=1) - x)
    worst = int(gap.argmax())
    total = x.sum() or np.nan
    column_gap = None
    if table.primary is not None:
        column_gap = float(np.abs(Z.sum(axis=0) + table.primary - x).sum() / total)
    # What an industry without output buys is final use by another name, not negative value added.
    short = (table.value_added < -1e-9 * np.maximum(np.abs(x), 1.0)) & (x > 0)
    return Balance(
        year=table.year,
        row_gap=float(gap.sum() / total),
        column_gap=column_gap,
        largest_gap=float(gap[worst]),
        largest_in=" ".join(map(str, table.rows[worst])),
        without_output=int((x == 0).sum()),
        negative_value_added=int(short.sum()),
        negative_cells=int((Z < 0).sum()),
    )


def check(table: InputOutput, found: Balance, tolerance: float, file: str) -> None:
    """Refuse a table that cannot be one: nothing produced, or gaps beyond `tolerance` of output.

    Raises
    ------
    DataError : with the file, by how much, and the row with the largest gap.
    """
    if not table.x.sum() > 0:
        raise DataError("the table has no output", Place(file), "Check that the file is complete")
    for gap, what in ((found.row_gap, "row sums"), (found.column_gap, "column sums")):
        if gap is not None and gap > tolerance:
            raise DataError(
                f"the table does not balance: {what} miss output by {gap:.2%} of it, beyond {tolerance:.2%}; "
                f"the largest gap of a row is {found.largest_gap:,.4g}, in {found.largest_in}",
                Place(file),
                "Restore the file, or raise `tolerance` in the spec if the source is so",
            )
