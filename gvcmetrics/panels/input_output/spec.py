"""The YAML of an input-output panel: which files, in which layout, with which labels.

title: World input-output tables
contract: input_output
extends: wiod                    # layout, unit and labels of a known source
source: wiod_2013                # a name of the catalogue, or `files: raw/ICIO_*.csv`
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gvcmetrics.panels.contracts import INPUT_OUTPUT, Contract
from gvcmetrics.panels.sources.raw_files import Formats
from gvcmetrics.panels.spec.document import words_of
from gvcmetrics.panels.spec.extends import spec_digest
from gvcmetrics.panels.spec.words import PanelWords
from gvcmetrics.panels.spec.yaml_lines import Document

_TEXT = Formats((".csv", ".txt", ".parquet"), packed=(".gz",))
_FORMATS = {
    "wide": _TEXT,
    "oecd_icio": _TEXT,
    "wiod_workbook": Formats((".xlsx", ".xlsb", ".xls"), packed=()),
    "figaro": _TEXT,
    "wiod_long": _TEXT,
    "long": _TEXT,
    "eora": Formats((".txt", ".csv"), packed=()),
    "pymrio": Formats((".json", ".txt", ".parquet"), packed=(), whole_folder=True),
}


class TableWords(PanelWords):
    """The words of an input-output spec.

    `layout` names how the files are written; `regions` recodes labels of countries (several labels with
    one code are added up), and codes that it names need not be ISO 3166; `ignore` lists labels of
    rows and columns to leave out; `uses` and `industries` label the categories; `years` takes some of
    the years only; `cells` names the columns of the layout `long`; `tolerance` is the largest gap between
    sums and output, as a share of output.
    """

    contract: Literal["input_output"]
    layout: Literal["wide", "oecd_icio", "wiod_workbook", "pymrio", "figaro", "wiod_long", "long", "eora"]
    unit: str
    inventories: str | None = None
    years: list[int] | None = None
    regions: dict[str, str] = Field(default_factory=dict)
    cells: dict[Literal["year", "country", "industry", "use_country", "use", "value"], str] = Field(
        default_factory=dict
    )
    ignore: list[str] = Field(default_factory=list)
    uses: dict[str, str] = Field(default_factory=dict)
    industries: dict[str, str] = Field(default_factory=dict)
    tolerance: Annotated[float, Field(gt=0, le=1)] = 1e-3


@dataclass(frozen=True)
class InputOutputSpec:
    """A checked spec, ready to build; `name` is the file's name, `sha256` its checksum."""

    name: str
    path: Path
    sha256: str
    words: TableWords
    document: Document

    @property
    def contract(self) -> Contract:
        return INPUT_OUTPUT


def tables_spec(path: Path, document: Document) -> InputOutputSpec:
    """The spec that a document holds.

    Raises
    ------
    SpecError : with file, line, key and what to write instead.
    """
    return InputOutputSpec(path.stem, path, spec_digest(path), words_of(document, TableWords), document)


def tables_formats(spec: InputOutputSpec) -> Formats:
    """What the files of the spec's layout may be called."""
    return _FORMATS[spec.words.layout]
