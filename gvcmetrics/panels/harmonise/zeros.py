"""Codes that have lost the zero in front of them: what a program that took them for numbers did to them.

111 may be beer or, with its zero, cereals. Which it is cannot be seen in one row, but in the column: where
some codes are one digit shorter than the longest, and only with a zero are codes of the classification,
the zero is put back. Where either reading is possible, the spec must say which.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.crosswalks.code_lists import is_listed
from gvcmetrics.panels.harmonise.bench import Bench
from gvcmetrics.panels.harmonise.texts import is_code, missing_codes, undotted
from gvcmetrics.panels.harmonise.tree import trimmed_part
from gvcmetrics.panels.spec.columns import PanelColumn
from gvcmetrics.panels.sql import column

_MOST_CODES = 100_000


def with_zeros(bench: Bench) -> Bench:
    """The bench with `pad` in the columns of codes that have lost their zeros.

    Raises
    ------
    DataError : the codes of a column may have lost zeros or be of several levels.
    """
    columns = tuple(
        replace(item, spec=item.spec.model_copy(update={"pad": digits}))
        if (digits := _digits(bench, item)) is not None
        else item
        for item in bench.spec.columns
    )
    return replace(bench, spec=replace(bench.spec, columns=columns))


def _digits(bench: Bench, item: PanelColumn) -> int | None:
    words = item.spec
    cut = words.characters is not None and words.characters[0] == 1
    listed = words.classification is not None and not words.classification.startswith("HS")
    if item.meta.type != "text" or words.pad is not None or not (cut or listed) or item.raw is None:
        return None
    codes = _codes(bench, item)
    longest = max(map(len, codes), default=0)
    short = {code for code in codes if len(code) == longest - 1}
    if words.classification is None:
        if short:
            raise _ambiguous(bench, item, min(short), longest)
        return None
    known = {code for code in codes if is_listed(code, words.classification)}
    if not short and not known:
        short, longest = codes, longest + 1  # all have lost one, as in a file of farms and mines
    # What begins with a zero has lost none.
    lost = all(code[0] != "0" and is_listed(f"0{code}", words.classification) for code in short)
    with_zero = bool(short) and lost
    if with_zero and short <= known:
        raise _ambiguous(bench, item, min(short), longest)
    return longest if with_zero else None


def _codes(bench: Bench, item: PanelColumn) -> set[str]:
    """The codes in the raw columns of a panel column that are digits and nothing else."""
    found: set[str] = set()
    spec, rows = bench.spec, bench.raw().subquery("raw")
    for cell in item.inputs:
        missing = missing_codes(item, cell, spec)
        for raw in spec.raw_names(cell).values():
            text = undotted(trimmed_part(column(spec.raw_columns[raw]), item))
            for (code,) in bench.rows(exp.select(text).distinct().from_(rows).limit(_MOST_CODES)):
                digits = (code or "").replace(".", "").replace(" ", "")
                if digits.isascii() and digits.isdigit() and is_code(code, missing, False) is None:
                    found.add(digits)
    return found


def _ambiguous(bench: Bench, item: PanelColumn, code: str, longest: int) -> DataError:
    digits = "1 digit" if longest == 2 else f"{longest - 1} digits"
    lengths = f"some codes have {digits}, as '{code}', and some {longest}; a zero in front may be lost"
    remedy = (
        f"If so, write `pad: {longest}` for '{item.name}', and '{code}' is '0{code}'; "
        "if codes of several levels are meant, write `pad: 1`"
    )
    place = Place(bench.tables[0].name, column=item.raw)
    return DataError(lengths, place, remedy)
