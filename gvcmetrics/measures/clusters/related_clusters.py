"""Clusters of related industries, their validation, and specialisation in related industries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import record
from gvcmetrics.measures.clusters.location import region_industry_table
from gvcmetrics.measures.clusters.relatedness import check_relatedness
from gvcmetrics.measures.requirements import group_keys


def industry_clusters(relatedness: pd.DataFrame, n_clusters: int) -> pd.Series:
    """Group industries into clusters by average linkage on their relatedness.

    Parameters
    ----------
    relatedness : symmetric industry × industry matrix without missing pairs (diagonal ignored).
    n_clusters : how many clusters.

    Returns
    -------
    pandas.Series
        `industry_cluster`, 1 to `n_clusters`, by industry; numbered in the order in which the industries
        appear.

    Raises
    ------
    DataError
        A matrix that is not symmetric or has missing pairs, more clusters than industries.

    Source: Delgado, Porter and Stern (2016), who compare linkages by `cluster_validation`.
    """
    check_relatedness(relatedness)
    n = len(relatedness)
    if not 1 <= n_clusters <= n:
        raise DataError(f"{n_clusters} clusters are asked of {n} industries")
    values = relatedness.to_numpy(dtype=np.float64).copy()
    pairs = values[np.triu_indices(n, 1)]
    if np.isnan(pairs).any():
        raise DataError(
            f"{int(np.isnan(pairs).sum())} pairs of industries have no relatedness",
            remedy="Leave out the industries that cause it.",
        )
    if n == 1:
        return pd.Series([1], relatedness.index, name="industry_cluster")
    distance = pairs.max() - values
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average")
    raw = fcluster(tree, n_clusters, criterion="maxclust")
    return pd.Series(pd.factorize(raw)[0] + 1, relatedness.index, name="industry_cluster")


def cluster_validation(relatedness: pd.DataFrame, clusters: pd.Series) -> pd.DataFrame:
    """Whether industries are more related within their cluster than across clusters.

    Parameters
    ----------
    relatedness : symmetric industry × industry matrix.
    clusters : cluster of each industry (index: industry), as `industry_clusters` gives.

    Returns
    -------
    pandas.DataFrame
        One row for each cluster: `n_industries`, `within` (mean relatedness of its pairs; missing with one
        industry), `between_mean` and `between_p95` (mean and 95th percentile of its mean relatedness with
        each other cluster), `exceeds_mean`, `exceeds_p95`. ``attrs["validation_score"]`` is the mean share
        of clusters of two or more industries that exceed each.

    Raises
    ------
    DataError
        An industry of the matrix without a cluster, a single cluster, a matrix that is not symmetric.

    Source: Delgado, Porter and Stern (2016; VS-Cluster).
    """
    check_relatedness(relatedness)
    label = clusters.reindex(relatedness.index)
    if label.isna().any():
        raise DataError("an industry has no cluster", Place(key=str(label.index[label.isna()][0])))
    names = pd.Index(sorted(label.unique()), name="industry_cluster")
    if len(names) < 2:
        raise DataError("there is one cluster, so nothing lies between clusters")
    values = relatedness.to_numpy(dtype=np.float64).copy()
    np.fill_diagonal(values, np.nan)
    member = (label.to_numpy()[:, None] == names.to_numpy()).astype(np.float64)
    known = (~np.isnan(values)).astype(np.float64)
    with np.errstate(invalid="ignore"):
        mean = (member.T @ np.nan_to_num(values) @ member) / (member.T @ known @ member)
    within = np.diag(mean).copy()
    np.fill_diagonal(mean, np.nan)
    out = pd.DataFrame(
        {
            "n_industries": member.sum(axis=0).astype(int),
            "within": within,
            "between_mean": np.nanmean(mean, axis=1),
            "between_p95": np.nanpercentile(mean, 95, axis=1),
        },
        index=names,
    )
    for bar in ("mean", "p95"):
        exceeds = (out["within"] > out[f"between_{bar}"]).astype(np.float64)
        out[f"exceeds_{bar}"] = exceeds.where(out["n_industries"] > 1)
    out.attrs["validation_score"] = float(out[["exceeds_mean", "exceeds_p95"]].mean().mean())
    return out.reset_index()


def related_specialisation(
    frame: pd.DataFrame,
    clusters: pd.Series,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Specialisation of a region in the *other* industries of an industry's cluster.

    .. math:: LQ^{rel}_{ir} = \\frac{\\sum_{j \\in c(i), j \\neq i} E_{jr} / E_r}
        {\\sum_{j \\in c(i), j \\neq i} E_j / E}

    Parameters
    ----------
    frame : firm rows or a region × industry table.
    clusters : cluster of each industry (index: industry); industries without one are left out.
    region, industry, employment, weights, by : as in `region_industry_table`.

    Returns
    -------
    pandas.DataFrame
        One row for each cell with a firm whose industry has a cluster: keys, `industry_cluster` and
        `related_specialisation`; missing where the industry is alone in its cluster.

    Raises
    ------
    DataError
        As `region_industry_table`; no industry of the frame has a cluster.

    Source: Delgado, Porter and Stern (2014).
    """
    keys = group_keys(frame, by)
    table = region_industry_table(
        frame, region=region, industry=industry, employment=employment, weights=weights, by=by
    )
    cells = table[[*keys, region, industry, employment]].copy()
    cells["industry_cluster"] = cells[industry].astype("object").map(clusters)

    def total(*columns: str) -> pd.Series:
        grouping = [*keys, *columns]
        if not grouping:
            return pd.Series(cells[employment].sum(), cells.index)
        return cells.groupby(grouping, observed=True)[employment].transform("sum")

    own, everywhere = cells[employment], total(industry)
    local = (total(region, "industry_cluster") - own) / total(region)
    national = (total("industry_cluster") - everywhere) / total()
    # Sums of floats that should cancel leave dust, which must not pass for employment.
    alone = total("industry_cluster") - everywhere <= 1e-12 * everywhere
    cells["related_specialisation"] = (local / national).mask(alone).clip(lower=0.0)
    out = cells[cells["industry_cluster"].notna()].drop(columns=employment).reset_index(drop=True)
    if out.empty:
        raise DataError("no industry of the frame has a cluster", Place(column=industry), "Match the codes.")
    record(out, "industry_cluster", industry, like=table)
    return record(out, "related_specialisation", employment, like=table)
