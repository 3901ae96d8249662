"""What pydantic finds wrong in a spec, said with file, line, key and the nearest valid word."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gvcmetrics.errors import SpecError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.spec.words import (
    ColumnSpec,
    CrosswalkWords,
    FileSource,
    Item,
    Layout,
    LongToWide,
    Money,
    PartWords,
    Read,
    Spec,
    WideToLong,
)
from gvcmetrics.panels.spec.yaml_lines import Document, KeyPath

_PARTS: dict[str, type[BaseModel]] = {
    "columns": ColumnSpec,
    "crosswalk": CrosswalkWords,
    "part": PartWords,
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
    first = min(problems, key=lambda p: (document.line(_path(p["loc"], document)), p["type"] == "missing"))
    path = _path(first["loc"], document)
    place = document.place(path)
    parent = next((part for part in reversed(path[:-1]) if part in _PARTS), None)
    fields = (words if parent is None else _PARTS[str(parent)]).model_fields
    by_key = {field.alias or name: field.annotation for name, field in fields.items()}
    if first["type"] == "extra_forbidden":
        valid = list(by_key)
        remedy = did_you_mean(path[-1], valid, f"Valid keys here: {', '.join(valid)}")
        return SpecError("unknown key", place, remedy)
    if first["type"] == "missing":
        return SpecError(f"the key '{path[-1]}' is absent", place, "Add it")
    if first["type"] == "literal_error":
        given, valid = str(first["input"]), _literals(by_key.get(str(path[-1])))
        remedy = did_you_mean(given, valid, f"Valid: {', '.join(map(repr, valid))}")
        return SpecError(f"'{given:.60}' is not valid here", place, remedy)
    problem, remedy = _in_words(first, path)
    return SpecError(f"{problem} (found {first['input']!r:.60})", place, remedy)


def _in_words(error: ErrorDetails, path: KeyPath) -> tuple[str, str]:
    """What is wrong with one value, and what to write."""
    kind, given, key = error["type"], error["input"], str(path[-1]) if path else ""
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        is_column = len(path) == 2 and path[0] == "columns" and isinstance(given, str)
        value = f"from: {given}" if is_column else "key: value"
        named = "" if key.isdigit() else f"{key}: "
        return "keys with values are needed here", f"Write `{named}{{{value}}}`"
    if kind == "list_type":
        return "a list is needed here", f"Write `{key}: [{given}]`" if _is_scalar(
            given
        ) else "Write `[one, two]`"
    if kind == "string_type":
        text = str(given).lower() if isinstance(given, bool) else str(given)
        return "a text is needed here", f'Put it in quotes: "{text}"' if _is_scalar(
            given
        ) else "Write one text"
    if kind == "bool_type":
        return "true or false is needed here", "Write `true` or `false`"
    if kind in ("int_type", "int_from_float", "float_type"):
        number = "a number" if kind == "float_type" else "a whole number"
        return f"{number} is needed here", "Write it without quotes and with a point, as in 12 or 0.01"
    if kind == "too_short":
        least = error["ctx"]["min_length"]
        values = "one value" if least == 1 else f"{least} values"
        return f"at least {values} must stand here", "Add what is lacking, or remove the key"
    if kind == "too_long":
        return f"at most {error['ctx']['max_length']} values are allowed here", "Remove the others"
    if kind == "string_pattern_mismatch":
        return "not written as it must be", "A currency has three capital letters, as in EUR"
    message = error["msg"].removeprefix("Value error, ")
    return message[0].lower() + message[1:], "Correct the value"


def _literals(annotation: Any) -> list[str]:
    """The values that a closed list of words allows."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for part in get_args(annotation) for value in _literals(part)]


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float))


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
