"""Variety of a region's industries, within and between groups of related ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import record
from gvcmetrics.measures.clusters.location import region_industry_table
from gvcmetrics.measures.requirements import group_keys


def related_variety(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
    digits: int = 2,
) -> pd.DataFrame:
    """Related and unrelated variety of each region: entropy within and between groups of industries.

    With p_i the shares of fine industries in the region, and P_g = Σ_{i ∈ g} p_i those of their groups,

    .. math:: UV = \\sum_g P_g \\log_2 \\frac{1}{P_g}, \\quad
        RV = \\sum_g P_g H_g, \\quad H_g = \\sum_{i \\in g} \\frac{p_i}{P_g} \\log_2 \\frac{P_g}{p_i}

    which add up to the entropy of all industries.

    Parameters
    ----------
    frame : firm rows or a region × industry table with industries at the fine level (4 or 5 digits).
    region, industry, employment, weights, by : as in `region_industry_table`.
    digits : the first so many characters of a code name its group.

    Returns
    -------
    pandas.DataFrame
        One row for each region: keys, `related_variety`, `unrelated_variety`, `entropy` (bits); missing
        without employment.

    Raises
    ------
    DataError
        As `region_industry_table`; codes that are not text, or none longer than `digits`.

    Source: Frenken, Van Oort and Verburg (2007), eq. 1–3.
    """
    keys = [*group_keys(frame, by), region]
    table = region_industry_table(
        frame, region=region, industry=industry, employment=employment, weights=weights, by=by
    )
    codes = table[industry].astype(object)
    text = codes.map(lambda code: isinstance(code, str)).to_numpy(dtype=bool)
    if not text.all() or not (codes.str.len() > digits).any() or digits < 1:
        raise DataError(
            f"no industry has more than {digits} characters" if text.all() else "a code is not text",
            Place(column=industry),
            "Give codes as text at a finer level than their groups.",
        )
    cells = table[[*keys, employment]].assign(_group=codes.str[:digits].to_numpy())
    cells = cells[cells[employment] > 0]
    whole = cells.groupby(keys, observed=True)[employment].transform("sum")
    group = cells.groupby([*keys, "_group"], observed=True)[employment].transform("sum")
    p, shared = cells[employment] / whole, group / whole
    cells = cells.assign(
        related_variety=p * np.log2(shared / p),
        unrelated_variety=p * np.log2(1 / shared),
        entropy=-p * np.log2(p),
    )
    columns = ["related_variety", "unrelated_variety", "entropy"]
    sums = cells.groupby(keys, observed=True)[columns].sum()
    regions = table[keys].drop_duplicates()
    out = regions.merge(sums.reset_index(), how="left", on=keys).sort_values(keys, ignore_index=True)
    for column in columns:
        record(out, column, employment, like=table)
    return out
