"""The first rows of a raw file of any format."""

from __future__ import annotations

import codecs
import re
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from pyarrow.types import is_binary, is_large_binary, is_nested

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.draft.columns import RawColumn, RawSample
from gvcmetrics.panels.readers.archives import unpack
from gvcmetrics.panels.readers.columnar import parquet_types
from gvcmetrics.panels.readers.delimited import Dialect, as_utf8, better_delimiter, open_text, read_header
from gvcmetrics.panels.readers.fixed_width import FIXED
from gvcmetrics.panels.readers.labelled import LABELLED, labelled_columns, labelled_sample
from gvcmetrics.panels.readers.tables import FORMATS, TEXTS
from gvcmetrics.panels.readers.workbook import WORKBOOKS, copy_workbook, workbook_columns
from gvcmetrics.panels.spec.columns import LABEL

SAMPLE_ROWS, SAMPLE_CELLS = 20_000, 20_000_000
_CHUNK = 1 << 20
_BLOCK = 1 << 24
_COMMA_NUMBER = "[+-]?([0-9]+|[0-9]{1,3}([.][0-9]{3})+),[0-9]+"
_HEAD = 200

Labels = dict[str, str]


def read_sample(path: Path) -> RawSample:
    """Read the first 20,000 rows of a raw file; of one with more than 1,000 columns, 20 million cells.

    Raises
    ------
    DataError : the file is absent, empty, damaged, or of another format.
    """
    if not path.is_file():
        raise DataError("there is no such file", Place(str(path)), "Check the path")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        name, file = unpack(path, None, FORMATS.endings, scratch / "raw")[0]
        suffix = file.suffix.lower()
        if suffix not in FORMATS.endings:
            problem = f"'{suffix}' is no format that a panel is built from"
            raise DataError(problem, Place(name), f"Formats: {FORMATS}")
        if file.stat().st_size == 0:
            raise DataError("the file is empty", Place(name), "Check the file")
        read: dict[str, str] = {}
        labels: Labels = {}
        values: dict[str, Labels] = {}
        if suffix in FIXED:
            remedy = "Write the spec by hand, with `read: {fixed: …}` or `read: {dictionary: …}`"
            raise DataError("text of fixed width does not name its columns", Place(name), remedy)
        if suffix in TEXTS:
            table, read = _text_sample(file, name, scratch)
        elif suffix in LABELLED:
            own = [column for column in labelled_columns(file, name, None) if not column.endswith(LABEL)]
            frame, labels, values = labelled_sample(file, name, _limit(len(own)) + 1)
            table = pa.table({}) if frame.empty else pa.Table.from_pandas(frame, preserve_index=False)
        elif suffix in WORKBOOKS:
            heads = workbook_columns(file, name, None, 1)
            names = [column for column in heads if column]
            target = scratch / "sheet.parquet"
            copy_workbook(file, name, None, 1, heads, dict(zip(names, names, strict=True)), target)
            table = _parquet_sample(target, name, names)
        else:
            kinds = parquet_types(file, name)
            flat = [
                column
                for column, kind in kinds.items()
                if not (is_nested(kind) or is_binary(kind) or is_large_binary(kind))
            ]
            table = _parquet_sample(file, name, flat)
    if not table.num_rows:
        raise DataError("the file has a header and no rows", Place(name), "Check that it is complete")
    limit = _limit(table.num_columns)
    whole, table = table.num_rows <= limit, table.slice(0, limit)
    columns = [
        RawColumn(column, labels.get(column, ""), values.get(column, {}), cells)
        for column, cells in zip(table.column_names, table.columns, strict=True)
    ]
    return RawSample(name, table.num_rows, whole, tuple(columns), read)


def _limit(columns: int) -> int:
    return min(SAMPLE_ROWS, max(1, SAMPLE_CELLS // max(columns, 1)))


def _text_sample(path: Path, name: str, scratch: Path) -> tuple[pa.Table, dict[str, str]]:
    read: dict[str, str] = {}
    encoding = _encoding(path)
    if encoding != "utf-8":
        read["encoding"] = encoding
    path = as_utf8(path, name, encoding, scratch / "utf8")
    dialect = Dialect("," if path.suffix.lower() in (".csv", ".txt") else "\t")
    better = better_delimiter(read_header(path, name, dialect), dialect)
    if better is not None:
        dialect = Dialect(better)
        read["delimiter"] = better
    path, names, dialect = open_text(path, name, dialect, scratch / "table")
    table = _first_lines(path, name, names, dialect)
    if dialect.delimiter != "," and _decimal_comma(table):
        read["decimal"] = ","
        dotted = False
        for place, cells in enumerate(table.columns):
            numbers = pc.match_substring_regex(cells, f"^{_COMMA_NUMBER}$")
            if not pc.any(numbers).as_py():
                continue
            dotted |= pc.any(pc.and_(numbers, pc.match_substring(cells, "."))).as_py()
            pointed = pc.replace_substring(pc.replace_substring(cells, ".", ""), ",", ".")
            table = table.set_column(place, table.field(place), pc.if_else(numbers, pointed, cells))
        if dotted:
            read["thousands"] = "."
    return table, read


def _first_lines(path: Path, name: str, names: list[str], dialect: Dialect) -> pa.Table:
    """The first lines after the header, every cell as text."""
    limit = _limit(len(names)) + 1
    batches, rows = [], 0
    try:
        with pyarrow.csv.open_csv(
            path,
            pyarrow.csv.ReadOptions(column_names=names, skip_rows=1, block_size=_BLOCK),
            pyarrow.csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        ) as lines:
            schema = lines.schema
            for batch in lines:
                batches.append(batch.slice(0, limit - rows))
                rows += len(batches[-1])
                if rows >= limit:
                    break
    except pa.ArrowException as error:
        if "Empty CSV file" in str(error):
            return pa.table({})
        problem = f"the lines cannot be split into columns ({str(error).splitlines()[0]:.200})"
        raise DataError(problem, Place(name), "Check delimiter and quotes") from None
    return pa.Table.from_batches(batches, schema)


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


def _decimal_comma(table: pa.Table) -> bool:
    def is_so(cells: list[str]) -> bool:
        filled = [cell for cell in cells if cell]
        return all(re.fullmatch(r"[+-]?[0-9.]*(,[0-9]+)?", cell) for cell in filled) and any(
            re.fullmatch(_COMMA_NUMBER, cell) for cell in filled
        )

    return any(is_so(cells.to_pylist()) for cells in table.slice(0, _HEAD).columns)


def _parquet_sample(path: Path, name: str, columns: list[str]) -> pa.Table:
    limit = _limit(len(columns)) + 1
    batches, rows = [], 0
    try:
        with pq.ParquetFile(path) as file:
            kinds = {field.name: field for field in file.schema_arrow}
            schema = pa.schema([kinds[column] for column in columns])
            for batch in file.iter_batches(limit, columns=columns):
                batches.append(batch.slice(0, limit - rows))
                rows += len(batches[-1])
                if rows >= limit:
                    break
        # What pandas wrote into the file beside its columns may be damaged, and is not needed.
        table = pa.Table.from_batches(batches, schema if not batches else None)
        return table.replace_schema_metadata(None)
    except (ValueError, pa.ArrowException, OSError) as error:
        problem = f"the Parquet file is damaged or cut off ({str(error).splitlines()[0]:.120})"
        raise DataError(problem, Place(name), "Restore the file") from None
