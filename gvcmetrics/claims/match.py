"""What a panel can answer, and what it lacks: columns first, then what is in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvcmetrics.claims.claim import Claim, Equation, Rule, Target, describe, listed
from gvcmetrics.claims.construct import Chosen, choose, in_order, lacking
from gvcmetrics.panels.contracts import CONTRACTS

_BINARY = ("logit", "probit", "joint_probit")
LEAST_CELL = 5
"""Rows with, and without, the outcome at each value of a 0/1 regressor."""
EVENTS_PER_PARAMETER = 5
"""Of the rarer outcome (Vittinghoff and McCulloch 2007); rows, where the outcome is a number."""
_MOST_MISSING = 0.2
_FEW_VALUES = 8


@dataclass(frozen=True)
class Match:
    """A claim held against the columns of a panel.

    Attributes
    ----------
    rules : those that the columns allow. lacks : what stands in the way of the claim, in words.
    wanted : columns that would let the panel answer (more of) it.
    chosen : how each construct is made, those that others are made of among them.
    """

    claim: Claim
    rules: tuple[Rule, ...]
    lacks: tuple[str, ...]
    wanted: tuple[str, ...]
    chosen: dict[str, Chosen]

    @property
    def answers(self) -> bool:
        """Whether the columns allow an answer."""
        return not self.lacks

    def measured_by(self) -> str:
        """How the constructs were made, as words."""
        said = []
        for name, found in self.chosen.items():
            assert found.construct is not None
            made = f"{name}: {found.construct.measure} of {', '.join(found.parts or sorted(found.columns))}"
            said.append(f"{made} ({found.construct.meaning})" if found.construct.meaning else made)
        return "; ".join(said)

    def ways(self) -> str:
        """Which alternative of each construct was used; estimates are of one thing where these agree."""
        several = [name for name in self.chosen if len(self.claim.alternatives(name)) > 1]
        return ", ".join(f"{name} {self.chosen[name].way}" for name in sorted(several))


def match(claim: Claim, contract: str | None, columns: Collection[str]) -> Match:
    """Which rules of a claim a panel's columns allow, and what they lack.

    Parameters
    ----------
    contract : of the panel; None where it is not known, as of a frame in memory.
    columns : the names of its columns.
    """
    if contract is not None and contract != claim.contract:
        return Match(claim, (), (f"a {claim.contract} panel",), (), {})
    rules: list[Rule] = []
    missing: set[str] = set()
    wanted: set[str] = set()
    for rule in claim.expect:
        found = {name: choose(claim, name, columns) for name in names_of(claim, rule)}
        absent = {lacking(claim, name, columns) for name, each in found.items() if each.lacks}
        wanted |= absent
        if absent:
            missing |= set() if rule.where_present else absent
            continue
        rules.append(rule)
    keys = {key for key in CONTRACTS[claim.contract].keys if key not in columns} - {"country", "year"}
    lacks = tuple(sorted(missing | (keys if rules else set())))
    if not rules and not lacks:
        lacks = tuple(sorted(wanted))
    used = [name for rule in rules for name in names_of(claim, rule)]
    chosen = {name: choose(claim, name, columns) for name in in_order(claim, used, columns)}
    return Match(claim, tuple(rules), lacks, tuple(sorted(wanted)), chosen)


def names_of(claim: Claim, rule: Rule) -> list[str]:
    """All constructs and columns that a rule's equations cannot do without."""
    names: list[str] = []
    for target in (rule, rule.less):
        if target is not None:
            equation, of = _equation_of(claim, target)
            names += [*listed(equation.outcome), *equation.given, *of]
    return list(dict.fromkeys(part for name in names for part in name.split(":")))


def _equation_of(claim: Claim, target: Target) -> tuple[Equation, tuple[str, ...]]:
    equation, _, of = claim.target(target)
    return equation, of


def unknown(claim: Claim, rule: Rule, made: pd.DataFrame, most: float = 0.5) -> list[str]:
    """Regressors of a rule that more rows than a share `most` do not know, or that do not vary."""
    names = [
        part
        for target in (rule, rule.less)
        if target
        for name in claim.target(target)[2]
        for part in name.split(":")
    ]
    return [
        name for name in dict.fromkeys(names) if made[name].isna().mean() > most or made[name].nunique() < 2
    ]


def rows_for(equation: Equation, regressors: Sequence[str], frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in which nothing that the equation needs is missing."""
    names = [
        part for term in (*listed(equation.outcome), *regressors, *equation.given) for part in term.split(":")
    ]
    return frame.replace([np.inf, -np.inf], np.nan).dropna(subset=list(dict.fromkeys(names)))


def usable_controls(claim: Claim, equation: Equation, frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Controls that there are, vary and are seldom missing; and the others, with the reason."""
    used, left = [], []
    for name in equation.controls:
        if name not in frame.columns:
            left.append(f"{name} (absent)")
        elif frame[name].isna().mean() > _MOST_MISSING:
            left.append(f"{name} ({frame[name].isna().mean():.0%} missing)")
        elif frame[name].nunique() < 2:
            left.append(f"{name} (does not vary)")
        else:
            used.append(name)
    return used, left


def shortfalls(equation: Equation, regressors: Sequence[str], rows: pd.DataFrame) -> list[str]:
    """What the rows lack for the equation: variation, cells, events per parameter."""
    if rows.empty:
        return ["rows in which nothing is missing"]
    found = []
    outcomes, terms = (
        listed(equation.outcome),
        list(dict.fromkeys(p for t in regressors for p in t.split(":"))),
    )
    for name in (*outcomes, *terms):
        if rows[name].nunique() < 2:
            found.append(f"variation in {name}")
    if found or equation.model == "share":
        return found
    if equation.model in _BINARY or equation.model == "multinomial_logit":
        found += [
            said for outcome in outcomes for term in terms for said in _empty_cells(rows, term, outcome)
        ]
        rarest = min(int(rows[outcome].value_counts().min()) for outcome in outcomes)
    else:
        rarest = len(rows)
    for pair in (term.split(":") for term in regressors if ":" in term):
        found += _empty_cells(rows, pair[0], pair[1])
    parameters = sum(_columns_of(rows, term) for term in dict.fromkeys([*regressors, *terms])) + len(
        equation.given
    )
    if rarest < EVENTS_PER_PARAMETER * max(parameters, 1):
        needed = EVENTS_PER_PARAMETER * parameters
        found.append(f"events: {rarest} of the rarer outcome, {needed} needed for {parameters} parameters")
    return found


def _empty_cells(rows: pd.DataFrame, first: str, second: str) -> list[str]:
    """Combinations of two things of few values that few rows have."""
    if max(rows[first].nunique(), rows[second].nunique()) > _FEW_VALUES:
        return []
    counts = pd.crosstab(rows[first], rows[second])
    if counts.to_numpy().min() >= LEAST_CELL:
        return []
    row, column = divmod(int(counts.to_numpy().argmin()), counts.shape[1])
    where = f"{first} = {counts.index[row]} and {second} = {counts.columns[column]}"
    return [f"cells: {counts.to_numpy().min()} rows with {where}, {LEAST_CELL} needed"]


def _columns_of(rows: pd.DataFrame, term: str) -> int:
    """Coefficients of a term."""
    total = 1
    for part in term.split(":"):
        numeric = pd.api.types.is_numeric_dtype(rows[part])
        total *= 1 if numeric else max(rows[part].nunique() - 1, 1)
    return total


def needs(claim: Claim) -> str:
    """What a panel must have for the claim, as words."""
    required = [rule for rule in claim.expect if not rule.where_present] or list(claim.expect)
    names = dict.fromkeys(name for rule in required for name in names_of(claim, rule))
    columns = dict.fromkeys(lacking(claim, name, ()) for name in names)
    return f"a {claim.contract} panel with {'; '.join(columns)}"


def said(found: Match) -> str:
    """A match as one line for whoever asks what a panel can answer."""
    if found.lacks:
        return f"lacks {'; '.join(found.lacks)}"
    parts = len(found.claim.expect) - len(found.rules)
    rest = f"; with {'; '.join(found.wanted)} it answers {parts} more of its rules" if found.wanted else ""
    return f"{len(found.rules)} rules: {'; '.join(describe(found.claim, rule) for rule in found.rules)}{rest}"
