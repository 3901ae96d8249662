"""The word `crosswalk`: codes of another classification while a panel is built."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gvcmetrics.errors import DataError, MissingSourceError, SpecError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.crosswalks.links import crosswalk
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.spec.panel import load_spec
from gvcmetrics.panels.spec.words import spec_schema
from gvcmetrics.panels.state import ABSENT, build_or_skip
from gvcmetrics.panels.trial import check_panel

MIRROR = os.environ.get("GVCMETRICS_MIRROR")
HEAD = """\
title: Trade
contract: trade
source: {file: raw/f.csv}
licence: none
citation: none
columns:
  exporter: {constant: ECU}
  importer: {constant: WLD}
  product: {from: k}
  year: {constant: "2020"}
  value_usd: {from: v}
"""
WORDS = "type: text, unit: code, label: Industry"


def spec_of(project: Project, words: str, rest: str = "") -> Path:
    path = project.spec_file("trade")
    path.write_text(HEAD + f"  sector: {{from: k, {words}, {WORDS}}}\n" + rest, encoding="utf-8")
    return path


def build(project: Project, words: str, rest: str = "", **options: Any) -> pd.DataFrame:
    build_panel(spec_of(project, words, rest), project, **options)
    return panel("trade", project=project)


@pytest.mark.usefixtures("small")
def test_codes_are_mapped_over_the_route(project: Project) -> None:
    # Dots and blanks are none of the code; of missing codes nothing is said.
    (project.raw / "f.csv").write_text("k,v\n010110,1\n0101.10,2\n01 01,3\n-9,4\n")
    words = "crosswalk: {from: HS1, to: WIOD2013}, missing: ['-9']"
    built = build(project, words).set_index("value_usd")["sector"]
    assert built[[1, 2, 3]].tolist() == ["c1"] * 3
    assert pd.isna(built[4])
    found = panel("trade", project=project).attrs["provenance"]
    assert (
        "'sector' is mapped from HS1 to WIOD2013 by hs1_isic3.parquet, wiod_2013.parquet." in found["notes"]
    )
    assert found["columns"]["sector"]["raw"] == ["k"]
    (project.raw / "f.csv").write_text("k,v\n10110,1\nx10111,2\n")
    words = "characters: [2, 6], pad: 6, crosswalk: {from: HS0, to: ISIC3, digits: 2}"
    assert build(project, words, "max_reject_share: 0.5\n")["sector"].tolist() == ["01"]


@pytest.mark.usefixtures("small")
def test_codes_that_split_or_lead_nowhere_are_rejected(project: Project) -> None:
    (project.raw / "f.csv").write_text("k,v\n010110,1\n010210,2\n999999,3\n555555,4\n0102,5\n")
    words = "crosswalk: {from: HS1, to: HS0}"
    splits = "one code of HS1 is several of HS0, and a row cannot be split"
    said = rf"row 3, column 'k': '010210 → 010210, 010290': {splits} \(4 of 5 rows are bad.*gvc.convert"
    with pytest.raises(DataError, match=said):
        build(project, words)
    assert build(project, words, "max_reject_share: 0.8\n")["sector"].tolist() == ["010111"]
    rejects = pd.read_csv(project.rejects_file("trade"), dtype=str).fillna("")
    assert rejects[["row", "column", "value", "reason"]].to_numpy().tolist() == [
        ["3", "k", "010210 → 010210, 010290", splits],
        ["4", "k", "999999", "no code of HS0 for this code of HS1"],
        ["5", "k", "555555", "no code of HS0 for this code of HS1"],
        ["6", "k", "0102 → 010210, 010290", splits],
    ]
    problems = check_panel(spec_of(project, words), project).problems
    assert len(problems) == 2
    assert splits in problems[0]
    assert "no code of HS0 for this code" in problems[1]
    assert all("(2 of 5 rows, this the first" in problem for problem in problems)
    # Half of 010210 leads to a class that is no industry of the table: that is a split as well.
    (project.raw / "f.csv").write_text("k,v\n010110,1\n010210,2\n")
    with pytest.raises(DataError, match=r"'010210 → c1, no code'"):
        build(project, "crosswalk: {from: HS1, to: WIOD2013}")


@pytest.mark.usefixtures("small")
def test_a_key_may_be_mapped_if_rows_stay_apart(project: Project) -> None:
    (project.raw / "f.csv").write_text("k,v\n010111,1\n010210,2\n020110,3\n")
    head = HEAD.replace("{from: k}", "{from: k, crosswalk: {from: HS0, to: ISIC3}}")
    path = project.spec_file("trade")
    path.write_text(head)
    with pytest.raises(DataError, match=r"duplicate key.*several codes one, `gvc.convert` sums them after"):
        build_panel(path, project)
    hs = "  hs: {from: k, type: text, unit: code, label: HS}\n"
    path.write_text(head + hs + "keys: [exporter, importer, product, year, hs]\n")
    build_panel(path, project)
    assert panel("trade", project=project)["product"].tolist() == ["0121", "0121", "1511"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "crosswalk: {from: HS9, to: HS0}",
            r"line 12, key 'columns.sector.crosswalk.from'.*Did you mean 'HS",
        ),
        ("crosswalk: {from: HS1, to: ISIC 3.1}", r"crosswalk.to'.*no classification.*Did you mean 'ISIC3.1'"),
        ("crosswalk: {from: BEC4, to: HS0}", r"line 12.*no crosswalk leads from BEC4 to HS0"),
        ("crosswalk: {from: HS1, to: HS1}", r"HS1 is to become HS1, which it is"),
        ("crosswalk: {from: HS1}", r"line 12.*the key 'to' is absent"),
        (
            "crosswalk: {form: HS1, to: HS0}",
            r"line 12, key 'columns.sector.crosswalk.form'.*Did you mean 'from'",
        ),
        ("crosswalk: {from: HS1, to: HS0, digits: two}", r"crosswalk.digits'.*(found 'two')"),
        (
            "crosswalk: {from: HS1, to: HS0, digits: 5}",
            r"line 12.*HS0 has no level of 5 digits.*Levels: 6, 4, 2",
        ),
        ("crosswalk: HS0", r"line 12, key 'columns.sector.crosswalk'"),
        ("crosswalk: {from: HS1, to: HS0}, recode: {a: b}", r"sector.recode'.*excludes.*`crosswalk`"),
    ],
)
@pytest.mark.usefixtures("small")
def test_misuse_is_told_with_its_line(project: Project, words: str, said: str) -> None:
    (project.raw / "f.csv").write_text("k,v\n010110,1\n")
    with pytest.raises(SpecError, match=said):
        build(project, words)


def test_only_text_is_mapped(project: Project) -> None:
    path = spec_of(project, "crosswalk: {from: HS1, to: HS0}")
    path.write_text(path.read_text().replace("type: text", "type: number"))
    with pytest.raises(SpecError, match=r"line 12, key 'columns.sector.crosswalk'.*the column is no text"):
        load_spec(path)


def test_an_absent_table_is_named(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (project.raw / "f.csv").write_text("k,v\n010110,1\n")
    path = spec_of(project, "crosswalk: {from: HS1, to: WIOD2013}")
    needed = r"needed: hs1_isic3.parquet, wiod_2013.parquet\).*GVCMETRICS_MIRROR"
    monkeypatch.delenv("GVCMETRICS_MIRROR", raising=False)
    with pytest.raises(MissingSourceError, match=needed):
        build_panel(path, project)
    assert isinstance(build_or_skip(path, tmp_path / "state"), MissingSourceError)
    assert (tmp_path / "state").read_text() == ABSENT
    (tmp_path / "concordances").mkdir()
    monkeypatch.setenv("GVCMETRICS_MIRROR", str(tmp_path))
    with pytest.raises(MissingSourceError, match=r"needs 'hs1_isic3.parquet'"):
        build_panel(path, project)


def test_editors_know_the_classifications() -> None:
    words = spec_schema()["$defs"]["CrosswalkWords"]
    assert {"HS5", "ISIC3.1", "NACE2", "WIOD2013"} <= set(words["properties"]["to"]["enum"])
    assert words["required"] == ["from", "to"]


@pytest.mark.skipif(not MIRROR, reason="needs GVCMETRICS_MIRROR")
@pytest.mark.parametrize("end", [("ISIC3", None), ("BEC4", None), ("HS0", 4)])
def test_real_tables_agree_with_the_crosswalk(project: Project, end: tuple[str, int | None]) -> None:
    """Each code of HS 2017 that has one target gets it, and no other code gets any."""
    target, digits = end
    links = crosswalk("HS5", target, digits).links
    number = links.groupby("source")["target"].size()
    whole = links[links["source"].map(number).eq(1) & links["target"].notna()].set_index("source")["target"]
    pd.DataFrame({"k": number.index, "v": 1}).to_csv(project.raw / "f.csv", index=False)
    level = f", digits: {digits}" if digits else ""
    words = f"crosswalk: {{from: HS5, to: {target}{level}}}"
    built = build(project, words, "max_reject_share: 0.5\n").set_index("product")["sector"]
    assert built.to_dict() == whole.to_dict()
    rejected = pd.read_csv(project.rejects_file("trade"), dtype=str)
    assert len(rejected) == len(number) - len(whole)


@pytest.mark.usefixtures("small", "spark")
@pytest.mark.spark
def test_spark_maps_codes_as_duckdb(project: Project) -> None:
    (project.raw / "f.csv").write_text("k,v\n010110,1\n0101.10,2\n010210,5\n999999,3\n01 01,3\n")
    words, rest = "crosswalk: {from: HS1, to: WIOD2013}", "max_reject_share: 0.9\n"
    first = build(project, words, rest)
    rejects = project.rejects_file("trade").read_text()
    second = build(project, words, rest, engine="spark")
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert project.rejects_file("trade").read_text() == rejects
    (project.raw / "f.csv").write_text("k,v\n010110,1\n0101.10,2\n01 01,3\n")
    first, second = build(project, words), build(project, words, engine="spark")
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert first["sector"].tolist() == ["c1"] * 3
