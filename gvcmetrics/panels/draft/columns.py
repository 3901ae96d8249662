"""What a raw file shows of itself: names, labels, value labels and the values of its first rows."""

from __future__ import annotations

import codecs
import re
import tempfile
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.types import is_binary, is_nested

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.readers.archives import unpack
from gvcmetrics.panels.readers.columnar import parquet_types, twins
from gvcmetrics.panels.readers.delimited import Dialect, as_utf8, better_delimiter, read_header
from gvcmetrics.panels.readers.labelled import LABELLED, labelled_sample
from gvcmetrics.panels.readers.tables import FORMATS, TEXTS
from gvcmetrics.panels.readers.workbook import WORKBOOKS, copy_workbook, workbook_columns

SAMPLE_ROWS = 20_000
_CHUNK = 1 << 20
_COMMA_NUMBER = re.compile(r"[+-]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+),[0-9]+")
_YEAR = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])")
# What -9 and its like stand for in surveys, where nothing else in the column is below zero.
_NEGATIVE_CODES = ("-9", "-8", "-7", "-6", "-99", "-98", "-97", "-999")
_NO_ANSWER = re.compile(
    r"don.?t know|refus|not applicable|no answer|no sabe|no responde|no aplica|^ns$|^nr$|ns ?/ ?nr|missing",
    re.I,
)


@dataclass(frozen=True)
class RawColumn:
    """A raw column, or the columns of one variable by year, named with `{year}`.

    Attributes
    ----------
    texts : the cells as text, None where empty; for columns by year, year under year.
    years : the years of a variable that has a column a year.
    """

    name: str
    label: str
    value_labels: dict[str, str]
    texts: pd.Series
    years: tuple[str, ...] = ()

    @cached_property
    def missing_codes(self) -> tuple[str, ...]:
        """Codes that stand for no answer, by their label or by being the only negative values."""
        found = [code for code, label in self.value_labels.items() if _NO_ANSWER.search(label)]
        present = set(self.texts.dropna().unique())
        below = {text for text in present if text.startswith("-")}
        if below and below.issubset(_NEGATIVE_CODES):
            found += sorted(below)
        return tuple(dict.fromkeys(code for code in found if code in present))

    @cached_property
    def present(self) -> pd.Series:
        """The cells that hold an answer."""
        cells = self.texts.dropna()
        return cells[~cells.isin(self.missing_codes)]

    @cached_property
    def numbers(self) -> pd.Series:
        """The cells as numbers, one a row; no-number is missing."""
        return pd.to_numeric(self.texts.where(~self.texts.isin(self.missing_codes)), errors="coerce")

    @cached_property
    def is_number(self) -> bool:
        return len(self.present) > 0 and int(self.numbers.notna().sum()) == len(self.present)

    @cached_property
    def distinct(self) -> int:
        return int(self.present.nunique())


@dataclass(frozen=True)
class RawSample:
    """The first rows of a raw file, and what `read:` must say for them to be read so."""

    name: str
    rows: int
    whole: bool
    columns: tuple[RawColumn, ...]
    read: dict[str, str] = field(default_factory=dict)


def read_sample(path: Path) -> RawSample:
    """Read the first 20,000 rows of a raw file of any format that panels are built from.

    Raises
    ------
    DataError : the file is absent, empty, damaged, or of another format.
    """
    if not path.is_file():
        raise DataError("there is no such file", Place(str(path)), "Check the path")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        unpacked = unpack(path, None, FORMATS.endings, scratch / "raw")
        name, file = unpacked[0]
        suffix = file.suffix.lower()
        if suffix not in FORMATS.endings:
            problem = f"'{suffix}' is no format that a panel is built from"
            raise DataError(problem, Place(name), f"Formats: {FORMATS}")
        if file.stat().st_size == 0:
            raise DataError("the file is empty", Place(name), "Check the file")
        read: dict[str, str] = {}
        labels: dict[str, str] = {}
        values: dict[str, dict[str, str]] = {}
        if suffix in TEXTS:
            frame, read = _text_sample(file, name, scratch)
        elif suffix in LABELLED:
            frame, labels, values = labelled_sample(file, name, SAMPLE_ROWS + 1)
        elif suffix in WORKBOOKS:
            names = [column for column in workbook_columns(file, name, None, 1) if column]
            target = scratch / "sheet.parquet"
            copy_workbook(file, name, None, 1, workbook_columns(file, name, None, 1), names, target)
            frame = _parquet_sample(target, name, names)
        else:
            types = parquet_types(file, name)
            alike = twins(types)
            flat = [
                key for key, kind in types.items() if not (is_nested(kind) or is_binary(kind) or key in alike)
            ]
            frame = _parquet_sample(file, name, flat)
    if frame.empty:
        raise DataError("the file has a header and no rows", Place(name), "Check that it is complete")
    whole = len(frame) <= SAMPLE_ROWS
    frame = frame.head(SAMPLE_ROWS)
    columns = [
        RawColumn(str(column), labels.get(column, ""), values.get(column, {}), _as_text(frame[column]))
        for column in frame.columns
    ]
    return RawSample(name, len(frame), whole, tuple(columns), read)


def by_year(columns: Iterable[RawColumn]) -> tuple[tuple[RawColumn, ...], tuple[str, ...]]:
    """Columns with a year in their name gathered by variable, and the years; the rest as they are.

    Only the set of years that most variables share is taken; a file has one layout.
    """
    columns = list(columns)
    stems: dict[str, dict[str, RawColumn]] = {}
    for column in columns:
        found = _YEAR.findall(column.name)
        if len(found) == 1:
            stems.setdefault(column.name.replace(found[0], "{year}"), {})[found[0]] = column
    sets = [tuple(sorted(group)) for group in stems.values() if len(group) > 1]
    if not sets:
        return tuple(columns), ()
    years = max(sorted(set(sets)), key=sets.count)
    gathered = {stem: group for stem, group in stems.items() if tuple(sorted(group)) == years}
    taken = {column.name for group in gathered.values() for column in group.values()}
    wide = [_gathered(stem, [group[year] for year in years], years) for stem, group in gathered.items()]
    return (*wide, *(column for column in columns if column.name not in taken)), years


def _gathered(stem: str, parts: list[RawColumn], years: tuple[str, ...]) -> RawColumn:
    label = _YEAR.sub("", parts[-1].label).strip()
    values = pd.concat([part.texts for part in parts], ignore_index=True)
    return RawColumn(stem, label, parts[-1].value_labels, values, years)


def _text_sample(path: Path, name: str, scratch: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    read: dict[str, str] = {}
    encoding = _encoding(path)
    if encoding != "utf-8":
        read["encoding"] = encoding
    path = as_utf8(path, name, encoding, scratch / "utf8")
    dialect = Dialect("," if path.suffix.lower() in (".csv", ".txt") else "\t")
    names = read_header(path, name, dialect)
    better = better_delimiter(names, dialect)
    if better is not None:
        dialect = Dialect(better)
        names = read_header(path, name, dialect)
        read["delimiter"] = better
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                sep=dialect.delimiter,
                dtype=str,
                nrows=SAMPLE_ROWS + 1,
                encoding="utf-8-sig",
                na_filter=False,
                header=0,
                names=names,
                index_col=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError) as error:
        problem = f"the lines cannot be split into columns ({str(error).splitlines()[0]})"
        raise DataError(problem, Place(name), "Check delimiter and quotes") from None
    if dialect.delimiter != "," and _decimal_comma(frame):
        read["decimal"] = ","
        dotted = frame.map(lambda cell: bool(_COMMA_NUMBER.fullmatch(cell) and "." in cell))
        if dotted.to_numpy().any():
            read["thousands"] = "."
        frame = frame.map(_with_point)
    return frame, read


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open(path, "rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        file.seek(0)
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _decimal_comma(frame: pd.DataFrame) -> bool:
    head = frame.head(200)
    return any(
        (cells := head[column][head[column] != ""]).size > 0
        and cells.str.fullmatch(r"[+-]?[0-9.]*(,[0-9]+)?").all()
        and cells.str.fullmatch(_COMMA_NUMBER).any()
        for column in head.columns
    )


def _with_point(cell: str) -> str:
    return cell.replace(".", "").replace(",", ".") if _COMMA_NUMBER.fullmatch(cell) else cell


def _parquet_sample(path: Path, name: str, columns: list[str]) -> pd.DataFrame:
    try:
        batches = pq.ParquetFile(path).iter_batches(SAMPLE_ROWS + 1, columns=columns)
        first = next(batches, None)
        if first is None:
            return pd.DataFrame(columns=columns)
        # What pandas wrote into the file beside its columns may be damaged, and is not needed.
        return first.replace_schema_metadata(None).to_pandas()
    except (ValueError, pa.ArrowException, OSError) as error:
        problem = f"the Parquet file is damaged or cut off ({str(error).splitlines()[0]:.120})"
        raise DataError(problem, Place(name), "Restore the file") from None


def _as_text(values: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(values.dtype):
        values = values.astype("int64")
    if pd.api.types.is_float_dtype(values.dtype):
        cells = [
            None if pd.isna(v) else (str(int(v)) if v == int(v) and abs(v) < 1e15 else repr(float(v)))
            for v in values
        ]
    else:
        cells = [None if v is None or pd.isna(v) else str(v).strip() for v in values]
    return pd.Series([None if cell in ("", "NA", ".") else cell for cell in cells], dtype=object)
