"""Cells of an old workbook (.xls) that hold an error, found in the records of the file itself.

The workbook is a stream in a compound file: sectors chained by a table, as in [MS-CFB]. The stream is a
row of records, as in [MS-XLS]: BOUNDSHEET says where each sheet begins, BOOLERR and FORMULA hold the
errors. A formula that gives an empty text and one that was never calculated look the same, and are empty.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CODES = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_FORMULA, _END, _BOUNDSHEET, _BOOLERR, _BEGIN = 0x0006, 0x000A, 0x0085, 0x0205, 0x0809
# BLANK, NUMBER, LABEL, RK, LABELSST; several at once in MULRK, MULBLANK, which end in their last column.
_ROWS_OF_CELLS = (0x00BD, 0x00BE)
_CELLS = (*_ROWS_OF_CELLS, _FORMULA, _BOOLERR, 0x0201, 0x0203, 0x0204, 0x027E, 0x00FD, 0x00D6)
_COLUMNS = 256
_NO_SECTOR = 0xFFFFFFF0  # from here on, numbers of sectors have other meanings
_ENTRY, _SMALL_SECTOR = 128, 64


def errors_in_xls(path: Path) -> dict[str, dict[tuple[int, int], str]]:
    """By sheet, the cells that hold an error: (row, column) from 1 → the error that it shows.

    Raises
    ------
    struct.error, IndexError, ValueError : the workbook is damaged, or a cell lies where no sheet has one,
        for which the reader of workbooks would make room.
    """
    stream = _workbook(path.read_bytes())
    return {name: dict(_errors(stream, start)) for name, start in _sheets(stream)}


def _errors(stream: bytes, start: int) -> Iterator[tuple[tuple[int, int], str]]:
    depth = 0  # a chart within the sheet begins and ends as a sheet does
    for kind, body in _records(stream, start):
        depth += (kind == _BEGIN) - (kind == _END)
        if depth == 0:
            return
        if kind in _CELLS and struct.unpack_from("<2xH", body)[0] >= _COLUMNS:
            raise ValueError(f"a cell lies beyond the {_COLUMNS} columns of a sheet")
        if kind in _ROWS_OF_CELLS and struct.unpack_from("<H", body, len(body) - 2)[0] >= _COLUMNS:
            raise ValueError(f"a cell lies beyond the {_COLUMNS} columns of a sheet")
        if kind == _BOOLERR and body[7] == 1:
            code = body[6]
        elif kind == _FORMULA and body[12:14] == b"\xff\xff" and body[6] == 2:
            code = body[8]
        else:
            continue
        row, place = struct.unpack_from("<HH", body)
        yield (row + 1, place + 1), _CODES.get(code, "#VALUE!")


def _sheets(stream: bytes) -> Iterator[tuple[str, int]]:
    """The sheets of a workbook, and where each begins in its stream."""
    wide = False
    for kind, body in _records(stream, 0):
        if kind == _BEGIN:
            wide = struct.unpack_from("<H", body)[0] >= 0x0600
        elif kind == _BOUNDSHEET:
            at, length = struct.unpack_from("<I", body)[0], body[6]
            if not wide:
                name = body[7 : 7 + length].decode("cp1252", errors="replace")
            elif body[7] & 1:
                name = body[8 : 8 + 2 * length].decode("utf-16-le", errors="replace")
            else:
                name = body[8 : 8 + length].decode("latin-1")
            yield name, at
        elif kind == _END:
            return


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _workbook(content: bytes) -> bytes:
    """The stream of the workbook in a compound file; a file that is no compound one is the stream itself."""
    if not content.startswith(_SIGNATURE):
        return content
    size = 1 << struct.unpack_from("<H", content, 30)[0]
    # The numbers of sectors in each table, for which the reader of workbooks makes room.
    if size < _ENTRY or max(struct.unpack_from("<II16xI4xI", content, 40)) * size > len(content):
        raise ValueError("its tables are larger than the file")
    first_entry, small_below, first_small = struct.unpack_from("<I4xII", content, 48)

    def sector(number: int) -> bytes:
        return content[(number + 1) * size : (number + 2) * size]

    listed = list(struct.unpack_from("<109I", content, 76))
    more = struct.unpack_from("<I", content, 68)[0]
    while more < _NO_SECTOR and len(listed) * size < len(content) + 109 * size:
        numbers = _numbers(sector(more))
        listed, more = [*listed, *numbers[:-1]], numbers[-1]
    table = _numbers(b"".join(sector(number) for number in listed if number < _NO_SECTOR))
    entries = b"".join(sector(number) for number in _chain(table, first_entry))
    root = None
    for at in range(0, len(entries) - _ENTRY + 1, _ENTRY):
        entry = entries[at : at + _ENTRY]
        name = entry[: max(0, struct.unpack_from("<H", entry, 64)[0] - 2)].decode(
            "utf-16-le", errors="replace"
        )
        begin, length = struct.unpack_from("<II", entry, 116)
        if length > len(content):
            raise ValueError("a stream is longer than the file")
        root = begin if root is None else root
        if name not in ("Workbook", "Book"):
            continue
        if length >= small_below:
            return b"".join(sector(number) for number in _chain(table, begin))[:length]
        small_table = _numbers(b"".join(sector(number) for number in _chain(table, first_small)))
        small = b"".join(sector(number) for number in _chain(table, root))
        parts = (small[n * _SMALL_SECTOR : (n + 1) * _SMALL_SECTOR] for n in _chain(small_table, begin))
        return b"".join(parts)[:length]
    return b""


def _numbers(content: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4]))


def _chain(table: list[int], number: int) -> Iterator[int]:
    for _ in range(len(table)):  # a damaged table may lead in a circle
        if number >= _NO_SECTOR:
            return
        yield number
        number = table[number]
