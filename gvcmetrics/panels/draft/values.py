"""Do the values of a raw column fit a panel column, and which words of a spec do they need?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from gvcmetrics.panels.codes import match_countries
from gvcmetrics.panels.contracts import ISIC4_DIVISIONS, Column
from gvcmetrics.panels.draft.columns import RawColumn

_YES, _NO = re.compile(r"(yes|s[ií]|true|sim)\b", re.I), re.compile(r"(no|n[aã]o|false)\b", re.I)
_DIVISIONS = frozenset(ISIC4_DIVISIONS)
_ALMOST_ALL = 0.99
_FEW_ROWS = 20


@dataclass(frozen=True)
class Fit:
    """The words that make the values fit, and what is doubtful about it ("" is nothing)."""

    words: dict[str, str] = field(default_factory=dict)
    doubt: str = ""


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
    if raw.present.empty:
        return None
    if column.type == "country":
        return _country(raw)
    if column.name == "industry":
        return _industry(raw)
    if column.type == "binary":
        return _binary(raw)
    if column.type == "text":
        return _text(raw, column, rows)
    if not raw.is_number:
        return None
    low, high = float(raw.numbers.min()), float(raw.numbers.max())
    if column.unit == "share":
        if low < 0 or high > 100 or (raw.distinct <= 2 and high <= 1):
            return None
        return Fit({"scale": "0.01"}) if high > 1 else Fit()
    if column.unit == "year":
        whole = bool((raw.numbers.dropna() % 1 == 0).all())
        return Fit() if whole and low >= 1500 and high <= 2100 else None
    if raw.distinct < 2 or (raw.distinct < 5 and rows > _FEW_ROWS) or low < (column.minimum or low):
        return None
    whole = bool((raw.numbers.dropna() % 1 == 0).all())
    if column.unit == "persons" and not whole:
        return Fit(doubt="persons in fractions: a mean, or thousands?")
    return Fit()


def _country(raw: RawColumn) -> Fit | None:
    spellings = [str(value) for value in raw.present.unique()]
    if raw.value_labels:
        spellings = [raw.value_labels.get(value, value) for value in spellings]
    found = match_countries(spellings)
    if len(found.codes) < 0.9 * len(spellings):
        return None
    unknown = ", ".join(sorted(found.unknown)[:5])
    doubt = f"no country: {unknown}; recode or correct" if unknown else ""
    return Fit({"by_label": "true"} if raw.value_labels else {}, doubt)


def _industry(raw: RawColumn) -> Fit | None:
    """Divisions of ISIC Rev.4; codes without the section's letter may be of an older revision."""
    cells, words = raw.present.astype(str), {}
    doubt = "ISIC Rev.4, or an older revision?"
    if cells.str.fullmatch("[A-U][0-9]{2,4}").all():
        divisions, words, doubt = cells.str[1:3], {"characters": "[2, 3]"}, ""
    elif cells.str.fullmatch("[0-9]{1,2}").all():
        divisions = cells.str.zfill(2)
        words = {"pad": "2"} if (cells.str.len() == 1).any() else {}
    elif cells.str.fullmatch("[0-9]{3,4}").all() and cells.str.len().nunique() == 1:
        divisions, words = cells.str[:2], {"characters": "[1, 2]"}
    else:
        return None
    if float(divisions.isin(_DIVISIONS).mean()) < _ALMOST_ALL:
        return None
    strange = sorted(set(divisions) - _DIVISIONS)
    return Fit(words, f"no divisions of ISIC Rev.4: {', '.join(strange)}" if strange else doubt)


def _binary(raw: RawColumn) -> Fit | None:
    values = sorted(raw.present.unique())
    if set(values) <= {"0", "1"}:
        return Fit() if len(values) == 2 or raw.label else None
    said = {value: raw.value_labels.get(value, value) for value in values}
    meant = {
        value: "1" if _YES.match(text) else "0" if _NO.match(text) else "" for value, text in said.items()
    }
    if "1" in meant.values() and len(values) <= 4:
        others = [f"{value} ({said[value]})" for value in values if not meant[value]]
        doubt = f"taken as no: {', '.join(others)}" if others else ""
        return Fit({"recode": _recode({value: code or "0" for value, code in meant.items()})}, doubt)
    if values == ["1", "2"]:
        return Fit({"recode": _recode({"1": "1", "2": "0"})}, "no labels: is 1 yes and 2 no?")
    return None


def _text(raw: RawColumn, column: Column, rows: int) -> Fit | None:
    if column.name in ("firm_id", "product"):
        fraction = raw.is_number and bool((raw.numbers.dropna() % 1 != 0).any())
        if fraction or len(raw.present) < len(raw.texts):
            return None
        if column.name == "product":
            return _product(raw)
        return Fit() if raw.distinct > rows / 60 else None
    if column.allowed:
        return Fit() if set(raw.present) <= set(column.allowed) else None
    if raw.distinct < 2 or (raw.distinct > rows / 2 and rows > _FEW_ROWS):
        return None
    return Fit({"by_label": "true"} if raw.value_labels else {})


def _product(raw: RawColumn) -> Fit | None:
    lengths = sorted(raw.present.str.len().unique())
    if not raw.present.str.fullmatch("[0-9]{2,10}").all():
        return None
    lost = len(lengths) == 2 and lengths[1] - lengths[0] == 1 and lengths[1] % 2 == 0
    if not lost:
        return Fit()
    return Fit({"pad": str(lengths[1])}, f"a leading zero seems lost in codes of {lengths[0]} digits")


def _recode(pairs: dict[str, str]) -> str:
    return (
        "{"
        + ", ".join(f"{json.dumps(old, ensure_ascii=False)}: {json.dumps(new)}" for old, new in pairs.items())
        + "}"
    )
