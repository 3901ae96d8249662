"""Write a whole file or nothing."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomic(path: str | Path, data: bytes | str) -> Path:
    """Write `data` beside `path` and move it into place, so that nobody ever reads half a file.

    Parameters
    ----------
    path : where the file goes; missing folders are made.
    data : bytes, or text that is written as UTF-8 with Unix line ends.

    Returns
    -------
    Path
        `path` itself.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # One fixed name per target: what a killed run left behind is overwritten by the next one.
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as stream:
        stream.write(data.encode("utf-8") if isinstance(data, str) else data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, path)
    return path
