"""Which columns of text files the engine may read as numbers at once, for speed.

Reading numbers as text, to trim, compare and parse them one step at a time, is what finds and names
a bad cell; it takes three times as long as the engine's own reader. So a clean file is read the fast
way, and only if a cell was refused, or a rule is broken, is it read again as text. Both ways give the
same values: what the engine's reader takes for a number and `PLAIN_NUMBER` does not (`1_000`, a number
with line breaks around it, `inf`) needs a sign that is looked for beforehand, or breaks a rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gvcmetrics.panels.readers.delimited import has_any
from gvcmetrics.panels.readers.tables import RawTable
from gvcmetrics.panels.spec import PanelColumn, PanelSpec

_DOUBTFUL = (b"_", b'"', b"\v", b"\f")
_MAY_BE_NUMBER = re.compile(r"[0-9]")


def number_columns(tables: Sequence[RawTable], spec: PanelSpec) -> frozenset[str]:
    """The raw columns that hold nothing but numbers and missing codes if the files are clean."""
    if any(table.dialect is None for table in tables) or not _is_simple(spec):
        return frozenset()
    uses: dict[str, int] = {}
    for item in spec.columns:
        for found in item.inputs:
            uses[found.raw or ""] = uses.get(found.raw or "", 0) + 1
    names = {item.raw for item in spec.columns if item.raw and uses[item.raw] == 1 and _is_plain(item)}
    if not names or any(has_any(table.path, _DOUBTFUL) for table in tables):
        return frozenset()
    return frozenset(names)


def _is_simple(spec: PanelSpec) -> bool:
    """Are missing codes the same in all columns, and is every raw row one panel row?"""
    words, read = spec.spec, spec.spec.read
    if words.layout or words.keep or words.money or read.decimal != "." or read.thousands is not None:
        return False
    if any(_MAY_BE_NUMBER.search(code) for code in words.missing) or "" not in words.missing:
        return False
    # "NA" is Namibia in a column of countries: in a key, its absence breaks a rule and shows.
    countries = [item for item in spec.columns if item.meta.type == "country"]
    if "NA" in words.missing and any(item.name not in spec.keys for item in countries):
        return False
    return all(found.words.missing is None for item in spec.columns for found in item.inputs)


def _is_plain(item: PanelColumn) -> bool:
    words = item.spec
    shaped = (words.recode, words.characters, words.pad, words.cell, words.only_in)
    return item.is_number and not item.inputs[0].suffix and all(word is None for word in shaped)
