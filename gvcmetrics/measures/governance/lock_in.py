"""Lock-in: few functions, few buyers and ties that bind."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import record
from gvcmetrics.measures.items import checked_items, cronbach_alpha, z_scores


def functional_breadth(frame: pd.DataFrame, items: Sequence[str]) -> pd.Series:
    """Share of the declared functions (design, marketing, branding, logistics ...) that the firm performs.

    Parameters
    ----------
    frame : firm panel.
    items : 0/1 items, one for each function.

    Returns
    -------
    pandas.Series
        `functional_breadth` in [0, 1]; missing where any item is.

    Raises
    ------
    DataError
        No item, or an item that is neither 0 nor 1.
    """
    breadth = checked_items(frame, items).mean(axis=1, skipna=False).rename("functional_breadth")
    return record(breadth, "functional_breadth", *items, like=frame)


def lock_in_index(
    frame: pd.DataFrame,
    *,
    buyer_hhi: str | None = "buyer_hhi",
    functional_breadth: str | None = "functional_breadth",
    exclusivity: str | None = "specific_investment",
    single_source: str | None = "single_knowledge_source",
) -> pd.DataFrame:
    """Lock-in index: mean z-score of buyer concentration, narrowness, exclusivity, single knowledge source.

    z-scores are taken over the rows of the frame, so the index compares firms of one study.

    Parameters
    ----------
    frame : firm panel.
    buyer_hhi : buyer HHI in [0, 1], or another measure of concentration.
    functional_breadth : share of functions performed; it enters as 1 − breadth.
    exclusivity : exclusive contract or relation-specific assets, in [0, 1].
    single_source : whether knowledge comes from a single source (the buyer), in [0, 1].
        A component that a survey lacks is None; at least two must remain.

    Returns
    -------
    pandas.DataFrame
        `lock_in` and the components' z-scores `z_buyer_hhi`, `z_functional_narrowness`, `z_exclusivity`,
        `z_single_source`; missing where a component is. ``attrs["cronbach_alpha"]`` is the α of the
        standardised components.

    Raises
    ------
    DataError
        Absent columns, components outside [0, 1], a component that does not vary, fewer than two.

    Source: after Humphrey (2001), section 5.4; the index is this package's own.
    """
    given = {
        "z_buyer_hhi": buyer_hhi,
        "z_functional_narrowness": functional_breadth,
        "z_exclusivity": exclusivity,
        "z_single_source": single_source,
    }
    columns = {name: column for name, column in given.items() if column is not None}
    if len(columns) < 2:
        raise DataError("a lock-in index needs at least two components", remedy="Name two or more columns.")
    raw = pd.DataFrame(
        {
            name: checked_items(frame, [column], whole=False)[column] * (-1 if "narrowness" in name else 1)
            for name, column in columns.items()
        }
    )
    try:
        scores = z_scores(raw, list(columns))
    except DataError as error:
        raise DataError(
            error.problem, Place(column=columns[str(error.place.column)]), error.remedy
        ) from error
    out = scores.assign(lock_in=scores.mean(axis=1, skipna=False))[["lock_in", *columns]]
    out.attrs["cronbach_alpha"] = cronbach_alpha(raw, list(columns), standardised=True)
    for name, column in columns.items():
        record(out, name, column, like=frame)
    return record(out, "lock_in", *columns.values(), like=frame)
