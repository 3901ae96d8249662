"""Line ends of text files: a file in which they change, as files do that several programs have added to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_CHUNK = 1 << 20
_ENDS = re.compile(rb"\r\n?|\n")


def mixes_line_ends(path: Path) -> bool:
    """Do records end in more than one way? A line end within quotes is part of a value."""
    with open(path, "rb") as file:
        first = file.readline()
        file.seek(0)
        windows = first.endswith(b"\r\n")
        # To count is cheap, and most files have one kind of line end, within quotes as well.
        if all(_is_plain(chunk, windows) for chunk in _whole_ends(file)):
            return False
        file.seek(0)
        kinds: set[bytes] = set()
        for outside, part in _parts(file):
            if outside:
                kinds.update(_ENDS.findall(part))
                if len(kinds) > 1:
                    return True
    return False


def with_one_line_end(source: IO[bytes]) -> Iterator[bytes]:
    """The rest of a file with every record on a line that ends in a newline; values stay as they are."""
    for outside, part in _parts(source):
        yield _ENDS.sub(b"\n", part) if outside else part


def _is_plain(chunk: bytes, windows: bool) -> bool:
    returns = chunk.count(b"\r")
    if not windows:
        return returns == 0
    return chunk.count(b"\r\n") == returns == chunk.count(b"\n")


def _whole_ends(file: IO[bytes]) -> Iterator[bytes]:
    """A file in chunks that part no carriage return from the newline behind it."""
    while chunk := file.read(_CHUNK):
        if chunk.endswith(b"\r"):
            chunk += file.read(1)
        yield chunk


def _parts(file: IO[bytes]) -> Iterator[tuple[bool, bytes]]:
    """A file part by part, each outside or inside of quotes; the quotes are parts outside."""
    outside = True
    for chunk in _whole_ends(file):
        for number, part in enumerate(chunk.split(b'"')):
            if number:
                yield True, b'"'
                outside = not outside
            yield outside, part
