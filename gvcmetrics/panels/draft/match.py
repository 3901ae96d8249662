"""Which raw column is which panel column: by name, by label, by values, and by columns made from it.

Scores are rules, not learned: the same file gives the same proposals on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gvcmetrics.panels.contracts import Column, Contract
from gvcmetrics.panels.draft.columns import RawColumn
from gvcmetrics.panels.draft.values import Fit, fits
from gvcmetrics.panels.draft.words import Clues, clue_score, says_mean

SURE, POSSIBLE = 0.75, 0.4
_IN_NAME, _IN_LABEL = 0.2, 0.06
_ENOUGH = 10
_RIVALS = 4


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
    by_label: bool = False


def propose(
    raws: Iterable[RawColumn], clues: Mapping[str, Clues], contract: Contract, rows: int
) -> list[Proposal]:
    """The best raw column of each panel column, in the order of `clues`; each raw column is used once."""
    raws = list(raws)
    matches: dict[str, list[_Match]] = {}
    columns = {name: contract.columns.get(name) or _added(name, words) for name, words in clues.items()}
    for name, words in clues.items():
        column = columns[name]
        found = [match for raw in raws if (match := _match(raw, words, column, rows))]
        found += _twins(raws, words, column, rows)
        matches[name] = sorted(found, key=lambda match: -match.score)
    chosen: dict[str, _Match] = {}
    used: set[str] = set()
    ranked = sorted(
        ((match.score, name, match) for name, found in matches.items() for match in found),
        key=lambda item: (-item[0], list(clues).index(item[1])),
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
    by_name = clue_score(words, raw.name.replace("{year}", ""), _IN_NAME)
    by_label = clue_score(words, raw.label, _IN_LABEL)
    score = min(1.0, max(by_name, by_label) + (0.1 if min(by_name, by_label) >= POSSIBLE else 0))
    if score < POSSIBLE or raw.present.empty or (fit := fits(raw, column, rows)) is None:
        return None
    if raw.years:
        score += 0.05
    elif says_mean(raw.name):
        score -= 0.3
        fit = replace(fit, doubt=fit.doubt or "a mean, so its name says")
    if column.name == "firm_id" and raw.distinct == rows:
        score = min(1.0, score + 0.2)
    # Of several levels of one classification, the coarsest that still fits.
    if column.name == "industry":
        score -= 0.01 * float(raw.present.str.len().mean())
    return _Match(score, raw, fit, "by its name", by_label >= by_name)


def _twins(raws: list[RawColumn], words: Clues, column: Column, rows: int) -> list[_Match]:
    """Columns without a telling name, of which a column with one was made: its mean, or its 0/1."""
    found = []
    for told in raws:
        if told.years or not told.is_number or clue_score(words, told.name, _IN_NAME) < POSSIBLE:
            continue
        is_mean = says_mean(told.name)
        for raw in raws:
            limit = _threshold(told, raw) if column.unit == "share" else None
            if raw.years and is_mean and _is_mean(told, raw):
                score, why = 0.95, f"“{told.name}” is its mean over the years"
            elif limit is not None:
                score, why = 0.6, f"“{told.name}” is 1 where it is at least {limit:g}, 0 below"
            else:
                continue
            if (fit := fits(raw, column, rows)) is not None:
                found.append(_Match(score, raw, fit, why))
    return found


def _is_mean(told: RawColumn, raw: RawColumn) -> bool:
    wide = raw.numbers.to_numpy(float).reshape(len(raw.years), -1)
    mean = wide.mean(axis=0)
    known = np.isfinite(mean) & told.numbers.notna().to_numpy()
    if known.sum() < _ENOUGH or len(np.unique(mean[known])) < _ENOUGH:
        return False
    near = np.isclose(told.numbers.to_numpy(float)[known], mean[known], rtol=1e-5, atol=1e-9)
    return bool(near.mean() > 0.99)


def _without_digits(name: str) -> str:
    """Levels of one classification, as ciiu2 and ciiu3, are no rivals."""
    return re.sub("[0-9]", "", name)


def _threshold(told: RawColumn, raw: RawColumn) -> float | None:
    """The value of `raw` from which on `told` is 1, if there is one that parts all rows."""
    if told.distinct != 2 or raw.years or not raw.is_number or raw.distinct < 5:
        return None
    if set(told.present.unique()) != {"0", "1"}:
        return None
    one = raw.numbers[told.texts == "1"].dropna()
    zero = raw.numbers[told.texts == "0"].dropna()
    if min(len(one), len(zero)) < _ENOUGH or one.min() <= zero.max():
        return None
    return float(one.min())


def _proposal(column: Column, match: _Match, found: list[_Match], clues: Clues, used: set[str]) -> Proposal:
    rivals = [
        other.raw.name
        for other in found
        if other.raw.name not in used
        and other.score >= match.score - 0.1
        and _without_digits(other.raw.name) != _without_digits(match.raw.name)
    ]
    raw = match.raw
    sure = match.score >= SURE and not match.fit.doubt and not rivals
    return Proposal(
        column,
        raw,
        match.fit.words,
        match.why,
        sure,
        match.fit.doubt,
        match.by_label,
        clues.added,
        tuple(dict.fromkeys(rivals))[:_RIVALS],
    )
