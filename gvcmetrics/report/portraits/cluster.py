"""The page of a panel of clusters."""

from __future__ import annotations

import pandas as pd

from gvcmetrics.report.portraits.exhibit import Exhibit, Made, holds, quotient_tiles

_ROWS, _TILES = 24, 14
_SPREAD = ("cluster_hhi", "cluster_gini", "region_krugman", "industry_ellison_glaeser", "location_quotient")
READS = ("country", "region", "industry", "year", "cluster_employment", "region_share", *_SPREAD)
"""All columns of the contract that the page looks at."""


def exhibits() -> tuple[Exhibit, ...]:
    """In the order of the page."""
    return (
        Exhibit(
            "coverage",
            "Clusters by country and year",
            coverage,
            most=_ROWS,
            last="country-years",
        ),
        Exhibit(
            "largest",
            "The largest clusters in the last year",
            largest_clusters,
            needs=("cluster_employment",),
            formats={"Employment": ",.0f", "Location quotient": ".2f", "Share of the industry": ".2f"},
        ),
        Exhibit(
            "places",
            "Location quotients of the largest regions and industries",
            places,
            needs=("location_quotient", "cluster_employment"),
        ),
        Exhibit(
            "spread",
            "Concentration of clusters, quartiles",
            spread,
            formats=".3f",
            any_of=_SPREAD,
        ),
    )


def coverage(frame: pd.DataFrame) -> Made:
    """Clusters, regions and industries by year."""
    groups = frame.groupby(["country", "year"])
    table = pd.DataFrame(
        {
            "Clusters": groups.size(),
            "Regions": groups["region"].nunique(),
            "Industries": groups["industry"].nunique(),
        }
    )
    if holds(frame, "cluster_employment"):
        table["Employment"] = groups["cluster_employment"].sum()
    return table.rename_axis(["Country", "Year"]).tail(_ROWS)


def largest_clusters(frame: pd.DataFrame) -> Made:
    """The twenty with the most employment."""
    last = frame[frame["year"] == frame["year"].max()]
    names = {
        "cluster_employment": "Employment",
        "location_quotient": "Location quotient",
        "region_share": "Share of the industry",
    }
    columns = [name for name in names if holds(last, name)]
    table = last.sort_values("cluster_employment", ascending=False, kind="stable").head(20)
    return (
        table.set_index(["region", "industry"])[columns]
        .rename(columns=names)
        .rename_axis(["Region", "Industry"])
    )


def places(frame: pd.DataFrame) -> Made:
    """Location quotients as tiles."""
    last = frame[frame["year"] == frame["year"].max()]
    return quotient_tiles(last, last.assign(size=last["cluster_employment"]), _TILES)


def spread(frame: pd.DataFrame) -> Made:
    """Quartiles of the measures that the panel holds."""
    columns = [name for name in _SPREAD if holds(frame, name)]
    table = frame[columns].astype(float).quantile([0.25, 0.5, 0.75]).T
    table.columns = ["Lower quartile", "Median", "Upper quartile"]
    table.insert(0, "N", frame[columns].notna().sum())
    labels = frame.attrs.get("labels", {})
    return table.rename(index=lambda name: str(labels.get(name, name)).rsplit(" (", 1)[0]).rename_axis(
        "Measure"
    )
