"""The measures that a claim may name: a closed vocabulary, each word a function of columns.

A construct is made where the panel has its columns. Of alternatives the first that can be made is used, and
which one that was stands beside every result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd

from gvcmetrics import measures
from gvcmetrics.claims import beside
from gvcmetrics.claims.claim import Claim, Construct, listed
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.ground.vocabulary import UNCLASSIFIED
from gvcmetrics.lineage import record
from gvcmetrics.panels.contracts import CONTRACTS
from gvcmetrics.panels.project import Project
from gvcmetrics.value_chain import MEASURES

_ITEMS = ("buyer_sets_design", "buyer_sets_process", "joint_design", "specific_investment", "owned_by_buyer")
_MOST_WAYS = 4
ABSENT = "absent"
"""Where a frame of constructs says which could not be made although it has their columns, and why."""
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
    reads : columns that it needs besides. value : whether it takes one. values : the only ones.
    over_time : whether it compares a unit with itself, so needs its observations before.
    """

    make: Callable[[list[pd.Series], Construct, Panel], pd.Series]
    meaning: str
    least: int = 1
    most: int = 1
    some: bool = False
    reads: tuple[str, ...] = ()
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
    found = {item: item if item in panel.frame.columns else None for item in _ITEMS}
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
        reads=_ITEMS[:4],
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
    "sectoral_pattern": Word(_sectoral_pattern, "sectoral pattern of innovation of the ISIC division"),
    "relative_unit_value": Word(
        _relative_unit_value, "log of value over quantity, less the product's median of the year", 2, 2,
        reads=("product", "year"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """How a name is made from a panel's columns.

    Attributes
    ----------
    construct : the alternative that is used, and its number from 1; None and 0 for a column.
    parts : the names that it is made of and the panel has. columns : all columns behind it.
    lacks : columns without which it cannot be made; then nothing else is of use.
    """

    name: str
    construct: Construct | None
    parts: tuple[str, ...]
    columns: frozenset[str]
    lacks: frozenset[str] = frozenset()
    way: int = 0


def choose(claim: Claim, name: str, columns: Collection[str], own: bool = False) -> Chosen:
    """The first way to make a name that the columns allow, or the way that lacks fewest columns.

    `own` is set while a construct of the same name is made: its maker means the column.
    """
    alternatives = () if own else claim.alternatives(name)
    if not alternatives:
        lacks = frozenset() if name in columns else frozenset({name})
        return Chosen(name, None, (), frozenset({name}), lacks)
    tried = [_tried(claim, name, way, columns) for way in range(1, len(alternatives) + 1)]
    return min(tried, key=lambda each: len(each.lacks))


def _tried(claim: Claim, name: str, way: int, columns: Collection[str]) -> Chosen:
    construct = claim.alternatives(name)[way - 1]
    word = VOCABULARY[construct.measure]
    parts = [choose(claim, part, columns, own=part == name) for part in listed(construct.of)]
    kept = [part for part in parts if not part.lacks]
    lacks = {column for column in reads(claim, construct) if column not in columns}
    if not word.some or len(kept) < word.least:
        lacks |= {column for part in parts for column in part.lacks}
        kept = parts
    behind = {column for part in kept for column in part.columns} | set(reads(claim, construct))
    parts_used = tuple(part.name for part in kept)
    return Chosen(name, construct, parts_used, frozenset(behind), frozenset(lacks), way)


def reads(claim: Claim, construct: Construct) -> tuple[str, ...]:
    """Columns that a construct needs besides those that it is `of`."""
    word = VOCABULARY[construct.measure]
    if construct.measure.startswith("cluster_") or construct.measure in ("share_in_panel", "from_panel"):
        return construct.by
    return (*_own_reads(construct), *((*CONTRACTS[claim.contract].keys,) if word.over_time else ()))


def _own_reads(construct: Construct) -> tuple[str, ...]:
    found = VOCABULARY[construct.measure].reads
    replaced = construct.measure == "location_quotient" and construct.of
    return found[:-1] if replaced else found


def ways(claim: Claim, name: str, columns: Collection[str], own: bool = False) -> list[frozenset[str]]:
    """What the columns lack for each way to make a name, the nearest first; one empty set if nothing."""
    alternatives = () if own else claim.alternatives(name)
    if not alternatives:
        return [frozenset() if name in columns else frozenset({name})]
    found: set[frozenset[str]] = set()
    for construct in alternatives:
        word = VOCABULARY[construct.measure]
        base = frozenset(column for column in reads(claim, construct) if column not in columns)
        parts = [ways(claim, part, columns, own=part == name) for part in listed(construct.of)]
        if word.some and parts:
            fewest = combinations(parts, word.least)
            found |= {base.union(*combined) for chosen in fewest for combined in product(*chosen)}
        else:
            found |= {base.union(*combined) for combined in product(*parts)}
    return sorted(found, key=lambda way: (len(way), sorted(way)))


def lacking(claim: Claim, name: str, columns: Collection[str]) -> str:
    """What would let a name be made, as words."""
    found = [" with ".join(sorted(way)) for way in ways(claim, name, columns)]
    return " or ".join(found[:_MOST_WAYS])


def every_column(claim: Claim, name: str, own: bool = False) -> frozenset[str]:
    """All columns that any way to make a name measures; keys are not measured."""
    alternatives = () if own else claim.alternatives(name)
    if not alternatives:
        return frozenset({name})
    found = {column for each in alternatives for column in _own_reads(each)}
    found |= {
        column
        for each in alternatives
        for part in listed(each.of)
        for column in every_column(claim, part, own=part == name)
    }
    return frozenset(found - set(CONTRACTS[claim.contract].keys))


def constructed(
    claim: Claim, names: Sequence[str], frame: pd.DataFrame, project: Project | None = None
) -> pd.DataFrame:
    """The panel with the constructs of some names, and their lineage. All of them must be makeable.

    One that needs what is not there, such as another panel, is missing everywhere; `attrs` says why.
    """
    keys = CONTRACTS[claim.contract].keys
    unit = tuple(name for name in keys if name != "year" and name in frame.columns)
    made, bare = frame.copy(), frame.copy(deep=False)
    bare.attrs = {}  # which pandas copies at every step
    own = set(frame.columns)
    absent: dict[str, str] = {}
    # A panel with further keys, such as ownership, has no single observation before.
    repeats = {"year", *unit} <= own and bool(frame.duplicated([*unit, "year"]).any())
    for name in in_order(claim, names, own):
        found = choose(claim, name, own)
        assert found.construct is not None
        parts = [made[part] if part in made.columns else bare[part] for part in found.parts]
        word = VOCABULARY[found.construct.measure]
        try:
            if word.over_time and repeats:
                raise MissingSourceError("several rows of a unit in one year")
            made[name] = word.make(parts, found.construct, Panel(bare, unit, project)).to_numpy()
        except MissingSourceError as error:
            made[name] = np.nan
            absent[name] = error.problem
        for part in found.parts:
            if part in absent:
                absent[name] = absent[part]
        measured = sorted(found.columns - set(keys)) or sorted(found.columns)
        made = record(made, name, *measured, like=frame)
    made.attrs[ABSENT] = absent
    return made


def in_order(claim: Claim, names: Sequence[str], columns: Collection[str]) -> Iterator[str]:
    """Constructs to make, those that others are made of first."""
    done: set[str] = set()

    def visit(name: str, own: bool = False) -> Iterator[str]:
        found = choose(claim, name, columns, own)
        if found.construct is None or name in done:
            return
        done.add(name)
        for part in found.parts:
            yield from visit(part, own=part == name)
        yield name

    for name in names:
        yield from visit(name)
