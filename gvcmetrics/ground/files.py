"""Writing files and folders so that a reader, or a killed process, never sees half of one.

Everything is made in a workspace, a hidden folder beside its target, and takes its place by a rename.
A file replaces its predecessor in one step. A folder cannot: its predecessor is moved aside first, and
a process that dies between the two steps leaves it there, for the next one to move back (`recover`).

make runs this file as a program, to set up one environment at a time; it imports nothing but the
standard library.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this kind; there, leftovers are left alone
    fcntl = None  # type: ignore[assignment]


# EBADF is what NFS says of a lock on what is open for reading only, as a folder is.
_NO_LOCKS = (
    errno.ENOLCK,
    errno.ENOSYS,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EBADF,
    errno.EINVAL,
    errno.EACCES,
)


@contextlib.contextmanager
def workspace(target: Path) -> Iterator[Path]:
    """A folder beside `target` to make it in, removed when the block ends.

    The owner holds a lock on it. A workspace that nobody holds was left by a process that died, and
    the next one of the same target removes it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    with contextlib.ExitStack() as held:
        folder = _held_folder(target, held)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process is in a block of the same path, then run this one.

    The path is an empty file that stays. Where a disk has no locks nobody waits.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with _locked(path):
        yield


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file that takes the place of `path` when the block ends without an error."""
    with workspace(path) as folder:
        temporary = folder / path.name
        temporary.touch()
        yield temporary
        put_file(temporary, path)


def put_file(made: Path, target: Path) -> None:
    """Put a whole file in its place."""
    flush(made)
    os.replace(made, target)


def put_folder(made: Path, target: Path) -> None:
    """Put a whole folder in its place, its predecessor gone."""
    for path in (*made.rglob("*"), made):
        flush(path)
    aside = _aside(target)
    with _locked(target.parent):
        _recover(target)
        if target.exists():
            os.rename(target, aside)
        os.rename(made, target)
    shutil.rmtree(aside, ignore_errors=True)


def recover(target: Path) -> None:
    """Put back a folder that was moved aside by a process that died before it put the new one there."""
    if _aside(target).exists():
        with _locked(target.parent):
            _recover(target)


def flush(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.earlier")


def _recover(target: Path) -> None:
    aside = _aside(target)
    if target.exists():
        shutil.rmtree(aside, ignore_errors=True)
    elif aside.exists():
        os.rename(aside, target)


def _held_folder(target: Path, held: contextlib.ExitStack) -> Path:
    while True:
        folder = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(3)}.tmp")
        folder.mkdir()
        # Between the two, another process may take it for one that nobody holds, and remove it.
        with contextlib.suppress(FileNotFoundError):
            held.enter_context(_locked(folder))
        if folder.exists():
            return folder


@contextlib.contextmanager
def _locked(folder: Path, wait: bool = True) -> Iterator[None]:
    if fcntl is None:
        yield
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            # Some network disks have no locks: there a build goes on without, and leftovers are left alone.
            if not wait or error.errno not in _NO_LOCKS:
                raise
        yield
    finally:
        os.close(opened)


def _remove_leftovers(target: Path) -> None:
    if fcntl is None:
        return
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        # Another process may remove the same leftover at the same time, or still be working in it.
        with contextlib.suppress(OSError), _locked(leftover, wait=False):
            shutil.rmtree(leftover)


def write_atomic(path: str | Path, data: bytes | str) -> Path:
    """Write bytes, or text as UTF-8 with Unix line ends, so that nobody ever reads half a file.

    Returns
    -------
    `path` itself; missing folders are made.
    """
    path = Path(path)
    with replacing(path) as made:
        made.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return path


def main(lock: Path, command: list[str]) -> int:
    """Run a command while no other one of the same lock runs; its exit code."""
    with alone(lock):
        return subprocess.call(command)


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
