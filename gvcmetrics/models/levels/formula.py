"""The random part of a formula, as lme4 writes it: `(1 + x | community/mother)`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formula import Formula, split_outside, unquote

_COLUMN = re.compile(r"`[^`]+`|[^\W\d]\w*")


@dataclass(frozen=True)
class RandomTerm:
    """Effects of one grouping that are correlated with one another.

    design : what varies by group, `1 + urban`. columns : whose combinations are the groups.
    """

    design: Formula
    columns: tuple[str, ...]

    @property
    def grouping(self) -> str:
        """The columns as one name, `community/mother`."""
        return "/".join(self.columns)


def taken_apart(text: str, *, trusted: bool) -> tuple[Formula, tuple[RandomTerm, ...]]:
    """The fixed part of a formula, under the whole text, and its random terms.

    Raises
    ------
    ModelError : there is no random part, effects are absorbed beside it, or a grouping is no column.
    """
    sides = split_outside(text, "~") if isinstance(text, str) else []
    if len(sides) != 2:
        raise ModelError(
            f"formula {text!r} has no outcome ~ regressors", remedy="Write 'y ~ x + (1 | group)'"
        )
    if len(split_outside(sides[1], "|")) > 1:
        raise ModelError(
            f"{text!r} absorbs an effect or lacks the brackets of its random part",
            remedy="Write (1 | group) in brackets, and effects that are not random as C(year)",
        )
    fixed, found = [], list[tuple[str, str]]()
    for term in split_outside(sides[1], "+"):
        parts = _random_parts(term)
        if parts is None:
            fixed.append(term)
        else:
            found += parts
    if not found:
        raise ModelError(
            f"{text!r} has no random part", remedy="Write it in brackets, (1 | group) or (1 + x | group)"
        )
    outcome, right = sides[0], " + ".join(fixed) or "1"
    parsed = Formula.parse(f"{outcome} ~ {right}", trusted=trusted)
    terms = [
        RandomTerm(_design(outcome, design, text, trusted), columns)
        for design, grouping in found
        for columns in _groupings(grouping, text)
    ]
    return replace(parsed, text=text), tuple(terms)


def _random_parts(term: str) -> list[tuple[str, str]] | None:
    """(design, grouping) of a bracket with a bar in it; `||` makes a part of each effect."""
    if not (term.startswith("(") and term.endswith(")")):
        return None
    parts = split_outside(term[1:-1], "|")
    if len(parts) == 2:
        return [(parts[0], parts[1])]
    if len(parts) == 3 and not parts[1]:
        effects = split_outside(parts[0], "+")
        bare = [effect for effect in effects if effect not in ("0", "1")]
        constant = [] if "0" in effects else ["1"]
        return [(effect if effect == "1" else f"0 + {effect}", parts[2]) for effect in (*constant, *bare)]
    return None


def _groupings(text: str, formula: str) -> list[tuple[str, ...]]:
    """`a/b` is `a` and `a` with `b`; `a:b` is the combination alone."""
    made = list[tuple[str, ...]]()
    above: tuple[str, ...] = ()
    for part in split_outside(text, "/"):
        columns = tuple(split_outside(part, ":"))
        for column in columns:
            if not _COLUMN.fullmatch(column):
                raise ModelError(
                    f"'{column}' behind the bar in {formula!r} is not a column name",
                    remedy="Groups are columns, nested by '/', as in (1 | community/mother)",
                )
        above = (*above, *map(unquote, columns))
        made.append(above)
    return made


def _design(outcome: str, design: str, text: str, trusted: bool) -> Formula:
    if not design:
        raise ModelError(f"a bracket of {text!r} has nothing before its bar", remedy="Write (1 | group)")
    parsed = Formula.parse(f"{outcome} ~ {design}", trusted=trusted)
    if parsed.shifts:
        raise ModelError(
            f"'{design}' in {text!r} has a lag",
            remedy="Make the lag a column of the frame, then use its name",
        )
    return parsed
