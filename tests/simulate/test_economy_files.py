"""Raw files of a simulated economy walk the whole road: spec, panel, hypotheses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project

SMALL = {"firms": 150, "clusters": 8, "years": 3, "exporters": 6, "products": 3}


@pytest.fixture(scope="module")
def economy():
    return gvc.simulate.economy(seed=5, missing=0.05, **SMALL)


@pytest.fixture(scope="module")
def project(economy, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("economy")
    project = Project(folder)
    for spec in economy.write(folder):
        build_panel(spec, project)
    return project


@pytest.mark.parametrize("contract", ["firms", "clusters", "trade"])
def test_panels_are_the_frames_that_were_written(economy, project: Project, contract: str):
    panel = gvc.panel(f"simulated_{contract}", project=project)
    frame = getattr(economy, contract)
    keys = [
        name
        for name in ("country", "exporter", "region", "industry", "product", "firm_id", "year")
        if name in frame
    ]
    both = [frame.sort_values(keys, ignore_index=True), panel.sort_values(keys, ignore_index=True)]
    assert set(frame.columns) <= set(panel.columns)
    for name in frame.columns:
        one, two = (each[name] for each in both)
        if pd.api.types.is_numeric_dtype(one):
            np.testing.assert_allclose(one.astype(float), two.astype(float), rtol=1e-9, err_msg=name)
        else:
            assert one.tolist() == two.tolist(), name
    assert panel.attrs["provenance"]["simulated"] is True


def test_the_innovation_survey_is_of_the_last_year_and_answers(economy, project: Project):
    panel = gvc.panel("simulated_innovation", project=project)
    last = economy.innovation.set_index("firm_id").loc[panel["firm_id"]]
    assert set(panel["year"]) == {economy.firms["year"].max()}
    for name in ("upgrade_product", "upgrade_process", "cooperates_universities", "rd_usd"):
        np.testing.assert_allclose(panel[name], last[name], rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(panel["marketing_innovation"], last["upgrade_functional"])


def test_the_stata_file_has_the_survey_s_names_labels_and_codes(project: Project):
    frame, meta = pyreadstat.read_dta(str(project.data / "raw" / "simulated_enterprises.dta"))
    assert {
        "a1",
        "a4a",
        "b2b",
        "b8",
        "d2",
        "d3c",
        "h1",
        "h5",
        "h8",
        "l1",
        "n2a",
        "idstd",
        "panelid",
        "wmedian",
    } <= set(frame)
    assert meta.variable_value_labels["h1"] == {1: "Yes", 2: "No", -9: "Don't know"}
    assert (frame["h1"] == -9).any()
    assert (frame["d2"] == -9).any()
    assert "imulated" in meta.file_label


def test_a_written_economy_is_the_same_bytes(economy, tmp_path: Path):
    def digests(name: str) -> dict[str, str]:
        gvc.simulate.economy(seed=5, missing=0.05, **SMALL).write(tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        return {
            str(path.relative_to(tmp_path / name)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    one = digests("one")
    assert one == digests("two")
    assert len(one) == 9


def test_a_file_in_the_way_is_one_message(economy, tmp_path: Path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(DataError, match="a file, not a folder"):
        economy.write(tmp_path / "taken")


def test_the_panel_answers_hypotheses_and_says_with_what(project: Project):
    answer = gvc.examine("H2", gvc.panel("simulated_firms", project=project))
    assert answer.results["std_error"].gt(0).all()
    assert answer.results["n"].gt(150).all()
