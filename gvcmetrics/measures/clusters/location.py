"""Where industries are: region × industry tables, location quotients, specialisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, EstimationWarning, Place
from gvcmetrics.ground.warn import warn
from gvcmetrics.lineage import record
from gvcmetrics.measures.clusters.cell_sums import cell_sums
from gvcmetrics.measures.clusters.firm_sizes import grouped_gini
from gvcmetrics.measures.requirements import (
    amounts,
    group_keys,
    require_columns,
    require_known,
    sampling_weights,
)

SQUARED = "employment_squared"


def region_industry_table(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Add firms up to a region × industry table; the first step of every measure of this module.

    Parameters
    ----------
    frame : firm (plant) rows, or rows that are already cells of a table; one row may be any part of a
        cell. Rows without region, industry or employment are left out, with a warning that counts them.
    region, industry, employment : column names.
    weights : sampling weight (how many firms a row stands for); unweighted where the frame has no column
        ``weight``, or with None.
    by : columns within which tables are made; by default country and year, where the frame has them.

    Returns
    -------
    pandas.DataFrame
        One row for each cell with at least one firm, sorted by `by`, `region`, `industry`; columns
        `employment` (Σ w e), `n_firms` (Σ w), `n_rows`, and the sums over rows `employment_squared`
        (Σ (w e)²), `employment_cubed` and `employment_fourth`, which the Ellison–Glaeser family needs.
        Where the frame has a column `employment_squared` it is taken for such a table and returned as it is.

    Raises
    ------
    DataError
        A column is absent or not numeric, employment or a weight is negative or infinite, a weight is
        missing, no row is left, or a table made before repeats a cell of the keys asked for.
    """
    keys = [*group_keys(frame, by), region, industry]
    require_columns(frame, *keys, employment)
    if SQUARED in frame.columns:
        require_known(frame, keys)
        if frame.duplicated(keys).any():
            raise DataError(
                f"the table repeats cells of {' × '.join(keys)}",
                remedy="Make it from the firms with the same `by` as the measure.",
            )
        return frame
    size = amounts(frame, employment)
    given = sampling_weights(frame, weights)
    cells = cell_sums([frame[key] for key in keys], size, given)
    left_out = len(frame) - int(cells["rows"].sum())
    if left_out == len(frame):
        raise DataError(
            "no row has region, industry and employment", Place(column=employment), "Check the columns named."
        )
    if left_out:
        warn(
            f"{left_out} of {len(frame)} rows have no {', '.join(keys)} or {employment} and are left out",
            EstimationWarning,
        )
    names: dict[Any, str] = dict(enumerate(keys))
    names |= {"mass": employment, "units": "n_firms", "rows": "n_rows"}
    names |= {"squares": SQUARED, "cubes": "employment_cubed", "fourths": "employment_fourth"}
    table = cells.rename(columns=names).sort_values(keys, ignore_index=True)
    sources = [employment] if given is None else [employment, str(weights)]
    for column in (employment, SQUARED, "employment_cubed", "employment_fourth"):
        record(table, column, *sources, like=frame)
    record(table, "n_firms", *sources[1:], like=frame)
    return record(table, "n_rows", like=frame)


def location_quotient(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Location quotient: an industry's share of a region's employment over its share of the country's.

    .. math:: LQ_{ir} = \\frac{E_{ir} / E_r}{E_i / E}

    Parameters
    ----------
    frame : firm rows, cells of a region × industry table, or the result of `region_industry_table`.
    region, industry, employment, weights, by : as in `region_industry_table`.

    Returns
    -------
    pandas.DataFrame
        One row for each cell with a firm: keys, `employment`, `n_firms`, `region_share` (E_ir/E_i) and
        `location_quotient`. A cell without firms has LQ 0 and no row. In a region or an industry with
        firms but without employment the quotient is 0/0 and missing. With one region every LQ is 1.

    Raises
    ------
    DataError
        As `region_industry_table`.

    Source: Florence (1939); Isard (1960).
    """
    keys = group_keys(frame, by)
    table = region_industry_table(
        frame, region=region, industry=industry, employment=employment, weights=weights, by=by
    )
    cell, in_region, in_industry, in_all = _totals(table, keys, region, industry, employment)
    out = table[[*keys, region, industry, employment, "n_firms"]].copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        out["region_share"] = cell / in_industry
        out["location_quotient"] = (cell / in_region) / (in_industry / in_all)
    for column in ("region_share", "location_quotient"):
        record(out, column, employment, like=table)
    return out


def regional_specialisation(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
) -> pd.DataFrame:
    """How specialised each region is, against the country.

    With s the industry shares of a region's employment and x the industry shares of the country's:
    Krugman index Σ|s − x| in [0, 2); HHI Σ s²; relative Theil Σ s ln(s/x); Gini of s relative to x.

    Parameters
    ----------
    frame, region, industry, employment, weights, by : as in `region_industry_table`.

    Returns
    -------
    pandas.DataFrame
        One row for each region: `employment`, `krugman`, `hhi`, `theil`, `gini`, `n_industries` (with
        employment). Missing for a region without employment; 0 for the only region of a country.

    Raises
    ------
    DataError
        As `region_industry_table`.

    Source: Krugman (1991), Geography and Trade, here against the whole country;
    Midelfart-Knarvik et al. (2000) for the Gini.
    """
    return _dissimilarity(frame, region, industry, employment, weights, by, "n_industries")


def industry_localisation(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
) -> pd.DataFrame:
    """How localised each industry is, against all employment: the mirror of `regional_specialisation`.

    With s the regional shares of an industry's employment and x the regional shares of all employment:
    `krugman` Σ|s − x|, `hhi` Σ s², `theil` Σ s ln(s/x), `gini`, `n_regions`. The locational Gini is the
    area between the diagonal and the curve of s over x, regions in the order of s/x, as Krugman (1991) and
    those who follow him measure it: 0 for an industry spread as all employment is, at most 1/2. It is half
    of a Gini coefficient such as that of `regional_specialisation`. None of these corrects for lumpy
    plants; `ellison_glaeser` does.

    Parameters and errors as in `regional_specialisation`.

    Source: Krugman (1991), Geography and Trade, appendix B.
    """
    out = _dissimilarity(frame, industry, region, employment, weights, by, "n_regions")
    out["gini"] /= 2
    return out


def _totals(
    table: pd.DataFrame, keys: list[str], region: str, industry: str, employment: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Employment of the cell, its region, its industry and its country, each aligned to the table."""
    cell = table[employment].to_numpy(dtype=np.float64)
    if not keys:
        in_all = np.full(len(table), cell.sum())
    else:
        in_all = table.groupby(keys, observed=True)[employment].transform("sum").to_numpy()
    in_region = table.groupby([*keys, region], observed=True)[employment].transform("sum").to_numpy()
    in_industry = table.groupby([*keys, industry], observed=True)[employment].transform("sum").to_numpy()
    return cell, in_region, in_industry, in_all


def _dissimilarity(
    frame: pd.DataFrame,
    unit: str,
    part: str,
    employment: str,
    weights: str | None,
    by: Sequence[str] | None,
    count: str,
) -> pd.DataFrame:
    """Shares of every `unit` over its `part`s against the shares of the whole country."""
    keys = group_keys(frame, by)
    table = region_industry_table(
        frame, region=unit, industry=part, employment=employment, weights=weights, by=by
    )
    cell, in_unit, in_part, in_all = _totals(table, keys, unit, part, employment)
    with np.errstate(invalid="ignore", divide="ignore"):
        s, x = cell / in_unit, in_part / in_all
        log_ratio = np.where(s > 0, np.log(s / x), 0.0)
    terms = table[[*keys, unit]].assign(
        present=(cell > 0).astype(np.int64),
        # Parts that the unit lacks have no cell; they are where x sums to less than one, and add 1 − Σx.
        krugman=np.abs(s - x) - x,
        hhi=s**2,
        theil=s * log_ratio,
    )
    sums = terms.groupby([*keys, unit], observed=True)
    out = sums[["krugman", "hhi", "theil"]].sum(min_count=1)
    out["krugman"] += 1.0
    codes = sums.ngroup().to_numpy()
    out["gini"] = _relative_gini(s, x, codes, len(out))
    out[count] = sums["present"].sum()
    total = table.groupby([*keys, unit], observed=True)[employment].sum()
    empty = total.to_numpy() == 0
    out.loc[empty, ["krugman", "hhi", "theil", "gini"]] = np.nan
    out.insert(0, employment, total)
    out = out.reset_index()
    for column in ("krugman", "hhi", "theil", "gini", count):
        record(out, column, employment, like=table)
    return out


def _relative_gini(s: np.ndarray, x: np.ndarray, codes: np.ndarray, n_units: int) -> np.ndarray:
    """Gini of s/x with population shares x; parts that a unit lacks enter as one part with s = 0."""
    absent = np.maximum(1.0 - np.bincount(codes, x, n_units), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(x > 0, s / x, 0.0)
    return grouped_gini(
        np.concatenate([ratio, np.zeros(n_units)]),
        np.concatenate([x, absent]),
        np.concatenate([codes, np.arange(n_units)]),
        n_units,
    )
