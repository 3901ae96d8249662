"""Writing files so that a reader, or a killed process, never sees half of one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this kind; there, leftovers are left alone
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends without an error.

    The writer holds a lock on its temporary file. A temporary file that nobody holds was left by a
    process that died, and the next writer of the same `path` removes it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.tmp")
    with open(temporary, "wb") as held:
        if fcntl is not None:
            fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
            shutil.rmtree(spill_folder(temporary), ignore_errors=True)


def spill_folder(temporary: Path) -> Path:
    """Where the engine may spill while it writes `temporary`; removed together with it."""
    return temporary.with_suffix(".spill")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_leftovers(path: Path) -> None:
    if fcntl is None:
        return
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        # Another writer may remove the same leftover at the same time, or still be writing it.
        with contextlib.suppress(OSError), open(leftover, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()
            shutil.rmtree(spill_folder(leftover), ignore_errors=True)
