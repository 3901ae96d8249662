"""Archives: a .gz of one file, a .zip, .tar, .tar.gz or .tgz of one or several.

Members are unpacked under names of our own. An archive whose members would leave its folder is refused,
and so is one that unpacks to far more than data compresses to: text of numbers shrinks to a tenth or a
twentieth, a bomb to a thousandth. A survey of two thousand columns with few answers shrinks as much as
a bomb, but it has lines.
"""

from __future__ import annotations

import errno
import fnmatch
import gzip
import lzma
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, cast

from gvcmetrics.errors import DataError, Place

LARGEST_RATIO = 200
_HARMLESS_BYTES = 50_000_000
# Of text in lines, which a sparse table is; what does not fit on the disk is refused at any size.
_HARMLESS_TEXT, _LONGEST_LINE = 4_000_000_000, 1 << 20
_CHUNK = 1 << 20
_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
# What zipfile and gzip raise on bytes that are none of theirs (NotImplementedError: a method they lack).
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    NotImplementedError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)


def unpack(path: Path, member: str | None, formats: tuple[str, ...], scratch: Path) -> list[tuple[str, Path]]:
    """The files of an archive, unpacked into `scratch`; a file that is no archive, as it is.

    Parameters
    ----------
    member : name or pattern (`*`) of the members to read; by default the only one of a known format.
    formats : endings of the files that can be read.

    Returns
    -------
    list of (name for messages, path)

    Raises
    ------
    DataError : the archive is damaged, cut off, a bomb, protected, leads out of its folder, or holds
        no file or several where one is meant.
    """
    if is_tar(path):
        with _reading(path), tarfile.open(path) as archive:
            return _untar(path, archive, member, formats, scratch)
    if path.suffix.lower() == ".gz":
        return [(path.name, _gunzip(path, scratch))]
    if path.suffix.lower() != ".zip":
        return [(path.name, path)]
    with _reading(path), zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        for info in members:
            _refuse_escape(path, info.filename)
        infos = {info.filename: info for info in members}
        chosen = _choose(path, list(infos), member, formats)
        return [(f"{path.name}: {name}", _unzip(path, archive, infos[name], scratch)) for name in chosen]


def is_tar(path: Path) -> bool:
    """Is the file a tar archive by its name: .tar, .tgz or .tar.gz?"""
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    return endings[-1:] in ([".tar"], [".tgz"]) or endings == [".tar", ".gz"]


def refuse_bomb(path: Path, packed: int, unpacked: int, lines: int = 0) -> None:
    """Raise DataError if so many bytes, in so many lines, hardly come from so few but by design."""
    harmless = _HARMLESS_TEXT if unpacked < _LONGEST_LINE * lines else _HARMLESS_BYTES
    if unpacked > harmless and unpacked > LARGEST_RATIO * packed:
        problem = f"it unpacks to more than {LARGEST_RATIO} times its size, as files made to fill a disk do"
        raise DataError(problem, Place(path.name), "Unpack it by hand if you trust it, and name the file")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise DataError("the disk is full", Place(path.name), "Free space and build again") from None
        problem = f"the archive is damaged or cut off ({str(error) or type(error).__name__})"
        raise DataError(problem, Place(path.name), "Restore the file, or download it again") from None
    except RuntimeError as error:
        # zipfile's way of saying that a member is encrypted
        problem = f"the archive cannot be unpacked ({error})"
        raise DataError(problem, Place(path.name), "Unpack it by hand and name the file") from None


def _refuse_escape(path: Path, name: str) -> None:
    # A backslash is an ordinary character to zipfile and a path to whoever unpacks on Windows.
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or PureWindowsPath(name).drive or ".." in parts or "\0" in name:
        problem = f"the member '{name}' leads out of the archive's folder"
        raise DataError(problem, Place(path.name), "Do not trust this archive")


def _choose(path: Path, names: list[str], member: str | None, formats: tuple[str, ...]) -> list[str]:
    if member is not None:
        named = [name for name in names if name == member]
        chosen = named or [name for name in names if fnmatch.fnmatchcase(name, member)]
        problem = f"the archive has no member '{member}'"
    else:
        chosen = [name for name in names if name.lower().endswith(formats) and not _is_hidden(name)]
        problem = "the archive holds no file that can be read"
        if len(chosen) > 1:
            chosen, problem = [], f"the archive holds {len(chosen)} files that could be meant"
    if not chosen:
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        remedy = f"Name one, or a pattern, as `read: {{member: …}}`. It holds: {shown or 'nothing'}"
        raise DataError(problem, Place(path.name), remedy)
    return sorted(chosen)


def _is_hidden(name: str) -> bool:
    """What a Mac puts beside each file, and what a listing does not show."""
    return name.startswith("__MACOSX/") or PurePosixPath(name).name.startswith(".")


def _untar(
    path: Path, archive: tarfile.TarFile, member: str | None, formats: tuple[str, ...], scratch: Path
) -> list[tuple[str, Path]]:
    infos = {info.name: info for info in archive.getmembers() if not info.isdir()}
    for name, info in infos.items():
        _refuse_escape(path, name)
        if not info.isreg():
            problem = f"the member '{name}' is no file but points to another"
            raise DataError(problem, Place(path.name), "Unpack it by hand and name the file")
    size = path.stat().st_size
    found = []
    for name in _choose(path, list(infos), member, formats):
        packed = archive.extractfile(infos[name])
        assert packed is not None
        found.append((f"{path.name}: {name}", _copy(path, packed, _target(scratch, Path(name).suffix), size)))
    return found


def _unzip(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, scratch: Path) -> Path:
    with archive.open(info) as packed:
        return _copy(path, packed, _target(scratch, Path(info.filename).suffix), info.compress_size)


def _gunzip(path: Path, scratch: Path) -> Path:
    with _reading(path), gzip.open(path) as packed:
        stream = cast("IO[bytes]", packed)
        return _copy(path, stream, _target(scratch, Path(path.stem).suffix), path.stat().st_size)


def _target(scratch: Path, suffix: str) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    return scratch / f"unpacked{len(list(scratch.iterdir()))}{suffix.lower()}"


def _copy(path: Path, packed: IO[bytes], target: Path, size: int) -> Path:
    room = shutil.disk_usage(target.parent).free
    done, lines = 0, 0
    with open(target, "wb") as file:
        while chunk := packed.read(_CHUNK):
            done += len(chunk)
            lines += chunk.count(b"\n")
            refuse_bomb(path, size, done, lines)
            if done > room:
                remedy = "Free space and build again"
                raise DataError("the unpacked file does not fit on the disk", Place(path.name), remedy)
            file.write(chunk)
    return target
