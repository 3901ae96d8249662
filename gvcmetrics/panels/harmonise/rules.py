"""The rules that a row of `values` must obey, and the typed rows with their verdict."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from gvcmetrics.panels.codes import UNKNOWN
from gvcmetrics.panels.harmonise.texts import UNLISTED, UNMAPPED, is_in, recodes_all
from gvcmetrics.panels.harmonise.tree import (
    CURRENCY,
    FACTOR,
    MEASURE,
    OK,
    PERIOD,
    Rows,
    is_label,
    is_money,
    number_name,
    present,
    select_values,
    split_name,
)
from gvcmetrics.panels.readers.formulas import ERRORS
from gvcmetrics.panels.spec.columns import PanelColumn, placeholder, text_name
from gvcmetrics.panels.spec.panel import PanelSpec
from gvcmetrics.panels.sql import column, literal

_LARGEST = 1e300
_SHORT_LIST = 6
_REMEDIES = {
    "error": "Mend the formula and save the file, or list it under `missing`",
    "code": "Check `classification` and `pad`, correct the file, or list the code under `missing`",
    "country": "Add a `recode` to an ISO3 code in the spec, or correct the file",
    "number": "Correct it, or list it under `missing` if it stands for a missing value",
}


@dataclass(frozen=True)
class Check:
    """One rule on one column.

    Attributes
    ----------
    column : the panel column.
    raw : the raw column that a message points at, by row in a wide file.
    shown : the column of `values` that holds what the file has.
    bad : true where a row breaks the rule; never null.
    reason : what to say of it.
    remedy : what the user can do.
    """

    column: str
    raw: exp.Expr
    shown: str
    bad: exp.Expr
    reason: str
    remedy: str


def checks(spec: PanelSpec) -> list[Check]:
    """Every rule that a row of `values` must obey."""
    rules: list[Check] = []
    for item in spec.columns:
        rules += _column_checks(item, spec)
    if spec.long_to_wide:
        known = [item.spec.cell for item in spec.columns if item.spec.cell is not None]
        measure = exp.Coalesce(this=column(MEASURE), expressions=[literal("")])
        options = [literal(name) for name in (*known, *spec.long_to_wide.ignore)]
        bad = exp.Not(this=exp.In(this=measure, expressions=options))
        remedy = f"Give the measure a column with `cell:`, or list it under `ignore:` of {spec.path.name}"
        raw = literal(spec.long_to_wide.names_from)
        rules.append(Check(MEASURE, raw, MEASURE, bad, "a measure that the spec does not name", remedy))
    money = spec.words.money
    if money is not None and money.currency_from is not None:
        stated = exp.Coalesce(this=column(CURRENCY), expressions=[literal("")])
        rules.append(
            Check(
                CURRENCY,
                literal(money.currency_from),
                CURRENCY,
                exp.NEQ(this=stated, expression=literal(money.currency)),
                f"another currency than {money.currency}",
                "Split the file by currency and give each part its own spec, or correct the file",
            )
        )
    return rules


def select_typed(spec: PanelSpec, raw: Rows, numbers: frozenset[str] = frozenset()) -> exp.Select:
    """The typed rows of the raw file, and whether each obeys every rule."""
    values = select_values(spec, raw, numbered=False, numbers=numbers).subquery("v")
    bad = exp.or_(*(rule.bad for rule in checks(spec)))
    names = [column(item.name) for item in spec.columns if not is_label(item, spec)]
    if spec.long_to_wide:
        names.append(column(MEASURE))
    return exp.select(*names, exp.Not(this=exp.paren(bad)).as_(OK, quoted=True)).from_(values)


def shown_raw(raw: str, spec: PanelSpec) -> exp.Expr:
    """The name of a raw column; in a wide file, that of the row's period."""
    mark = placeholder(spec.words)
    if not mark or mark not in raw:
        return literal(raw)
    return exp.func("REPLACE", literal(raw), literal(mark), column(PERIOD))


def _column_checks(item: PanelColumn, spec: PanelSpec) -> list[Check]:
    meta, value, text = item.meta, column(item.name), column(text_name(item.name))
    raw = shown_raw(item.raw or item.name, spec)
    rules = []

    unmapped = exp.func("STARTS_WITH", text.copy(), literal(UNMAPPED))
    unlisted = exp.func("STARTS_WITH", text.copy(), literal(UNLISTED))
    # A value without a recode, or of no code, breaks that rule alone, not also those of what it becomes.
    mark = unlisted if item.spec.classification is not None else unmapped if recodes_all(item) else None

    def rule(bad: exp.Expr, reason: str, remedy: str) -> None:
        if mark is not None and bad is not mark:
            good = exp.Not(this=exp.Coalesce(this=mark.copy(), expressions=[exp.false()]))
            bad = exp.and_(exp.paren(bad), good)
        never_null = exp.Coalesce(this=bad, expressions=[exp.false()])
        rules.append(Check(item.name, raw, text_name(item.name), never_null, reason, remedy))

    if item.name in spec.keys:
        rule(
            exp.Is(this=text, expression=exp.null()),
            f"the key '{item.name}' is missing",
            "A key must have a value in every row",
        )
    if recodes_all(item):
        rule(unmapped, "no recode for this value", "Add it under `recode`, or under `missing`")
    if item.spec.classification is not None:
        rule(unlisted, f"no code of {item.spec.classification}", _REMEDIES["code"])
    unread = exp.And(this=present(text), expression=exp.Is(this=value.copy(), expression=exp.null()))
    if meta.type == "country":
        # A recode of countries says what is odd; the rest is looked up, and is unknown without one.
        lacks = item.spec.recode is not None and item.spec.otherwise is None
        rule(unread, "no recode for this value" if lacks else UNKNOWN, _REMEDIES["country"])
    elif item.spec.crosswalk is not None:
        rules += _crosswalk_checks(item, raw, unread)
    elif is_money(item, spec):
        rules += _money_checks(item, raw, spec)
    elif item.is_number:
        whole = meta.type != "number"
        rule(unread, "not a whole number" if whole else "not a number", _number_remedy(spec))
    if item.is_number and meta.type == "number":
        too_large = exp.GT(this=exp.Abs(this=value.copy()), expression=literal(_LARGEST))
        rule(too_large, "too large for a number", "Correct it")
    for found in item.inputs:
        if found.raw is not None and not item.is_number and found.words.at_least is None:
            shown = exp.Coalesce(this=is_in(column(found.name), ERRORS), expressions=[exp.false()])
            at = shown_raw(found.raw, spec)
            said = "an error of the spreadsheet, or a formula without a value"
            rules.append(Check(item.name, at, found.name, shown, said, _REMEDIES["error"]))
        if found.words.at_least is not None:
            lost = exp.Is(this=column(number_name(found)), expression=exp.null())
            bad = exp.and_(present(column(found.name)), lost)
            at = shown_raw(found.raw or item.name, spec)
            rules.append(Check(item.name, at, found.name, bad, "not a number", _number_remedy(spec)))
    for limit, comparison, word in ((meta.minimum, exp.LT, "below"), (meta.maximum, exp.GT, "above")):
        if limit is not None:
            outside = comparison(this=value.copy(), expression=literal(limit))
            rule(outside, f"{word} {limit:g}", _limit_remedy(item, word))
    if meta.allowed:
        stray = exp.Not(this=exp.In(this=value.copy(), expressions=[literal(v) for v in meta.allowed]))
        few = len(meta.allowed) <= _SHORT_LIST
        reason = f"not one of {', '.join(meta.allowed)}" if few else f"unknown code of {item.name}"
        rule(stray, reason, f"'{item.name}' is: {meta.label}. Add a `recode`, or `characters` and `pad`")
    return rules


def _crosswalk_checks(item: PanelColumn, raw: exp.Expr, unread: exp.Expr) -> list[Check]:
    words, split = item.spec.crosswalk, column(split_name(item.name))
    assert words is not None
    lost = exp.and_(unread, exp.Is(this=split.copy(), expression=exp.null()))
    return [
        Check(
            item.name,
            raw.copy(),
            split_name(item.name),
            present(split),
            f"one code of {words.from_} is several of {words.to}, and a row cannot be split",
            "Leave `crosswalk` out and split values by weight after the build with `gvc.convert`",
        ),
        Check(
            item.name,
            raw.copy(),
            text_name(item.name),
            lost,
            f"no code of {words.to} for this code of {words.from_}",
            f"Check `characters`, `pad` and that it is a code of {words.from_}, or list it under `missing`",
        ),
    ]


def _money_checks(item: PanelColumn, raw: exp.Expr, spec: PanelSpec) -> list[Check]:
    text, value = column(text_name(item.name)), column(item.name)
    lost = exp.Is(this=value, expression=exp.null())
    known = exp.Is(this=column(FACTOR), expression=exp.null())
    money = spec.words.money
    assert money is not None
    tables = ", ".join(table for table in (money.rates, money.deflator) if table)
    return [
        Check(
            item.name,
            raw.copy(),
            text_name(item.name),
            exp.and_(present(text), known.copy()),
            "no exchange rate or deflator for the row's year",
            f"Add the year to {tables}",
        ),
        Check(
            item.name,
            raw.copy(),
            text_name(item.name),
            exp.and_(present(text), lost, exp.Not(this=known)),
            "not a number",
            _number_remedy(spec),
        ),
    ]


def _number_remedy(spec: PanelSpec) -> str:
    if spec.words.read.thousands is not None:
        return _REMEDIES["number"]
    return f"{_REMEDIES['number']}; what stands between its thousands is stated in `read: {{thousands: …}}`"


def _limit_remedy(item: PanelColumn, word: str) -> str:
    if item.meta.unit == "share" and word == "above":
        scaled = f"with `scale: {item.spec.scale:g}`" if item.spec.scale is not None else "without `scale`"
        return f"'{item.name}' is a share in [0, 1], read {scaled}: per cent needs `scale: 0.01`"
    return f"'{item.name}' is in {item.meta.unit}: check `scale`, `missing` and the file"
