"""From raw files in any format to tables that an engine reads lazily: delimited text or Parquet.

Text and Parquet are read in place. Archives are unpacked, text in another encoding than UTF-8 is
written anew, and .dta, .sav and workbooks are copied to Parquet, all into a scratch folder that goes
with the build. Every table knows the name by which the user knows it, and its own row numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gvcmetrics.errors import DataError, Place, SpecError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.readers.archives import unpack
from gvcmetrics.panels.readers.columnar import parquet_types, refuse_unreadable
from gvcmetrics.panels.readers.delimited import Dialect, as_utf8, better_delimiter, open_text
from gvcmetrics.panels.readers.labelled import LABELLED, ROW, copy_labelled, labelled_columns
from gvcmetrics.panels.readers.workbook import WORKBOOKS, copy_workbook, workbook_columns
from gvcmetrics.panels.sources.raw_files import Formats
from gvcmetrics.panels.spec.panel import PanelSpec, without_absent

TEXTS = (".csv", ".tsv", ".tab", ".txt")
FORMATS = Formats((*TEXTS, *LABELLED, *WORKBOOKS, ".parquet"))
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
    types : the columns' types in Parquet; empty for text.
    rows_from : the column that holds the file's own row numbers, if the copy has one.
    year : the only four-digit year in the file's name, or the last.
    renamed : name that the spec uses → column of the file, where the two differ.
    """

    name: str
    path: Path
    columns: tuple[str, ...]
    dialect: Dialect | None
    types: dict[str, pa.DataType]
    rows_from: str | None
    year: str | None
    renamed: dict[str, str] = field(default_factory=dict)

    def raw(self, name: str) -> str:
        """The file's own name of a column that the spec calls `name`."""
        return self.renamed.get(name, name)

    def has(self, name: str) -> bool:
        """Whether the file has a column that the spec calls `name`."""
        return self.raw(name) in self.columns

    @property
    def first_row(self) -> int:
        """The row of the first record: after the header in text, 1 elsewhere."""
        return self.dialect.first_row if self.dialect else 1


def open_tables(paths: Sequence[Path], spec: PanelSpec, scratch: Path) -> tuple[PanelSpec, list[RawTable]]:
    """Open the raw files of a spec; the spec comes back without optional columns that no file has.

    Raises
    ------
    DataError : a file is damaged or empty, or lacks a column that the spec maps.
    """
    read = spec.words.read
    found = [
        _inspect(name, path, spec, scratch)
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
    return spec, [_converted(table, spec, scratch) for table in found]


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


def _inspect(name: str, path: Path, spec: PanelSpec, scratch: Path) -> RawTable:
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
    if suffix not in TEXTS and (read.decimal != "." or read.thousands is not None):
        raise DataError(
            f"`decimal` and `thousands` are for text, not for {suffix}",
            spec.document.place(("read",)),
            "Remove them from the spec",
        )
    if suffix in TEXTS:
        dialect = Dialect(read.delimiter or ("," if suffix in (".csv", ".txt") else "\t"), read.header_row)
        path = as_utf8(path, name, read.encoding, scratch)
        path, columns, dialect = open_text(path, name, dialect, scratch)
        return RawTable(name, path, tuple(columns), dialect, {}, None, year)
    if suffix == ".parquet":
        types = parquet_types(path, name)
        return RawTable(name, path, tuple(types), None, types, None, year)
    if suffix in LABELLED:
        columns = labelled_columns(path, name, _encoding(spec))
    else:
        columns = workbook_columns(path, name, read.sheet, read.header_row)
    return RawTable(name, path, tuple(columns), None, {}, ROW, year)


def _converted(table: RawTable, spec: PanelSpec, scratch: Path) -> RawTable:
    read, wanted = spec.words.read, [table.raw(name) for name in spec.wanted() if table.has(name)]
    if table.dialect is not None or table.path.suffix.lower() == ".parquet":
        refuse_unreadable(table.types, set(wanted), table.name)
        return table
    target = scratch / f"copy{len(list(scratch.iterdir())) if scratch.exists() else 0}.parquet"
    if table.path.suffix.lower() in LABELLED:
        copy_labelled(table.path, table.name, _encoding(spec), wanted, target)
    else:
        names = list(table.columns)
        copy_workbook(table.path, table.name, read.sheet, read.header_row, names, wanted, target)
    return replace(table, path=target, types=parquet_types(target, table.name), rows_from=ROW)


def _encoding(spec: PanelSpec) -> str | None:
    """The encoding of a .dta or .sav file, which says its own unless the spec overrules it."""
    return spec.words.read.encoding if "encoding" in spec.words.read.model_fields_set else None


def _refuse_lacking(table: RawTable, spec: PanelSpec, optional: set[str]) -> None:
    for name in spec.wanted():
        if table.has(name) or name in optional:
            continue
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
