"""A checksum over the footer of a Parquet file.

Pages carry checksums of their own, but a page is found, typed and named by the footer, which carries none: a
bit that turned there changes what a column is called or holds, or who is said to have published it. The
checksum stands in the file's metadata, hence in the footer itself, and is taken with zeros in its place.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gvcmetrics.ground.provenance import METADATA_KEY

KEY = "gvcmetrics_footer"
# In the metadata of each part of a folder: the checksum of the record beside them.
RECORD_KEY = "gvcmetrics_record"
BLANK = "0" * 8
_MAGIC = b"PAR1"
# In the compact encoding of Thrift a text is its field, its length and its bytes.
_BEFORE = KEY.encode() + b"\x18\x08"
# What metadata of an earlier version held; beside any other word, that for the checksum has been damaged.
_UNSIGNED = {METADATA_KEY.encode(), b"gvcmetrics_input_output", b"ARROW:schema"}


def sign_footer(path: Path) -> None:
    """Put the checksum of the footer in the place of `BLANK`, which the file was written with under `KEY`."""
    start, footer = _footer(path)
    place = footer.rindex(_BEFORE) + len(_BEFORE)
    with path.open("r+b") as file:
        file.seek(start + place)
        file.write(_checksum(footer, place))


def check_footer(path: Path) -> None:
    """Compare a footer with its checksum; files that were written without one pass.

    Raises
    ------
    pyarrow.ArrowInvalid : they differ, or the file has no footer.
    """
    _, footer = _footer(path)
    place = footer.rfind(_BEFORE) + len(_BEFORE)
    if place < len(_BEFORE):
        words = set(pq.read_metadata(path).metadata or ())
        if words & {METADATA_KEY.encode(), RECORD_KEY.encode()} and not words <= _UNSIGNED:
            raise pa.ArrowInvalid("the metadata are not those that were written")
        return
    if footer[place : place + len(BLANK)] != _checksum(footer, place):
        raise pa.ArrowInvalid("the footer is not the one that was written")


def _footer(path: Path) -> tuple[int, bytes]:
    """Where the footer begins, and its bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - 8, 0))
        end = file.read(8)
        start = size - 8 - int.from_bytes(end[:4], "little")
        if end[4:] != _MAGIC or start < len(_MAGIC):
            raise pa.ArrowInvalid("the file has no footer")
        file.seek(start)
        return start, file.read(size - 8 - start)


def _checksum(footer: bytes, place: int) -> bytes:
    blank = footer[:place] + BLANK.encode() + footer[place + len(BLANK) :]
    return f"{zlib.crc32(blank):08x}".encode()
