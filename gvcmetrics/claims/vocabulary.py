"""The measures that a claim may name: a closed vocabulary, each word a function of columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvcmetrics import measures
from gvcmetrics.claims import beside
from gvcmetrics.claims.claim import Construct
from gvcmetrics.ground.vocabulary import BUYER_ITEMS, UNCLASSIFIED
from gvcmetrics.panels.project import Project
from gvcmetrics.value_chain import MEASURES

SECTORAL_PATTERNS = {
    "traditional": ("13", "14", "15", "23", "25", "31", "32"),
    "natural_resource": ("01", "02", "03", "05", "06", "07", "08", "09", "10", "11", "12", "16", "17", "24"),
    "complex_products": ("26", "27", "29", "30"),
    "specialised_suppliers": ("28", "33", "62", "63"),
}
"""ISIC Rev.4 divisions by sectoral pattern of innovation: Pavitt (1984) as grouped for clusters of Latin
America by Giuliani, Pietrobelli and Rabellotti (2005); the divisions are this package's reading."""


@dataclass(frozen=True)
class Panel:
    """The rows that constructs are made from, the columns that make a unit, and where other panels are."""

    frame: pd.DataFrame
    unit: tuple[str, ...]
    project: Project | None = None

    def before(self, values: pd.Series) -> pd.Series:
        """Each unit's value in its observation before."""
        ordered = values[self.frame.sort_values([*self.unit, "year"]).index]
        keys = [self.frame.loc[ordered.index, name] for name in self.unit]
        return ordered.groupby(keys).shift().reindex(self.frame.index)


@dataclass(frozen=True)
class Word:
    """One measure of the vocabulary.

    Attributes
    ----------
    make : the columns that it is `of`, the construct and the panel → the values.
    least, most : how many columns it is made of. some : whether a panel may lack all but `least` of them.
    reads : columns that it needs besides. may_read : those that it takes where they are.
    value : whether it takes one. values : the only ones.
    over_time : whether it compares a unit with itself, so needs its observations before.
    """

    make: Callable[[list[pd.Series], Construct, Panel], pd.Series]
    meaning: str
    least: int = 1
    most: int = 1
    some: bool = False
    reads: tuple[str, ...] = ()
    may_read: tuple[str, ...] = ()
    value: bool = False
    values: tuple[str, ...] = ()
    over_time: bool = False


def _log(of: list[pd.Series], _: Construct, __: Panel) -> pd.Series:
    return pd.Series(np.log(of[0].where(of[0] > 0)), index=of[0].index)


def _positive(of: list[pd.Series], _: Construct, __: Panel) -> pd.Series:
    return (of[0] > 0).astype(float).where(of[0].notna())


def _equals(of: list[pd.Series], construct: Construct, _: Panel) -> pd.Series:
    values = construct.value if isinstance(construct.value, tuple) else (construct.value,)
    return of[0].isin(values).astype(float).where(of[0].notna())


def _any_of(of: list[pd.Series], _: Construct, __: Panel) -> pd.Series:
    items = pd.concat(of, axis=1)
    known = items.notna().all(axis=1) | (items == 1).any(axis=1)
    return (items == 1).any(axis=1).astype(float).where(known)


def _all_of(of: list[pd.Series], _: Construct, __: Panel) -> pd.Series:
    items = pd.concat(of, axis=1)
    known = items.notna().all(axis=1) | (items == 0).any(axis=1)
    return (items == 1).all(axis=1).astype(float).where(known)


def _mean_z(of: list[pd.Series], _: Construct, __: Panel) -> pd.Series:
    items = pd.concat([each.astype(float) for each in of], axis=1)
    varying = items.loc[:, items.std() > 0]
    return ((varying - varying.mean()) / varying.std()).mean(axis=1, skipna=False)


def _share_of(of: list[pd.Series], _: Construct, __: Panel) -> pd.Series:
    items = pd.concat(of, axis=1)
    return measures.functional_breadth(items, list(items.columns))


def _ratio(of: list[pd.Series], _: Construct, __: Panel) -> pd.Series:
    return of[0] / of[1].where(of[1] > 0)


def _governance(_: list[pd.Series], __: Construct, panel: Panel) -> pd.Series:
    found = {item: item if item in panel.frame.columns else None for item in BUYER_ITEMS}
    made = measures.classify_governance(panel.frame, **found)["governance"].astype(object)
    return made.where(made != UNCLASSIFIED)


def _buyer_hhi(of: list[pd.Series], _: Construct, __: Panel) -> pd.Series:
    # Reported shares are rounded, so the bounds of a few firms contradict each other; those have none.
    share, buyers = of[0], of[1].round()
    sound = (share > 0) & (share <= 1) & (buyers >= 1) & (share * buyers >= 1) & ((buyers > 1) | (share == 1))
    both = pd.DataFrame({"main_buyer_share": share, "n_buyers": buyers})[sound]
    if both.empty:
        return pd.Series(np.nan, index=share.index)
    return measures.buyer_hhi_bounds(both).mean(axis=1, skipna=False).reindex(share.index)


def _before(of: list[pd.Series], _: Construct, panel: Panel) -> pd.Series:
    return panel.before(of[0])


def _growth(of: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    level = _log(of, construct, panel)
    return level - panel.before(level)


def _rises(of: list[pd.Series], _: Construct, panel: Panel) -> pd.Series:
    change = of[0] - panel.before(of[0])
    return (change > 0).astype(float).where(change.notna())


def _outpaces(of: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    growth = _growth(of, construct, panel)
    typical = growth.groupby([panel.frame[name] for name in ("country", "year")]).transform("median")
    return (growth > typical).astype(float).where(growth.notna())


def _starts(of: list[pd.Series], _: Construct, panel: Panel) -> pd.Series:
    return of[0].where(panel.before(of[0]) == 0)


def _years_in_a_row(of: list[pd.Series], _: Construct, panel: Panel) -> pd.Series:
    ordered = panel.frame.assign(_on=of[0]).sort_values([*panel.unit, "year"])
    gap = ordered.groupby(list(panel.unit))["year"].diff().ne(1) | ordered["_on"].ne(1)
    run = ordered["_on"].eq(1).groupby([*(ordered[name] for name in panel.unit), gap.cumsum()]).cumsum()
    return run.astype(float).where(ordered["_on"].notna()).reindex(panel.frame.index)


def _in_cluster(construct: Construct, panel: Panel) -> list[pd.Series]:
    keys = [*construct.by, *(name for name in ("country", "year") if name in panel.frame.columns)]
    return [panel.frame[name] for name in keys]


def _cluster_mean(of: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    return of[0].astype(float).groupby(_in_cluster(construct, panel)).transform("mean")


def _cluster_dispersion(of: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    return _log(of, construct, panel).groupby(_in_cluster(construct, panel)).transform("std")


def _cluster_largest_share(of: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    grouped = of[0].astype(float).groupby(_in_cluster(construct, panel))
    return grouped.transform("max") / grouped.transform("sum").where(lambda total: total > 0)


def _location_quotient(of: list[pd.Series], _: Construct, panel: Panel) -> pd.Series:
    amount = of[0] if of else panel.frame["employment"]
    rows = panel.frame.assign(employment=amount).dropna(subset=["region", "industry", "employment"])
    if "weight" in rows.columns:
        rows = rows.dropna(subset="weight")
    table = measures.location_quotient(rows)
    keys = [name for name in ("country", "year", "region", "industry") if name in table.columns]
    found = panel.frame[keys].merge(table[[*keys, "location_quotient"]], on=keys, how="left")
    return found["location_quotient"].set_axis(panel.frame.index)


def _sectoral_pattern(of: list[pd.Series], _: Construct, __: Panel) -> pd.Series:
    pattern = {division: name for name, found in SECTORAL_PATTERNS.items() for division in found}

    def of_code(code: str) -> str | float:
        span = beside.divisions(code) if "-" in code else (code[:2],)
        found = {pattern.get(division) for division in span}
        return (found.pop() if len(found) == 1 else None) or np.nan

    known = of[0].dropna()
    return known.astype(str).map(of_code).reindex(of[0].index)


def _several(construct: Construct) -> tuple[str, ...]:
    return construct.value if isinstance(construct.value, tuple) else (str(construct.value),)


def _share_in_region(of: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    return beside.share_in_region(of[0].astype(float), panel.frame, _several(construct))


def _share_in_panel(_: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    return beside.share_in_panel(
        panel.frame, construct.panel, construct.among, _several(construct), list(construct.by), panel.project
    )


def _from_panel(_: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    wanted = (construct.panel, str(construct.value), list(construct.by))
    return beside.from_panel(panel.frame, *wanted, panel.project)


def _differentiated_share(_: list[pd.Series], __: Construct, panel: Panel) -> pd.Series:
    return beside.differentiated(panel.frame)


def _rival_share(_: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    table = construct.panel or beside.TABLE
    return beside.rival_share(panel.frame, str(construct.value), table, panel.project)


def _market_share(of: list[pd.Series], _: Construct, panel: Panel) -> pd.Series:
    market = [panel.frame[name] for name in ("importer", "product", "year")]
    return of[0] / of[0].groupby(market).transform("sum").where(lambda total: total > 0)


def _value_chain(_: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    return beside.value_chain(
        panel.frame, str(construct.value), construct.panel or beside.TABLE, panel.project
    )


def _completeness(of: list[pd.Series], construct: Construct, panel: Panel) -> pd.Series:
    return beside.completeness(of[0], panel.frame, construct.panel or beside.TABLE, panel.project)


def _relative_unit_value(of: list[pd.Series], _: Construct, panel: Panel) -> pd.Series:
    unit_value = _log([of[0] / of[1].where(of[1] > 0)], _, panel)
    return unit_value - unit_value.groupby([panel.frame["product"], panel.frame["year"]]).transform("median")


VOCABULARY = {
    "column": Word(lambda of, *_: of[0], "the column as it is"),
    "log": Word(_log, "natural logarithm, missing at and below zero"),
    "square": Word(lambda of, *_: of[0] ** 2, "the square"),
    "positive": Word(_positive, "1 above zero, 0 at zero and below"),
    "equals": Word(_equals, "1 where the column has the value or one of the values", value=True),
    "less_than_one": Word(lambda of, *_: 1 - of[0], "one less the column"),
    "ratio": Word(_ratio, "the first over the second, missing where that is not positive", 2, 2),
    "any_of": Word(_any_of, "1 where any of the 0/1 columns that there are is 1", 1, 12, some=True),
    "all_of": Word(_all_of, "1 where all of the 0/1 columns are 1", 2, 12),
    "share_of": Word(_share_of, "share of 1 among the 0/1 columns that there are", 2, 12, some=True),
    "mean_z": Word(_mean_z, "mean z-score of the columns that there are", 1, 12, some=True),
    "governance": Word(
        _governance, "four types of governance from the buyer items (classify_governance)", 0, 0,
        reads=BUYER_ITEMS[:4], may_read=BUYER_ITEMS[4:],
    ),
    "buyer_hhi": Word(
        _buyer_hhi, "middle of the bounds of the buyer HHI from main buyer's share and number of buyers", 2, 2
    ),
    "before": Word(_before, "the unit's value in its observation before", over_time=True),
    "growth": Word(_growth, "change of the logarithm since the unit's observation before", over_time=True),
    "rises": Word(_rises, "1 where it rises from the unit's observation before", over_time=True),
    "starts": Word(_starts, "1 where it begins, among units that did not before", over_time=True),
    "years_in_a_row": Word(_years_in_a_row, "years without a break up to this one", over_time=True),
    "cluster_mean": Word(_cluster_mean, "mean over the cluster's rows of the year"),
    "cluster_dispersion": Word(_cluster_dispersion, "deviation of logs in the cluster"),
    "cluster_largest_share": Word(_cluster_largest_share, "largest row's share in the cluster"),
    "location_quotient": Word(
        _location_quotient, "location quotient, of employment where nothing else is named", 0, 1,
        reads=("region", "industry", "employment"),
    ),
    "outpaces": Word(
        _outpaces, "1 where it grows more than the median of its country and year", over_time=True
    ),
    "share_in_region": Word(
        _share_in_region, "share of the industries of `value` in the region's total", value=True,
        reads=("country", "region", "industry", "year"),
    ),
    "share_in_panel": Word(
        _share_in_panel,
        "share of the rows whose `among` is `value` in the jobs of another `panel`, joined `by` columns",
        0, 0, value=True,
    ),
    "from_panel": Word(_from_panel, "column `value` of another `panel`, joined `by`", 0, 0, value=True),
    "value_chain": Word(
        _value_chain, "participation or position of the country's industry in an input-output table", 0, 0,
        reads=("country", "industry", "year"), value=True, values=MEASURES,
    ),
    "completeness": Word(
        _completeness, "share of the input chain at home, from location quotients and input coefficients",
        reads=("country", "region", "industry", "year"),
    ),
    "market_share": Word(
        _market_share, "share in what the importer buys of the product in the year, of the panel's exporters",
        reads=("importer", "product", "year"),
    ),
    "rival_share": Word(
        _rival_share,
        "share of the country `value` in what is exported of the product to all but the row's importer",
        0, 0, reads=("exporter", "importer", "product", "year"), value=True,
    ),
    "differentiated_share": Word(
        _differentiated_share, "Rauch's share of differentiated goods behind the product", 0, 0,
        reads=("product", "product_classification"),
    ),
    "sectoral_pattern": Word(_sectoral_pattern, "sectoral pattern of innovation of the ISIC division"),
    "relative_unit_value": Word(
        _relative_unit_value, "log of value over quantity, less the product's median of the year", 2, 2,
        reads=("product", "year"),
    ),
}  # fmt: skip
