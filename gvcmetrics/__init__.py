"""gvcmetrics: upgrading in global value chains and industrial clusters, from raw files to tables.

Every public name is listed here and imported on first use, so that `import gvcmetrics` costs
next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    # panels
    "panel": "gvcmetrics.panels",
    "panels": "gvcmetrics.panels",
    # models
    "ols": "gvcmetrics.models",
    "poisson": "gvcmetrics.models",
    "hausman": "gvcmetrics.models",
    # report
    "table": "gvcmetrics.report",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        module = importlib.import_module(_PUBLIC[name])
        # Importing the room of panels binds its name here; it can be called as the function can.
        value = module if module.__name__ == f"{__name__}.{name}" else getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'gvcmetrics' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
