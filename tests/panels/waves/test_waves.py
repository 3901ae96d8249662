"""Changes between made-up waves of a survey: each that was put in is reported, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pyreadstat
import pytest
from typer.testing import CliRunner

import gvcmetrics as gvc
from gvcmetrics.cli import app
from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.waves.changes import CHANGES

N = 40
SPEC = """\
title: A made-up survey
contract: firm
source: {files: [raw/w1.sav, raw/w2.sav]}
licence: none
citation: made up for the tests
missing: ["", "-9"]
columns:
  country: {constant: PER}
  firm_id: {from: id}
  year:
  region: {from: place, by_label: true, optional: true}
  employment: {from: workers}
  sales_usd: {from: sales, optional: true}
  upgrade_product: {any_of: [{from: q1, equals: 1}]}
money: {currency: USD}
"""
YES_NO = {1: "Yes", 2: "No"}


def frame(year: int) -> pd.DataFrame:
    numbers = pd.Series(range(N))
    return pd.DataFrame(
        {
            "id": numbers + 1.0,
            "year": float(year),
            "place": 1.0 + numbers % 3,
            "workers": 10.0 + numbers,
            "sales": 1000.0 + numbers,
            "share": (numbers + 1) * 2.5,
            "q1": 1.0 + numbers % 2,
            "obstacle": 1.0 + numbers % 5,
            "mood": 1.0 + numbers % 4,
            "plain": 1.0 + numbers % 3,
        }
    )


WORDS = {"q1": "New product in the last three years?", "sales": "Sales, pesos"}
LABELS = {
    "place": {1: "Coast", 2: "Sierra", 3: "Selva"},
    "q1": YES_NO,
    "obstacle": {1: "None", 2: "Minor", 3: "Moderate", 4: "Major", 5: "Severe", 9: "No answer"},
}


@pytest.fixture
def write(project: Project) -> Callable[..., None]:
    def written(
        number: int, data: pd.DataFrame, words: dict | None = None, labels: dict | None = None
    ) -> None:
        words, labels = WORDS | (words or {}), LABELS | (labels or {})
        pyreadstat.write_sav(
            data,
            str(project.raw / f"w{number}.sav"),
            column_labels={name: label for name, label in words.items() if name in data},
            variable_value_labels={name: codes for name, codes in labels.items() if name in data},
        )

    written(1, frame(2019))
    written(2, frame(2020))
    project.spec_file("waves").write_text(SPEC)
    return written


def found(project: Project, everything: bool = True) -> list[tuple[str, str, str, str]]:
    changes = gvc.wave_changes(project.spec_file("waves"), project, everything)
    assert set(changes["change"]) <= set(CHANGES)
    rows = changes[["variable", "change", "before", "after"]]
    # The year is another in another wave.
    return [tuple(row) for row in rows.itertuples(index=False) if row[0] != "year"]


def test_waves_that_are_alike_have_no_change(project: Project, write: Callable[..., None]) -> None:
    assert found(project) == []


@pytest.mark.parametrize(
    ("change", "words", "labels", "expected"),
    [
        (lambda f: f.drop(columns="sales"), {}, {}, ("sales", "absent", "", "no such variable")),
        (
            lambda f: f.rename(columns={"q1": "Q1"}),
            {"Q1": WORDS["q1"]},
            {"Q1": YES_NO},
            ("q1", "spelling", "q1", "Q1"),
        ),
        (
            lambda f: f,
            {"q1": "New product last year?"},
            {},
            ("q1", "wording", WORDS["q1"], "New product last year?"),
        ),
        (lambda f: f, {}, {"q1": {1: "No", 2: "Yes"}}, None),
        (
            lambda f: f,
            {},
            {"place": {1: "Coast", 2: "Sierra", 3: "Selva", 4: "Lima"}},
            ("place", "codes", "", "4: Lima"),
        ),
        (lambda f: f.assign(plain=f["plain"] + (f["plain"] == 3)), {}, {}, ("plain", "codes", "3", "4")),
        (lambda f: f.assign(mood="good"), {}, {}, ("mood", "type", "numbers", "texts")),
        (
            lambda f: f.assign(sales=f["sales"] / 1000),
            {},
            {},
            ("sales", "scale", "median 1,020", "median 1.019"),
        ),
        (lambda f: f.assign(share=f["share"] / 100), {}, {}, ("share", "scale", "up to 100", "up to 1")),
        (
            lambda f: f.assign(mood=1.0 + pd.Series(range(N)) % 7),
            {},
            {},
            ("mood", "scale", "1–4", "1–7"),
        ),
    ],
)
def test_each_change_is_reported(
    project: Project,
    write: Callable[..., None],
    change: Callable[[pd.DataFrame], pd.DataFrame],
    words: dict,
    labels: dict,
    expected: tuple[str, str, str, str] | None,
) -> None:
    write(2, change(frame(2020)), words, labels)
    rows = found(project)
    if expected is None:
        assert rows == [("q1", "labels", "1: Yes", "1: No"), ("q1", "labels", "2: No", "2: Yes")]
        return
    assert expected in rows
    assert {row[0] for row in rows} == {expected[0]}


def test_only_what_the_spec_reads_and_for_which_column(project: Project, write: Callable[..., None]) -> None:
    write(2, frame(2020).assign(mood="good", sales=1.0), {"q1": "Another question"})
    changes = gvc.wave_changes(project.spec_file("waves"), project)
    seen = changes[changes["variable"] != "year"]
    assert seen[["variable", "panel_columns", "change"]].to_numpy().tolist() == [
        ["sales", "sales_usd", "scale"],
        ["q1", "upgrade_product", "wording"],
    ]
    assert seen[["from_wave", "to_wave"]].iloc[0].tolist() == ["w1.sav", "w2.sav"]


def test_a_missing_code_is_no_change_of_scale(project: Project, write: Callable[..., None]) -> None:
    write(2, frame(2020).assign(share=lambda f: f["share"].where(f["share"] > 20, -9.0)))
    assert found(project) == []


def test_formats_may_differ_and_the_command_prints(project: Project, write: Callable[..., None]) -> None:
    frame(2020).assign(sales=lambda f: f["sales"] * 1000).to_csv(project.raw / "w2.csv", index=False)
    text = SPEC.replace("w2.sav", "w2.csv")
    project.spec_file("waves").write_text(text)
    shown = CliRunner().invoke(app, ["panel", "waves", "waves"])
    assert shown.exit_code == 0
    assert "median" in shown.output
    assert "sales_usd" in shown.output
    project.spec_file("waves").write_text(
        text.replace("{files: [raw/w1.sav, raw/w2.csv]}", "{file: raw/w2.csv}")
    )
    with pytest.raises(DataError, match="there is one file, and nothing to compare it with"):
        gvc.wave_changes(project.spec_file("waves"), project)


def test_tables_have_no_waves(project: Project) -> None:
    path = project.spec_file("io")
    path.write_text("title: t\nextends: wiod\nsource: wiod2013\n")
    with pytest.raises(SpecError, match="input-output tables have no waves"):
        gvc.wave_changes(path, project)
