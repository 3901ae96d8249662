"""From the firm panel to the cluster panel in one call, and back onto the firms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import KEY, lineage_of, record
from gvcmetrics.measures.clusters.agglomeration import ellison_glaeser
from gvcmetrics.measures.clusters.firm_sizes import size_distribution
from gvcmetrics.measures.clusters.location import (
    location_quotient,
    region_industry_table,
    regional_specialisation,
)
from gvcmetrics.measures.requirements import group_keys, listed, require_columns, require_one_type


def cluster_panel(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Cluster panel of a firm panel: a cluster is a region × industry (× country and year).

    Parameters
    ----------
    frame : firm panel.
    region, industry, employment, weights, by : as in `region_industry_table`.

    Returns
    -------
    pandas.DataFrame
        One row for each cluster with a firm: keys; `cluster_employment`, `cluster_n_firms`;
        `location_quotient`, `region_share` (`location_quotient`); `cluster_cr_1`, `cluster_cr_4`,
        `cluster_hhi`, `cluster_gini` of firm employment (`size_distribution`); and what all clusters of a
        region or of an industry share: `region_krugman` (`regional_specialisation`) and
        `industry_ellison_glaeser`.

    Raises
    ------
    DataError
        As `region_industry_table`.
    """
    keys = group_keys(frame, by)
    names: dict[str, Any] = {"region": region, "industry": industry, "employment": employment, "by": by}
    table = region_industry_table(frame, weights=weights, **names)
    out = location_quotient(table, **names)
    sizes = size_distribution(frame, cluster=[region, industry], value=employment, weights=weights, by=by)
    special = regional_specialisation(table, **names)
    gamma = ellison_glaeser(table, **names)
    out = out.rename(columns={employment: "cluster_employment", "n_firms": "cluster_n_firms"})
    parts = (
        (sizes, [*keys, region, industry], {c: f"cluster_{c}" for c in ("cr_1", "cr_4", "hhi", "gini")}),
        (special, [*keys, region], {"krugman": "region_krugman"}),
        (gamma, [*keys, industry], {"ellison_glaeser": "industry_ellison_glaeser"}),
    )
    for part, on, columns in parts:
        out = out.merge(part[[*on, *columns]].rename(columns=columns), how="left", on=on, validate="m:1")
    out.attrs = {}
    for column in out.columns.difference([*keys, region, industry]):
        record(out, column, employment, like=table)
    return out


def join_cluster_panel(
    frame: pd.DataFrame,
    clusters: pd.DataFrame,
    *,
    on: str | Sequence[str],
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Put cluster measures onto the firms of each cluster.

    Parameters
    ----------
    frame : firm panel; every row is kept, in its order.
    clusters : cluster panel, one row for each value of `on`.
    on : the cluster's keys, for example ``["country", "year", "region", "industry"]``.
    columns : which measures; by default all that are not keys.

    Returns
    -------
    pandas.DataFrame
        The firms with the measures, missing where a firm's cluster is not in `clusters`; lineage of both.
        ``attrs["match_rate"]`` is the share of firms whose cluster was found.

    Raises
    ------
    DataError
        Absent columns, a cluster with several rows, a measure that the firms already have, or no firm
        whose cluster is found.
    """
    on = listed(on)
    require_columns(frame, *on)
    wanted = list(columns) if columns is not None else [c for c in clusters.columns if c not in on]
    require_columns(clusters, *on, *wanted)
    taken = [column for column in wanted if column in frame.columns]
    if taken:
        raise DataError(
            "the firms already have this column", Place(column=taken[0]), "Rename one of the two."
        )
    if clusters.duplicated(on).any():
        raise DataError(
            f"a cluster has several rows of {' × '.join(on)}",
            remedy="Join on all keys of the cluster panel.",
        )
    for key in on:
        require_one_type(key, "the firms", frame[key], clusters[key], "the clusters")
    out = frame.merge(
        clusters[[*on, *wanted]], how="left", on=on, validate="m:1", indicator="_cluster_is_found"
    )
    out.index = frame.index
    rate = float((out.pop("_cluster_is_found") == "both").mean())
    if rate == 0:
        raise DataError(
            f"no firm's {' × '.join(on)} is in the cluster panel", remedy="Compare the codes of the two."
        )
    lineage = {name: sources for name, sources in lineage_of(clusters).items() if name in wanted}
    out.attrs = {**frame.attrs, KEY: {**lineage_of(frame), **lineage}, "match_rate": rate}
    return out
