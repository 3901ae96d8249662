"""The bytes behind a built panel: its raw files and tables, and whether they are still what they were.

Beside the panels lies `.NAME.inputs.json`, with size, time and checksum of every file that the build read,
and the patterns that found them. It says what is on this machine, so it is no part of the panel. Size and
time are compared first; only a file that differs in either is read, to compare its checksum.

make runs this file as a program, once for all panels; it imports nothing but the standard library.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path


def write_inputs(record: Path, files: Iterable[Path], patterns: Iterable[tuple[Path, str]]) -> None:
    """Record the files that a build read, and the patterns (a folder, what was sought) that found them."""
    stated = {str(path.absolute()): [*_stat(path), digest(path)] for path in files}
    found = [[str(folder.absolute()), pattern, _matches(folder, pattern)] for folder, pattern in patterns]
    _put(record, {"files": stated, "patterns": found})


def changed_input(record: Path) -> str | None:
    """The name of the first file that is not what it was, or None; also where nothing is recorded.

    A file that is gone, as where a mirror is not mounted, has not changed: the panel is all there is of it.
    """
    try:
        stored = json.loads(record.read_text(encoding="utf-8"))
        files, patterns = stored["files"], stored["patterns"]
    except (OSError, ValueError, KeyError):
        return None
    for folder, pattern, matched in patterns:
        news = sorted(set(_matches(Path(folder), pattern)) - set(matched))
        if news:
            return Path(news[0]).name
    touched = False
    for name, (size, time, checksum) in files.items():
        path = Path(name)
        if not path.is_file() or _stat(path) == (size, time):
            continue
        if path.stat().st_size != size or digest(path) != checksum:
            return path.name
        files[name] = [*_stat(path), checksum]
        touched = True
    if touched and os.access(record.parent, os.W_OK):
        _put(record, stored)
    return None


def digest(path: Path) -> str:
    """SHA-256 of a file, computed once for a file that stays as it is."""
    return _digest(str(path), *_stat(path))


@cache
def _digest(name: str, size: int, time: int) -> str:
    with open(name, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stat(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _matches(folder: Path, pattern: str) -> list[str]:
    return sorted(str(path.absolute()) for path in folder.glob(pattern) if path.is_file())


def _put(record: Path, content: dict) -> None:
    made = record.with_name(f"{record.name}.{os.getpid()}")
    made.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(made, record)


def main(folder: Path) -> None:
    """Print the state file of each panel in a folder whose inputs changed."""
    for record in sorted(folder.glob(".*.inputs.json")):
        if changed_input(record) is not None:
            print(folder / f"{record.name[1:].removesuffix('.inputs.json')}.state")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
