"""Panels as folders: the same rows as a file, whole after a kill at any moment, the same bytes."""

from __future__ import annotations

import hashlib
import os
import resource
from pathlib import Path

import pandas as pd
import pytest

from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.panels import panel, panels, store
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project


def partition(project: Project, by: str) -> None:
    spec = project.spec_file("exports")
    spec.write_text(spec.read_text(encoding="utf-8") + f"partition_by: {by}\n", encoding="utf-8")


def digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(
        b"".join(path.relative_to(folder).as_posix().encode() + path.read_bytes() for path in files)
    ).hexdigest()


@pytest.mark.parametrize("by", ["year", "exporter"])
def test_a_folder_holds_what_a_file_holds(project: Project, by: str) -> None:
    build_panel(project.spec_file("exports"), project)
    whole = panel("exports", project=project)
    partition(project, by)
    folder = build_panel(project.spec_file("exports"), project).path
    assert folder == project.panel_folder("exports")
    assert not project.panel_file("exports").exists()
    pd.testing.assert_frame_equal(panel("exports", project=project), whole)
    some = panel("exports", columns=["value_usd"], where="year = 2000 AND exporter = 'KOR'", project=project)
    assert some["value_usd"].tolist() == [3000.0]
    assert panels(project).loc["exports", "state"] == "built"
    first = digest(folder)
    build_panel(project.spec_file("exports"), project)
    assert digest(folder) == first
    assert [path.name for path in project.parquet.iterdir()] == ["exports"]


def test_a_large_panel_is_partitioned_unasked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PARTITION_ROWS", 3)
    folder = build_panel(project.spec_file("exports"), project).path
    assert sorted(path.name for path in folder.iterdir()) == ["_provenance.json", "year=2000", "year=2001"]


def test_only_years_and_countries_that_are_keys_partition(project: Project) -> None:
    partition(project, "product")
    with pytest.raises(SpecError, match=r"key 'partition_by'.*'product'.*exporter"):
        build_panel(project.spec_file("exports"), project)


def test_a_process_that_dies_between_the_renames_loses_nothing(project: Project) -> None:
    partition(project, "year")
    folder = build_panel(project.spec_file("exports"), project).path
    before = digest(folder)
    os.rename(folder, folder.with_name(".exports.earlier"))
    assert len(panel("exports", project=project)) == 4
    assert digest(folder) == before


def test_a_folder_that_lacks_a_part_is_damaged(project: Project) -> None:
    partition(project, "year")
    folder = build_panel(project.spec_file("exports"), project).path
    (folder / "year=2000" / "part.parquet").unlink()
    assert panels(project).loc["exports", "state"] == "damaged"
    with pytest.raises(DataError, match="damaged"):
        panel("exports", project=project)


@pytest.mark.parametrize("by", [None, "year"])
def test_a_full_disk_leaves_the_earlier_panel(project: Project, by: str | None) -> None:
    if by is not None:
        partition(project, by)
    path = build_panel(project.spec_file("exports"), project).path
    before = digest(path) if path.is_dir() else path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
    try:
        with pytest.raises(DataError, match=r"exports.csv: the disk is full.*Free space"):
            build_panel(project.spec_file("exports"), project)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (digest(path) if path.is_dir() else path.read_bytes()) == before
