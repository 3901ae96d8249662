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
from dataclasses import dataclass

from gvcmetrics.panels.readers.delimited import padded, signs_in
from gvcmetrics.panels.readers.tables import RawTable
from gvcmetrics.panels.spec.columns import PanelColumn
from gvcmetrics.panels.spec.panel import PanelSpec

_DOUBTFUL = (b"_", b'"', b"\v", b"\f")
_MAY_BE_NUMBER = re.compile(r"[0-9]")
_MOST_NULLS = 16


@dataclass(frozen=True)
class FastRead:
    """How clean text files are read in one go.

    Attributes
    ----------
    numbers : the raw columns that hold nothing but numbers and missing codes if the files are clean.
    nulls : the missing codes, as they stand in the files: BACI pads its `NA` with blanks.
    blanks : the blanks that stand in the files at all; only these need be trimmed.
    """

    numbers: frozenset[str]
    nulls: tuple[str, ...]
    blanks: str


def fast_read(tables: Sequence[RawTable], spec: PanelSpec, blanks: str) -> FastRead | None:
    """How to read the files fast, or None where only the slow way is safe."""
    dialects = [table.dialect for table in tables if table.dialect is not None]
    if len(dialects) < len(tables) or not _is_simple(spec):
        return None
    uses: dict[str, int] = {}
    for item in spec.columns:
        for found in item.inputs:
            uses[found.raw or ""] = uses.get(found.raw or "", 0) + 1
    names = {item.raw for item in spec.columns if item.raw and uses[item.raw] == 1 and _is_plain(item)}
    if not names:
        return None
    # The last byte of a blank; that other letters share it does no harm.
    last_bytes = {blank: blank.encode()[-1:] for blank in blanks}
    signs = {sign for table in tables for sign in signs_in(table.path, (*_DOUBTFUL, *last_bytes.values()))}
    if signs.intersection(_DOUBTFUL):
        return None
    present = "".join(blank for blank, last in last_bytes.items() if last in signs)
    nulls = dict.fromkeys(spec.words.missing)
    if "missing" not in spec.words.model_fields_set and any(
        item.meta.type == "text" for item in spec.columns
    ):
        nulls.pop("NA", None)  # a code among texts; a number that is NA is then in doubt, and read slowly
    if present:
        read = zip(tables, dialects, strict=True)
        spelled = {text for table, dialect in read for text in padded(table.path, dialect, nulls, present)}
        nulls |= dict.fromkeys(sorted(spelled)[:_MOST_NULLS])
    return FastRead(frozenset(names), tuple(nulls), present)


def _is_simple(spec: PanelSpec) -> bool:
    """Are missing codes the same in all columns, and is every raw row one panel row?"""
    words, read = spec.words, spec.words.read
    selects = words.keep or words.drop
    if words.layout or selects or words.money or read.decimal != "." or read.thousands is not None:
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
    shaped = (words.part, words.recode, words.characters, words.pad, words.cell, words.only_in)
    return item.is_number and not item.inputs[0].suffix and all(word is None for word in shaped)
