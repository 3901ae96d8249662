"""The faults that `make mutants` puts in: where, what, in which order, and that the source stays Python."""

from __future__ import annotations

import ast
import importlib.util
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import gvcmetrics

HERE = Path(__file__).parent
PACKAGE = Path(gvcmetrics.__file__).parent


@pytest.fixture(scope="module")
def sites() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("mutant_sites", HERE / "sites.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutant_sites"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["mutant_sites"]


SOURCE = '''"""The number 1."""


def f(x: int = 3, *, é: bool = True) -> int:
    """Not 2 < 3."""
    if x < 2 and é:
        raise ValueError(f"{x - 1} is below 2")
    warn("1 row" + "s")
    return g(x - 1, key=x)
'''.encode()


def test_every_kind_of_place_and_no_message(sites: ModuleType) -> None:
    found = {(m.line, m.old, m.new) for m in sites.mutants_of(SOURCE, "gvcmetrics/a/b.py")}
    assert found == {
        (4, "3", "4"), (4, "True", "False"), (6, "x < 2 and é", "(x < 2 or é)"), (6, "x < 2", "(x <= 2)"),
        (6, "2", "3"), (8, 'warn("1 row" + "s")', "pass"), (9, "x - 1", "(x + 1)"), (9, "1", "2"),
        (9, "g(x - 1, key=x)", "g(x - 1)"),
    }  # fmt: skip


def test_a_mutant_is_applied_where_it_stands(sites: ModuleType) -> None:
    changed = {m.new: m.applied(SOURCE).decode() for m in sites.mutants_of(SOURCE, "gvcmetrics/a/b.py")}
    assert "    if (x < 2 or é):\n" in changed["(x < 2 or é)"]
    assert changed["(x + 1)"].endswith("return g((x + 1), key=x)\n")
    assert all(mutant.function == "f" for mutant in sites.mutants_of(SOURCE, "gvcmetrics/a/b.py"))


def test_a_key_stays_when_lines_are_added_above(sites: ModuleType) -> None:
    before = [m.key for m in sites.mutants_of(SOURCE, "gvcmetrics/a/b.py")]
    after = [m.key for m in sites.mutants_of(b"# More.\n\n" + SOURCE, "gvcmetrics/a/b.py")]
    assert before == after
    assert len(set(before)) == len(before)


def test_mutants_of_a_room_are_python_and_seeded(sites: ModuleType) -> None:
    every = sites.mutants(PACKAGE / "measures")
    assert len({mutant.key for mutant in every}) == len(every)
    for mutant in random.Random(1).sample(every, 40):
        right = (PACKAGE / mutant.file).read_bytes()
        assert ast.dump(ast.parse(mutant.applied(right))) != ast.dump(ast.parse(right)), mutant
    order = sites.in_order(every, 1)
    assert order == sites.in_order(every[::-1], 1)
    assert order != sites.in_order(every, 2)
    # The first three hundred hold each folder by its share.
    share = Counter(mutant.room for mutant in every)
    for room, count in Counter(mutant.room for mutant in order[:300]).items():
        assert abs(count - 300 * share[room] / len(every)) <= 1, room
