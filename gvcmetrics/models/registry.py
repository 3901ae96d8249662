"""Every response that there is; all tables of what exists are made from this list.

To add one, write its file in `families/` and name it in `gvcmetrics.models`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache

import pandas as pd

from gvcmetrics import models
from gvcmetrics.models import RESPONSES
from gvcmetrics.models.engine.response import TREATMENTS, Response


@cache
def responses() -> Mapping[str, Response]:
    """Response by the name of its function, in the order of `gvcmetrics.models`."""
    modules = {name: importlib.import_module(f"{models.__name__}.families.{name}") for name in RESPONSES}
    return {name: getattr(module, name.upper()) for name, module in modules.items()}


def table_of_responses() -> pd.DataFrame:
    """Which response takes which treatment of unit effects: rows are functions, columns treatments.

    Examples
    --------
    >>> table_of_responses().loc["probit"].to_dict()
    {'pooled': True, 'absorbed': True, 'fixed': False, 'random': True, 'correlated': True, \
'correlated_pooled': True}
    """
    rows = {name: [t in response.treatments for t in TREATMENTS] for name, response in responses().items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(TREATMENTS))


def markdown_table() -> str:
    """The same for the docs."""
    table = table_of_responses()
    lines = ["| response | " + " | ".join(table.columns) + " |", "|---" * (table.shape[1] + 1) + "|"]
    for name, row in table.iterrows():
        lines.append(f"| {name} | " + " | ".join("yes" if there else "—" for there in row) + " |")
    return "\n".join(lines) + "\n"
