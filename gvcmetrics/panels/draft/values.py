"""Do the values of a raw column fit a panel column, and which words of a spec do they need?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import numpy as np

from gvcmetrics.panels.classifications import LISTED
from gvcmetrics.panels.codes import UNKNOWN, match_countries, no_country
from gvcmetrics.panels.contracts import ISIC4_DIVISIONS, Column
from gvcmetrics.panels.crosswalks.code_lists import is_listed
from gvcmetrics.panels.draft.columns import NO_ANSWER, RawColumn

_YES, _NO = re.compile(r"(yes|s[ií]|true|sim)\b", re.I), re.compile(r"(no|n[aã]o|false)\b", re.I)
_DIVISIONS = frozenset(ISIC4_DIVISIONS)
_ALMOST_ALL = 0.99
_FEW_ROWS = 20
# Answers such as 1 … 5 or 0 … 10 are scores; a share, an amount or a count of persons goes further.
_HIGHEST_SCORE = 10
_EARLIEST, _LATEST = 1900, 2100
_FIRST_FOUNDED = 1500
_MOST_YEARS = 60
_MOST_SURVEYS = 30
_LONG_NAME = 60
# Two digits up to here are of this century.
_CENTURY = 50


@dataclass(frozen=True)
class Fit:
    """The words that make the values fit, and what is doubtful about it ("" is nothing).

    Attributes
    ----------
    weak : do the values say so little that only the column's name can?
    """

    words: dict[str, str] = field(default_factory=dict)
    doubt: str = ""
    weak: bool = False


def quoted(text: str) -> str:
    """A scalar of YAML, in quotes where it would be read as something else."""
    plain = re.fullmatch(r"[^\W\d][\w.-]*", text) and text.casefold() not in ("true", "false", "null")
    return text if plain else json.dumps(text, ensure_ascii=False)


def fits(raw: RawColumn, column: Column, rows: int) -> Fit | None:
    """How the values of a raw column become those of a panel column; None where they cannot.

    Parameters
    ----------
    rows : how many rows of the file were read.
    """
    if not raw.filled:
        return None
    if column.type == "country":
        return _country(raw)
    if column.name == "industry":
        return _industry(raw)
    if column.type == "binary":
        return _binary(raw)
    if column.type == "text":
        return _text(raw, column, rows)
    if not raw.is_number or raw.is_named:
        return None
    if column.unit == "year":
        return _year(raw, column, rows)
    return _amount(raw, column, rows)


def _amount(raw: RawColumn, column: Column, rows: int) -> Fit | None:
    low, high = float(raw.numbers.min()), float(raw.numbers.max())
    is_score = raw.is_whole and 1 < high <= _HIGHEST_SCORE
    if column.unit == "share":
        if low < 0 or high > 100 or is_score or (raw.distinct <= 2 and high <= 1):
            return None
        return Fit({"scale": "0.01"}) if high > 1 else Fit()
    if column.maximum is not None and high > column.maximum:
        return None
    few = raw.distinct < 5 and rows > _FEW_ROWS
    if column.type == "integer" and column.maximum is not None and column.maximum <= _HIGHEST_SCORE:
        return Fit() if raw.is_whole and low >= (column.minimum or 0) and raw.distinct >= 2 else None
    if raw.distinct < 2 or few or low < (column.minimum if column.minimum is not None else low):
        return None
    if column.unit == "USD" and (is_score or (raw.is_whole and low >= _EARLIEST and high <= _LATEST)):
        return None
    if column.unit == "persons" and not raw.is_whole:
        return Fit(doubt="persons in fractions: a mean, or thousands?")
    if column.unit == "persons" and is_score and rows > _FEW_ROWS:
        return Fit(doubt=f"none above {high:g}: a class, a score, or cut off?")
    return Fit()


def _year(raw: RawColumn, column: Column, rows: int) -> Fit | None:
    low, high = float(raw.numbers.min()), float(raw.numbers.max())
    if not raw.is_whole:
        return None
    first = _EARLIEST if column.name == "year" else _FIRST_FOUNDED
    if first <= low and high <= _LATEST:
        many = column.name == "year" and raw.distinct > _MOST_YEARS
        return Fit(doubt=f"{raw.distinct} different years: those of a survey?" if many else "")
    if column.name != "year" or low < 0 or high > 99 or raw.distinct > _MOST_SURVEYS:
        return None
    century = {
        text: str(int(float(text)) + (2000 if float(text) < _CENTURY else 1900))
        for text in sorted(raw.answers, key=float)
    }
    return Fit({"recode": _recode(century)}, "years of two digits: are these the centuries?", weak=True)


def _country(raw: RawColumn) -> Fit | None:
    spellings = raw.answers
    if raw.value_labels:
        spellings = [raw.value_labels.get(value, value) for value in spellings]
    found = match_countries(spellings)
    if len(found.codes) < 0.9 * len(spellings):
        return None
    groups = [value for value in sorted(found.unknown) if no_country(value) != UNKNOWN]
    unknown = ", ".join([value for value in sorted(found.unknown) if value not in groups][:5])
    doubts = [f"no country: {unknown}; recode or correct"] if unknown else []
    named = ", ".join(groups[:5])
    doubts += [f"aggregates of countries: {named}; leave them out with `drop`"] if groups else []
    return Fit({"by_label": "true"} if raw.value_labels else {}, "; ".join(doubts))


def _industry(raw: RawColumn) -> Fit | None:
    """Divisions of ISIC Rev.4; codes without the section's letter may be of an older revision."""
    answers, words = raw.answers, {}
    doubt = "ISIC Rev.4, or an older revision?"
    if all(re.fullmatch("[A-U][0-9]{2,4}", text) for text in answers):
        divisions, words, doubt = [text[1:3] for text in answers], {"characters": "[2, 3]"}, ""
    elif all(re.fullmatch("[0-9]{1,2}", text) for text in answers):
        divisions = [text.zfill(2) for text in answers]
        words = {"pad": "2"} if any(len(text) == 1 for text in answers) else {}
    elif all(re.fullmatch("[0-9]{3,4}", text) for text in answers) and len({*map(len, answers)}) == 1:
        divisions, words = [text[:2] for text in answers], {"characters": "[1, 2]"}
    else:
        return None
    known = np.array([division in _DIVISIONS for division in divisions])
    if float(np.average(known, weights=raw.counts)) < _ALMOST_ALL:
        return None
    strange = sorted({division for division in divisions if division not in _DIVISIONS})
    if doubt:
        fitting = fitting_lists(answers, "ISIC")
        doubt = "" if fitting == ["ISIC4"] else f"{doubt} {_said_of(fitting)}"
    return Fit(words, f"no divisions of ISIC Rev.4: {', '.join(strange)}" if strange else doubt)


def _said_of(fitting: list[str]) -> str:
    return f"The codes are in the lists of {', '.join(fitting)}" if fitting else "No list has all codes"


def fitting_lists(codes: list[str], system: str) -> list[str]:
    """The classifications of a system that list all codes, or else those that list most, nearly all."""
    names = [name for name in LISTED if re.fullmatch(rf"{system}[0-9](\.[0-9])?", name)]
    shares = {name: sum(is_listed(code, name) for code in codes) / len(codes) for name in names}
    best = max(shares.values(), default=0.0)
    return [name for name, share in shares.items() if share == best and share >= 0.95]


def _binary(raw: RawColumn) -> Fit | None:
    values = sorted(raw.answers)
    if set(values) <= {"0", "1"}:
        if _NO.match(raw.value_labels.get("1", "")):
            return None
        return Fit() if len(values) == 2 or raw.label else None
    said = {value: raw.value_labels.get(value, value) for value in values}
    meant = {
        value: "1" if _YES.match(text) else "0" if _NO.match(text) else "" for value, text in said.items()
    }
    silent = {value for value, text in said.items() if NO_ANSWER.search(text) and len(values) <= 6}
    rest = [value for value in values if value not in silent]
    if "1" in meant.values() and len(rest) <= 4:
        others = [f"{value} ({said[value]})" for value in rest if not meant[value]]
        doubt = f"taken as no: {', '.join(others)}" if others else ""
        codes = {value: "null" if value in silent else code or "0" for value, code in meant.items()}
        return Fit({"recode": _recode(codes)}, doubt)
    if values == ["1", "2"]:
        return Fit({"recode": _recode({"1": "1", "2": "0"})}, "no labels: is 1 yes and 2 no?")
    return None


def _text(raw: RawColumn, column: Column, rows: int) -> Fit | None:
    fraction = raw.is_number and not raw.is_whole
    if fraction:
        return None
    if column.name in ("firm_id", "product"):
        if raw.filled < raw.rows:
            return None
        if column.name == "product":
            return _product(raw)
        return Fit() if raw.distinct > rows / 60 else None
    if column.allowed:
        return Fit() if set(raw.answers) <= set(column.allowed) else None
    if raw.distinct < 2 or (raw.distinct > rows / 2 and rows > _FEW_ROWS):
        return None
    words = {"by_label": "true"} if raw.value_labels else {}
    if column.name != "region":
        return Fit(words)
    said = [raw.value_labels.get(text, text) for text in raw.answers]
    if any(_YES.fullmatch(text) or _NO.fullmatch(text) for text in said):
        return None
    if float(np.mean([len(text) for text in said])) > _LONG_NAME:
        return None
    return Fit(words) if raw.distinct > 2 else Fit(words, "two values: a region?", weak=True)


def _product(raw: RawColumn) -> Fit | None:
    answers = raw.answers
    lengths = sorted({*map(len, answers)})
    if not all(re.fullmatch("[0-9]{2,10}", text) for text in answers):
        return None
    lost = len(lengths) == 2 and lengths[1] - lengths[0] == 1 and lengths[1] % 2 == 0
    if not lost:
        return Fit()
    return Fit({"pad": str(lengths[1])}, f"a leading zero seems lost in codes of {lengths[0]} digits")


def _recode(pairs: dict[str, str]) -> str:
    said = {old: new if new == "null" else json.dumps(new) for old, new in pairs.items()}
    return "{" + ", ".join(f"{json.dumps(old, ensure_ascii=False)}: {new}" for old, new in said.items()) + "}"
