"""The formula of a choice: attributes with one coefficient, then regressors with one per alternative."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.formulas.text import split_outside


@dataclass(frozen=True)
class Utility:
    """attributes, chooser : what stands before and after `|`. both : all terms, which say what rows need."""

    attributes: Formula
    chooser: Formula
    both: Formula


def utility(text: str, *, trusted: bool = True) -> Utility:
    """Take the formula of a choice apart.

    Raises
    ------
    ModelError : it has no outcome, or more than one `|`, or a lag.

    Examples
    --------
    >>> made = utility("chosen ~ price + catch | income")
    >>> made.attributes.regressors, made.chooser.regressors
    ('price + catch', 'income')
    """
    sides = split_outside(text, "~")
    parts = split_outside(sides[-1], "|")
    if len(sides) != 2 or not sides[0] or len(parts) > 2 or not all(parts):
        raise ModelError(
            f"formula {text!r} is not that of a choice",
            remedy="Write 'chosen ~ attributes | regressors of the chooser'; '| 1' has constants alone",
        )
    right = parts[1] if len(parts) == 2 else "1"
    first, second = (Formula.parse(f"{sides[0]} ~ {part}", trusted=trusted) for part in (parts[0], right))
    if len(first.outcomes) != 1:
        raise ModelError("a choice has one outcome", remedy="Write 'chosen ~ price'")
    if first.shifts or second.shifts:
        raise ModelError(
            "a choice has no lags", remedy="Compute the lag in the frame, by chooser and alternative"
        )
    both = replace(first, text=text, regressors=f"{first.regressors} + {second.regressors}")
    return Utility(first, second, both)
