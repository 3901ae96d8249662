"""The page of a panel of firms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.errors import GvcError, PlacedError
from gvcmetrics.report.figures.plots import coefficient_plot
from gvcmetrics.report.portraits.exhibit import (
    Exhibit,
    Made,
    holds,
    largest,
    moments,
    quartiles,
    quotient_tiles,
    readable,
    to_read,
)

OUTCOMES = ("upgrade_product", "upgrade_process", "upgrade_functional", "upgrade_chain")
TIES = ("foreign_share", "export_share", "indirect_export_share", "import_input_share", "certified",
        "licensed_technology", "main_buyer_share", "joint_design", "specific_investment")  # fmt: skip
NUMBERS = ("employment", "sales_usd", "value_added_usd", "capital_usd", "materials_usd", "wages_usd",
           "rd_usd", "skilled_share", "n_buyers", *TIES)  # fmt: skip
BUYER_ITEMS = ("buyer_sets_design", "buyer_sets_process", "owned_by_buyer")
READS = ("country", "firm_id", "year", "region", "industry", "cluster_id", "weight", "governance",
         *NUMBERS, *BUYER_ITEMS, *OUTCOMES)  # fmt: skip
"""All columns of the contract that the page looks at."""
TYPES = {
    "arms_length": "Arm's length",
    "network": "Network",
    "quasi_hierarchical": "Quasi-hierarchical",
    "hierarchical": "Hierarchical",
    "unclassified": "Not told by the items",
}
SIZES = ((0, "Up to 9"), (10, "10–49"), (50, "50–249"), (250, "250 and more"))
_ROWS, _TILES, _EVENTS, _CLUSTERS = 24, 14, 30, 12


def exhibits() -> tuple[Exhibit, ...]:
    """In the order of the page."""
    unweighted = ("Firm-years of the panel, each counted once.",)
    return (
        Exhibit(
            "coverage",
            "Firms by country and year",
            coverage,
            most=_ROWS,
            last="country-years",
        ),
        Exhibit("numbers", "What firms are like", numbers, any_of=NUMBERS, notes=unweighted, formats=to_read),
        Exhibit(
            "governance",
            "Governance, and what goes with it",
            by_governance,
            any_of=("governance", *BUYER_ITEMS),
            notes=(*unweighted, _RULE),
            formats=".2f",
        ),
        Exhibit(
            "size",
            "By size",
            by_size,
            needs=("employment",),
            notes=(*unweighted, "Size: persons employed."),
            formats=".2f",
        ),
        Exhibit(
            "clusters",
            "The clusters with the most firms, in the last year",
            by_cluster,
            needs=("cluster_id",),
            notes=("Firms of the panel, each counted once.",),
            formats=".2f",
        ),
        Exhibit(
            "ties",
            "Upgrading and ties: average effects on its probability",
            ties,
            any_of=OUTCOMES,
            notes=(
                "Logit of each kind of upgrading on the ties that the panel has and log employment, with "
                "year effects where there are years; errors by firm in a panel, robust otherwise.",
            ),
        ),
        Exhibit(
            "places",
            "Location quotients of the largest regions and industries",
            places,
            needs=("region", "industry", "employment"),
            notes=("Share of the industry in the region's employment over its share in the panel's.",),
        ),
        Exhibit(
            "productivity",
            "Labour productivity: value added per person, USD",
            productivity,
            needs=("value_added_usd", "employment"),
            notes=unweighted,
            formats=",.0f",
        ),
        Exhibit("attrition", "Firms that stay, leave and enter", attrition, formats=".2f"),
    )


_RULE = (
    "Governance: the panel's column, or by the rules of gvc.measures.classify_governance from buyer items."
)


def coverage(frame: pd.DataFrame) -> Made:
    """Firm-years, firms, and how much of each kind of column is known."""
    groups = frame.groupby(["country", "year"])
    table = pd.DataFrame({"Rows": groups.size(), "Firms": groups["firm_id"].nunique()})
    for column, label in (("region", "Regions"), ("industry", "Industries"), ("cluster_id", "Clusters")):
        if holds(frame, column):
            table[label] = groups[column].nunique()
    return table.rename_axis(["Country", "Year"]).tail(_ROWS)


def numbers(frame: pd.DataFrame) -> Made:
    """Moments of the columns that hold numbers."""
    return moments(frame, [column for column in NUMBERS if holds(frame, column)])


def by_governance(frame: pd.DataFrame) -> Made:
    """Firms, size and shares with upgrading of each type."""
    if holds(frame, "governance"):
        kinds = frame["governance"]
    else:
        items = {
            item: (item if holds(frame, item) else None)
            for item in (*BUYER_ITEMS, "joint_design", "specific_investment")
        }
        try:
            made = measures.classify_governance(frame, **items)
        except GvcError as error:
            return str(error)
        if (made["governance"] == "unclassified").all():
            return f"no firm can be classified; the first is {made['governance_reason'].iloc[0]}"
        kinds = made["governance"]
    if kinds.notna().sum() == 0:
        return "no firm's governance can be told"
    table = _shares(frame, kinds.rename("Governance"))
    table = table.reindex([kind for kind in TYPES if kind in table.index])
    table.attrs["labels"] = TYPES
    return table


def by_size(frame: pd.DataFrame) -> Made:
    """The same by size class."""
    edges = [edge for edge, _ in SIZES] + [np.inf]
    cut = pd.cut(frame["employment"].astype(float), edges, right=False, labels=[name for _, name in SIZES])
    return _shares(frame, cut.rename("Employment"))


def by_cluster(frame: pd.DataFrame) -> Made:
    """The same by cluster, of those with the most firms."""
    last = frame[frame["year"] == frame["year"].max()].dropna(subset=["cluster_id"])
    if last["cluster_id"].nunique() < 2:
        return "there are not two clusters"
    if last["cluster_id"].value_counts().max() < 2:
        return "no cluster has two firms"
    table = _shares(last, last["cluster_id"].rename("Cluster"))
    return table.loc[largest(table["N"], _CLUSTERS)]


def ties(frame: pd.DataFrame) -> Made:
    """Average effects of the ties on each kind of upgrading."""
    found, skipped = {}, []
    data = frame.assign(firm=frame.groupby(["country", "firm_id"]).ngroup())
    if holds(frame, "employment"):
        size = frame["employment"].astype(float)
        data = data.assign(log_employment=np.log(size.where(size > 0)))
    for outcome in OUTCOMES:
        if not holds(frame, outcome):
            continue
        regressors = [tie for tie in (*TIES, "log_employment") if holds(data, tie)]
        sample = data.dropna(subset=[outcome, *regressors])
        regressors = [tie for tie in regressors if sample[tie].nunique() > 1]
        rare = int(min(sample[outcome].sum(), (1 - sample[outcome]).sum()))
        if not regressors or rare < _EVENTS:
            skipped.append(f"{outcome} has {rare} rows of its rarer outcome beside the ties")
            continue
        years = " + C(year)" if sample["year"].nunique() > 1 else ""
        vcov: Any = {"CRV1": "firm"} if sample["firm"].duplicated().any() else "hetero"
        try:
            result = gvc.logit(f"{outcome} ~ {' + '.join(regressors)}{years}", sample, vcov=vcov)
            found[readable(frame, outcome)] = result.margins([*regressors]).tidy()
        except PlacedError as error:
            skipped.append(f"{outcome}: {error.problem}")
    if not found:
        return "; ".join(skipped)
    return coefficient_plot(
        found,
        labels={column: readable(data, column) for column in data.columns}
        | {"log_employment": "Log employment"},
        estimate_title="Average effect, 95% interval",
    )


def places(frame: pd.DataFrame) -> Made:
    """Location quotients as tiles, of the last year."""
    last = frame[frame["year"] == frame["year"].max()].dropna(subset=["region", "industry", "employment"])
    weights = "weight" if holds(last, "weight") else None
    sizes = last.assign(size=last["employment"] * (last[weights] if weights else 1.0))
    return quotient_tiles(measures.location_quotient(last, weights=weights).reset_index(), sizes, _TILES)


def productivity(frame: pd.DataFrame) -> Made:
    """Quartiles of value added per person, by year."""
    values = measures.labour_productivity(frame).rename("value")
    known = frame.assign(value=values).dropna(subset=["value"])
    if known.empty:
        return "no row has both value added and employment"
    return quartiles(known.set_index("year")["value"], ["year"]).rename_axis("Year").tail(_ROWS)


def attrition(frame: pd.DataFrame) -> Made:
    """Entry and exit between waves."""
    if frame["year"].nunique() < 2:
        return "the panel has one year"
    table = measures.attrition_table(frame)
    return table.rename(columns=lambda name: str(name).replace("_", " ").capitalize()).tail(_ROWS)


def _shares(frame: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
    groups = frame.groupby(by, observed=True)
    table = pd.DataFrame({"N": groups.size()})
    if holds(frame, "employment"):
        table["Median employment"] = groups["employment"].median()
    for column in ("export_share", "foreign_share", *OUTCOMES):
        if holds(frame, column):
            table[readable(frame, column)] = groups[column].mean()
    return table
