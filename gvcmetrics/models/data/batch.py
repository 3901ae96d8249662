"""Rows that are in memory together, and what every estimation sample offers, in memory or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, Place
from gvcmetrics.models.data.scaling import Moments as ColumnMoments
from gvcmetrics.models.data.scaling import Scaling

if TYPE_CHECKING:
    from gvcmetrics.models.data.design import Design
    from gvcmetrics.models.data.formula import Formula
    from gvcmetrics.models.data.relations import Relations

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Batch:
    """Rows that are in memory together.

    y : (n) outcome, coded as the family asks. X : (n, k) regressors of all indices.
    weights : (n), or None for ones. offset : (n), added to every index, or None.
    extras : by expression, what the likelihood of a row needs besides (y is coded with it already).
    """

    y: Array
    X: Array
    weights: Array | None = None
    offset: Array | None = None
    extras: Mapping[str, Array] = field(default_factory=dict)

    def rows(self, start: int, stop: int) -> Batch:
        """The rows from start to stop, without copying."""
        cut = slice(start, stop)
        return Batch(
            self.y[cut],
            self.X[cut],
            None if self.weights is None else self.weights[cut],
            None if self.offset is None else self.offset[cut],
        )


class EstimationSample(Protocol):
    """The rows that a model is estimated on: one batch in memory, many in a file.

    names : of the regressors. outcome : names of the outcomes. categories : of a categorical outcome.
    in_memory : whether there is one batch. nobs : observations. mass : sum of the weights.
    dropped : reason -> rows left out. attrs : what the data say of themselves (source, lineage).
    """

    @property
    def formula(self) -> Formula: ...
    @property
    def design(self) -> Design: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def outcome(self) -> tuple[str, ...]: ...
    @property
    def categories(self) -> tuple[Any, ...] | None: ...
    @property
    def categories_ordered(self) -> bool: ...
    @property
    def weights_name(self) -> str | None: ...
    @property
    def frequency(self) -> bool: ...
    @property
    def offset_name(self) -> str | None: ...
    @property
    def extra_names(self) -> tuple[str, ...]: ...
    @property
    def absorbed(self) -> Mapping[str, np.ndarray]: ...
    @property
    def unit_name(self) -> str | None: ...
    @property
    def dropped(self) -> Mapping[str, int]: ...
    @property
    def attrs(self) -> Mapping[Any, Any]: ...
    @property
    def in_memory(self) -> bool: ...
    @property
    def nobs(self) -> int: ...
    @property
    def mass(self) -> float: ...
    @property
    def note(self) -> str | None: ...

    @property
    def relations(self) -> Relations | None:
        """How regressors that were left out hang on the others, where that is known without the effects."""

    def place(self, position: int, frame: pd.DataFrame | None = None) -> Place:
        """Where the user finds a row of the sample, or of one of its frames."""

    def batches(self) -> Iterator[Batch]:
        """One pass over the rows."""

    def frames(self, columns: tuple[str, ...] = ()) -> Iterator[tuple[pd.DataFrame, Batch]]:
        """One pass over the columns that the regressors are made of, and further ones, with their batch."""

    def of_bit(self, j: int) -> EstimationSample:
        """The sample of outcome j alone, of several 0/1 outcomes that are coded y_1 + 2 y_2 + …"""

    @property
    def column_moments(self) -> ColumnMoments:
        """Mean and standard deviation of each regressor."""

    def spreads(self) -> Array:
        """Standard deviation of each regressor; its size, for a constant."""

    def free_spreads(self) -> Array:
        """Standard deviation of what the other regressors leave of each."""

    def scaled(self, scaling: Scaling) -> Self:
        """The sample with its regressors centred and scaled."""

    def unscaled(self, before: Self) -> Self:
        """The rows and regressors that are left, as they were before."""

    def values(self) -> tuple[Array, Array]:
        """Values of the outcome, and weights, that have its counts (a code) or its first two moments."""

    def mean_offset(self) -> float:
        """Weighted mean of the offset, zero without one."""

    def collect(
        self, scores: Callable[[Batch], Array], kind: str, clusters: tuple[str, ...]
    ) -> tuple[Array, Callable[[str], np.ndarray]]:
        """Scores, row by row or summed as the covariance allows, and the cluster codes of their rows."""

    def codes(self, column: str) -> np.ndarray:
        """Cluster codes of the rows of the scores."""


def refuse_parts(weights: Array, keep: NDArray[np.bool_], place: Callable[[int], Place]) -> None:
    """Raise where a frequency weight, the number of rows that a row stands for, is not whole."""
    parts = keep & (weights != np.floor(weights))
    if parts.any():
        row = int(parts.argmax())
        raise DataError(
            f"frequency weight {weights[row]:g}; {int(parts.sum())} are not whole numbers of rows",
            place(row),
            "Use frequency=False for sampling weights",
        )
