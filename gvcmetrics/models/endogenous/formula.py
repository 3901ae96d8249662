"""Formulas with instruments.

`"y ~ x [d ~ z1 + z2] | effects"`, or as in fixest `"y ~ x | effects | d ~ z1 + z2"`: d is instrumented.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formula import Formula, parsed, split_outside
from gvcmetrics.models.data.spelling import original, plain

_HOW = "Write 'y ~ x [d ~ z1 + z2]', or 'y ~ x | effects | d ~ z1 + z2'"
_QUOTED = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"")


def read(text: str, *, trusted: bool = True) -> Formula:
    """The parts of a formula with instruments, those instrumented among the regressors.

    Raises
    ------
    ModelError : it cannot be read; an instrumented regressor is among the controls or the instruments, a
        control or the outcome among the instruments.

    Examples
    --------
    >>> read("wage ~ age [schooling ~ near * urban] | region").instruments.variables
    ('wage', 'near', 'urban')
    >>> read("wage ~ age | region | schooling ~ near") == read("wage ~ age | region | schooling ~ near")
    True
    """
    if not isinstance(text, str):
        raise ModelError(f"a formula is text such as 'y ~ x [d ~ z]', not {type(text).__name__}")
    outcome, controls, absorbed, endogenous, instruments = _parts(text)
    for part, name in ((endogenous, "instrumented regressor"), (instruments, "instrument")):
        if part in ("", "0", "1"):
            raise ModelError(f"formula {text!r} has no {name}", remedy=_HOW)
    after = f" | {absorbed}" if absorbed else ""
    whole = Formula.parse(f"{outcome} ~ {controls or '1'} + {endogenous}{after}", trusted=trusted)
    alone, beside, rest = (
        Formula.parse(f"{outcome} ~ {right}", trusted=trusted)
        for right in (endogenous, instruments, controls or "1")
    )
    _refuse_two_roles(whole, alone, beside, rest)
    return replace(whole, text=text, endogenous=alone, instruments=beside)


def has_instruments(text: str) -> bool:
    """Whether a formula is one that names instruments."""
    return isinstance(text, str) and "~" in text.split("~", 1)[-1]


def terms_of(formula: Formula) -> dict[Any, str]:
    """The terms of the right side but the constant, and their names."""
    terms = {term: plain(original(str(term))) for term in parsed(formula.regressors)}
    return {term: name for term, name in terms.items() if name not in ("1", "0")}


def _parts(text: str) -> tuple[str, str, str, str, str]:
    """Outcome, controls, absorbed effects, instrumented regressors, instruments."""
    sides = split_outside(text, "~")
    if len(sides) == 3:
        middle = split_outside(sides[1], "|")
        if not 2 <= len(middle) <= 3:
            raise ModelError(f"formula {text!r} has no '|' before its instruments", remedy=_HOW)
        return sides[0], middle[0], middle[1] if len(middle) == 3 else "", middle[-1], sides[2]
    if len(sides) != 2 or not sides[0]:
        raise ModelError(f"formula {text!r} cannot be read", remedy=_HOW)
    right, *absorbed = split_outside(sides[1], "|")
    masked = _QUOTED.sub(lambda match: "_" * len(match[0]), right)
    found = re.search(r"\[[^\[\]]*~[^\[\]]*\]", masked)
    if found is None or len(absorbed) > 1 or "~" in masked[found.end() :]:
        raise ModelError(f"formula {text!r} has no instruments", remedy=_HOW)
    endogenous, instruments = split_outside(right[found.start() + 1 : found.end() - 1], "~")
    before, behind = right[: found.start()].strip().removesuffix("+"), right[found.end() :].strip()
    controls = " + ".join(part for part in (before.strip(), behind.removeprefix("+").strip()) if part)
    return sides[0], controls, absorbed[0] if absorbed else "", endogenous, instruments


def _refuse_two_roles(whole: Formula, endogenous: Formula, instruments: Formula, controls: Formula) -> None:
    instrumented, excluded, others = (terms_of(each) for each in (endogenous, instruments, controls))
    for term, name in instrumented.items():
        if term in others:
            raise ModelError(
                f"'{name}' is instrumented and among the controls", remedy="Leave it out of the controls"
            )
        if term in excluded:
            raise ModelError(f"'{name}' is to instrument itself", remedy="Name other instruments")
    for term, name in excluded.items():
        if term in others:
            raise ModelError(
                f"'{name}' is an instrument and among the controls",
                remedy="An instrument must be kept out of the equation: leave it out of one of the two",
            )
        if name in [plain(outcome) for outcome in whole.outcomes]:
            raise ModelError(f"'{name}' is the outcome and an instrument", remedy="Name another instrument")
