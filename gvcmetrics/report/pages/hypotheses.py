"""The list of hypotheses: what the field claims, and which study estimates it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gvcmetrics.errors import Place, SpecError

_REQUIRED = ("id", "source", "statement", "sign", "estimated_in")


def read_hypotheses(path: str | Path) -> list[dict[str, Any]]:
    """Hypotheses from YAML, a list of mappings.

    Of each the report uses id, source, statement, sign, `estimated_in` (names of studies, perhaps none),
    and `needs` and `get` (what is missing and how to get it), which are empty where the file has none.

    Raises
    ------
    SpecError
        If the file is no such list, an entry lacks a key, an id comes twice, or an entry that no study
        estimates does not say what it needs.
    """
    path = Path(path)
    try:
        entries = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        raise SpecError(
            "this is not YAML", Place(path.name, None if line is None else line + 1), "Mend the line."
        ) from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SpecError("this is no list of hypotheses", Place(path.name), "Begin each with '- id:'.")
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        key = str(entry.get("id", f"entry {number}"))
        if absent := [name for name in _REQUIRED if name not in entry]:
            raise SpecError(f"'{absent[0]}' is missing", Place(path.name, key=key), "Add it.")
        if not isinstance(entry["estimated_in"], list):
            raise SpecError("'estimated_in' is no list", Place(path.name, key=key), "Write [] for none.")
        if not entry["estimated_in"] and not entry.get("needs"):
            raise SpecError(
                "no study estimates it, and 'needs' is missing",
                Place(path.name, key=key),
                "Say what it needs.",
            )
        if key in seen:
            raise SpecError("the id comes twice", Place(path.name, key=key), "Rename one.")
        seen.add(key)
    blank = {"needs": "", "get": ""}
    return [{**blank, **entry, "id": str(entry["id"]), "sign": str(entry["sign"])} for entry in entries]
