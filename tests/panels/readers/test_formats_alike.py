"""One frame in every format gives one panel: codes mean the same however a program wrote them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.panels.project import Project

Build = Callable[..., pd.DataFrame]


def _dta(frame: pd.DataFrame, path: Path) -> None:
    pyreadstat.write_dta(frame, str(path), variable_value_labels=_labels(frame))


def _sav(frame: pd.DataFrame, path: Path) -> None:
    pyreadstat.write_sav(frame, str(path), variable_value_labels=_labels(frame))


def _labels(frame: pd.DataFrame) -> dict[str, dict[int, str]]:
    return {"place": LABELS} if "place" in frame else {}


LABELS = {1: "Coast", 2: "Sierra", -9: "Don't know"}
FORMATS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    ".parquet": lambda frame, path: frame.to_parquet(path),
    ".xlsx": lambda frame, path: frame.to_excel(path, index=False),
    ".dta": _dta,
    ".sav": _sav,
    ".por": lambda frame, path: pyreadstat.write_por(frame, str(path)),
    ".xpt": lambda frame, path: pyreadstat.write_xport(frame, str(path)),
}
# A gap in every column, so that pandas holds whole numbers as fractions and writes -9 as -9.0.
FRAME = pd.DataFrame(
    {
        "id": [1, 2, 3, 4, 5],
        "amount": [-9.0, 5.0, np.nan, -8.0, 12.5],
        "answer": [-9.0, 1.0, 2.0, np.nan, 1.0],
        "grade": [-9.0, 12.0, 3.0, 10.0, np.nan],
        "kind": [1.0, 2.0, 3.0, -9.0, np.nan],
        "place": [1.0, -9.0, 2.0, 1.0, np.nan],
        "kept": [1.0, 1.0, 1.0, 1.0, np.nan],
    }
)
SPEC = """
title: t
contract: firm
source: {file: raw/f{ending}}
licence: none
citation: none
missing: ["", "-9", "-8"]
keep: {kept: ["1"]}
columns:
  country: {constant: PER}
  firm_id: {from: id}
  year: {constant: "2019"}
  region: {from: place}
  employment: {from: amount}
  upgrade_product: {from: answer, equals: 1}
  upgrade_process: {any_of: [{from: answer, in: ["01"]}, {from: grade, at_least: 10}]}
  certified: {from: kind, recode: {"1": "1", "2": "0", "3": null}}
  sort: {from: kind, recode: {"1": a, "2": b, "3": c}, type: text, unit: name, label: Sort}
"""


@pytest.mark.parametrize("ending", FORMATS)
def test_codes_are_compared_by_value_in_every_format(project: Project, firms: Build, ending: str) -> None:
    FORMATS[ending](FRAME, project.raw / f"f{ending}")
    panel = firms(SPEC, ending=ending).set_index("firm_id")

    def column(name: str) -> list[object]:
        return [None if pd.isna(value) else value for value in panel[name]]

    assert list(panel.index) == ["1", "2", "3", "4"]
    assert column("region") == ["1", None, "2", "1"]
    assert column("employment") == [None, 5, None, None]
    assert column("upgrade_product") == [None, 1, 0, None]
    assert column("upgrade_process") == [None, 1, 0, 1]
    assert column("certified") == [1, 0, None, None]
    assert column("sort") == ["a", "b", "c", None]


@pytest.mark.parametrize("ending", [".dta", ".sav"])
def test_the_label_of_a_missing_code_is_no_region(project: Project, firms: Build, ending: str) -> None:
    FORMATS[ending](FRAME, project.raw / f"f{ending}")
    panel = firms(SPEC.replace("{from: place}", "{from: place, by_label: true}"), ending=ending)
    assert panel["region"].fillna("").tolist() == ["Coast", "", "Sierra", "Coast"]


def test_na_is_missing_among_numbers_and_a_code_among_codes(project: Project, firms: Build) -> None:
    (project.raw / "f.csv").write_text("id,year,workers,prov\n1,2019,NA,NA\n2,2019,5,MI\n")
    spec = "  region: {from: prov}\n"
    head = SPEC.split("missing")[0].replace("{ending}", ".csv") + "columns:\n  country: {constant: ITA}\n"
    head += "  firm_id: {from: id}\n  year:\n  employment: {from: workers}\n"
    panel = firms(head + spec)
    assert panel["region"].tolist() == ["NA", "MI"]
    assert panel["employment"].isna().tolist() == [True, False]
    stated = firms(head.replace("columns:", 'missing: ["", "NA"]\ncolumns:') + spec)
    assert stated["region"].isna().tolist() == [True, False]


@pytest.mark.parametrize("thousands", [" ", "\u00a0", "\u202f", "'"])
@pytest.mark.parametrize("written", [" ", "\u00a0", "\u202f", "'", "\u2019"])
def test_thousands_are_parted_by_any_blank(
    project: Project, firms: Build, firms_spec: str, thousands: str, written: str
) -> None:
    (project.raw / "f.csv").write_text(f"id;year;workers\n1;2019;1{written}234,5\n", encoding="utf-8")
    read = f'read: {{delimiter: ";", decimal: ",", thousands: "{thousands}"}}\n'
    if (thousands == "'") != (written in "'\u2019"):
        with pytest.raises(DataError, match="not a number"):
            firms(firms_spec, read, source="{file: raw/f.csv}")
    else:
        assert firms(firms_spec, read, source="{file: raw/f.csv}")["employment"].tolist() == [1234.5]


@pytest.mark.parametrize("read", ['thousands: "."', 'decimal: ","\n  thousands: ","'])
def test_one_sign_cannot_part_thousands_and_decimals(
    project: Project, firms: Build, firms_spec: str, read: str
) -> None:
    (project.raw / "f.csv").write_text("id,year,workers\n1,2019,1.5\n")
    with pytest.raises(SpecError, match=r"read.*same sign"):
        firms(firms_spec, f"read:\n  {read}\n", source="{file: raw/f.csv}")


@pytest.mark.parametrize("name", ["f[1].csv", "f*.csv", "f?.parquet", "[ab].xlsx", "f{1}.dta"])
@pytest.mark.parametrize("folder", ["", "country=BOL/year=2018/", "a[1]/*/"])
def test_a_path_is_one_file(project: Project, firms: Build, firms_spec: str, folder: str, name: str) -> None:
    where = project.raw / folder
    where.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame({"country": ["PER"], "id": [1], "year": [2019], "workers": [5]})
    ending = Path(name).suffix
    for other in ("f1", "fx", "a", "b", "f"):
        FORMATS[ending](frame.assign(workers=99), where / f"{other}{ending}")
    FORMATS[ending](frame, where / name)
    spec = firms_spec.replace("{constant: ECU}", "").replace("{source}", f'{{file: "raw/{folder}{name}"}}')
    panel = firms(spec)
    assert panel.iloc[0].tolist() == ["PER", "1", 2019, 5]


@pytest.mark.parametrize("by", ["", "partition_by: year\n", "partition_by: country\n"])
def test_folders_above_a_panel_are_no_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, firms_spec: str, by: str
) -> None:
    from gvcmetrics.panels import panel
    from gvcmetrics.panels.build import build_panel

    data = tmp_path / "country=BOL" / "year=2018" / "a[1]" / "data"
    (data / "panels").mkdir(parents=True)
    (data / "raw").mkdir()
    monkeypatch.chdir(data.parent)
    (data / "raw" / "f.csv").write_text("id,year,workers\n1,2019,5\n1,2020,6\n")
    (data / "panels" / "firms.yaml").write_text(firms_spec.replace("{source}", "{file: raw/f.csv}") + by)
    build_panel(data / "panels" / "firms.yaml", Project(data))
    found = panel("firms", project=Project(data))
    assert found["country"].tolist() == ["ECU", "ECU"]
    assert found["year"].tolist() == [2019, 2020]


CODES = "ciiu\n111\n210\n510\n1511\n"
INDUSTRY = "  industry: {from: ciiu, characters: [1, 2]{more}}\n"


@pytest.mark.parametrize("more", [", pad: 4", ", classification: ISIC4"])
def test_industries_get_back_their_zero(project: Project, firms: Build, firms_spec: str, more: str) -> None:
    rows = [f"{n},2019,5,{code}" for n, code in enumerate(CODES.split()[1:])]
    (project.raw / "f.csv").write_text("\n".join(["id,year,workers,ciiu", *rows, ""]))
    panel = firms(firms_spec, INDUSTRY.replace("{more}", more), source="{file: raw/f.csv}")
    assert panel["industry"].tolist() == ["01", "02", "05", "15"]
    with pytest.raises(DataError, match=r"some codes have 3 digits, as '111', and some 4.*`pad: 4`"):
        firms(firms_spec, INDUSTRY.replace("{more}", ""), source="{file: raw/f.csv}")
    assert firms(firms_spec, INDUSTRY.replace("{more}", ", pad: 1"), source="{file: raw/f.csv}")[
        "industry"
    ].tolist() == ["11", "21", "51", "15"]


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize(("first", "want"), [(10121.0, "010121"), (870323.0, "870323")])
def test_products_are_codes_of_their_classification(
    project: Project, firms: Build, ending: str, first: float, want: str
) -> None:
    frame = pd.DataFrame({"k": [first, 870899.0], "v": [1.0, np.nan]})
    FORMATS[ending](frame, project.raw / f"f{ending}")
    spec = (
        "title: t\ncontract: trade\nlicence: none\ncitation: none\n"
        "source: {file: raw/f{ending}}\ncolumns:\n  exporter: {constant: PER}\n  importer: {constant: WLD}\n"
        '  year: {constant: "2019"}\n  product: {from: k, classification: HS12}\n  value_usd: {from: v}\n'
    )
    assert sorted(firms(spec, ending=ending)["product"]) == sorted([want, "870899"])
    FORMATS[ending](frame.assign(k=[129999.0, 870899.0]), project.raw / f"f{ending}")
    with pytest.raises(DataError, match=r"'129999': no code of HS12, nearest are \d+"):
        firms(spec, ending=ending)


def test_a_workbook_shows_its_errors_and_its_first_visible_sheet(
    project: Project, firms: Build, firms_spec: str
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["id", "year", "workers"])
    book.active.append([9, 2019, 9])
    book.active.sheet_state = "hidden"
    sheet = book.create_sheet("Data")
    sheet.append(["id", "year", "workers", "town"])
    sheet.append([1, 2019, 5, "Quito"])
    path = project.raw / "f.xlsx"
    source = "{file: raw/f.xlsx}"
    book.save(path)
    town = "  region: {from: town}\n"
    assert firms(firms_spec, town, source=source)["firm_id"].tolist() == ["1"]
    for cell, value, column in (
        ("C2", "#N/A", "workers"),
        ("C2", "=1+1", "workers"),
        ("D2", "#REF!", "town"),
    ):
        kept = sheet[cell].value
        sheet[cell] = value
        book.save(path)
        with pytest.raises(DataError, match=rf"f.xlsx, row 2, column '{column}': '#"):
            firms(firms_spec, town, source=source)
        sheet[cell] = kept


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("above", "header_row"),
    [("", 1), ('"Title\nin two lines"\n', 3), ("a,b\n\nc\n", 4), ('"x\n\ny"\n\n', 5)],
)
@pytest.mark.parametrize("header", ["id,year,workers,", 'id,year,workers,"name\nof firm"'])
def test_no_row_is_lost_below_a_header(
    project: Project, firms: Build, firms_spec: str, above: str, header_row: int, header: str, ends: str
) -> None:
    text = f"{above}{header}\n1,2019,5,a\n2,2019,6,b\n".replace("\n", ends)
    (project.raw / "f.csv").write_bytes(text.encode())
    read = f"read: {{header_row: {header_row}}}\n"
    panel = firms(firms_spec, read, source="{file: raw/f.csv}")
    assert panel["employment"].tolist() == [5, 6]
    assert panel.attrs["provenance"]["coverage"]["raw_rows"] == 2
    (project.raw / "f.csv").write_bytes(text.replace(",6,", ",x,").encode())
    line = text.replace(ends, "\n").split("\n").index("2,2019,6,b") + 1
    with pytest.raises(DataError, match=f"row {line}, column 'workers': 'x'"):
        firms(firms_spec, read, source="{file: raw/f.csv}")


def test_line_ends_may_change(project: Project, firms: Build, firms_spec: str) -> None:
    (project.raw / "f.csv").write_bytes(b"id,year,workers\n1,2019,5\r\n2,2019,6\r\n")
    assert firms(firms_spec, source="{file: raw/f.csv}")["employment"].tolist() == [5, 6]
