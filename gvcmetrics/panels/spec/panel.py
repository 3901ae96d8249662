"""One panel's YAML, read and checked.

A spec declares; it computes nothing. Every transformation is a word of the closed vocabulary in
`words.py`, and errors name the file, the line, the key and the nearest valid key.

    title: Firms of Somewhere
    contract: firm
    source: somewhere_firms          # a name of the catalogue, or `file: raw/firms.dta`
    money: {currency: USD}
    columns:
      country: {constant: SOM}
      firm_id: {from: id}
      year:
      sales_usd: {from: turnover_k, scale: 1000, missing: ["-9"]}
      upgrade_process: {any_of: [{from: q4a, equals: 1}, {from: q4b, in: [1, 2]}]}
      mood: {type: text, unit: name, label: Mood of the manager, recode: {"1": good, "2": bad}}
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from gvcmetrics.errors import SpecError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.classifications import LISTED
from gvcmetrics.panels.contracts import CONTRACTS, Contract
from gvcmetrics.panels.spec.columns import (
    Input,
    PanelColumn,
    panel_column,
    periods,
    placeholder,
    refuse_unusable_layout,
    with_crossed_lineage,
)
from gvcmetrics.panels.spec.document import read_document, words_of
from gvcmetrics.panels.spec.extends import spec_digest
from gvcmetrics.panels.spec.names import alike, told_apart
from gvcmetrics.panels.spec.words import ColumnSpec, LongToWide, Spec, WideToLong
from gvcmetrics.panels.spec.yaml_lines import Document


@dataclass(frozen=True)
class PanelSpec:
    """A checked spec, ready to build.

    Attributes
    ----------
    name : the panel's name, which is the file's name without `.yaml`.
    columns : in the order of the spec.
    keys : the columns that name a row; rows are sorted by them.
    sha256 : checksum of the YAML file and of the presets that it extends.
    absent : optional columns that the raw file does not have, and hence the panel neither.
    unlabelled : those of them whose codes the file has, and not the labels that they are to be read by.
    """

    name: str
    path: Path
    sha256: str
    words: Spec
    contract: Contract
    columns: tuple[PanelColumn, ...]
    keys: tuple[str, ...]
    document: Document
    absent: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()

    @property
    def long_to_wide(self) -> LongToWide | None:
        return self.words.layout.long_to_wide if self.words.layout else None

    @property
    def wide_to_long(self) -> WideToLong | None:
        return self.words.layout.wide_to_long if self.words.layout else None

    @property
    def periods(self) -> tuple[str, ...]:
        return periods(self.words)

    def raw_names(self, item: Input) -> dict[str, str]:
        """The raw column of an input by period; under "" where it is the same in all."""
        if item.raw is None:
            return {}
        mark = placeholder(self.words)
        if not mark or mark not in item.raw:
            return {"": item.raw + item.suffix}
        words = item.words
        stated = words.only_in if isinstance(words, ColumnSpec) and words.only_in else self.periods
        return {period: item.raw.replace(mark, period) + item.suffix for period in stated}

    def code_names(self, item: Input) -> dict[str, str]:
        """Where labels are read, the raw columns of their codes: a code may say that there is no answer."""
        if not item.words.by_label:
            return {}
        return {period: raw.removesuffix(item.suffix) for period, raw in self.raw_names(item).items()}

    def wanted(self) -> dict[str, str]:
        """Every raw column that the spec reads, and the panel column or word that reads it."""
        names = {
            raw: column.name
            for column in self.columns
            for item in column.inputs
            for raw in (*self.raw_names(item).values(), *self.code_names(item).values())
        }
        if self.long_to_wide:
            names[self.long_to_wide.names_from] = "names_from"
        names.update(dict.fromkeys(self.words.keep, "keep"))
        names.update(dict.fromkeys(self.words.drop, "drop"))
        if self.words.money and self.words.money.currency_from:
            names[self.words.money.currency_from] = "currency_from"
        return names

    @cached_property
    def raw_columns(self) -> dict[str, str]:
        """What the trees call each raw column: its name, told apart from those that differ in capitals."""
        return told_apart(self.wanted())


def load_spec(path: Path | str) -> PanelSpec:
    """Read and check the YAML of a panel of rows, merged over the presets that it extends.

    Raises
    ------
    SpecError : with file, line, key and what to write instead.
    """
    return panel_spec(Path(path), read_document(Path(path)))


def panel_spec(path: Path, document: Document) -> PanelSpec:
    """The spec that a document holds; the errors are those of `load_spec`."""
    spec = words_of(document, Spec)
    _check_money(spec, document)
    _check_signs(spec, document)
    _check_places(spec, document)
    contract = CONTRACTS[spec.contract]
    given = dict(spec.columns)
    for name, crossed in contract.crossed.items():
        if name not in given and given.keys() >= set(crossed):
            given[name] = ColumnSpec(cross=list(crossed))
    _classify_products(given)
    columns = tuple(
        panel_column(name, words or ColumnSpec(), contract, spec, document) for name, words in given.items()
    )
    refuse_unusable_layout(columns, spec, document)
    columns = with_crossed_lineage(columns, document)
    keys = _keys(spec, contract, [column.name for column in columns], document)
    _check_partition(spec, columns, keys, document)
    return PanelSpec(path.stem, path, spec_digest(path), spec, contract, columns, keys, document)


def _classify_products(given: dict[str, ColumnSpec | None]) -> None:
    """Products of one stated classification are checked against its codes; of HS, of any revision.

    What a file calls a revision is often the one that its codes were converted to, and not all were.
    """
    stated, product = given.get("product_classification"), given.get("product")
    name = stated.constant if stated is not None else None
    if (
        name is not None
        and name in LISTED
        and product is not None
        and not (product.recode or product.crosswalk)
    ):
        listed = "HS" if name.startswith("HS") else name
        given["product"] = product.model_copy(update={"classification": product.classification or listed})


def said_unlabelled(spec: PanelSpec) -> str:
    """What a file without value labels costs, and what to do; empty where it costs nothing."""
    if not spec.unlabelled:
        return ""
    lost = ", ".join(spec.unlabelled)
    crossed = [name for name in spec.absent if name not in spec.unlabelled and name in spec.contract.crossed]
    hence = f", and hence {', '.join(crossed)}," if crossed else ""
    return (
        f"The raw file has codes and no value labels for {lost}{hence}: read the .dta or .sav file, "
        f"or write `by_label: false` to have the codes"
    )


def without_absent(spec: PanelSpec, available: set[str]) -> PanelSpec:
    """The spec without the optional columns that the raw files do not have, in the files' own spelling.

    Names are the same whatever their case, as they are to the engines: agencies write the variables of
    one survey now in capitals, now not.
    """
    spec = _as_spelled(spec, available)

    own = alike(available)

    def lacks(column: PanelColumn) -> bool:
        raws = [raw for item in column.inputs for raw in spec.raw_names(item).values()]
        return column.spec.optional and not all(raw.casefold() in own for raw in raws)

    gone = {column.name for column in spec.columns if lacks(column)}
    unlabelled = tuple(
        column.name
        for column in spec.columns
        if column.name in gone
        and any(item.words.by_label for item in column.inputs)
        and all(available.issuperset(spec.code_names(item).values()) for item in column.inputs)
    )
    gone |= {column.name for column in spec.columns if gone.intersection(column.spec.cross or [])}
    kept = tuple(column for column in spec.columns if column.name not in gone)
    absent = tuple(sorted(gone - set(spec.keys)))
    return replace(spec, columns=kept, absent=absent, unlabelled=unlabelled)


def _as_spelled(spec: PanelSpec, available: set[str]) -> PanelSpec:
    own = alike(sorted(available))

    def spelled(name: str, suffix: str = "") -> str:
        full = name + suffix
        same = own.get(full.casefold(), [])
        # Where two files spell it in two ways, each is asked for the name as the spec has it.
        return same[0].removesuffix(suffix) if len(same) == 1 else name

    columns = tuple(
        replace(
            column,
            inputs=tuple(
                replace(item, raw=spelled(item.raw, item.suffix)) if item.raw is not None else item
                for item in column.inputs
            ),
            lineage=[spelled(raw) for raw in column.lineage],
        )
        for column in spec.columns
    )
    words = {
        word: {spelled(name): values for name, values in getattr(spec.words, word).items()}
        for word in ("keep", "drop")
    }
    return replace(spec, columns=columns, words=spec.words.model_copy(update=words))


def _check_money(spec: Spec, document: Document) -> None:
    money = spec.money
    if money is None:
        return
    if money.currency != "USD" and money.rates is None:
        remedy = "Add `rates: FILE.csv` with the columns currency, year, per_usd"
        raise SpecError(f"{money.currency} has no exchange rate", document.place(("money",)), remedy)
    if (money.deflator is None) != (money.base_year is None):
        remedy = "State both: `deflator: FILE.csv` and `base_year: 2010`"
        raise SpecError("a deflator goes with its base year", document.place(("money",)), remedy)


def _check_places(spec: Spec, document: Document) -> None:
    read = spec.read
    if read.fixed is None and read.dictionary is None:
        return
    stated = "fixed" if read.fixed is not None else "dictionary"
    others = (
        ("dictionary", "delimiter", "header_row") if read.fixed is not None else ("delimiter", "header_row")
    )
    for other in others:
        if other in read.model_fields_set:
            problem = f"`{stated}` and `{other}` exclude one another"
            raise SpecError(problem, document.place(("read", other)), "Keep one")
    for name, places in (read.fixed or {}).items():
        if places[0] > places[-1]:
            where = document.place(("read", "fixed", name))
            raise SpecError("the first place lies behind the last", where, "Write [first, last]")


def _check_signs(spec: Spec, document: Document) -> None:
    if spec.read.thousands == spec.read.decimal:
        stated = "thousands" if "thousands" in spec.read.model_fields_set else "decimal"
        other = "," if spec.read.decimal == "." else "."
        problem = f"thousands and decimals are parted by the same sign, '{spec.read.decimal}'"
        remedy = f"Where '{spec.read.decimal}' parts thousands, write `decimal: \"{other}\"` as well"
        raise SpecError(problem, document.place(("read", stated)), remedy)


def _check_partition(
    spec: Spec, columns: tuple[PanelColumn, ...], keys: tuple[str, ...], document: Document
) -> None:
    types = {column.name: column.meta.type for column in columns if column.name in keys}
    usable = [name for name, kind in types.items() if kind in ("integer", "country")]
    if spec.partition_by is not None and spec.partition_by not in usable:
        problem = f"'{spec.partition_by}' is no key that holds years, whole numbers or countries"
        raise SpecError(problem, document.place(("partition_by",)), f"Write one of: {', '.join(usable)}")


def _keys(spec: Spec, contract: Contract, names: list[str], document: Document) -> tuple[str, ...]:
    if spec.keys is not None:
        for index, key in enumerate(spec.keys):
            if key not in names:
                remedy = did_you_mean(key, names, "Name a column under `columns`")
                raise SpecError(f"'{key}' is no column of this spec", document.place(("keys", index)), remedy)
    keys = tuple(spec.keys) if spec.keys is not None else contract.keys
    for key in contract.keys:
        if key not in names or key not in keys:
            remedy = f"Add it under `columns` (keys of a {contract.name} panel: {', '.join(contract.keys)})"
            raise SpecError(f"the key column '{key}' is absent", document.place(("columns",)), remedy)
    for key in keys:
        words = spec.columns.get(key)
        for word in ("cell", "optional", "only_in", "cross"):
            if words is not None and getattr(words, word):
                where = document.place(("columns", key, word))
                raise SpecError(f"a key cannot have `{word}`", where, "Write `from`, or leave it out of keys")
    if len(set(keys)) < len(keys):
        raise SpecError("a key column stands twice", document.place(("keys",)), "Keep one")
    return keys
