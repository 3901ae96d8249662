"""A formula in the user's spelling → the spelling that formulaic reads, and names back again.

Powers are read as in fixest: `x^2` and `x**2` are `I(x**2)`, also inside functions, where Python's `^`
would be another operator; of bracketed sums, `(a + b)^2`, they stay the crossing of all pairs. A backticked
name that Python or formulaic would take for something else (a keyword, a function, the constant) is
replaced by a stand-in, and printed as the user wrote it.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

import pandas as pd
from formulaic.transforms import TRANSFORMS

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.names import nearest

SAFE_FUNCTIONS = frozenset(
    (
        *("log", "log10", "log2", "log1p", "exp", "sqrt", "abs", "asinh"),
        *("C", "i", "I", "Q", "poly", "bs", "cr", "cs", "cc", "center", "scale", "standardize"),
        *("Treatment", "Sum", "Helmert", "Diff", "Poly"),
    )
)
SHIFTS = ("L", "F", "D")
_KNOWN = {*SAFE_FUNCTIONS, *SHIFTS, *TRANSFORMS, *dir(builtins)}
_ELSEWHERE = {
    **dict.fromkeys(
        ("sw", "sw0", "csw", "csw0", "mvsw"),
        "It makes several formulas of one, as a term of the regressors or of the absorbed effects, "
        "where an outcome function reads it: gvc.ols('y ~ x + csw(a, b)', data)",
    ),
    "c": "Several outcomes are c(y1, y2) alone on the left side",
    "regex": "A pattern picks columns where an outcome function reads it: gvc.ols('y ~ regex(\"^x\")', data)",
    **dict.fromkeys(("factor", "as_factor"), "Write C(g)"),
    **dict.fromkeys(("ns", "splines"), "Write cr(x, df=4) for a natural spline, bs(x, df=5) for a B-spline"),
    "ln": "Write log(x)",
}
_TAKEN = {*keyword.kwlist, *SAFE_FUNCTIONS, *TRANSFORMS, "Intercept"}
# Inside a call these are what they are everywhere in Python and formulaic, unless backticked.
_NEVER_COLUMNS = {*keyword.kwlist, "np", "contr", "Treatment", "Sum", "Helmert", "Diff", "Poly"}
_TOKEN = re.compile(
    r"`[^`]*`|'[^']*'|\"[^\"]*\"|[^\W\d]\w*(?:\.\w+)*|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+|\*\*|\s+|."
)
_STAND_IN = re.compile(r"`?\bcolumn_named_((?:[0-9a-f]{2})+)\b`?")
_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")
_QUOTED = re.compile(r"`([^`]*)`")
_Q = re.compile(r"\bQ\(\s*(['\"])(.+?)\1\s*\)")


def respelt(text: str, *, inside: bool = False) -> str:
    """The text with its powers as formulaic takes them.

    inside : the text is a single expression of Python, as an outcome is, not a sum of terms.

    Raises
    ------
    ModelError : `^` stands between names, where it would cross effects.
    """
    tokens = _TOKEN.findall(text)
    made: list[str] = []
    # For every open bracket: where it began in `made`, and whether it is Python's.
    open_at: list[tuple[int, bool]] = []
    atom = (0, 0, True)
    position = 0
    while position < len(tokens):
        token = tokens[position]
        python = inside or any(call for _, call in open_at)
        if token in ("^", "**") and not python:
            power, position = _exponent(tokens, position + 1)
            start, stop, grouped = atom
            base = "".join(made[start:stop])
            if power is None:
                raise ModelError(
                    f"'{token}' after '{base.strip()}' is not followed by a number",
                    remedy="Powers are x^2; '^' crosses effects after '|' only, before it write a:b or a*b",
                )
            made[start:] = [f"{base}**{power}"] if grouped else [f"I({base}**{power})"]
            atom = (start, start + 1, True)
            continue
        if token in "([{":
            called = token == "(" and bool(made) and re.match(r"[^\W\d]", made[-1]) is not None
            open_at.append((len(made) - called, called or token == "{"))
        elif token in ")]}" and open_at:
            start, call = open_at.pop()
            atom = (start, len(made) + 1, not call)
        elif not token.isspace():
            atom = (len(made), len(made) + 1, not re.match(r"[`\w.]", token))
        made.append("**" if token == "^" and python else token)
        position += 1
    return "".join(made)


def _exponent(tokens: list[str], position: int) -> tuple[str | None, int]:
    """The number, perhaps with a sign or in brackets, that follows; None for anything else."""
    power = ""
    while position < len(tokens) and (tokens[position].isspace() or tokens[position] in "(-)"):
        power += tokens[position].strip()
        position += 1
        if power.endswith(")"):
            break
    if position < len(tokens) and not power.endswith(")") and _NUMBER.fullmatch(tokens[position]):
        power += tokens[position]
        position += 1
        if power.startswith("(") and position < len(tokens) and tokens[position] == ")":
            power, position = power[1:], position + 1
    return (power if _NUMBER.fullmatch(power.lstrip("-")) else None), position


def refuse_unknown_functions(called: Iterable[str], text: str) -> None:
    """Raise for a function that does not exist here, with the nearest that does."""
    for name in called:
        if name in _KNOWN:
            continue
        offered = {*SAFE_FUNCTIONS, *SHIFTS}
        near = nearest(name, offered)
        remedy = _ELSEWHERE.get(name) or (
            f"Did you mean {near[0]}()?" if near else f"Functions are {', '.join(sorted(offered))}"
        )
        raise ModelError(f"'{name}()' in formula {text!r} is not a function of formulas here", remedy=remedy)


def with_stand_ins(text: str) -> str:
    """Names of columns that would be taken for something else replaced, backticked or not."""
    text = _Q.sub(lambda match: f"`{match[2]}`" if match[2] in _TAKEN else match[0], text)
    text = _QUOTED.sub(lambda match: f"`{stand_in(match[1])}`", text)
    tokens = _TOKEN.findall(text)
    made, depth = [], 0
    for position, token in enumerate(tokens):
        depth += (token in "([{") - (token in ")]}")
        if token in _TAKEN and _is_column(tokens, position, depth):
            token = f"`{stand_in(token)}`"
        made.append(token)
    return "".join(made)


def _is_column(tokens: list[str], position: int, depth: int) -> bool:
    """Whether a name that is also a function's or a keyword is a column where it stands."""
    after = [token for token in tokens[position + 1 : position + 3] if not token.isspace()]
    before = tokens[position - 1] if position else ""
    if after[:1] == ["("] or before == "%":
        return False
    keyword_argument = after[:1] == ["="] and after[1:] != ["="]
    return depth == 0 or not (keyword_argument or tokens[position] in _NEVER_COLUMNS)


def stand_in(name: str) -> str:
    """The name as formulaic may see it."""
    return f"column_named_{name.encode().hex()}" if name in _TAKEN else name


def identifiers(text: str) -> str:
    """The text with every backticked name as an identifier of Python, see `identifier`."""
    return _QUOTED.sub(lambda match: identifier(match[1]), text)


def identifier(name: str) -> str:
    """A name that Python can read, the same for the same column."""
    return name if name.isidentifier() else f"column_named_{name.encode().hex()}"


def original(text: str) -> str:
    """Stand-ins as the user's names again, in backticks."""
    return _STAND_IN.sub(lambda match: f"`{bytes.fromhex(match[1]).decode()}`", text)


def plain(name: str) -> str:
    """A term as printed: without backticks, but for a column that has the name of the constant."""
    return original(name).replace("`", "") if original(name) != "`Intercept`" else "`Intercept`"


def renamed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame under the names that formulaic may see."""
    taken = {name: stand_in(name) for name in frame.columns if isinstance(name, str) and name in _TAKEN}
    return frame.rename(columns=taken) if taken else frame
