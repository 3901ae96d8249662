"""The groups of rows within which averages are taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.models.data.batch import EstimationSample
from gvcmetrics.models.data.sample import Sample, take
from gvcmetrics.models.marginal.rows import Rows


@dataclass(frozen=True)
class Group:
    """Rows with the same values in some columns.

    weight : their sum of weights over the whole sample, rows included that are `still`: whose outcome is what
    it is whatever their regressors. level : weighted sum of the outcomes of these, over `weight`.
    """

    labels: dict[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    level: float = 0.0

    def with_still(self, still: Sample) -> Group:
        """The group with its rows among some whose outcome never moves."""
        frame = take(still.source, still.rows)
        keep = np.ones(len(frame), dtype=bool)
        for column, value in self.labels.items():
            keep &= (frame[column] == value).to_numpy(dtype=bool, na_value=False)
        y, w = (values[keep] for values in still.values())
        weight = self.weight + float(w.sum())
        return replace(self, weight=weight, level=(self.level * self.weight + float(w @ y)) / weight)

    def of(self, rows: Rows) -> Rows | None:
        """The rows of this group among some, weighted so that the whole group adds to one; None if none."""
        keep = np.ones(len(rows.X), dtype=bool)
        for column, value in self.labels.items():
            keep &= (rows.frame[column] == value).to_numpy(dtype=bool)
        if not keep.any():
            return None
        return (rows if keep.all() else rows.only(keep)).share(self.weight)


def groups_of(parts: Iterable[Rows], columns: Sequence[str], sample: EstimationSample) -> list[Group]:
    """The groups of some columns, sorted, in one pass; one group without columns.

    Raises
    ------
    DataError : a row has no group.
    """
    if not columns:
        return [Group(weight=sample.mass)]
    sums: pd.Series | None = None
    for part in parts:
        frame = part.frame[list(columns)]
        missing = frame.isna().any(axis=1).to_numpy()
        if missing.any():
            raise DataError(
                f"{int(missing.sum())} rows of the estimation sample have no group",
                replace(sample.place(int(missing.argmax()), frame), column=", ".join(columns)),
                "Fill the column, or estimate without these rows",
            )
        plain = frame.reset_index(drop=True)
        by = [plain[column] for column in columns]
        found = pd.Series(part.weights).groupby(by, sort=True, observed=True).sum()
        sums = found if sums is None else sums.add(found, fill_value=0.0)
    assert sums is not None
    keys = [key if isinstance(key, tuple) else (key,) for key in sums.index]
    return [
        Group(dict(zip(columns, key, strict=True)), float(weight))
        for key, weight in zip(keys, sums.to_numpy(), strict=True)
    ]
