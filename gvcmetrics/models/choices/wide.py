"""From a row a chooser to a row an alternative."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.models.data.design import require
from gvcmetrics.models.data.formula import unquote

Wide = str | Mapping[str, Mapping[str, str]]
CHOOSER = "chooser"


def lengthened(
    frame: pd.DataFrame, outcome: str, wide: Wide, chooser: str | None, alternative: str
) -> tuple[pd.DataFrame, str]:
    """The frame with a row an alternative, and its column of choosers.

    Parameters
    ----------
    outcome : column with the name of the chosen alternative; 0/1 in what is returned.
    wide : what stands between attribute and alternative in the names of columns, `"."` of `price.boat`; or
        the columns, `{"price": {"boat": "price_b", "pier": "price_p"}}`.
    alternative : name of the new column.

    An alternative all of whose attributes are missing in a row was not there for that chooser.

    Raises
    ------
    DataError : a chosen alternative has no columns. ModelError : no attribute is found.
    """
    outcome = unquote(outcome)
    require(frame, [outcome])
    chosen = frame[outcome].astype("object")
    columns = _columns(frame, wide, {str(value) for value in chosen.dropna().unique()})
    labels = list(dict.fromkeys(label for each in columns.values() for label in each))
    for each in columns.values():
        require(frame, list(each.values()))
    unknown = (chosen.notna() & ~chosen.astype(str).isin(labels)).to_numpy()
    if unknown.any():
        raise DataError(
            f"the chosen '{chosen[unknown].iloc[0]}' has no columns of its own",
            Place(row=first_line(unknown), column=outcome),
            f"Alternatives are {', '.join(labels)}",
        )
    if chooser is None:
        chooser = CHOOSER
        frame = frame.assign(**{chooser: np.arange(len(frame))})
    taken = {column for each in columns.values() for column in each.values()}
    rest = frame[[name for name in frame.columns if name not in taken]]
    parts = []
    for label in labels:
        own = {name: frame[each[label]] for name, each in columns.items() if label in each}
        part = rest.assign(**{name: own.get(name, np.nan) for name in columns})
        part[alternative] = label
        part[outcome] = np.where(chosen.isna(), np.nan, chosen.astype(str) == label)
        there = part[list(columns)].notna().any(axis=1) | (part[outcome] == 1.0)
        parts.append(part[there])
    made = pd.concat(parts).assign(**{outcome: lambda long: long[outcome].astype(float)})
    made.attrs = dict(frame.attrs)
    # Rows of a chooser beside each other, in the order of the user's frame.
    return made.iloc[np.argsort(pd.factorize(made[chooser])[0], kind="stable")], chooser


def _columns(frame: pd.DataFrame, wide: Wide, chosen: set[str]) -> Mapping[str, Mapping[str, str]]:
    """attribute -> alternative -> column."""
    if not isinstance(wide, str):
        return {name: {str(label): column for label, column in each.items()} for name, each in wide.items()}
    found: dict[str, dict[str, str]] = {}
    for column in map(str, frame.columns):
        attribute, separator, label = column.rpartition(wide)
        if separator and attribute:
            found.setdefault(attribute, {})[label] = column
    # A column whose name holds the separator by chance names none of the alternatives.
    found = {name: each for name, each in found.items() if chosen & set(each)}
    if not found:
        raise ModelError(
            f"no column is named attribute{wide}alternative",
            remedy="Name the columns: wide={'price': {'boat': 'price_of_boat', 'pier': 'price_of_pier'}}",
        )
    return found
