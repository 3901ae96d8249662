"""How numbers become text."""

from __future__ import annotations

import math
import numbers as abstract
from collections.abc import Callable, Mapping
from typing import Any

Format = str | Callable[[object], str]

MISSING = "–"
STARS = {"*": 0.10, "**": 0.05, "***": 0.01}
"""The p-value below which an estimate gets each mark."""


def fixed(value: float, digits: int) -> str:
    """`value` with `digits` decimals and commas in thousands.

    A number that is not zero but would print as zero gets two significant digits instead, so that
    a small coefficient is not mistaken for none.
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value != 0 and abs(value) < 0.5 * 10.0**-digits:
        return f"{value:.1e}"
    return f"{value:,.{digits}f}"


def count(value: float) -> str:
    """A whole number with commas in thousands."""
    return MISSING if math.isnan(value) else f"{int(value):,d}"


def short(value: float) -> str:
    """A number for reading: four significant digits, commas in thousands, powers of ten beyond a million."""
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:.3e}" if abs(value) >= 1e6 or 0 < abs(value) < 1e-3 else f"{value:,.4g}"


def printed(value: object, form: Format | None, digits: int) -> str:
    """Any cell of a frame as text.

    Parameters
    ----------
    value : what the frame holds.
    form : format specification (``",.0f"``), function of the value, or None: whole numbers as counts,
        other numbers with `digits` decimals, truth values as ✓ or nothing.
    digits : decimals where `form` is None.
    """
    if is_missing(value):
        return MISSING
    if callable(form):
        return form(value)
    if form is not None:
        return format(value, form)
    if isinstance(value, str):
        return value
    if is_truth(value):
        return "✓" if value else ""
    if isinstance(value, abstract.Integral):
        return count(int(value))
    if isinstance(value, abstract.Real):
        return fixed(float(value), digits)
    return str(value)


def is_truth(value: object) -> bool:
    """Whether `value` is a Python or numpy truth value."""
    return type(value).__name__ in {"bool", "bool_"}


def is_number(value: object) -> bool:
    """Whether `value` is a number, missing or not, but no truth value."""
    return isinstance(value, abstract.Real) and not is_truth(value)


def is_missing(value: object) -> bool:
    """Whether `value` is None, NaN, NA or NaT."""
    return value is None or type(value).__name__ in {"NAType", "NaTType"} or value != value


def estimate(value: Any) -> str:
    """A number of a printed result: four decimals, or scientific where those would hide it.

    Examples
    --------
    >>> estimate(-0.49231), estimate(0.00012), estimate(1629), estimate(None)
    ('-0.4923', '1.200e-04', '1,629', '.')
    """
    if value is None or math.isnan(value):
        return "."
    if isinstance(value, int):
        return count(value)
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.3e}"


def minus(text: str) -> str:
    """The text of a number with the minus sign that print has, instead of the hyphen that files have."""
    return text.replace("-", "−")


def stars_of(p_value: Any, thresholds: Mapping[str, float] = STARS) -> str:
    """The mark of the lowest threshold that a p-value stays below; none for one that is missing."""
    reached = [mark for mark, threshold in thresholds.items() if p_value < threshold]
    return min(reached, key=lambda mark: thresholds[mark], default="")


def star_legend(thresholds: Mapping[str, float] = STARS) -> str:
    """What the marks mean, the weakest first.

    Examples
    --------
    >>> star_legend()
    '* p < 0.1, ** p < 0.05, *** p < 0.01'
    """
    marks = sorted(thresholds.items(), key=lambda item: -item[1])
    return ", ".join(f"{mark} p < {threshold:g}" for mark, threshold in marks)
