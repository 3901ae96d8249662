"""How far two codings of the same cases agree beyond chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.measures.requirements import listed, require_columns, require_rows, require_unique


def cohen_kappa(frame: pd.DataFrame, first: str, second: str, *, silence: bool = True) -> float:
    """Cohen's κ: agreement of two codings beyond what their own frequencies give by chance.

    .. math:: \\kappa = \\frac{p_o - p_e}{1 - p_e}, \\quad
        p_o = \\sum_k p_{kk}, \\quad p_e = \\sum_k p_{k\\cdot} \\, p_{\\cdot k}

    Parameters
    ----------
    frame : one row a case.
    first, second : columns of the two codings, on a nominal scale.
    silence : whether a missing code is a category of its own (the coder found nothing said); if not, cases
        that either coding leaves missing are left out.

    Returns
    -------
    float
        1 for full agreement, 0 for that of chance; missing where both codings know one category only, and
        without cases.

    Raises
    ------
    DataError
        For an absent column.

    Source: Cohen (1960).

    Examples
    --------
    >>> import pandas as pd
    >>> from gvcmetrics import measures
    >>> codes = pd.DataFrame({"one": ["a", "a", "b", "b"], "two": ["a", "a", "b", "a"]})
    >>> measures.cohen_kappa(codes, "one", "two")
    0.5
    """
    require_columns(frame, first, second)
    return float(_agreement(frame[first], frame[second], silence)["kappa"])


def coding_agreement(
    frame: pd.DataFrame,
    other: pd.DataFrame,
    on: str | Sequence[str],
    columns: Sequence[str],
    *,
    silence: bool = True,
) -> pd.DataFrame:
    """Agreement of two codings of the same cases, column by column.

    Parameters
    ----------
    frame, other : the codings, one row a case each, in any order.
    on : columns that name a case.
    columns : the coded columns.
    silence : as in `cohen_kappa`.

    Returns
    -------
    pandas.DataFrame
        One row for each coded column: `cases` compared, cases that `differ`, `agreement` (their share
        that agrees) and `kappa`.

    Raises
    ------
    DataError
        For absent columns, a case that a coding has twice, and cases that only one of them has.

    Source: Cohen (1960).
    """
    on, columns = listed(on), listed(columns)
    for coding in (frame, other):
        require_rows(coding)
        require_columns(coding, *on, *columns)
        require_unique(coding, on)
    mine, theirs = frame.set_index(on), other.set_index(on)
    alone = mine.index.symmetric_difference(theirs.index)
    if len(alone):
        raise DataError(
            f"{len(alone)} cases are in one coding only",
            Place(key=str(alone[0])),
            "Code the same cases in both passes.",
        )
    theirs = theirs.loc[mine.index]
    rows = [_agreement(mine[column], theirs[column], silence) for column in columns]
    return pd.DataFrame(rows, index=pd.Index(columns, name="column")).astype({"cases": int, "differ": int})


def _agreement(first: pd.Series, second: pd.Series, silence: bool) -> dict[str, float]:
    absent = np.column_stack([first.isna(), second.isna()])
    kept = np.full(len(first), True) if silence else ~absent.any(axis=1)
    # One table of codes for both, in which a missing code is −1.
    codes, _ = pd.factorize(pd.concat([first, second], ignore_index=True))
    one, two = codes[: len(first)][kept], codes[len(first) :][kept]
    n = len(one)
    if not n:
        return {"cases": 0, "differ": 0, "agreement": np.nan, "kappa": np.nan}
    observed = float((one == two).mean())
    chance = sum(float((one == code).mean() * (two == code).mean()) for code in np.union1d(one, two))
    kappa = (observed - chance) / (1 - chance) if chance < 1 - 1e-12 else np.nan
    return {"cases": n, "differ": int((one != two).sum()), "agreement": observed, "kappa": kappa}
