"""Write the rows of a panel as Parquet, sorted by key: DuckDB sorts, Arrow writes, a row group at a time.

DuckDB hands country codes and constants over as dictionaries, which Arrow writes as they are; DuckDB's
own writer makes text of them first and takes twice as long. Row groups and pages are cut by the number
of rows alone, so that the same rows give the same bytes however many threads sort them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from gvcmetrics.ground.files import flush, put_file, put_folder
from gvcmetrics.ground.provenance import METADATA_KEY, Provenance
from gvcmetrics.panels.job import Built
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sql import column
from gvcmetrics.panels.store.footer import BLANK, KEY, RECORD_KEY, sign_footer
from gvcmetrics.panels.store.stored import PROVENANCE_FILE, checksum, scan

_ROW_GROUP = 122_880
# A sort needs memory, and all sorts share the engine's bound: more of them would only spill.
_MOST_SORTS = 4


def write_file(
    connection: duckdb.DuckDBPyConnection,
    query: exp.Select,
    provenance: Provenance,
    path: Path,
    wrote: Callable[[int], None],
) -> None:
    """Stream a query to a Parquet file with provenance in its metadata, sorted by key.

    `wrote` is called with the number of rows of each row group that is written.
    """
    rows = _sorted(query, provenance, list(provenance.columns))
    _write(connection, rows, provenance, path, {METADATA_KEY: provenance.to_json()}, wrote)


def write_folder(
    connection: duckdb.DuckDBPyConnection,
    query: exp.Select,
    provenance: Provenance,
    folder: Path,
    wrote: Callable[[int], None],
) -> None:
    """Stream a query to a folder of parts, one for each value of the partitioning key, sorted by key.

    Parameters
    ----------
    connection : the tables that the query reads must not be temporary, for parts are written by several
        threads with a cursor each.
    wrote : called with the number of rows of each row group that is written, from any of the threads.
    """
    by = provenance.partition_by
    assert by is not None
    names = [name for name in provenance.columns if name != by]
    record = (provenance.to_json(indent=1) + "\n").encode()
    metadata = {RECORD_KEY: checksum(record)}

    def part(value: str | int) -> None:
        rows = query.copy().where(column(by).eq(exp.convert(value)))
        path = folder / f"{by}={value}" / "part.parquet"
        path.parent.mkdir(parents=True)
        with connection.cursor() as cursor:
            _write(cursor, _sorted(rows, provenance, names), provenance, path, metadata, wrote)

    with ThreadPoolExecutor(min(_MOST_SORTS, os.cpu_count() or 1)) as pool:
        list(pool.map(part, _values(connection, query, by)))  # raises what a part raises
    (folder / PROVENANCE_FILE).write_bytes(record)


def put_panel(made: Built, project: Project) -> Path:
    """Put a panel in its place; where it was a file and is a folder now, or the reverse, the other goes."""
    file = project.panel_file(made.provenance.panel)
    folder = project.panel_folder(made.provenance.panel)
    if made.rejects is None:
        project.rejects_file(made.provenance.panel).unlink(missing_ok=True)
    if made.path.is_dir():
        put_folder(made.path, folder)
        file.unlink(missing_ok=True)
        return folder
    put_file(made.path, file)
    if folder.is_dir():
        os.rename(folder, made.path)
    return file


def has_repeats(connection: duckdb.DuckDBPyConnection, path: Path, provenance: Provenance) -> bool:
    """Do two rows of a stored panel have the same key? Rows are sorted, so they would be neighbours."""
    before = [exp.Window(this=exp.func("LAG", column(key)), over="OVER") for key in provenance.keys]
    same = exp.and_(*(column(key).eq(earlier) for key, earlier in zip(provenance.keys, before, strict=True)))
    flagged = exp.select(same.as_("repeated")).from_(scan(path, provenance).subquery("panel"))
    query = exp.select(exp.Count(this=exp.Star())).from_(flagged.subquery("f")).where("repeated")
    return bool(connection.sql(query.sql("duckdb")).fetchall()[0][0])


def _values(connection: duckdb.DuckDBPyConnection, query: exp.Select, by: str) -> Sequence[str | int]:
    found = exp.select(column(by)).distinct().from_(query.subquery("panel")).order_by(column(by))
    return [value for (value,) in connection.sql(found.sql("duckdb")).fetchall()]


def _sorted(query: exp.Select, provenance: Provenance, names: list[str]) -> exp.Select:
    """The rows sorted by key; a text that is the same in all rows comes as an ENUM of one."""
    constants = {item.alias: item.this for item in query.selects if isinstance(item.this, exp.Literal)}
    varying = [name for name in names if name not in constants]
    ordered = exp.select(*(column(name) for name in varying)).from_(query.subquery("panel"))
    ordered = ordered.order_by(*(column(key) for key in provenance.keys if key in names))
    shown = [
        exp.cast(
            constants[name].copy(), exp.DataType(this=exp.DType.ENUM, expressions=[constants[name].copy()])
        ).as_(name, quoted=True)
        if name in constants
        else column(name)
        for name in names
    ]
    return exp.select(*shown).from_(ordered.subquery("sorted"))


def _write(
    connection: duckdb.DuckDBPyConnection,
    query: exp.Select,
    provenance: Provenance,
    path: Path,
    metadata: dict[str, str],
    wrote: Callable[[int], None],
) -> None:
    rows = connection.sql(query.sql("duckdb")).to_arrow_reader(_ROW_GROUP)
    # Amounts hardly repeat, and looking whether they do takes as long as writing them.
    repeating = [name for name in rows.schema.names if provenance.columns[name].type != "number"]
    with pq.ParquetWriter(
        path,
        rows.schema,
        compression="zstd",
        use_dictionary=repeating,
        store_schema=False,
        write_page_checksum=True,
    ) as writer:
        for group in _groups(rows):
            writer.write_table(group, row_group_size=_ROW_GROUP)
            wrote(len(group))
        writer.add_key_value_metadata({**metadata, KEY: BLANK})
    sign_footer(path)
    flush(path)


def _groups(rows: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The rows in tables of `_ROW_GROUP`, however they are cut as they come."""
    waiting = rows.schema.empty_table()
    for batch in rows:
        waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
        while len(waiting) >= _ROW_GROUP:
            yield waiting.slice(0, _ROW_GROUP).combine_chunks()
            waiting = waiting.slice(_ROW_GROUP)
    if len(waiting):
        yield waiting.combine_chunks()
