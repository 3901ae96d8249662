"""Estimates as lines of text: labels beside numbers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

WIDTH = 92
WIDEST = 100
LEGEND = "*** p < 0.01, ** p < 0.05, * p < 0.10"


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
