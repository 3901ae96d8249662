"""Hypotheses read from YAML; every mistake is named by file, line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gvcmetrics.claims.claim import (
    ENTRIES,
    Claim,
    Construct,
    Equation,
    Errors,
    Family,
    Rule,
    Target,
    TreatedAs,
)
from gvcmetrics.claims.refuse import first_fault
from gvcmetrics.errors import SpecError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.spec.yaml_lines import Document, KeyPath, read_yaml

_PARTS: dict[str, type[BaseModel]] = {
    "constructs": Construct,
    "equations": Equation,
    "expect": Rule,
    "less": Target,
    "effects": TreatedAs,
    "errors": Errors,
    "family": Family,
}
_WORDS = {
    "tuple_type": ("a list is needed here", "Write `[one, two]`"),
    "string_type": ("a text is needed here", 'Put it in quotes, as in "5.4"'),
    "float_type": ("a number is needed here", "Write it without quotes, as in 0.05"),
    "int_type": ("a whole number is needed here", "Write it without quotes, as in 12"),
    "bool_type": ("true or false is needed here", "Write `true` or `false`"),
    "model_type": ("keys with values are needed here", "Write `{key: value}`"),
    "dict_type": ("keys with values are needed here", "Write `name: {measure: column, of: x}`"),
    "too_short": ("at least one must stand here", "Add it"),
    "string_too_short": ("this is too short", "Write the claim out"),
    "string_pattern_mismatch": ("letters, digits and underscores are needed here", "Rename it"),
}


def read_claims(path: str | Path) -> tuple[Claim, ...]:
    """The hypotheses of a file, in its order.

    Raises
    ------
    SpecError : with file, line and key: an unknown or absent key, a word that is not of the vocabulary, a
        name that nothing has, an id that stands twice, or a rule that no data could fail.
    """
    document = read_yaml(Path(path))
    if not isinstance(document.data, list):
        raise SpecError("this is no list of hypotheses", document.place(()), "Begin each with '- id:'")
    try:
        claims = ENTRIES.validate_python(document.data)
    except ValidationError as error:
        raise _explain(error, document) from None
    fault = first_fault(claims)
    if fault is not None:
        raise SpecError(fault.problem, document.place(fault.path), fault.remedy)
    return claims


def _explain(error: ValidationError, document: Document) -> SpecError:
    """The first mistake by line."""
    everything = error.errors()
    # A key that is absent is often one that is misspelled beside it: the misspelling is the news.
    misspelt = {each["loc"][:-1] for each in everything if each["type"] == "extra_forbidden"}
    problems = [
        each
        for each in everything
        if not _follows(each) and not (each["type"] == "missing" and each["loc"][:-1] in misspelt)
    ] or everything
    found = [(problem, _path(problem["loc"], document)) for problem in problems]
    found.sort(key=lambda each: document.line(each[1]))
    problem, path = found[0]
    place, kind, given = document.place(path), problem["type"], problem["input"]
    if kind == "extra_forbidden":
        valid = list(_part_of(path).model_fields)
        return SpecError(
            "unknown key", place, did_you_mean(path[-1], valid, f"Valid keys here: {', '.join(valid)}")
        )
    if kind == "missing":
        return SpecError(f"the key '{path[-1]}' is absent", place, "Add it")
    if kind == "literal_error":
        field = _part_of(path).model_fields.get(str(path[-1]))
        valid = [str(word) for word in get_args(field.annotation)] if field else []
        remedy = did_you_mean(given, valid, f"Valid: {', '.join(valid)}")
        return SpecError(f"'{given!s:.60}' is not valid here", place, remedy)
    said, remedy = _WORDS.get(kind, (problem["msg"], "Correct the value"))
    return SpecError(f"{said} (found {given!r:.60})", place, remedy)


def _follows(problem: ErrorDetails) -> bool:
    """Whether a mistake only follows from another: a list whose entries are wrong counts as too short, and a
    construct that is wrong is not the other thing that it could be, one or a list."""
    wanted, given = problem["type"], problem["input"]
    return (
        (wanted == "too_short" and bool(given))
        or (wanted == "model_type" and isinstance(given, list))
        or (wanted in ("tuple_type", "string_type", "float_type") and isinstance(given, dict | list))
    )


def _part_of(path: KeyPath) -> type[BaseModel]:
    return next((_PARTS[str(part)] for part in reversed(path[:-1]) if part in _PARTS), Claim)


def _path(loc: tuple[Any, ...], document: Document) -> KeyPath:
    """The keys among pydantic's location, which also names the members of unions."""
    path: KeyPath = ()
    for part in loc:
        if (*path, part) in document.lines:
            path = (*path, part)
    last = loc[-1]
    named = isinstance(last, str) and "[" not in last and last not in ("str", "float", "Construct")
    return path if (path and path[-1] == last) or not named else (*path, last)
