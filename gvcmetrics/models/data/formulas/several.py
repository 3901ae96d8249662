"""One formula that stands for several: outcomes in `c()`, terms in `sw()`, `csw()`, `mvsw()` and their kin.

As in fixest at most one stepwise function stands in the regressors and one in the absorbed effects, models
are as many as the product of the parts, and instruments are the same in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formulas.terms import PATTERNS, with_columns
from gvcmetrics.models.data.formulas.text import Call, calls, halves, split_outside

STEPWISE = ("sw", "sw0", "csw", "csw0", "mvsw")
_MOST_MODELS = 1_000


@dataclass(frozen=True)
class Written:
    """One formula of several, and the parts by which it is found again."""

    outcome: str
    regressors: str
    absorbed: str
    rest: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The formula."""
        parts = [self.regressors, *([self.absorbed] if self.absorbed else []), *self.rest]
        return f"{self.outcome} ~ {' | '.join(parts)}"


def formulas(text: str, columns: Sequence[str] | None = None) -> list[Written] | None:
    """The formulas that a text stands for; None where it is a single one as it is written.

    Parameters
    ----------
    columns : of the data, for patterns; None where there are none to look at.

    Raises
    ------
    ModelError : a stepwise function stands where it has no meaning, or a pattern finds nothing.

    Examples
    --------
    >>> [each.text for each in formulas("c(y, z) ~ x + sw(a, b) | csw0(f)")]
    ['y ~ x + a', 'y ~ x + b', 'y ~ x + a | f', 'y ~ x + b | f', 'z ~ x + a', 'z ~ x + b', 'z ~ x + a | f', \
'z ~ x + b | f']
    """
    if not isinstance(text, str) or not calls(text, ("c", *STEPWISE, *PATTERNS)):
        return None
    left, right = halves(text, "~")
    before, *after = split_outside(right, "|")
    effects = after.pop(0) if after and len(split_outside(after[0], "~")) == 1 else ""
    if columns is not None:
        left = with_columns(left, columns, separator=", ")
        before, effects = with_columns(before, columns), with_columns(effects, columns)
    outcomes, regressors, absorbed = _outcomes(left, text), _steps(before, text), _steps(effects, text)
    count = len(outcomes) * len(regressors) * len(absorbed)
    if count > _MOST_MODELS:
        raise ModelError(f"formula {text!r} stands for {count} models, more than {_MOST_MODELS}")
    if count == 1 and not calls(text, PATTERNS):
        return None
    return [
        Written(outcome, of_x or "1", of_f, tuple(after))
        for outcome in outcomes
        for of_f in absorbed
        for of_x in regressors
    ]


def _outcomes(left: str, text: str) -> list[str]:
    """The outcomes in `c()` (or a list of a pattern); a single one as it is."""
    found = calls(left, ("c", *STEPWISE))
    if not found:
        return split_outside(left, ",")
    call = found[0]
    if call.name not in ("c", "sw") or call.written(left) != left or call.named or not call.positional:
        raise ModelError(
            f"'{call.written(left)}' on the left side of {text!r} cannot be read",
            remedy="Several outcomes are c(y1, y2) ~ x",
        )
    return [*call.positional]


def _steps(part: str, text: str) -> list[str]:
    """What regressors or effects become step by step."""
    found = calls(part, STEPWISE)
    if not found:
        return [part]
    if len(found) > 1 or any(calls(argument, STEPWISE) for argument in found[0].positional):
        raise ModelError(
            f"'{part}' in formula {text!r} has several stepwise functions",
            remedy="One may stand among the regressors and one among the absorbed effects, none in another",
        )
    (call,) = found
    if call.named or not call.positional:
        raise ModelError(f"'{call.written(part)}' cannot be read", remedy=f"Write {call.name}(x1, x2)")
    steps = _arguments(call)
    main, instruments = _without_instruments(part)
    terms = split_outside(main, "+")
    at = next(position for position, term in enumerate(terms) if calls(term, STEPWISE))
    if terms[at] == call.written(part):
        made = [" + ".join(term for term in (*terms[:at], step, *terms[at + 1 :]) if term) for step in steps]
        return [f"{each or '1'} {instruments}" if instruments else each for each in made]
    if "" in steps:
        raise ModelError(
            f"'{call.written(part)}' in '{terms[at]}' would leave nothing to multiply",
            remedy="Let it stand as a term of its own: y ~ x + sw0(a, x:a)",
        )
    return [f"{part[: call.start]}({step}){part[call.end :]}" for step in steps]


def _without_instruments(part: str) -> tuple[str, str]:
    """The regressors, and the instruments in square brackets that follow them."""
    at = part.find("[")
    return (part[:at].strip(), part[at:]) if at >= 0 and "~" in part[at:] else (part, "")


def _arguments(call: Call) -> list[str]:
    """The steps of a stepwise function, the empty one as an empty text."""
    given = call.positional
    if call.name == "mvsw":
        chosen = (subset for size in range(len(given) + 1) for subset in combinations(given, size))
        return [" + ".join(subset) for subset in chosen]
    steps = [*given]
    if call.name.startswith("csw"):
        steps = [" + ".join(given[: last + 1]) for last in range(len(given))]
    return ["", *steps] if call.name.endswith("0") else steps
