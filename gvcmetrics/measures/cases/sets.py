"""Memberships in sets: calibration, and how nearly one set lies within another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.measures.requirements import listed, numbers, require_columns, require_rows

Memberships = Mapping[str, NDArray[np.float64]]


def calibrate(
    values: ArrayLike,
    thresholds: tuple[float, float, float],
    *,
    method: str = "logistic",
    degree: float = 0.95,
) -> NDArray[np.float64]:
    """Membership in a set from a measured quantity and three anchors.

    With anchors e (fully out), c (neither in nor out) and i (fully in), the logistic membership is

    .. math:: \\mu(x) = \\frac{1}{1 + \\exp\\left(-\\ln\\frac{d}{1-d} \\, \\frac{x - c}{|a - c|}\\right)},

    where a is i above c and e below it; at the outer anchors it is d and 1 − d. The linear one rises from 0
    at e to ½ at c and to 1 at i. Where e > i, membership falls with the quantity.

    Parameters
    ----------
    values : the quantity, an array of any shape; missing stays missing.
    thresholds : e, c and i, strictly rising or strictly falling.
    method : ``"logistic"`` (Ragin's direct method) or ``"linear"``.
    degree : d, the logistic membership at the anchor i.

    Returns
    -------
    numpy.ndarray
        Memberships in [0, 1], of the shape of `values`.

    Raises
    ------
    DataError
        For anchors out of order, an unknown method, and a degree outside (½, 1).

    Source: Ragin (2008), ch. 5.

    Examples
    --------
    >>> from gvcmetrics import measures
    >>> measures.calibrate([400, 550, 900], (400, 550, 900)).round(2).tolist()
    [0.05, 0.5, 0.95]
    """
    out, cross, full = thresholds
    if not (out < cross < full or out > cross > full):
        raise DataError(
            f"the anchors {out:g}, {cross:g}, {full:g} neither rise nor fall",
            remedy="Give fully out, neither in nor out, fully in, in this order.",
        )
    if method not in ("logistic", "linear"):
        raise DataError(f"there is no method '{method}'", remedy="Use 'logistic' or 'linear'.")
    if not 0.5 < degree < 1:
        raise DataError(f"a degree of {degree:g} at the anchor", remedy="Choose one between 0.5 and 1.")
    x = np.asarray(values, dtype=float)
    inside = (x - cross) * np.sign(full - cross)
    reach = np.where(inside >= 0, abs(full - cross), abs(out - cross))
    if method == "linear":
        return np.clip(0.5 + 0.5 * inside / reach, 0, 1)
    return 1 / (1 + np.exp(-np.log(degree / (1 - degree)) * inside / reach))


def sufficiency(frame: pd.DataFrame, expressions: str | Sequence[str], outcome: str) -> pd.DataFrame:
    """How nearly sets are sufficient for an outcome: X within Y.

    .. math:: \\text{consistency} = \\frac{\\sum \\min(x, y)}{\\sum x}, \\quad
        \\text{coverage} = \\frac{\\sum \\min(x, y)}{\\sum y}, \\quad
        \\text{PRI} = \\frac{\\sum \\min(x, y) - \\sum \\min(x, y, 1 - y)}
        {\\sum x - \\sum \\min(x, y, 1 - y)}

    Parameters
    ----------
    frame : one row a case, memberships in [0, 1].
    expressions : sets made from columns, such as ``"export*~hierarchy + network"``: ``*`` is and
        (minimum), ``+`` is or (maximum), ``~`` is not (1 − x).
    outcome : column of the outcome; ``~outcome`` for its absence.

    Returns
    -------
    pandas.DataFrame
        One row for each expression: `consistency`, `pri`, `coverage`. Missing where the set is empty.

    Raises
    ------
    DataError
        For absent columns, and memberships that are missing or outside [0, 1].

    Source: Ragin (2006; 2008, ch. 3); Schneider and Wagemann (2012), ch. 9, for PRI.
    """
    expressions = listed(expressions)
    sets, y = _sets(frame, expressions, outcome)
    rows = [sufficient_fit(evaluate(expression, sets), y) for expression in expressions]
    return pd.DataFrame(rows, index=pd.Index(expressions, name="set"))


def necessity(frame: pd.DataFrame, expressions: str | Sequence[str], outcome: str) -> pd.DataFrame:
    """How nearly sets are necessary for an outcome: Y within X.

    .. math:: \\text{consistency} = \\frac{\\sum \\min(x, y)}{\\sum y}, \\quad
        \\text{coverage} = \\frac{\\sum \\min(x, y)}{\\sum x}, \\quad
        \\text{relevance} = \\frac{\\sum (1 - x)}{\\sum (1 - \\min(x, y))}

    Parameters
    ----------
    frame, expressions, outcome : as in `sufficiency`.

    Returns
    -------
    pandas.DataFrame
        One row for each expression: `consistency`, `relevance` (near 0 where X is nearly everything, so
        that it is necessary for anything) and `coverage`.

    Raises
    ------
    DataError
        As `sufficiency`.

    Source: Ragin (2006; 2008, ch. 3); Schneider and Wagemann (2012), eq. 9.2, for relevance.
    """
    expressions = listed(expressions)
    sets, y = _sets(frame, expressions, outcome)
    rows = [_necessary_fit(evaluate(expression, sets), y) for expression in expressions]
    return pd.DataFrame(rows, index=pd.Index(expressions, name="set"))


def necessary_conditions(
    frame: pd.DataFrame,
    conditions: Sequence[str],
    outcome: str,
    *,
    consistency: float = 0.9,
    relevance: float = 0.6,
) -> pd.DataFrame:
    """Conditions and their combinations that are necessary for an outcome and not trivially so.

    All conjunctions of conditions, present or absent, are tried, and those disjunctions of which no part
    passes by itself.

    Parameters
    ----------
    frame, outcome : as in `sufficiency`.
    conditions : columns, at most eight.
    consistency, relevance : what a combination must reach.

    Returns
    -------
    pandas.DataFrame
        As `necessity`, one row for each combination that passes, shortest first; empty where none does.

    Raises
    ------
    DataError
        As `sufficiency`, and for more than eight conditions.

    Source: Ragin (2006); Schneider and Wagemann (2012), ch. 9.
    """
    conditions = listed(conditions)
    if len(conditions) > 8:
        raise DataError(f"{len(conditions)} conditions", remedy="Search up to eight at a time.")
    sets, y = _sets(frame, conditions, outcome)

    def passes(fit: Mapping[str, float]) -> bool:
        return fit["consistency"] >= consistency and fit["relevance"] >= relevance

    found: dict[str, dict[str, float]] = {}
    for literals in _combinations(conditions, smallest=1):
        fit = _necessary_fit(evaluate("*".join(literals), sets), y)
        if passes(fit):
            found["*".join(literals)] = fit
    enough = [{name} for name in found if "*" not in name]
    for literals in _combinations(conditions, smallest=2):
        if any(part <= set(literals) for part in enough):
            continue
        fit = _necessary_fit(evaluate(" + ".join(literals), sets), y)
        if passes(fit):
            found[" + ".join(literals)] = fit
            enough.append(set(literals))
    return pd.DataFrame(
        found.values(),
        index=pd.Index(list(found), name="set", dtype="str"),
        columns=["consistency", "relevance", "coverage"],
    )


def memberships(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """The columns as memberships: known, and from 0 to 1."""
    require_columns(frame, *columns)
    require_rows(frame)
    sets = {}
    for column in columns:
        values = numbers(frame, column)
        missing = np.isnan(values)
        if missing.any():
            raise DataError(
                f"{int(missing.sum())} cases have no membership",
                Place(row=first_line(missing), column=column),
                "Compare the cases that are known: frame.dropna(subset=[...]).",
            )
        outside = (values < 0) | (values > 1)
        if outside.any():
            raise DataError(
                f"{values[outside][0]:g} is no membership",
                Place(row=first_line(outside), column=column),
                "Memberships lie from 0 to 1; calibrate the column first.",
            )
        sets[column] = values
    return sets


def evaluate(expression: str, sets: Memberships) -> NDArray[np.float64]:
    """Memberships in a set that is written as a sum of products."""
    products = [
        np.minimum.reduce([_literal(literal, sets) for literal in term.split("*")])
        for term in expression.split("+")
    ]
    return np.asarray(np.maximum.reduce(products))


def sufficient_fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, float]:
    """Consistency, PRI and coverage of X as sufficient for Y."""
    both = np.minimum(x, y)
    also_absent = np.minimum(both, 1 - y).sum()
    return {
        "consistency": _ratio(both.sum(), x.sum()),
        "pri": _ratio(both.sum() - also_absent, x.sum() - also_absent),
        "coverage": _ratio(both.sum(), y.sum()),
    }


def _necessary_fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, float]:
    both = np.minimum(x, y)
    return {
        "consistency": _ratio(both.sum(), y.sum()),
        "relevance": _ratio((1 - x).sum(), (1 - both).sum()),
        "coverage": _ratio(both.sum(), x.sum()),
    }


def _combinations(conditions: Sequence[str], smallest: int) -> Iterator[list[str]]:
    """Choices of conditions, each present or absent, the shortest first."""
    for size in range(smallest, len(conditions) + 1):
        for chosen in combinations(conditions, size):
            for signs in product(("", "~"), repeat=size):
                yield [sign + name for sign, name in zip(signs, chosen, strict=True)]


def _sets(
    frame: pd.DataFrame, expressions: Sequence[str], outcome: str
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    parts = [
        part for expression in [*expressions, outcome] for part in expression.replace("+", "*").split("*")
    ]
    columns = list(dict.fromkeys(part.strip().removeprefix("~").strip() for part in parts))
    sets = memberships(frame, columns)
    return sets, evaluate(outcome, sets)


def _literal(literal: str, sets: Memberships) -> NDArray[np.float64]:
    name = literal.strip()
    if name.startswith("~"):
        return 1 - sets[name[1:].strip()]
    return sets[name]


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 1e-12 else float("nan")
