"""The outcome of a model: what it may hold, and how it is coded for the kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.models.data.batch import Array

_MOST_CATEGORIES = 50


@dataclass(frozen=True)
class Answers:
    """Values of the outcomes, and what names them in an error.

    y : (n) or (n, outcomes), or category positions. extras : what else the likelihood of a row needs.
    place : position -> where the user finds the row.
    """

    y: Array
    names: tuple[str, ...]
    place: Callable[[int], Place]
    categories: tuple[Any, ...] = ()
    ordered: bool = False
    extras: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Coding:
    """What an outcome may be.

    code : answers -> what the kernels take; raises for a value that is not of this kind. It sees some rows
        at a time.
    check : (answers, rows) raises where the outcome as a whole leaves nothing to estimate; it sees all rows,
        or as many as have all its values.
    categorical : whether the values are positions in a list of categories.
    """

    code: Callable[[Answers], Array]
    check: Callable[[Answers, int], None]
    categorical: bool = False


def _binary(answers: Answers) -> Array:
    y = _single(answers)
    _refuse(answers, ~np.isin(y, (0.0, 1.0)), "is neither 0 nor 1", "Recode it to 0/1 or True/False")
    return y


def _share(answers: Answers) -> Array:
    y = _single(answers)
    _refuse(answers, (y < 0) | (y > 1), "is outside [0, 1]", "A share is written 0.25, not 25")
    return y


def _count(answers: Answers) -> Array:
    y = _single(answers)
    bad = (y < 0) | (y != np.round(y))
    _refuse(answers, bad, "is not a count", "Counts are 0, 1, 2, ...; for other outcomes use gvc.poisson")
    return y


def _amount(answers: Answers) -> Array:
    y = _single(answers)
    _refuse(answers, y < 0, "is negative", "A Poisson outcome is zero or positive")
    return y


def _joint(answers: Answers) -> Array:
    """Several 0/1 outcomes as one code, y_1 + 2 y_2 + 4 y_3 + ..."""
    if answers.y.ndim != 2 or not 2 <= answers.y.shape[1] <= 4:
        raise ModelError(
            f"joint_probit takes two to four outcomes, not {len(answers.names)}",
            remedy="Write 'y1 + y2 ~ x'",
        )
    for y, name in zip(answers.y.T, answers.names, strict=True):
        _refuse(answers, ~np.isin(y, (0.0, 1.0)), "is neither 0 nor 1", "Recode it to 0/1", name)
    return answers.y @ 2.0 ** np.arange(answers.y.shape[1])


def _single(answers: Answers) -> Array:
    if answers.y.ndim != 1:
        raise ModelError(
            f"this model has one outcome, the formula has {len(answers.names)}",
            remedy="Use joint_probit for several 0/1 outcomes, or estimate a model for each",
        )
    return answers.y


def _varies(answers: Answers, rows: int) -> None:
    """Raise for an outcome that takes one value."""
    columns = answers.y[:, None] if answers.y.ndim == 1 else answers.y
    for y, name in zip(columns.T, answers.names, strict=True):
        if (y == y[0]).all():
            raise ModelError(
                f"the outcome '{name}' is {y[0]:g} in all {rows} rows",
                remedy="There is nothing to explain; look at the rows that were dropped",
            )


def _some(answers: Answers, rows: int) -> None:
    if not answers.y.any():
        raise ModelError(f"the outcome '{answers.names[0]}' is always zero")


def _any(answers: Answers, rows: int) -> None:
    """Whatever the values: a linear model of a constant fits it exactly."""


def _differ(answers: Answers, rows: int) -> None:
    """Raise when an outcome equals an earlier one, or one less it: their correlation is then 1 or -1."""
    _varies(answers, rows)
    for j, name in enumerate(answers.names):
        y = answers.y[:, j]
        for i in range(j):
            for same, how in ((y == answers.y[:, i], "equal to"), (y != answers.y[:, i], "the opposite of")):
                if same.all():
                    raise ModelError(
                        f"the outcome '{name}' is {how} '{answers.names[i]}' in all rows",
                        remedy="Leave one of them out",
                    )


def _categories(answers: Answers, rows: int) -> None:
    labels, column = answers.categories, answers.names[0]
    if len(labels) < 2:
        raise ModelError(f"the outcome '{column}' has one category only: {', '.join(map(str, labels))}")
    if len(labels) > _MOST_CATEGORIES:
        raise ModelError(
            f"the outcome '{column}' has {len(labels)} categories", remedy="Group it, or use gvc.ols"
        )


def _ordered_categories(answers: Answers, rows: int) -> None:
    _categories(answers, rows)
    if not answers.ordered:
        raise ModelError(
            f"the categories of '{answers.names[0]}' have no order",
            remedy="Use numbers, or pd.Categorical(..., categories=[low, ..., high], ordered=True)",
        )


def _refuse(
    answers: Answers, bad: NDArray[np.bool_], what: str, remedy: str, name: str | None = None
) -> None:
    if bad.any():
        place = answers.place(int(bad.argmax()))
        raise DataError(
            f"the outcome {what} in {int(bad.sum())} rows",
            Place(place.file, row=place.row, column=name or answers.names[0]),
            remedy,
        )


def bit(codes: Array, j: int) -> Array:
    """Outcome j of several that are coded together."""
    return ((codes.astype(np.int64) >> j) & 1).astype(np.float64)


NUMBER = Coding(_single, _any)
"""Any number."""
BINARY = Coding(_binary, _varies)
"""0 or 1."""
SHARE = Coding(_share, _varies)
"""A number in [0, 1]."""
COUNT = Coding(_count, _varies)
"""0, 1, 2, …"""
AMOUNT = Coding(_amount, _some)
"""Zero or positive, not always zero."""
JOINT = Coding(_joint, _differ)
"""Two to four outcomes of 0 or 1, coded y_1 + 2 y_2 + 4 y_3 + …"""
CATEGORIES = Coding(_single, _categories, categorical=True)
"""Positions in a list of two to fifty categories."""
ORDERED_CATEGORIES = Coding(_single, _ordered_categories, categorical=True)
"""The same, with an order."""
