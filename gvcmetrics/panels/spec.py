"""One panel's YAML as typed objects.

A spec declares; it computes nothing. Every transformation is a word of the closed vocabulary below
(`from`, `cell`, `constant`, `missing`, `recode`, `scale`, `type`), applied in that order, and errors
name the file, the line, the key and the nearest valid key.

    title: Firms of Somewhere
    contract: firm
    source: somewhere_firms          # a name of the catalogue, or `file: raw/firms.csv`
    columns:
      country: {constant: SOM}
      firm_id: {from: id}
      year:
      sales_usd: {from: turnover_k, scale: 1000, missing: ["-9"]}
      mood: {type: text, unit: name, label: Mood of the manager, recode: {"1": good, "2": bad}}
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gvcmetrics.errors import Place, SpecError
from gvcmetrics.panels.contracts import CONTRACTS, Column, Contract, Type
from gvcmetrics.panels.yaml_lines import Document, read_yaml


def _as_text(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError("write a code with a point in quotes, or its last zeros are lost")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# Codes such as 0111 or 842 are easily written without quotes; they are text all the same.
Text = Annotated[str, BeforeValidator(_as_text)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class FileSource(_Model):
    """A file inside the project's data folder, not in the catalogue."""

    file: str
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    sha256: str | None = None


class ColumnSpec(_Model):
    """How one column of the panel comes from the raw file."""

    from_: Annotated[str | None, Field(alias="from")] = None
    cell: str | None = None
    constant: Text | None = None
    missing: list[Text] | None = None
    recode: dict[str, Text | None] | None = None
    scale: float | int | None = None
    type: Type | None = None
    unit: str | None = None
    label: str | None = None
    minimum: float | int | None = None
    maximum: float | int | None = None
    note: str | None = None


class LongToWide(_Model):
    """A raw file with one row a measure: `names_from` names the measure, `values_from` holds it."""

    names_from: str
    values_from: str
    ignore: list[Text] = []


class Layout(_Model):
    long_to_wide: LongToWide


class Spec(_Model):
    """The YAML of one panel."""

    title: str
    contract: Literal["trade", "firm"]
    source: str | FileSource
    columns: dict[str, ColumnSpec | None]
    layout: Layout | None = None
    keys: list[str] | None = None
    missing: list[Text] = ["", "NA"]
    omit_empty: bool = False
    max_reject_share: Annotated[float | int, Field(ge=0, lt=1)] = 0
    licence: str | None = None
    citation: str | None = None
    notes: list[str] = []


@dataclass(frozen=True)
class PanelColumn:
    """A column of the panel, its contract and its spec brought together.

    Attributes
    ----------
    raw : the column of the raw file; None for a constant.
    """

    meta: Column
    spec: ColumnSpec
    raw: str | None

    @property
    def name(self) -> str:
        return self.meta.name

    @property
    def lineage(self) -> list[str]:
        """The raw variables that the column is made from; in a long file, a measure is a variable."""
        if self.raw is None:
            return []
        return [self.raw if self.spec.cell is None else f"{self.raw} of “{self.spec.cell}”"]


@dataclass(frozen=True)
class PanelSpec:
    """A checked spec, ready to build.

    Attributes
    ----------
    name : the panel's name, which is the file's name without `.yaml`.
    columns : in the order of the spec.
    keys : the columns that name a row; rows are sorted by them.
    sha256 : checksum of the YAML file.
    """

    name: str
    path: Path
    sha256: str
    spec: Spec
    contract: Contract
    columns: tuple[PanelColumn, ...]
    keys: tuple[str, ...]
    document: Document

    @property
    def long_to_wide(self) -> LongToWide | None:
        return self.spec.layout.long_to_wide if self.spec.layout else None


def load_spec(path: Path | str) -> PanelSpec:
    """Read and check one panel's YAML.

    Raises
    ------
    SpecError : with file, line, key and what to write instead.
    """
    path = Path(path)
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise SpecError(
            "not a map of keys", Place(document.file), "Start with `title:`, `contract:`, `source:`"
        )
    if not path.stem.isidentifier() or path.suffix not in (".yaml", ".yml"):
        remedy = "Name it like `passenger_cars.yaml`: letters, digits and underscores"
        raise SpecError("the file's name cannot be a panel's name", Place(document.file), remedy)
    try:
        spec = Spec.model_validate(document.data)
    except ValidationError as error:
        raise _explain(error, document) from None
    contract = CONTRACTS[spec.contract]
    columns = tuple(
        _column(name, given or ColumnSpec(), contract, spec, document) for name, given in spec.columns.items()
    )
    _check_names(columns, document)
    if spec.layout and not any(column.spec.cell is not None for column in columns):
        where = document.place(("layout", "long_to_wide"))
        raise SpecError("no column has a `cell`", where, "Give each measure a column with `cell: NAME`")
    keys = _keys(spec, contract, [column.name for column in columns], document)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return PanelSpec(path.stem, path, digest, spec, contract, columns, keys, document)


def _column(name: str, given: ColumnSpec, contract: Contract, spec: Spec, document: Document) -> PanelColumn:
    path = ("columns", name)
    known = contract.columns.get(name)
    stated = {key: getattr(given, key) for key in ("type", "unit", "label", "minimum", "maximum")}
    stated = {key: value for key, value in stated.items() if value is not None}
    if known is None:
        lacking = [key for key in ("type", "unit", "label") if key not in stated]
        if lacking:
            raise SpecError(
                f"'{name}' is no column of the {contract.name} contract, and an added column must state "
                + ", ".join(lacking),
                document.place(path),
                _nearest(name, contract.columns) or f"State {', '.join(lacking)}",
            )
        stated.setdefault("minimum", 0 if stated["type"] == "binary" else None)
        stated.setdefault("maximum", 1 if stated["type"] == "binary" else None)
        meta = Column(name, **stated)
    else:
        fixed = [key for key in ("type", "unit", "minimum", "maximum") if key in stated]
        if fixed:
            where = document.place((*path, fixed[0]))
            raise SpecError(
                f"the {contract.name} contract fixes the {fixed[0]} of '{name}'", where, "Remove the key"
            )
        meta = Column(**{**vars(known), **stated})
    ways = [
        way
        for way, value in (("from", given.from_), ("cell", given.cell), ("constant", given.constant))
        if value is not None
    ]
    if len(ways) > 1:
        raise SpecError(f"{' and '.join(ways)} exclude one another", document.place(path), "Keep one")
    if given.scale is not None and meta.type not in ("number", "integer"):
        raise SpecError("only a number can be scaled", document.place((*path, "scale")), "Remove `scale`")
    if given.cell is None:
        raw = None if given.constant is not None else given.from_ or name
    elif spec.layout is None:
        raise SpecError(
            "`cell` needs `layout: long_to_wide`", document.place((*path, "cell")), "Write `from`"
        )
    else:
        raw = spec.layout.long_to_wide.values_from
    return PanelColumn(meta, given, raw)


def _check_names(columns: tuple[PanelColumn, ...], document: Document) -> None:
    for column in columns:
        if not column.name.isidentifier() or column.name != column.name.lower():
            where = document.place(("columns", column.name))
            raise SpecError(f"'{column.name}' is no column name", where, "Use snake_case, as in `sales_usd`")


def _keys(spec: Spec, contract: Contract, names: list[str], document: Document) -> tuple[str, ...]:
    if spec.keys is not None:
        for index, key in enumerate(spec.keys):
            if key not in names:
                remedy = _nearest(key, names) or "Name a column under `columns`"
                raise SpecError(f"'{key}' is no column of this spec", document.place(("keys", index)), remedy)
    keys = tuple(spec.keys) if spec.keys is not None else contract.keys
    for key in contract.keys:
        if key not in names or key not in keys:
            remedy = f"Add it under `columns` (keys of a {contract.name} panel: {', '.join(contract.keys)})"
            raise SpecError(f"the key column '{key}' is absent", document.place(("columns",)), remedy)
    for key in keys:
        if (given := spec.columns[key]) is not None and given.cell is not None:
            where = document.place(("columns", key, "cell"))
            raise SpecError("a key cannot be a measure", where, "Write `from`, or leave it out of `keys`")
    if len(set(keys)) < len(keys):
        raise SpecError("a key column stands twice", document.place(("keys",)), "Keep one")
    return keys


def _nearest(word: str, valid: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(valid), n=1)
    return f"Did you mean '{near[0]}'?" if near else ""


_PARTS: dict[str, type[BaseModel]] = {
    "columns": ColumnSpec,
    "layout": Layout,
    "long_to_wide": LongToWide,
    "source": FileSource,
}


def _explain(error: ValidationError, document: Document) -> SpecError:
    problems = error.errors()
    # For `source`, pydantic reports each member of the union; a map was meant when the file has one.
    nested = [p for p in problems if "FileSource" in p["loc"]]
    if isinstance(document.data.get("source"), dict) and nested:
        problems = [p for p in problems if p["loc"][:2] != ("source", "str")]
    first = min(problems, key=lambda p: document.lines.get(_path(p["loc"], document), 0))
    path = _path(first["loc"], document)
    place = document.place(path)
    if first["type"] == "extra_forbidden":
        parent = next((part for part in reversed(path[:-1]) if part in _PARTS), None)
        model = _PARTS[str(parent)] if parent is not None else Spec
        valid = [field.alias or name for name, field in model.model_fields.items()]
        remedy = _nearest(str(path[-1]), valid) or f"Valid keys here: {', '.join(valid)}"
        return SpecError("unknown key", place, remedy)
    if first["type"] == "missing":
        return SpecError(f"the key '{path[-1]}' is absent", place, "Add it")
    if first["type"] == "literal_error":
        given = str(first["input"])
        expected = first.get("ctx", {}).get("expected", "")
        valid = expected.replace("'", "").replace(" or ", ", ").split(", ")
        return SpecError(
            f"'{given}' is not valid here", place, _nearest(given, valid) or f"Valid: {expected}"
        )
    message = first["msg"][0].lower() + first["msg"][1:]
    return SpecError(f"{message} (found {first['input']!r:.60})", place, "Correct the value")


def _path(loc: tuple[int | str, ...], document: Document) -> tuple[int | str, ...]:
    """The key path in the file of pydantic's location, which also names types and union members."""
    path: tuple[int | str, ...] = ()
    for part in loc:
        inside = (*path, part)
        if inside in document.lines or (
            part == loc[-1] and part not in ("str", "int", "float", "FileSource")
        ):
            path = inside
    return path
