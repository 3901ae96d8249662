"""Formulas as text: splitting outside brackets, and the calls of functions in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise

from gvcmetrics.errors import ModelError

_QUOTED = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True)
class Call:
    """A call in a text: its name, its arguments as written, and where it stands."""

    name: str
    positional: tuple[str, ...]
    named: dict[str, str]
    start: int
    end: int

    def written(self, text: str) -> str:
        """The call as the user wrote it."""
        return text[self.start : self.end]


def split_outside(text: str, separator: str) -> list[str]:
    """Split at a character that stands outside brackets, quotes and backticks; parts are stripped."""
    cuts = [-1, *_outside(text, separator), len(text)]
    return [text[start + 1 : stop].strip() for start, stop in pairwise(cuts)]


def halves(text: str, separator: str) -> tuple[str, str]:
    """What stands before the first such character outside brackets, and all that stands after it."""
    cuts = _outside(text, separator)
    return (text[: cuts[0]].strip(), text[cuts[0] + 1 :].strip()) if cuts else (text.strip(), "")


def _outside(text: str, separator: str) -> list[int]:
    found, depth, quote = [], 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "`'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == separator and depth == 0:
            found.append(position)
    if quote or depth:
        raise ModelError(f"formula {text!r} has an unclosed {'quote ' + quote if quote else 'bracket'}")
    return found


def calls(text: str, names: Collection[str]) -> list[Call]:
    """The outermost calls of functions by these names, in their order; none in quotes or backticks."""
    masked = _QUOTED.sub(lambda match: "_" * len(match[0]), text)
    words = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    found: list[Call] = []
    at = 0
    while match := re.compile(rf"(?<![\w.])({words})\(").search(masked, at):
        depth, end = 0, match.end() - 1
        for end in range(match.end() - 1, len(text)):
            depth += {"(": 1, ")": -1}.get(masked[end], 0)
            if depth == 0:
                break
        if depth:
            raise ModelError(f"formula {text!r} has an unclosed bracket")
        positional, named = _arguments(text[match.end() : end])
        found.append(Call(match[1], positional, named, match.start(), end + 1))
        at = end + 1
    return found


def replaced(text: str, names: Collection[str], made: Callable[[Call], str]) -> str:
    """The text with every such call, innermost first, replaced by what is made of it."""
    parts, at = [], 0
    for call in calls(text, names):
        inner = Call(
            call.name,
            tuple(replaced(argument, names, made) for argument in call.positional),
            call.named,
            call.start,
            call.end,
        )
        parts += [text[at : call.start], made(inner)]
        at = call.end
    return "".join([*parts, text[at:]])


def _arguments(inside: str) -> tuple[tuple[str, ...], dict[str, str]]:
    positional, named = [], {}
    for argument in split_outside(inside, ","):
        match = re.match(r"([^\W\d]\w*)\s*=(?!=)\s*(.*)", argument, flags=re.DOTALL)
        if match:
            named[match[1]] = match[2]
        elif argument:
            positional.append(argument)
    return tuple(positional), named
