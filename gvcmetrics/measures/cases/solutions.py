"""The truth table of a few conditions, and its conservative, parsimonious and intermediate solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.measures.cases.implicants import Cube, covers, minimal_covers, prime_implicants
from gvcmetrics.measures.cases.sets import evaluate, memberships, sufficient_fit
from gvcmetrics.measures.requirements import listed

MOST_CONDITIONS = 10
SOLUTIONS = ("conservative", "parsimonious", "intermediate")


def truth_table(
    frame: pd.DataFrame,
    conditions: Sequence[str],
    outcome: str,
    *,
    consistency: float = 0.8,
    pri: float = 0.0,
    cases: int = 1,
) -> pd.DataFrame:
    """Every combination of the conditions, which cases are in it, and whether it goes with the outcome.

    A case belongs to the one combination in which its membership exceeds ½. A combination with enough cases
    goes with the outcome where membership in it is consistently sufficient (`sufficiency`), over all cases.

    Parameters
    ----------
    frame : one row a case, named by the index; memberships in [0, 1].
    conditions : columns, at most ten.
    outcome : column of the outcome; ``~outcome`` for its absence.
    consistency, pri : what a combination must reach to go with the outcome.
    cases : how many cases a combination needs; with fewer it is a logical remainder.

    Returns
    -------
    pandas.DataFrame
        2^k rows, the conditions as 0 and 1, `outcome` (1, 0, missing for a remainder), `n`,
        `consistency`, `pri` and `cases`, those with most cases first.

    Raises
    ------
    DataError
        As `sufficiency`; for a condition of exactly ½, which belongs to no combination; and for more than
        ten conditions.

    Source: Ragin (2008), ch. 7.
    """
    conditions = listed(conditions)
    sets, y = _checked(frame, conditions, outcome)
    home = _rows_of_cases(sets, conditions)
    names = np.asarray(frame.index.astype(str), dtype=object)
    lines = []
    for row in range(1 << len(conditions)):
        cube = ((1 << len(conditions)) - 1, row)
        fit = sufficient_fit(evaluate(_written(cube, conditions), sets), y)
        n = int((home == row).sum())
        goes = fit["consistency"] >= consistency - 1e-9 and not fit["pri"] < pri - 1e-9
        lines.append(
            {
                **{name: int(bool(row & _bit(conditions, name))) for name in conditions},
                "outcome": (1.0 if goes else 0.0) if n >= max(cases, 1) else np.nan,
                "n": n,
                "consistency": fit["consistency"],
                "pri": fit["pri"],
                "cases": ", ".join(names[home == row]),
            }
        )
    table = pd.DataFrame(lines)
    return table.sort_values("n", ascending=False, kind="stable").reset_index(drop=True)


def set_solutions(
    frame: pd.DataFrame,
    conditions: Sequence[str],
    outcome: str,
    *,
    solution: str = "conservative",
    expectations: Mapping[str, int] | None = None,
    consistency: float = 0.8,
    pri: float = 0.0,
    cases: int = 1,
) -> pd.DataFrame:
    """The shortest expressions for the combinations that go with an outcome.

    The conservative solution takes from the truth table what was observed; the parsimonious one lets any
    remainder count as going with the outcome where that shortens the expression; the intermediate one
    only remainders that differ from what was observed in conditions that theory expects to help
    (easy counterfactuals), one for each pair of a conservative and a parsimonious model.

    Parameters
    ----------
    frame, conditions, outcome, consistency, pri, cases : as in `truth_table`.
    solution : ``"conservative"``, ``"parsimonious"`` or ``"intermediate"``.
    expectations : for the intermediate solution, 1 for a condition whose presence is expected to help and
        0 for one whose absence is; a condition that is not named has no expectation.

    Returns
    -------
    pandas.DataFrame
        One block for each `model` (several where equally short ones exist): its terms and, last, the whole
        ``solution``, with `consistency`, `pri`, `coverage`, `unique_coverage` (what no other term covers)
        and the `cases` with a membership above ½. ``attrs["formulas"]`` has each model as one expression.
        Empty where no combination goes with the outcome.

    Raises
    ------
    DataError
        As `truth_table`; for an unknown solution or expectation; and where every combination goes with the
        outcome or may, so that there is nothing to tell apart.

    Source: Ragin (1987, 2008, ch. 8–9); Ragin and Sonnett (2005).
    """
    conditions = listed(conditions)
    expected = dict(expectations or {})
    _check_words(solution, expected, conditions)
    table = truth_table(frame, conditions, outcome, consistency=consistency, pri=pri, cases=cases)
    rows = table[conditions].to_numpy(np.int64) @ np.array([_bit(conditions, name) for name in conditions])
    positive = [int(row) for row in rows[table["outcome"].to_numpy() == 1]]
    remainders = [int(row) for row in rows[table["outcome"].isna().to_numpy()]]
    anything = positive if solution == "conservative" else [*positive, *remainders]
    if positive and len(anything) == len(rows):
        raise DataError(
            "no combination goes without the outcome, so any expression fits",
            remedy="Add a case without the outcome, or look at the conservative solution.",
        )
    models = _models(solution, positive, remainders, conditions, expected) if positive else []
    sets, y = _checked(frame, conditions, outcome)
    names = np.asarray(frame.index.astype(str), dtype=object)
    blocks = {
        number: _judged([_written(cube, conditions) for cube in model], sets, y, names)
        for number, model in enumerate(models, 1)
    }
    columns = ["consistency", "pri", "coverage", "unique_coverage", "cases"]
    empty = pd.DataFrame(columns=columns, index=pd.MultiIndex.from_arrays([[], []], names=["model", "term"]))
    result = pd.concat(blocks, names=["model", "term"]) if blocks else empty
    result.attrs["formulas"] = [" + ".join(block.index[:-1]) for block in blocks.values()]
    return result


def _models(
    solution: str,
    positive: list[int],
    remainders: list[int],
    conditions: Sequence[str],
    expected: Mapping[str, int],
) -> list[list[Cube]]:
    width = len(conditions)
    conservative = minimal_covers(prime_implicants(positive, width), positive)
    parsimonious = minimal_covers(prime_implicants([*positive, *remainders], width), positive)
    if solution == "intermediate":
        found = {
            cover
            for long in conservative
            for short in parsimonious
            for cover in minimal_covers(
                prime_implicants([*positive, *_easy(long, short, remainders, conditions, expected)], width),
                positive,
            )
        }
    else:
        found = set(conservative if solution == "conservative" else parsimonious)
    # The terms in the order of the conditions, presence before absence.
    ordered = [sorted(model, key=lambda cube: _order(cube, width)) for model in found]
    return sorted(ordered, key=lambda model: [_order(cube, width) for cube in model])


def _easy(
    long: frozenset[Cube],
    short: frozenset[Cube],
    remainders: list[int],
    conditions: Sequence[str],
    expected: Mapping[str, int],
) -> list[int]:
    """Remainders between a conservative and a parsimonious term that theory expects to have the outcome."""
    terms = []
    for fixed, values in long:
        against = sum(
            _bit(conditions, name)
            for name, value in expected.items()
            if fixed & _bit(conditions, name) and bool(values & _bit(conditions, name)) != bool(value)
        )
        for inner, kept in short:
            if inner & ~fixed == 0 and values & inner == kept:
                part = fixed & ~against | inner
                terms.append((part, values & part))
    return [row for row in remainders if any(covers(term, row) for term in terms)]


def _judged(
    terms: list[str],
    sets: Mapping[str, NDArray[np.float64]],
    y: NDArray[np.float64],
    names: NDArray[np.object_],
) -> pd.DataFrame:
    scores = [evaluate(term, sets) for term in terms]
    whole = np.maximum.reduce(scores)
    covered = np.minimum(whole, y).sum()
    lines = []
    for place, score in enumerate([*scores, whole]):
        rest = [other for index, other in enumerate(scores) if index != place]
        without = np.minimum(np.maximum.reduce(rest), y).sum() if rest else 0.0
        unique = np.nan if place == len(scores) else (covered - without) / y.sum()
        lines.append(
            {**sufficient_fit(score, y), "unique_coverage": unique, "cases": ", ".join(names[score > 0.5])}
        )
    return pd.DataFrame(lines, index=pd.Index([*terms, "solution"], name="term"))


def _checked(
    frame: pd.DataFrame, conditions: Sequence[str], outcome: str
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    if not 1 <= len(conditions) <= MOST_CONDITIONS:
        raise DataError(
            f"{len(conditions)} conditions", remedy=f"Compare from one to {MOST_CONDITIONS} conditions."
        )
    column = outcome.strip().removeprefix("~").strip()
    if column in conditions:
        raise DataError("the outcome is among the conditions", Place(column=column), "Leave it out of them.")
    sets = memberships(frame, [*conditions, column])
    return sets, evaluate(outcome, sets)


def _rows_of_cases(sets: Mapping[str, NDArray[np.float64]], conditions: Sequence[str]) -> NDArray[np.int64]:
    for name in conditions:
        half = sets[name] == 0.5
        if half.any():
            raise DataError(
                "a membership of 0.5 belongs to no combination",
                Place(row=first_line(half), column=name),
                "Say to which side the case leans, or leave it out.",
            )
    home = sum((sets[name] > 0.5).astype(np.int64) * _bit(conditions, name) for name in conditions)
    return np.asarray(home)


def _check_words(solution: str, expected: Mapping[str, int], conditions: Sequence[str]) -> None:
    if solution not in SOLUTIONS:
        raise DataError(f"there is no solution '{solution}'", remedy=f"Use one of {', '.join(SOLUTIONS)}.")
    for name, value in expected.items():
        if name not in conditions or value not in (0, 1):
            raise DataError(
                f"the expectation {value!r} for '{name}' cannot be used",
                remedy="Expect 0 or 1, of conditions that are compared.",
            )


def _bit(conditions: Sequence[str], name: str) -> int:
    return 1 << (len(conditions) - 1 - list(conditions).index(name))


def _written(cube: Cube, conditions: Sequence[str]) -> str:
    fixed, values = cube
    return "*".join(
        name if values & _bit(conditions, name) else f"~{name}"
        for name in conditions
        if fixed & _bit(conditions, name)
    )


def _order(cube: Cube, width: int) -> list[int]:
    fixed, values = cube
    bits = [1 << place for place in reversed(range(width))]
    return [0 if fixed & values & bit else 1 if fixed & bit else 2 for bit in bits]
