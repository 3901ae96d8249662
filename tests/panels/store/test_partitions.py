"""Panels as folders: the same rows as a file, whole after a kill at any moment, the same bytes."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.panels import list_panels, panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.store import stored as store


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
    assert list_panels(project).loc["exports", "state"] == "built"
    first = digest(folder)
    build_panel(project.spec_file("exports"), project)
    assert digest(folder) == first
    assert sorted(path.name for path in project.parquet.iterdir()) == [".exports.inputs.json", "exports"]


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


def write_years(project: Project, scale: int) -> None:
    n = 60_000
    frame = pd.DataFrame({"country": "DEU", "code": np.arange(n) // 60, "year": 1961 + np.arange(n) % 60})
    frame.assign(value_k=scale * np.arange(n) / 7, quality=1, share_pct=1).to_csv(
        project.raw / "exports.csv", index=False
    )


def kill_when(project: Project, parts: int) -> None:
    """Start a build in a process of its own, and kill it once it has written so many parts."""
    command = [sys.executable, "-m", "gvcmetrics", "panel", "build", str(project.spec_file("exports"))]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(command, env=environment, cwd=project.data.parent)
    pattern = f".exports.{process.pid}-*.tmp/panel/*/part.parquet"
    while process.poll() is None and len(list(project.parquet.glob(pattern))) < parts:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the build ended before it was killed"
    assert list(project.parquet.glob(f".exports.{process.pid}-*.tmp")), "a killed build cleans nothing up"


def test_a_build_that_is_killed_while_it_writes_parts_leaves_the_earlier_panel(project: Project) -> None:
    partition(project, "year")
    spec = project.spec_file("exports")
    write_years(project, 2)
    later = digest(build_panel(spec, project).path)
    write_years(project, 1)
    folder = build_panel(spec, project).path
    earlier = digest(folder)
    assert earlier != later
    write_years(project, 2)
    for parts in (1, 40):
        kill_when(project, parts)
        assert digest(folder) == earlier
        assert len(panel("exports", columns=["year"], project=project)) == 60_000
    assert digest(build_panel(spec, project).path) == later
    assert sorted(path.name for path in project.parquet.iterdir()) == [".exports.inputs.json", "exports"]


def test_a_folder_that_lacks_a_part_is_damaged(project: Project) -> None:
    partition(project, "year")
    folder = build_panel(project.spec_file("exports"), project).path
    (folder / "year=2000" / "part.parquet").unlink()
    assert list_panels(project).loc["exports", "state"] == "damaged"
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
