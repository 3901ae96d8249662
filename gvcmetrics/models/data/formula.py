"""A formula as text → its parts: outcomes, regressors, absorbed effects, lags.

`"y ~ a * b + log(x) | firm^year + region"` reads as in fixest: before `|` stand the regressors
(Wilkinson notation, parsed by formulaic), after it the effects that are absorbed, `^` crossing
two of them. Several outcomes, `"y1 + y2 ~ x"`, make a joint model. Names that are not Python
identifiers stand in backticks: `` `a b` ``.

Three operators follow the panel, not the row order: `L(x)`, `L(x, 2)` lag, `F(x)` lead and
`D(x) = x − L(x)`, and `L(x, 0:2)` is x and both its lags. They compare periods, so a gap in the years gives
a missing value, as Stata's time-series operators do. `formulas` has the words that are written out first.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from functools import lru_cache

import formulaic
from formulaic.errors import FormulaicError

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formulas.absorbed import absorbed_effects, unquote
from gvcmetrics.models.data.formulas.terms import written_out
from gvcmetrics.models.data.formulas.text import split_outside
from gvcmetrics.models.data.spelling import (
    SAFE_FUNCTIONS,
    SHIFTS,
    original,
    refuse_unknown_functions,
    respelt,
    with_stand_ins,
)

_LARGEST_SAFE_EXPONENT = 16
_LONGEST_SAFE_FORMULA = 10_000
_MOST_PRODUCTS = 8
_BACKTICKED = re.compile(r"`([^`]*)`")
_BRACKET = re.compile(r"\[[^\]]*~")


@dataclass(frozen=True)
class Shift:
    """A lag, lead or difference that becomes a column of its own: `L(x, 2)`."""

    name: str
    operator: str
    argument: str
    periods: int


@dataclass(frozen=True)
class Formula:
    """The parts of a formula; texts keep the user's spelling, lags replaced by backticked names.

    slopes : groups, and the variable that has a slope in each.
    endogenous, instruments : right sides of their own, where some regressors are instrumented.
    """

    text: str
    outcomes: tuple[str, ...]
    regressors: str
    absorbed: tuple[tuple[str, ...], ...] = ()
    slopes: tuple[tuple[tuple[str, ...], str], ...] = ()
    shifts: tuple[Shift, ...] = ()
    endogenous: Formula | None = None
    instruments: Formula | None = None

    @classmethod
    def parse(cls, text: str, *, trusted: bool = True) -> Formula:
        """Parse a formula.

        Parameters
        ----------
        text : the formula.
        trusted : False for a formula that comes from a spec or a file: then nothing but column
            names, numbers, arithmetic and a closed list of functions may stand in it.

        Raises
        ------
        ModelError : the formula cannot be read, or would run code that is not trusted.

        Examples
        --------
        >>> Formula.parse("log(wage) ~ union + L(hours) | firm^year + region").absorbed
        (('firm', 'year'), ('region',))
        """
        if not isinstance(text, str):
            raise ModelError(f"a formula is text such as 'y ~ x | unit', not {type(text).__name__}")
        sides = split_outside(text, "~")
        as_fixest = len(sides) == 3 and "|" in sides[1]
        if as_fixest or (len(sides) == 2 and _BRACKET.search(sides[1])):
            raise ModelError(
                f"formula {text!r} names instruments", remedy="Use gvc.iv or gvc.control_function"
            )
        if len(sides) != 2 or not sides[0] or not sides[1]:
            raise ModelError(f"formula {text!r} has no outcome ~ regressors", remedy="Write 'y ~ x1 + x2'")
        parts = split_outside(sides[1], "|")
        if len(parts) > 2:
            raise ModelError(
                f"formula {text!r} has more than one '|'",
                remedy="Join absorbed effects by '+'; for instruments, '| effects | x ~ z', use gvc.iv",
            )
        shifts: list[Shift] = []
        outcomes = tuple(
            respelt(_take_shifts(part, shifts), inside=True) for part in split_outside(sides[0], "+")
        )
        written = _take_shifts(written_out(parts[0]), shifts) or "1"
        if not trusted:
            if len(text) > _LONGEST_SAFE_FORMULA:
                raise ModelError(f"the formula has {len(text)} characters, more than {_LONGEST_SAFE_FORMULA}")
            _refuse_explosion(written)
        regressors = respelt(written)
        absorbed, slopes = absorbed_effects(parts[1], text) if len(parts) == 2 else ((), ())
        formula = cls(text, outcomes, regressors, absorbed, slopes, tuple(shifts))
        expressions = formula._expressions()
        for expression in () if trusted else expressions:
            refuse_code(expression)
        refuse_unknown_functions([name for each in expressions for name in _called(each)], text)
        return formula

    def absorbing(self, *columns: str) -> Formula:
        """The same formula with further effects absorbed (those that it already has are not repeated)."""
        extra = tuple((column,) for column in columns if (column,) not in self.absorbed)
        return replace(self, absorbed=(*extra, *self.absorbed))

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns of the user's frame that outcome, regressors, instruments and lags are made of."""
        made = {shift.name for shift in self.shifts}
        used = (name for expression in self._expressions() for name in variables_of(expression))
        beside = self.instruments.variables if self.instruments else ()
        return tuple(dict.fromkeys((*(name for name in used if name not in made), *beside)))

    @property
    def current_columns(self) -> tuple[str, ...]:
        """Columns whose value in the row itself enters the model, lags among them under their own name."""
        used = (name for part in (*self.outcomes, *self.regressor_expressions) for name in variables_of(part))
        beside = self.instruments.current_columns if self.instruments else ()
        return tuple(dict.fromkeys((*used, *beside)))

    @property
    def every_shift(self) -> tuple[Shift, ...]:
        """Lags, leads and differences of regressors and of instruments."""
        return (*self.shifts, *(self.instruments.shifts if self.instruments else ()))

    @property
    def absorbed_columns(self) -> tuple[str, ...]:
        """Columns that the absorbed effects are made of, variables with varying slopes included."""
        varying = [column for columns, variable in self.slopes for column in (*columns, variable)]
        return tuple(dict.fromkeys([*(column for effect in self.absorbed for column in effect), *varying]))

    @property
    def regressor_expressions(self) -> list[str]:
        """Every factor among the regressors as a Python expression, names in backticks where needed."""
        try:
            return [*_factors(self.regressors)]
        except (FormulaicError, SyntaxError, ValueError, RecursionError) as error:
            raise ModelError(
                f"the regressors of formula {self.text!r} cannot be read",
                remedy="Put a name that is not an identifier in backticks: `a b`",
            ) from error

    def _expressions(self) -> list[str]:
        return [*self.outcomes, *self.regressor_expressions, *(shift.argument for shift in self.shifts)]


@lru_cache(maxsize=64)
def parsed(regressors: str) -> formulaic.Formula:
    """The regressors as formulaic reads them; kept, since one estimate asks several times."""
    return formulaic.Formula(with_stand_ins(regressors))


@lru_cache(maxsize=64)
def _factors(regressors: str) -> tuple[str, ...]:
    """Expressions of all factors."""
    factors = [factor for term in parsed(regressors) for factor in term.factors]
    return tuple(
        f"`{unquote(original(factor.expr))}`"
        if factor.eval_method.value == "lookup"
        else original(factor.expr)
        for factor in factors
        if factor.eval_method.value != "literal"
    )


@lru_cache(maxsize=1024)
def variables_of(expression: str) -> tuple[str, ...]:
    """Column names in one expression: `log(a) + `b c`` → a, b c. Function names are not columns."""
    tree, quoted = _syntax_tree(expression)
    called = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.Call) for part in ast.walk(node.func)
    }
    modules = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        for part in ast.walk(node.value)
    }
    names = [
        quoted.get(node.id, node.id)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and id(node) not in called and id(node) not in modules
    ]
    names += [
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Q"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    return tuple(dict.fromkeys(names))


def _called(expression: str) -> list[str]:
    """Names of the functions that an expression calls."""
    tree, _ = _syntax_tree(expression)
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [function.id for function in calls if isinstance(function, ast.Name)]


def _syntax_tree(expression: str) -> tuple[ast.Expression, dict[str, str]]:
    """Python syntax tree of an expression, backticked names replaced by identifiers, and those names."""
    quoted: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        identifier = f"quoted_name_{len(quoted)}"
        quoted[identifier] = match.group(1)
        return identifier

    try:
        return ast.parse(_BACKTICKED.sub(stand_in, expression).strip(), mode="eval"), quoted
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ModelError(
            f"'{expression}' in the formula cannot be read",
            remedy="Put a column name that is not an identifier in backticks: `a b`",
        ) from error


def _take_shifts(text: str, shifts: list[Shift]) -> str:
    """Replace `L(x)`, `F(x)`, `D(x)` by backticked column names and note how each column is made."""
    masked = _BACKTICKED.sub(lambda match: "`" + "_" * len(match.group(1)) + "`", text)
    match = re.search(r"(?<![\w.])([LFD])\(", masked)
    if match is None:
        return text
    depth, end = 0, match.end() - 1
    for end in range(match.end() - 1, len(text)):
        depth += {"(": 1, ")": -1}.get(masked[end], 0)
        if depth == 0:
            break
    inside = split_outside(text[match.end() : end], ",")
    operator = match.group(1)
    if len(inside) > 2 or not inside[0] or (len(inside) == 2 and not inside[1].isdigit()):
        raise ModelError(
            f"'{text[match.start() : end + 1]}' cannot be read", remedy="Write L(x), L(x, 2), F(x) or D(x)"
        )
    periods = int(inside[1]) if len(inside) == 2 else 1
    argument = _take_shifts(inside[0], shifts)
    plain = argument.replace("`", "")
    name = f"{operator}({plain})" if len(inside) == 1 else f"{operator}({plain}, {periods})"
    if all(shift.name != name for shift in shifts):
        shifts.append(Shift(name, operator, respelt(argument, inside=True), periods))
    return f"{text[: match.start()]}`{name}`{_take_shifts(text[end + 1 :], shifts)}"


def _refuse_explosion(regressors: str) -> None:
    """Raise for products and powers that would expand to more terms than a computer can list."""
    plain = _BACKTICKED.sub("x", regressors)
    for term in split_outside(plain, "+"):
        powers = [int(power) for power in re.findall(r"(?:\*\*|\^)\s*(\d+)", term)]
        grouped = re.findall(r"\)\s*(?:\*\*|\^)\s*(\d+)", term)
        if (
            max(powers, default=0) > _LARGEST_SAFE_EXPONENT
            or len(grouped) > 1
            or any(int(power) > 3 for power in grouped)
            or len(re.findall(r"\*+|\^|/", term)) > _MOST_PRODUCTS
        ):
            raise ModelError(
                f"'{term[:60]}' in a formula from a spec or a file has too many products or too high a power",
                remedy="Write the terms one by one",
            )


def refuse_code(expression: str) -> None:
    """Raise unless the expression is columns, numbers, arithmetic and functions of the closed list."""
    tree, _ = _syntax_tree(expression)

    def refuse(what: str) -> ModelError:
        return ModelError(
            f"'{expression}' in a formula from a spec or a file {what}",
            remedy="Allowed are columns, numbers, arithmetic and "
            + ", ".join(sorted(SAFE_FUNCTIONS | {*SHIFTS})),
        )

    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    arguments = {
        id(value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for given in (*node.args, *(keyword.value for keyword in node.keywords))
        for value in (given.elts if isinstance(given, (ast.List, ast.Tuple)) else [given])
    }
    arguments |= {
        id(value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for value in (node.left, *node.comparators)
    }
    allowed = (
        ast.Expression, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Call, ast.keyword,
        ast.Name, ast.Constant, ast.Load, ast.Compare, ast.cmpop, ast.BoolOp, ast.boolop, ast.List, ast.Tuple,
    )  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            raise refuse("reads an attribute")
        if not isinstance(node, allowed):
            raise refuse("would run code")
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            raise refuse("calls something that is not a function of the list")
        if isinstance(node, ast.Name):
            if id(node) in functions and node.id not in SAFE_FUNCTIONS:
                raise refuse(f"calls '{node.id}'")
            if node.id.startswith("__"):
                raise refuse(f"names '{node.id}'")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in arguments:
            raise refuse("holds text where a number is expected")
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Pow, ast.LShift)):
            exponent = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
            value = exponent.value if isinstance(exponent, ast.Constant) else None
            if not isinstance(value, (int, float)) or abs(value) > _LARGEST_SAFE_EXPONENT:
                raise refuse("raises to a power that is not a small number")
