"""A spec and a raw relation become a panel: the SQL, as an expression tree.

Why SQL as a sqlglot tree. The same tree must run on DuckDB and on Spark, and a person must be able
to read what was run (`gvcmetrics panel build SPEC --show-sql`). Ibis needs pins that break with the
current sqlglot and DuckDB; Narwhals has no cast that fails softly, without which no bad cell can be
reported with its row. A sqlglot tree needs neither: names and values enter as quoted identifiers and
literals, never as text pasted into SQL, so a spec cannot inject anything; and each engine gets its
own dialect. The price is that functions must mean the same in both, so only a few are used. Above
all, text becomes a number only if nothing but digits, sign, point and exponent is in it: the engines'
own TRY_CAST also takes `inf`, `1_000`, `1d` or none of these, each in its own way.

The tree has three storeys, each a SELECT over the one below:

    raw  →  texts   each panel column as trimmed text: from / cell / constant, missing, recode
         →  values  typed and scaled, country names replaced by a joined table of codes
         →  panel   checked rows, pivoted if the raw file is long, sorted by key

An expression that is costly (trim, parse) has a SELECT of its own, since an engine may evaluate it
as often as it is written.

Nothing is aggregated below `panel`, so a check on `values` belongs to one row of the raw file.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from gvcmetrics.panels.spec import PanelColumn, PanelSpec

ROW = "#row"
OK = "#ok"
MEASURE = "#measure"
RAW_TABLE = "raw"
TYPED_TABLE = "typed"

BLANKS = " \t\u00a0"
_NOT_OF_A_NUMBER = "[^0-9+.eE-]"
_LARGEST = 1e300


@dataclass(frozen=True)
class Check:
    """One rule on one column.

    Attributes
    ----------
    column : the panel column.
    raw : the raw column that a message points at.
    bad : true where a row breaks the rule; never null.
    reason : what to say of it.
    remedy : what the user can do.
    """

    column: str
    raw: str
    bad: exp.Expr
    reason: str
    remedy: str


def column(name: str, table: str | None = None) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=table)


def literal(value: str | float | int) -> exp.Expr:
    return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(repr(value))


def text_name(name: str) -> str:
    """The column of `texts` that holds a panel column before it is typed."""
    return f"{name}#text"


def codes_table(name: str) -> str:
    """The table that maps the spellings in a country column to ISO3."""
    return f"codes_{name}"


def select_texts(spec: PanelSpec, numbered: bool) -> exp.Select:
    """Each panel column as text, missing codes gone and recodes applied; with file rows if `numbered`."""
    cells = exp.select(*(_cell(item, spec).as_(text_name(item.name), quoted=True) for item in spec.columns))
    texts = exp.select(*(_text(item, spec).as_(text_name(item.name), quoted=True) for item in spec.columns))
    carried = []
    if spec.long_to_wide:
        cells = cells.select(_trim(column(spec.long_to_wide.names_from)).as_(MEASURE, quoted=True))
        carried.append(column(MEASURE))
    if numbered:
        cells = cells.select(_row_number().as_(ROW, quoted=True))
        carried.append(column(ROW))
    return texts.select(*carried).from_(cells.from_(RAW_TABLE).subquery("cells"))


def select_values(spec: PanelSpec, numbered: bool) -> exp.Select:
    """Each panel column typed and scaled, beside its text."""
    read = [_read_number(item).as_(item.name, quoted=True) for item in spec.columns if _is_number(item)]
    numbers = exp.select("*", *read).from_(select_texts(spec, numbered).subquery("texts"))
    query = exp.select().from_(numbers.subquery("numbers"))
    for item in spec.columns:
        text = column(text_name(item.name), "numbers")
        if item.meta.type == "country":
            table = codes_table(item.name)
            query = query.join(table, on=text.eq(column("spelling", table)), join_type="left")
            value: exp.Expr = column("code", table)
        else:
            value = _scaled(item) if _is_number(item) else text
        query = query.select(value.as_(item.name, quoted=True), text.copy())
    if spec.long_to_wide:
        query = query.select(column(MEASURE, "numbers"))
    return query.select(column(ROW, "numbers")) if numbered else query


def checks(spec: PanelSpec) -> list[Check]:
    """Every rule that a row of `values` must obey."""
    rules: list[Check] = []
    for item in spec.columns:
        rules += _column_checks(item, item.name in spec.keys)
    if spec.long_to_wide:
        names_from = spec.long_to_wide.names_from
        known = [item.spec.cell for item in spec.columns if item.spec.cell is not None]
        measure = exp.Coalesce(this=column(MEASURE), expressions=[literal("")])
        bad = exp.Not(this=_is_in(measure, [*known, *spec.long_to_wide.ignore]))
        remedy = f"Give the measure a column with `cell:`, or list it under `ignore:` of {spec.path.name}"
        rules.append(Check(MEASURE, names_from, bad, "a measure that the spec does not name", remedy))
    return rules


def select_typed(spec: PanelSpec) -> exp.Select:
    """The typed rows of the raw file, and whether each obeys every rule."""
    values = select_values(spec, numbered=False).subquery("v")
    bad = exp.or_(*(rule.bad for rule in checks(spec)))
    names = [column(item.name) for item in spec.columns]
    if spec.long_to_wide:
        names.append(column(MEASURE))
    return exp.select(*names, exp.Not(this=exp.paren(bad)).as_(OK, quoted=True)).from_(values)


def select_panel(spec: PanelSpec, ordered: bool = True) -> exp.Select:
    """The panel: one row a key, from the typed rows; sorted by key unless only counted."""
    typed = exp.select("*").from_(TYPED_TABLE).where(column(OK)).subquery("t")
    if spec.long_to_wide:
        fixed = [item for item in spec.columns if item.spec.cell is None]
        cells = [item for item in spec.columns if item.spec.cell is not None]
        keys = [column(item.name) for item in fixed if item.name in spec.keys]
        # What does not vary with the measure is constant within a key; `checks.py` refuses otherwise.
        carried = {item.name for item in fixed if item.name not in spec.keys} | {item.name for item in cells}
        selected = [
            exp.Max(this=column(item.name)).as_(item.name, quoted=True)
            if item.name in carried
            else column(item.name)
            for item in spec.columns
        ]
        known = [item.spec.cell for item in cells if item.spec.cell is not None]
        query = exp.select(*selected).from_(typed).where(_is_in(column(MEASURE), known)).group_by(*keys)
    else:
        query = exp.select(*(column(item.name) for item in spec.columns)).from_(typed)
    panel = exp.select(*(column(item.name) for item in spec.columns)).from_(query.subquery("p"))
    if spec.spec.omit_empty:
        panel = panel.where(any_measure(spec))
    return panel.order_by(*(column(key) for key in spec.keys)) if ordered else panel


def any_measure(spec: PanelSpec) -> exp.Expr:
    """True where at least one column that is neither key nor constant has a value."""
    measures = [item for item in spec.columns if item.name not in spec.keys and item.spec.constant is None]
    cells = [item for item in measures if item.spec.cell is not None]
    return exp.or_(*(_present(column(item.name)) for item in cells or measures))


def _cell(item: PanelColumn, spec: PanelSpec) -> exp.Expr:
    if item.spec.constant is not None:
        return literal(item.spec.constant)
    raw: exp.Expr = column(item.raw or item.name)
    if item.spec.cell is not None and spec.long_to_wide is not None:
        matches = _trim(column(spec.long_to_wide.names_from)).eq(literal(item.spec.cell))
        raw = exp.Case().when(matches, raw)
    return _trim(raw)


def _text(item: PanelColumn, spec: PanelSpec) -> exp.Expr:
    cell = column(text_name(item.name))
    if item.spec.constant is not None:
        return cell
    missing = item.spec.missing if item.spec.missing is not None else spec.spec.missing
    if item.meta.type == "country" and item.spec.missing is None:
        missing = [code for code in missing if code != "NA"]  # NA is Namibia
    text = exp.Case()
    for old, new in (item.spec.recode or {}).items():
        text = text.when(cell.eq(literal(old)), exp.null() if new is None else literal(new))
    if missing:
        text = text.when(_is_in(cell, missing), exp.null())
    if item.spec.recode is None:
        return text.else_(cell) if missing else cell
    # A value without a recode keeps a mark that no code carries, so that the check below finds it.
    return text.else_(exp.DPipe(this=literal(UNMAPPED), expression=cell))


UNMAPPED = "\ue000"  # a private-use character


def _is_number(item: PanelColumn) -> bool:
    return item.meta.type in ("number", "integer", "binary")


def _read_number(item: PanelColumn) -> exp.Expr:
    text = column(text_name(item.name))
    stray = exp.RegexpLike(this=text, expression=literal(_NOT_OF_A_NUMBER))
    number = exp.TryCast(this=text.copy(), to=exp.DataType.build("DOUBLE"))
    return exp.Case().when(exp.Not(this=stray), number)


def _scaled(item: PanelColumn) -> exp.Expr:
    number: exp.Expr = column(item.name, "numbers")
    if item.spec.scale is not None:
        number = exp.Mul(this=number, expression=exp.cast(literal(float(item.spec.scale)), "DOUBLE"))
    if item.meta.type == "number":
        return number
    # A year written 1991.0 is a whole number; beyond 2^53 a double no longer tells whole numbers apart.
    whole = number.copy().eq(exp.Floor(this=number.copy()))
    exact = exp.LT(this=exp.Abs(this=number.copy()), expression=literal(9e15))
    return exp.Case().when(exp.and_(whole, exact), exp.cast(number.copy(), "BIGINT"))


def _column_checks(item: PanelColumn, is_key: bool) -> list[Check]:
    meta, value, text = item.meta, column(item.name), column(text_name(item.name))
    raw = item.raw or item.name
    rules = []

    def rule(bad: exp.Expr, reason: str, remedy: str) -> None:
        rules.append(Check(item.name, raw, exp.Coalesce(this=bad, expressions=[exp.false()]), reason, remedy))

    if is_key:
        rule(
            exp.Is(this=text, expression=exp.null()),
            f"the key '{item.name}' is missing",
            "A key must have a value in every row",
        )
    if item.spec.recode is not None:
        unmapped = exp.func("STARTS_WITH", text.copy(), literal(UNMAPPED))
        rule(unmapped, "no recode for this value", "Add it under `recode`, or under `missing`")
    unread = exp.And(this=_present(text), expression=exp.Is(this=value.copy(), expression=exp.null()))
    if meta.type == "country":
        rule(unread, "unknown country", "Add a `recode` to an ISO3 code in the spec, or correct the file")
    elif meta.type in ("integer", "binary"):
        rule(
            unread,
            "not a whole number",
            "Correct it, or list it under `missing` if it stands for a missing value",
        )
    elif meta.type == "number":
        rule(
            unread, "not a number", "Correct it, or list it under `missing` if it stands for a missing value"
        )
        too_large = exp.GT(this=exp.Abs(this=value.copy()), expression=literal(_LARGEST))
        rule(too_large, "too large for a number", "Correct it")
    for limit, comparison, word in ((meta.minimum, exp.LT, "below"), (meta.maximum, exp.GT, "above")):
        if limit is not None:
            outside = comparison(this=value.copy(), expression=literal(limit))
            remedy = f"'{item.name}' is in {meta.unit}: check `scale`, `missing` and the file"
            rule(outside, f"{word} {limit:g}", remedy)
    if meta.allowed:
        stray = exp.Not(this=_is_in(value.copy(), meta.allowed))
        rule(stray, f"not one of {', '.join(meta.allowed)}", "Add a `recode`")
    return rules


def _trim(value: exp.Expr) -> exp.Expr:
    """Without blanks at the ends; which blanks is said, since engines differ in their defaults."""
    return exp.Trim(this=value, expression=literal(BLANKS))


def _is_in(value: exp.Expr, options: list[str] | tuple[str, ...]) -> exp.Expr:
    return exp.In(this=value.copy(), expressions=[literal(option) for option in options])


def _present(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=value.copy(), expression=exp.null()))


def _row_number() -> exp.Expr:
    """The row as a spreadsheet counts it: the header is row 1."""
    number = exp.Window(this=exp.RowNumber(), over="OVER")
    return exp.Add(this=number, expression=exp.Literal.number(1))
