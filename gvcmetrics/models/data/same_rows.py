"""Whether two estimation samples are made of the same rows of the same data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvcmetrics.models.data.batch import Array, EstimationSample
from gvcmetrics.models.data.sample import Sample


@dataclass(frozen=True)
class NamedRows:
    """Rows by their label in the data. outcome : as coded. weights, offset : ones and zeros without any."""

    labels: pd.Index
    outcome: Array
    weights: Array
    offset: Array

    def take(self, positions: np.ndarray) -> NamedRows:
        """Some of the rows, in this order."""
        return NamedRows(
            self.labels[positions], self.outcome[positions], self.weights[positions], self.offset[positions]
        )


def named_rows(first: EstimationSample, second: EstimationSample) -> tuple[NamedRows, NamedRows]:
    """The rows of two samples, with labels that mean the same in both.

    Positions where both frames have the same index, so that labels may repeat; else labels of the index.
    """
    by_position = (
        isinstance(first, Sample)
        and isinstance(second, Sample)
        and first.source.index.equals(second.source.index)
    )
    return _named(first, by_position), _named(second, by_position)


def order_of(first: NamedRows, second: NamedRows) -> np.ndarray | None:
    """Positions in `second` of the rows of `first`; None where one is not there, or is another row."""
    if len(first.labels) == len(second.labels) and first.labels.equals(second.labels):
        positions = np.arange(len(first.labels))
    elif first.labels.is_unique and second.labels.is_unique:
        positions = second.labels.get_indexer(first.labels)
        if (positions < 0).any():
            return None
    else:
        return None
    same = second.take(positions)
    equal = np.array_equal(first.outcome, same.outcome) and np.array_equal(first.weights, same.weights)
    return positions if equal else None


def _named(sample: EstimationSample, by_position: bool) -> NamedRows:
    labels, outcome, weights, offset = [], [], [], []
    for frame, batch in sample.frames():
        n = len(batch.y)
        labels.append(frame.index)
        outcome.append(batch.y)
        weights.append(np.ones(n) if batch.weights is None else batch.weights)
        offset.append(np.zeros(n) if batch.offset is None else batch.offset)
    index = labels[0].append(labels[1:])
    if by_position:
        assert isinstance(sample, Sample)
        index = pd.Index(sample.rows)
    return NamedRows(index, np.concatenate(outcome), np.concatenate(weights), np.concatenate(offset))
