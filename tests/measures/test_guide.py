"""The guide lists every public measure and names none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from gvcmetrics import measures

GUIDE = (Path(__file__).parents[2] / "docs" / "measures.md").read_text("utf-8")
ROWS = [line for line in GUIDE.splitlines() if line.startswith("| ")]
FUNCTIONS = {name for row in ROWS for name in re.findall(r"`(?:gvc\.)?([A-Za-z_]+)`", row.split(" | ")[1])}
RESULTS = {name for row in ROWS for name in re.findall(r"`([A-Za-z]+)`", row.split(" | ")[-1])}


def test_every_public_measure_is_in_a_table() -> None:
    assert set(measures.__all__) - FUNCTIONS - RESULTS == set()


def test_the_tables_name_nothing_that_is_not_there() -> None:
    assert FUNCTIONS - set(measures.__all__) == {
        *("input_output", "industry_measures", "join_value_chain", "cluster_completeness", "compare_editions")
    }


def test_every_row_has_the_columns_of_its_table() -> None:
    width = 0
    for line in GUIDE.splitlines():
        if line.startswith("|--"):
            width = line.count("|")
        elif line.startswith("| ") and width:
            assert line.count("|") == width, line
        elif not line.startswith("|"):
            width = 0
