"""`???` in a draft: what a person must fill in before the spec can be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gvcmetrics.errors import SpecError
from gvcmetrics.panels.spec.yaml_lines import Document, KeyPath

BLANK = "???"


def blanks(document: Document) -> list[SpecError]:
    """An error for each `???` of a spec, in the order of its lines."""
    paths = [path for path, value in _leaves(document.data, ()) if value == BLANK]
    remedy = "Replace ??? as the comment beside it says"
    return [
        SpecError("still to be filled in", document.place(path), remedy)
        for path in sorted(paths, key=document.line)
    ]


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    items = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if items is None:
        yield path, value
        return
    for key, inner in items:
        yield from _leaves(inner, (*path, key))
