"""The columns that `panel check` says to look at once more: each oddity, and the values that are none."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

from gvcmetrics.panels.findings import Findings
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.show.findings import print_check
from gvcmetrics.panels.trial import check_panel

ROWS = 30
SPEC = """\
title: Firms
contract: firm
source: {file: raw/firms.csv}
licence: none needed
citation: made up for the tests
columns:
  country: {constant: ECU}
  firm_id: {from: id}
  year: {from: year}
"""
# The values of a column, in turn; its words; and what is odd.
ODD = {
    "places or answers": (
        "region: {from: x}",
        ["yes", "no"],
        "two values: places, or the answers to a question?",
    ),
    "one value": ("sales_usd: {from: x}", [7], "the same value in every row, 7"),
    "a score as a share": (
        "export_share: {from: x, scale: 0.01}",
        [1, 3, 10],
        "never above 10 per cent, in whole numbers: a score?",
    ),
    "yes and no as a share": (
        "export_share: {from: x}",
        [0, 1],
        "two values: yes and no, rather than a share?",
    ),
    "years as money": ("sales_usd: {from: x}", [1900, 2100, 1999], "from 1900 to 2100: years?"),
    "a class as persons": (
        "employment: {from: x}",
        [1, 2, 3, 10],
        "whole numbers up to 10: a class or a score?",
    ),
    "a class as money": ("sales_usd: {from: x}", [1, 4], "whole numbers up to 4: a class or a score?"),
}
SOUND = {
    "three regions": ("region: {from: x}", ["Loja", "Quito", "Cuenca"]),
    "shares in per cent": ("export_share: {from: x, scale: 0.01}", [0, 10, 11]),
    "low shares with fractions": ("export_share: {from: x, scale: 0.01}", [0.5, 3, 5]),
    "shares of one": ("export_share: {from: x}", [0, 0.4, 1]),
    "money": ("sales_usd: {from: x}", [1899, 2101]),
    "money with cents": ("sales_usd: {from: x}", [1950.5, 2010]),
    "small money with cents": ("sales_usd: {from: x}", [1.5, 4]),
    "persons": ("employment: {from: x}", [1, 2, 11]),
    "answers": ("certified: {from: x}", [0, 1]),
    "nothing": ("region: {from: x, missing: [a]}", ["a"]),
}


def check(project: Project, words: str, values: Sequence[object], rows: int = ROWS) -> Findings:
    years = [2019 + n % 2 for n in range(rows)]
    frame = pd.DataFrame({"id": [f"f{n // 2}" for n in range(rows)], "year": years})
    frame["x"] = [values[n % len(values)] for n in range(rows)]
    frame.to_csv(project.raw / "firms.csv", index=False)
    project.spec_file("firms").write_text(f"{SPEC}  {words}\n", encoding="utf-8")
    return check_panel(project.spec_file("firms"), project)


@pytest.mark.parametrize(("words", "values", "said"), list(ODD.values()), ids=list(ODD))
def test_each_oddity_is_named(project: Project, words: str, values: list, said: str) -> None:
    name = words.partition(":")[0]
    assert check(project, words, values).implausible == ((name, said),)


@pytest.mark.parametrize(("words", "values"), list(SOUND.values()), ids=list(SOUND))
def test_what_is_as_it_should_be_is_not_named(project: Project, words: str, values: list) -> None:
    assert check(project, words, values).implausible == ()


def test_few_rows_tell_nothing(project: Project) -> None:
    words, values, said = ODD["places or answers"]
    assert check(project, words, values, rows=20).implausible == ()
    assert check(project, words, values, rows=21).implausible == (("region", said),)


@pytest.mark.parametrize(
    ("years", "said"),
    [
        ([1899, 2019], "2 years from 1899 to 2019: those of a survey?"),
        (list(range(1900, 2001)), "101 years from 1900 to 2000: those of a survey?"),
        (list(range(1900, 2000)), None),
        ([2019], None),
    ],
)
def test_years_that_no_survey_has(project: Project, years: list[int], said: str | None) -> None:
    rows = 2 * max(len(years), 20)
    frame = pd.DataFrame({"id": range(rows), "year": [years[n % len(years)] for n in range(rows)]})
    frame.to_csv(project.raw / "firms.csv", index=False)
    project.spec_file("firms").write_text(SPEC, encoding="utf-8")
    found = check_panel(project.spec_file("firms"), project).implausible
    assert found == (() if said is None else (("year", said),))


def test_the_list_is_printed_and_keeps_nobody_from_building(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    words, values, said = ODD["a class as persons"]
    report = check(project, words, values)
    assert report.problems == []
    print_check(report, project.spec_file("firms"))
    out = capsys.readouterr().out
    assert said in out
    assert "No rule is broken; look at the implausible columns. Next: gvcmetrics panel build" in out
    print_check(check(project, *SOUND["persons"]), project.spec_file("firms"))
    out = capsys.readouterr().out
    assert "implausible" not in out
    assert "Nothing is wrong. Next:" in out
