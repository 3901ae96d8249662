"""Cells at the edge of a rule: one more, one less, one file further."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from sqlglot import exp

from gvcmetrics.errors import DataError
from gvcmetrics.panels.project import Project

Build = Callable[..., pd.DataFrame]
HEAD = """\
title: Edges
contract: firm
source: {files: 'raw/f*.csv'}
licence: none
citation: none
columns:
  country: {constant: ECU}
  firm_id: {from: id}
  year: {constant: "2020"}
"""
PROFIT = "  profit: {from: profit, type: number, unit: USD, label: Profit}\n"
WORKERS = "  workers: {from: workers, type: integer, unit: persons, label: Workers}\n"


def write(project: Project, name: str, head: str, *rows: str) -> None:
    (project.raw / name).write_text("\n".join([head, *rows]) + "\n")


def test_a_missing_code_is_that_number_and_no_other(project: Project, firms: Build) -> None:
    write(project, "f.csv", "id,profit", "a,-9", "b,-9.0", "c,-3", "d,-90", "e,-8.99", "f,9")
    built = firms(HEAD + PROFIT, extra='missing: ["", "-9"]\n').set_index("firm_id")["profit"]
    assert built[["a", "b"]].isna().all()
    assert built[["c", "d", "e", "f"]].tolist() == [-3, -90, -8.99, 9]


def test_padding_fills_and_never_cuts(project: Project, firms: Build) -> None:
    write(project, "f.csv", "id,code", "a,111", "b,0111", "c,01119", "d,1")
    column = "  activity: {from: code, pad: 4, type: text, unit: code, label: Activity}\n"
    built = firms(HEAD + column).set_index("firm_id")["activity"]
    assert built.to_dict() == {"a": "0111", "b": "0111", "c": "01119", "d": "0001"}


def test_bad_cells_in_the_same_row_of_two_files_are_two_bad_rows(project: Project, firms: Build) -> None:
    write(project, "f1.csv", "id,profit", "a,1", "b,many")
    write(project, "f2.csv", "id,profit", "c,1", "d,few", "e,1")
    with pytest.raises(DataError, match=r"f1.csv, row 3, .*2 of 5 rows are bad"):
        firms(HEAD + PROFIT)


@pytest.mark.parametrize("whole", ["9007199254740993", "-9007199254740993", "9.5e15"])
def test_a_whole_number_that_a_double_would_round_is_refused(
    project: Project, firms: Build, whole: str
) -> None:
    write(project, "f.csv", "id,workers", "a,1", f"b,{whole}")
    with pytest.raises(DataError, match=f"row 3, column 'workers': '{whole}': not a whole number"):
        firms(HEAD + WORKERS)
    write(project, "f.csv", "id,workers", "a,8999999999999999", "b,-8999999999999999")
    assert firms(HEAD + WORKERS)["workers"].tolist() == [8999999999999999, -8999999999999999]


@pytest.mark.parametrize("sign", ["", "-"])
def test_numbers_too_large_are_refused_on_both_sides_of_zero(
    project: Project, firms: Build, sign: str
) -> None:
    write(project, "f.csv", "id,profit", "a,1", f"b,{sign}1e301")
    with pytest.raises(DataError, match=f"row 3, column 'profit': '{sign}1e301': too large for a number"):
        firms(HEAD + PROFIT)
    write(project, "f.csv", "id,profit", "a,1", f"b,{sign}1e299")
    assert firms(HEAD + PROFIT)["profit"].tolist() == [1, float(f"{sign}1e299")]


def test_a_panel_of_twice_the_columns_copies_about_twice_the_expressions(
    project: Project, firms: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copying the query at each column would copy four times as many."""
    copied = 0
    plain = exp.Expression.__deepcopy__

    def counting(self: exp.Expression, memo: object) -> object:
        nonlocal copied
        copied += sum(1 for _ in self.walk())
        return plain(self, memo)

    monkeypatch.setattr(exp.Expression, "__deepcopy__", counting)
    made = {}
    for width in (15, 30):
        names = [f"x{place}" for place in range(width)]
        write(project, "f.csv", ",".join(["id", *names]), ",".join(["a", *("1" for _ in names)]))
        copied = 0
        firms(HEAD + "".join(f"  {n}: {{type: number, unit: score, label: Answer}}\n" for n in names))
        made[width] = copied
    assert 0 < made[30] < 2.5 * made[15], made
