"""Numbers in the sentences of a report: an estimate with its interval, a p-value, and which way both point.

A sentence that states a finding asks here for its words, so that it turns when the numbers turn.
"""

from __future__ import annotations

import math
from typing import TypeVar

from gvcmetrics.ground.numbers import fixed, minus

Word = TypeVar("Word")
LEVELS = (0.01, 0.05, 0.1)
"""p-values that a rounded one must not be mistaken for."""


def p_in_words(p_value: float) -> str:
    """A p-value as text, never as zero, and never rounded onto a usual level: ``p = 0.034``, ``p < 0.001``.

    Examples
    --------
    >>> p_in_words(0.0341), p_in_words(0.04963), p_in_words(0.05), p_in_words(2e-9)
    ('p = 0.034', 'p = 0.0496', 'p = 0.050', 'p < 0.001')
    """
    if p_value < 0.001:
        return "p < 0.001"
    digits = next(
        (d for d in (3, 4, 5) if all(round(p_value, d) != level or p_value == level for level in LEVELS)), 6
    )
    return f"p = {p_value:.{digits}f}"


def with_interval(estimate: float, low: float, high: float, digits: int = 3) -> str:
    """An estimate and its interval as text.

    Examples
    --------
    >>> with_interval(0.25, -0.1, 0.6, 2)
    '0.25 (−0.10 to 0.60)'
    """
    return minus(f"{fixed(estimate, digits)} ({fixed(low, digits)} to {fixed(high, digits)})")


def pointing(low: float, high: float, up: Word, down: Word, neither: Word) -> Word:
    """`up` where a whole interval lies above zero, `down` where it lies below, `neither` where it holds zero.

    Examples
    --------
    >>> [pointing(*ends, "rises", "falls", "is not told from zero") for ends in ((1, 2), (-2, -1), (-1, 1))]
    ['rises', 'falls', 'is not told from zero']
    """
    if math.isnan(low) or math.isnan(high):
        return neither
    return up if low > 0 else down if high < 0 else neither
