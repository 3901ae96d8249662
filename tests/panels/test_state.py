"""Builds for make: two at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import gvcmetrics.panels.state as state_module
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.panels.job import Built
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.state import ABSENT, BUILT, build_or_skip


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The builds, each slow enough that the other of two waits for it."""
    builds: list[Path] = []
    build = state_module.build_panel

    def slow(spec: Path, *rest: object) -> Built:
        builds.append(spec)
        time.sleep(0.2)
        return build(spec, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(state_module, "build_panel", slow)
    return builds


def both(spec: Path, state: Path, project: Project) -> list[Built | MissingSourceError]:
    together = threading.Barrier(2)

    def one(_: int) -> Built | MissingSourceError:
        together.wait()
        return build_or_skip(spec, state, project)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(2)))


def test_the_second_takes_what_the_first_has_built(project: Project, counted: list[Path]) -> None:
    state = project.parquet / "exports.state"
    first, second = both(project.spec_file("exports"), state, project)
    assert isinstance(first, Built)
    assert first == second
    assert len(counted) == 1
    assert state.read_text() == BUILT
    names = sorted(path.name for path in project.parquet.iterdir())
    assert names == [".exports.inputs.json", ".exports.state.lock", "exports.parquet", "exports.state"]


def test_what_changed_while_the_second_waited_is_built_again(
    project: Project, counted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, state = project.spec_file("exports"), project.parquet / "exports.state"
    written = state_module._written
    stamps = iter([None])
    # The state as it was before another process built the panel, and the spec changed after that.
    build_or_skip(spec, state, project)
    spec.write_text(spec.read_text(encoding="utf-8") + "\n# another word\nnotes: [later]\n", encoding="utf-8")
    monkeypatch.setattr(state_module, "_written", lambda path: next(stamps, written(path)))
    found = build_or_skip(spec, state, project)
    assert len(counted) == 2
    assert isinstance(found, Built)
    assert "later" in found.provenance.notes


def test_the_second_says_what_the_first_lacked(
    project: Project, counted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GVCMETRICS_MIRROR", raising=False)
    spec, state = project.spec_file("exports"), project.parquet / "exports.state"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("{file: raw/exports.csv}", "agtpa_gravity"), encoding="utf-8")
    first, second = both(spec, state, project)
    assert isinstance(first, MissingSourceError)
    assert str(first) == str(second)
    assert len(counted) == 1
    assert state.read_text() == ABSENT


def test_a_build_asked_for_again_is_a_build(project: Project, counted: list[Path]) -> None:
    state = project.parquet / "exports.state"
    build_or_skip(project.spec_file("exports"), state, project)
    build_or_skip(project.spec_file("exports"), state, project)
    assert len(counted) == 2
