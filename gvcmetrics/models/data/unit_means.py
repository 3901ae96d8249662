"""Mundlak's unit means: regressors averaged over the periods of each unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from gvcmetrics.ground.numerics.demean import group_means, independent_columns
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.design import require
from gvcmetrics.models.data.sample import Sample


def mundlak_columns(sample: Sample) -> tuple[np.ndarray, tuple[str, ...]]:
    """Regressors with the unit means of those that vary within units, and all names.

    A mean that adds nothing (that of a year dummy in a balanced panel is a constant) is left out.
    """
    assert sample.unit is not None
    means = group_means(sample.X, sample.unit)[sample.unit]
    spread = np.linalg.norm(sample.X - sample.X.mean(axis=0), axis=0)
    varies = np.linalg.norm(sample.X - means, axis=0) > 1e-9 * np.where(spread > 0, spread, 1.0)
    both = np.column_stack([sample.X, means[:, varies]])
    names = [
        *sample.names,
        *(f"mean({name})" for name, kept in zip(sample.names, varies, strict=True) if kept),
    ]
    keep = independent_columns(both, np.linalg.norm(both, axis=0), 1e-9)
    return both[:, keep], tuple(name for name, kept in zip(names, keep, strict=True) if kept)


def with_unit_means(sample: Sample) -> tuple[Sample, tuple[str, ...]]:
    """The sample with the unit means of its regressors, and the names of the means."""
    X, names = mundlak_columns(sample)
    means = tuple(name for name in names if name not in sample.names)
    return replace(sample, X=np.ascontiguousarray(X), names=names), means


def regressors_of(sample: Sample, means: tuple[str, ...], data: pd.DataFrame) -> Array:
    """X of new rows, whose units keep their means of the estimation sample.

    sample : without the means.
    """
    X = sample.design.matrix(data)
    if not means:
        return X
    assert sample.unit is not None
    assert sample.unit_labels is not None
    columns = [sample.names.index(name.removeprefix("mean(").removesuffix(")")) for name in means]
    table = group_means(sample.X[:, columns], sample.unit)
    require(data, [str(sample.unit_name)])
    known = sample.unit_labels.get_indexer(pd.Index(data[sample.unit_name]))
    found = np.where((known >= 0)[:, None], table[np.maximum(known, 0)], np.nan)
    return np.column_stack([X, found])
