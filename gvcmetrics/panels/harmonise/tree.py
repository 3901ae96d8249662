"""Spec × raw table → panel, as a sqlglot expression tree that DuckDB and Spark both run.

Why a tree: Ibis 12 needs pins against current sqlglot and DuckDB, and Narwhals has no cast that fails
softly, which finding bad cells needs. A sqlglot tree needs neither: names and values enter as quoted
identifiers and literals, never as text pasted into SQL, so a spec cannot inject anything; and each
engine gets its own dialect. The price is that functions must mean the same in both, so only a few are
used. Above all, text becomes a number only if nothing but digits, sign, point and exponent is in it:
the engines' own TRY_CAST also takes `inf`, `1_000`, `1d` or none of these, each in its own way.

The tree has five storeys, each a SELECT over the one below:

    raw  →  cells    one trimmed text for each raw cell, or part of one, that a panel column is made from
         →  texts    missing codes gone, recodes applied, codes cut and padded
         →  numbers  texts read as numbers where they are to be
         →  values   typed, compared, scaled, in USD; country names and codes replaced by joined tables
         →  panel    checked rows, pivoted if the raw file is long, sorted by key

An expression that is costly (trim, parse) has a SELECT of its own, since an engine may evaluate it
as often as it is written.

Nothing is aggregated below `panel`, so a check on `values` belongs to one row of the raw file.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sqlglot import exp

from gvcmetrics.panels.harmonise.texts import (
    code_name,
    is_in,
    is_value,
    read_number,
    select_text,
    undotted,
)
from gvcmetrics.panels.readers.select import FILE, ROW
from gvcmetrics.panels.spec.columns import FILE_YEAR, Input, PanelColumn, text_name
from gvcmetrics.panels.spec.panel import PanelSpec
from gvcmetrics.panels.spec.words import LongToWide
from gvcmetrics.panels.sql import column, literal

OK = "#ok"
MEASURE = "#measure"
PERIOD = "#period"
CURRENCY = "#currency"
FACTOR = "#factor"
MONEY_TABLE = "money"

# A storey stands on a table, or on the query of the storey below.
Rows = exp.Table | exp.Query

# Functions of one text that every engine defines in its own, fastest way (`engines/`): the text without
# BLANKS at its ends; and the number that a text of digits, sign, point and exponent stands for, else null.
TRIMMED = "TRIMMED"
BLANKS = " \t\u00a0\u202f\u2009"
_CROSSED_BY = "-"


def codes_table(name: str) -> str:
    """The table that maps the spellings in a country column to ISO3."""
    return f"codes_{name}"


def crosswalk_table(name: str) -> str:
    """The table that maps the codes in a column to another classification."""
    return f"crosswalk_{name}"


def split_name(name: str) -> str:
    """The column of `values` that names a code with several targets, and these."""
    return f"{name}#split"


def number_name(item: Input) -> str:
    """The column of `numbers` that holds an answer to be compared with a limit."""
    return f"{item.name}#number"


def is_money(item: PanelColumn, spec: PanelSpec) -> bool:
    """Does the column go through the table of factors to USD?"""
    money = spec.words.money
    converted = money is not None and (money.rates is not None or money.deflator is not None)
    return converted and item.is_number and item.meta.unit.startswith("USD")


def select_texts(
    spec: PanelSpec, raw: Rows, numbered: bool, numbers: frozenset[str] = frozenset()
) -> exp.Select:
    """Each raw cell as text, missing codes gone and recodes applied; with file and row if `numbered`.

    `raw` holds the rows of the raw files, with file and row if `numbered`. `numbers` names raw columns
    that the reader has read as numbers already; they stay so.
    """
    inputs = [(item, found) for item in spec.columns for found in item.inputs]
    cells = exp.select(
        *(_cell(item, found, spec, numbers).as_(found.name, quoted=True) for item, found in inputs)
    )
    texts = exp.select(
        *(
            (column(found.name) if found.raw in numbers else select_text(item, found, spec)).as_(
                found.name, quoted=True
            )
            for item, found in inputs
        )
    )
    for item, found in inputs:
        if found.words.by_label:
            cells = cells.select(_code(item, found, spec).as_(code_name(found), quoted=True))
    money = spec.words.money
    carried = []
    if spec.long_to_wide:
        cells = cells.select(_measure(spec.long_to_wide, spec).as_(MEASURE, quoted=True))
        carried.append(MEASURE)
    if spec.wide_to_long:
        cells = cells.select(column(PERIOD))
        carried.append(PERIOD)
    if money is not None and money.currency_from is not None:
        cells = cells.select(_trim(_raw(money.currency_from, spec)).as_(CURRENCY, quoted=True))
        carried.append(CURRENCY)
    if numbered:
        cells = cells.select(column(FILE), column(ROW))
        carried += [FILE, ROW]
    cells = cells.from_(_below(raw, "raw"))
    if spec.wide_to_long:
        cells = cells.join(_periods(spec), join_type="cross")
    if spec.words.keep or spec.words.drop:
        cells = cells.where(kept(spec))
    return texts.select(*(column(name) for name in carried)).from_(cells.subquery("cells"))


def kept(spec: PanelSpec) -> exp.Expr:
    """True for the raw rows that `keep` keeps and `drop` does not leave out."""
    keep = [_is_among(name, values, spec) for name, values in spec.words.keep.items()]
    drop = [_is_among(name, values, spec) for name, values in spec.words.drop.items()]
    return exp.and_(*keep, *(exp.Not(this=exp.paren(found)) for found in drop))


def _is_among(name: str, values: list[str], spec: PanelSpec) -> exp.Expr:
    """Is a raw cell one of these values, in which `#` stands for any one letter or digit?"""
    cell = exp.Coalesce(this=_trim(_raw(name, spec)), expressions=[literal("")])
    patterns = [re.escape(value).replace(r"\#", "[0-9A-Za-z#]") for value in values if "#" in value]
    among = is_value(cell, values, False, spec)
    if not patterns:
        return among
    return exp.or_(among, exp.RegexpLike(this=cell.copy(), expression=literal(f"^({'|'.join(patterns)})$")))


def select_values(
    spec: PanelSpec, raw: Rows, numbered: bool, numbers: frozenset[str] = frozenset()
) -> exp.Select:
    """Each panel column typed and scaled, beside the texts that it is made from."""
    read = [
        (
            column(text_name(item.name))
            if item.raw in numbers
            else read_number(column(text_name(item.name)), spec)
        ).as_(item.name, quoted=True)
        for item in spec.columns
        if item.is_number
    ]
    read += [
        read_number(column(found.name), spec).as_(number_name(found), quoted=True)
        for item in spec.columns
        for found in item.inputs
        if found.words.at_least is not None
    ]
    with_numbers = exp.select("*", *read).from_(select_texts(spec, raw, numbered, numbers).subquery("texts"))
    query = exp.select().from_(with_numbers.subquery("numbers"))
    values: dict[str, exp.Expr] = {}
    for item in spec.columns:
        if item.meta.type == "country":
            table = codes_table(item.name)
            spelling = column(text_name(item.name), "numbers").eq(column("spelling", table))
            query = query.join(table, on=spelling, join_type="left")
        elif item.spec.crosswalk is not None:
            table = crosswalk_table(item.name)
            text = column(text_name(item.name), "numbers")
            query = query.join(table, on=_plain(text, item).eq(column("spelling", table)), join_type="left")
            split = exp.DPipe(
                this=exp.DPipe(this=text.copy(), expression=literal(" → ")),
                expression=column("targets", table),
            )
            query.select(split.as_(split_name(item.name), quoted=True), copy=False)
        values[item.name] = _value(item, spec)
    if any(is_money(item, spec) for item in spec.columns):
        query = query.join(MONEY_TABLE, on=_same_money(spec, values), join_type="left")
        query.select(column("factor", MONEY_TABLE).as_(FACTOR, quoted=True), copy=False)
    # Each copy of a query that grows would copy all columns so far: a wide panel would wait for minutes.
    for item in spec.columns:
        value = values[item.name]
        if item.spec.cross:
            value = _crossed([values[name] for name in item.spec.cross])
            query.select(value.copy().as_(text_name(item.name), quoted=True), copy=False)
        elif is_money(item, spec):
            value = exp.Mul(this=value, expression=column("factor", MONEY_TABLE))
        query.select(value.copy().as_(item.name, quoted=True), copy=False)
        for found in item.inputs:
            query.select(column(found.name, "numbers"), copy=False)
            if found.words.at_least is not None:
                query.select(column(number_name(found), "numbers"), copy=False)
    return query.select(*(column(name, "numbers") for name in _carried(spec, numbered)))


def select_panel(spec: PanelSpec, typed: Rows) -> exp.Select:
    """The panel: one row a key, from the typed rows."""
    rows = exp.select("*").from_(_below(typed, "typed")).where(column(OK)).subquery("t")
    if spec.long_to_wide:
        fixed = [item for item in spec.columns if item.spec.cell is None]
        cells = [item for item in spec.columns if item.spec.cell is not None]
        keys = [column(item.name) for item in fixed if item.name in spec.keys]
        # What does not vary with the measure is constant within a key; `verdicts.py` refuses otherwise.
        carried = {item.name for item in fixed if item.name not in spec.keys} | {item.name for item in cells}
        selected = [
            exp.Max(this=column(item.name)).as_(item.name, quoted=True)
            if item.name in carried
            else column(item.name)
            for item in spec.columns
            if not is_label(item, spec)
        ]
        known = [item.spec.cell for item in cells if item.spec.cell is not None]
        query = exp.select(*selected).from_(rows).where(is_in(column(MEASURE), known)).group_by(*keys)
    else:
        varying = [item for item in spec.columns if not is_label(item, spec)]
        query = exp.select(*(column(item.name) for item in varying)).from_(rows)
    panel = exp.select(
        *(
            literal(item.spec.constant or "").as_(item.name, quoted=True)
            if is_label(item, spec)
            else column(item.name)
            for item in spec.columns
        )
    ).from_(query.subquery("p"))
    if spec.words.omit_empty:
        panel = panel.where(any_measure(spec))
    return panel


def is_label(item: PanelColumn, spec: PanelSpec) -> bool:
    """Is the column one text for the whole panel, which need not be carried row by row?"""
    return item.spec.constant is not None and item.meta.type == "text" and item.name not in spec.keys


def any_measure(spec: PanelSpec) -> exp.Expr:
    """True where a column that is neither key nor constant has a value; in a wide or long file, a measure."""
    measures = [item for item in spec.columns if item.name not in spec.keys and item.raw is not None]
    varying = [item for item in measures if _varies(item, spec)]
    return exp.or_(*(present(column(item.name)) for item in varying or measures))


def _varies(item: PanelColumn, spec: PanelSpec) -> bool:
    by_period = item.spec.only_in is not None or "" not in _raw_names(item, spec)
    return item.spec.cell is not None or (bool(spec.periods) and by_period)


def _below(rows: Rows, alias: str) -> exp.Expression:
    return rows.copy() if isinstance(rows, exp.Table) else rows.subquery(alias)


def present(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=value.copy(), expression=exp.null()))


def _carried(spec: PanelSpec, numbered: bool) -> list[str]:
    money = spec.words.money
    names = [MEASURE] if spec.long_to_wide else []
    names += [PERIOD] if spec.wide_to_long else []
    names += [CURRENCY] if money is not None and money.currency_from is not None else []
    return names + ([FILE, ROW] if numbered else [])


def _raw_names(item: PanelColumn, spec: PanelSpec) -> dict[str, str]:
    return {period: raw for found in item.inputs for period, raw in spec.raw_names(found).items()}


def _periods(spec: PanelSpec) -> exp.Expr:
    rows = [exp.Tuple(expressions=[literal(period)]) for period in spec.periods]
    alias = exp.TableAlias(
        this=exp.to_identifier("periods"), columns=[exp.to_identifier(PERIOD, quoted=True)]
    )
    return exp.Values(expressions=rows, alias=alias)


def _cell(item: PanelColumn, found: Input, spec: PanelSpec, numbers: frozenset[str]) -> exp.Expr:
    if item.spec.constant is not None:
        return literal(item.spec.constant)
    if item.spec.file_name is not None:
        return column(FILE_YEAR)
    names = spec.raw_names(found)
    if not names:
        return column(PERIOD)
    if found.raw in numbers:
        return _raw(names[""], spec)
    by_period = exp.Case()
    for period, raw in names.items():
        by_period = by_period.when(column(PERIOD).eq(literal(period)), _raw(raw, spec))
    value: exp.Expr = _raw(names[""], spec) if "" in names else by_period
    if item.spec.cell is not None and spec.long_to_wide is not None:
        matches = _measure(spec.long_to_wide, spec).eq(literal(item.spec.cell))
        value = exp.Case().when(matches, value)
    if item.spec.only_in is not None and "" in names:
        value = exp.Case().when(is_in(column(PERIOD), item.spec.only_in), value)
    return trimmed_part(value, item)


def trimmed_part(value: exp.Expr, item: PanelColumn) -> exp.Expr:
    """A raw cell without blanks at its ends; of one with several parts, the part that is meant."""
    part = item.spec.part
    if part is None:
        return _trim(value)
    found = exp.SplitPart(
        this=_trim(value), delimiter=literal(part.by), part_index=exp.Literal.number(part.number)
    )
    return _trim(found)


def _plain(code: exp.Expr, item: PanelColumn) -> exp.Expr:
    """A code as crosswalks spell it: without dots and blanks; of NACE, the division."""
    bare = exp.func("REPLACE", code.copy(), literal("."), literal(""))
    bare = exp.func("REPLACE", bare, literal(" "), literal(""))
    marked = exp.or_(*(exp.Contains(this=code.copy(), expression=literal(sign)) for sign in ". "))
    # To look is half the work of replacing, and most codes have neither.
    plain = exp.Case().when(marked, bare).else_(code.copy())
    if item.spec.crosswalk is None or item.spec.crosswalk.from_ != "NACE2":
        return plain
    return exp.Substring(this=plain, start=literal(1), length=literal(2))


def _value(item: PanelColumn, spec: PanelSpec) -> exp.Expr:
    if item.meta.type == "country":
        return column("code", codes_table(item.name))
    if item.spec.crosswalk is not None:
        return column("code", crosswalk_table(item.name))
    if item.spec.cross:
        return exp.null()
    if item.is_number:
        return _scaled(item)
    answers = [_answer(found, spec) for found in item.inputs if found.is_test]
    if not answers:
        return column(text_name(item.name), "numbers")
    true = exp.and_(*answers) if item.spec.all_of else exp.or_(*answers)
    return (
        exp.Case()
        .when(true, exp.cast(literal(1), "BIGINT"))
        .when(exp.Not(this=exp.paren(true.copy())), exp.cast(literal(0), "BIGINT"))
    )


def _answer(found: Input, spec: PanelSpec) -> exp.Expr:
    """Whether an answer is as the spec says; null where there is no answer."""
    words = found.words
    if words.at_least is not None:
        return exp.GTE(this=column(number_name(found), "numbers"), expression=literal(words.at_least))
    values = [words.equals] if words.equals is not None else list(words.in_ or [])
    return is_value(column(found.name, "numbers"), values, True, spec)


def _scaled(item: PanelColumn) -> exp.Expr:
    number: exp.Expr = column(item.name, "numbers")
    if item.spec.scale is not None:
        number = exp.Mul(this=number, expression=exp.cast(literal(float(item.spec.scale)), "DOUBLE"))
    if item.meta.type == "number":
        return number
    # A year written 1991.0 is a whole number; beyond 2^53 a double no longer tells whole numbers apart.
    # Two tests, one in the other: Spark's FLOOR is a whole number, and fails on what exceeds one.
    whole = number.copy().eq(exp.Floor(this=number.copy()))
    exact = exp.LT(this=exp.Abs(this=number.copy()), expression=literal(9e15))
    return exp.Case().when(exact, exp.Case().when(whole, exp.cast(number.copy(), "BIGINT")))


def _crossed(values: list[exp.Expr]) -> exp.Expr:
    code: exp.Expr = exp.cast(values[0].copy(), "VARCHAR")
    for value in values[1:]:
        code = exp.DPipe(this=code, expression=literal(_CROSSED_BY))
        code = exp.DPipe(this=code, expression=exp.cast(value.copy(), "VARCHAR"))
    return code


def _same_money(spec: PanelSpec, values: dict[str, exp.Expr]) -> exp.Expr:
    year = column("year", MONEY_TABLE).eq(values["year"].copy())
    country = column("country", MONEY_TABLE)
    own = values[spec.contract.country_column].copy()
    return exp.and_(year, exp.paren(exp.or_(country.eq(literal("")), country.copy().eq(own))))


def _measure(layout: LongToWide, spec: PanelSpec) -> exp.Expr:
    """The name of a long file's measure, which may be a number."""
    return undotted(_trim(_raw(layout.names_from, spec)))


def _raw(name: str, spec: PanelSpec) -> exp.Expr:
    return column(spec.raw_columns[name])


def _code(item: PanelColumn, found: Input, spec: PanelSpec) -> exp.Expr:
    """The code of a cell whose label is read."""
    by_code = replace(found, words=found.words.model_copy(update={"by_label": False}))
    return _cell(item, by_code, spec, frozenset())


def _trim(value: exp.Expr) -> exp.Expr:
    """Without the BLANKS at the ends."""
    return exp.func(TRIMMED, value)
