"""What every check of robustness returns: a table, a sentence and a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from gvcmetrics.errors import ModelError
from gvcmetrics.models.results.results import Results

# The readable name of a variable.
Labels = Callable[[str], str]


@dataclass(frozen=True)
class Check:
    """A check of one coefficient.

    Attributes
    ----------
    name, variable : what was done, to which coefficient.
    table : what was found, a row an estimate, root or bound.
    said : one sentence, computed from the numbers.
    values : the numbers that the sentence is made of.
    """

    name: str
    variable: str
    table: pd.DataFrame
    said: str
    values: dict[str, float]
    draw: Callable[[Labels], Figure] = field(repr=False, compare=False)

    def plot(self, labels: Mapping[str, str] | None = None) -> Figure:
        """The figure of the check. labels : readable names of the variable, of terms and of clusters."""
        named = dict(labels or {})
        return self.draw(lambda name: named.get(name, name))

    def __str__(self) -> str:
        return f"{self.name} · {self.variable}\n{self.table.to_string()}\n{self.said}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<p><b>{self.name}</b> · {self.variable}</p>{self.table.to_html()}<p>{self.said}</p>"


def coefficient(results: Results, variable: str) -> float:
    """The estimate of a variable.

    Raises
    ------
    ModelError : there is no such parameter.
    """
    if variable not in results.params.index:
        known = ", ".join(map(str, results.params.index[:12]))
        raise ModelError(f"'{variable}' is not a parameter", remedy=f"They are {known}")
    return float(results.params[variable])
