"""Constructs made from a panel's columns by the words of the vocabulary.

A construct is made where the panel has its columns. Of alternatives the first that can be made is used, and
which one that was stands beside every result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd

from gvcmetrics.claims.claim import Claim, Construct, listed
from gvcmetrics.claims.vocabulary import VOCABULARY, Panel
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.lineage import record
from gvcmetrics.panels.contracts import CONTRACTS
from gvcmetrics.panels.project import Project

_MOST_WAYS = 4
ABSENT = "absent"
"""Where a frame of constructs says which could not be made although it has their columns, and why."""


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
