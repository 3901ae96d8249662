"""The closed vocabulary of a panel's YAML, as typed objects; nothing in it is ever evaluated as code."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gvcmetrics.panels.classifications import CLASSIFICATIONS, LISTED
from gvcmetrics.panels.contracts import CONTRACTS, Type


def _as_text(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError("write a code with a point in quotes, or its last zeros are lost")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
        "".encode(name)
    except (LookupError, ValueError):
        raise ValueError("no encoding of text: write one such as utf-8, latin-1, cp1252, utf-16") from None
    return name


def _listed(name: str) -> str:
    if name not in LISTED:
        raise ValueError(f"there is no list of the codes of '{name}': write one of {', '.join(LISTED)}")
    return name


# Codes such as 0111 or 842 are easily written without quotes; they are text all the same.
Text = Annotated[str, BeforeValidator(_as_text)]
Texts = Annotated[list[Text], Field(min_length=1)]
Listed = Annotated[str, AfterValidator(_listed), Field(json_schema_extra={"enum": list(LISTED)})]
Places = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=2)]
Sign = Annotated[str, Field(min_length=1, max_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class FileSource(_Model):
    """One file inside the project's data folder, or several: a list, or a pattern such as `raw/f_*.csv`."""

    file: str | None = None
    files: list[str] | str | None = None
    sha256: str | None = None


class PanelWords(_Model):
    """The words that the spec of every panel has, whatever its contract."""

    title: str
    contract: str
    source: str | FileSource
    extends: str | None = None
    requires: dict[str, str] = {}
    licence: str | None = None
    citation: str | None = None
    simulated: bool = False
    notes: list[str] = []


class Read(_Model):
    """How the raw file is written, where its ending does not say it.

    `member` names the file to read in an archive of several; `sheet` that of a workbook;
    `header_row` the line or sheet row that holds the column names. In text of fixed width `fixed` gives
    each column the place of its first and last sign, or `dictionary` names the file of Stata that does.
    `format: eurostat` unpacks a TSV of Eurostat into a row a period.
    """

    delimiter: Sign | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", " ", "'", "\u00a0", "\u202f", "\u2009", "\u2019"] | None = None
    header_row: Annotated[int, Field(ge=1, le=1000)] = 1
    sheet: str | None = None
    member: str | None = None
    fixed: Annotated[dict[str, Places] | None, Field(min_length=1)] = None
    dictionary: str | None = None
    format: Literal["eurostat"] | None = None


class Item(_Model):
    """One survey answer as 0/1: what it is compared with, and what stands for no answer."""

    from_: Annotated[str, Field(alias="from")]
    by_label: bool = False
    missing: list[Text] | None = None
    equals: Text | None = None
    in_: Annotated[Texts | None, Field(alias="in")] = None
    at_least: float | int | None = None


class CrosswalkWords(_Model):
    """From which classification to which a code is mapped, and to how many of its digits.

    Only codes that have one target are mapped: one row cannot be split between several.
    """

    from_: Annotated[Text, Field(alias="from", json_schema_extra={"enum": list(CLASSIFICATIONS)})]
    to: Annotated[Text, Field(json_schema_extra={"enum": list(CLASSIFICATIONS)})]
    digits: Annotated[int, Field(ge=1, le=6)] | None = None


class PartWords(_Model):
    """Which part of a cell is meant, counted from 1, where a sign separates several."""

    by: Sign
    number: Annotated[int, Field(ge=1, le=100)]


class ColumnSpec(_Model):
    """How one column of the panel comes from the raw file.

    Where the value comes from, one of: `from`, `cell` (a measure of a long file), `constant`,
    `file_name` (the year, or the last of several, in the raw file's name), `cross` (panel columns joined
    into one code),
    `any_of`, `all_of` (answers combined).
    What happens to it, in this order: `part`, `missing`, `recode`, `pad`, `classification`, `characters`,
    `crosswalk`, then `equals`, `in` or `at_least` (0/1), or `scale`. Where `characters` does not begin with
    the first, it comes before `pad`. `only_in` keeps it in some periods of a wide file.
    """

    from_: Annotated[str | None, Field(alias="from")] = None
    cell: str | None = None
    constant: Text | None = None
    file_name: Literal["year", "last_year"] | None = None
    cross: Annotated[list[str] | None, Field(min_length=2)] = None
    any_of: Annotated[list[Item] | None, Field(min_length=1)] = None
    all_of: Annotated[list[Item] | None, Field(min_length=1)] = None
    by_label: bool = False
    part: PartWords | None = None
    missing: list[Text] | None = None
    areas: Literal["comtrade"] | None = None
    recode: dict[str, Text | None] | None = None
    otherwise: Literal["keep"] | None = None
    characters: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)] | None = None
    pad: Annotated[int, Field(ge=1, le=20)] | None = None
    classification: Listed | None = None
    crosswalk: CrosswalkWords | None = None
    equals: Text | None = None
    in_: Annotated[Texts | None, Field(alias="in")] = None
    at_least: float | int | None = None
    scale: float | int | None = None
    only_in: Texts | None = None
    optional: bool = False
    type: Type | None = None
    unit: str | None = None
    label: str | None = None
    minimum: float | int | None = None
    maximum: float | int | None = None
    note: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _otherwise(cls, words: Any) -> Any:
        """`recode: {old: new, otherwise: keep}` says the same as the two words beside one another."""
        recode = words.get("recode") if isinstance(words, dict) else None
        if not isinstance(recode, dict) or recode.get("otherwise") != "keep":
            return words
        rest = {old: new for old, new in recode.items() if old != "otherwise"}
        return {**words, "recode": rest, "otherwise": "keep"}


SOURCE_WORDS = ("from", "cell", "constant", "file_name", "cross", "any_of", "all_of")
TESTS = ("equals", "in", "at_least")


class LongToWide(_Model):
    """A raw file with one row a measure: `names_from` names the measure, `values_from` holds it."""

    names_from: str
    values_from: str
    ignore: list[Text] = []


class WideToLong(_Model):
    """A raw file with one column a period: `{name}` in a `from` stands for each of `values`."""

    name: str
    values: Texts


class Layout(_Model):
    """With both, a row a measure and a column a period, as the World Bank writes: `values_from: "{year}"`."""

    long_to_wide: LongToWide | None = None
    wide_to_long: WideToLong | None = None


class Money(_Model):
    """The currency of the raw file, how it becomes USD, and the prices of which year.

    `rates` and `deflator` are CSV files in the data folder: `currency,year,per_usd` and
    `year,index` (or `country,year,index`). They apply to every column in USD.
    `currency_from` is the raw column that states the currency; every row must state `currency`.
    `prices` says whose the deflator is: of the country (then amounts are converted at the rate of
    `base_year`), or of the dollar (then at the rate of their own year).
    """

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    currency_from: str | None = None
    rates: str | None = None
    deflator: str | None = None
    base_year: int | None = None
    prices: Literal["local", "USD"] = "local"


class Spec(PanelWords):
    """The YAML of one panel of rows.

    `renamed` gives raw columns another name in the files that a pattern matches, where a survey's waves name
    one question differently: `{"*_2013*": {exports: I3R1C2}, "*_2015*": {exports: I3R2C2}}`.
    """

    contract: Literal["trade", "firm", "cluster", "country"]
    columns: dict[str, ColumnSpec | None]
    read: Read = Read()
    layout: Layout | None = None
    keep: dict[str, Texts] = {}
    drop: dict[str, Texts] = {}
    renamed: dict[str, dict[str, str]] = {}
    money: Money | None = None
    keys: list[str] | None = None
    partition_by: str | None = None
    missing: list[Text] = ["", "NA"]
    omit_empty: bool = False
    max_reject_share: Annotated[float | int, Field(ge=0, lt=1)] = 0


def spec_schema() -> dict[str, Any]:
    """The JSON Schema of a spec (draft 2020-12), for editors that complete and check YAML.

    Columns of the contracts appear by name with label and unit; a column of one's own is allowed.
    """
    schema = Spec.model_json_schema(by_alias=True)
    described = {
        column.name: {
            "description": f"{column.label} ({column.unit})",
            "anyOf": [{"$ref": "#/$defs/ColumnSpec"}, {"type": "null"}],
        }
        for contract in CONTRACTS.values()
        for column in contract.columns.values()
    }
    schema["properties"]["columns"]["properties"] = described
    # What a preset gives need not stand in the spec.
    schema["required"] = ["title", "source"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
