"""Every raw format gives the same panel as the plain CSV file of the same rows."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from gvcmetrics.errors import DataError, GvcError, SpecError
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.archives import unpack
from gvcmetrics.panels.readers.labelled import copy_labelled, labelled_columns
from gvcmetrics.panels.readers.tables import FORMATS

Build = Callable[..., pd.DataFrame]

FRAME = pd.DataFrame(
    {
        "id": ["a1", "b2", "c3", "d4"],
        "year": [2019, 2020, 2020, 2021],
        "workers": [10.5, None, 1200.25, 7.0],
        "town": ["Ibarra", "Cuenca", "Ibarra", "Loja"],
    }
)
EXPECTED = {"a1": 10.5, "c3": 1200.25, "d4": 7.0}


def check(frame: pd.DataFrame) -> None:
    assert frame["firm_id"].tolist() == FRAME["id"].tolist()
    assert frame["year"].tolist() == FRAME["year"].tolist()
    assert frame.dropna(subset="employment").set_index("firm_id")["employment"].to_dict() == EXPECTED


def workbook(path: Path, rows: list[list[object]], first_row: int = 1, sheet: str = "Data") -> None:
    """A minimal .xlsx: one sheet, inline text."""
    cells = []
    for number, row in enumerate(rows, first_row):
        line = ""
        for letter, value in zip("ABCDEFGH", row, strict=False):
            if value is None:
                continue
            place = f'r="{letter}{number}"'
            if isinstance(value, str):
                line += f'<c {place} t="inlineStr"><is><t>{value}</t></is></c>'
            else:
                line += f"<c {place}><v>{value!r}</v></c>"
        cells.append(f'<row r="{number}">{line}</row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{types}">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" '
        f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        f'<sheet name="{sheet}" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" '
        f'Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(cells)}'
        "</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>\n' + text)


def sheet_rows() -> list[list[object]]:
    rows = [[None if pd.isna(cell) else cell for cell in row] for row in FRAME.to_numpy().tolist()]
    return [list(FRAME.columns), *rows]


def write_sav(path: Path) -> None:
    pyreadstat.write_sav(FRAME, str(path), compress=path.suffix == ".sav", row_compress=False)


def write_tar(path: Path, name: str = "in/f.csv") -> None:
    with tarfile.open(path, "w:gz" if path.name.lower().endswith("gz") else "w") as archive:
        for member, text in ((name, FRAME.to_csv(index=False)), ("in/._f.csv", "x"), ("readme.pdf", "x")):
            content = text.encode()
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def write_linked_tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("f.csv")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "csv": ("f.csv", lambda path: FRAME.to_csv(path, index=False)),
    "csv with a byte order mark": (
        "f.csv",
        lambda path: FRAME.to_csv(path, index=False, encoding="utf-8-sig"),
    ),
    "csv of Windows": ("f.csv", lambda path: FRAME.to_csv(path, index=False, lineterminator="\r\n")),
    "tsv": ("f.tsv", lambda path: FRAME.to_csv(path, index=False, sep="\t")),
    "csv.gz": ("f.csv.gz", lambda path: FRAME.to_csv(path, index=False)),
    "zip": (
        "f.zip",
        lambda path: FRAME.to_csv(
            path, index=False, compression={"method": "zip", "archive_name": "in/f.csv"}
        ),
    ),
    "por": ("f.por", lambda path: pyreadstat.write_por(FRAME, str(path))),
    "xpt": ("f.xpt", lambda path: pyreadstat.write_xport(FRAME, str(path))),
    **{kind: (f"f.{kind}", lambda path: write_tar(path)) for kind in ("tar", "tgz", "tar.gz", "TAR.GZ")},
    "parquet": ("f.parquet", lambda path: FRAME.to_parquet(path)),
    "sav": ("f.sav", write_sav),
    "xlsx": ("f.xlsx", lambda path: workbook(path, sheet_rows())),
    **{
        f"dta {version}": (
            "f.dta",
            lambda path, version=version: pyreadstat.write_dta(FRAME, str(path), version=version),
        )
        for version in (8, 10, 12, 13, 14, 15)
    },
    "dta 119 by pandas": ("f.dta", lambda path: FRAME.to_stata(path, write_index=False, version=119)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_panel(project: Project, firms: Build, name: str) -> None:
    file, write = WRITERS[name]
    write(project.raw / file)
    check(firms(source=f"{{file: raw/{file}}}"))


@pytest.mark.parametrize(
    ("text", "encoding", "read"),
    [
        (
            "id;year;workers\na1;2019;10,5\nb2;2020;\nc3;2020;1.200,25\nd4;2021;7\n",
            "utf-8",
            '{delimiter: ";", decimal: ",", thousands: "."}',
        ),
        (
            "id|year|workers\na1|2019|10,5\nb2|2020|\nc3|2020|1200,25\nd4|2021|7,0\n",
            "utf-8",
            '{delimiter: "|", decimal: ","}',
        ),
        (
            'id,year,workers\na1,2019,10.5\nb2,2020,\nc3,2020,"1 200.25"\nd4,2021,7\n',
            "utf-8",
            '{thousands: " "}',
        ),
        (
            "Año de la encuesta\n\nid,year,workers\na1,2019,10.5\nb2,2020,\nc3,2020,1200.25\nd4,2021,7\n",
            "latin-1",
            "{encoding: latin-1, header_row: 3}",
        ),
        (
            "id\tyear\tworkers\na1\t2019\t10.5\nb2\t2020\t\nc3\t2020\t1200.25\nd4\t2021\t7\n",
            "utf-16",
            '{encoding: utf-16, delimiter: "\\t"}',
        ),
    ],
)
def test_text_as_it_is_written_elsewhere(
    project: Project, firms: Build, text: str, encoding: str, read: str
) -> None:
    (project.raw / "f.csv").write_bytes(text.encode(encoding))
    check(firms(source="{file: raw/f.csv}", extra=f"read: {read}\n"))


def test_decimal_commas_are_not_guessed(project: Project, firms: Build) -> None:
    for number in ("1.5", "1,2,3", "1.23,5", "1,5x"):
        (project.raw / "f.csv").write_text(f"id;year;workers\na;2019;{number}\n")
        with pytest.raises(DataError, match=r"row 2, column 'workers'.*not a number"):
            firms(
                source="{file: raw/f.csv}",
                extra='read: {delimiter: ";", decimal: ",", thousands: "."}\n',
            )


def test_rows_are_those_of_the_sheet_the_record_and_the_line(project: Project, firms: Build) -> None:
    rows = sheet_rows()
    rows.insert(3, [None, None, None])
    rows[4][2] = "many"
    workbook(project.raw / "f.xlsx", rows, first_row=5)
    with pytest.raises(DataError, match=r"f.xlsx, row 9, column 'workers': 'many': not a number"):
        firms(source="{file: raw/f.xlsx}", extra="read: {header_row: 5}\n")
    wrong = FRAME.assign(workers=[1.0, 2, -3, 4])
    pyreadstat.write_dta(wrong, str(project.raw / "f.dta"))
    with pytest.raises(DataError, match=r"f.dta, row 3, column 'workers': '-3': below 0"):
        firms(source="{file: raw/f.dta}")
    wrong.to_parquet(project.raw / "f.parquet")
    with pytest.raises(DataError, match=r"f.parquet, row 3, column 'workers': '-3': below 0"):
        firms(source="{file: raw/f.parquet}")
    text = 'id,note,year,workers\na,"two\nlines, and\na third",2019,1\n\n\nb,"",2020,2\nc,,2020,-3\n'
    (project.raw / "f.csv").write_text(text)
    with pytest.raises(DataError, match=r"f.csv, row 8, column 'workers': '-3': below 0"):
        firms(source="{file: raw/f.csv}")


def test_value_labels_recode_by_label(project: Project, firms: Build) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3, 4], "where": [10, 20, 10, 30], "h1": [1, 2, -9, 1]})
    labels = {
        "where": {10: "Ecuador", 20: "Côte d’Ivoire", 30: "Peru"},
        "h1": {1: "Yes", 2: "No", -9: "Don't know"},
    }
    pyreadstat.write_dta(frame, str(project.raw / "f.dta"), variable_value_labels=labels)
    pyreadstat.write_sav(frame, str(project.raw / "f.sav"), variable_value_labels=labels)
    spec = """\
title: Labels
contract: firm
source: {source}
licence: none
citation: none
columns:
  country: {from: where, by_label: true}
  firm_id: {from: id}
  year: {constant: "2020"}
  upgrade_product: {from: h1, by_label: true, recode: {"Yes": "1", "No": "0", "Don't know": null}}
  upgrade_process: {from: h1, equals: 1, missing: ["-9"]}
"""
    for file in ("f.dta", "f.sav"):
        built = firms(spec, source=f"{{file: raw/{file}}}").set_index("firm_id")
        assert built["country"].to_dict() == {"1": "ECU", "2": "CIV", "3": "ECU", "4": "PER"}
        for name in ("upgrade_product", "upgrade_process"):
            assert built[name].dropna().to_dict() == {"1": 1, "2": 0, "4": 1}


def test_many_records_come_in_chunks(project: Project, firms: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gvcmetrics.panels.readers.labelled._CHUNK_ROWS", 7)
    monkeypatch.setattr("gvcmetrics.panels.readers.workbook._CHUNK_ROWS", 7)
    frame = pd.DataFrame({"id": [f"f{n:02}" for n in range(24)], "year": 2020, "workers": range(24)})
    pyreadstat.write_sav(frame, str(project.raw / "f.sav"))
    workbook(project.raw / "f.xlsx", [list(frame.columns), *frame.to_numpy().tolist()])
    for file in ("f.sav", "f.xlsx"):
        built = firms(source=f"{{file: raw/{file}}}")
        assert built["employment"].tolist() == list(range(24))


def test_numbers_of_a_parquet_file_keep_every_bit(project: Project, firms: Build) -> None:
    values = [0.1, 1e-300, 1 / 3, 2.0**53 - 1, 1e22, 123456789.123456789, 5e-324, float("nan")]
    frame = pd.DataFrame({"id": [f"f{n}" for n in range(8)], "year": 2020, "workers": values})
    frame.to_parquet(project.raw / "f.parquet")
    assert firms(source="{file: raw/f.parquet}")["employment"].tolist()[:-1] == values[:-1]


def test_no_number_and_times_with_a_zone_in_a_parquet_file(project: Project, firms: Build) -> None:
    """Files of Spark and polars hold NaN, which the file's own minimum and maximum pass over."""
    moments = pa.array(pd.DatetimeIndex(["2020-03-01 18:30"] * 3).tz_localize("America/Lima"))
    assert moments.type.tz == "America/Lima"
    columns = {"id": list("abc"), "year": [2020] * 3, "workers": pa.array([np.nan, 2.5, 7]), "at": moments}
    pq.write_table(pa.table(columns), project.raw / "f.parquet")
    extra = "  at: {type: text, unit: time, label: When}\n"
    built = firms(source="{file: raw/f.parquet}", extra=extra)
    assert built["employment"].isna().tolist() == [True, False, False]
    assert set(built["at"]) == {"2020-03-01 23:30:00"}


def test_several_files_one_a_year(project: Project, firms: Build, firms_spec: str) -> None:
    for year in (2019, 2020):
        FRAME.assign(workers=[year, 1, 2, 3])[["id", "workers"]].to_csv(
            project.raw / f"s_{year}.csv", index=False
        )
    pyreadstat.write_dta(FRAME[["id", "workers"]], str(project.raw / "s_2021.dta"))
    spec = firms_spec.replace("  year:\n", "  year: {file_name: year}\n")
    for source in ("{files: raw/s_*}", "{files: [raw/s_2019.csv, raw/s_2020.csv, raw/s_2021.dta]}"):
        built = firms(spec, source=source)
        assert built.groupby("year").size().to_dict() == {2019: 4, 2020: 4, 2021: 4}
        assert built.set_index(["firm_id", "year"])["employment"]["a1"].to_dict() == {
            2019: 2019,
            2020: 2020,
            2021: 10.5,
        }
    (project.raw / "s_2020.csv").write_text("id,workers\na1,1\nb2,many\n")
    with pytest.raises(DataError, match=r"s_2020.csv, row 3, column 'workers': 'many'.*1 of 10 rows is bad"):
        firms(spec, source="{files: raw/s_*}")
    (project.raw / "s_2020.csv").write_text("id,staff\na1,1\n")
    with pytest.raises(DataError, match=r"s_2020.csv, row 1, column 'workers': the column is absent"):
        firms(spec, source="{files: raw/s_*}")
    (project.raw / "s_2020.csv").rename(project.raw / "s_last.csv")
    with pytest.raises(
        DataError, match=r"s_last.csv: the year is to be in the file's name, which holds none"
    ):
        firms(spec, source="{files: raw/s_*}")


def test_names_that_differ_in_case_only_matter_where_one_is_asked_for(project: Project, firms: Build) -> None:
    table = pa.table({"id": ["a"], "year": [2020], "workers": [3.0], "Size": [7], "size": [8]})
    pq.write_table(table, project.raw / "f.parquet")
    assert firms(source="{file: raw/f.parquet}")["employment"].tolist() == [3.0]
    size = "  extent: {from: FROM, type: number, unit: persons, label: Size}\n"
    for name, value in (("size", 8), ("Size", 7)):
        built = firms(extra=size.replace("FROM", name), source="{file: raw/f.parquet}")
        assert built["extent"].tolist() == [value]
    with pytest.raises(DataError, match="'Size' and 'size' differ in capitals only"):
        firms(extra=size.replace("FROM", "SIZE"), source="{file: raw/f.parquet}")


def test_waves_that_name_a_question_differently(project: Project, firms: Build, firms_spec: str) -> None:
    """Text, Parquet and Stata each by the file's own name; a name is as good as absent elsewhere."""
    codes = {"s_2012_2013.csv": "q1", "s_2014_2015.parquet": "q7", "s_2016_2017.dta": "workers"}
    for name, code in codes.items():
        frame = pd.DataFrame({"id": ["a", "b"], code: [1.5, 20.0], "other": [5, 6]})
        if name.endswith("csv"):
            frame.to_csv(project.raw / name, index=False)
        elif name.endswith("parquet"):
            frame.to_parquet(project.raw / name)
        else:
            pyreadstat.write_dta(frame, str(project.raw / name))
    renamed = 'renamed:\n  "*_2013*": {workers: q1}\n  "*_2015*": {workers: q7, size: other}\n'
    size = "  size: {optional: true, type: number, unit: persons, label: Size}\n"
    spec = firms_spec.replace("  year:\n", "  year: {file_name: last_year}\n") + size
    built = firms(spec, extra=renamed, source="{files: raw/s_*}").set_index(["year", "firm_id"])
    assert built["employment"].unstack().to_numpy().tolist() == [[1.5, 20.0]] * 3
    assert built["size"].unstack().loc[2015].tolist() == [5, 6]
    assert built.loc[[2013, 2017], "size"].isna().all()
    for wrong, said in {
        "{workers: q9}": r"renamed\.\*_2013\*\.workers.*has no column 'q9'",
        "{workers: id}": r"the column 'id' of 's_2012_2013.csv' is read under its own name too",
    }.items():
        with pytest.raises(SpecError, match=said):
            firms(spec, extra=renamed.replace("{workers: q1}", wrong), source="{files: raw/s_*}")
    with pytest.raises(SpecError, match=r"no raw file is called '\*_2018\*'"):
        firms(spec, extra=f'{renamed}  "*_2018*": {{workers: q1}}\n', source="{files: raw/s_*}")


def test_members_of_an_archive(project: Project, firms: Build) -> None:
    with zipfile.ZipFile(project.raw / "f.zip", "w") as archive:
        for year in (2019, 2020):
            archive.writestr(f"y/s_{year}.csv", f"id,year,workers\na,{year},1\n")
        archive.writestr("readme.pdf", "no data")
    with pytest.raises(DataError, match=r"f.zip: the archive holds 2 files that could be meant.*member"):
        firms(source="{file: raw/f.zip}")
    extra = 'read: {member: "{member}"}\n'
    assert firms(source="{file: raw/f.zip}", extra=extra, member="y/s_2019.csv")["year"].tolist() == [2019]
    assert firms(source="{file: raw/f.zip}", extra=extra, member="y/*.csv")["year"].tolist() == [2019, 2020]
    with pytest.raises(DataError, match=r"no member 'z\.csv'"):
        firms(source="{file: raw/f.zip}", extra=extra, member="z.csv")


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f.csv", b"id,year,workers\n" + b"0" * 60_000_000)


def gz_bomb(path: Path) -> None:
    path.write_bytes(gzip.compress(b"id,year,workers\n" + b"0" * 60_000_000))


def tar_bomb(path: Path) -> None:
    content = b"id,year,workers\n" + b"0" * 60_000_000
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("f.csv")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))


def escaping(name: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("f.csv", "id,year,workers\na,2020,1\n")
            archive.writestr(name, "id,year,workers\na,2020,1\n")

    return write


def cut(write: Callable[[Path], None], share: float) -> Callable[[Path], None]:
    def cut_off(path: Path) -> None:
        write(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return cut_off


def many(path: Path) -> None:
    frame = pd.DataFrame({"id": [f"f{n}" for n in range(5000)], "year": 2020, "workers": range(5000)})
    if path.suffix == ".dta":
        pyreadstat.write_dta(frame, str(path))
    elif path.suffix == ".sav":
        pyreadstat.write_sav(frame, str(path))
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)


BROKEN: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "empty csv": ("f.csv", lambda path: path.write_text(""), "the file is empty"),
    "empty dta": ("f.dta", lambda path: path.write_bytes(b""), "the file is empty"),
    "truncated dta": ("f.dta", cut(many, 0.6), "cut off"),
    "dta cut in its header": ("f.dta", cut(many, 0.002), "cut off"),
    "truncated sav": ("f.sav", cut(many, 0.6), "cut off"),
    "truncated xlsx": ("f.xlsx", cut(lambda path: workbook(path, sheet_rows()), 0.7), "cut off"),
    "truncated gz": ("f.csv.gz", cut(many, 0.6), "cut off"),
    "truncated parquet": ("f.parquet", cut(many, 0.6), "cut off"),
    "text called dta": ("f.dta", lambda path: path.write_text("id,year\n1,2\n"), "damaged"),
    "text called xlsx": ("f.xlsx", lambda path: path.write_text("id,year\n1,2\n"), "damaged"),
    "text called gz": ("f.csv.gz", lambda path: path.write_text("id,year\n1,2\n"), "damaged"),
    "zip bomb": ("f.zip", bomb, "more than 200 times its size"),
    "gz bomb": ("f.csv.gz", gz_bomb, "more than 200 times its size"),
    "zip with a parent path": ("f.zip", escaping("../../f2.csv"), "leads out"),
    "zip with an absolute path": ("f.zip", escaping("/etc/f2.csv"), "leads out"),
    "zip with a drive": ("f.zip", escaping("C:\\f2.csv"), "leads out"),
    "zip with backslashes": ("f.zip", escaping("..\\f2.csv"), "leads out"),
    "tar with a parent path": ("f.tgz", lambda path: write_tar(path, "../../f2.csv"), "leads out"),
    "tar with a link": ("f.tar.gz", write_linked_tar, "points to another"),
    "truncated tar.gz": ("f.tar.gz", cut(lambda path: write_tar(path), 0.6), "cut off"),
    "tar.gz bomb": ("f.tar.gz", tar_bomb, "more than 200 times its size"),
    "truncated xpt": ("f.xpt", cut(lambda path: pyreadstat.write_xport(FRAME, str(path)), 0.7), "cut off"),
    "truncated por": ("f.por", cut(lambda path: pyreadstat.write_por(FRAME, str(path)), 0.5), "cut off"),
    "text called sas7bdat": ("f.sas7bdat", lambda path: path.write_text("id,year\n1,2\n"), "damaged"),
    "zip without data": (
        "f.zip",
        lambda path: zipfile.ZipFile(path, "w").close(),
        "no file that can be read",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_named_and_leave_the_earlier_panel(
    project: Project, firms: Build, name: str
) -> None:
    file, write, said = BROKEN[name]
    FRAME.to_csv(project.raw / "good.csv", index=False)
    firms(source="{file: raw/good.csv}")
    before = project.panel_file("firms").read_bytes()
    write(project.raw / file)
    with pytest.raises(DataError) as error:
        firms(source=f"{{file: raw/{file}}}")
    assert file in str(error.value)
    assert said in str(error.value)
    assert project.panel_file("firms").read_bytes() == before
    assert sorted(path.name for path in project.parquet.iterdir()) == [".firms.inputs.json", "firms.parquet"]
    assert not list(project.data.parent.parent.glob("f2.csv"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{files: ../*.csv}", "leaves the data folder"),
        ("{files: [raw/good.csv, /etc/passwd]}", "leaves the data folder"),
        ("{file: raw/link.csv}", "leaves the data folder"),
        ('{file: "raw\\\\..\\\\..\\\\x.csv"}', "leaves the data folder"),
        ("{files: raw/none_*.csv}", "no file in the data folder matches"),
        ("{file: raw/good.docx}", "no format that a panel is built from"),
        ("{}", "`file` or `files`"),
    ],
)
def test_sources_outside_or_absent(project: Project, firms: Build, source: str, said: str) -> None:
    FRAME.to_csv(project.raw / "good.csv", index=False)
    (project.raw / "good.docx").write_text("x")
    (project.data.parent / "outside.csv").write_text("id,year,workers\na,2020,1\n")
    (project.raw / "link.csv").symlink_to(project.data.parent / "outside.csv")
    with pytest.raises(SpecError, match=said):
        firms(source=source)


def test_wrong_delimiter_and_encoding_say_the_right_ones(project: Project, firms: Build) -> None:
    (project.raw / "f.csv").write_text("id;year;workers\na;2020;1\n")
    with pytest.raises(GvcError, match=r"Is the delimiter ';'\? Then write `read: \{delimiter: \";\"\}`"):
        firms(source="{file: raw/f.csv}")
    (project.raw / "f.csv").write_bytes("id,year,workers\na,2020,1\n".encode("utf-16"))
    with pytest.raises(GvcError, match=r"UTF-16 text.*encoding: utf-16"):
        firms(source="{file: raw/f.csv}")
    (project.raw / "f.csv").write_bytes(b"id,year,workers\na,2020,1\nb\xe9,2020,1\n")
    with pytest.raises(GvcError, match=r"f.csv, row 3.*not UTF-8.*encoding: cp1252"):
        firms(source="{file: raw/f.csv}")
    (project.raw / "f.csv").write_bytes(b"id,year,workers\na,2020,1\nb\x81\n,2020,1\n")
    with pytest.raises(GvcError, match=r"f.csv, row 3: the line is not shift_jis text"):
        firms(source="{file: raw/f.csv}", extra="read: {encoding: shift_jis}\n")


def test_a_file_of_sas_is_what_another_reader_reads(tmp_path: Path) -> None:
    """pandas has a reader of its own for this format."""
    packed = Path(__file__).parents[2] / "reference" / "sas" / "iris.sas7bdat.gz"
    ((name, path),) = unpack(packed, None, FORMATS.endings, tmp_path / "raw")
    columns = labelled_columns(path, name, None)
    copy_labelled(path, name, None, {column: column for column in columns}, tmp_path / "copy.parquet")
    expected = pd.read_sas(path, encoding="latin-1")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "copy.parquet").drop(columns="#row"), expected, check_dtype=False
    )
    assert len(expected) == 150
