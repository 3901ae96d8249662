"""The embedded engine: DuckDB with a bound on its memory, spilling to disk beyond it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from gvcmetrics.errors import DataError, GvcError, Place
from gvcmetrics.panels.harmonise.texts import PLAIN_NUMBER
from gvcmetrics.panels.harmonise.tree import BLANKS, TRIMMED
from gvcmetrics.panels.progress import without_bar
from gvcmetrics.panels.readers.columnar import FRACTION_TEXT

# What DuckDB may hold in memory; Python and its libraries come on top (some 0.2 GB). Tables and sorts
# that need more go to the spill folder, so the size of a panel is bounded by the disk alone.
MEMORY_LIMIT = "1GB"

_FULL = ("no space left", "could not write", "file too large", "out of disk space", "quota exceeded")
_NUMBER = "CASE WHEN REGEXP_FULL_MATCH(x, '[0-9+.eE-]*') THEN TRY_CAST(x AS DOUBLE) END"
# Not ISNAN: DuckDB answers that from a Parquet file's minimum and maximum, which pass over NaN.
_FRACTION = "CASE WHEN NOT CAST(x AS VARCHAR) LIKE '%nan' THEN CAST(x AS VARCHAR) END"


@contextmanager
def connected(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that spills into a folder, and knows the functions that harmonising calls."""
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT}) as connection:
        connection.execute("SET temp_directory = ?", [str(spill)])
        # DuckDB does not know the number of rows in a text file, takes it for small, and would keep the
        # whole file in memory to look up the few rows of a table of codes in it.
        connection.execute("SET disabled_optimizers = 'build_side_probe_side'")
        without_bar(connection)
        connection.execute(define_functions())
        yield connection


def define_functions(blanks: str = BLANKS) -> str:
    """The SQL that defines the functions, for texts in which no other blanks stand than these."""
    # A search for a blank costs a quarter of TRIM, and most texts have none.
    any_blank = " OR ".join(f"CONTAINS(x, '{blank}')" for blank in blanks)
    trimmed = f"CASE WHEN {any_blank} THEN TRIM(x, '{blanks}') ELSE x END" if blanks else "x"
    bodies = {TRIMMED: trimmed, PLAIN_NUMBER: _NUMBER, FRACTION_TEXT: _FRACTION}
    return "\n".join(f"CREATE OR REPLACE TEMP MACRO {name}(x) AS {body};" for name, body in bodies.items())


def explained(error: duckdb.Error | OSError | MemoryError, file: str) -> GvcError | OSError:
    """What a failure of the engine, the disk or the memory means to who builds from a file."""
    # DuckDB appends its own details as JSON
    first = (str(error).splitlines() or [type(error).__name__])[0].split(": {")[0]
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        problem = f"there is not enough memory to read the file ({first})"
        remedy = "Close other programs, or split the file and name its parts under `files`"
        return DataError(problem, Place(file), remedy)
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if full or any(said in str(error).lower() for said in _FULL):
        problem = f"the disk is full, or a file may not grow so large ({first})"
        return DataError(problem, Place(file), "Free space and build again; the earlier panel is as it was")
    if isinstance(error, OSError):
        return error
    problem = f"the file cannot be read as the spec says ({first})"
    return DataError(problem, Place(file), "Check format, delimiter and quotes")
