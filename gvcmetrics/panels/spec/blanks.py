"""What a draft leaves to a person: `???` to be filled in, and lines marked `#?` to be decided."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gvcmetrics.errors import Place, SpecError
from gvcmetrics.panels.spec.yaml_lines import Document, KeyPath

BLANK, MARK = "???", "#?"
_QUOTED = re.compile(r"""\"(?:[^"\\]|\\.)*"|'[^']*'""")


def blanks(document: Document) -> list[SpecError]:
    """An error for each `???` of a spec, in the order of its lines."""
    paths = [path for path, value in _leaves(document.data, ()) if value == BLANK]
    remedy = "Replace ??? as the comment beside it says"
    return [
        SpecError("still to be filled in", document.place(path), remedy)
        for path in sorted(paths, key=document.line)
    ]


def marks(path: Path) -> list[SpecError]:
    """An error for each line of a spec whose comment begins with `#?`."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        # A sign within quotes is part of a value, and one within a comment part of what it says.
        comment = re.search(r"(?:^|\s)(#.*)", _QUOTED.sub("", line))
        if comment and comment[1].startswith(MARK):
            at = Place(path.name, key=line.partition(":")[0].strip() or None, line=number)
            said = f"still marked `{MARK}`{comment[1][len(MARK) :].rstrip()}"
            found.append(
                SpecError(f"a guess of the draft is {said}", at, f"Decide it, and write `#` for `{MARK}`")
            )
    return found


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    items = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if items is None:
        yield path, value
        return
    for key, inner in items:
        yield from _leaves(inner, (*path, key))
