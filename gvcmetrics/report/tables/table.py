"""`gvc.table`: one name for both kinds of table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gvcmetrics.ground.warn import warn
from gvcmetrics.report.tables.formats import Table
from gvcmetrics.report.tables.frames import frame_table
from gvcmetrics.report.tables.regression import regression_table


def table(source: Any, **options: Any) -> Table:
    """Print results side by side, or a frame.

    Parameters
    ----------
    source : a frame (then see `gvcmetrics.report.frame_table` for the options), or a result, several,
        or a mapping from headers to results (then see `gvcmetrics.report.regression_table`).
    options : title, notes, labels, digits, sample and provenance for both kinds; formats for frames; headers,
        groups, keep, drop, order, below, stars, statistics, rows and calls for results.

    Returns
    -------
    Table
        Prints itself; `save` and `save_all` write it. A warning says where it names no source.

    Examples
    --------
    >>> import pandas as pd
    >>> print(table(pd.DataFrame({"firms": [2, 3]}, index=["Footwear", "Tiles"]), title="Firms"))
    Firms
    ═══════════════
              firms
    ───────────────
    Footwear      2
    Tiles         3
    ═══════════════
    """
    draw = frame_table if isinstance(source, pd.DataFrame) else regression_table
    made = draw(source, **options)
    if not made.sourced:
        warn(
            "the table names no source: what it shows carries no provenance (gvc.panel's frames do, and "
            "merge and concat drop it); pass provenance=frame.attrs['provenance'] of the panel",
            UserWarning,
        )
    return made
