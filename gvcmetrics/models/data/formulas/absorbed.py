"""What stands after `|`: absorbed effects, crossed by `^`, and variables with a slope in each group.

As in fixest `firm[x, z]` is the effect of the firm and slopes of x and z, `firm[[x]]` the slopes alone.
"""

from __future__ import annotations

import re

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formulas.text import split_outside

Effects = tuple[tuple[str, ...], ...]
Varying = tuple[tuple[tuple[str, ...], str], ...]
_NAME = re.compile(r"`[^`]+`|[^\W\d]\w*")
_SLOPES = re.compile(r"(?P<group>[^\[]+?)\s*\[(?:\[(?P<alone>[^\[\]]*)\]|(?P<both>[^\[\]]*))\]")


def absorbed_effects(part: str, text: str) -> tuple[Effects, Varying]:
    """The effects, and groups with the variable that has a slope in each; of a formula's second part.

    Raises
    ------
    ModelError : something that is not the name of a column.
    """
    effects: list[tuple[str, ...]] = []
    varying: list[tuple[tuple[str, ...], str]] = []
    for effect in split_outside(part, "+"):
        if effect in ("0", "1", ""):
            continue
        slopes = _SLOPES.fullmatch(effect)
        names = _columns(slopes["group"] if slopes else effect, text)
        if names not in effects and not (slopes and slopes["alone"] is not None):
            effects.append(names)
        if slopes:
            inside = slopes["both"] if slopes["alone"] is None else slopes["alone"]
            for variable in split_outside(inside, ","):
                if not _NAME.fullmatch(variable):
                    raise ModelError(
                        f"'{variable}' in '{effect}' is not a column name",
                        remedy="Slopes vary for columns: firm[x, z]; make what is computed a column first",
                    )
                if (names, unquote(variable)) not in varying:
                    varying.append((names, unquote(variable)))
    return tuple(effects), tuple(varying)


def unquote(name: str) -> str:
    """A column name without its backticks."""
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] == "`" else name


def _columns(effect: str, text: str) -> tuple[str, ...]:
    columns = tuple(split_outside(effect, "^"))
    for column in columns:
        if not _NAME.fullmatch(column):
            raise ModelError(
                f"'{column}' after '|' in {text!r} is not a column name",
                remedy="Absorbed effects are columns, joined by '+' and crossed by '^'; a name that is "
                "not an identifier stands in backticks",
            )
    return tuple(unquote(column) for column in columns)
