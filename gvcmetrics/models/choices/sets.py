"""Choice sets: which alternatives each chooser had, row by row, and which one was taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.rows import line
from gvcmetrics.models.data.batch import Array

Codes = NDArray[np.int64]
# (m, r) ones in the rows that move, zeros in the others.
Movers = Array


@dataclass(frozen=True, eq=False)
class Sets:
    """Rows of alternatives, those of a chooser beside each other.

    of : (r) chooser of each row, 0 … n − 1. alternative : (r) codes into `labels`. starts : (n) first rows.
    """

    of: Codes
    alternative: Codes
    labels: tuple[Any, ...]
    starts: Codes

    @classmethod
    def made(cls, of: Codes, alternative: Codes, labels: tuple[Any, ...]) -> Sets:
        """Of rows that are in order already."""
        return cls(of, alternative, labels, np.flatnonzero(np.diff(of, prepend=-1)))

    @property
    def count(self) -> int:
        return len(self.starts)

    def sums(self, values: Any) -> Any:
        """Sum over the alternatives of each chooser."""
        return np.add.reduceat(values, self.starts, axis=0)

    def across(self, values: Any) -> Any:
        """(m, r): at each row the sum over the alternatives of its chooser."""
        return np.add.reduceat(values, self.starts, axis=1)[:, self.of]

    def logsum(self, values: Any) -> Any:
        """log Σ exp over the alternatives of each chooser."""
        return logsum(values, self.starts, self.of)

    def table(self, values: Array) -> Array:
        """(n, J) of values by row; missing where a chooser did not have the alternative."""
        made = np.full((self.count, len(self.labels)), np.nan, dtype=values.dtype)
        made[self.of, self.alternative] = values
        return made


def logsum(values: Any, starts: Codes, of: Codes) -> Any:
    """log Σ exp of each group; of complex numbers too, from which derivatives are made."""
    top = np.maximum.reduceat(np.real(values), starts)
    return top + np.log(np.add.reduceat(np.exp(values - top[of]), starts))


@dataclass(frozen=True, eq=False)
class Choices:
    """Sets with the choices that were made, as the likelihood takes them.

    D : (r, k) regressors less those of the alternative that was chosen. chosen : (n) rows. weights : (n) or
    None. unit : (n) whose choices share their coefficients in a mixed logit.
    """

    sets: Sets
    D: Array
    chosen: Codes
    weights: Array | None = None
    unit: Codes | None = None

    @property
    def mass(self) -> Array:
        """Weights of the choosers."""
        return np.ones(self.sets.count) if self.weights is None else self.weights

    def only(self, keep: NDArray[np.bool_]) -> Choices:
        """The choices of some choosers."""
        rows = keep[self.sets.of]
        number, place = np.cumsum(keep) - 1, np.cumsum(rows) - 1
        sets = Sets.made(number[self.sets.of[rows]], self.sets.alternative[rows], self.sets.labels)
        return replace(
            self,
            sets=sets,
            D=self.D[rows],
            chosen=place[self.chosen[keep]],
            weights=None if self.weights is None else self.weights[keep],
            unit=None if self.unit is None else np.unique(self.unit[keep], return_inverse=True)[1],
        )


def refuse_odd(
    frame: pd.DataFrame,
    positions: NDArray[np.intp],
    chooser: str,
    alternative: str,
    outcome: str,
    taken: Array,
) -> None:
    """Raise where a chooser has an alternative twice, chose none, or chose two.

    frame : the rows, at `positions` of the user's. taken : their outcome.
    """
    odd = ~np.isin(taken, (0.0, 1.0))
    if odd.any():
        row = int(odd.argmax())
        raise DataError(
            f"{taken[row]:g} is neither 0 nor 1", Place(row=line(positions[row]), column=outcome),
            "The outcome is 1 in the row of the alternative that was chosen; of wide data pass wide='.'",
        )  # fmt: skip
    twice = frame.duplicated([chooser, alternative]).to_numpy()
    if twice.any():
        row = int(twice.argmax())
        who, what = frame[chooser].iloc[row], frame[alternative].iloc[row]
        raise DataError(
            f"{chooser} {who} has the alternative '{what}' twice",
            Place(row=line(positions[row]), column=alternative),
            "Each choice has a chooser of its own: of several choices of one firm number the choices, and "
            "name the firm in panel=",
        )
    codes, who = pd.factorize(frame[chooser])
    made = np.bincount(codes, weights=taken)
    for wrong, said in ((made == 0, "chose nothing"), (made > 1, "chose more than one alternative")):
        if wrong.any():
            first = int(wrong.argmax())
            bad = (codes == first) & ((taken == 1.0) | (made[first] == 0))
            row = int(np.flatnonzero(bad)[-1 if made[first] else 0])
            raise DataError(
                f"{chooser} {who[first]} {said}; {int(wrong.sum())} choosers did",
                Place(row=line(positions[row]), column=outcome),
                "Each chooser has a 1 in exactly one row; leave the others out",
            )


def refuse_varying(
    frame: pd.DataFrame, positions: NDArray[np.intp], chooser: str, columns: list[str]
) -> None:
    """Raise where what belongs to a chooser differs between the rows of its alternatives."""
    codes = pd.factorize(frame[chooser])[0]
    for column in columns:
        values = pd.factorize(frame[column])[0]
        first = np.empty(int(codes.max()) + 1, dtype=np.int64)
        first[codes[::-1]] = values[::-1]
        differs = values != first[codes]
        if differs.any():
            row = int(differs.argmax())
            raise ModelError(
                f"'{column}' differs between the alternatives of a chooser",
                Place(row=line(positions[row]), column=column),
                "What has a coefficient for each alternative, and weights, clusters and panel, belong to the "
                "chooser; an attribute of alternatives stands before '|'",
            )
