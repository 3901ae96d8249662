"""Where a line of the package could be wrong by a little, and what it would say then.

A mutant is one such change. Messages, docstrings, annotations and decorators are left alone, because a
different wording is no fault.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_COMBINED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_CALLED = {
    "min": "max", "any": "all", "minimum": "maximum", "nanmin": "nanmax", "first": "last", "bfill": "ffill",
    "floor": "ceil", "mean": "median", "idxmin": "idxmax", "argmin": "argmax",
}  # fmt: skip
_CALLED |= {new: old for old, new in _CALLED.items()}
# A call that is left out, its first argument or what it was called on taking its place.
_SKIPPED_FUNCTIONS = {"abs", "sorted", "unique"}
_SKIPPED_METHODS = {"abs", "fillna", "dropna", "sort_values", "sort_index", "drop_duplicates", "clip", "copy"}
_NO_FAULT = {"remedy", "help", "repr", "dtype", "stacklevel", "encoding", "ndmin", "name", "strict", "check"}
_SMALL = 1e-4
_SHORT, _LONG, _AROUND = 60, 120, 2


@dataclass(frozen=True)
class Mutant:
    """One change of one place.

    file : relative to the project. function : qualified name, empty at the top of a module. start, end : of
    the old text, in bytes. nth : of the same changes in the function.
    """

    file: str
    function: str
    line: int
    start: int
    end: int
    old: str
    new: str
    nth: int = 0

    @property
    def key(self) -> str:
        """A name that stays when lines above are added."""
        words = [self.file, self.function, self.old, self.new, str(self.nth)]
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]

    @property
    def room(self) -> str:
        """The part of the package that it is in."""
        parts = Path(self.file).parts
        return parts[1] if len(parts) > 2 else "front"

    @property
    def shown(self) -> tuple[str, str]:
        """Old and new in one line each, without the words that both begin and end with."""
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        if len(old) < _SHORT:
            return old, new
        old, new = ast.unparse(ast.parse(self.old.strip())), self.new
        if new.startswith("(") and not old.startswith("("):
            new = new[1:-1]
        one, other = old.split(), new.split()
        front, back = _common(one, other), _common(one[::-1], other[::-1])
        first, last = max(front - _AROUND, 0), max(back - _AROUND, 0)
        old, new = (" ".join(words[first : len(words) - last])[:_LONG] for words in (one, other))
        return old, new

    def applied(self, source: bytes) -> bytes:
        """The source with the change made."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def mutants(package: Path, left_out: tuple[str, ...] = ("simulate",)) -> list[Mutant]:
    """Every mutant of a package, in the order of the files."""
    found: list[Mutant] = []
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] not in left_out:
            found += mutants_of(path.read_bytes(), str(path.relative_to(package.parent)))
    return found


def mutants_of(source: bytes, file: str) -> list[Mutant]:
    """Every mutant of a module."""
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for node, function, new in _changes(ast.parse(source), ""):
        start = lines[node.lineno - 1] + node.col_offset
        end = lines[node.end_lineno - 1] + node.end_col_offset
        old = source[start:end].decode()
        same = (function, old, new)
        if new != old:
            found.append(Mutant(file, function, node.lineno, start, end, old, new, seen[same]))
            seen[same] += 1
    return found


def in_order(every: list[Mutant], seed: int) -> list[Mutant]:
    """A seeded order in which any beginning holds each room by its share of the mutants."""

    def draw(mutant: Mutant) -> str:
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).hexdigest()

    place = {}
    sizes = Counter(mutant.room for mutant in every)
    ranks: Counter[str] = Counter()
    for mutant in sorted(every, key=draw):
        place[mutant.key] = (ranks[mutant.room] + 0.5) / sizes[mutant.room]
        ranks[mutant.room] += 1
    return sorted(every, key=lambda mutant: (place[mutant.key], draw(mutant)))


def _common(one: list[str], other: list[str]) -> int:
    """How many words two texts begin with alike, short of all of either."""
    most = min(len(one), len(other)) - 1
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), most)


def _changes(node: ast.AST, function: str) -> Iterator[tuple[ast.AST, str, str]]:
    """(node, function around it, text to put in its place), for a tree."""
    if isinstance(node, (ast.Raise, ast.Assert, ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return
    if isinstance(node, ast.Call) and _says_something(node):
        return
    if isinstance(node, ast.expr):
        for new in _of_expression(node):
            yield node, function, new
    if isinstance(node, (ast.stmt, ast.expr)):
        for at, new in _of_statement(node):
            yield at, function, new
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        function = f"{function}.{node.name}".lstrip(".")
    for child in _inside(node):
        yield from _changes(child, function)


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


def _says_something(call: ast.Call) -> bool:
    name = ast.unparse(call.func).rpartition(".")[2]
    return name == "warn" or name.endswith(("Error", "Warning", "Place"))


def _of_expression(node: ast.expr) -> Iterator[str]:
    # Shallow copies: a tree below a change stays as it is.
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
        other = ast.Compare(node.left, [_COMPARED[type(node.ops[0])](), *node.ops[1:]], node.comparators)
        yield f"({ast.unparse(other)})"
    elif isinstance(node, ast.BinOp) and type(node.op) in _COMBINED and not _text(node):
        yield f"({ast.unparse(ast.BinOp(node.left, _COMBINED[type(node.op)](), node.right))})"
    elif isinstance(node, ast.BoolOp):
        op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield f"({ast.unparse(ast.BoolOp(op, node.values))})"
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        yield f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.IfExp):
        yield f"({ast.unparse(node.body)})"
        yield f"({ast.unparse(node.orelse)})"
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node.value)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)


def _text(node: ast.BinOp) -> bool:
    sides = (node.left, node.right)
    return any(isinstance(s, ast.JoinedStr) or isinstance(getattr(s, "value", None), str) for s in sides)


def _of_constant(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(not value)
    elif isinstance(value, int):
        yield str(value + 1)
    elif isinstance(value, float) and (abs(value) > _SMALL or value == 0):
        yield repr(2 * value if value else 1.0)


def _of_call(call: ast.Call) -> Iterator[str]:
    function = call.func
    name = ast.unparse(function)
    last = name.rpartition(".")[2]
    if isinstance(function, ast.Attribute) and last in _CALLED:
        other = ast.Attribute(function.value, _CALLED[last], function.ctx)
        yield ast.unparse(ast.Call(other, call.args, call.keywords))
    elif name in _CALLED:
        yield ast.unparse(ast.Call(ast.Name(_CALLED[name]), call.args, call.keywords))
    if call.args and last in _SKIPPED_FUNCTIONS and name in (last, f"np.{last}"):
        yield f"({ast.unparse(call.args[0])})"
    elif isinstance(function, ast.Attribute) and last in _SKIPPED_METHODS and not name.startswith("np."):
        yield f"({ast.unparse(function.value)})"
    for keyword in call.keywords:
        if keyword.arg and keyword.arg not in _NO_FAULT:
            yield ast.unparse(ast.Call(function, call.args, [k for k in call.keywords if k is not keyword]))


def _of_statement(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Changes of a test, of what a line adds, and of whether it is there."""
    if isinstance(node, (ast.If, ast.While)) and isinstance(node.test, (ast.Name, ast.Attribute, ast.Call)):
        yield node.test, f"(not {ast.unparse(node.test)})"
    elif isinstance(node, ast.AugAssign) and type(node.op) in _COMBINED:
        yield node, ast.unparse(ast.AugAssign(node.target, _COMBINED[type(node.op)](), node.value))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield node, "pass"
