"""Formulas: their parts, strange names, panel operators, and what must be refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, ModelError
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


def odd(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = [
        "x",
        "z",
        "nr",
        "class",
        "import",
        "Intercept",
        "log",
        "exp",
        "C",
        "I",
        "bs",
        "np",
        "scale",
        "a b",
        "x:1",
    ]
    data = pd.DataFrame({name: rng.uniform(0.5, 2.0, n) for name in names})
    return data.assign(g=rng.choice(["a", "b", "c"], n), y=rng.normal(size=n))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("x^2", "I(x**2)"),
        ("x**2", "I(x**2)"),
        ("x + x^2 + x^3", "x + I(x**2) + I(x**3)"),
        ("I(x^2)", "I(x**2)"),
        ("log(x^2 + 1)", "log(x**2 + 1)"),
        ("`a b`^2", "I(`a b`**2)"),
        ("log(x)^2", "I(log(x)**2)"),
        ("z:x^2", "z:I(x**2)"),
        ("x^(-1)", "I(1 / x)"),
        ("x^0.5", "I(np.sqrt(x))"),
        ("(x + z)^2", "x + z + x:z"),
        ("(x + z)**2", "x + z + x:z"),
        ("x * z^2", "x + I(z**2) + x:I(z**2)"),
    ],
)
def test_powers_are_powers_of_numbers(written: str, meant: str) -> None:
    data = odd().drop(columns="np")
    for function in (gvc.ols, gvc.poisson):
        frame = data.assign(y=lambda d: d["y"] ** 2)
        made, plain = function(f"y ~ {written}", frame), function(f"y ~ {meant}", frame)
        np.testing.assert_allclose(made.params, plain.params, rtol=1e-8)
        assert len(made.params) == meant.count("+") + 2 - meant.count("+ 1")


def test_a_power_of_the_outcome_and_of_a_lag_is_one_too() -> None:
    data = odd(40).assign(unit=np.repeat(range(10), 4), time=np.tile(range(4), 10))
    squared = data.assign(y2=data["y"] ** 2, x2=data["x"] ** 2)
    for written, meant in (
        ("y^2 ~ z", "y2 ~ z"),
        ("y ~ L(x^2)", "y ~ L(x2)"),
        ("y ~ L(x)^2", "y ~ I(L(x)**2)"),
    ):
        made = gvc.ols(written, data, unit="unit", time="time")
        plain = gvc.ols(meant, squared, unit="unit", time="time")
        np.testing.assert_allclose(made.params, plain.params, rtol=1e-12)


def test_crossing_by_a_hat_is_for_absorbed_effects() -> None:
    with pytest.raises(ModelError, match=r"Powers are x\^2; '\^' crosses effects after '\|' only"):
        gvc.ols("y ~ x^z", odd())


@pytest.mark.parametrize(
    "name", ["class", "import", "Intercept", "log", "exp", "C", "I", "bs", "np", "scale", "a b", "x:1"]
)
@pytest.mark.parametrize(
    "term",
    ["{}", "log({})", "I({}**2)", "{}^2", "bs({}, df=4)", "C({} > 1)", "{}:g", "x * {}", "{} + log(z)"],
)
def test_a_backticked_name_is_a_column_everywhere(name: str, term: str) -> None:
    data = odd()
    plain = data.rename(columns={name: "plain"})[["plain", "x", "z", "g", "y"]]
    made = gvc.ols("y ~ " + term.format(f"`{name}`"), data)
    meant = gvc.ols("y ~ " + term.format("plain"), plain)
    np.testing.assert_allclose(made.params, meant.params, rtol=1e-10)
    printed = [text.replace("plain", name) for text in meant.params.index]
    assert [text.replace("`", "") for text in made.params.index] == printed
    assert made.params.index.is_unique
    np.testing.assert_allclose(made.predict(data), meant.predict(plain), rtol=1e-10)
    jumps = "> 1" in term
    ours = made.margins(contrasts={name: [(2, 0)]} if jumps else "base")
    theirs = meant.margins(contrasts={"plain": [(2, 0)]} if jumps else "base")
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-8)


@pytest.mark.parametrize("name", ["class", "log", "np", "Intercept"])
def test_odd_names_are_columns_in_every_role(name: str) -> None:
    data = odd().assign(unit=np.repeat(range(30), 4))
    data["count"] = np.random.default_rng(1).poisson(1.0, len(data))
    plain = data.rename(columns={name: "plain"})
    for written in ("log(`{}`) ~ x", "`{}` ~ x", "y ~ x | `{}`^g"):
        if "|" in written:
            data[name], plain["plain"] = data["unit"] % 4, data["unit"] % 4
        made = gvc.ols(written.format(name), data, vcov={"CRV1": "unit"})
        np.testing.assert_allclose(made.params, gvc.ols(written.format("plain"), plain).params, rtol=1e-10)
    made = gvc.poisson("count ~ x", data, offset=f"log(`{name}` + 1)")
    np.testing.assert_allclose(made.params, gvc.poisson("count ~ x", plain, offset="log(plain + 1)").params)


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("lgo(x)", r"'lgo\(\)' in formula .* is not a function of formulas here. Did you mean log\(\)"),
        ("Log(x)", r"Did you mean log\(\)"),
        ("l(x)", r"Did you mean L\(\)"),
        ("ii(g)", r"Did you mean i\(\)"),
        ("c(x, z)", r"'c\(\)'.*alone on the left side"),
        ("splines(x)", r"'splines\(\)'.*Write cr\(x, df=4\)"),
        ("factor(g)", r"Write C\(g\)"),
        ("ln(x)", r"Write log\(x\)"),
        ("frobnicate(x)", r"Functions are C, D, "),
    ],
)
def test_an_unknown_function_is_named_with_the_nearest(term: str, message: str) -> None:
    for trusted in (True, False):
        with pytest.raises(
            ModelError, match=message if trusted else "is not a function|from a spec or a file"
        ):
            gvc.ols(f"y ~ {term}", odd(), trusted=trusted)


@pytest.mark.parametrize("formula", ["y ~ NR", "y ~ log(NR)", "NR ~ x", "y ~ x | NR", "y ~ L(NR)"])
def test_capitals_that_differ_are_pointed_out(formula: str) -> None:
    with pytest.raises(DataError, match=r"column 'NR': no such column in the data. Did you mean 'nr'"):
        gvc.ols(formula, odd())
