"""A column of a contract is one line: everything that knows columns reads it off the contract."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gvcmetrics import measures
from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.contracts import CLUSTER, CONTRACTS, FIRM, TRADE, Column
from gvcmetrics.panels.draft.words import clues_for, columns_told
from gvcmetrics.panels.draft.write import write_draft
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.show.codebook import write_codebook
from gvcmetrics.panels.spec.words import Spec, spec_schema
from gvcmetrics.panels.trial import check_panel
from gvcmetrics.panels.validate import validate

LINE = Column("training_share", "number", "share", "Workers who were trained", 0, 1)


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The firm contract with one more line, once drafts have been made without it."""
    for contract in (FIRM, TRADE):
        columns_told(clues_for(contract), "employees")
    monkeypatch.setitem(FIRM.columns, LINE.name, LINE)


@pytest.mark.usefixtures("one_more")
def test_a_column_is_one_line(project: Project) -> None:
    rows = [f"f{number},2020,{number + 5},{number / 40}" for number in range(30)]
    raw = project.raw / "firms.csv"
    raw.write_text("\n".join(["firm_id,year,employees,training share", *rows]) + "\n")
    draft = write_draft(raw, "ECU", project)
    assert draft.proposed["training_share"] == "training share"
    draft.path.write_text(draft.path.read_text().replace("???", "none"))
    assert "training_share" not in check_panel(draft.path, project).absent
    build_panel(draft.path, project)
    built = panel("firms", project=project)
    assert built.attrs["labels"]["training_share"] == "Workers who were trained (share)"
    assert "Workers who were trained" in write_codebook(project).read_text()
    assert "training_share" in spec_schema()["properties"]["columns"]["properties"]
    with pytest.raises(DataError, match=r"column 'training_share': 7.0 is above 1"):
        validate(built.assign(training_share=7.0), "firm")
    raw.write_text("firm_id,year,employees,training share\nf1,2020,5,7\n")
    with pytest.raises(DataError, match="column 'training share': '7': above 1"):
        build_panel(draft.path, project)
    draft.path.write_text(draft.path.read_text().replace('{from: "training share"}', "{from: x, unit: USD}"))
    with pytest.raises(SpecError, match="the firm contract fixes the unit of 'training_share'"):
        build_panel(draft.path, project)


def test_a_spec_may_name_every_contract_of_rows() -> None:
    assert set(Spec.model_json_schema()["properties"]["contract"]["enum"]) == set(CONTRACTS)


def test_measures_of_clusters_are_a_panel_of_the_cluster_contract(project: Project) -> None:
    firms = pd.DataFrame(
        {"country": "ECU", "year": 2020, "region": ["a", "a", "b", "b"], "industry": ["10", "13", "10", "10"]}
    ).assign(employment=[5.0, 20.0, 7.0, 9.0])
    clusters = measures.cluster_panel(firms, weights=None, by=["country", "year"])
    measured = {"cluster_employees", "cluster_sales_usd", "cluster_value_added_usd", "cluster_wages_usd"}
    assert set(clusters.columns) == set(CLUSTER.columns) - {"cluster_id", "larger_region"} - measured
    validate(clusters, "cluster")
    clusters.to_csv(project.raw / "clusters.csv", index=False)
    lines = "".join(f"  {name}:\n" for name in clusters.columns)
    spec = "title: T\ncontract: cluster\nlicence: none\ncitation: none\nsource: {file: raw/clusters.csv}\n"
    path: Path = project.spec_file("clusters")
    path.write_text(f"{spec}columns:\n{lines}")
    build_panel(path, project)
    built = panel("clusters", project=project)
    assert built.columns[-1] == "cluster_id"
    assert built["cluster_id"].tolist() == ["a-10", "a-13", "b-10"]
    assert built["location_quotient"].tolist() == pytest.approx(clusters["location_quotient"].tolist())
