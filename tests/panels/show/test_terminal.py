"""What a file says is printed as it says it: it steers no terminal, and means nothing to the printer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.show import terminal
from gvcmetrics.panels.show.findings import command, say
from gvcmetrics.panels.trial import check_panel

STEERING = ["\x1b[31m", "\x1b]8;;x\x07", "\x9b2J", "\u202e", "\u2066", "\x08", "\r"]
ALL = "".join(STEERING)
SHOWN = "\\x1b[31m\\x1b]8;;x\\x07\\x9b2J\\u202e\\u2066\\x08"


def steers(text: str) -> bool:
    return any(sign in text for sign in ("\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\x08", "\r"))


def test_tables_and_paragraphs_show_the_signs_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    console = terminal.new_console()
    table = terminal.new_table("column", "values")
    table.add_row("a [red]b[/red] [/x] :smile:", f"x{ALL}y")
    console.print(table)
    say(console, f"one{ALL}\ntwo [/x]")
    command(console, f"three{ALL}")
    out = capsys.readouterr().out
    assert not steers(out)
    assert f"x{SHOWN} y" in out
    assert "a [red]b[/red] [/x] :smile:" in out
    assert "\ntwo [/x]\n" in out
    assert out.count(SHOWN) == 3


def test_what_check_list_and_describe_print_of_a_hostile_file(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, raw = project.spec_file("exports"), project.raw / "exports.csv"
    words = spec.read_text(encoding="utf-8").replace("title: Exports", 'title: "\\x1b[31m\\u202eExports')
    words = words.replace("of a few countries", 'of a few countries"')
    words = words.replace("product: {from: code}", 'product: {from: "co\\x1bde"}')
    spec.write_text(
        words.replace("licence: none", 'licence: "\\u2066none').replace("needed", 'needed"'), "utf-8"
    )
    lines = raw.read_text(encoding="utf-8").replace("code", "co\x1bde", 1).splitlines()
    raw.write_text("\n".join(lines) + "\n", encoding="utf-8")
    build_panel(spec, project)
    terminal.print_panels()
    terminal.print_description("exports")
    from gvcmetrics.panels.show.findings import print_check

    print_check(check_panel(spec, project), spec)
    out = capsys.readouterr().out
    assert not steers(out)
    assert "\\x1b[31m\\u202eExports" in out
    assert "co\\x1bde" in out
    assert "\\u2066none needed" in out


def test_tables_and_estimates_of_a_hostile_frame() -> None:
    frame = pd.DataFrame({ALL: [2.0, 3.0]}, index=["a\u202e", "b"])
    printed = str(gvc.table(frame, title=f"T{ALL}", notes=[f"N{ALL}"]))
    assert not steers(printed)
    assert printed.count("\\u202e") == 4
    rows = pd.DataFrame(
        {"y": np.arange(9.0) ** 2, "x": np.arange(9.0), "g": ["a\x1b[31m", "b\u202e", "c"] * 3}
    )
    assert not steers(str(gvc.ols("y ~ x + C(g)", rows)))
