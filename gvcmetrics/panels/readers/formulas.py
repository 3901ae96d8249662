"""Cells of a workbook that hold no value but an error, or a formula that was never calculated.

The reader of workbooks gives both as empty cells, and a missing value would then stand where the sheet
shows `#N/A`. So the sheet's own XML is looked at for them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from gvcmetrics.panels.readers.biff import errors_in_xls

# What spreadsheets show for an error; the last stands for a formula without a value.
UNCALCULATED = "#FORMULA!"
ERRORS = (
    *(
        "#DIV/0!",
        "#N/A",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#REF!",
        "#VALUE!",
        "#SPILL!",
        "#CALC!",
        "#GETTING_DATA",
    ),
    UNCALCULATED,
)
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_CHUNK = 1 << 20
_SIGNS = (b't="e"', b"<f", b":f>", b":f ")


def cells_in_error(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """The cells of a sheet without a value of their own: (row, column) from 1 → the error that it shows.

    Raises
    ------
    zipfile.BadZipFile, KeyError, ElementTree.ParseError, struct.error, IndexError, ValueError : the
        workbook is damaged.
    """
    if path.suffix.lower() == ".xls":
        return errors_in_xls(path).get(sheet, {})
    with zipfile.ZipFile(path) as packed:
        if path.suffix.lower() == ".ods":
            with packed.open("content.xml") as file:
                return dict(
                    _open_document_errors(ElementTree.iterparse(file, events=("start", "end")), sheet)
                )
        part = _part(packed, sheet)
        if part is None or not _may_have(packed, part):
            return {}
        with packed.open(part) as file:
            return dict(_errors(ElementTree.iterparse(file, events=("start", "end"))))


def _errors(events: Iterator[tuple[str, ElementTree.Element]]) -> Iterator[tuple[tuple[int, int], str]]:
    row, place = 0, 0
    for event, element in events:
        tag = element.tag.rpartition("}")[2]
        if tag == "row" and event == "start":
            row, place = int(element.get("r", row + 1)), 0
        elif tag == "row":
            element.clear()
        elif tag == "c" and event == "end":
            place = _column(element.get("r", "")) or place + 1
            value = element.findtext(f"{_MAIN}v")
            if element.get("t") == "e":
                yield (row, place), value or UNCALCULATED
            elif element.find(f"{_MAIN}f") is not None and not value and element.get("t") != "str":
                yield (row, place), UNCALCULATED


def _open_document_errors(
    events: Iterator[tuple[str, ElementTree.Element]], sheet: str
) -> Iterator[tuple[tuple[int, int], str]]:
    inside, row = False, 0
    for event, element in events:
        tag = element.tag
        if tag == f"{_TABLE}table" and event == "start":
            inside = element.get(f"{_TABLE}name") == sheet
        elif tag == f"{_TABLE}table" and inside:
            return
        elif tag == f"{_TABLE}table-row" and event == "end":
            if inside:
                errors = list(_row_errors(element))
                # Thousands of empty rows may be written as one; none of them has an error.
                repeats = int(element.get(f"{_TABLE}number-rows-repeated", 1))
                for number in range(row + 1, row + 1 + (repeats if errors else 0)):
                    yield from (((number, place), error) for place, error in errors)
                row += repeats
            element.clear()


def _row_errors(row: ElementTree.Element) -> Iterator[tuple[int, str]]:
    place = 0
    for cell in row:
        repeats = int(cell.get(f"{_TABLE}number-columns-repeated", 1))
        kind = cell.get(f"{_OFFICE}value-type")
        shown = "".join(cell.itertext()).strip()
        error = None
        if cell.get(f"{_CALC}value-type") == "error" or (kind == "string" and shown in ERRORS):
            error = shown if shown in ERRORS else "#VALUE!"
        elif cell.get(f"{_TABLE}formula") is not None and kind is None:
            error = UNCALCULATED
        if error is not None:
            yield from ((place + number, error) for number in range(1, repeats + 1))
        place += repeats


def _column(reference: str) -> int:
    number = 0
    for letter in re.sub("[^A-Z]", "", reference):
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _part(packed: zipfile.ZipFile, sheet: str) -> str | None:
    """The file of a sheet in the package."""
    book = ElementTree.fromstring(packed.read("xl/workbook.xml"))
    relation = next((s.get(_RELATION) for s in book.iter(f"{_MAIN}sheet") if s.get("name") == sheet), None)
    for found in ElementTree.fromstring(packed.read("xl/_rels/workbook.xml.rels")):
        if found.get("Id") == relation:
            target = found.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return None


def _may_have(packed: zipfile.ZipFile, part: str) -> bool:
    before = b""
    with packed.open(part) as file:
        while chunk := file.read(_CHUNK):
            if any(sign in before + chunk for sign in _SIGNS):
                return True
            before = chunk[-8:]
    return False
