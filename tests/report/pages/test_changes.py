"""What `make changes` says moved, and that nothing else is said to."""

from __future__ import annotations

import pandas as pd
import pytest

from gvcmetrics import table
from gvcmetrics.errors import DataError
from gvcmetrics.report.pages.changes import KEPT, changes, keep


def save(folder, name="t", **columns):
    frame = pd.DataFrame({"share": [0.5, 0.25], "why": ["near", "far"], **columns}, index=["a", "b"])
    table(frame).save_all(folder / name)


def test_what_moved_is_said_with_both_numbers(tmp_path):
    save(tmp_path)
    save(tmp_path, "same")
    keep(tmp_path)
    assert changes(tmp_path) == ["There is no other build to compare with."]
    save(tmp_path, share=[0.5, 0.75], why=["near", "nearer"])
    said = ["t: 2 moved", "  b | 2 | why | text: far → nearer", "  b | 1 | share | value: 0.25 → 0.75"]
    # The same whether or not the report was composed in between, and however often.
    assert changes(tmp_path) == said
    for _ in range(2):
        keep(tmp_path)
        assert changes(tmp_path) == said


def test_every_cell_that_moves_is_found_and_the_farthest_come_first(tmp_path):
    rows = [f"r{number}" for number in range(12)]
    for step in (0.0, 0.1):
        frame = pd.DataFrame({"x": [1.0 + step * number for number in range(12)]}, index=rows)
        table(frame).save_all(tmp_path / "t")
        keep(tmp_path)
    lines = changes(tmp_path)
    assert lines[0] == "t: 11 moved"
    assert lines[1].startswith("  r11 |")
    assert lines[-1] == "  … and 3 less far"


def test_tables_that_come_and_go(tmp_path):
    save(tmp_path, "old")
    save(tmp_path)
    keep(tmp_path)
    (tmp_path / "old.parquet").unlink()
    save(tmp_path, "new")
    save(tmp_path, n=[1, 2])
    assert changes(tmp_path) == ["new: a table more", "old: no longer there", "t: 2 more"]


def test_noise_of_the_last_digit_is_no_change(tmp_path):
    save(tmp_path)
    keep(tmp_path)
    save(tmp_path, share=[0.5, 0.25 * (1 + 1e-14)])
    assert changes(tmp_path) == ["No number moved."]


def test_a_verdict_that_turns_is_said(tmp_path):
    answers = {"hypothesis": ["H8"], "panel": ["here"], "rule": ["one"], "estimate": [0.2]}
    for verdict in ("supported", "no clear answer"):
        pd.DataFrame({**answers, "verdict": [verdict]}).to_parquet(tmp_path / "hypotheses.parquet")
        keep(tmp_path)
    assert changes(tmp_path) == [
        "hypotheses: 1 moved",
        "  H8 | here | one | verdict: supported → no clear answer",
    ]


def test_a_table_of_another_kind_is_told_apart_whole(tmp_path):
    for number in (1, 2):
        pd.DataFrame({"x": [number]}).to_parquet(tmp_path / "other.parquet")
        keep(tmp_path)
    assert [line.split(":")[0] for line in changes(tmp_path)] == ["other", "  content"]


def test_a_build_that_died_while_it_kept_its_tables_loses_none(tmp_path):
    save(tmp_path)
    keep(tmp_path)
    save(tmp_path, share=[1.0, 2.0])
    said = changes(tmp_path)
    # As far as it came: the last copy was put aside, the new one was half written.
    (tmp_path / KEPT / "now").rename(tmp_path / KEPT / "before")
    (tmp_path / KEPT / ".new").mkdir()
    assert changes(tmp_path) == said
    keep(tmp_path)
    assert changes(tmp_path) == said
    (tmp_path / "t.parquet").write_text("half")
    with pytest.raises(DataError, match=r"t\.parquet"):
        changes(tmp_path)
