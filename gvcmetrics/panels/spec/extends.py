"""`extends: NAME`: a spec on top of a layout preset.

A preset is a YAML file with any part of a spec: `presets/NAME.yaml` beside the specs of the project,
or else beside this module. Maps are merged key by key and the spec has the last word; a column that
states another source (`from`, `constant`, …) drops the preset's. `requires` lists what a preset cannot
know and a spec must say.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from gvcmetrics.errors import Place, SpecError
from gvcmetrics.ground.files import sha256
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.spec.words import SOURCE_WORDS, TESTS
from gvcmetrics.panels.spec.yaml_lines import Document, KeyPath, read_yaml

_SHIPPED = Path(__file__).parents[1] / "presets"
_EXCLUSIVE = (SOURCE_WORDS, TESTS)


def preset_names(folder: Path) -> list[str]:
    """The presets that a spec in `folder` may extend."""
    return sorted({file.stem for where in (folder / "presets", _SHIPPED) for file in where.glob("*.yaml")})


def with_presets(document: Document, folder: Path, below: tuple[str, ...] = ()) -> Document:
    """A spec's document merged over the presets that it extends.

    Raises
    ------
    SpecError : no such preset, a preset that extends itself, or one that is no map.
    """
    if not isinstance(document.data, dict) or document.data.get("extends") is None:
        return document
    name, place = document.data["extends"], document.place(("extends",))
    known = preset_names(folder)
    if name not in known:
        remedy = did_you_mean(name, known, f"Presets: {', '.join(known)}")
        raise SpecError(f"there is no preset '{name}'", place, remedy)
    if name in below:
        chain = " → ".join([*below[below.index(name) :], name])
        raise SpecError(f"presets extend one another in a circle ({chain})", place, "Remove one `extends`")
    base = read_yaml(_preset_file(name, folder))
    if not isinstance(base.data, dict):
        raise SpecError("a preset must be a map of keys", Place(base.file), "Write `columns:` and the like")
    return _merged(document, with_presets(base, folder, (*below, name)))


def spec_digest(path: Path) -> str:
    """SHA-256 of a spec; of one that extends presets, of the checksums of all its files.

    Empty where they cannot be read, are not there, or extend one another in a circle.
    """
    files = [path]
    try:
        while isinstance(data := read_yaml(files[-1]).data, dict) and data.get("extends") is not None:
            name = data["extends"]
            if name not in preset_names(path.parent) or _preset_file(name, path.parent) in files:
                return ""
            files.append(_preset_file(name, path.parent))
    except SpecError:
        return ""
    digests = [sha256(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def refuse_unmet(document: Document) -> None:
    """Raise SpecError for the first thing that a preset requires and the spec does not say."""
    required = document.data.get("requires")
    for wanted, why in (required if isinstance(required, dict) else {}).items():
        found: Any = document.data
        for part in wanted.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if found is None:
            name = document.data.get("extends")
            where = Place(document.file, key=wanted)
            raise SpecError(f"the preset '{name}' needs `{wanted}`", where, str(why))


def _preset_file(name: str, folder: Path) -> Path:
    own = folder / "presets" / f"{name}.yaml"
    return own if own.exists() else _SHIPPED / f"{name}.yaml"


def _merged(top: Document, base: Document) -> Document:
    data = _merge(top.data, base.data, ())
    lines = {**base.lines, **top.lines}
    files = {path: base.files.get(path, base.file) for path in base.lines if path not in top.lines}
    return Document(top.file, data, lines, {**files, **top.files})


def _merge(top: Any, base: Any, path: KeyPath) -> Any:
    if path == ("notes",) and isinstance(top, list) and isinstance(base, list):
        return [*base, *top]
    if not isinstance(top, dict) or not isinstance(base, dict):
        # A column without words (`year:`) adds nothing to what the preset says of it.
        return base if top is None and path[:1] == ("columns",) else top
    kept = dict(base)
    if len(path) == 2 and path[0] == "columns":
        for words in _EXCLUSIVE:
            if any(word in top for word in words):
                kept = {key: value for key, value in kept.items() if key not in words}
    for key, value in top.items():
        kept[key] = _merge(value, kept[key], (*path, key)) if key in kept else value
    return kept
