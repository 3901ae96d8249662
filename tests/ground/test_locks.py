"""Disks without locks, and records of another version."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from gvcmetrics.ground import files
from gvcmetrics.ground.provenance import ColumnProvenance, Coverage, Provenance


@pytest.mark.parametrize(
    "number", sorted({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF, errno.EINVAL})
)
def test_a_disk_without_locks_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no locks")

    monkeypatch.setattr(files.fcntl, "flock", refuse)
    assert files.write_atomic(tmp_path / "a.txt", "b").read_text() == "b"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    for text in ("old", "new"):
        (tmp_path / "made").mkdir()
        (tmp_path / "made" / "part").write_text(text)
        files.put_folder(tmp_path / "made", tmp_path / "folder")
    assert (tmp_path / "folder" / "part").read_text() == "new"


def test_a_record_of_a_later_version_is_read() -> None:
    texts = dict.fromkeys(Provenance.__dataclass_fields__, "x")
    lists = {"keys": [], "notes": [], "simulated": False}
    whole = {**texts, **lists, "coverage": Coverage(1, 1, 1, 1, 1, 0, 0)}
    record = Provenance(**{**whole, "columns": {"a": ColumnProvenance("text", "code", "A", [])}})
    said = json.loads(record.to_json())
    later = {**said, "new": 1, "coverage": {**said["coverage"], "new": 1}}
    later["columns"] = {"a": {**said["columns"]["a"], "new": 1}}
    assert Provenance.from_json(json.dumps(later)) == record
