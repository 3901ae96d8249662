"""The field's claims, as data: what each says, which panels can answer it, and what they answer.

claim       a hypothesis under a schema; the reader refuses a rule that no data could fail
construct   the measures that a claim may name
match       what a panel lacks for a claim
examine     claim × panel → estimates
verdict     estimates → supported, contradicted, no clear answer, equivalent to zero
pool        one summary of several panels
run         every claim × every built panel → one table
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

_PUBLIC = {"hypotheses": "run", "examine": "run"}

__all__ = [*_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


class _Room(types.ModuleType):
    """The room has the name of the public function `gvc.hypotheses`, whose place Python gives to the room."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return __getattr__("hypotheses")(*args, **options)


sys.modules[__name__].__class__ = _Room
