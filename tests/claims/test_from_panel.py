"""A column of another panel in a claim, and what few rows know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.claims.claim import Claim
from gvcmetrics.claims.examine import examine_claim
from gvcmetrics.claims.reader import read_claims
from gvcmetrics.claims.refuse import faults
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project

FIELD = {claim.id: claim for claim in read_claims(Path(__file__).parents[2] / "analysis" / "hypotheses.yaml")}
SPEC = """\
title: Made-up logistics
contract: trade
source: {file: raw/logistics.csv}
licence: none
citation: made up for the tests
columns:
  exporter:
  importer: {constant: WLD}
  product: {from: p}
  year:
  logistics_index: {type: number, unit: score, label: Index}
"""
EXPORTERS = ("ARG", "BRA", "CHL", "COL", "DEU", "ECU", "ESP", "FRA", "ITA", "JPN", "MEX", "PER")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A panel of the index, known of two of ten years; quality follows it exactly but for noise."""
    folder = tmp_path_factory.mktemp("project")
    for part in ("data/panels", "data/raw"):
        (folder / part).mkdir(parents=True)
    rows = [(code, "T", year) for code in EXPORTERS for year in (2012, 2014)]
    index = pd.DataFrame(rows, columns=["exporter", "p", "year"])
    index["logistics_index"] = np.random.default_rng(0).uniform(1, 5, len(index)).round(2)
    index.to_csv(folder / "data" / "raw" / "logistics.csv", index=False)
    (folder / "data" / "panels" / "logistics.yaml").write_text(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GVCMETRICS_DATA", raising=False)
        patch.chdir(folder)
        build_panel(folder / "data" / "panels" / "logistics.yaml")
    return Project(folder / "data")


@pytest.fixture(scope="module")
def goods(project: Project) -> pd.DataFrame:
    index = pd.read_csv(project.data / "raw" / "logistics.csv")
    rows = [(code, "WLD", "51", year) for code in EXPORTERS for year in range(2005, 2015)]
    frame = pd.DataFrame(rows, columns=["exporter", "importer", "product", "year"])
    known = frame.merge(index, on=["exporter", "year"], how="left")["logistics_index"]
    noise = np.random.default_rng(1).normal(0, 0.01, len(frame))
    return frame.assign(quality=0.2 * known.fillna(3.0) + noise)


def test_a_column_of_another_panel_answers_though_few_years_know_it(
    project: Project, goods: pd.DataFrame
) -> None:
    found, findings = examine_claim(FIELD["H10"], goods, "trade", project)
    said = {finding.rule.of: finding for finding in findings}
    assert "logistics_index: from_panel" in found.measured_by()
    assert said["input_tariff"].reason == "lacks input_tariff"
    evidence = said["border_delay"].evidence
    assert evidence is not None
    assert said["border_delay"].facts["n"] == 24
    assert evidence.conf_high < 0
    tariff = goods.assign(input_tariff=np.random.default_rng(2).uniform(0, 1, len(goods)))
    _, findings = examine_claim(FIELD["H10"], tariff, "trade", project)
    said = {finding.rule.of: finding for finding in findings}
    # Beside a tariff that every row knows, the index would take four fifths of the rows from it.
    assert said["input_tariff"].facts["n"] == 120
    assert said["border_delay"].reason == "lacks values of border_delay"


def test_why_another_panel_gives_nothing(project: Project, goods: pd.DataFrame) -> None:
    def reason(frame: pd.DataFrame, at: Project = project, **changes: object) -> str:
        way = FIELD["H10"].alternatives("logistics_index")[1].model_copy(update=changes)
        constructs = {**FIELD["H10"].constructs, "logistics_index": way}
        claim = FIELD["H10"].model_copy(update={"constructs": constructs})
        _, findings = examine_claim(claim, frame, "trade", at)
        return next(finding.reason for finding in findings if finding.rule.of == "border_delay")

    assert "the panel logistics has no column wait" in reason(goods, value="wait")
    assert "several rows for one exporter" in reason(goods, by=("exporter",))
    assert "has none of the panel's exporter and year" in reason(goods.assign(year=goods["year"] - 50))
    nowhere = Project(project.data / "elsewhere")
    assert "logistics" in reason(goods, at=nowhere)


def test_a_word_without_its_panel_is_no_claim() -> None:
    way = FIELD["H10"].alternatives("logistics_index")[1].model_copy(update={"panel": ""})
    broken: Claim = FIELD["H10"].model_copy(update={"constructs": {"logistics_index": way}})
    fault = next(iter(faults(broken)))
    assert fault.problem == "from_panel needs `panel`"
