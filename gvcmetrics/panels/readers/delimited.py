"""Delimited text (CSV, TSV) as a lazy relation in which every column is text."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlglot import exp

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.readers.line_ends import mixes_line_ends, with_one_line_end
from gvcmetrics.panels.spec.names import repeated
from gvcmetrics.panels.sql import file_argument, no_folder_keys

_HEADER_BYTES = 1 << 20
_CHUNK = 1 << 20
_FIRST_RECORDS = 1000
_DELIMITERS = (",", ";", "\t", "|")
REJECTS_LIMIT = 100
UNREAD_TABLE = "unread_numbers"


@dataclass(frozen=True)
class Dialect:
    """How a text file is written.

    Attributes
    ----------
    header_row : the line of the column names in the user's file, from 1.
    header_lines : how many lines they take.
    copied : is it read from a copy whose first line is the header, and every other one a line of the file?
    """

    delimiter: str
    header_row: int = 1
    header_lines: int = 1
    copied: bool = False

    @property
    def first_row(self) -> int:
        """The line of the first record in the user's file."""
        return self.header_row + self.header_lines


def as_utf8(path: Path, name: str, encoding: str, scratch: Path) -> Path:
    """The file itself if it is written in UTF-8, or a copy of it in UTF-8.

    Raises
    ------
    DataError : with the line that is not in the stated encoding.
    """
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii"):
        return path
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"utf8_{len(list(scratch.iterdir()))}{path.suffix}"
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    with open(path, "rb") as source, open(target, "wb") as copy:
        while True:
            chunk = source.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
                written = text.encode("utf-8")
            except UnicodeError as error:
                lines += chunk[: getattr(error, "start", 0)].count(b"\n")
                problem = f"the line is not {encoding} text"
                remedy = "State the right encoding as `read: {encoding: …}`"
                raise DataError(problem, Place(name, row=lines), remedy) from None
            lines += text.count("\n")
            copy.write(written)
            if not chunk:
                return target


def open_text(path: Path, name: str, dialect: Dialect, scratch: Path) -> tuple[Path, list[str], Dialect]:
    """The column names of a UTF-8 text file, and the file as an engine can read it.

    Engines count lines above a header each in its own way, and take no header of several lines or of
    another length than the records, nor two kinds of line ends; a file with any of these is copied
    without them.

    Raises
    ------
    DataError : as `read_header`.
    """
    header = _header(path, name, dialect)
    mixed = mixes_line_ends(path)
    if dialect.header_row == 1 and header.lines == 1 and header.fits and not mixed:
        return path, header.names, dialect
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"table_{len(list(scratch.iterdir()))}{path.suffix}"
    with open(path, "rb") as source, open(target, "wb") as copy:
        for _ in range(dialect.header_row - 1 + header.lines):
            windows = source.readline().endswith(b"\r\n") and not mixed
        copy.write(
            dialect.delimiter.join(f"c{place}" for place in range(len(header.names))).encode()
            + (b"\r\n" if windows else b"\n")
        )
        if mixed:
            copy.writelines(with_one_line_end(source))
        else:
            shutil.copyfileobj(source, copy, _CHUNK)
    return target, header.names, replace(dialect, header_lines=header.lines, copied=True)


def read_header(path: Path, name: str, dialect: Dialect) -> list[str]:
    """The column names of a UTF-8 text file.

    Columns without a name at either end are called after their place, for pandas writes none above its
    index and the World Bank ends its lines with a comma; between others it is more often a damaged
    header. R may leave out even the comma above its row numbers, and others write one that records lack.

    Raises
    ------
    DataError : the file is empty, not UTF-8, or a name is empty or stands twice.
    """
    return _header(path, name, dialect).names


@dataclass(frozen=True)
class _Header:
    """A header: its names, the lines it takes, and whether records have as many values as it has cells."""

    names: list[str]
    lines: int
    fits: bool


def _header(path: Path, name: str, dialect: Dialect) -> _Header:
    row = dialect.header_row
    with open(path, "rb") as file:
        for _ in range(row - 1):
            file.readline(_HEADER_BYTES)
        start = file.read(_HEADER_BYTES)
    text = _decoded(start, name, row)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter)
        names = [" ".join(cell.split()) if "\n" in cell else cell for cell in next(reader)]
        lines = reader.line_num
    except csv.Error as error:
        problem = f"the header cannot be read ({error})"
        raise DataError(problem, Place(name, row=row), "Check the file") from None
    if not names:
        problem = "the file is empty or starts with an empty line"
        raise DataError(problem, Place(name, row=row), "Check the file")
    quoted = text.startswith('"') and text.split("\n", lines)[-1].startswith('"1"')
    fitted = _fitted(names, _first_records(reader, len(start) < _HEADER_BYTES), quoted)
    _refuse_unnamed(fitted, Place(name, row=row))
    called = [found if found.strip() else f"column {place}" for place, found in enumerate(fitted, 1)]
    twice = repeated(called)
    if twice is not None:
        raise DataError(
            "two columns have this name", Place(name, row=row, column=twice), "Rename one of them"
        )
    return _Header(called, lines, len(fitted) == len(names))


def _decoded(start: bytes, name: str, row: int) -> str:
    line = start.split(b"\n", 1)[0]
    if row == 1 and start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        remedy = "Write `read: {encoding: utf-16}` in the spec"
        raise DataError("the file is UTF-16 text, not UTF-8", Place(name, row=1), remedy)
    if not line.strip():
        problem = "the file is empty or starts with an empty line" if row == 1 else "there is no header here"
        raise DataError(problem, Place(name, row=row), "Check the file")
    try:
        line.decode("utf-8-sig")
    except UnicodeDecodeError:
        remedy = "Save the file as UTF-8, or state its encoding as `read: {encoding: cp1252}`"
        raise DataError("the header is not UTF-8 text", Place(name, row=row), remedy) from None
    return start.decode("utf-8-sig", errors="ignore")


def _first_records(reader: Iterator[list[str]], whole: bool) -> list[list[str]]:
    """The first records below a header; unless the file was read whole, the last may be cut off."""
    try:
        found = [fields for fields in itertools.islice(reader, _FIRST_RECORDS) if fields]
    except csv.Error:
        return []
    return found if whole or len(found) == _FIRST_RECORDS else found[:-1]


def _fitted(names: list[str], records: list[list[str]], quoted: bool) -> list[str]:
    """The cells of a header as the records need them.

    R names no column of row names where it writes without `col.names = NA`, and puts them in quotes. Both
    are asked for, for what else has one value too many in every line has more often a comma in a number.
    """
    widths = {len(fields) for fields in records}
    if len(widths) != 1:
        return names
    (width,) = widths
    if quoted and width == len(names) + 1 and all(f[0] == str(n) for n, f in enumerate(records, 1)):
        return ["", *names]
    if width < len(names) and not any(cell.strip() for cell in names[width:]):
        return names[:width]
    return names


def _refuse_unnamed(names: list[str], place: Place) -> None:
    named = [number for number, found in enumerate(names) if found.strip()]
    inner = range(named[0], named[-1]) if named else range(1)
    for number in inner:
        if not names[number].strip():
            problem = f"column {number + 1} has no name"
            raise DataError(problem, place, "Give every column a name in the header")


def better_delimiter(names: list[str], dialect: Dialect) -> str | None:
    """The sign that seems to separate the columns of a header that has but one."""
    counts = {sign: names[0].count(sign) for sign in _DELIMITERS if sign != dialect.delimiter}
    best = max(counts, key=lambda sign: counts[sign])
    return best if len(names) == 1 and counts[best] else None


def delimited_relation(
    paths: Sequence[Path],
    names: Iterable[str],
    dialect: Dialect,
    numbers: frozenset[str] = frozenset(),
    nulls: Iterable[str] = (),
) -> exp.Expression:
    """DuckDB's `read_csv` of files with the same columns, malformed lines set aside in `reject_errors`.

    Every column is text but `numbers`; with these, the texts `nulls` are no value in any column, and
    what is set aside is in UNREAD_TABLE, since it may be a number that cannot be read.
    """
    text = exp.Literal.string
    columns = exp.Struct(
        expressions=[
            exp.PropertyEQ(
                this=exp.to_identifier(name, quoted=True),
                expression=text("DOUBLE" if name in numbers else "VARCHAR"),
            )
            for name in names
        ]
    )
    options: dict[str, exp.Expression] = {
        "auto_detect": exp.false(),
        "header": exp.true(),
        "columns": columns,
        "delim": text(dialect.delimiter),
        "quote": text('"'),
        "escape": text('"'),
        "store_rejects": exp.true(),
        "rejects_limit": exp.Literal.number(REJECTS_LIMIT),
    }
    if numbers:
        options["rejects_table"], options["rejects_scan"] = text(UNREAD_TABLE), text(f"{UNREAD_TABLE}_scans")
        options["nullstr"] = exp.Array(expressions=[text(null) for null in nulls])
    arguments = [exp.EQ(this=exp.to_identifier(name), expression=value) for name, value in options.items()]
    files = exp.Array(expressions=[file_argument(path) for path in paths])
    return exp.Anonymous(this="read_csv", expressions=[files, no_folder_keys(), *arguments])


def lines_of(path: Path, dialect: Dialect, records: Iterable[int]) -> dict[int, int]:
    """The lines of the user's file at which records start.

    A record takes more than one line where a quoted value holds a newline, and empty lines are no
    records; hence the file is read again, up to the last record asked for.
    """
    wanted = sorted(set(records), reverse=True)
    found: dict[int, int] = {}
    limit = csv.field_size_limit(2**31 - 1)
    try:
        with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
            next(file, "")
            reader = csv.reader(file, delimiter=dialect.delimiter)
            record, line = 0, 0
            for fields in reader:
                if fields:
                    record += 1
                    while wanted and wanted[-1] <= record:
                        found[wanted.pop()] = dialect.first_row + line
                if not wanted:
                    break
                line = reader.line_num
    except csv.Error:
        pass  # what could be located is; the rest keeps its record number
    finally:
        csv.field_size_limit(limit)
    return found


def one_line_a_record(path: Path) -> bool:
    """Is every record on a line of its own? Sure where the file has neither quotes nor empty lines."""
    before = b"\n"
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            joined = before + chunk.replace(b"\r", b"")
            if b'"' in chunk or b"\n\n" in joined:
                return False
            before = joined[-1:]
    return True


def signs_in(path: Path, signs: Iterable[bytes]) -> set[bytes]:
    """Those of these bytes that stand in the file after the header's first line."""
    sought, found = set(signs), set()
    with open(path, "rb") as file:
        file.readline()
        while sought and (chunk := file.read(_CHUNK)):
            found |= {sign for sign in sought if sign in chunk}
            sought -= found
    return found


def padded(path: Path, dialect: Dialect, texts: Iterable[str], blanks: str) -> set[str]:
    """The spellings of these texts with blanks around them among the first cells of the file."""
    sign, blank = re.escape(dialect.delimiter), f"[{re.escape(blanks)}]"
    among = "|".join(re.escape(text) for text in texts)
    cell = re.compile(f"(?<=[{sign}\n])(?:{blank}+(?:{among}){blank}*|(?:{among}){blank}+)(?=[{sign}\r\n])")
    with open(path, "rb") as file:
        file.readline()
        start = file.read(_CHUNK).decode("utf-8", errors="replace")
    return set(cell.findall(start))
