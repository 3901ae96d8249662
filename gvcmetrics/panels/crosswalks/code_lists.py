"""The codes of each classification of products and industries.

The table `code_lists.csv` beside this module holds, of HS, the subheadings of all revisions, of ISIC the
classes, of SITC the groups of three digits: the finest level of which each list is complete. A code of a
higher level is the beginning of one; a longer code is one if it begins with one, as the lines of a customs
tariff begin with a subheading and the headings of SITC with a group. Where a source has no place for a thing,
it uses the chapters 98 and 99 of HS, which every revision leaves to its users.

Source
------
United Nations Statistics Division; the tables of the catalogue's `concordances`.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from gvcmetrics.panels.classifications import HS_YEARS

_OWN_USE = ("98", "99")
# Sections of ISIC are letters; only its second revision had divisions of one digit above those of two.
_LEVELS = {"HS": (2, 4, 6), "SITC": (1, 2, 3), "ISIC": (2, 3, 4), "ISIC2": (1, 2, 3, 4)}
# Codes longer than the list: a line of a national tariff has 8 to 12 digits, a heading of SITC up to five.
_LONGER = {"HS": (8, 10, 12), "SITC": (4, 5), "ISIC": ()}


@cache
def codes_of(classification: str) -> frozenset[str]:
    """The codes of a classification of `LISTED`, or of HS by its year, of every level of its list.

    Raises
    ------
    KeyError : there is no list of it.
    """
    name = HS_YEARS.get(classification, classification)
    system = _system(name)
    finest = [
        code for code, revisions in _table()[system] if name == system or name[len(system) :] in revisions
    ]
    own = _OWN_USE if system == "HS" else ()
    own = (*own, *(f"{chapter}{chapter}" for chapter in own), *(chapter * 3 for chapter in own))
    return frozenset((*(code[:level] for code in finest for level in _levels(name)), *own))


def longer_codes(classification: str) -> tuple[int, tuple[int, ...]]:
    """How many digits of a longer code are in the list, and how many such a code has."""
    name = HS_YEARS.get(classification, classification)
    return _levels(name)[-1], _LONGER[_system(name)]


def is_listed(code: str, classification: str) -> bool:
    """Whether a code is one of the classification, by its list or by how it begins."""
    listed, longer = longer_codes(classification)
    return (code[:listed] if len(code) in longer else code) in codes_of(classification)


def _levels(name: str) -> tuple[int, ...]:
    return _LEVELS.get(name, _LEVELS[_system(name)])


def _system(name: str) -> str:
    return name.rstrip("0123456789.")


@cache
def _table() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    text = files("gvcmetrics.panels.crosswalks").joinpath("code_lists.csv").read_text(encoding="utf-8")
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["system"], []).append((row["code"], tuple(row["revisions"].split("|"))))
    return found
