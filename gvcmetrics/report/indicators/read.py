"""From the docstring of a measure to the parts of its page."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gvcmetrics import measures

_HEADING = re.compile(
    r"^(Parameters|Methods|Returns|Raises|Warns|Attributes|Examples|Notes|Source)\n-+$", re.MULTILINE
)
_SOURCE = re.compile(r"^Sources?:\s*(.*(?:\n(?!\n).*)*)", re.MULTILINE)
_USE = re.compile(
    r"\bmeasures\.([a-z_0-9]+)\b|\bfrom gvcmetrics\.measures[\w.]* import \(?([^)\n]+(?:\n[^)]*)?)"
)
_ENTRY = re.compile(r"^(\S[^:\n]*?) : ?(.*(?:\n[ ]+.*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Indicator:
    """A public measure.

    name, kind : of the function, and the room that it stands in. definition : paragraphs; formulas begin with
    `.. math::`. call : with the defaults. steps : parameter → what it is. gives : what comes out. errors :
    what is refused. source : where it is from.
    """

    name: str
    kind: str
    definition: tuple[str, ...]
    call: str
    steps: Mapping[str, str]
    gives: str
    errors: str
    source: str


def indicators() -> list[Indicator]:
    """Every measure that is a function, by room and name."""
    found = [_indicator(name) for name in measures.__all__ if inspect.isfunction(getattr(measures, name))]
    return sorted(found, key=lambda each: (each.kind, each.name))


def used_in(scripts: Iterable[str | Path]) -> dict[str, tuple[str, ...]]:
    """Measure → names of the scripts that use it, without their ending."""
    found: dict[str, list[str]] = {}
    for script in sorted(map(Path, scripts)):
        for name in used_by(script.read_text("utf-8")):
            found.setdefault(name, []).append(script.stem)
    return {name: tuple(stems) for name, stems in found.items()}


def used_by(text: str) -> list[str]:
    """The measures that a script names, in the order of the alphabet."""
    named: set[str] = set()
    for single, several in _USE.findall(text):
        named |= {single, *re.findall(r"[A-Za-z_]\w*", several)}
    return sorted(named & set(measures.__all__))


def _indicator(name: str) -> Indicator:
    function = getattr(measures, name)
    text = inspect.getdoc(function) or ""
    body, parts = _parts(text)
    source = parts.get("Source", "")
    if found := _SOURCE.search(text):
        source = found.group(1)
    definition = _SOURCE.sub("", "\n\n".join([body, parts.get("Methods", "")]))
    room = measures.room_of(name).removeprefix(f"{measures.__name__}.").split(".")[0]
    return Indicator(
        name=name,
        kind=room.replace("_", "-"),
        definition=tuple(part.strip() for part in re.split(r"\n\s*\n", definition) if part.strip()),
        call=f"measures.{name}{_shown(function)}",
        steps={
            key: _line(value) for key, value in _ENTRY.findall(_SOURCE.sub("", parts.get("Parameters", "")))
        },
        gives=_line(_SOURCE.sub("", parts.get("Returns", ""))),
        errors=_line(_SOURCE.sub("", parts.get("Raises", ""))),
        source=_line(source),
    )


def _shown(function: object) -> str:
    """Names and defaults of the parameters, without types."""
    made = []
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in made:
            made.append("*")
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        made.append(f"{parameter.name}{default}")
    return f"({', '.join(made)})"


def _parts(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the first heading, and the text below each."""
    cuts = [*_HEADING.finditer(text)]
    if not cuts:
        return text, {}
    ends = [cut.start() for cut in cuts[1:]] + [len(text)]
    below = {cut.group(1): text[cut.end() : end].strip("\n") for cut, end in zip(cuts, ends, strict=True)}
    return text[: cuts[0].start()], below


def _line(text: str) -> str:
    """On one line, a type or an error before what is said of it set off by a colon."""
    text = re.sub(r"^(\S+)\n[ ]+", r"\1: ", text.replace("``", "`"), flags=re.MULTILINE)
    return re.sub(r"\s+", " ", text).strip()
