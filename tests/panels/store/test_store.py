"""Reading panels: columns, conditions, provenance, and what is said when something is not there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gvcmetrics
from gvcmetrics.errors import DataError, GvcError, MissingSourceError
from gvcmetrics.ground.files import replacing, sha256
from gvcmetrics.ground.provenance import Provenance
from gvcmetrics.panels import list_panels, panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project, find_project


@pytest.fixture
def built(project: Project) -> Project:
    build_panel(project.spec_file("exports"), project)
    return project


def test_columns_and_condition(built: Project) -> None:
    frame = panel("exports", columns=["year", "exporter"], where="exporter = 'DEU' AND year >= 2001")
    assert frame.to_dict("list") == {"year": [2001], "exporter": ["DEU"]}
    assert frame.dtypes.astype(str).to_dict() == {"year": "int64", "exporter": "str"}


def test_a_condition_may_use_columns_that_are_not_read(built: Project) -> None:
    assert len(panel("exports", columns=["year"], where="value_usd > 5000")) == 2


def test_provenance_travels_with_the_frame(built: Project) -> None:
    frame = gvcmetrics.panel("exports")
    found = frame.attrs["provenance"]
    assert found["licence"] == "none needed"
    assert found["raw_sha256"] == sha256(built.raw / "exports.csv")
    assert found["spec_sha256"] == sha256(built.spec_file("exports"))
    assert found["code_version"] == gvcmetrics.__version__
    assert found["columns"]["value_usd"]["raw"] == ["value_k"]
    assert found["coverage"]["rows"] == 4
    assert not found["simulated"]
    assert frame.attrs["labels"]["value_usd"] == "Trade value (USD)"
    assert list(found["columns"]) == list(frame.columns)


def test_the_file_is_zstd_and_names_no_place_or_time(built: Project) -> None:
    file = pq.ParquetFile(built.panel_file("exports"))
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    stored = file.schema_arrow.metadata[b"gvcmetrics"].decode()
    assert str(built.data.parent) not in stored
    assert "/" not in stored.replace("0/1", "")


@pytest.mark.parametrize(
    "where",
    [
        "year >",
        "1; DROP TABLE panel",
        "year IN (SELECT 1)",
        "nothing = 1",
        "exporter = 'DEU') OR (1=1",
        "",
        "COPY",
    ],
)
def test_a_condition_is_only_a_condition(built: Project, where: str) -> None:
    with pytest.raises(DataError, match="exports"):
        panel("exports", where=where)


def test_unknown_columns_get_the_nearest(built: Project) -> None:
    with pytest.raises(DataError, match="Did you mean 'value_usd'"):
        panel("exports", columns=["value_us"])


def test_what_is_not_built_says_what_to_run(project: Project) -> None:
    with pytest.raises(
        MissingSourceError, match=r"not built.*gvcmetrics panel build data/panels/exports.yaml"
    ):
        panel("exports")
    with pytest.raises(MissingSourceError, match="Did you mean 'exports'"):
        panel("export")
    listed = list_panels()
    assert listed.loc["exports", "state"] == "not built"
    assert listed.loc["exports", "command"] == "gvcmetrics panel build data/panels/exports.yaml"


def test_list_knows_built_stale_and_damaged(built: Project) -> None:
    row = list_panels().loc["exports"]
    assert (row["state"], row["rows"], row["first_year"], row["last_year"], row["countries"]) == (
        "built",
        4,
        2000,
        2001,
        3,
    )
    spec = built.spec_file("exports")
    spec.write_text(spec.read_text(encoding="utf-8") + "notes: [changed]\n", encoding="utf-8")
    assert list_panels().loc["exports", "state"] == "stale"
    path = built.panel_file("exports")
    path.write_bytes(path.read_bytes()[:-10])
    assert list_panels().loc["exports", "state"] == "damaged"
    with pytest.raises(DataError, match=r"exports.parquet: the Parquet file is damaged"):
        panel("exports")


def test_a_foreign_parquet_file_is_no_panel(project: Project) -> None:
    project.parquet.mkdir()
    pd.DataFrame({"a": [1]}).to_parquet(project.panel_file("exports"))
    with pytest.raises(DataError, match="no panel of gvcmetrics"):
        panel("exports")


def test_the_project_is_found_from_below_and_by_name(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "analysis" / "notebooks"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_project() == project
    monkeypatch.chdir("/")
    with pytest.raises(MissingSourceError, match="GVCMETRICS_DATA"):
        find_project()
    monkeypatch.setenv("GVCMETRICS_DATA", str(project.data))
    assert find_project() == project
    monkeypatch.setenv("GVCMETRICS_DATA", str(below))
    with pytest.raises(MissingSourceError, match="holds no folder 'panels'"):
        find_project()


def test_a_failed_write_keeps_the_earlier_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("earlier")

    def write_half() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert target.read_text() == "earlier"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(low=st.integers(-50, 50), codes=st.lists(st.sampled_from(["DEU", "CIV", "KOR", "it's"]), min_size=1))
def test_conditions_agree_with_pandas(project: Project, low: int, codes: list[str]) -> None:
    if not project.panel_file("exports").exists():
        build_panel(project.spec_file("exports"), project)
    whole = panel("exports", project=project)
    quoted = ", ".join("'" + code.replace("'", "''") + "'" for code in codes)
    part = panel("exports", where=f"quality * 100 > {low} AND exporter IN ({quoted})", project=project)
    expected = whole[(whole["quality"] * 100 > low) & whole["exporter"].isin(codes)]
    pd.testing.assert_frame_equal(part, expected.reset_index(drop=True))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.text(max_size=25))
def test_any_condition_is_answered_or_refused(project: Project, where: str) -> None:
    if not project.panel_file("exports").exists():
        build_panel(project.spec_file("exports"), project)
    said = None
    try:
        panel("exports", where=where, project=project)
    except GvcError as error:
        said = str(error)
    assert said is None or "exports" in said


def test_the_record_of_a_panel_goes_to_json_and_back(project: Project) -> None:
    found = build_panel(project.spec_file("exports"), project).provenance
    assert Provenance.from_json(found.to_json()) == found
    assert found.told(["year"])["columns"] == {"year": asdict(found.columns["year"])}
    for spoiled in ("{}", "[]", "no JSON", found.to_json().replace('"panel"', '"panels"', 1)):
        with pytest.raises(ValueError, match=r"provenance|Expecting"):
            Provenance.from_json(spoiled)
