"""What make does with the words it is given, and when it is started twice.

The programs that it runs are stubs that write down their words.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A name that a shell or make would run if it were pasted in.
HOSTILE = "it's; touch hit; $(shell touch hit) `touch hit` & py"
STUB = """\
#!/bin/sh
printf '%s\\n' "$*" >> "{log}"
case "$1" in
  -c|-P) exec "{python}" "$@" ;;
esac
if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$0" "$3/bin/uv"; fi
if [ "$2" = pip ]; then sleep 0.2; test -d .venv; fi
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The Makefile and the program that it runs before there is an environment, in a folder of their own."""
    folder = tmp_path / "project"
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "gvcmetrics/ground/files.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def stub(copy: Path) -> Path:
    path = copy.parent / HOSTILE.replace("/", "")
    path.write_text(STUB.format(log=copy.parent / "log", python=sys.executable))
    path.chmod(0o755)
    return path


def said(copy: Path) -> list[str]:
    return (copy.parent / "log").read_text().splitlines()


def make(copy: Path, *words: str, **environment: str) -> subprocess.Popen:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.Popen(
        ["make", *words],
        cwd=copy,
        env={**kept, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(process: subprocess.Popen) -> str:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    return out


def test_of_two_that_set_up_at_once_the_second_waits_and_finds_it_done(copy: Path) -> None:
    python = str(stub(copy))
    both = [make(copy, ".venv/.ready", PYTHON=python) for _ in range(2)]
    told = "".join(map(finished, both))
    assert told.count("setup    .venv") == 1
    assert sum(line.startswith("-m venv") for line in said(copy)) == 1
    assert (copy / ".venv" / ".ready").exists()
    assert not list(copy.rglob("hit"))


def test_what_changed_is_set_up_again_and_what_did_not_is_not(copy: Path) -> None:
    python = str(stub(copy))
    for again in range(2):
        finished(make(copy, ".venv/.ready", PYTHON=python))
        finished(make(copy, ".venv/.ready", PYTHON=python))
        assert sum(line.startswith("-m venv") for line in said(copy)) == again + 1
        earlier = (copy / "requirements.lock").stat().st_mtime - 1
        os.utime(copy / ".venv" / ".ready", (earlier, earlier))


def test_names_of_programs_and_versions_are_one_word_each(copy: Path) -> None:
    python = str(stub(copy))
    finished(make(copy, ".venv/.ready", PYTHON=python))
    shutil.copy(copy / ".venv" / "bin" / "python", copy / ".venv" / "bin" / "uv")
    finished(make(copy, "lock", UV=python, UPGRADE=""))
    assert said(copy)[-1].startswith("pip compile --quiet")
    second = HOSTILE
    other = copy / f".venv-{second}" / "bin"
    other.mkdir(parents=True)
    shutil.copy(python, other / "python")
    told = finished(make(copy, "test-pythons", SECOND=second, PYTHON=python))
    assert f"setup    .venv-{second}" in told
    assert f"venv --quiet --allow-existing --python {second} .venv-{second}" in said(copy)
    assert said(copy)[-1] == "-m pytest -n auto --dist loadfile"
    finished(make(copy, "mutants", N=HOSTILE, ONLY=HOSTILE, REACH=HOSTILE, PYTHON=python))
    assert said(copy)[-1] == f"tests/mutants/run.py --number {HOSTILE} --only {HOSTILE} --reach {HOSTILE}"
    finished(make(copy, "validate", REPLICATIONS=HOSTILE, PYTHON=python))
    assert said(copy)[-2:] == [
        f"analysis/validation/{script}.py --replications {HOSTILE}" for script in ("run", "recovery")
    ]
    assert not list(copy.rglob("hit"))
    assert not list(copy.parent.glob("hit"))
