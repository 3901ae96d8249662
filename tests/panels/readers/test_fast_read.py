"""The fast way of reading text gives the bytes of the slow one, and is taken where it is safe."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.harmonise import verdicts as checks
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.numbers import FastRead
from gvcmetrics.panels.rows import build as rows_build
from gvcmetrics.panels.store import write as store_write

SPEC = """\
title: Trade in the layout of BACI
extends: baci
source: {file: raw/baci.csv}
licence: none needed
citation: made up for the tests
columns:
  product_classification: {constant: HS17}
"""
HEADER = "t,i,j,k,v,q\n"
PLAIN = "2017,4,56,10121,1.5,0.25\n2017,4,56,010129,2.5,NA\n2017,276,842,870323,1e3,7\n"
# As CEPII's files are: quantities are aligned, also those that are missing.
PADDED = (
    "2017,4,56,10121,1.5,       0.250\n"
    "2017,4,56,010129,2.5,          NA\n"
    "2017,276,842,870323,1e3,       7.000\n"
)


@pytest.fixture
def baci(project: Project) -> Project:
    project.spec_file("trade").write_text(SPEC, encoding="utf-8")
    return project


def built(project: Project, rows: str, monkeypatch: pytest.MonkeyPatch) -> tuple[FastRead | None, bool]:
    """How the file was read fast, and whether that was enough."""
    (project.raw / "baci.csv").write_text(HEADER + rows, encoding="utf-8")
    seen: list[FastRead | None] = []
    enough: list[exp.Table | None] = []
    read, fill = checks.fast_read, checks.fill_fast
    with monkeypatch.context() as patch:
        patch.setattr(checks, "fast_read", lambda *given: seen.append(read(*given)) or seen[0])
        patch.setattr(rows_build, "fill_fast", lambda *given: enough.append(fill(*given)) or enough[0])
        build_panel(project.spec_file("trade"), project)
    return seen[0], enough[0] is not None


def slowly(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    with monkeypatch.context() as patch:
        patch.setattr(rows_build, "fill_fast", lambda *_: None)
        return build_panel(project.spec_file("trade"), project).path


@pytest.mark.parametrize(
    ("rows", "blanks"),
    [
        (PLAIN, ""),
        (PADDED, " "),
        (PLAIN.replace(",1.5", ", 1.5").replace(",010129,", ", 010129\t,"), " \t"),
        (PLAIN.replace(",870323,", ",\u00a0870323 ,"), " \u00a0"),
        (PLAIN.replace(",NA", ",  NA ").replace(",0.25", ","), " "),
        (PLAIN.replace(",0.25", ",   "), " "),
    ],
    ids=["no blanks", "as CEPII writes", "tabs", "no-break spaces", "padded NA", "only blanks"],
)
def test_the_fast_way_is_taken_and_gives_the_same_bytes(
    baci: Project, monkeypatch: pytest.MonkeyPatch, rows: str, blanks: str
) -> None:
    fast, enough = built(baci, rows, monkeypatch)
    assert fast is not None
    assert (fast.numbers, set(fast.blanks)) == ({"t", "v", "q"}, set(blanks))
    assert enough
    quickly = baci.panel_file("trade").read_bytes()
    frame = panel("trade", project=baci)
    assert frame["exporter"].tolist() == ["AFG", "AFG", "DEU"]
    assert frame["product"].tolist() == ["010121", "010129", "870323"]
    assert frame["value_usd"].tolist() == [1500.0, 2500.0, 1e6]
    assert frame["quantity"].isna().sum() == (2 if ",\n" in rows or ",   \n" in rows else 1)
    assert slowly(baci, monkeypatch).read_bytes() == quickly


@pytest.mark.parametrize(
    "rows",
    [
        PLAIN.replace(",1.5", ",1_5"),
        PLAIN.replace(",4,", ',"4",', 1),
        PLAIN.replace(",4,", ", 4,", 1),
        PLAIN.replace(",4,", ",Afghanistan ,", 1),
        PLAIN.replace("NA", "n.a."),
    ],
    ids=["underscore", "quotes", "blank in a code", "a name for a code", "another missing code"],
)
def test_what_is_in_doubt_is_read_the_slow_way(
    baci: Project, monkeypatch: pytest.MonkeyPatch, rows: str
) -> None:
    spec = baci.spec_file("trade")
    spec.write_text(spec.read_text() + "max_reject_share: 0.5\n")
    built(baci, rows, monkeypatch)
    quickly = baci.panel_file("trade").read_bytes()
    assert slowly(baci, monkeypatch).read_bytes() == quickly


def test_row_groups_are_cut_by_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_write, "_ROW_GROUP", 100)
    schema = pa.schema([("x", pa.int64())])
    whole = pa.table({"x": range(1_030)}, schema=schema)

    def groups(sizes: list[int]) -> list[list[int]]:
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        cut = [whole.slice(start, size).to_batches()[0] for start, size in zip(starts, sizes, strict=True)]
        rows = pa.RecordBatchReader.from_batches(schema, cut)
        found = list(store_write._groups(rows))
        assert all(group.column("x").num_chunks == 1 for group in found)
        return [group.column("x").to_pylist() for group in found]

    expected = [list(range(start, min(start + 100, 1_030))) for start in range(0, 1_030, 100)]
    assert groups([1_030]) == groups([100] * 10 + [30]) == groups([7, 93, 1, 650, 279]) == expected


def test_a_row_group_says_which_codes_are_in_it(baci: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    built(baci, PLAIN, monkeypatch)
    group = pq.ParquetFile(baci.panel_file("trade")).metadata.row_group(0)
    found = group.column(0).statistics
    assert (group.column(0).path_in_schema, found.min, found.max) == ("exporter", "AFG", "DEU")
    schema = pq.read_schema(baci.panel_file("trade"))
    assert [schema.field(name).type for name in ("exporter", "product_classification")] == [pa.string()] * 2
