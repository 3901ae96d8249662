"""Estimates as lines of text: numbers, stars, labels beside numbers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

WIDTH = 92
WIDEST = 100
STARS = ((0.01, "***"), (0.05, "**"), (0.10, "*"))
LEGEND = "*** p < 0.01, ** p < 0.05, * p < 0.10"


def stars(pvalue: Any) -> str:
    """Stars of a p-value, at 1, 5 and 10 per cent."""
    return next((mark for level, mark in STARS if pvalue < level), "")


def number(value: Any) -> str:
    """A number for a table: four decimals, or scientific where those would hide it."""
    if value is None or math.isnan(value):
        return "."
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.4f}"
    return f"{value:.3e}"


def decimals(value: Any, digits: int) -> str:
    """A number with so many decimals; a dot where there is none."""
    return "." if value is None or math.isnan(value) else f"{value:.{digits}f}"


def label_room(labels: Sequence[str], numbers: int) -> int:
    """Width of the labels beside numbers of that width, for those labels that leave the page its width."""
    most = WIDEST - numbers
    return max(14, *(len(label) for label in labels if len(label) <= most), 0)


def labelled(label: str, numbers: str, room: int) -> list[str]:
    """A row of a printed table; a label longer than its room has a line of its own, never an ellipsis."""
    if len(label) <= room:
        return [f"{label.ljust(room)} {numbers}".rstrip()]
    return [*textwrap.wrap(label, WIDEST), f"{' ' * room} {numbers}".rstrip()]
