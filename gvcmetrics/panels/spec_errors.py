"""What pydantic finds wrong in a spec, said with file, line, key and the nearest valid word."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from gvcmetrics.errors import SpecError
from gvcmetrics.panels.spec_columns import nearest
from gvcmetrics.panels.spec_words import (
    ColumnSpec,
    CrosswalkWords,
    FileSource,
    Item,
    Layout,
    LongToWide,
    Money,
    Read,
    Spec,
    WideToLong,
)
from gvcmetrics.panels.yaml_lines import Document, KeyPath

_PARTS: dict[str, type[BaseModel]] = {
    "columns": ColumnSpec,
    "crosswalk": CrosswalkWords,
    "any_of": Item,
    "all_of": Item,
    "layout": Layout,
    "long_to_wide": LongToWide,
    "wide_to_long": WideToLong,
    "source": FileSource,
    "read": Read,
    "money": Money,
}


def explain(error: ValidationError, document: Document, words: type[BaseModel] = Spec) -> SpecError:
    """The first problem, by line, as one sentence."""
    problems = error.errors()
    # For `source`, pydantic reports each member of the union; a map was meant when the file has one.
    nested = [p for p in problems if "FileSource" in p["loc"]]
    if isinstance(document.data.get("source"), dict) and nested:
        problems = [p for p in problems if p["loc"][:2] != ("source", "str")]
    # A key that is absent is often one that is misspelled in the same line: the misspelling is the news.
    first = min(
        problems, key=lambda p: (_place_of(_path(p["loc"], document), document), p["type"] == "missing")
    )
    path = _path(first["loc"], document)
    place = document.place(path)
    if first["type"] == "extra_forbidden":
        parent = next((part for part in reversed(path[:-1]) if part in _PARTS), None)
        model = _PARTS[str(parent)] if parent is not None else words
        valid = [field.alias or name for name, field in model.model_fields.items()]
        remedy = nearest(str(path[-1]), valid) or f"Valid keys here: {', '.join(valid)}"
        return SpecError("unknown key", place, remedy)
    if first["type"] == "missing":
        return SpecError(f"the key '{path[-1]}' is absent", place, "Add it")
    if first["type"] == "literal_error":
        given = str(first["input"])
        expected = first.get("ctx", {}).get("expected", "")
        valid = expected.replace("'", "").replace(" or ", ", ").split(", ")
        return SpecError(
            f"'{given:.60}' is not valid here", place, nearest(given, valid) or f"Valid: {expected}"
        )
    message = first["msg"][0].lower() + first["msg"][1:]
    return SpecError(f"{message} (found {first['input']!r:.60})", place, "Correct the value")


def _place_of(path: KeyPath, document: Document) -> int:
    """The line of a key path, or of its nearest parent that has one."""
    while path and path not in document.lines:
        path = path[:-1]
    return document.lines.get(path, 0)


def _path(loc: tuple[int | str, ...], document: Document) -> KeyPath:
    """The key path in the file of pydantic's location, which also names types and union members."""
    path: KeyPath = ()
    for part in loc:
        inside = (*path, part)
        named = part not in ("str", "int", "float", "FileSource") and not str(part).startswith(
            ("list[", "dict[", "function-", "constrained-", "nullable", "literal[")
        )
        if inside in document.lines or (part == loc[-1] and named):
            path = inside
    return path
