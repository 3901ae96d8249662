"""Files and folders that nobody ever sees half written, whatever dies when."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gvcmetrics.ground import files
from gvcmetrics.ground.files import alone, put_folder, recover, replacing, sha256, workspace, write_atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_is_utf8_with_unix_line_ends_and_folders_are_made(tmp_path):
    path = write_atomic(tmp_path / "a" / "b.txt", "Antràs\n")
    assert path.read_bytes() == "Antràs\n".encode()
    assert names(path.parent) == ["b.txt"]
    assert sha256(path) == "363acbc566a6f06bcb72bbc0700dc64cc2fd9f4464bf8240b048d8e25a127244"


def test_an_error_while_writing_leaves_the_earlier_file(tmp_path):
    target = write_atomic(tmp_path / "file", "earlier")

    def write_half() -> None:
        with replacing(target) as made:
            made.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_text() == "earlier"
    assert names(tmp_path) == ["file"]


def test_who_reads_the_earlier_file_reads_it_to_its_end(tmp_path):
    target = write_atomic(tmp_path / "file", "earlier")
    with target.open() as reading:
        write_atomic(target, "later")
        assert reading.read() == "earlier"
    assert target.read_text() == "later"
    assert names(tmp_path) == ["file"]


def test_what_a_dead_process_left_is_removed_and_what_a_living_one_holds_is_not(tmp_path):
    target = tmp_path / "panel.parquet"
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom gvcmetrics.ground.files import workspace\n"
        "with workspace(Path(sys.argv[1])) as folder:\n    (folder / 'half').touch()\n    os._exit(1)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script, str(target)], env=environment, check=False)
    assert [name.endswith(".tmp") for name in names(tmp_path)] == [True]
    with workspace(target) as held:
        assert names(tmp_path) == [held.name]
        with workspace(target) as other:
            assert held.exists()
            assert names(tmp_path) == sorted([held.name, other.name])
    assert names(tmp_path) == []


def folder_of(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "part").write_text(text)
    return path


def test_a_folder_takes_the_place_of_its_predecessor(tmp_path):
    target = folder_of(tmp_path / "panel", "earlier")
    put_folder(folder_of(tmp_path / "made", "later"), target)
    assert (target / "part").read_text() == "later"
    assert names(tmp_path) == ["panel"]


def test_a_folder_that_was_moved_aside_by_a_process_that_died_comes_back(tmp_path):
    target = folder_of(tmp_path / "panel", "earlier")
    aside = target.rename(tmp_path / ".panel.earlier")
    recover(target)
    assert (target / "part").read_text() == "earlier"
    assert not aside.exists()
    recover(target)
    assert (target / "part").read_text() == "earlier"


def test_a_workspace_that_another_process_removed_before_it_was_held_is_made_again(tmp_path, monkeypatch):
    target, locked, removed = tmp_path / "panel", files._locked, []

    def meanwhile(folder: Path, wait: bool = True):
        if wait and not removed:
            removed.append(folder)
            files._remove_leftovers(target)  # as the second of two does that begin at once
        return locked(folder, wait)

    monkeypatch.setattr(files, "_locked", meanwhile)
    with workspace(target) as folder:
        (folder / "part").touch()
        assert folder != removed[0]
    assert names(tmp_path) == []


def test_one_at_a_time(tmp_path):
    inside, most = 0, 0

    def enter(_: int) -> None:
        nonlocal inside, most
        with alone(tmp_path / "lock"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enter, range(4)))
    assert most == 1
