"""The codes of each classification of products and industries, of every level.

The table `code_lists.csv` beside this module holds the finest codes: of HS the subheadings of all
revisions, of ISIC the classes, of SITC the basic headings. A code of a higher level is the beginning of one.
Where a source has no place for a thing, it uses the chapters 98 and 99 of HS, which every revision leaves
to its users.

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


@cache
def codes_of(classification: str) -> frozenset[str]:
    """The codes of a classification of `LISTED`, or of HS by its year, of every level.

    Raises
    ------
    KeyError : there is no list of it.
    """
    name = HS_YEARS.get(classification, classification)
    system = name.rstrip("0123456789.")
    finest = [
        code for code, revisions in _table()[system] if name == system or name[len(system) :] in revisions
    ]
    levels = (2, 4, 6) if system == "HS" else (1, 2, 3, 4, 5)
    own = _OWN_USE if system == "HS" else ()
    own = (*own, *(f"{chapter}{chapter}" for chapter in own), *(chapter * 3 for chapter in own))
    return frozenset((*(code[:level] for code in finest for level in levels), *own))


@cache
def _table() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    text = files("gvcmetrics.panels.crosswalks").joinpath("code_lists.csv").read_text(encoding="utf-8")
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["system"], []).append((row["code"], tuple(row["revisions"].split("|"))))
    return found
