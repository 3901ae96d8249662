"""Collective efficiency of clusters: external economies and joint action, scored from declared items."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import record
from gvcmetrics.measures.items import checked_items, cronbach_alpha


def collective_efficiency(
    frame: pd.DataFrame,
    *,
    external_economies: Sequence[str],
    joint_action: Sequence[str],
    scale: tuple[float, float] = (0, 3),
    answered: float = 1.0,
) -> pd.DataFrame:
    """Collective efficiency: the mean of mean external economies and mean joint action.

    Parameters
    ----------
    frame : rows of firms or of coded clusters.
    external_economies : items such as labour market, inputs, information, access to markets.
    joint_action : items such as co-operation with suppliers, buyers, rivals, associations.
    scale : lowest and highest score of every item; whole numbers.
    answered : share of a group's items that must be known for its score; the mean is then over the known
        ones. By default all.

    Returns
    -------
    pandas.DataFrame
        `external_economies`, `joint_action` and `collective_efficiency` on the items' scale, aligned;
        missing where too few items are known. ``attrs["cronbach_alpha"]`` holds the α of each group of
        two or more items.

    Raises
    ------
    DataError
        No item in a group, an item in both, an absent item, a score off the scale, `answered` outside
        (0, 1].

    Source: Schmitz (1995) for the concept; Giuliani, Pietrobelli and Rabellotti (2005) for scores from 0
    to 3.
    """
    if not 0 < answered <= 1:
        raise DataError(f"answered is {answered}, not in (0, 1]")
    shared = sorted(set(external_economies) & set(joint_action))
    if shared:
        raise DataError(f"'{shared[0]}' is declared in both groups", remedy="Declare each item once.")
    out = pd.DataFrame(index=frame.index)
    alphas = {}
    for group, items in (("external_economies", external_economies), ("joint_action", joint_action)):
        scores = checked_items(frame, items, scale=scale)
        known = scores.notna().mean(axis=1) >= answered - 1e-9
        out[group] = scores.mean(axis=1).where(known)
        if len(items) > 1:
            alphas[group] = cronbach_alpha(scores, items)
    out["collective_efficiency"] = (out["external_economies"] + out["joint_action"]) / 2
    record(out, "external_economies", *external_economies, like=frame)
    record(out, "joint_action", *joint_action, like=frame)
    record(out, "collective_efficiency", *external_economies, *joint_action, like=frame)
    out.attrs["cronbach_alpha"] = alphas
    return out
