"""The transcripts in docs/add_a_panel.md are what the commands print."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from gvcmetrics import cli
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.show import terminal

from ..survey_files import write_wbes

PAGE = Path(__file__).parents[3] / "docs" / "add_a_panel.md"
WIDTH = 96


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


def run(command: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> str:
    """A command and what it prints, as a block of the page shows it."""
    monkeypatch.setattr(terminal, "_PLAIN_WIDTH", WIDTH)
    monkeypatch.setattr(sys, "argv", command.split())
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    return _abridged("\n".join([f"$ {command}", *lines]) + "\n")


def _abridged(printed: str) -> str:
    """The columns that a spec does not map cut after two, so that the page need not name a whole contract."""
    names = r"(Not in the spec, of the \w+ contract:\n\w+, \w+, )[\w,\s]+?(?=\n\n|\n[A-Z])"
    return re.sub(names, r"\1…", printed)


def shown(name: str) -> list[tuple[str, str]]:
    """The blocks on one file, each with its command."""
    return [
        (block.splitlines()[0][2:], block) for block in blocks("console") if name in block.splitlines()[0]
    ]


def test_survey_in_a_known_layout(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    write_wbes(Path("peru_2017.dta"))
    (project.data / "pen.csv").write_text("currency,year,per_usd\nPEN,2017,3.26\n")
    (new, drafted), *later = shown("peru_2017")
    assert run(new, capsys, monkeypatch) == drafted
    spec = project.spec_file("peru_2017")
    text = spec.read_text(encoding="utf-8")
    for line in blocks("yaml")[0].splitlines():
        key = line.split(":")[0]
        assert re.search(rf"^{key}: .*\?\?\?.*$", text, re.M), f"{key} is not left blank in the draft"
        text = re.sub(rf"^{key}: .*$", line, text, flags=re.M)
    spec.write_text(text.replace("#?", "#"), encoding="utf-8")
    assert [command.split()[2] for command, _ in later] == ["check", "build"]
    for command, block in later:
        assert run(command, capsys, monkeypatch) == block


def test_survey_without_labels(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    source = Path(os.environ.get("GVCMETRICS_MIRROR", "/none")) / "enai_ecuador_2012_2014.dta"
    if not source.exists():
        pytest.skip("needs GVCMETRICS_MIRROR with enai_ecuador_2012_2014.dta")
    mirror = project.data.parent
    shutil.copy(source, mirror)
    monkeypatch.setenv("GVCMETRICS_MIRROR", str(mirror))
    found = shown("enai_ecuador_2012_2014")
    assert [command.split()[2] for command, _ in found] == ["new", "check"]
    for command, block in found:
        assert run(command, capsys, monkeypatch) == block
        spec = project.spec_file("enai_ecuador_2012_2014")
        spec.write_text(spec.read_text(encoding="utf-8").replace("#?", "#"), encoding="utf-8")
