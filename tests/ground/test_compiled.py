"""Where compiled code is kept where neither the package nor the user's folder can be written."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from gvcmetrics.ground.compiled import find_cache


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which only the temporary folder can be written."""
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(os, "access", lambda path, mode: "temporary" in str(path))
    return tmp_path / "temporary"


def test_a_private_temporary_folder_is_the_last_resort(closed: Path) -> None:
    find_cache(Path("/packages"))
    found = Path(os.environ["NUMBA_CACHE_DIR"])
    assert found.parent == closed
    assert stat.S_IMODE(found.stat().st_mode) == 0o700


def test_a_folder_that_others_can_write_is_not_used(closed: Path) -> None:
    own = closed / f"gvcmetrics-{os.getuid()}"
    own.mkdir()
    own.chmod(0o777)
    find_cache(Path("/packages"))
    assert Path(os.environ["NUMBA_CACHE_DIR"]) not in (own, closed)


@pytest.mark.parametrize("writable", ["packages", "home"])
def test_the_usual_places_come_first(
    closed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, writable: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    usual = {"packages": "/packages", "home": str(tmp_path)}[writable]
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) == usual)
    find_cache(Path("/packages"))
    assert not os.environ["NUMBA_CACHE_DIR"]


def test_what_the_user_says_stays(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/mine")
    find_cache(Path("/packages"))
    assert os.environ["NUMBA_CACHE_DIR"] == "/mine"
