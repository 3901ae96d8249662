"""Simulated data with known parameters, which say so everywhere; no room but `planning` uses them."""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "Economy": "gvcmetrics.simulate.economies.parameters",
    "Simulated": "gvcmetrics.simulate.economies.make",
    "economy": "gvcmetrics.simulate.economies.make",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'gvcmetrics.simulate' has no attribute '{name}'")
