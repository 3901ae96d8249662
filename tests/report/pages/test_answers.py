"""The chapter on the panels' answers: the numbers of the runner's table, turned where those turn."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.claims.pool import pool
from gvcmetrics.claims.run import COLUMNS
from gvcmetrics.report import build_report
from gvcmetrics.report.pages.answers import answers_table, several_panels, write_answers

FIELD = Path(__file__).parents[3] / "analysis" / "hypotheses.yaml"
RULE = "upgrading ← own_rd: positive"


def row(panel: str, estimate: float, error: float, verdict: str = "supported", **more: object) -> dict:
    made = {
        "hypothesis": "H6", "panel": panel, "rule": RULE, "scale": "probability", "estimate": estimate,
        "std_error": error, "conf_low": estimate - 2 * error, "conf_high": estimate + 2 * error,
        "p_adjusted": 0.0003, "n": 1234, "clusters": 40, "ways": "",
        "verdict": verdict,
        "claim_verdict": verdict, "model": "Fractional logit", "errors": "clustered",
        "measured_by": "as asked", "controls_left_out": "", "reason": "",
    }  # fmt: skip
    return made | more


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS)).astype(COLUMNS)


@pytest.fixture
def several() -> pd.DataFrame:
    other: dict[str, object] = {
        "rule": "upgrading ← own_rd:tie: positive",
        "reason": "not estimable on peru: lacks governance",
    }
    other |= {"p_adjusted": np.nan, "model": None, "errors": None}
    return table(
        row("all panels", 0.15, 0.03, clusters=None),
        row("peru", 0.10, 0.03),
        row("chile", -0.22, 0.05, "contradicted"),
        row("peru", np.nan, np.nan, "not estimable", **other),
    )


def test_the_table_is_the_rows_with_the_mean_last(several: pd.DataFrame) -> None:
    made = answers_table(several)
    assert list(made.index.get_level_values("Panel")) == ["peru", "chile", "all panels"]
    assert made["Effect"].tolist() == [0.10, -0.22, 0.15]
    assert made["p, adjusted"].tolist() == ["< 0.001"] * 3
    assert made["Clusters"].isna().tolist() == [False, False, True]
    assert made["Verdict"].tolist() == ["supported", "contradicted", "supported"]


def test_a_plot_takes_the_rows_that_the_summary_takes(several: pd.DataFrame) -> None:
    (only,) = several_panels(several)
    assert only[1]["panel"].tolist() == ["peru", "chile"]
    apart = several.assign(ways=["", "by patents", "by answers", ""])
    assert several_panels(apart) == []


def test_the_chapter_says_the_numbers_and_turns_with_them(several: pd.DataFrame, tmp_path: Path) -> None:
    several.to_parquet(tmp_path / "hypotheses.parquet")
    chapter = write_answers(tmp_path / "hypotheses.parquet", FIELD, tmp_path)
    manifest = json.loads(chapter.read_text("utf-8"))
    drawn = [item for item in manifest["items"] if item["kind"] == "figure"]
    assert [item["stem"] for item in drawn] == ["answers_H6_forest_1"]
    mean = pool([0.10, -0.22], [0.03, 0.05])
    assert f"Mean of 2 panels: {mean.estimate:.3f}".replace("-", "−") in drawn[0]["notes"][0]
    assert f"I² = {mean.i2:.0f} %" in drawn[0]["notes"][0]
    beside = pd.read_csv(tmp_path / "answers_H6_forest_1.csv")
    assert beside["estimate"][:2].tolist() == [0.10, -0.22]
    notes = [note for item in manifest["items"] if item["kind"] == "table" for note in item["notes"]]
    assert "upgrading ← own_rd:tie: positive: not estimable on peru: lacks governance." in notes
    assert not any("None" in note for note in notes)

    page = tmp_path / "panel_peru.json"
    page.write_text(json.dumps({**manifest, "name": "panel_peru", "title": "Peru", "items": drawn}), "utf-8")
    out = build_report(
        [],
        tmp_path / "report.html",
        hypotheses=FIELD,
        answers=tmp_path / "hypotheses.parquet",
        panels=[page],
        findings=[chapter],
    ).read_text("utf-8")
    assert '<a href="#answers-H6">H6</a></th>' in out
    assert '<a href="#panel-peru">peru</a></th>' in out
    assert '<li><a href="#answers-H6">H6</a> <b>supported</b>' in out
    assert "Table A1." in out
    assert out.count('<source media="(max-width:36em)"') == 2
    targets = set(re.findall(r'href="#([^"]+)"', out))
    assert targets <= set(re.findall(r'id="([^"]+)"', out))

    one = several[several["panel"] == "peru"]
    one.to_parquet(tmp_path / "hypotheses.parquet")
    write_answers(tmp_path / "hypotheses.parquet", FIELD, tmp_path)
    assert not list(tmp_path.glob("answers_H6_forest*"))
    assert (tmp_path / "answers_H6.html").exists()


def test_answers_of_simulated_panels_are_marked(several: pd.DataFrame, tmp_path: Path) -> None:
    several.to_parquet(tmp_path / "hypotheses.parquet")
    page = {"format": 1, "name": "panel_chile", "title": "Chile", "simulated": True, "items": []}
    (tmp_path / "panel_chile.json").write_text(json.dumps(page), "utf-8")
    manifest = json.loads(write_answers(tmp_path / "hypotheses.parquet", FIELD, tmp_path).read_text("utf-8"))
    assert [item["simulated"] for item in manifest["items"] if "stem" in item] == [True, True]
    assert manifest["simulated"]
