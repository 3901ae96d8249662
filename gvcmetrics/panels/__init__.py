"""Raw files → harmonised Parquet panels; the only room that touches raw files.

The room is also the function that lists them: `gvcmetrics.panels()` is `panels()` of this module,
whichever of its modules was imported before.
"""

import sys
from types import ModuleType
from typing import Any

from gvcmetrics.panels.store.read import panel, panels

__all__ = ["panel", "panels"]


class _Room(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return panels(*arguments, **options)


sys.modules[__name__].__class__ = _Room
