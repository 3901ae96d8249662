"""Formulas: their parts, strange names, panel operators, and what must be refused."""

from __future__ import annotations

import pytest

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formula import Formula, split_outside, variables_of


def test_parts() -> None:
    formula = Formula.parse("y ~ a * b + log(x) | fe1^fe2 + `the region`")
    assert formula.outcomes == ("y",)
    assert formula.variables == ("y", "a", "b", "x")
    assert formula.absorbed == (("fe1", "fe2"), ("the region",))
    assert formula.absorbing("unit").absorbed == (("unit",), ("fe1", "fe2"), ("the region",))
    assert formula.absorbing("the region") == formula


def test_several_outcomes() -> None:
    assert Formula.parse("y1 + y2 + log(y3) ~ x").outcomes == ("y1", "y2", "log(y3)")


@pytest.mark.parametrize(
    ("term", "variables"),
    [
        ("exp2", ("exp2",)),
        ("log", ("log",)),
        ("`a b`", ("a b",)),
        ("log(`x:1`)", ("x:1",)),
        ("país", ("país",)),
        ("`log(x)`", ("log(x)",)),
        ("C(g, Treatment('b')) : x", ("g", "x")),
        ("np.log(x)", ("x",)),
        ("Q('a b')", ("a b",)),
        ("`a|b` + `c~d` + `e^f`", ("a|b", "c~d", "e^f")),
        ("poly(x, degree=2)", ("x",)),
    ],
)
def test_strange_names_are_columns_and_functions_are_not(term: str, variables: tuple[str, ...]) -> None:
    assert Formula.parse(f"y ~ {term}").variables == ("y", *variables)


def test_shifts_become_columns_with_their_own_name() -> None:
    formula = Formula.parse("D(y) ~ L(x, 2) + log(F(z)) + L(D(log(`a b`)))")
    assert [(shift.name, shift.operator, shift.argument, shift.periods) for shift in formula.shifts] == [
        ("D(y)", "D", "y", 1),
        ("L(x, 2)", "L", "x", 2),
        ("F(z)", "F", "z", 1),
        ("D(log(a b))", "D", "log(`a b`)", 1),
        ("L(D(log(a b)))", "L", "`D(log(a b))`", 1),
    ]
    assert set(formula.variables) == {"y", "x", "z", "a b"}
    assert formula.current_columns == ("D(y)", "L(x, 2)", "F(z)", "L(D(log(a b)))")


def test_names_that_end_like_operators_are_not_operators() -> None:
    assert Formula.parse("y ~ `L(x)` + LOG + OLD").shifts == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y", "no outcome ~ regressors"),
        ("~ x", "no outcome ~ regressors"),
        ("y ~ x ~ z", "no outcome ~ regressors"),
        ("y ~ x | a | b", r"more than one '\|'"),
        ("y ~ x | log(a)", "not a column name"),
        ("y ~ x | a b", "not a column name"),
        ("y ~ (x", "unclosed bracket"),
        ("y ~ `x", "unclosed quote"),
        ("y ~ x +* z", "cannot be read"),
        ("y ~ a b", "cannot be read"),
        ("y ~ L(x, -1)", r"Write L\(x\)"),
        ("y ~ L()", r"Write L\(x\)"),
        (3, "a formula is text"),
    ],
)
def test_unreadable_formulas(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Formula.parse(text)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ __import__('os').system('x')",
        "y ~ {__import__('os').system('x')}",
        "__import__('os').getpid() ~ x",
        "y ~ I(x.__class__)",
        "y ~ log(x.values)",
        "y ~ np.log(x)",
        "y ~ eval('1')",
        "y ~ log(eval('1'))",
        "y ~ L(eval('1'))",
        "y ~ L(x.values)",
        "y ~ C(g, contr.treatment('a'))",
        "y ~ I([i for i in x])",
        "y ~ I((lambda: 1)())",
        "y ~ I(x if x else x)",
        "y ~ I(f'{x}')",
        "y ~ I(x[0])",
        "y ~ I(9**9**9)",
        "y ~ I(x**1e9)",
        "y ~ (a + b)**999",
        "y ~ ((a + b + c + d + e + f)**3)**3",
        "y ~ " + "*".join("abcdefghijklmnopqrstuvwxyz"),
        "y ~ I('a' * 1000000000)",
        "y ~ I(1 << 999999)",
        "y ~ I((x := 1))",
        "y ~ I(__builtins__)",
        "y ~ " + " + ".join(["x"] * 5001),
    ],
)
def test_untrusted_formulas_run_no_code(formula: str) -> None:
    with pytest.raises(ModelError):
        Formula.parse(formula, trusted=False)


@pytest.mark.parametrize(
    "formula",
    [
        "log(y) ~ a * b + I(x**2) + (a + b)^2 | fe",
        "y ~ C(g, Treatment('b')) + poly(x, 3) + bs(x, df=4) + L(log(x), 2)",
        "y ~ asinh(x) + I(a > 3) + I(-x / 2) + `a b`",
    ],
)
def test_untrusted_formulas_may_do_what_researchers_do(formula: str) -> None:
    assert Formula.parse(formula, trusted=False) == Formula.parse(formula)


def test_split_outside_and_variables_of() -> None:
    assert split_outside("a + f(b + c) + `d + e` + 'x + y'", "+") == ["a", "f(b + c)", "`d + e`", "'x + y'"]
    assert variables_of("log(a) + a * `b c`") == ("a", "b c")
