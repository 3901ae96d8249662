"""How a row of a frame in memory is named: by the line where a spreadsheet shows it."""

from __future__ import annotations

from typing import Any

import numpy as np


def line(position: int | np.integer[Any]) -> int:
    """The line of a row, given its position from 0: the header is line 1."""
    return int(position) + 2


def first_line(bad: Any) -> int:
    """The line of the first True in a mask over the rows of a frame."""
    return line(np.asarray(bad, dtype=bool).argmax())
