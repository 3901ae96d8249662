"""Panels on disk: Parquet sorted by key, with provenance.

A panel is a file, `NAME.parquet`, with its provenance in the file's metadata; or, if its spec says
`partition_by` or it has more than PARTITION_ROWS rows, a folder that Arrow, DuckDB, R and Spark read as
one table, `NAME/year=2019/part.parquet`, with `_provenance.json` beside the years. The same raw file, spec
and version give the same bytes: no date, no path and no machine is written.
"""

from __future__ import annotations

import glob
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.files import recover
from gvcmetrics.ground.provenance import METADATA_KEY, Provenance
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sql import column, parquet_files
from gvcmetrics.panels.store.footer import RECORD_KEY, check_footer

# Beyond this, a year is read a good deal faster than the whole, and a sort of the whole spills to disk.
PARTITION_ROWS = 5_000_000
PROVENANCE_FILE = "_provenance.json"
_AGAIN = "Delete it and build the panel again"


def scan(path: Path, provenance: Provenance) -> exp.Select:
    """All columns of a stored panel, as DuckDB reads them."""
    by = provenance.partition_by
    if by is None:
        return exp.select("*").from_(parquet_files([path]))
    integer = provenance.columns[by].type == "integer"
    # Each part with its own value, not by DuckDB's reading of folder names, which goes on above the panel.
    parts = [
        exp.select("*", exp.convert(int(value) if integer else value).as_(by, quoted=True)).from_(
            parquet_files(files)
        )
        for value, files in _parts(path, by)
    ]
    if not parts:
        raise DataError("the folder of Parquet files is damaged", Place(path.name), _AGAIN)
    kind = exp.DataType.build("BIGINT" if integer else "VARCHAR")
    every = exp.union(*parts, distinct=False) if len(parts) > 1 else parts[0]
    names = [
        exp.cast(column(name), kind).as_(name, quoted=True) if name == by else column(name)
        for name in provenance.columns
    ]
    return exp.select(*names).from_(every.subquery("parts"))


def _parts(path: Path, by: str) -> Iterator[tuple[str, list[Path]]]:
    for folder in sorted(path.glob(f"{glob.escape(by)}=*")):
        files = sorted(folder.glob("*.parquet"))
        if files:
            yield folder.name.partition("=")[2], files


def part_values(path: Path, provenance: Provenance) -> list[str]:
    """The values that the folders of a stored panel are named by; none of a file."""
    by = provenance.partition_by
    return [] if by is None else [value for value, _ in _parts(path, by)]


def verified_rows(
    path: Path, provenance: Provenance, names: Sequence[str], kept: Collection[str]
) -> pa.RecordBatchReader:
    """Some columns of a stored panel as a stream, each page compared with its checksum.

    Of a folder only the parts are opened whose values are among those `kept`.

    DuckDB reads faster and compares nothing: a bit that a disk turned would be a value.
    """
    by = provenance.partition_by
    parts = [] if by is None else [(v, file) for v, fs in _parts(path, by) for file in fs if v in kept]
    files = [(None, path)] if by is None else parts
    kinds = {"integer": pa.int64(), "binary": pa.int64(), "number": pa.float64()}
    schema = pa.schema([(name, kinds.get(provenance.columns[name].type, pa.string())) for name in names])

    def batches() -> Iterator[pa.RecordBatch]:
        for value, file in files:
            with pq.ParquetFile(file, page_checksum_verification=True) as opened:
                lacking = opened.metadata.num_rows
                for batch in opened.iter_batches(columns=[name for name in names if name != by]):
                    lacking -= len(batch)
                    columns = [
                        pa.array([value] * len(batch), pa.string()).cast(schema.field(name).type)
                        if name == by
                        else batch.column(name).cast(schema.field(name).type)
                        for name in names
                    ]
                    yield pa.RecordBatch.from_arrays(columns, schema=schema)
                if lacking:  # a page that says to be of another kind is passed over without a word
                    raise pa.ArrowInvalid("Corrupt: fewer rows than the file should have")

    return pa.RecordBatchReader.from_batches(schema, batches())


def checksum(record: bytes) -> str:
    """What the parts of a panel say of the record beside them."""
    return f"{zlib.crc32(record):08x}"


def _rows_of_part(part: Path, record: str) -> int:
    check_footer(part)
    metadata = pq.read_metadata(part)
    if (metadata.metadata or {}).get(RECORD_KEY.encode(), record.encode()) != record.encode():
        raise ValueError
    return int(metadata.num_rows)


def damaged(path: Path) -> DataError:
    """The error for a panel whose bytes are not those that were written."""
    kind = "folder of Parquet files" if path.is_dir() else "Parquet file"
    return DataError(f"the {kind} is damaged", Place(path.name), _AGAIN)


def find_panel(name: str, project: Project) -> Path | None:
    """The file or the folder of a built panel."""
    folder = project.panel_folder(name)
    recover(folder)
    if folder.is_dir():
        return folder
    path = project.panel_file(name)
    return path if path.exists() else None


def read_provenance(path: Path) -> Provenance:
    """The provenance of a panel that gvcmetrics wrote, file or folder.

    Raises
    ------
    DataError : the panel is damaged or not whole, or it is none.
    """
    try:
        if path.is_dir():
            text = (path / PROVENANCE_FILE).read_bytes()
            record = Provenance.from_json(text)
            rows = sum(_rows_of_part(part, checksum(text)) for part in path.glob("*/*.parquet"))
            if rows != record.coverage.rows:
                raise ValueError
            return record
        check_footer(path)
        return Provenance.from_json((pq.read_schema(path).metadata or {})[METADATA_KEY.encode()])
    except (pa.ArrowInvalid, OSError, ValueError):
        raise damaged(path) from None
    except KeyError:
        raise DataError(
            "the Parquet file is no panel of gvcmetrics", Place(path.name), "Build it from a spec"
        ) from None
