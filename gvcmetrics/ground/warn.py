"""Warnings that point at the user's line, however deep in the package they arise."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

from gvcmetrics.errors import EstimationWarning

_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"


def warn(message: str, category: type[Warning] = EstimationWarning) -> None:
    """Warn at the line that called the package, past every library that the package itself calls."""
    frame = user = sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_code.co_filename.startswith(_PACKAGE):
            user = frame.f_back
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        category,
        user.f_code.co_filename,
        user.f_lineno,
        module=user.f_globals.get("__name__"),
        registry=user.f_globals.setdefault("__warningregistry__", {}),
    )
