"""Errors of a spreadsheet are bad cells in old workbooks and in those of OpenDocument too."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.biff import errors_in_xls
from gvcmetrics.panels.readers.formulas import cells_in_error

Build = Callable[..., pd.DataFrame]
XLS = Path(__file__).parents[2] / "reference" / "workbooks" / "errors.xls"
SHEET = "Datos del año"
NAMES = {
    "office": "office:1.0",
    "table": "table:1.0",
    "text": "text:1.0",
    "style": "style:1.0",
}
SPACES = " ".join(f'xmlns:{key}="urn:oasis:names:tc:opendocument:xmlns:{uri}"' for key, uri in NAMES.items())
SPACES += ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
ERROR = (
    '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" '
    'calcext:value-type="error"{more}><text:p>{shown}</text:p></table:table-cell>'
)
UNCALCULATED = '<table:table-cell table:formula="of:=1+1"/>'
MANIFEST = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
TOWN = "  region: {from: town}\n"


def cell(value: str | float) -> str:
    if isinstance(value, str) and value.startswith("<"):
        return value
    if isinstance(value, str):
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value}"/>'


def write_ods(path: Path, rows: list[list[str | float]], above: str = "") -> None:
    def table(name: str, cells: list[list[str | float]], style: str) -> str:
        body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in cells)
        blank = '<table:table-row table:number-rows-repeated="1000000"><table:table-cell/></table:table-row>'
        return (
            f'<table:table table:name="{name}" table:style-name="{style}">{above}{body}{blank}</table:table>'
        )

    hidden = (
        '<style:style style:name="h" style:family="table"><style:table-properties table:display="false"/>'
    )
    styles = f"<office:automatic-styles>{hidden}</style:style></office:automatic-styles>"
    sheets = table(
        "Lists", [["id", "year", "workers", "town"], [9, 2019, 9, ERROR.format(more="", shown="#REF!")]], "h"
    )
    sheets += table(SHEET, rows, "t")
    content = f'<?xml version="1.0"?><office:document-content {SPACES}>{styles}<office:body>'
    content += f"<office:spreadsheet>{sheets}</office:spreadsheet></office:body></office:document-content>"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", MANIFEST)


def test_an_old_workbook_shows_its_errors_and_its_first_visible_sheet(
    project: Project, firms: Build, firms_spec: str
) -> None:
    shutil.copy(XLS, project.raw / "f.xls")
    assert cells_in_error(XLS, SHEET) == {(3, 3): "#N/A", (4, 3): "#DIV/0!"}
    assert cells_in_error(XLS, "Lists") == {}
    with pytest.raises(DataError, match=r"f.xls, row 3, column 'workers': '#N/A'.*2 of 3 rows"):
        firms(firms_spec, TOWN, source="{file: raw/f.xls}")
    kept = firms(firms_spec, TOWN + 'missing: ["", "#N/A", "#DIV/0!"]\n', source="{file: raw/f.xls}")
    assert kept["region"].tolist() == ["Quito", "Loja", "Ibarra"]
    assert kept["employment"].tolist()[:1] == [5]


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        (ERROR.format(more="", shown="#DIV/0!"), "#DIV/0!"),
        (ERROR.format(more="", shown="Err:502"), "#VALUE!"),
        ("#N/A", "#N/A"),
        (UNCALCULATED, "#FORMULA!"),
    ],
)
@pytest.mark.parametrize("place", [2, 3])
def test_a_sheet_of_open_document_shows_its_errors(
    project: Project, firms: Build, firms_spec: str, wrong: str, shown: str, place: int
) -> None:
    rows: list[list[str | float]] = [
        ["id", "year", "workers", "town"],
        [1, 2019, 5, "Quito"],
        [2, 2019, 6, "Loja"],
    ]
    write_ods(project.raw / "f.ods", rows)
    assert firms(firms_spec, TOWN, source="{file: raw/f.ods}")["region"].tolist() == ["Quito", "Loja"]
    rows[2][place] = wrong
    write_ods(project.raw / "f.ods", rows)
    with pytest.raises(DataError, match=f"f.ods, row 3, column '{rows[0][place]}': '{shown}'"):
        firms(firms_spec, TOWN, source="{file: raw/f.ods}")


def test_repeated_cells_and_rows_are_counted(tmp_path: Path) -> None:
    twice = ERROR.format(more=' table:number-columns-repeated="2"', shown="#REF!")
    above = '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>'
    write_ods(tmp_path / "f.ods", [["a", twice, "b"]], above)
    assert cells_in_error(tmp_path / "f.ods", SHEET) == {(4, 2): "#REF!", (4, 3): "#REF!"}


@pytest.mark.parametrize("length", [20, 513, 600, 1500, 3000])
def test_a_workbook_that_is_cut_off_is_named(
    project: Project, firms: Build, firms_spec: str, length: int
) -> None:
    """The reader of workbooks gives up on some of these by an exception that is none of Python's."""
    (project.raw / "f.xls").write_bytes(XLS.read_bytes()[:length])
    with pytest.raises(DataError, match=r"f.xls: the workbook is damaged, cut off or protected"):
        firms(firms_spec, source="{file: raw/f.xls}")


@pytest.mark.parametrize(("at", "wrong"), [(44, 2**31 - 1), (64, 2**31 - 1), (72, 2**31 - 1)])
def test_no_room_is_made_for_what_a_damaged_workbook_claims(tmp_path: Path, at: int, wrong: int) -> None:
    content = bytearray(XLS.read_bytes())
    content[at : at + 4] = wrong.to_bytes(4, "little")
    (tmp_path / "f.xls").write_bytes(content)
    with pytest.raises(ValueError, match="larger than the file"):
        errors_in_xls(tmp_path / "f.xls")
