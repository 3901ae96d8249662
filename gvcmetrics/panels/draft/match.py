"""Which raw column is which panel column: by name, by label, by values, and by columns made from it.

Scores are rules, not learned: the same file gives the same proposals on every machine. A proposal is sure
only where the name says nothing but the panel column, or another column was made from it, and the values fit;
what rests on a label, on part of a name or on one of several candidates is for a person to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gvcmetrics.panels.contracts import Column, Contract
from gvcmetrics.panels.draft.columns import RawColumn
from gvcmetrics.panels.draft.values import Fit, fits
from gvcmetrics.panels.draft.words import (
    Clues,
    clue_score,
    columns_told,
    multiple,
    names_alone,
    plain_words,
    says_mean,
    speaks_of_a_part,
    without_mean,
)

POSSIBLE = 0.4
_EXACT = 2.0
_IN_NAME, _IN_LABEL = 0.2, 0.06
_ENOUGH = 10
_RIVALS = 4
_FIRST_ROWS = 200
# Columns of which more than so many could be meant are looked for among these only.
_MOST_TOLD = 3
# Levels of one classification, as ciiu2 and ciiu3, are told apart by a digit.
_WITH_LEVELS = ("industry", "product")


@dataclass(frozen=True)
class Proposal:
    """A panel column, the raw column proposed for it, and why.

    Attributes
    ----------
    by_label : its label says it, rather than what `why` tells.
    added : type, unit and label of a column that no contract has.
    rivals : other raw columns that could be meant.
    """

    column: Column
    raw: RawColumn
    words: dict[str, str]
    why: str
    sure: bool
    doubt: str = ""
    by_label: bool = False
    added: dict[str, str] = field(default_factory=dict)
    rivals: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.column.name


@dataclass(frozen=True)
class _Match:
    score: float
    raw: RawColumn
    fit: Fit
    why: str
    sure: bool
    by_label: bool = False


def propose(
    raws: Iterable[RawColumn], clues: Mapping[str, Clues], contract: Contract, rows: int
) -> list[Proposal]:
    """The best raw column of each panel column, in the order of `clues`; each raw column is used once."""
    raws = list(raws)
    matches: dict[str, list[_Match]] = {}
    columns = {name: contract.columns.get(name) or _added(name, words) for name, words in clues.items()}
    told: dict[str, list[RawColumn]] = {name: [] for name in clues}
    for raw in raws:
        for name in columns_told(clues, raw.name.replace("{year}", ""), raw.label):
            told[name].append(raw)
    for name, words in clues.items():
        column = columns[name]
        found = [match for raw in told[name] if (match := _match(raw, words, column, rows))]
        found += _twins(told[name], raws, words, column, rows)
        matches[name] = sorted(found, key=lambda match: -match.score)
    chosen: dict[str, _Match] = {}
    used: set[str] = set()
    place = {name: at for at, name in enumerate(clues)}
    ranked = sorted(
        ((match.score, name, match) for name, found in matches.items() for match in found),
        key=lambda item: (-item[0], place[item[1]]),
    )
    for _, name, match in ranked:
        if name not in chosen and match.raw.name not in used:
            chosen[name] = match
            used.add(match.raw.name)
    return [
        _proposal(columns[name], chosen[name], matches[name], clues[name], used)
        for name in clues
        if name in chosen
    ]


def is_exact(raw: RawColumn, name: str) -> bool:
    """Is a raw column called as the panel column is?"""
    return plain_words(raw.name.replace("{year}", "")) == plain_words(name)


def _added(name: str, words: Clues) -> Column:
    minimum = words.added.get("minimum")
    return Column(
        name,
        words.added["type"],  # type: ignore[arg-type]
        words.added["unit"],
        words.added["label"],
        None if minimum is None else float(minimum),
        fixed=words.fixed,
    )


def _match(raw: RawColumn, words: Clues, column: Column, rows: int) -> _Match | None:
    name = raw.name.replace("{year}", "")
    if column.unit == "USD" and speaks_of_a_part(name, raw.label):
        return None
    exact = is_exact(raw, column.name)
    by_name = _EXACT if exact else clue_score(words, name, _IN_NAME)
    by_label = clue_score(words, raw.label, _IN_LABEL) if raw.label else 0.0
    score = max(by_name, by_label)
    if score < POSSIBLE or (fit := fits(raw, column, rows)) is None:
        return None
    told = re.sub("[0-9]+$", "", name) if column.name in _WITH_LEVELS else name
    alone = exact or names_alone(words, told)
    if fit.weak and not alone:
        return None
    score += 0.1 if score < 1 and min(by_name, by_label) >= POSSIBLE else 0
    if raw.years:
        score += 0.05
    elif says_mean(raw.name):
        score -= 0.3
        fit = replace(fit, doubt=fit.doubt or "a mean, so its name says")
    if column.name == "firm_id" and raw.distinct == rows:
        score += 0.2
    # Of several levels of one classification, the coarsest that still fits.
    if column.name == "industry":
        score -= 0.01 * float(np.average([len(text) for text in raw.answers], weights=raw.counts))
    return _Match(score, raw, fit, "by its name", alone, not exact and by_label >= by_name)


def _twins(
    named: list[RawColumn], raws: list[RawColumn], words: Clues, column: Column, rows: int
) -> list[_Match]:
    """Columns without a telling name, of which a column with one was made: its mean, or its 0/1."""
    told = [
        raw
        for raw in named
        if not raw.years and clue_score(words, raw.name, _IN_NAME) >= POSSIBLE and raw.is_number
    ]
    found = []
    for made in [raw for raw in told if says_mean(raw.name)][:_MOST_TOLD]:
        for raw in raws:
            if raw.years and _is_mean(made, raw) and (fit := fits(raw, column, rows)) is not None:
                why = f"“{made.name}” is its mean over the years"
                found.append(_Match(0.95, raw, fit, why, names_alone(words, without_mean(made.name))))
    for made in [raw for raw in told if column.unit == "share" and raw.distinct == 2][:_MOST_TOLD]:
        for raw in raws:
            limit = _threshold(made, raw)
            if limit is not None and (fit := fits(raw, column, rows)) is not None:
                why = f"“{made.name}” is 1 where it is at least {limit:g}, 0 below"
                found.append(_Match(0.6, raw, fit, why, False))
    return found


def _is_mean(told: RawColumn, raw: RawColumn) -> bool:
    if not raw.is_number:
        return False
    mean = raw.by_row.reshape(len(raw.years), -1).mean(axis=0)
    known = np.isfinite(mean) & np.isfinite(told.by_row)
    if known.sum() < _ENOUGH or len(np.unique(mean[known])) < _ENOUGH:
        return False
    near = np.isclose(told.by_row[known], mean[known], rtol=1e-5, atol=1e-9)
    return bool(near.mean() > 0.99)


def _without_digits(name: str) -> str:
    return re.sub("[0-9]", "", name)


def _threshold(told: RawColumn, raw: RawColumn) -> float | None:
    """The value of `raw` from which on `told` is 1, if there is one that parts all rows."""
    if raw.years or raw.distinct < 5 or not raw.is_number or set(told.numbers) != {0.0, 1.0}:
        return None
    is_one, is_zero = told.by_row == 1, told.by_row == 0
    values = raw.by_row
    for rows in (slice(0, _FIRST_ROWS), slice(None)):
        ones, zeros = values[rows][is_one[rows]], values[rows][is_zero[rows]]
        ones, zeros = ones[np.isfinite(ones)], zeros[np.isfinite(zeros)]
        if len(ones) and len(zeros) and ones.min() <= zeros.max():
            return None
    return float(ones.min()) if min(len(ones), len(zeros)) >= _ENOUGH else None


def _proposal(column: Column, match: _Match, found: list[_Match], clues: Clues, used: set[str]) -> Proposal:
    levels = column.name in _WITH_LEVELS
    rivals = [
        other.raw.name
        for other in found
        if other.raw.name not in used
        and other.score >= match.score - 0.1
        and not (levels and _without_digits(other.raw.name) == _without_digits(match.raw.name))
    ]
    raw = match.raw
    words, doubt = match.fit.words, match.fit.doubt
    counted = multiple(raw.name, raw.label) if column.unit == "USD" else 1
    if counted > 1 and "scale" not in words:
        words = {**words, "scale": str(counted)}
        doubt = "; ".join(filter(None, (doubt, f"counted in {counted:,}, so its words say")))
    return Proposal(
        column,
        raw,
        words,
        match.why,
        match.sure and not doubt and not rivals,
        doubt,
        match.by_label,
        clues.added,
        tuple(dict.fromkeys(rivals))[:_RIVALS],
    )
