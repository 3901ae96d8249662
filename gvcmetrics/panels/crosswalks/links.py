"""Crosswalks between product and industry classifications, with explicit weights.

    crosswalk("HS5", "HS0").links      the links and their weights; `convert.py` applies them

Classifications: HS0–HS6 (1988/92, 1996, 2002, 2007, 2012, 2017, 2022) and HS (all revisions in one),
SITC2, SITC3, ISIC2, ISIC3, ISIC3.1, ISIC4, NACE2, BEC4, WIOD2013 (industries c1–c35), WIOD2016,
FIGARO, ICIO2021, ICIO2023, WIOD_LONGRUN and EORA26 (groups of divisions of ISIC). Where no
table joins two of them, the shortest route over others is taken; `Crosswalk.route` names it.

Weights. A code that has several targets is split: in equal parts, or in proportion to a value of each
target (trade, output) that the caller gives. Links are equal at every step of a route; along it
weights multiply. A code above the finest level (ISIC division 15, HS chapter 02) is first split
equally over the finest codes that the table has below it. What has no target keeps its weight with a
missing target, so that the weights of every source code sum to 1 and no value is lost.

The tables are those of the United Nations Statistics Division and the World Bank's WITS. They are
directed, mostly from a later revision to an earlier one; against that direction a link is read
backwards, and most codes split. NACE Rev.2 and ISIC Rev.4 have the same sections and divisions
(two digits). NACE classes (four digits) do not nest in ISIC classes by their number, so NACE2 codes
are read at their division. Dots and blanks in codes are ignored.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.panels.classifications import CLASSIFICATIONS, files_between, route_between
from gvcmetrics.panels.crosswalks import tables


@dataclass(frozen=True)
class Crosswalk:
    """Links from the codes of one classification, at every level, to those of another.

    Attributes
    ----------
    route : the classifications on the way, both ends included.
    files : the tables used, in that order.
    links : `source`, `target` (missing where there is none), `weight`; weights sum to 1 by source.
    """

    source: str
    target: str
    route: tuple[str, ...]
    files: tuple[str, ...]
    links: pd.DataFrame


def crosswalk(
    source: str, target: str, digits: int | None = None, weights: pd.Series | None = None
) -> Crosswalk:
    """The weighted links between two classifications.

    Parameters
    ----------
    source, target : names of classifications, such as `"HS5"` and `"ISIC3"`.
    digits : level of the target codes; the finest by default (ISIC: four digits; 1 is the section).
    weights : value of each target code, indexed by it. A code's weight goes to its targets in
        proportion; where none of them has a positive value, its weights stay equal. Without, all do.

    Raises
    ------
    DataError : an unknown classification, no route between the two, no such level, or weights that are
        negative or repeated.
    MissingSourceError : a table of the route is not on this machine; the remedy says how to get it.
    """
    for name in (source, target):
        if name not in CLASSIFICATIONS:
            remedy = f"Classifications: {', '.join(CLASSIFICATIONS)}"
            raise DataError(f"there is no classification '{name}'", remedy=remedy)
    found = _equal_links(source, target, digits, tables.folder(files_between(source, target)))
    if weights is None:
        return found
    return Crosswalk(source, target, found.route, found.files, _reweighted(found.links, weights))


def links_for(spelled: pd.Series, found: Crosswalk, parents: bool = False) -> pd.DataFrame:
    """The links of the codes as a frame spells them: `code` is their place in `spelled`.

    With `parents`, a code that is not known is taken at the level above it, one or two digits shorter.
    """
    plain = spelled.str.replace(r"[.\s]", "", regex=True)
    if found.source == "NACE2":
        plain = plain.str[:2]
    own = plain
    for shorter in (1, 2) if parents else ():
        above = own.str[:-shorter].where(own.str.len() - shorter >= 2, own)
        known = set(found.links["source"])
        plain = above.where(~plain.isin(known) & above.isin(known), plain)
    named = pd.DataFrame(
        {"spelling": spelled, "source": plain, "code": np.arange(len(spelled)), "by_parent": plain != own}
    )
    links = named.merge(found.links, on="source", how="left").sort_values("code", kind="stable")
    links["known"] = links["weight"].notna()
    links["weight"] = links["weight"].fillna(1.0)
    return links.reset_index(drop=True)


@cache
def _equal_links(source: str, target: str, digits: int | None, where: Path) -> Crosswalk:
    if source == "NACE2" or target == "NACE2":
        return _nace(source, target, digits, where)
    route = route_between(source, target)
    links: pd.DataFrame | None = None
    files = []
    for start, end in itertools.pairwise(route):
        from_codes, to_codes, file = tables.levels(start, end, where)
        reached = _level(to_codes, end, digits) if end == target else to_codes.iloc[:, 0]
        links = _step(from_codes, reached) if links is None else _compose(links, from_codes, reached)
        files.append(file)
    assert links is not None
    return Crosswalk(source, target, route, tuple(files), links)


def _nace(source: str, target: str, digits: int | None, where: Path) -> Crosswalk:
    """NACE Rev.2 is ISIC Rev.4 down to the division."""
    if target == "NACE2" and digits not in (None, 1, 2):
        raise DataError("NACE Rev.2 follows from ISIC Rev.4 down to two digits", remedy="Ask for digits=2")
    if {source, target} == {"NACE2", "ISIC4"}:
        if digits not in (None, 1, 2):
            raise DataError(
                "NACE Rev.2 and ISIC Rev.4 are the same down to two digits", remedy="Ask for digits=2"
            )
        codes, _, file = tables.levels("ISIC4", "ISIC3", where)
        links = _step(codes, codes[f"ISIC4_{digits or 2}d"])
        found = Crosswalk(source, target, (source, target), (file,), links)
    elif source == "NACE2":
        inner = _equal_links("ISIC4", target, digits, where)
        found = Crosswalk(source, target, ("NACE2", *inner.route), inner.files, inner.links)
    else:
        inner = _equal_links(source, "ISIC4", digits or 2, where)
        return Crosswalk(source, target, (*inner.route, "NACE2"), inner.files, inner.links)
    if source != "NACE2":
        return found
    upper = found.links[found.links["source"].str.len() <= 2].reset_index(drop=True)
    return replace(found, links=upper)


def _level(codes: pd.DataFrame, classification: str, digits: int | None) -> pd.Series:
    if digits is None:
        return codes.iloc[:, 0]
    name = f"{classification}_{digits}d"
    if name not in codes:
        known = ", ".join(str(column).split("_")[1][:-1] for column in codes if "_" in str(column))
        raise DataError(
            f"{classification} has no level of {digits} digits here",
            remedy=f"Levels: {known}" if known else "Leave `digits` out",
        )
    return codes[name]


def _step(from_codes: pd.DataFrame, to_codes: pd.Series) -> pd.DataFrame:
    """The links of one table from every level of its source."""
    finest = from_codes.columns[0]
    pairs = pd.DataFrame({"finest": from_codes[finest], "target": to_codes})
    pairs = pairs.dropna(subset="finest").drop_duplicates()
    # A blank target beside others is a gap of the file, not a destination.
    named = pairs["target"].notna().groupby(pairs["finest"]).transform("any")
    pairs = pairs[pairs["target"].notna() | ~named]
    pairs["weight"] = 1 / pairs.groupby("finest")["finest"].transform("size")
    steps = [pairs.rename(columns={"finest": "source"})]
    for level in from_codes.columns[1:]:
        below = from_codes[[level, finest]].dropna().drop_duplicates().set_axis(["source", "finest"], axis=1)
        below["share"] = 1 / below.groupby("source")["source"].transform("size")
        coarse = below.merge(pairs, on="finest")
        steps.append(_gathered(coarse.assign(weight=coarse["share"] * coarse["weight"])))
    return pd.concat(steps, ignore_index=True)


def _compose(links: pd.DataFrame, from_codes: pd.DataFrame, to_codes: pd.Series) -> pd.DataFrame:
    """Links to the source of the next table, carried on to its target."""
    step = _step(from_codes.iloc[:, :1], to_codes).rename(columns={"source": "middle", "weight": "share"})
    joined = links.rename(columns={"target": "middle"}).merge(step, on="middle", how="left")
    return _gathered(joined.assign(weight=joined["weight"] * joined["share"].fillna(1.0)))


def _gathered(links: pd.DataFrame) -> pd.DataFrame:
    return links.groupby(["source", "target"], dropna=False)["weight"].sum().reset_index()


def _reweighted(links: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    if not values.index.is_unique:
        raise DataError("a target code has several weights", remedy="Sum `weights` by target code")
    if (values < 0).any():
        raise DataError(
            "a weight is negative", remedy="Give `weights` as trade, output or other positive values"
        )
    value = links["target"].map(values).astype(float).where(links["target"].notna()).fillna(0.0)
    by_source = links["source"]
    total = value.groupby(by_source).transform("sum")
    reached = links["weight"].where(links["target"].notna(), 0.0).groupby(by_source).transform("sum")
    changed = (total > 0) & links["target"].notna()
    share = np.where(changed, reached * value / total.where(total > 0, 1.0), links["weight"])
    return links.assign(weight=share)
