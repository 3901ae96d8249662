"""A pytest plugin that notes which functions of the package each test file runs, and how long it takes.

`WATCH_RECORDS` says where the note of each file goes. It is written when the file is done, so that a run
which is stopped has lost one file. `WATCH_UNDER` is the folder of the package.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import pytest

_seen: dict[str, set[CodeType]] = defaultdict(set)
_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()
_now: set[CodeType] = set()
_file: list[str] = []


def _note(frame: FrameType, event: str, argument: object) -> None:
    _now.add(frame.f_code)


@contextmanager
def _of(nodeid: str) -> Iterator[None]:
    """What runs inside is of the test file. Calls are seen, lines are not, so that it costs little."""
    begun, name = time.monotonic(), nodeid.partition("::")[0]
    _now.clear()
    sys.settrace(_note)
    threading.settrace(_note)
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        _seen[name] |= _now
        _seconds[name] += time.monotonic() - begun


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """A test file may compute while it is imported."""
    if isinstance(collector, pytest.Module):
        with _of(collector.nodeid):
            return (yield)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A test with its fixtures."""
    name = item.nodeid.partition("::")[0]
    if _file and _file[-1] != name:
        _record(_file[-1])
    _file.append(name)
    with _of(item.nodeid):
        return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember the files with a test that fails as things are."""
    if report.failed:
        _failed.add(report.nodeid.partition("::")[0])


def pytest_unconfigure() -> None:
    """The last file's record."""
    if _file:
        _record(_file[-1])


def _record(name: str) -> None:
    """Write what was noted of a test file, functions as `module.py:function`, in one rename."""
    under = Path(os.environ["WATCH_UNDER"]).resolve()

    def named(code: CodeType) -> str | None:
        path = Path(code.co_filename)
        if not path.is_relative_to(under):
            return None
        function = code.co_qualname.replace(".<locals>", "").partition(".<")[0]
        return f"{path.relative_to(under.parent)}:{function}"

    note = {
        "passed": name not in _failed,
        "seconds": round(_seconds[name], 1),
        "functions": sorted({text for code in _seen[name] if (text := named(code))}),
    }
    path = Path(json.loads(os.environ["WATCH_RECORDS"])[name])
    half = path.with_suffix(".half")
    half.write_text(json.dumps(note, indent=1))
    half.replace(path)
