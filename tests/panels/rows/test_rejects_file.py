"""The list of bad cells may be opened in a spreadsheet: nothing in it is run, and numbers stay numbers."""

from __future__ import annotations

import csv

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from gvcmetrics.errors import DataError
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.harmonise.rejects import select_for_spreadsheets
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.trial import check_panel

FORMULAS = [
    '=HYPERLINK("http://x","y")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "-cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "=1+1",
    "＝1+1",
    "+A1",
]
OTHERS = ["five", "a=b", "x@y.org", "--", "-1.2.3", "'=1"]


def listed(project: Project, values: list[str]) -> list[str]:
    rows = [["country", "code", "year", "value_k", "quality", "share_pct"]]
    rows += [["DEU", f"{n:04}", "2000", value, "1", "1"] for n, value in enumerate(values)]
    with open(project.raw / "exports.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    with pytest.raises(DataError):
        build_panel(project.spec_file("exports"), project)
    with open(project.rejects_file("exports"), newline="", encoding="utf-8") as file:
        return [row["value"] for row in csv.DictReader(file)]


def test_formulas_have_an_apostrophe_and_nothing_else_has(project: Project) -> None:
    assert listed(project, FORMULAS) == [f"'{value}" for value in FORMULAS]
    assert listed(project, OTHERS) == OTHERS


def shown(value: str, name: str = "value") -> str:
    with duckdb.connect() as connection:
        connection.execute(
            'CREATE TABLE rejects (file VARCHAR, row BIGINT, "column" VARCHAR, panel_column VARCHAR, '
            "value VARCHAR, reason VARCHAR)"
        )
        connection.execute(f'INSERT INTO rejects ("{name}", row) VALUES (?, 1)', [value])
        found = connection.sql(f'SELECT "{name}" FROM ({select_for_spreadsheets(exp.to_table("rejects"))})')
        return found.fetchall()[0][0]


@settings(max_examples=40, deadline=None)
@given(
    st.from_regex(r"\s*[=@+\-＝＠＋－][^\x00]*", fullmatch=True),
    st.sampled_from(["file", "column", "reason"]),
)
def test_whatever_begins_as_a_formula_is_a_number_or_has_an_apostrophe(value: str, name: str) -> None:
    told = shown(value, name)
    assert told in (value, f"'{value}")
    if told == value:
        assert not any(letter.isalpha() and letter not in "eE" for letter in value)
        assert "=" not in value
        assert "@" not in value


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
@settings(max_examples=30, deadline=None)
def test_numbers_stay_numbers(number: float) -> None:
    assert shown(str(number)) == str(number)


@pytest.mark.parametrize(("spelled", "name"), [("ARB", "Arab World"), ("Euro area", "Euro area")])
def test_an_aggregate_is_called_one_and_can_be_left_out(project: Project, spelled: str, name: str) -> None:
    rows = ["country,code,year,value_k,quality,share_pct", "DEU,0101,2000,1,1,1"]
    rows += [f"{spelled},0101,2000,1,1,1", f"{spelled},0102,2000,1,1,1", "Atlantis,0101,2000,1,1,1"]
    (project.raw / "exports.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    spec = project.spec_file("exports")
    said = rf"row 3, column 'country': '{spelled}': an aggregate of countries.*\({name}\)"
    with pytest.raises(DataError, match=said + rf".*`drop: {{country: \[{spelled}\]}}`"):
        build_panel(spec, project)
    with open(project.rejects_file("exports"), newline="", encoding="utf-8") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert [name in reason for reason in reasons] == [True, True, False]
    assert reasons[2] == "unknown country"
    (project.raw / "exports.csv").write_text("\n".join([*rows, "WLX,0101,2000,1,1,1", "EAS,0101,2000,1,1,1"]))
    told = check_panel(spec, project).problems
    assert [("an aggregate of countries" in each, "(3 of 6 rows" in each) for each in told] == [
        (True, True),
        (False, False),
    ]
    words = spec.read_text(encoding="utf-8")
    spec.write_text(f"{words}drop: {{country: [{spelled}, EAS, WLX, Atlantis]}}\n", encoding="utf-8")
    assert build_panel(spec, project).provenance.coverage.rows == 1
