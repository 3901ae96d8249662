"""The guide's commands are those of the program, and its Python runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import typer

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "how_many_firms.md").read_text("utf-8")


def test_every_command_of_the_guide_is_one() -> None:
    from gvcmetrics.cli import app

    command = typer.main.get_command(app).commands["power"]
    found = re.findall(r"^gvcmetrics power (.*)$", GUIDE, flags=re.MULTILINE)
    assert len(found) > 6
    for words in found:
        given = command.make_context("power", shlex.split(words, comments=True)).params
        assert given["hypothesis"] in ("H2", "H3")
