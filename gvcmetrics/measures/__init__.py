"""The field's constructs as pure functions: frames and arrays in, frames and arrays out.

Each name is imported on first use.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    name: module
    for module, names in {
        "concentration": ("concentration", "hhi", "market_share", "normalised_hhi", "theil"),
        "lineage": ("raw_columns", "record"),
        "quality": ("distance_to_frontier", "relative_unit_value"),
        "upgrading": ("quadrants", "transition_matrix"),
    }.items()
    for name in names
}

__all__ = [*_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        # A module may carry the name of one of its functions; the function is what users ask for.
        value = getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
