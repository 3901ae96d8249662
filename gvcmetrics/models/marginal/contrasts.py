"""Which values of a variable are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.models.marginal.rows import Variable

Pair = tuple[Any, Any]
_WAYS = ("base", "pairwise", "adjacent")


def pairs_of(variable: Variable, contrasts: str | Mapping[str, str | Sequence[Pair]]) -> list[Pair] | None:
    """Pairs (to, from) of values to compare; None for the derivative in a continuous variable."""
    asked = contrasts if isinstance(contrasts, str) else contrasts.get(variable.name, "base")
    if not isinstance(asked, str):
        if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in asked):
            raise ModelError(
                f"contrasts of '{variable.name}' must be pairs (to, from)", remedy="Write [('b', 'a')]"
            )
        return [(known_level(variable, to), known_level(variable, base)) for to, base in asked]
    if asked not in _WAYS:
        raise ModelError(
            f"contrasts={asked!r} is not known", remedy=f"Use one of {', '.join(_WAYS)}, or pairs"
        )
    levels = variable.levels
    if levels is None:
        return None
    if asked == "pairwise":
        return [(to, base) for base, to in combinations(levels, 2)]
    if asked == "adjacent":
        return [(to, base) for base, to in pairwise(levels)]
    return [(level, variable.base) for level in levels if level != variable.base]


def known_level(variable: Variable, value: Any) -> Any:
    """The value, if the variable can take it."""
    if variable.categorical:
        if value not in (variable.levels or ()):
            raise DataError(
                f"category {value!r} was not in the estimation sample",
                Place(column=variable.name),
                f"Known are {', '.join(map(str, (variable.levels or ())[:8]))}",
            )
        return value
    if isinstance(value, str) or not np.isfinite(value):
        raise DataError(f"{value!r} is not a number", Place(column=variable.name), "Give a finite number")
    return value


def level_text(value: Any) -> str:
    """A value for a label."""
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)


def label(to: Any, base: Any) -> str:
    """A contrast for a label."""
    return f"{level_text(to)} - {level_text(base)}"
