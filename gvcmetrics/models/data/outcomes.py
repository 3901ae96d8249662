"""The outcome of a discrete model: what it may hold, and how it is coded for the kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.families.base import Array

_MOST_CATEGORIES = 50


def binary(sample: Sample) -> Array:
    """0/1 outcome of one equation.

    Raises
    ------
    DataError : a value is neither 0 nor 1. ModelError : it is constant, or there are several outcomes.
    """
    y = _single(sample)
    _refuse(sample, ~np.isin(y, (0.0, 1.0)), "is neither 0 nor 1", "Recode it to 0/1 or True/False")
    _refuse_constant(sample, y)
    return y


def share(sample: Sample) -> Array:
    """Outcome in [0, 1]."""
    y = _single(sample)
    _refuse(sample, (y < 0) | (y > 1), "is outside [0, 1]", "A share is written 0.25, not 25")
    _refuse_constant(sample, y)
    return y


def count(sample: Sample) -> Array:
    """Outcome in 0, 1, 2, ..."""
    y = _single(sample)
    bad = (y < 0) | (y != np.round(y))
    _refuse(sample, bad, "is not a count", "Counts are 0, 1, 2, ...; for other outcomes use gvc.poisson")
    _refuse_constant(sample, y)
    return y


def categories(sample: Sample, ordered: bool) -> Array:
    """Category positions 0, ..., J-1 of a sample built with `response="categorical"`.

    Raises
    ------
    ModelError : one category only, more than fifty, or names without an order in an ordered model.
    """
    labels = sample.categories or ()
    column = sample.outcome[0]
    if len(labels) < 2:
        raise ModelError(f"the outcome '{column}' has one category only: {', '.join(map(str, labels))}")
    if len(labels) > _MOST_CATEGORIES:
        raise ModelError(
            f"the outcome '{column}' has {len(labels)} categories", remedy="Group it, or use gvc.ols"
        )
    if ordered and not sample.categories_ordered:
        raise ModelError(
            f"the categories of '{column}' have no order",
            remedy="Use numbers, or pd.Categorical(..., categories=[low, ..., high], ordered=True)",
        )
    return sample.y


def joint(sample: Sample) -> Array:
    """Several 0/1 outcomes as one code, y_1 + 2 y_2 + 4 y_3 + ..."""
    if sample.y.ndim != 2 or not 2 <= sample.y.shape[1] <= 4:
        raise ModelError(
            f"joint_probit takes two to four outcomes, not {len(sample.outcome)}",
            remedy="Write 'y1 + y2 ~ x'",
        )
    code = np.zeros(len(sample.y))
    for j, name in enumerate(sample.outcome):
        y = sample.y[:, j]
        _refuse(sample, ~np.isin(y, (0.0, 1.0)), "is neither 0 nor 1", "Recode it to 0/1", name)
        _refuse_constant(sample, y, name)
        _refuse_the_same(sample, j)
        code += 2**j * y
    return code


def _single(sample: Sample) -> Array:
    if sample.y.ndim != 1:
        raise ModelError(
            f"this model has one outcome, the formula has {len(sample.outcome)}",
            remedy="Use joint_probit for several outcomes, or estimate a model for each",
        )
    return sample.y


def _refuse(sample: Sample, bad: NDArray[np.bool_], what: str, remedy: str, name: str | None = None) -> None:
    if bad.any():
        row = int(sample.rows[bad.argmax()]) + 2
        raise DataError(
            f"the outcome {what} in {int(bad.sum())} rows",
            Place(row=row, column=name or sample.outcome[0]),
            remedy,
        )


def _refuse_the_same(sample: Sample, j: int) -> None:
    """Raise when outcome j equals an earlier one, or one less it: their correlation is then 1 or -1."""
    y = sample.y[:, j]
    for i in range(j):
        for same, how in ((y == sample.y[:, i], "equal to"), (y != sample.y[:, i], "the opposite of")):
            if same.all():
                raise ModelError(
                    f"the outcome '{sample.outcome[j]}' is {how} '{sample.outcome[i]}' in all rows",
                    remedy="Leave one of them out",
                )


def _refuse_constant(sample: Sample, y: Array, name: str | None = None) -> None:
    if (y == y[0]).all():
        raise ModelError(
            f"the outcome '{name or sample.outcome[0]}' is {y[0]:g} in all {len(y)} rows",
            remedy="There is nothing to explain; look at the rows that were dropped",
        )
