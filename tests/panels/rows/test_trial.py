"""`panel check`: every figure of the report against the file, and messages with file, row and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.panels.findings import Findings
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.trial import check_panel

SPEC = """\
title: Firms
contract: firm
source: {file: raw/firms.csv}
licence: none needed
citation: made up for the tests
columns:
  country: {constant: ECU}
  firm_id: {from: id}
  year:
  region: {from: town}
  industry: {from: isic}
  employment: {from: workers}
  sales_usd: {from: sales}
  certified: {from: iso, recode: {"yes": "1", "no": "0", "asked": null}}
  upgrade_product: {any_of: [{from: q1, equals: 1}, {from: q2, in: [1, 2]}]}
"""


@pytest.fixture
def raw() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    rows = 60
    frame = pd.DataFrame(
        {
            "id": [f"f{n // 2}" for n in range(rows)],
            "year": [2018, 2019] * (rows // 2),
            "town": ["Loja", "Loja", "Cuenca"] * (rows // 3),
            "isic": ["10", "14", "10", "31"] * (rows // 4),
            "workers": rng.integers(5, 80, rows),
            "sales": np.round(np.exp(rng.normal(10, 0.5, rows)), 2),
            "iso": ["yes", "no", "no", "asked", "yes"] * (rows // 5),
            "q1": rng.integers(0, 2, rows),
            "q2": rng.integers(0, 4, rows),
        }
    )
    frame.loc[5, "sales"] *= 1e6
    frame.loc[8, "workers"] = -1
    frame["workers"] = frame["workers"].astype(object)
    frame.loc[8, "workers"] = ""
    return frame


def check(frame: pd.DataFrame, project: Project, spec: str = SPEC) -> Findings:
    frame.to_csv(project.raw / "firms.csv", index=False)
    project.spec_file("firms").write_text(spec, encoding="utf-8")
    return check_panel(project.spec_file("firms"), project)


def test_figures_are_those_of_the_file(raw: pd.DataFrame, project: Project) -> None:
    report = check(raw, project)
    assert report.problems == []
    assert (report.rows, report.duplicates) == (60, 0)
    columns = {line.column.name: line for line in report.columns}
    assert columns["employment"].missing_share == pytest.approx(1 / 60)
    assert columns["certified"].missing_share == pytest.approx(12 / 60)
    assert columns["firm_id"].distinct == 30
    assert columns["year"].spread == "2018 … 2019"
    assert {"weight", "governance"} <= set(report.absent)
    assert "employment" not in report.absent
    recoded = {(line.raw_column, line.value): (line.becomes, line.rows) for line in report.recoded}
    assert recoded["iso", "yes"] == ("1", 24)
    assert recoded["iso", "no"] == ("0", 24)
    assert recoded["iso", "asked"] == ("missing", 12)
    for value, count in raw["q2"].value_counts().items():
        assert recoded["q2", str(value)] == ("1" if value in (1, 2) else "0", count)
    coverage = dict(report.coverage)
    assert coverage["year"] == (("2018", 30), ("2019", 30))
    assert coverage["region"] == (("Loja", 40), ("Cuenca", 20))
    assert coverage["industry"] == (("10", 30), ("14", 15), ("31", 15))
    assert not project.panel_file("firms").exists()
    assert not project.rejects_file("firms").exists()


def test_outliers_follow_the_stated_rule(raw: pd.DataFrame, project: Project) -> None:
    found = {line.column: line for line in check(raw, project).outliers}
    logs = np.log(raw["sales"])
    score = 0.6745 * (logs - logs.median()) / (logs - logs.median()).abs().median()
    far = raw["sales"][score.abs() > 3.5]
    assert found["sales_usd"].outliers == len(far) >= 1
    assert found["sales_usd"].positive == 60
    assert (found["sales_usd"].low, found["sales_usd"].high) == (far.min(), far.max())


def test_every_kind_of_bad_cell_is_said_once_with_its_first_place(
    raw: pd.DataFrame, project: Project
) -> None:
    raw["sales"] = raw["sales"].astype(object)
    raw.loc[[3, 9, 20], "sales"] = "n/d"
    raw.loc[4, "iso"] = "perhaps"
    raw.loc[11, ["id", "year"]] = raw.loc[10, ["id", "year"]].to_list()
    raw.loc[30, "isic"] = "04"
    report = check(raw, project)
    assert report.duplicates == 2
    assert report.problems == [
        "firms.csv, row 5, column 'sales': 'n/d': not a number (3 of 60 rows, this the first; "
        "panel column 'sales_usd').",
        "firms.csv, row 6, column 'iso': 'perhaps': no recode for this value (1 of 60 rows, this the first; "
        "panel column 'certified').",
        "firms.csv, row 12, column 'id': duplicate key, firm_id f5, year 2018 (2 of 60 rows, this the first; "
        "panel column 'firm_id').",
        "firms.csv, row 32, column 'isic': '04': unknown code of industry (1 of 60 rows, this the first; "
        "panel column 'industry').",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("from: workers", "from: worker", "firms.csv, row 1, column 'worker': the column is absent"),
        ("contract: firm", "contract: farm", "firms.yaml, line 2, key 'contract'"),
        ("raw/firms.csv", "raw/none.csv", "firms.yaml, line 3, key 'source.file': there is no file"),
        ("title: Firms", "title: ???", "firms.yaml, line 1, key 'title': still to be filled in"),
        ("from: sales", 'from: sales, missing: ["*"]', ""),
    ],
)
def test_a_spec_that_does_not_fit_is_one_problem(
    raw: pd.DataFrame, project: Project, old: str, new: str, said: str
) -> None:
    report = check(raw, project, SPEC.replace(old, new))
    assert [problem for problem in report.problems if not problem.startswith(said)] == []
    assert bool(report.problems) is bool(said)


def test_a_column_without_any_value_is_a_problem(raw: pd.DataFrame, project: Project) -> None:
    report = check(raw.assign(iso=""), project)
    assert report.problems[0].startswith("firms.csv, column 'iso': no row has a value for 'certified'")


def test_a_spec_that_is_not_there_is_a_problem() -> None:
    specs = Path(__file__).parents[3] / "data" / "panels"
    assert check_panel(specs / "none.yaml").problems[0].endswith("Check the path")
