"""Eurostat's tables of tab-separated values: keys packed in the first column, a column a period.

    freq,nace_r2,geo\\TIME_PERIOD  2019     2020
    A,C10,EL30                     1234     :
    A,C13,DE21                     5 b      6.5 ep

They become what Eurostat's own SDMX-CSV holds: a row a period, the keys each in a column, then
TIME_PERIOD, OBS_VALUE and OBS_FLAG. A value that is not there (`:`) is empty.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.readers.labelled import ROW

MEASURED = ("TIME_PERIOD", "OBS_VALUE", "OBS_FLAG")
_CHUNK_LINES = 2_000
_CELL = re.compile(r"(?P<value>:|[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)?\s*(?P<flag>[A-Za-z@ ]*)")


def packed_columns(names: list[str]) -> list[str] | None:
    """The columns that a table becomes, by the cells of its header; None if its keys are not packed."""
    keys, sign, _ = names[0].partition("\\")
    return [*(key.strip() for key in keys.split(",")), *MEASURED] if sign else None


def copy_eurostat(path: Path, name: str, delimiter: str, wanted: Mapping[str, str], target: Path) -> None:
    """Write the wanted columns to a Parquet file, with the line in `#row`.

    `wanted` gives the name that each is written under.

    Raises
    ------
    DataError : a line has more or fewer keys or values than the header, or is not UTF-8 text.
    """
    schema = pa.schema([(ROW, pa.int64()), *((new, pa.string()) for new in wanted.values())])
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(path, encoding="utf-8-sig", newline="") as file, pq.ParquetWriter(target, schema) as writer:
        numbered = enumerate(file, 1)
        try:
            first, *periods = next(numbered)[1].rstrip("\r\n").split(delimiter)
            names = packed_columns([first])
            assert names is not None
            places = [names.index(column) for column in wanted]
            while lines := list(itertools.islice(numbered, _CHUNK_LINES)):
                rows = [
                    row
                    for number, line in lines
                    for row in _rows(line, number, names, periods, delimiter, name)
                ]
                columns = [pa.array([row[0] for row in rows], pa.int64())]
                columns += [pa.array([row[1 + place] for row in rows], pa.string()) for place in places]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))
        except UnicodeDecodeError:
            raise DataError("the file is not UTF-8 text", Place(name), "Download it again") from None


def _rows(
    line: str, number: int, names: list[str], periods: list[str], delimiter: str, name: str
) -> list[tuple[int | str | None, ...]]:
    if not line.strip():
        return []
    first, *cells = line.rstrip("\r\n").split(delimiter)
    keys = [key.strip() for key in first.split(",")]
    if len(keys) != len(names) - len(MEASURED) or len(cells) != len(periods):
        problem = "the line has more or fewer keys or values than the header"
        raise DataError(problem, Place(name, row=number), "The file may be cut off here: download it again")
    return [
        (number, *keys, period.strip(), *_value(cell.strip()))
        for period, cell in zip(periods, cells, strict=True)
    ]


def _value(cell: str) -> tuple[str | None, str | None]:
    """A value and its flag; a cell that is neither is left for the rules to refuse."""
    found = _CELL.fullmatch(cell)
    if found is None:
        return cell, None
    value, flag = found["value"], found["flag"].strip()
    return (None if value == ":" else value), flag or None
