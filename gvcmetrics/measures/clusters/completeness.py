"""Completeness: how much of the chain that feeds an industry is present in its cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import amounts, group_keys, require_columns, require_unique


def completeness(
    frame: pd.DataFrame,
    coefficients: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    by: Sequence[str] | None = None,
    functions: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """How much of the chain that feeds an industry is present in its region (a proposed index).

    .. math:: C_{jc} = \\sum_k a_{kj} \\min(1, LQ_{kc}) / \\sum_k a_{kj}

    Parameters
    ----------
    frame : result of `location_quotient`; an industry without a row in a region has LQ 0.
    coefficients : input-output coefficients a_kj, input industries k as rows (index), buying industries
        j as columns, coded as `industry`. Every row counts as an input stage; to keep an industry's
        purchases from itself out, set the diagonal to zero.
    functions : optional table of functions present in a cluster (design, marketing, machinery ...): key
        columns `by`, `region`, `industry` and one column in [0, 1] for each function.
    region, industry, by : key columns.

    Returns
    -------
    pandas.DataFrame
        The cells whose industry is a column of `coefficients`: keys and `input_completeness` (missing
        where the industry buys nothing from any stage); with `functions` also `function_completeness`
        (mean of the functions, missing where one is) and `completeness`, the mean of the two;
        otherwise `completeness` equals `input_completeness`.

    Raises
    ------
    DataError
        No industry of `frame` is in `coefficients`, an input stage appears in no region (its absence
        here cannot be told from absence in the data), a coefficient is negative or missing, labels
        repeat, or a function lies outside [0, 1].

    Source: after Humphrey (2001), section 2, on completeness; the formula is this package's own.
    """
    keys = group_keys(frame, by)
    require_columns(frame, *keys, region, industry, "location_quotient")
    require_unique(frame, [*keys, region, industry])
    amounts(frame, "location_quotient")
    matrix = coefficients.to_numpy(dtype=np.float64)
    if not (matrix >= 0).all():
        raise DataError(
            "an input-output coefficient is negative or missing", remedy="Give coefficients of at least zero."
        )
    if not (coefficients.index.is_unique and coefficients.columns.is_unique):
        raise DataError("the coefficient table repeats an industry", remedy="Add the repeated rows up first.")
    cells = frame[frame[industry].isin(coefficients.columns)]
    if cells.empty:
        raise DataError(
            "no industry of the quotients is a column of the coefficients",
            Place(column=industry),
            f"The columns are {', '.join(map(str, coefficients.columns[:8]))}: convert one classification.",
        )
    seen = set(frame[industry])
    unseen = [stage for stage in coefficients.index if stage not in seen]
    if unseen:
        raise DataError(
            f"{len(unseen)} input stages have no firm in any region, the first is {unseen[0]}",
            Place(column=industry),
            "Leave out the rows of stages that the firm data do not cover, and say so in the text.",
        )
    capped = frame.assign(_capped=frame["location_quotient"].clip(upper=1.0))
    present = capped.pivot_table(index=[*keys, region], columns=industry, values="_capped", observed=True)
    present = present.reindex(columns=coefficients.index).fillna(0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (present.to_numpy() @ matrix) / matrix.sum(axis=0)
    long = pd.DataFrame(share, present.index, coefficients.columns).reset_index()
    long = long.melt([*keys, region], var_name=industry, value_name="input_completeness")
    out = cells[[*keys, region, industry]].merge(
        long, how="left", on=[*keys, region, industry], validate="1:1"
    )
    out["completeness"] = out["input_completeness"]
    record(out, "input_completeness", "location_quotient", like=frame)
    sources = ["location_quotient"]
    if functions is not None:
        names = [name for name in functions.columns if name not in (*keys, region, industry)]
        for name in names:
            if (amounts(functions, name) > 1).any():
                raise DataError("a function's presence exceeds 1", Place(column=name), "Give it in [0, 1].")
        mean = functions.assign(function_completeness=functions[names].mean(axis=1, skipna=False))
        out = out.merge(
            mean[[*keys, region, industry, "function_completeness"]],
            how="left",
            on=[*keys, region, industry],
            validate="1:1",
        )
        out["completeness"] = (out["input_completeness"] + out["function_completeness"]) / 2
        record(out, "function_completeness", *names, like=functions)
        record(out, "input_completeness", "location_quotient", like=frame)
        sources += ["function_completeness"]
    return record(out, "completeness", *sources, like=frame)
