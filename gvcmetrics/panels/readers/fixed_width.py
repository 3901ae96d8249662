"""Text of fixed width: every value at its place in the line, as a dictionary or the spec says.

A dictionary is one of Stata's, for `infix` or `infile`: it names each variable with the places of its
first and last sign.

    infix dictionary {                      infile dictionary {
        str  id      1-4                        _column(1)  str4  id      %4s   "Firm"
             workers 5-9                        _column(5)  int   workers %5f   "Workers"
    }                                       }
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.readers.labelled import ROW
from gvcmetrics.panels.spec.names import repeated

FIXED = (".dat", ".raw", ".asc", ".prn")
_CHUNK_ROWS = 20_000
_BLANKS = " \t\r\n\x1a"
_TYPE = r"(?:byte|int|long|float|double|str[0-9]*)"
_INFIX = re.compile(rf"(?:{_TYPE}\s+)?(?P<name>[A-Za-z_]\w*)\s+(?P<first>[0-9]+)(?:\s*-\s*(?P<last>[0-9]+))?")
_INFILE = re.compile(
    rf"_column\(\s*(?P<first>[0-9]+)\s*\)\s*(?:{_TYPE}\s+)?(?P<name>[A-Za-z_]\w*)\s*"
    r'%-?(?P<width>[0-9]+)(?:\.(?P<decimals>[0-9]+))?[fges]s?\s*(?:"(?P<label>[^"]*)")?'
)
_HEAD = re.compile(r"\s*(infix|infile)?\s*dictionary\b[^{\n]*\{", re.I)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_SEVERAL_LINES = re.compile(
    r"_line\(|_newline|_lines\(\s*(?!1\s*\))|^\s*[2-9][0-9]*:|\b[2-9]\s+lines\b|^\s*/", re.M
)


@dataclass(frozen=True)
class Field:
    """The places of a value in its line, from 1, and how many digits are decimals where no point stands."""

    first: int
    last: int
    decimals: int = 0
    label: str = ""


def stated_fields(places: Mapping[str, Iterable[int]]) -> dict[str, Field]:
    """The fields that a spec states: a place, or the first and the last."""
    found = {name: list(numbers) for name, numbers in places.items()}
    return {name: Field(numbers[0], numbers[-1]) for name, numbers in found.items()}


def read_dictionary(path: Path) -> dict[str, Field]:
    """The fields of a Stata dictionary.

    Raises
    ------
    DataError : it is no dictionary, describes records of several lines, or has a line that says no field.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    text = _COMMENT.sub(_lines_of, text)
    text = re.sub(r"(?m)^\s*\*.*$|//.*$", "", text)
    head = _HEAD.match(text)
    if head is None:
        remedy = "Name a file that begins with `infix dictionary {` or `dictionary {`"
        raise DataError("this is no dictionary of Stata", Place(path.name), remedy)
    body = text[head.end() :].split("}", 1)[0]
    several = _SEVERAL_LINES.search(body)
    first_line = text[: head.end()].count("\n") + 1
    if several is not None:
        row = first_line + body[: several.start()].count("\n")
        problem = "records of several lines are not read"
        raise DataError(problem, Place(path.name, row=row), "Write each record on one line first")
    pattern = _INFIX if (head[1] or "").lower() == "infix" else _INFILE
    fields: list[tuple[str, Field]] = []
    for number, line in enumerate(body.split("\n"), first_line):
        said = re.sub(r"^\s*(?:_first\w*\(\s*1\s*\)|_lines\(\s*1\s*\)|_lrecl\([^)]*\))", "", line).strip()
        if not said:
            continue
        found = list(pattern.finditer(said))
        if not found or pattern.sub("", said).strip():
            remedy = "Write it as `_column(1) str4 id %4s`, or after `infix dictionary` as `str id 1-4`"
            raise DataError(f"'{said:.60}' says no field", Place(path.name, row=number), remedy)
        fields += [(match["name"], _field(match.groupdict())) for match in found]
    twice = repeated(name for name, _ in fields)
    if twice is not None or not fields:
        problem = "two fields have this name" if fields else "the dictionary names no field"
        raise DataError(problem, Place(path.name, column=twice), "Correct the dictionary")
    return dict(fields)


def _lines_of(comment: re.Match[str]) -> str:
    return "\n" * comment[0].count("\n")


def _field(said: dict[str, str | None]) -> Field:
    first = int(said["first"] or 1)
    width = said.get("width")
    last = first + int(width) - 1 if width else int(said.get("last") or first)
    return Field(first, last, int(said.get("decimals") or 0), said.get("label") or "")


def copy_fixed_width(
    path: Path, name: str, fields: Mapping[str, Field], wanted: Mapping[str, str], target: Path
) -> None:
    """Write the wanted fields of a UTF-8 text to a Parquet file, with the line in `#row`.

    `wanted` gives the name that each is written under. Empty lines are left out.

    Raises
    ------
    DataError : no line is as long as the fields need, or the text is not UTF-8.
    """
    schema = pa.schema([(ROW, pa.int64()), *((new, pa.string()) for new in wanted.values())])
    target.parent.mkdir(parents=True, exist_ok=True)
    longest, done = 0, 0
    with pq.ParquetWriter(target, schema) as writer, open(path, encoding="utf-8-sig", newline="\n") as file:
        try:
            while chunk := list(itertools.islice(file, _CHUNK_ROWS)):
                lines = [(done + n, line) for n, line in enumerate(chunk, 1) if line.strip(_BLANKS)]
                done += len(chunk)
                texts = pa.array([line.rstrip("\r\n\x1a") for _, line in lines], pa.string())
                longest = max(longest, pc.max(pc.utf8_length(texts)).as_py() or 0)
                columns = [pa.array([number for number, _ in lines], pa.int64())]
                columns += [_cut(texts, fields[column]) for column in wanted]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))
        except UnicodeDecodeError:
            remedy = "Save the file as UTF-8, or state its encoding as `read: {encoding: cp1252}`"
            raise DataError("the file is not UTF-8 text", Place(name), remedy) from None
    needed = max((fields[column].first for column in wanted), default=1)
    if longest < needed:
        problem = f"the longest line has {longest} signs, and a field begins at {needed}"
        raise DataError(problem, Place(name), "Check that the dictionary is that of the file")


def _cut(texts: pa.Array, field: Field) -> pa.Array:
    cells = pc.utf8_trim(pc.utf8_slice_codeunits(texts, field.first - 1, field.last), _BLANKS)
    if field.decimals:
        # As Stata reads them: the last digits are decimals unless the point itself stands there.
        padded = pc.replace_substring_regex(cells, "^([+-]?)([0-9]+)$", rf"\1{'0' * field.decimals}\2")
        parted = pc.replace_substring_regex(padded, f"^([+-]?[0-9]+)([0-9]{{{field.decimals}}})$", r"\1.\2")
        cells = pc.if_else(pc.match_substring_regex(cells, "^[+-]?[0-9]+$"), parted, cells)
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)
