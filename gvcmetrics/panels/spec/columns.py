"""One column of a panel: its contract and its words brought together, and what the words exclude."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.classifications import CLASSIFICATIONS, files_between
from gvcmetrics.panels.contracts import Column, Contract
from gvcmetrics.panels.spec.words import SOURCE_WORDS, TESTS, ColumnSpec, CrosswalkWords, Item, Spec
from gvcmetrics.panels.spec.yaml_lines import Document, KeyPath

LABEL = "#label"
FILE_YEAR = "#file_year"


@dataclass(frozen=True)
class Input:
    """One raw cell that a column is made from.

    Attributes
    ----------
    name : the column of `texts` that holds it.
    raw : the raw column; in a wide file, with `{period}` for the period. None where no raw column is read.
    words : what is done to it.
    """

    name: str
    raw: str | None
    words: ColumnSpec | Item

    @property
    def suffix(self) -> str:
        """What the reader appends to the raw column's name where labels are read and not codes."""
        return LABEL if self.words.by_label else ""

    @property
    def is_test(self) -> bool:
        return any(value is not None for value in (self.words.equals, self.words.in_, self.words.at_least))


@dataclass(frozen=True)
class PanelColumn:
    """A column of the panel.

    Attributes
    ----------
    inputs : the raw cells that it is made from; none for `cross`.
    lineage : the raw variables that it is made from; in a long file, a measure is a variable.
    """

    meta: Column
    spec: ColumnSpec
    inputs: tuple[Input, ...]
    lineage: list[str]

    @property
    def name(self) -> str:
        return self.meta.name

    @property
    def raw(self) -> str | None:
        """The raw column that a message points at; None for a constant."""
        return self.inputs[0].raw if self.inputs else None

    @property
    def is_number(self) -> bool:
        """Is the text of the column read as a number? Not where it is compared to give 0/1."""
        plain = len(self.inputs) == 1 and not self.inputs[0].is_test
        return plain and self.meta.type in ("number", "integer", "binary")


def text_name(name: str) -> str:
    """The column of `texts` that holds a panel column before it is typed."""
    return f"{name}#text"


def panel_column(
    name: str, words: ColumnSpec, contract: Contract, spec: Spec, document: Document
) -> PanelColumn:
    """Check one column's words against one another, its contract and the layout.

    Raises
    ------
    SpecError : with the line of the word that does not fit.
    """
    path: KeyPath = ("columns", name)
    if not name.isidentifier() or name != name.lower():
        raise SpecError(
            f"'{name}' is no column name", document.place(path), "Use snake_case, as in `sales_usd`"
        )
    meta = _meta(name, words, contract, spec, document)
    sources = _stated(words, SOURCE_WORDS)
    if len(sources) > 1:
        raise SpecError(f"{' and '.join(sources)} exclude one another", document.place(path), "Keep one")
    _refuse_misfits(words, sources[0] if sources else "from", meta, spec, document, path)
    inputs = _inputs(name, words, spec, document, path)
    return PanelColumn(meta, words, inputs, _lineage(words, inputs, spec))


def with_crossed_lineage(columns: tuple[PanelColumn, ...], document: Document) -> tuple[PanelColumn, ...]:
    """The columns with the raw variables of `cross` traced through the columns that it names."""
    known = {column.name: column for column in columns}
    done = []
    for column in columns:
        for index, name in enumerate(column.spec.cross or []):
            if name not in known or known[name].spec.cross or known[name].meta.type == "number":
                remedy = did_you_mean(name, known, "Name columns that hold codes")
                where = document.place(("columns", column.name, "cross", index))
                raise SpecError(f"'{name}' is no column that can be crossed", where, remedy)
        crossed = [raw for name in column.spec.cross or [] for raw in known[name].lineage]
        done.append(replace(column, lineage=list(dict.fromkeys(crossed))) if crossed else column)
    return tuple(done)


def periods(spec: Spec) -> tuple[str, ...]:
    """The periods of a wide file; none for other layouts."""
    return tuple(spec.layout.wide_to_long.values) if spec.layout and spec.layout.wide_to_long else ()


def placeholder(spec: Spec) -> str:
    """What stands for the period in the name of a raw column."""
    return f"{{{spec.layout.wide_to_long.name}}}" if spec.layout and spec.layout.wide_to_long else ""


def _stated(words: ColumnSpec | Item, names: Iterable[str]) -> list[str]:
    given = words.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
    return [name for name in names if name in given]


def _meta(name: str, words: ColumnSpec, contract: Contract, spec: Spec, document: Document) -> Column:
    path = ("columns", name)
    known = contract.columns.get(name)
    stated = {key: getattr(words, key) for key in ("type", "unit", "label", "minimum", "maximum")}
    stated = {key: value for key, value in stated.items() if value is not None}
    if known is None:
        lacking = [key for key in ("type", "unit", "label") if key not in stated]
        if lacking:
            raise SpecError(
                f"'{name}' is no column of the {contract.name} contract, and an added column must state "
                + ", ".join(lacking),
                document.place(path),
                did_you_mean(name, contract.columns, f"State {', '.join(lacking)}"),
            )
        stated.setdefault("minimum", 0 if stated["type"] == "binary" else None)
        stated.setdefault("maximum", 1 if stated["type"] == "binary" else None)
        meta = Column(name, **stated)
    else:
        for key in ("type", "unit", "minimum", "maximum"):
            if key in stated and stated[key] != getattr(known, key):
                where = document.place((*path, key))
                raise SpecError(
                    f"the {contract.name} contract fixes the {key} of '{name}'", where, "Remove the key"
                )
        meta = Column(**{**vars(known), **stated})
    if spec.money and spec.money.deflator and meta.unit == "USD":
        meta = replace(meta, unit=f"USD, prices of {spec.money.base_year}")
    return meta


def _refuse_misfits(
    words: ColumnSpec, source: str, meta: Column, spec: Spec, document: Document, path: KeyPath
) -> None:
    def refuse(word: str, problem: str, remedy: str) -> None:
        raise SpecError(problem, document.place((*path, word)), remedy)

    tests = _stated(words, TESTS)
    changes = _stated(words, ("recode", "characters", "pad", "classification", "crosswalk", "scale"))
    if words.scale is not None and meta.type not in ("number", "integer"):
        refuse("scale", "only a number can be scaled", "Remove `scale`")
    if len(tests) > 1:
        refuse(tests[1], f"{' and '.join(tests)} exclude one another", "Keep one, or write `any_of`")
    if (tests or source in ("any_of", "all_of")) and meta.type != "binary":
        refuse((tests or [source])[0], "gives 0 or 1, and the column is not binary", "Write `type: binary`")
    if tests and changes:
        refuse(changes[0], f"`{changes[0]}` and `{tests[0]}` exclude one another", f"Remove `{changes[0]}`")
    if words.recode is not None and (
        words.characters or words.pad or words.crosswalk or words.classification
    ):
        problem = "`recode` excludes `characters`, `pad`, `classification` and `crosswalk`"
        refuse("recode", problem, "Recode the whole value")
    if words.otherwise is not None and words.recode is None:
        refuse("otherwise", "says what is done to what `recode` does not name", "Add `recode`")
    if words.areas is not None and meta.type != "country":
        refuse("areas", "says whose numbers of countries they are", "Use it for a country")
    if words.classification is not None and meta.type != "text":
        refuse("classification", "says what codes are, and the column is no text", "Write `type: text`")
    if words.crosswalk is not None:
        if meta.type != "text":
            refuse("crosswalk", "gives a code, and the column is no text", "Write `type: text`")
        _refuse_unknown_crosswalk(words.crosswalk, document, (*path, "crosswalk"))
    if words.characters and words.characters[0] > words.characters[1]:
        refuse("characters", "the first character lies behind the last", "Write [first, last]")
    if source not in ("from", "cell"):
        alone = (
            ("by_label", "missing") if source in ("any_of", "all_of") else ("by_label", "missing", "optional")
        )
        for word in (*tests, *changes, *_stated(words, ("part", *alone))):
            refuse(word, f"`{word}` has nothing to do with `{source}`", f"Remove `{word}`")
    if words.cell is not None and (spec.layout is None or spec.layout.long_to_wide is None):
        refuse("cell", "`cell` needs `layout: long_to_wide`", "Write `from`")
    if words.cross is not None and meta.type != "text":
        refuse("cross", "gives a code, and the column is no text", "Write `type: text`")
    if words.file_name is not None and meta.type != "integer":
        refuse("file_name", "gives a whole number", "Use it for `year`")
    for period in words.only_in or []:
        if period not in periods(spec):
            refuse("only_in", f"'{period}' is none of the periods of `layout: wide_to_long`", "Correct it")
    for word in ("any_of", "all_of"):
        for index, item in enumerate(getattr(words, word) or []):
            if len(_stated(item, TESTS)) != 1:
                where = document.place((*path, word, index))
                raise SpecError("an answer needs one of equals, in, at_least", where, "Add `equals: …`")


def _refuse_unknown_crosswalk(words: CrosswalkWords, document: Document, path: KeyPath) -> None:
    for key, name in (("from", words.from_), ("to", words.to)):
        if name not in CLASSIFICATIONS:
            remedy = did_you_mean(name, CLASSIFICATIONS, f"Classifications: {', '.join(CLASSIFICATIONS)}")
            raise SpecError(f"there is no classification '{name}'", document.place((*path, key)), remedy)
    try:
        files_between(words.from_, words.to)
    except DataError as error:
        raise SpecError(error.problem, document.place(path), error.remedy) from None


def _inputs(name: str, words: ColumnSpec, spec: Spec, document: Document, path: KeyPath) -> tuple[Input, ...]:
    text = text_name(name)
    wide = spec.layout.wide_to_long if spec.layout else None
    if words.cross is not None:
        return ()
    if items := words.any_of or words.all_of:
        found = tuple(
            Input(text if n == 0 else f"{text}{n + 1}", item.from_, item) for n, item in enumerate(items)
        )
    elif words.constant is not None or words.file_name is not None or (wide and wide.name == name):
        if wide and wide.name == name and (words.from_ or words.constant or words.file_name):
            raise SpecError(
                "the layout gives the value of this column", document.place(path), "Remove its words"
            )
        found = (Input(text, None, words),)
    elif words.cell is not None:
        assert spec.layout is not None
        assert spec.layout.long_to_wide is not None
        found = (Input(text, spec.layout.long_to_wide.values_from, words),)
    else:
        found = (Input(text, words.from_ or name, words),)
    return found


def _lineage(words: ColumnSpec, inputs: tuple[Input, ...], spec: Spec) -> list[str]:
    raws = [item.raw for item in inputs if item.raw is not None]
    if words.cell is not None:
        return [f"{raw} of “{words.cell}”" for raw in raws]
    mark = placeholder(spec)
    every = [
        raw.replace(mark, period)
        for raw in raws
        for period in (words.only_in or periods(spec) if mark and mark in raw else ("",))
    ]
    return list(dict.fromkeys(every))


def refuse_unusable_layout(columns: tuple[PanelColumn, ...], spec: Spec, document: Document) -> None:
    """Raise SpecError where the layout names nothing that a column takes up."""
    if spec.layout is None:
        return
    if spec.layout.long_to_wide is None and spec.layout.wide_to_long is None:
        raise SpecError(
            "a layout is long_to_wide or wide_to_long", document.place(("layout",)), "State one, or both"
        )
    if spec.layout.long_to_wide and not any(column.spec.cell is not None for column in columns):
        where = document.place(("layout", "long_to_wide"))
        raise SpecError("no column has a `cell`", where, "Give each measure a column with `cell: NAME`")
    wide = spec.layout.wide_to_long
    if wide:
        at = document.place(("layout", "wide_to_long"))
        if len(set(wide.values)) < len(wide.values):
            raise SpecError("a period stands twice", at, "Keep one")
        if wide.name not in (column.name for column in columns):
            raise SpecError(f"there is no column '{wide.name}'", at, f"Add `{wide.name}:` under `columns`")
        raws = [item.raw or "" for column in columns for item in column.inputs]
        if not any(placeholder(spec) in raw for raw in raws):
            remedy = f"Write `from: sales_{placeholder(spec)}` for columns such as sales_{wide.values[0]}"
            raise SpecError(f"no column reads `{placeholder(spec)}`", at, remedy)
