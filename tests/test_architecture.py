"""The floor plan: no import circle, and nothing so large that a reader loses the thread.

Which room may import from which is said in pyproject.toml, for import-linter; `make lint` checks that.
"""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import gvcmetrics

PACKAGE = Path(gvcmetrics.__file__).parent
MOST_MODULES, MOST_LINES, LONGEST_BODY = 15, 450, 80
# Each of these has one home, where the rest of the package finds it.
ONE_HOME = {"difflib": "ground/names.py", "warnings.warn": "ground/warn.py"}


@cache
def modules() -> dict[str, Path]:
    """Dotted name → file, of every module of the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imported(tree: ast.AST, known: set[str], front: str = "") -> set[str]:
    """Modules that a tree imports: at the top, inside functions, for types alone; a front also by strings."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"relative import in line {node.lineno}"
            full = {f"{node.module}.{name.name}" for name in node.names}
            found |= full & known if full <= known else {str(node.module)} | full & known
        elif front and isinstance(node, ast.Constant):
            found |= {str(node.value), f"{front}.{node.value}"}
    return found & known


def imports() -> dict[str, set[str]]:
    known = set(modules())
    graph = {
        name: imported(parsed(path), known, name if path.name == "__init__.py" else "") - {name}
        for name, path in modules().items()
    }
    # The front door names every room, and every room may print the version that stands there.
    graph["gvcmetrics"] = set()
    return graph


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Name and length of every function's body, without its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1


def none_over(counts: dict[str, int], most: int) -> None:
    over = [f"{name}: {count}, at most {most}" for name, count in counts.items() if count > most]
    assert not over, "\n".join(over)


def test_no_import_comes_back_to_where_it_began() -> None:
    found = circle(imports())
    assert not found, " → ".join(found)


@pytest.mark.parametrize(
    "second",
    [
        "import a",
        "def f():\n    from a import g",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import G",
        "NAMES = {'g': 'a'}",
    ],
)
def test_every_kind_of_circle_is_seen(second: str) -> None:
    trees = {"a": "from b import h", "b": second, "c": "import a, b"}
    graph = {name: imported(ast.parse(source), {"a", "b", "c"}, name) for name, source in trees.items()}
    assert set(circle(graph)) == {"a", "b"}


def test_no_folder_holds_more_modules_than_a_reader_takes_in() -> None:
    folders = {path.parent for path in modules().values()}
    counts = {
        str(f.relative_to(PACKAGE)): len([*f.glob("*.py")]) - (f / "__init__.py").exists() for f in folders
    }
    none_over(counts, MOST_MODULES)


def test_no_module_is_too_long() -> None:
    lines = {name: len(path.read_text("utf-8").splitlines()) for name, path in modules().items()}
    none_over(lines, MOST_LINES)


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{name}.{function}": length
        for name, path in modules().items()
        for function, length in functions(parsed(path))
    }
    none_over(lengths, LONGEST_BODY)


@pytest.mark.parametrize("word", ONE_HOME)
def test_what_has_one_home_is_used_nowhere_else(word: str) -> None:
    home = PACKAGE / ONE_HOME[word]
    others = [name for name, path in modules().items() if path != home and word in path.read_text("utf-8")]
    assert not others, "\n".join(others)


def test_every_folder_says_what_it_holds() -> None:
    fronts = [name for name, path in modules().items() if path.name == "__init__.py"]
    silent = [name for name in fronts if not ast.get_docstring(parsed(modules()[name]))]
    assert not silent, "\n".join(silent)
