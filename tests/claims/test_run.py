"""From a raw file and its YAML to verdicts: the runner and the commands, in a project of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics import cli
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.panels.build import build_panel

FIELD = Path(__file__).parents[2] / "analysis" / "hypotheses.yaml"
SPEC = """\
title: Made-up firms
contract: firm
source: {file: raw/NAME.csv}
licence: none
citation: made up for the tests
money: {currency: USD}
columns:
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, firms: Callable[..., pd.DataFrame]) -> Path:
    """A project with the hypotheses and two panels of firms, the second turned round."""
    folder = tmp_path_factory.mktemp("project")
    for part in ("data/panels", "data/raw", "analysis"):
        (folder / part).mkdir(parents=True)
    shutil.copy(FIELD, folder / "analysis")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GVCMETRICS_DATA", raising=False)
        patch.chdir(folder)
        for name, turn in (("here", 1.0), ("there", -1.0)):
            frame = firms(turn, n=700).drop(columns=["cluster_id", "upgrade_process"])
            frame.to_csv(folder / "data" / "raw" / f"{name}.csv", index=False)
            columns = "".join(f"  {column}: {{from: {column}}}\n" for column in frame.columns)
            spec = folder / "data" / "panels" / f"{name}.yaml"
            spec.write_text(SPEC.replace("NAME", name) + columns, "utf-8")
            build_panel(spec)
    return folder


def command(project: Path, patch: pytest.MonkeyPatch, *arguments: str) -> int:
    patch.delenv("GVCMETRICS_DATA", raising=False)
    patch.chdir(project)
    patch.setattr(sys, "argv", ["gvcmetrics", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def test_every_panel_answers_and_the_table_is_tidy(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert command(project, monkeypatch, "hypotheses", "run") == 0
    out = capsys.readouterr().out
    assert "H2 on here: supported" in out
    assert "H2 on there: contradicted" in out
    assert out.endswith("wrote analysis/results/hypotheses.parquet\n")
    path = project / "analysis" / "results" / "hypotheses.parquet"
    results = pd.read_parquet(path)
    assert not results.duplicated(["hypothesis", "panel", "rule", "ways"]).any()
    every = {f"H{number}" for number in range(1, 24)} | {"H2_squared", "H16_clusters", "H22_clusters"}
    assert set(results["hypothesis"]) == every
    both = results[results["panel"] == "all panels"]
    assert both[both["hypothesis"] == "H2"]["call"].tolist() == ["pool of here, there"] * 2
    assert (both["i2"] > 50).any()
    lacking = results[(results["hypothesis"] == "H1") & (results["panel"] == "here")]
    assert lacking["reason"].iloc[0] == "not estimable on here: lacks upgrade_process"
    trade = results[results["hypothesis"] == "H10"]
    assert trade["reason"].iloc[0] == "not estimable on here: lacks a trade panel"
    before = path.read_bytes()
    assert command(project, monkeypatch, "hypotheses", "run") == 0
    assert path.read_bytes() == before


def test_one_hypothesis_is_explained(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert command(project, monkeypatch, "hypotheses", "explain", "H1") == 0
    out = " ".join(capsys.readouterr().out.split())
    for said in (
        "Humphrey (2001), 3, 5.4",
        "joint_probit:",
        "upgrade_functional ← quasi_hierarchical: negative",
        "here: lacks upgrade_process",
    ):
        assert said in out
    assert command(project, monkeypatch, "hypotheses", "explain", "H0") == 1
    assert "there is no hypothesis 'H0'" in capsys.readouterr().err


def test_all_are_listed_and_the_schema_is_printed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert command(project, monkeypatch, "hypotheses", "list") == 0
    out = capsys.readouterr().out
    assert all(f"H{number} " in out for number in range(1, 24))
    assert command(project, monkeypatch, "hypotheses", "schema") == 0
    assert '"crv3_below"' in capsys.readouterr().out


def test_a_check_ends_with_what_the_panel_can_answer(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert command(project, monkeypatch, "panel", "check", "data/panels/here.yaml") == 0
    can, _, more = (
        capsys.readouterr()
        .out.partition("Hypotheses that these columns can answer:")[2]
        .partition("With further columns it would answer")
    )
    for hypothesis in ("H2", "H6", "H14", "H16", "H20"):
        assert f"  {hypothesis}: " in can
    assert "  H1: upgrade_process\n" in more
    assert "H10" not in can + more


def test_python_lists_and_examines_by_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GVCMETRICS_DATA", raising=False)
    monkeypatch.chdir(project)
    listed = gvc.hypotheses()
    assert listed.loc["H17", "expects"] == "share of backshored: below 0.1"
    assert gvc.examine("H2", "here").verdict == "supported"
    assert gvc.examine("H2", gvc.panel("there")).results["panel"].tolist() == ["there", "there"]


def test_a_project_without_hypotheses_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "panels").mkdir(parents=True)
    monkeypatch.delenv("GVCMETRICS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingSourceError, match=r"no file analysis/hypotheses\.yaml"):
        gvc.hypotheses()
