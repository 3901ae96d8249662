"""Files that other programs write as a matter of course are read, and refusals name the right cause."""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.harmonise.engines import duckdb as engine
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers import archives
from gvcmetrics.panels.readers.line_ends import mixes_line_ends, with_one_line_end

Build = Callable[..., pd.DataFrame]
CSV = "{file: raw/f.csv}"


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ('"","id","year","workers"', ['"1",7,2019,5', '"2",8,2020,6']),  # R, write.csv
        ('"id","year","workers"', ['"1",7,2019,5', '"2",8,2020,6']),  # R, write.table(sep = ",")
        (",id,year,workers", ["0,7,2019,5", "1,8,2020,6"]),  # pandas
        (",,id,year,workers", ["a,0,7,2019,5", "a,1,8,2020,6"]),  # pandas, an index of two levels
        ("id,year,workers,", ["7,2019,5,", "8,2020,6,"]),  # the World Bank
        ("id,year,workers,,", ["7,2019,5,,", "8,2020,6,,"]),  # empty columns of a spreadsheet
        ("id,year,workers,", ["7,2019,5", "8,2020,6"]),
        ("id,year,workers", ["7,2019,5,", "8,2020,6,"]),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_columns_without_a_name_stand_at_the_ends(
    project: Project, firms: Build, header: str, rows: list[str], ends: str
) -> None:
    (project.raw / "f.csv").write_bytes(ends.join([header, *rows, ""]).encode())
    built = firms(source=CSV)
    assert built[["firm_id", "year", "employment"]].to_numpy().tolist() == [["7", 2019, 5], ["8", 2020, 6]]
    bad = rows[0].replace("5", "x").replace('"1"', '"3"')
    (project.raw / "f.csv").write_bytes(ends.join([header, *rows, bad, ""]).encode())
    with pytest.raises(DataError, match=r"f.csv, row 4, column 'workers': 'x': not a number"):
        firms(source=CSV)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,year,,workers\n7,2019,x,5\n", "column 3 has no name"),
        (",,\n7,2019,5\n", "column 1 has no name"),
        # Thousands parted by a comma look like R's row names, but for the quotes.
        ("id,year,workers\n1,2019,1,234\n2,2019,5,100\n", "row 2: the line has too many columns.*row.names"),
        ('id,year,workers\n"1",2019,1,234\n"3",2019,5,100\n', "row 2: the line has too many columns"),
        ("id,year,workers\n1,2019,5\n2,2019,5,100\n", "row 3: the line has too many columns"),
    ],
)
def test_a_damaged_header_is_none_without_names(project: Project, firms: Build, text: str, said: str) -> None:
    (project.raw / "f.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        firms(source=CSV)


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".parquet": lambda frame, path: frame.to_parquet(path),
    ".xlsx": lambda frame, path: frame.to_excel(path, index=False),
    ".dta": lambda frame, path: pyreadstat.write_dta(frame, str(path)),
}
CASES = pd.DataFrame({"id": [1], "year": [2019], "d2": [5.0], "D2": [7.0], "TIME": [1.0], "Time": [2.0]})
MONEY = "money: {currency: USD}\n"


@pytest.mark.parametrize("ending", WRITERS)
def test_columns_may_differ_in_capitals(project: Project, firms: Build, firms_spec: str, ending: str) -> None:
    """The OECD writes TIME beside Time."""
    WRITERS[ending](CASES, project.raw / f"f{ending}")
    both = firms_spec.replace("workers", "d2") + "  sales_usd: {from: D2}\n"
    built = firms(both, "keep: {TIME: [1], Time: [2]}\n" + MONEY, source=f"{{file: raw/f{ending}}}")
    assert built[["employment", "sales_usd"]].to_numpy().tolist() == [[5, 7]]
    assert built.attrs["lineage"]["sales_usd"] == [f"f{ending}.D2"]
    for optional in ("", ", optional: true"):
        doubtful = firms_spec.replace("{from: workers}", f"{{from: time{optional}}}")
        with pytest.raises(DataError, match="'TIME' and 'Time' differ in capitals only"):
            firms(doubtful, source=f"{{file: raw/f{ending}}}")


@pytest.mark.parametrize("optional", ["", ", optional: true"])
@pytest.mark.parametrize("second", WRITERS)
@pytest.mark.parametrize("first", [".csv", ".dta"])
def test_waves_may_write_a_name_in_capitals(
    project: Project, firms: Build, firms_spec: str, first: str, second: str, optional: str
) -> None:
    WRITERS[first](pd.DataFrame({"id": [1], "year": [2019], "d2": [5.0]}), project.raw / f"w1{first}")
    WRITERS[second](pd.DataFrame({"ID": [1], "YEAR": [2020], "D2": [6.0]}), project.raw / f"w2{second}")
    spec = firms_spec.replace("{from: workers}", f"{{from: d2{optional}}}")
    built = firms(spec, source=f"{{files: [raw/w1{first}, raw/w2{second}]}}")
    assert built["employment"].tolist() == [5, 6]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ends=st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1, max_size=8))
def test_line_ends_are_made_one_outside_of_quotes(tmp_path: Path, ends: list[str]) -> None:
    values = [f'{n},"a\r\nb""\rc\n"' for n in range(len(ends))]
    path = tmp_path / "f.csv"
    path.write_bytes("".join(value + end for value, end in zip(values, ends, strict=True)).encode())
    assert mixes_line_ends(path) == (len(set(ends)) > 1)
    with open(path, "rb") as file:
        one = b"".join(with_one_line_end(file))
    assert one.decode() == "".join(f"{value}\n" for value in values)


@pytest.mark.parametrize("late", [0, 100_000])
def test_a_line_end_may_change_anywhere(project: Project, firms: Build, firms_spec: str, late: int) -> None:
    rows = b"".join(b"%d,2019,5,\r\n" % n for n in range(10, 10 + late))
    kept = b'1,2019,5,"a\r\nb"\n2,2019,6,c\r3,2019,7,d\r\n'
    (project.raw / "f.csv").write_bytes(b"id,year,workers,town\r\n" + rows + kept)
    built = firms(firms_spec, "  region: {from: town}\n", source=CSV).set_index("firm_id")
    assert built.loc[["1", "2", "3"], "employment"].tolist() == [5, 6, 7]
    assert built.loc["1", "region"] == "a\r\nb"
    assert len(built) == late + 3


def sparse(rows: int) -> bytes:
    """A survey of two thousand questions that few firms were asked."""
    names = ",".join(["id", "year", "workers", *(f"q{n}" for n in range(2000))])
    return "\n".join([names, *(f"{n},2019,5" + "," * 2000 for n in range(rows)), ""]).encode()


def _zip(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f.csv", content)


@pytest.mark.parametrize("file", ["f.zip", "f.csv.gz"])
def test_a_sparse_survey_is_no_bomb(
    project: Project, firms: Build, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setattr(archives, "_HARMLESS_BYTES", 50_000)
    monkeypatch.setattr(archives, "LARGEST_RATIO", 50)
    path, content = project.raw / file, sparse(400)
    write = _zip if file == "f.zip" else lambda path, content: path.write_bytes(gzip.compress(content))
    write(path, content)
    assert path.stat().st_size * archives.LARGEST_RATIO < len(content)
    assert len(firms(source=f"{{file: raw/{file}}}")) == 400
    write(path, b"id,year,workers\n" + b"0" * 10_000_000)
    with pytest.raises(DataError, match="more than 50 times its size, as files made to fill a disk do"):
        firms(source=f"{{file: raw/{file}}}")


@pytest.mark.parametrize("encoding", ["latin-1", "latin1", "ISO8859_1", "iso-8859-1", "cp1252"])
@pytest.mark.parametrize("ending", [".csv", ".dta"])
def test_an_encoding_has_the_same_names_in_every_format(
    project: Project, firms: Build, firms_spec: str, ending: str, encoding: str
) -> None:
    frame = pd.DataFrame({"id": [1], "year": [2019], "workers": [5], "town": ["Bogotá"]})
    if ending == ".csv":
        frame.to_csv(project.raw / "f.csv", index=False, encoding="latin-1")
    else:
        frame.to_stata(project.raw / "f.dta", write_index=False, version=114)
    extra = f"  region: {{from: town}}\nread: {{encoding: {encoding}}}\n"
    assert firms(firms_spec, extra, source=f"{{file: raw/f{ending}}}")["region"].tolist() == ["Bogotá"]


def test_memory_is_not_taken_for_quotes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MEMORY_LIMIT", "1MB")
    with pytest.raises(DataError) as error:
        build_panel(project.spec_file("exports"), project)
    assert re.search(r"exports.csv: there is not enough memory.*split the file", str(error.value))
    assert "quotes" not in str(error.value)
    monkeypatch.undo()
    monkeypatch.chdir(project.data.parent)
    build_panel(project.spec_file("exports"), project)
    assert len(panel("exports", project=project))
