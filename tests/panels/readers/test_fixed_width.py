"""Text of fixed width gives the panel of the same rows as CSV, by places in the spec or by a dictionary."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pandas as pd
import pytest

from gvcmetrics.errors import DataError, GvcError, SpecError
from gvcmetrics.ground.files import sha256
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.fixed_width import Field, read_dictionary

Build = Callable[..., pd.DataFrame]
# Made up: a firm in 1–4, the year in 5–8, workers in 9–13, sales in cents in 14–20, a town in 21–28.
LINES = [
    "a1  2019   10     55Ibarra  ",
    "b2  2020      1234.5Cuenca",
    "",
    "ñ3  2020 1200   -305Ibarra",
    "d4  2021    7 123456",
]
INFIX = """infix dictionary using f.dat {
  * a comment
  str id 1-4  int year 5-8
  workers 9-13   // how many
  double sales 14-20
  str town 21-28
}
"""
INFILE = """dictionary {
  _lrecl(28)
  _column(1)   str4   id      %4s    "Firm"
  _column(5)   int    year    %4f
  _column(9)          workers %5.0g  "Workers, on 31 December"
  _column(14)  double sales   %7.2f
  _column(21)  str8   town    %8s
}
"""
PLACES = "{id: [1, 4], year: [5, 8], workers: [9, 13], sales: [14, 20], town: [21, 28]}"
EXTRA = "  cents: {from: sales, type: number, unit: cents, label: Sales}\n  region: {from: town}\n"


def built(firms: Build, file: str, read: str) -> pd.DataFrame:
    return firms(extra=f"{EXTRA}read: {read}\n", source=f"{{file: raw/{file}}}").set_index("firm_id")


@pytest.mark.parametrize("read", [f"{{fixed: {PLACES}}}", "{dictionary: raw/f.dct}"])
@pytest.mark.parametrize("file", ["f.dat", "f.txt", "f.raw.gz"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_places_and_dictionaries_give_the_same(
    project: Project, firms: Build, read: str, file: str, ends: str
) -> None:
    content = ends.join(LINES).encode()
    (project.raw / file).write_bytes(gzip.compress(content) if file.endswith("gz") else content)
    (project.raw / "f.dct").write_text(INFIX)
    panel = built(firms, file, read)
    assert panel.index.tolist() == ["a1", "b2", "d4", "ñ3"]
    assert panel["year"].tolist() == [2019, 2020, 2021, 2020]
    assert panel["employment"].fillna(-1).tolist() == [10, -1, 7, 1200]
    assert panel["cents"].tolist() == [55, 1234.5, 123456, -305]
    assert panel["region"].fillna("").tolist() == ["Ibarra", "Cuenca", "", "Ibarra"]


def test_implied_decimals_are_those_of_stata(project: Project, firms: Build) -> None:
    (project.raw / "f.dat").write_text("\n".join(LINES), encoding="cp1252")
    (project.raw / "f.dct").write_text(INFILE)
    panel = built(firms, "f.dat", "{dictionary: raw/f.dct, encoding: cp1252}")
    assert panel["cents"].tolist() == [0.55, 1234.5, 1234.56, -3.05]
    assert read_dictionary(project.raw / "f.dct")["workers"] == Field(9, 13, 0, "Workers, on 31 December")


def test_a_bad_cell_has_its_line(project: Project, firms: Build) -> None:
    (project.raw / "f.dat").write_text("\n".join(LINES).replace(" 1200", "12x00"))
    with pytest.raises(DataError, match=r"f.dat, row 4, column 'workers': '12x00': not a number"):
        built(firms, "f.dat", f"{{fixed: {PLACES}}}")


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ("{fixed: {id: [4, 1]}}", r"key 'read.fixed.id': the first place lies behind the last"),
        ("{fixed: {id: [0, 1]}}", r"key 'read.fixed.id.0'"),
        (f"{{fixed: {PLACES}, dictionary: raw/f.dct}}", "`fixed` and `dictionary` exclude one another"),
        (f"{{fixed: {PLACES}, delimiter: ','}}", "`fixed` and `delimiter` exclude one another"),
        ("{dictionary: raw/none.dct}", "there is no file 'raw/none.dct' in the data folder"),
        ("{dictionary: ../f.dct}", "leaves the data folder"),
        ("{}", "no column says where its values stand"),
        (f"{{fixed: {PLACES.replace('workers', 'staff')}}}", "column 'workers': the column is absent"),
        (f"{{fixed: {PLACES.replace('[21, 28]', '[210, 217]')}}}", "a field begins at 210"),
    ],
)
def test_what_cannot_be_is_refused(project: Project, firms: Build, read: str, said: str) -> None:
    (project.raw / "f.dat").write_text("\n".join(LINES))
    (project.raw / "f.dct").write_text(INFIX)
    with pytest.raises(GvcError, match=said):
        built(firms, "f.dat", read)


def test_a_workbook_has_no_places(project: Project, firms: Build) -> None:
    pd.DataFrame({"id": [1]}).to_excel(project.raw / "f.xlsx")
    with pytest.raises(SpecError, match=r"'f.xlsx' is no text of fixed width"):
        built(firms, "f.xlsx", f"{{fixed: {PLACES}}}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id 1-4\n", "this is no dictionary of Stata"),
        ("infix dictionary {\n  id 1-4\n  what\n}\n", "row 3: 'what' says no field"),
        ("infix dictionary {\n  id 1-4\n  id 5-6\n}\n", "two fields have this name"),
        ("infix dictionary {\n}\n", "names no field"),
        ("infix 2 lines dictionary {\n  id 1-4\n}\n", "no dictionary"),
        ("dictionary {\n  _lines(2)\n  _column(1) int id %4f\n}\n", "row 2: records of several lines"),
        ("dictionary {\n  _column(1) int id %4f\n  _newline\n  _column(1) int x %4f\n}\n", "row 3: records"),
        ("dictionary {\n  _column(1) int id %4f\n  _skip(2) int x %4f\n}\n", "row 3: '_skip"),
    ],
)
def test_a_dictionary_that_is_not_understood_is_refused(project: Project, text: str, said: str) -> None:
    path = project.raw / "f.dct"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_dictionary(path)


def test_another_dictionary_makes_the_panel_stale(project: Project, firms: Build) -> None:
    (project.raw / "f.dat").write_text("\n".join(LINES))
    (project.raw / "f.dct").write_text(INFIX)
    built(firms, "f.dat", "{dictionary: raw/f.dct}")
    assert sha256(project.raw / "f.dct") in project.inputs_file("firms").read_text()
