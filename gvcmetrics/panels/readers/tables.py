"""From raw files in any format to tables that an engine reads lazily: delimited text or Parquet.

Text and Parquet are read in place. Archives are unpacked, text in another encoding than UTF-8 is
written anew, and text of fixed width, workbooks and the files of Stata, SPSS and SAS are copied to
Parquet, all into a scratch folder that goes with the build. Every table knows the name by which the user
knows it, and its own row numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from functools import cached_property, partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gvcmetrics.errors import DataError, Place, SpecError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.archives import unpack
from gvcmetrics.panels.readers.columnar import copy_columns, parquet_types, refuse_nested
from gvcmetrics.panels.readers.delimited import Dialect, as_utf8, better_delimiter, open_text, read_header
from gvcmetrics.panels.readers.eurostat import copy_eurostat, packed_columns
from gvcmetrics.panels.readers.fixed_width import (
    FIXED,
    Field,
    copy_fixed_width,
    read_dictionary,
    stated_fields,
)
from gvcmetrics.panels.readers.labelled import LABELLED, ROW, copy_labelled, labelled_columns
from gvcmetrics.panels.readers.workbook import WORKBOOKS, copy_workbook, workbook_columns
from gvcmetrics.panels.sources.raw_files import Formats, data_file
from gvcmetrics.panels.spec.columns import LABEL
from gvcmetrics.panels.spec.names import alike, spelled, told_apart
from gvcmetrics.panels.spec.panel import PanelSpec, without_absent

TEXTS = (".csv", ".tsv", ".tab", ".txt")
FORMATS = Formats((*TEXTS, *FIXED, *LABELLED, *WORKBOOKS, ".parquet"))
_SAMPLE = 1 << 16


@dataclass(frozen=True)
class RawTable:
    """One raw file as an engine reads it.

    Attributes
    ----------
    name : the file as the user knows it, with the member of an archive.
    path : the file itself, or a copy in the scratch folder.
    columns : all column names of the file.
    dialect : how text is written; None for Parquet.
    types : the types of Parquet by the engine's column; empty for text.
    rows_from : the column that holds the file's own row numbers, if the copy has one.
    year : the only four-digit year in the file's name, or the last.
    renamed : name that the spec uses → column of the file, where the two differ.
    copy : what writes wanted columns to a Parquet file, of text that no engine reads.
    """

    name: str
    path: Path
    columns: tuple[str, ...]
    dialect: Dialect | None
    types: dict[str, pa.DataType]
    rows_from: str | None
    year: str | None
    renamed: dict[str, str] = field(default_factory=dict)
    copy: Callable[[dict[str, str], Path], None] | None = None

    @property
    def first_row(self) -> int:
        """The row of the first record: after the header in text, 1 elsewhere."""
        return self.dialect.first_row if self.dialect else 1

    @cached_property
    def engine_names(self) -> dict[str, str]:
        """The engine's column for each of the file's."""
        return told_apart(self.columns)

    @cached_property
    def _alike(self) -> dict[str, list[str]]:
        return alike(self.columns)

    def column(self, name: str) -> str | None:
        """The engine's column for one that a spec names, whatever its capitals; None if there is none.

        A column of the file that the spec renames is known by its other name.

        Raises
        ------
        DataError : several columns differ from the name in capitals, and none is the name itself.
        """
        name = self.renamed.get(name, name)
        found = spelled(name, self._alike)
        same = self._alike.get(name.casefold(), [])
        if found is None and same:
            row = self.dialect.header_row if self.dialect else None
            problem = f"{' and '.join(map(repr, same))} differ in capitals only, and the spec means one"
            raise DataError(problem, Place(self.name, row=row, column=name), "Write it as the file does")
        return None if found is None else self.engine_names[found]


def open_tables(
    paths: Sequence[Path], spec: PanelSpec, scratch: Path, project: Project
) -> tuple[PanelSpec, list[RawTable]]:
    """Open the raw files of a spec; the spec comes back without optional columns that no file has.

    Raises
    ------
    DataError : a file is damaged or empty, or lacks a column that the spec maps.
    """
    read = spec.words.read
    fields = stated_places(spec, project)
    found = [
        inspected(name, path, spec, scratch, fields)
        for raw in paths
        for name, path in unpack(raw, read.member, FORMATS.endings, scratch)
    ]
    found = [_renamed(table, spec) for table in found]
    _refuse_idle_patterns(found, spec)
    available = {name for table in found for name in (*table.columns, *table.renamed)}
    spec = without_absent(spec, available)
    optional = {
        raw
        for column in spec.columns
        for item in column.inputs
        for raw in spec.raw_names(item).values()
        if column.spec.optional
    }
    for table in found:
        _refuse_lacking(table, spec, optional)
    return spec, [converted(table, spec, scratch, spec.wanted()) for table in found]


def _renamed(table: RawTable, spec: PanelSpec) -> RawTable:
    """The table with the names that the spec gives to columns of files called as it is."""
    matching = [(at, names) for at, names in spec.words.renamed.items() if fnmatch(table.name, at)]
    renamed = {new: old for _, names in matching for new, old in names.items()}
    wanted = set(spec.wanted())
    for pattern, names in matching:
        for new, old in names.items():
            if old not in table.columns or (old in wanted and old not in renamed):
                problem = f"'{table.name}' has no column '{old}'"
                if old in table.columns:
                    problem = f"the column '{old}' of '{table.name}' is read under its own name too"
                remedy = did_you_mean(old, table.columns, "Name each column once")
                raise SpecError(problem, spec.document.place(("renamed", pattern, new)), remedy)
    return replace(table, renamed=renamed)


def _refuse_idle_patterns(tables: Sequence[RawTable], spec: PanelSpec) -> None:
    for pattern in spec.words.renamed:
        if not any(fnmatch(table.name, pattern) for table in tables):
            files = ", ".join(table.name for table in tables)
            place = spec.document.place(("renamed", pattern))
            raise SpecError(f"no raw file is called '{pattern}'", place, f"Files: {files}")


def about_rows(table: RawTable) -> int:
    """How many rows the table has: in text, by the length of its first lines."""
    if table.dialect is None:
        return pq.read_metadata(table.path).num_rows
    with open(table.path, "rb") as file:
        start = file.read(_SAMPLE)
    return round(table.path.stat().st_size / len(start) * start.count(b"\n"))


def dictionary_file(spec: PanelSpec, project: Project) -> Path | None:
    """The dictionary of a spec's text of fixed width, if it names one."""
    name = spec.words.read.dictionary
    return None if name is None else data_file(name, project, spec.document.place(("read", "dictionary")))


def stated_places(spec: PanelSpec, project: Project) -> dict[str, Field] | None:
    """Where the values of each column stand in text of fixed width, if the spec says so."""
    if spec.words.read.fixed is not None:
        return stated_fields(spec.words.read.fixed)
    path = dictionary_file(spec, project)
    return None if path is None else read_dictionary(path)


def inspected(
    name: str, path: Path, spec: PanelSpec, scratch: Path, fields: dict[str, Field] | None
) -> RawTable:
    """One raw file, unpacked, as a table that is not yet copied."""
    read, suffix = spec.words.read, path.suffix.lower()
    asked = {column.spec.file_name for column in spec.columns} - {None}
    year = _year(name, last="last_year" in asked) if asked else None
    if suffix not in FORMATS.endings:
        raise DataError(
            f"'{suffix}' is no format that a panel is built from",
            Place(name),
            f"Formats: {FORMATS}",
        )
    if path.stat().st_size == 0:
        raise DataError("the file is empty", Place(name), "Check the file")
    if fields is not None and suffix in (*TEXTS, *FIXED):
        path = as_utf8(path, name, read.encoding, scratch)
        copy = partial(copy_fixed_width, path, name, fields)
        return RawTable(name, path, tuple(fields), None, {}, ROW, year, copy=copy)
    if fields is not None or suffix in FIXED:
        stated = "dictionary" if read.dictionary is not None else "fixed"
        problem = f"'{name}' is no text of fixed width" if fields else "no column says where its values stand"
        remedy = "Write `read: {fixed: {id: [1, 4]}}`, or `read: {dictionary: raw/x.dct}`, for text"
        raise SpecError(problem, spec.document.place(("read", stated)), remedy)
    if suffix not in TEXTS and (read.decimal != "." or read.thousands is not None):
        raise DataError(
            f"`decimal` and `thousands` are for text, not for {suffix}",
            spec.document.place(("read",)),
            "Remove them from the spec",
        )
    if suffix in TEXTS:
        dialect = Dialect(read.delimiter or ("," if suffix in (".csv", ".txt") else "\t"), read.header_row)
        path = as_utf8(path, name, read.encoding, scratch)
        packed = packed_columns(read_header(path, name, dialect)) if read.format == "eurostat" else None
        if packed is not None:
            unpack_keys = partial(copy_eurostat, path, name, dialect.delimiter)
            return RawTable(name, path, tuple(packed), None, {}, ROW, year, copy=unpack_keys)
        path, columns, dialect = open_text(path, name, dialect, scratch)
        return RawTable(name, path, tuple(columns), dialect, {}, None, year)
    if suffix == ".parquet":
        types = parquet_types(path, name)
        engine = told_apart(types)
        types = {engine[column]: kind for column, kind in types.items()}
        return RawTable(name, path, tuple(engine), None, types, None, year)
    if suffix in LABELLED:
        columns = labelled_columns(path, name, _encoding(spec))
    else:
        columns = workbook_columns(path, name, read.sheet, read.header_row)
    return RawTable(name, path, tuple(columns), None, {}, ROW, year)


def converted(table: RawTable, spec: PanelSpec, scratch: Path, names: Iterable[str]) -> RawTable:
    """A table that an engine can read, with the named columns: itself, or a copy in the scratch folder."""
    if table.dialect is not None:
        return table
    read, engine = spec.words.read, table.engine_names
    sought = {found for name in names if (found := table.column(name)) is not None}
    wanted = {name: column for name, column in engine.items() if column in sought}
    in_place = table.path.suffix.lower() == ".parquet"
    if in_place:
        refuse_nested(table.types, sought, table.name)
        if all(name == column for name, column in engine.items()):
            return table
    target = scratch / f"copy{len(list(scratch.iterdir())) if scratch.exists() else 0}.parquet"
    if table.copy is not None:
        table.copy(wanted, target)
    elif in_place:
        copy_columns(table.path, table.name, wanted, target)
    elif table.path.suffix.lower() in LABELLED:
        copy_labelled(table.path, table.name, _encoding(spec), wanted, target)
    else:
        copy_workbook(
            table.path, table.name, read.sheet, read.header_row, list(table.columns), wanted, target
        )
    types = parquet_types(target, table.name)
    return replace(table, path=target, types=types, rows_from=None if in_place else ROW)


def _encoding(spec: PanelSpec) -> str | None:
    """The encoding of a file of Stata, SPSS or SAS, which says its own unless the spec overrules it."""
    return spec.words.read.encoding if "encoding" in spec.words.read.model_fields_set else None


def _refuse_lacking(table: RawTable, spec: PanelSpec, optional: set[str]) -> None:
    for name in spec.wanted():
        if table.column(name) is not None or name in optional:
            continue
        if name.endswith(LABEL) and (code := name.removesuffix(LABEL)) in table.columns:
            problem = "the file has codes here and no value labels, which `by_label` reads"
            remedy = "Read the .dta or .sav file, or write `by_label: false` to have the codes"
            raise DataError(problem, Place(table.name, column=code), remedy)
        shown = ", ".join(table.columns[:12]) + (", …" if len(table.columns) > 12 else "")
        remedy = f"The file has: {shown}. Correct the spec"
        if table.dialect is not None:
            remedy += f", or the delimiter ('{table.dialect.delimiter}')"
            better = better_delimiter(list(table.columns), table.dialect)
            if better is not None:
                remedy = f"Is the delimiter '{better}'? Then write `read: {{delimiter: \"{better}\"}}`"
        else:
            remedy = f"{did_you_mean(name, table.columns)} {remedy}".lstrip()
        row = None if table.dialect is None else table.dialect.header_row
        raise DataError("the column is absent", Place(table.name, row=row, column=name), remedy)


def _year(name: str, last: bool = False) -> str:
    years = sorted(set(re.findall(r"(?<![0-9])(?:1[89]|20)[0-9]{2}(?![0-9])", name)))
    if len(years) != 1 and not (last and years):
        found = f"holds {', '.join(years)}" if years else "holds none"
        problem = f"the year is to be in the file's name, which {found}"
        raise DataError(problem, Place(name), "Rename the file, or write `from` for the year")
    return years[-1]
