"""Warnings that point at the user's line, however deep in the package they arise."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from gvcmetrics.errors import EstimationWarning

_PACKAGE = str(Path(__file__).parents[1])


def warn(message: str, category: type[Warning] = EstimationWarning) -> None:
    """Warn at the nearest caller outside the package."""
    frame, depth = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, category, stacklevel=depth)
