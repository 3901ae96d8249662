"""The storey `texts`: missing codes gone, recodes applied, codes in one spelling, cut and padded.

Codes are compared by value, so that a file means the same in every format: pandas writes -9 as `-9.0`
beside a gap, Stata and Excel hold a number, a form may say `01`. In a column of numbers or of 0/1 two
spellings of one number are one code. In a column of texts a zero in front tells codes apart (0111 is no
111), and only the `.0` that programs put behind a whole number means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlglot import exp

from gvcmetrics.panels.crosswalks.code_lists import codes_of, longer_codes
from gvcmetrics.panels.spec.columns import Input, PanelColumn
from gvcmetrics.panels.spec.panel import PanelSpec
from gvcmetrics.panels.sql import column, literal

PLAIN_NUMBER = "PLAIN_NUMBER"
# Private-use characters, which no code carries: no recode for this value, and no code of the classification.
UNMAPPED, UNLISTED = "\ue000", "\ue001"
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_WHOLE = "^[+-]?[0-9]+[.]0$"
# What stands between thousands in French and Swiss numbers, whichever of them a spec writes.
_ALIKE = {sign: signs for signs in (" \u00a0\u202f\u2009", "'\u2019") for sign in signs}


def code_name(found: Input) -> str:
    """The column of `cells` that holds the code of a cell whose label is read."""
    return f"{found.name}#code"


def missing_codes(item: PanelColumn, found: Input, spec: PanelSpec) -> list[str]:
    """What stands for no answer in a cell: the column's own list, or the spec's.

    NA is Namibia among countries, and Naples, or any other code, where nobody has said that it is missing.
    """
    if found.words.missing is not None:
        return found.words.missing
    listed = "missing" in spec.words.model_fields_set
    may_be_code = item.meta.type == "country" or (item.meta.type == "text" and not listed)
    return [code for code in spec.words.missing if not (may_be_code and code == "NA")]


def select_text(item: PanelColumn, found: Input, spec: PanelSpec) -> exp.Expr:
    """The text of a raw cell: null if it is missing, recoded, or shaped as the spec says."""
    cell, as_number = column(found.name), compares_numbers(item)
    if found.raw is None:
        return cell
    text = exp.Case()
    recode = item.spec.recode or {}
    for compare in (_is_spelled, is_value):  # what is spelled out goes before what is alike
        for old, new in recode.items():
            value = exp.null() if new is None else literal(new)
            text = text.when(compare(cell, [old], as_number, spec), value)
    missing = missing_codes(item, found, spec)
    if missing:
        gone = is_value(cell, missing, as_number, spec)
        if found.words.by_label:
            gone = exp.or_(gone, is_value(column(code_name(found)), missing, True, spec))
        text = text.when(gone, exp.null())
    if recodes_all(item):
        # A value without a recode keeps a mark, so that its check finds it.
        return text.else_(exp.DPipe(this=literal(UNMAPPED), expression=cell))
    shaped = _shaped(cell if as_number else undotted(cell), item)
    return text.else_(shaped) if missing or recode else shaped


def recodes_all(item: PanelColumn) -> bool:
    """Is a value without a recode an error? Not among countries, which are looked up all the same."""
    if item.spec.recode is None:
        return False
    return item.spec.otherwise is None and item.meta.type != "country"


def compares_numbers(item: PanelColumn) -> bool:
    """Is a code of this column a number, which 01 and 1.0 spell alike?"""
    return item.meta.type in ("number", "integer", "binary")


def is_value(cell: exp.Expr, codes: Iterable[str], as_number: bool, spec: PanelSpec) -> exp.Expr:
    """Is a cell one of these codes, by value?"""
    codes = list(codes)
    if not as_number:
        return is_in(
            undotted(cell), [*codes, *(plain for code in codes if (plain := _undotted(code)) != code)]
        )
    numbers = sorted({float(code) for code in codes if _NUMBER.fullmatch(code)})
    spelled = is_in(cell, codes)
    if not numbers:
        return spelled
    values = [exp.cast(literal(number), "DOUBLE") for number in numbers]
    return exp.paren(exp.or_(spelled, exp.In(this=read_number(cell.copy(), spec), expressions=values)))


def is_code(text: str, codes: Iterable[str], as_number: bool) -> str | None:
    """The first of the codes that a text means, as `is_value` compares them."""
    codes = list(codes)
    if text in codes:
        return text
    for code in codes:
        if _undotted(text) == _undotted(code):
            return code
        if (
            as_number
            and all(_NUMBER.fullmatch(found) for found in (text, code))
            and float(text) == float(code)
        ):
            return code
    return None


def is_in(value: exp.Expr, options: list[str] | tuple[str, ...]) -> exp.Expr:
    return exp.In(this=value.copy(), expressions=[literal(option) for option in options])


def undotted(cell: exp.Expr) -> exp.Expr:
    """A whole number without the `.0` that a program wrote behind it; every other text as it is."""
    ends = exp.func("RIGHT", cell.copy(), literal(2)).eq(literal(".0"))
    whole = exp.RegexpLike(this=cell.copy(), expression=literal(_WHOLE))
    length = exp.Sub(this=exp.Length(this=cell.copy()), expression=literal(2))
    bare = exp.Substring(this=cell.copy(), start=literal(1), length=length)
    # Few texts end so, and to look at two characters is cheaper than a pattern.
    return exp.Case().when(exp.and_(ends, whole), bare).else_(cell.copy())


def read_number(text: exp.Expr, spec: PanelSpec) -> exp.Expr:
    """The number that a text stands for, in the signs that the spec states; else null."""
    read = spec.words.read
    if read.thousands is None and read.decimal == ".":
        return exp.func(PLAIN_NUMBER, text)
    signs = _ALIKE.get(read.thousands or "", read.thousands or "")
    point, comma = re.escape(read.decimal), f"[{re.escape(signs)}]"
    grouped = f"|[0-9]{{1,3}}({comma}[0-9]{{3}})+" if signs else ""
    pattern = f"^[+-]?([0-9]+{grouped}|)({point}[0-9]*)?([eE][+-]?[0-9]+)?$"
    plain = text.copy()
    for sign in signs:
        plain = exp.func("REPLACE", plain, literal(sign), literal(""))
    if read.decimal != ".":
        plain = exp.func("REPLACE", plain, literal(read.decimal), literal("."))
    number = exp.TryCast(this=plain, to=exp.DataType.build("DOUBLE"))
    return exp.Case().when(exp.RegexpLike(this=text.copy(), expression=literal(pattern)), number)


def _is_spelled(cell: exp.Expr, codes: list[str], as_number: bool, spec: PanelSpec) -> exp.Expr:
    return is_in(cell, codes)


def _undotted(code: str) -> str:
    return code[:-2] if re.fullmatch(_WHOLE, code) else code


def _shaped(cell: exp.Expr, item: PanelColumn) -> exp.Expr:
    """A code filled to `pad` with zeros, looked up in its classification and cut to `characters`.

    Letters in front of a code are cut off before zeros are put there.
    """
    first = item.spec.characters[0] if item.spec.characters is not None else 1
    value = _cut(cell, item) if first > 1 else cell
    value = _padded(value, item)
    done = value if first > 1 else _cut(value, item)
    if item.spec.classification is None:
        return done
    # One node for thousands of codes, which are digits and letters: trees are copied at every step.
    listed = exp.Var(this=", ".join(f"'{code}'" for code in sorted(codes_of(item.spec.classification))))
    digits, longer = longer_codes(item.spec.classification)
    beginning = exp.Substring(this=value.copy(), start=literal(1), length=literal(digits))
    is_longer = exp.In(this=exp.Length(this=value.copy()), expressions=[literal(n) for n in longer])
    looked_up = exp.Case().when(is_longer, beginning).else_(value.copy()) if longer else value.copy()
    known = exp.In(this=looked_up, expressions=[listed])
    # A code that is not in the list keeps a mark, so that its check finds it.
    return exp.Case().when(known, done).else_(exp.DPipe(this=literal(UNLISTED), expression=cell.copy()))


def _cut(code: exp.Expr, item: PanelColumn) -> exp.Expr:
    if item.spec.characters is None:
        return code
    first, last = item.spec.characters
    return exp.Substring(this=code.copy(), start=literal(first), length=literal(last - first + 1))


def _padded(code: exp.Expr, item: PanelColumn) -> exp.Expr:
    value = code.copy()
    if item.spec.classification is not None:
        for sign in ". ":  # 0101.21 is 010121
            value = exp.func("REPLACE", value, literal(sign), literal(""))
    if item.spec.pad is not None:
        zeros = literal("0" * item.spec.pad)
        filled = exp.func("RIGHT", exp.DPipe(this=zeros, expression=value.copy()), literal(item.spec.pad))
        short = exp.LT(this=exp.Length(this=value.copy()), expression=literal(item.spec.pad))
        return exp.Case().when(short, filled).else_(value)
    source = item.spec.classification or (item.spec.crosswalk.from_ if item.spec.crosswalk else "")
    if not source.startswith("HS"):
        return value
    # A code of HS has two, four or six digits; with one less it has lost its zero.
    odd = exp.RegexpLike(this=value.copy(), expression=literal("^[0-9]([0-9][0-9])*$"))
    return exp.Case().when(odd, exp.DPipe(this=literal("0"), expression=value.copy())).else_(value)
