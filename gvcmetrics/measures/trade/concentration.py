"""Market shares, and how concentrated or diversified sales are over markets or products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import amounts, listed, require_columns, require_unique, trade_key


def market_share(
    frame: pd.DataFrame, *, value: str = "value_usd", within: str | Sequence[str] = ("product", "year")
) -> pd.Series:
    """Share of each row in the total value of its market, by default the world's product-year.

    .. math:: s_{cpt} = x_{cpt} / \\sum_j x_{jpt}

    Parameters
    ----------
    frame : trade panel, one row for each exporter (and importer) in a market.
    value : export value, any one currency.
    within : columns that define the market.

    Returns
    -------
    pandas.Series
        `market_share` in [0, 1], aligned to the frame. Missing values stay missing and do not count in
        the total; a market whose total is zero has missing shares.

    Raises
    ------
    DataError
        For missing columns, repeated keys, and negative or infinite values.
    """
    within = listed(within)
    require_columns(frame, value, *within)
    require_unique(frame, trade_key(frame, within))
    amounts(frame, value)
    total = frame.groupby(within, sort=False)[value].transform("sum")
    share = (frame[value] / total.where(total > 0)).rename("market_share")
    return record(share, "market_share", value, like=frame)


def hhi(values: ArrayLike) -> float:
    """Herfindahl–Hirschman index, Σ s², of non-negative amounts; 1 when all is in one place.

    Parameters
    ----------
    values : one-dimensional amounts or shares; missing entries are left out.

    Returns
    -------
    float
        In [1/n, 1]; missing when the amounts are all zero.

    Raises
    ------
    DataError
        For negative or infinite amounts.

    Source: Hirschman (1945, 1964); Herfindahl (1950).
    """
    return float(np.sum(_shares(values) ** 2))


def normalised_hhi(values: ArrayLike, *, n: int | None = None) -> float:
    """HHI* = (HHI − 1/n) / (1 − 1/n), which is 0 for equal shares whatever their number.

    Parameters
    ----------
    values : one-dimensional amounts or shares.
    n : number of places that could be served; by default those with a positive amount. With a single
        place nothing can be spread and HHI* is 1.

    Raises
    ------
    DataError
        For negative amounts, and when more places are served than `n`.

    Source: UNCTAD Handbook of Statistics (concentration and diversification indices).
    """
    shares = _shares(values)
    count = _places(int(np.count_nonzero(shares)), n)
    return float(_normalise(np.array([np.sum(shares**2)]), np.array([count]))[0])


def theil(values: ArrayLike, *, n: int | None = None) -> float:
    """Theil index of concentration, Σ s ln(n s), in [0, ln n], with 0 ln 0 = 0.

    Parameters and errors as in `normalised_hhi`.

    Source: Theil (1967); Cadot, Carrère and Strauss-Kahn (2011).
    """
    shares = _shares(values)
    count = _places(int(np.count_nonzero(shares)), n)
    return float(np.sum(_share_log_share(shares)) + np.log(count)) if count else float("nan")


def concentration_indices(
    frame: pd.DataFrame,
    *,
    across: str = "importer",
    by: str | Sequence[str] = ("exporter", "year"),
    value: str = "value_usd",
    n: int | None = None,
) -> pd.DataFrame:
    """Concentration and diversification of each unit's sales over markets (or of its exports over products).

    Amounts are first added up by `by` × `across`. With s the shares of one unit over `across`:
    HHI = Σ s²; HHI* = (HHI − 1/n)/(1 − 1/n); Theil = Σ s ln(n s); diversification = 1 − HHI*.

    Parameters
    ----------
    frame : trade panel.
    across : the column over which sales are spread: ``"importer"`` for markets, ``"product"`` for
        products; for import diversification, ``by=("importer", "year"), across="exporter"``.
    by : the unit.
    value : amounts; missing ones are left out.
    n : number of places that could be served, the same for all; by default those that the unit serves.

    Returns
    -------
    pandas.DataFrame
        One row for each unit, sorted by `by`: `by`, `n_markets` (places with positive amounts), `hhi`,
        `hhi_normalised`, `theil`, `diversification`. A unit without any positive amount has
        `n_markets` 0 and missing indices; a unit with one market has HHI* 1, diversification 0.

    Raises
    ------
    DataError
        For missing columns, missing keys, negative values, or more markets served than `n`.
    """
    by = listed(by)
    require_columns(frame, across, *by, value)
    amounts(frame, value)
    require_unique(frame[[*by, across]].drop_duplicates(), [*by, across])
    cells = frame.groupby([*by, across], as_index=False)[value].sum()
    groups = cells.groupby(by)[value]
    total = groups.transform("sum")
    shares = cells[value] / total.where(total > 0)
    parts = cells[by].assign(
        n_markets=(shares > 0).astype("int64"),
        hhi=shares**2,
        theil=np.where(shares.isna(), np.nan, _share_log_share(shares.fillna(0).to_numpy())),
    )
    sums = parts.groupby(by)
    out = sums.agg(n_markets=("n_markets", "sum")).join(sums[["hhi", "theil"]].sum(min_count=1))
    served = out["n_markets"].to_numpy()
    if n is not None and (served > n).any():
        raise DataError(
            f"{int(served.max())} places are served but n is {n}",
            Place(column=across, key=str(out.index[served.argmax()])),
            "Pass the number of places that could be served.",
        )
    places = np.where(served > 0, served if n is None else n, 0)
    out["hhi_normalised"] = _normalise(out["hhi"].to_numpy(), places)
    with np.errstate(divide="ignore"):
        out["theil"] = (out["theil"] + np.log(places)).where(served > 0)
    out["diversification"] = 1 - out["hhi_normalised"]
    out = out[["n_markets", "hhi", "hhi_normalised", "theil", "diversification"]].reset_index()
    for column in ("n_markets", "hhi", "hhi_normalised", "theil", "diversification"):
        record(out, column, value, across, like=frame)
    return out


def _shares(values: ArrayLike) -> NDArray[np.float64]:
    amounts = np.asarray(values, dtype=float).ravel()
    amounts = amounts[~np.isnan(amounts)]
    bad = (amounts < 0) | np.isinf(amounts)
    if bad.any():
        raise DataError(
            f"{amounts[bad][0]} is negative or infinite where only amounts are allowed",
            remedy="Concentration is defined for amounts of zero and above.",
        )
    total = amounts.sum()
    return amounts / total if total > 0 else np.full(1, np.nan)


def _share_log_share(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """s ln s with 0 ln 0 = 0."""
    return shares * np.log(np.where(shares > 0, shares, 1.0)) + 0 * shares


def _places(served: int, n: int | None) -> int:
    if n is not None and served > n:
        raise DataError(
            f"{served} places are served but n is {n}", remedy="Pass the number that could be served."
        )
    return served if n is None else n


def _normalise(index: NDArray[np.float64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    """HHI* from HHI and n; one where n is 1 (all in the only place)."""
    floor = 1 / np.maximum(n, 1)
    spread = np.where(n > 1, 1 - floor, 1.0)
    return np.where(n > 1, (index - floor) / spread, np.where(np.isnan(index), np.nan, 1.0))
