"""Names of raw columns, which files tell apart by capitals (`d2` and `D2`, `TIME` and `Time`) not engines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def repeated(names: Iterable[str]) -> str | None:
    """The first name that stands twice, in the same letters."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def told_apart(names: Iterable[str]) -> dict[str, str]:
    """Names that engines tell apart: the name itself, and a number behind it where only capitals differ."""
    counts: dict[str, int] = {}
    found = {}
    for name in names:
        same = name.casefold()
        counts[same] = counts.get(same, 0) + 1
        found[name] = name if counts[same] == 1 else f"{name}#{counts[same]}"
    return found


def alike(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by what they are without regard to capitals."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.casefold(), []).append(name)
    return found


def spelled(name: str, own: Mapping[str, list[str]]) -> str | None:
    """A name as a file spells it: in the same letters, or else the only one that differs in capitals."""
    found = own.get(name.casefold(), [])
    if name in found:
        return name
    return found[0] if len(found) == 1 else None
