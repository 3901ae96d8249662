"""Progress of a build: what is reported, and what a terminal and a log make of it."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from gvcmetrics.panels import progress
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.progress import Step
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.show import terminal


@pytest.mark.parametrize("by", ["", "partition_by: year\n"])
def test_rows_are_reported_as_they_are_read_and_written(
    project: Project, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setattr(progress, "_INTERVAL", 0.005)
    n = 300_000
    frame = pd.DataFrame({"country": "DEU", "code": np.arange(n), "year": 2000 + np.arange(n) % 2})
    frame.assign(value_k=np.arange(n) / 7, quality=1, share_pct=1).to_csv(
        project.raw / "exports.csv", index=False
    )
    spec = project.spec_file("exports")
    spec.write_text(spec.read_text() + by)
    steps: list[Step] = []
    built = build_panel(spec, project, report=steps.append)
    read = [step for step in steps if step.doing == "reading"]
    written = [step.rows for step in steps if step.doing == "writing"]
    assert read
    assert all(0 < step.rows <= step.of for step in read)
    assert abs(read[0].of / n - 1) < 0.1
    assert written == sorted(written)
    assert written[-1] == n
    assert len(written) == (3 if by == "" else 4)  # a row group at a time; two for each of two years
    assert steps == [*read, *(step for step in steps if step.doing == "writing")]
    quiet = build_panel(spec, project)
    assert quiet.provenance == built.provenance


def test_a_log_gets_a_line_now_and_then() -> None:
    clock, lines = [0.0], []
    report = terminal.plain_progress("trade", lines.append, lambda: clock[0])
    for clock[0], step in (
        (4.0, Step("reading", 1_000, 10_000)),  # a quick build says nothing
        (5.0, Step("reading", 2_000, 10_000)),
        (14.0, Step("reading", 6_000, 10_000)),  # ten seconds have not passed
        (20.0, Step("reading", 8_000, 10_000)),
        (26.0, Step("writing", 1_000, 9_900)),
        (36.0, Step("writing", 4_950, 9_900)),
    ):
        report(step)
    assert lines == [
        "trade: reading, 2,000 of about 10,000 rows, 20 s left",
        "trade: reading, 8,000 of about 10,000 rows, 5 s left",
        "trade: writing, 4,950 of 9,900 rows, 10 s left",
    ]


@pytest.mark.parametrize("patience", [0.0, 60.0])
def test_a_terminal_gets_a_bar_unless_the_build_is_quick(
    monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr(terminal, "_PATIENCE", patience)
    shown = StringIO()
    console = Console(file=shown, force_terminal=True, force_interactive=True, width=100)
    with terminal.shown_progress("trade", console) as report:
        report(Step("reading", 2_500_000, 10_000_000))
        report(Step("writing", 1_000_000, 9_999_999))
    said = shown.getvalue()
    if patience:
        assert said == ""
    else:
        assert "trade: writing" in said
        assert "1,000,000 of 9,999,999 rows" in said
