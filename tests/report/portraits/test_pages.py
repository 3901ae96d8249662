"""The page of a panel: what its columns bear is shown, what they do not is said once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.contracts import CONTRACTS
from gvcmetrics.panels.project import Project
from gvcmetrics.report import build_report
from gvcmetrics.report.portraits import cluster, firm, input_output, trade
from gvcmetrics.report.portraits.exhibit import Exhibit
from gvcmetrics.report.portraits.page import PAGES, shown, write_page


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path / "data")
    for folder in (found.raw, found.spec_file("x").parent, tmp_path / "analysis"):
        folder.mkdir(parents=True, exist_ok=True)
    return found


def firms(n: int = 240, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"firm_id": [f"f{i}" for i in range(n)]})
    frame["region"] = rng.choice(["North", "South", "West"], n)
    frame["industry"] = rng.choice(["15", "14", "22"], n)
    frame["employment"] = rng.integers(2, 400, n)
    frame["value_added_usd"] = frame["employment"] * rng.integers(5_000, 20_000, n)
    frame["foreign_share"] = rng.choice([0.0, 0.0, 0.5, 1.0], n)
    frame["certified"] = rng.integers(0, 2, n)
    frame["buyer_sets_design"] = rng.integers(0, 2, n)
    frame["buyer_sets_process"] = rng.integers(0, 2, n)
    frame["owned_by_buyer"] = frame["joint_design"] = frame["specific_investment"] = 0
    frame["upgrade_product"] = (rng.random(n) < 0.3 + 0.3 * frame["certified"]).astype(int)
    return frame


TOLD = {"panel": "made_up", "source_title": "Made up", "licence": "none", "title": "T", "citation": "none"}
HEAD = """\
title: Made-up firms
contract: firm
licence: none
citation: none
source: {file: raw/firms.csv}
columns:
  country: {constant: PER}
  year: {constant: "2020"}
"""


def write_spec(project: Project, frame: pd.DataFrame) -> Path:
    frame.to_csv(project.raw / "firms.csv", index=False)
    lines = "".join(f"  {column}: {{from: {column}}}\n" for column in frame)
    path = project.spec_file("made_up")
    path.write_text(HEAD + lines, encoding="utf-8")
    return path


def page(project: Project, name: str) -> dict[str, Any]:
    path = write_page(name, project, project.data.parent / "analysis" / "results")
    assert path.name == f"panel_{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_a_yaml_file_alone_gives_a_firm_panel_its_page(project: Project) -> None:
    build_panel(write_spec(project, firms()), project)
    found = page(project, "made_up")
    names = {item["stem"].removeprefix("panel_made_up_") for item in found["items"] if "stem" in item}
    assert names == {
        "coverage",
        "numbers",
        "governance",
        "size",
        "clusters",
        "ties",
        "places",
        "productivity",
    }
    (said,) = [item["text"] for item in found["items"] if item["kind"] == "text"]
    assert "the panel has one year" in said
    results = project.data.parent / "analysis" / "results"
    out = build_report([], results / "report.html", panels=[results / "panel_made_up.json"])
    assert "Panel: Made-up firms" in out.read_text(encoding="utf-8")


def test_the_numbers_are_those_of_the_rows(project: Project) -> None:
    frame = firms()
    build_panel(write_spec(project, frame), project)
    page(project, "made_up")
    results = project.data.parent / "analysis" / "results"

    def cell(stem: str, row: str, column: str) -> float:
        tidy = pd.read_parquet(results / f"panel_made_up_{stem}.parquet")
        return float(tidy.loc[(tidy["row"] == row) & (tidy["column"] == column), "value"].item())

    small = frame["employment"].between(10, 49)
    assert cell("size", "10–49", "N") == small.sum()
    assert cell("size", "10–49", "Foreign ownership") == pytest.approx(
        frame.loc[small, "foreign_share"].mean()
    )
    per_person = frame["value_added_usd"] / frame["employment"]
    assert cell("productivity", "2020", "Median") == pytest.approx(per_person.median())
    quasi = (frame["buyer_sets_design"] == 1) & (frame["buyer_sets_process"] == 1)
    tidy = pd.read_parquet(results / "panel_made_up_governance.parquet")
    counts = tidy[tidy["column"] == "N"].set_index("name")["value"]
    assert counts["quasi_hierarchical"] == quasi.sum()


def test_what_columns_do_not_allow_is_named_with_the_columns(project: Project) -> None:
    build_panel(write_spec(project, firms()[["firm_id", "employment"]]), project)
    found = page(project, "made_up")
    (said,) = [item["text"] for item in found["items"] if item["kind"] == "text"]
    for wanting in ("region, industry", "value_added_usd", "one of upgrade_product", "buyer_sets_design"):
        assert wanting in said


def test_a_panel_of_clusters_needs_employment_alone(project: Project) -> None:
    """Formats named columns that the panel did not have, and the page stopped."""
    frame = pd.DataFrame({"region": ["n", "s"], "cluster_employment": [10, 20]})
    frame.to_csv(project.raw / "places.csv", index=False)
    spec = HEAD.replace("contract: firm", "contract: cluster").replace("firms.csv", "places.csv")
    path = project.spec_file("places")
    path.write_text(
        spec + '  industry: {constant: "10-12"}\n  region:\n  cluster_employment:\n', encoding="utf-8"
    )
    build_panel(path, project)
    found = page(project, "places")
    assert "panel_places_largest" in [item.get("stem") for item in found["items"]]


def test_a_panel_without_its_source_says_what_mends_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GVCMETRICS_MIRROR", raising=False)
    real = Path(__file__).parents[3] / "data" / "panels" / "gravity.yaml"
    project.spec_file("gravity").write_text(real.read_text(encoding="utf-8"), encoding="utf-8")
    found = page(project, "gravity")
    assert found["items"] == []
    (left,) = found["not_estimated"]
    assert "GVCMETRICS_MIRROR" in left["get"]
    assert "panel build" not in left["get"]
    results = project.data.parent / "analysis" / "results"
    out = build_report([], results / "report.html", panels=[results / "panel_gravity.json"])
    text = out.read_text(encoding="utf-8")
    assert "Panels that are not on this machine" in text
    assert "GVCMETRICS_MIRROR" in text


def flows(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [
            [f"E{i:02}" for i in range(22)],
            ["DEU", "USA", "JPN"],
            [f"{p:04}" for p in range(21)],
            range(2015, 2021),
        ],
        names=["exporter", "importer", "product", "year"],
    )
    frame = index.to_frame(index=False)
    frame["value_usd"] = np.round(rng.lognormal(8, 1, len(frame)), 2)
    frame["quantity"] = np.round(frame["value_usd"] / rng.uniform(2, 9, len(frame)), 3)
    frame["quality"] = rng.uniform(0.5, 1.5, len(frame))
    return frame[rng.random(len(frame)) < 0.6].reset_index(drop=True)


def clusters() -> pd.DataFrame:
    frame = firms(400).assign(country="PER", year=2020, weight=1.0)
    made = measures.cluster_panel(frame, by=["country", "year"])
    return made.rename(columns={"employment": "cluster_employment", "n_firms": "cluster_n_firms"})


@pytest.mark.parametrize(
    ("exhibits", "frame"), [(trade.exhibits(), flows()), (cluster.exhibits(), clusters())]
)
def test_a_full_panel_gets_every_exhibit(exhibits: tuple[Exhibit, ...], frame: pd.DataFrame) -> None:
    for exhibit in exhibits:
        assert not exhibit.lacks(frame), exhibit.name
        made = exhibit.make(frame)
        assert not isinstance(made, str), (exhibit.name, made)
        if isinstance(made, pd.DataFrame):
            assert str(shown(exhibit, made, TOLD))


def test_every_exhibit_bears_a_panel_of_one_row() -> None:
    one = flows().head(1)
    for exhibit in trade.exhibits():
        exhibit.make(one)
    single = firms(1).assign(country="PER", year=2020)
    for exhibit in firm.exhibits():
        if not exhibit.lacks(single):
            exhibit.make(single)
    alone = clusters().head(1)
    for exhibit in cluster.exhibits():
        exhibit.make(alone)


STRAIN = {
    "two rows": lambda frame: frame.head(2),
    "one cluster": lambda frame: frame.assign(region="North", industry="15", cluster_id="North-15"),
    "all outcomes missing": lambda frame: frame.assign(upgrade_product=np.nan),
    "nothing varies": lambda frame: pd.concat([frame.head(1)] * 3).assign(firm_id=["a", "b", "c"]),
    "two waves": lambda frame: pd.concat([frame, frame.assign(year=2022)]),
    "numbers missing": lambda frame: frame.assign(employment=np.nan, value_added_usd=np.nan),
    "one country has the other's firms": lambda frame: pd.concat([frame, frame.assign(country="CHL")]),
}


@pytest.mark.parametrize("strain", STRAIN)
def test_every_exhibit_of_firms_bears_strain(strain: str) -> None:
    """A table, a figure or a reason, and never a warning that the reader of the page does not see."""
    whole = firms().assign(country="PER", year=2020, certified=0, weight=1.0)
    whole["cluster_id"] = whole["region"] + "-" + whole["industry"]
    frame = STRAIN[strain](whole)
    for exhibit in firm.exhibits():
        if exhibit.lacks(frame):
            continue
        made = exhibit.make(frame)
        if isinstance(made, pd.DataFrame):
            assert str(shown(exhibit, made, TOLD))
            assert len(made)


@pytest.mark.parametrize("contract", ["firm", "trade", "cluster"])
def test_a_page_reads_no_column_but_those_that_it_names(contract: str) -> None:
    """The columns of a page are projected in the file; one that is not named would be lacking in silence."""
    made = {"firm": firms().assign(country="PER", year=2020), "trade": flows(), "cluster": clusters()}
    reads = {"firm": firm.READS, "trade": trade.READS, "cluster": cluster.READS}
    frame = made[contract].assign(beside=1.0)
    known = CONTRACTS[contract].columns
    assert set(reads[contract]) <= set(known)
    kept = frame[[name for name in frame if name in reads[contract]]]
    for exhibit in PAGES[contract]():
        assert exhibit.lacks(kept) == exhibit.lacks(frame), exhibit.name
        assert {*exhibit.needs, *exhibit.any_of} <= set(reads[contract])
        if not exhibit.lacks(kept):
            projected, whole = exhibit.make(kept), exhibit.make(frame)
            assert type(projected) is type(whole)
            if isinstance(projected, pd.DataFrame):
                pd.testing.assert_frame_equal(projected, whole)


def test_a_page_says_that_it_cut_only_where_it_did() -> None:
    """Seven years stood under "at most 24 years, the last"."""
    exhibit = trade.exhibits()[0]
    short = exhibit.make(flows())
    assert not any("24" in said for said in exhibit.said_under(short))
    stretched = pd.concat([flows().assign(year=year) for year in range(1990, 2020)])
    made = exhibit.make(stretched)
    assert exhibit.said_under(made)[0] == "The last 24 years."


def test_an_input_output_panel_gets_every_exhibit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read once a year, whatever the exhibits ask."""
    read: list[int] = []

    def table(name: str, year: int) -> measures.InputOutput:
        read.append(year)
        rng = np.random.default_rng(year)
        Z, Y = rng.uniform(1, 4, (6, 6)), rng.uniform(5, 9, (6, 3))
        return measures.from_arrays(Z, Y, countries=["PER", "DEU", "JPN"], industries=["a", "b"])

    monkeypatch.setattr("gvcmetrics.input_output", table)
    for exhibit in input_output.exhibits("made_up", [2000, 2005, 2010]):
        made = exhibit.make(pd.DataFrame())
        assert not isinstance(made, str), exhibit.name
        if isinstance(made, pd.DataFrame):
            assert str(shown(exhibit, made, TOLD))
        if exhibit.name == "decomposition":
            assert isinstance(made, pd.DataFrame)
            np.testing.assert_allclose(made.sum(), 1.0)
            assert made.shape == (9, 3)
    assert sorted(read) == [2000, 2005, 2010]


def test_every_contract_of_rows_has_a_page() -> None:
    assert set(PAGES) == set(CONTRACTS)


def test_what_one_exhibit_cannot_bear_does_not_stop_the_page(project: Project) -> None:
    """Certificates foretell upgrading without fail: the logit refuses, the rest of the page stands."""
    frame = firms()
    build_panel(write_spec(project, frame.assign(upgrade_product=frame["certified"])), project)
    found = page(project, "made_up")
    assert {"coverage", "size", "places"} <= {
        item["stem"].removeprefix("panel_made_up_") for item in found["items"] if "stem" in item
    }
    (said,) = [item["text"] for item in found["items"] if item["kind"] == "text"]
    assert "average effects on its probability (" in said
