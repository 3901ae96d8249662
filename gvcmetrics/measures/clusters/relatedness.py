"""How related industries are, by co-location, inputs and occupations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.measures.clusters.location import region_industry_table
from gvcmetrics.measures.requirements import group_keys, require_columns


def locational_correlation(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
    of: Literal["employment", "n_firms"] = "employment",
) -> pd.DataFrame:
    """Correlation of two industries' employment (or numbers of firms) over regions.

    Parameters
    ----------
    frame : firm rows or a region × industry table of one country and year.
    of : what is correlated; with a table without `n_firms`, rows are counted.
    region, industry, employment, weights : as in `region_industry_table`.

    Returns
    -------
    pandas.DataFrame
        Industry × industry, symmetric, 1 on the diagonal. Missing for an industry that is the same size
        in every region.

    Raises
    ------
    DataError
        Several countries or years in the frame, fewer than three regions, and as
        `region_industry_table`.

    Source: Delgado, Porter and Stern (2016; LC-Employment, LC-Establishments); Porter (2003).
    """
    wide = _regions_by_industries(frame, of, region, industry, employment, weights)
    return _correlation(wide)


def coagglomeration(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
) -> pd.DataFrame:
    """Ellison–Glaeser–Kerr index of the coagglomeration of two industries.

    .. math:: \\gamma^c_{ij} = \\sum_r (s_{ir} - x_r)(s_{jr} - x_r) / (1 - \\sum_r x_r^2)

    with s the regional shares of an industry's employment and x their mean over industries.

    Parameters and errors as in `locational_correlation`.

    Returns
    -------
    pandas.DataFrame
        Industry × industry, symmetric; the diagonal is missing, for it would also count plant sizes.

    Source: Ellison, Glaeser and Kerr (2010).
    """
    wide = _regions_by_industries(frame, "employment", region, industry, employment, weights)
    s = wide.to_numpy() / wide.to_numpy().sum(axis=0)
    x = s.mean(axis=1, keepdims=True)
    index = (s - x).T @ (s - x) / (1 - float((x**2).sum()))
    np.fill_diagonal(index, np.nan)
    return _square(index, wide.columns)


def input_output_links(flows: pd.DataFrame) -> pd.DataFrame:
    """Input-output link of two industries: the largest of the shares they have in each other's trade.

    .. math:: IO_{ij} = \\max(\\text{input}_{i \\to j}, \\text{input}_{j \\to i},
        \\text{output}_{i \\to j}, \\text{output}_{j \\to i})

    where input i→j is the share of j's purchases that comes from i, and output i→j the share of i's
    intermediate sales that goes to j.

    Parameters
    ----------
    flows : intermediate use, selling industries as rows, buying industries as columns, the same labels
        in both; values, not coefficients.

    Returns
    -------
    pandas.DataFrame
        Industry × industry, symmetric, in [0, 1]; the diagonal is missing. A share of nothing is 0.

    Raises
    ------
    DataError
        Labels that differ between rows and columns, negative or missing flows.

    Source: Ellison, Glaeser and Kerr (2010); Delgado, Porter and Stern (2016).
    """
    if not (flows.index.is_unique and flows.columns.is_unique) or set(flows.index) != set(flows.columns):
        odd = sorted(map(str, set(flows.index) ^ set(flows.columns)))
        raise DataError(
            f"the rows and columns of the flows differ: {', '.join(odd[:5]) or 'repeated labels'}",
            remedy="Give the same industries, once each, as rows and as columns.",
        )
    z = flows[flows.index].to_numpy(dtype=np.float64)
    if not (z >= 0).all():
        raise DataError("a flow is negative or missing", remedy="Give flows of at least zero.")
    bought, sold = z.sum(axis=0, keepdims=True), z.sum(axis=1, keepdims=True)
    inputs = np.divide(z, bought, out=np.zeros_like(z), where=bought > 0)
    outputs = np.divide(z, sold, out=np.zeros_like(z), where=sold > 0)
    link = np.maximum(inputs, outputs)
    link = np.maximum(link, link.T)
    np.fill_diagonal(link, np.nan)
    return _square(link, flows.index)


def occupation_correlation(shares: pd.DataFrame) -> pd.DataFrame:
    """Correlation of two industries' shares of occupations: how alike the labour is that they use.

    Parameters
    ----------
    shares : industries as rows, occupations as columns; jobs or shares (rows are scaled to one).

    Returns
    -------
    pandas.DataFrame
        Industry × industry, symmetric, 1 on the diagonal; missing for an industry without jobs.

    Raises
    ------
    DataError
        Negative or missing jobs, fewer than three occupations.

    Source: Glaeser and Kerr (2009); Delgado, Porter and Stern (2016; Occ).
    """
    jobs = shares.to_numpy(dtype=np.float64)
    if not (jobs >= 0).all():
        raise DataError("a number of jobs is negative or missing", remedy="Give jobs of at least zero.")
    if jobs.shape[1] < 3:
        raise DataError(f"{jobs.shape[1]} occupations correlate always", remedy="Give three or more.")
    with np.errstate(invalid="ignore"):
        scaled = jobs / jobs.sum(axis=1, keepdims=True)
    return _correlation(pd.DataFrame(scaled.T, shares.columns, shares.index))


def mean_relatedness(matrices: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean of several relatedness matrices, each standardised over its pairs of industries.

    Parameters
    ----------
    matrices : industry × industry matrices; industries that are not in all of them are left out.

    Returns
    -------
    pandas.DataFrame
        Symmetric; mean z-score of each pair, missing where any matrix has it missing; diagonal missing.

    Raises
    ------
    DataError
        No matrix, one that is not square or symmetric, fewer than three industries in common, or a
        matrix without variation.

    Source: Delgado, Porter and Stern (2016; LC-IO-Occ).
    """
    if not matrices:
        raise DataError("no relatedness matrix is given", remedy="Pass at least one.")
    common = matrices[0].index
    for matrix in matrices:
        check_relatedness(matrix)
        common = common[common.isin(matrix.index)]
    if len(common) < 3:
        raise DataError(
            f"the matrices share {len(common)} industries", remedy="Bring them to one classification."
        )
    pairs = np.triu_indices(len(common), 1)
    total = np.zeros((len(common), len(common)))
    for number, matrix in enumerate(matrices):
        values = matrix.loc[common, common].to_numpy(dtype=np.float64)
        known = values[pairs][~np.isnan(values[pairs])]
        if known.size < 2 or np.ptp(known) == 0:
            raise DataError(f"matrix {number + 1} has no variation over pairs, so it cannot be standardised")
        total += (values - known.mean()) / known.std(ddof=1)
    total /= len(matrices)
    np.fill_diagonal(total, np.nan)
    return _square(total, common)


def _regions_by_industries(
    frame: pd.DataFrame, values: str, region: str, industry: str, employment: str, weights: str | None
) -> pd.DataFrame:
    """Region × industry matrix of one country and year, zero where an industry has no firm."""
    for key in group_keys(frame, None):
        if frame[key].nunique() > 1:
            raise DataError(
                f"the frame holds {frame[key].nunique()} values of {key}",
                Place(column=key),
                "Relatedness is of one country and year: select them, or add them up.",
            )
    table = region_industry_table(
        frame, region=region, industry=industry, employment=employment, weights=weights, by=()
    )
    column = employment if values == "employment" else values
    require_columns(table, column)
    table = table[table.groupby(industry, observed=True)[employment].transform("sum") > 0]
    wide = table.pivot(index=region, columns=industry, values=column).fillna(0.0)
    if len(wide) < 3:
        raise DataError(
            f"there are {len(wide)} regions", Place(column=region), "Co-location needs three or more."
        )
    return wide


def _correlation(wide: pd.DataFrame) -> pd.DataFrame:
    """Pearson correlation of the columns; missing for a column that does not vary."""
    values = wide.to_numpy(dtype=np.float64)
    centred = values - values.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=0))
    scale = np.where(scale > 1e-12 * np.abs(values).max(axis=0, initial=0), scale, np.nan)
    correlation = np.clip((centred / scale).T @ (centred / scale), -1, 1)
    return _square(correlation, wide.columns)


def _square(values: np.ndarray, labels: pd.Index) -> pd.DataFrame:
    """Industry × industry frame."""
    if isinstance(labels, pd.MultiIndex):  # country and industry, as the measures of a table label them
        names = [str(name or f"level_{k}") for k, name in enumerate(labels.names)]
        columns = labels.set_names([f"related_{name}" for name in names])
        return pd.DataFrame(values, index=labels.set_names(names), columns=columns)
    return pd.DataFrame(values, index=labels.rename("industry"), columns=labels.rename("related_industry"))


def check_relatedness(matrix: pd.DataFrame) -> None:
    """Raise where a relatedness matrix is not square, labelled alike and symmetric."""
    if not matrix.index.is_unique or list(matrix.index) != list(matrix.columns):
        raise DataError("a relatedness matrix has other rows than columns", remedy="Order them alike.")
    values = matrix.to_numpy(dtype=np.float64)
    if not np.allclose(values, values.T, equal_nan=True):
        raise DataError("a relatedness matrix is not symmetric", remedy="Average it with its transpose.")
