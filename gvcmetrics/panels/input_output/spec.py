"""The YAML of an input-output panel: which file, in which layout, with which labels.

title: World input-output tables
contract: input_output
extends: wiod                    # layout, unit and labels of a known source
source: wiod_2013                # a name of the catalogue, or `files: raw/ICIO_*.csv`
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gvcmetrics.errors import SpecError
from gvcmetrics.ground.files import sha256
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources.catalogue import Source
from gvcmetrics.panels.sources.catalogue import source as catalogue_source
from gvcmetrics.panels.sources.fetch import raw_file
from gvcmetrics.panels.sources.raw_files import data_file
from gvcmetrics.panels.spec.extends import refuse_unmet, spec_digest, with_presets
from gvcmetrics.panels.spec.mistakes import explain
from gvcmetrics.panels.spec.words import FileSource
from gvcmetrics.panels.spec.yaml_lines import Document, read_yaml

CONTRACT = "input_output"
_SUFFIXES = (".parquet", ".csv", ".xlsx", ".xlsb")


class Words(BaseModel):
    """The words of an input-output spec.

    `layout` names how the files are written; `regions` recodes labels of countries (several labels with
    one code are added up), and codes that it names need not be ISO 3166; `ignore` lists labels of
    rows and columns to leave out; `uses` and `industries` label the categories; `years` takes some of
    the years only; `tolerance` is the largest gap between sums and output, as a share of output.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: str
    contract: Literal["input_output"]
    source: str | FileSource
    layout: Literal["wide", "oecd_icio", "wiod_workbook", "pymrio"]
    unit: str
    inventories: str | None = None
    years: list[int] | None = None
    regions: dict[str, str] = {}
    ignore: list[str] = []
    uses: dict[str, str] = {}
    industries: dict[str, str] = {}
    tolerance: Annotated[float, Field(gt=0, le=1)] = 1e-3
    extends: str | None = None
    requires: dict[str, str] = {}
    licence: str | None = None
    citation: str | None = None
    notes: list[str] = []


@dataclass(frozen=True)
class InputOutputSpec:
    """A checked spec, ready to build; `name` is the file's name, `sha256` its checksum."""

    name: str
    path: Path
    sha256: str
    words: Words
    document: Document


@dataclass(frozen=True)
class RawTables:
    """The files of a panel, one a year or one of several years, and where they come from."""

    paths: tuple[Path, ...]
    source: Source

    @property
    def name(self) -> str:
        """The files' names; of many, the first and how many more."""
        rest = len(self.paths) - 1
        return self.paths[0].name + (f" and {rest} more" if rest else "")

    def checksum(self) -> str:
        """SHA-256 of the file; of several, that of the list of their checksums and names."""
        files: list[Path] = []
        for path in self.paths:
            files += sorted(path.iterdir()) if path.is_dir() else [path]
        if len(files) == 1:
            return sha256(files[0])
        listed = "".join(f"{sha256(file)}  {file.name}\n" for file in files if file.is_file())
        return hashlib.sha256(listed.encode()).hexdigest()


def is_input_output(path: Path | str) -> bool:
    """Does the spec say `contract: input_output`, itself or by the preset that it extends?"""
    path = Path(path)
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        return False
    return bool(with_presets(document, path.parent).data.get("contract") == CONTRACT)


def load_input_output_spec(path: Path | str) -> InputOutputSpec:
    """Read and check the YAML of an input-output panel, merged over the presets that it extends.

    Raises
    ------
    SpecError : with file, line, key and what to write instead.
    """
    path = Path(path)
    document = with_presets(read_yaml(path), path.parent)
    refuse_unmet(document)
    try:
        words = Words.model_validate(document.data)
    except ValidationError as error:
        raise explain(error, document, Words) from None
    return InputOutputSpec(path.stem, path, spec_digest(path), words, document)


def find_tables(spec: InputOutputSpec, project: Project) -> RawTables:
    """The raw files of a spec.

    Raises
    ------
    SpecError : a path leads out of the data folder or to no file, or licence or citation is not stated.
    MissingSourceError : the catalogue's source is not on this machine.
    """
    words, given = spec.words, spec.words.source
    place = spec.document.place(("source",))
    if isinstance(given, str):
        entry = catalogue_source(given, place)
        path = raw_file(entry, project)
        return RawTables(_files_in(path) if words.layout != "pymrio" else (path,), entry)
    named = [given.file] if given.file is not None else given.files
    if isinstance(named, str):
        found = sorted(project.data.glob(named)) if ".." not in named else []
        named = [path.relative_to(project.data).as_posix() for path in found]
    if not named:
        remedy = "State `source: {file: raw/x.csv}` or `source: {files: raw/x_*.csv}`"
        raise SpecError("no file in the data folder is named or matches", place, remedy)
    paths = tuple(data_file(str(name), project, place) for name in named)
    for key in ("licence", "citation"):
        if getattr(words, key) is None:
            remedy = f"Add `{key}:` (write `unknown` if it is)"
            raise SpecError(
                f"a panel from a file of its own must state its {key}", spec.document.place(()), remedy
            )
    entry = Source(
        name=paths[0].name,
        title=words.title,
        origin="a file of the project" if len(paths) == 1 else f"{len(paths)} files of the project",
        licence=words.licence or "",
        citation=words.citation or "",
    )
    return RawTables(paths, entry)


def _files_in(path: Path) -> tuple[Path, ...]:
    if not path.is_dir():
        return (path,)
    return tuple(sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES))
