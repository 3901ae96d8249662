"""Words of a single formula, written out: several lags at once, `i`, columns by a pattern.

`L(x, 0:2)` is x + L(x) + L(x, 2), of differences and leads alike, and a negative number turns a lag into a
lead; `i(f, x, ref=b)` is a product of levels and x; `..("^rd_")` is the sum of the columns whose names a
regular expression finds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.names import nearest
from gvcmetrics.models.data.formulas.text import Call, calls, replaced

PATTERNS = ("..", "regex")
_RANGE = re.compile(r"\s*(-?\d+)\s*:\s*(-?\d+)\s*")
_LIST = re.compile(r"\s*(?:c\(|\[)\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*[)\]]\s*")
_LITERAL = re.compile(r"-?\d+\.?\d*|'[^']*'|\"[^\"]*\"|True|False|\[.*\]|c\(.*\)", flags=re.DOTALL)
_WORDS_OF_I = ("ref", "keep", "ref2", "keep2")


def written_out(text: str) -> str:
    """Regressors with `i` and several lags at once in the words of single terms."""
    text = replaced(text, ("L", "F", "D"), lambda call: _lags(call, text))
    return replaced(text, ("i",), lambda call: _levels(call, text))


def with_columns(text: str, columns: Sequence[str], separator: str = " + ") -> str:
    """The text with `..("pattern")` replaced by the columns that the pattern finds.

    Raises
    ------
    ModelError : it is no pattern, or finds no column.
    """

    def found(call: Call) -> str:
        written = call.written(text)
        if len(call.positional) != 1 or call.named or not re.fullmatch(r"'.*'|\".*\"", call.positional[0]):
            raise ModelError(f"'{written}' cannot be read", remedy="Write ..('^rd_'), a pattern in quotes")
        try:
            pattern = re.compile(call.positional[0][1:-1])
        except re.error as error:
            raise ModelError(f"'{written}' is no regular expression: {error}") from error
        names = [name for name in columns if pattern.search(name)]
        if not names:
            raise ModelError(
                f"no column is found by '{written}'",
                remedy=f"Columns are {', '.join(columns[:12])}",
            )
        sum_of = separator.join(name if name.isidentifier() else f"`{name}`" for name in names)
        return f"({sum_of})" if separator == " + " and len(names) > 1 else sum_of

    return replaced(text, PATTERNS, found)


def _lags(call: Call, text: str) -> str:
    """The terms of `L(x, 0:2)`; a call with one number stays as it is but for its sign."""
    inside = ", ".join((*call.positional, *(f"{key}={value}" for key, value in call.named.items())))
    as_it_is = f"{call.name}({inside})"
    if len(call.positional) != 2 or call.named:
        return as_it_is
    argument, periods = call.positional
    several = _RANGE.fullmatch(periods)
    listed = _LIST.fullmatch(periods)
    if several:
        first, last = int(several[1]), int(several[2])
        numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
        each = [*numbers]
    elif listed:
        each = [int(number) for number in listed[1].split(",")]
    else:
        return as_it_is
    terms = [_lag(call.name, argument, number, call.written(text)) for number in each]
    return terms[0] if len(terms) == 1 else f"({' + '.join(terms)})"


def _lag(operator: str, argument: str, periods: int, written: str) -> str:
    if periods == 0 and operator != "D":
        return argument
    if operator == "D" and periods <= 0:
        raise ModelError(f"'{written}' has a difference over {periods} periods", remedy="Write D(x, 1:2)")
    if periods < 0:
        operator, periods = {"L": "F", "F": "L"}[operator], -periods
    return f"{operator}({argument})" if periods == 1 else f"{operator}({argument}, {periods})"


def _levels(call: Call, text: str) -> str:
    """`i(f, x, ref=b)` as the product of the levels of f and x."""
    written, positional, named = call.written(text), [*call.positional], dict(call.named)
    for word in named:
        if word not in _WORDS_OF_I:
            near = nearest(word, _WORDS_OF_I)
            remedy = "Make the bins a column first" if word in ("bin", "bin2") else None
            raise ModelError(
                f"'{word}' in '{written}' is not known",
                remedy=remedy
                or (f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(_WORDS_OF_I)}"),
            )
    if len(positional) > 1 and "ref" not in named and _LITERAL.fullmatch(positional[-1]):
        named["ref"] = positional.pop()
    if not 1 <= len(positional) <= 2:
        raise ModelError(
            f"'{written}' cannot be read", remedy="Write i(f), i(f, ref='a') or i(f, x, ref='a')"
        )
    of_second = {word.removesuffix("2"): named.pop(word) for word in ("ref2", "keep2") if word in named}
    if len(positional) == 1:
        if of_second:
            raise ModelError(f"'{written}' has no second variable for ref2 or keep2")
        return _call_of_i(positional[0], named, crossed=False)
    first, second = positional
    factor = second.startswith("i.")
    if of_second and not factor:
        raise ModelError(
            f"ref2 and keep2 in '{written}' are of a second factor", remedy=f"Write i({first}, i.{second})"
        )
    other = _call_of_i(second.removeprefix("i."), of_second, crossed=True) if factor else second
    return f"{_call_of_i(first, named, crossed=True)}:{other}"


def _call_of_i(column: str, named: dict[str, str], *, crossed: bool) -> str:
    words = [f"called={column.replace('`', '')!r}"] + (["crossed=True"] if crossed else [])
    for word, value in named.items():
        for inner in reversed(calls(value, ("c",))):
            value = value[: inner.start] + f"[{', '.join(inner.positional)}]" + value[inner.end :]
        words.append(f"{word}={value}")
    return f"i({column}, {', '.join(words)})"
