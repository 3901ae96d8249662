"""Perfect prediction: found, named, and never a silent coefficient of a million."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.sample import Sample, drop_collinear
from gvcmetrics.models.likelihood.family import Array

# A standard error, per standard deviation of its regressor, that no identified index coefficient has.
_VOID = 1e3
# Rows that show most columns to take more than two values.
_HEAD = 1024


def drop_perfect_predictors(sample: Sample) -> Sample:
    """Leave out two-valued regressors within one value of which a 0/1 outcome does not vary.

    As Stata does: the rows with that value go too, since they carry no information on the rest; both
    are named in a warning, and the rows are counted in `dropped`. Repeats until none is left.
    """
    while True:
        found = _perfect_predictor(sample.y, sample.X)
        if found is None:
            return sample
        column, value, outcome = found
        name = sample.names[column]
        gone = sample.X[:, column] == value
        warn(
            f"'{name}' = {value:g} predicts '{sample.outcome[0]}' = {outcome:g} perfectly: "
            f"'{name}' and {int(gone.sum())} rows left out"
        )
        keep = np.arange(sample.X.shape[1]) != column
        sample = sample.select(~gone, f"{name} = {value:g} predicts perfectly").keep_columns(keep)
        if (sample.y == sample.y[0]).all():
            raise ModelError(
                f"without the rows that '{name}' predicts perfectly, '{sample.outcome[0]}' does not vary"
            )
        sample = drop_collinear(sample)


def _perfect_predictor(y: Array, X: Array) -> tuple[int, float, float] | None:
    for column in range(X.shape[1]):
        x = X[:, column]
        head = x[:_HEAD]
        if not ((head == head.min()) | (head == head.max())).all():
            continue
        low, high = x.min(), x.max()
        if low == high or not ((x == low) | (x == high)).all():
            continue
        for value in (low, high):
            inside = y[x == value]
            if (inside == inside[0]).all():
                return column, float(value), float(inside[0])
    return None


def refuse_separation(
    covariance: Array, spreads: Array, names: Sequence[str], remedy: str, free: Callable[[], Array]
) -> None:
    """Raise when the likelihood has run flat along some regressors: their maximum is at infinity.

    Parameters
    ----------
    covariance : inverse of the information at the solution. spreads : standard deviation of the
        regressor of each parameter (0 for a constant). free : the same of what other regressors leave of it,
        asked for only if the first are suspicious: a year beside its square has a large error by that alone.

    Raises
    ------
    ModelError : names the regressors whose combination predicts the outcome perfectly.
    """
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0)) * spreads
    flat = ~(error < _VOID)
    if flat.any():
        flat = ~(np.sqrt(np.maximum(np.diag(covariance), 0.0)) * free() < _VOID)
    if flat.any():
        which = ", ".join(name for name, bad in zip(names, flat, strict=True) if bad)
        raise ModelError(
            f"a combination of {which} predicts the outcome perfectly, so no finite estimate exists",
            remedy=remedy,
        )
