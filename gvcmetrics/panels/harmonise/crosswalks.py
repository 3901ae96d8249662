"""The tables that the word `crosswalk` of a spec joins to a column of codes.

A row holds a code of the source; its only target, or null and the list of its targets where the code
splits. A code without any target is not in the table.
"""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow as pa

from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.panels.crosswalks.links import crosswalk
from gvcmetrics.panels.harmonise.tree import crosswalk_table
from gvcmetrics.panels.spec.panel import PanelSpec

_NOTHING = "no code"


def create_crosswalks(connection: duckdb.DuckDBPyConnection, spec: PanelSpec) -> None:
    """Make the table of every column that has a `crosswalk`.

    Raises
    ------
    MissingSourceError : a crosswalk file is not on this machine; the error names it.
    SpecError : the target has no level of so many digits.
    """
    for item in spec.columns:
        words = item.spec.crosswalk
        if words is None:
            continue
        try:
            links = crosswalk(words.from_, words.to, words.digits).links
        except DataError as error:
            where = spec.document.place(("columns", item.name, "crosswalk"))
            raise SpecError(error.problem, where, error.remedy) from None
        connection.register("links", _mapped(links))
        name = crosswalk_table(item.name)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM links")
        connection.unregister("links")


def _mapped(links: pd.DataFrame) -> pa.Table:
    """One row a code from the links of a crosswalk."""
    named = links.assign(target=links["target"].fillna(_NOTHING)).sort_values(["source", "target"])
    targets = named.groupby("source")["target"].agg(list)
    targets = targets[targets.map(lambda found: found != [_NOTHING])]
    single = targets.map(len) == 1
    return pa.table(
        {
            "spelling": pa.array(targets.index, pa.string()),
            "code": pa.array(targets.str[0].where(single, None), pa.string()),
            "targets": pa.array(targets.str.join(", ").where(~single, None), pa.string()),
        }
    )
