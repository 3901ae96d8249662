"""A copy of the project in which one line at a time is wrong, and the tests that run against it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sites import Mutant

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# They say nothing of what a function returns, or take minutes for what the rooms' own tests see.
_NOT_ASKED = ("tests/test_architecture.py", "tests/mutants/", "tests/analysis/", "tests/simulate/")
_PYTEST = ("-m", "pytest", "-n", "0", "-q", "-W", "ignore", "-p", "no:cacheprovider", "--tb=no",
           "--hypothesis-seed=0")  # fmt: skip
REACHES = {"module": 1, "folder": 2, "room": 3, "all": 5}
_COMPILED, _ONCE = "compiled", "compiled_once"


@dataclass(frozen=True)
class Bench:
    """A folder with the copy and the records. reach : how far tests are asked, one of `REACHES`."""

    folder: Path
    reach: str

    @property
    def tree(self) -> Path:
        """The copy of the project."""
        return self.folder / "tree"

    @cached_property
    def tests(self) -> dict[str, str]:
        """Test file → digest."""
        paths = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py"))
        return {path: digest(ROOT / path) for path in paths if not path.startswith(_NOT_ASKED)}

    def refresh(self) -> None:
        """Make the copy equal to what git knows of the project, unsaved work included."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout.splitlines()  # fmt: skip
        wanted = {name for name in listed if (ROOT / name).is_file()}
        for path in [*self.tree.rglob("*.py")]:
            if str(path.relative_to(self.tree)) not in wanted:
                path.unlink()
        for name in wanted:
            source, target = ROOT / name, self.tree / name
            if not target.exists() or target.read_bytes() != source.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)

    def stages(self, mutant: Mutant) -> Iterator[list[str]]:
        """Test files that run the mutant's function, the nearest first, and of these the quick ones."""
        inside = Path(mutant.file).relative_to("gvcmetrics")
        module = mutant.file.removesuffix(".py").replace("/", ".")
        folder = str(Path("tests") / inside.parent)
        room = [name for name in self.tests if name.startswith(f"tests/{inside.parts[0]}/")]
        named = {name for name in room if Path(name).stem.startswith(f"test_{inside.stem}")}
        own = [name for name in self.tests if name in named or module in (ROOT / name).read_text("utf-8")]
        beside = [name for name in self.tests if str(Path(name).parent) == folder]
        front = [name for name in self.tests if name.count("/") == 1]
        nearest_first = (own, beside, room, front, [*self.tests])
        asked: set[str] = set()
        for stage in nearest_first[: REACHES[self.reach]]:
            new = [name for name in stage if name not in asked]
            asked |= set(new)
            notes = self.watched(new)
            running = [name for name in new if self._runs(notes[name], mutant)]
            if running:
                yield sorted(running, key=lambda name: notes[name]["seconds"])

    def watched(self, tests: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What test files do with the package as it is: `passed`, `seconds`, `functions` that they run.

        Those without a record run once, together.
        """
        records = {name: self.folder / "watched" / f"{self.tests[name]}.json" for name in tests}
        unknown = [name for name, record in records.items() if not record.exists()]
        if unknown:
            (self.folder / "watched").mkdir(exist_ok=True)
            paths = {name: str(records[name]) for name in unknown}
            self._run(unknown, 7200, ("-p", "watch"), WATCH_RECORDS=json.dumps(paths))
            for name in unknown:
                if not records[name].exists():  # it has no test here, or cannot be imported
                    write(records[name], {"passed": False, "seconds": 0.0, "functions": []})
        return {name: json.loads(record.read_text()) for name, record in records.items()}

    def fails(self, tests: Sequence[str], mutant: Mutant) -> bool:
        """Whether a test does, or does not end, against the copy with the mutant in it."""
        seconds = sum(note["seconds"] for note in self.watched(tests).values())
        # Compiled callers of a wrong function are wrong themselves, and nothing else would say so.
        compiled = self.folder / (_ONCE if self.compiles(mutant) else _COMPILED)
        return self._run(tests, 120 + 5 * seconds, ("-x",), NUMBA_CACHE_DIR=str(compiled)) != 0

    @contextlib.contextmanager
    def wrong(self, mutant: Mutant) -> Iterator[None]:
        """The copy with the mutant in it."""
        path = self.tree / mutant.file
        right = path.read_bytes()
        try:
            rewrite(path, mutant.applied(right))
            yield
        finally:
            rewrite(path, right)
            shutil.rmtree(self.folder / _ONCE, ignore_errors=True)

    def compiles(self, mutant: Mutant) -> bool:
        """Whether the module holds functions that numba compiles."""
        return "njit" in (self.tree / mutant.file).read_text("utf-8")

    def _runs(self, note: dict[str, Any], mutant: Mutant) -> bool:
        if not note["passed"]:
            return False
        # Compiled functions run unseen, and what stands at the top of a module is run by all who import it.
        where, top = f"{mutant.file}:{mutant.function}", f"{mutant.file}:<module>"
        if not mutant.function or self.compiles(mutant):
            return any(name.startswith(f"{mutant.file}:") and name != top for name in note["functions"])
        return any(name == where or name.startswith(f"{where}.") for name in note["functions"])

    def _run(self, tests: Sequence[str], seconds: float, options: Sequence[str], **more: str) -> int:
        """pytest's exit code; 124 where it takes too long."""
        place = {
            "PYTHONPATH": os.pathsep.join([str(self.tree), str(HERE)]),
            "NUMBA_CACHE_DIR": str(self.folder / _COMPILED),
            "WATCH_UNDER": str(self.tree / "gvcmetrics"),
            "OMP_NUM_THREADS": "1",
        }
        process = subprocess.Popen(
            [sys.executable, *_PYTEST, *options, *tests], cwd=self.tree, env=os.environ | place | more,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return 124
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def rewrite(path: Path, content: bytes) -> None:
    """New content with a time of its own, by which Python and numba know that what they keep is old."""
    before = path.stat().st_mtime_ns
    path.write_bytes(content)
    after = max(path.stat().st_mtime_ns, before + 2_000_000_000)
    os.utime(path, ns=(after, after))


def digest(path: Path, root: Path = ROOT) -> str:
    """Of name and content."""
    return hashlib.sha256(str(path.relative_to(root)).encode() + path.read_bytes()).hexdigest()[:24]


def write(path: Path, value: object) -> None:
    """JSON in one rename."""
    half = path.with_suffix(".half")
    half.write_text(json.dumps(value, indent=1))
    half.replace(path)
