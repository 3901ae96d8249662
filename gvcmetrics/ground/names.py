"""The name that a misspelt one was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: object, known: Iterable[object], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """The known names that are most like `word`, capitals or not, the nearest first; perhaps none."""
    names = list(dict.fromkeys(map(str, known)))
    if isinstance(known, (set, frozenset)):
        # A set has no order to keep: lower case first, as most names are written.
        names.sort(key=str.swapcase)
    spelt: dict[str, list[str]] = {}
    for name in names:
        spelt.setdefault(name.casefold(), []).append(name)
    near = difflib.get_close_matches(str(word).casefold(), list(spelt), n=most, cutoff=cutoff)
    return [name for folded in near for name in spelt[folded]][:most]


def did_you_mean(word: object, known: Iterable[object], otherwise: str = "", most: int = 1) -> str:
    """A remedy for a misspelt name; `otherwise` where none is like it.

    Examples
    --------
    >>> did_you_mean("emploiment", ["employment", "sales_usd"])
    "Did you mean 'employment'?"
    """
    near = nearest(word, known, most)
    return f"Did you mean {' or '.join(repr(name) for name in near)}?" if near else otherwise
