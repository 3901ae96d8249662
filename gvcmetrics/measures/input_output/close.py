"""From a table as it was published to one whose rows balance: functions from table to table."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import InputOutput, some

Close = Literal["row_sums", "intermediate"]


def balanced(
    table: InputOutput,
    close: Close | None = None,
    *,
    negative_value_added: Literal["error", "keep"] = "error",
    tolerance: float = 1e-6,
) -> InputOutput:
    """The table closed, with value added that every measure can take.

    Parameters
    ----------
    table : as it was published; not changed.
    close, negative_value_added, tolerance : as in `measures.from_wide`.

    Raises
    ------
    DataError
        A cell of intermediate use is negative, the table does not balance (by how much and where), or
        value added is negative.
    """
    if (table.Z < 0).any():
        i, j = np.argwhere(table.Z < 0)[0]
        raise DataError(
            f"intermediate use is negative ({table.Z[i, j]:g}) in the row of {some([table.rows[i]])}",
            Place(column="_".join(table.rows[j])),
            "Move negative entries to final use before building the table.",
        )
    table = closed(table, close, tolerance)
    if negative_value_added == "error":
        _check_value_added(table)
    return idle_settled(table)


def closed(table: InputOutput, close: Close | None, tolerance: float = 1e-6) -> InputOutput:
    """The table with rows that balance.

    Parameters
    ----------
    close : None: they must balance already, within `tolerance` of output. `"row_sums"`: output becomes
        the row sum. `"intermediate"`: output stays and the row's intermediate uses are scaled to meet it.

    Raises
    ------
    DataError
        `close` is None and a row misses output by more.
    """
    final = table.Y.reshape(len(table.x), -1).sum(axis=1)
    intermediate = table.Z.sum(axis=1)
    sums = intermediate + final
    if close is None:
        _check_balance(table, sums, tolerance)
        return table
    if close == "row_sums":
        return replace(table, x=sums)
    scalable = (intermediate > 0) & (table.x >= final)
    scale = np.where(scalable, (table.x - final) / np.where(scalable, intermediate, 1.0), 1.0)
    return replace(table, Z=table.Z * scale[:, None], x=np.where(scalable, table.x, sums))


def idle_settled(table: InputOutput) -> InputOutput:
    """The table in which what an industry without output buys is final use of its country.

    It goes to inventories, or to the last category of final use where none is named.
    """
    idle = np.flatnonzero((table.x == 0) & (table.Z.sum(axis=0) > 0))
    if not len(idle):
        return table
    Z, Y = table.Z.copy(), table.Y.copy()
    stock = len(table.uses) - 1 if table.inventories is None else table.uses.index(table.inventories)
    for column in idle:
        Y[:, table.region_of_row[column], stock] += Z[:, column]
        Z[:, column] = 0.0
    return replace(table, Z=Z, Y=Y)


def _check_balance(table: InputOutput, sums: np.ndarray, tolerance: float) -> None:
    x, gap = table.x, sums - table.x
    wrong = np.flatnonzero(np.abs(gap) > tolerance * np.maximum(np.abs(x), 1.0))
    if len(wrong):
        worst = wrong[np.argsort(-np.abs(gap[wrong]))]
        named = [f"{' '.join(table.rows[i])} (row sum {sums[i]:g}, output {x[i]:g})" for i in worst]
        raise DataError(
            f"the table does not balance: in {len(wrong)} of {len(x)} rows uses differ from output, "
            f"by {np.abs(gap).sum():g} in all; largest gaps: {some(named, 3)}",
            remedy="Mend the rows, or close the gap with close='row_sums' or close='intermediate'.",
        )


def _check_value_added(table: InputOutput) -> None:
    x, value_added = table.x, table.value_added
    wrong = np.flatnonzero(value_added < -1e-9 * np.maximum(np.abs(x), 1.0))
    if len(wrong):
        worst = wrong[np.argsort(value_added[wrong])]
        named = [f"{' '.join(table.rows[i])} ({value_added[i]:g} on output {x[i]:g})" for i in worst]
        raise DataError(
            f"value added (output less intermediate purchases) is negative in {len(wrong)} industries: "
            f"{some(named)}",
            remedy="Mend their columns, or accept them with negative_value_added='keep'.",
        )
