"""Files of Stata (.dta), SPSS (.sav, .por) and SAS (.sas7bdat, .xpt), copied in chunks to Parquet.

Only the wanted columns are copied. Values keep their codes. Where a spec asks for labels, the column
`NAME#label` holds the label of each code, or the code where it has none. System and user-defined
missing values are missing.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.spec.columns import LABEL

ROW = "#row"
_CHUNK_ROWS = 100_000
_READERS: dict[str, Callable[..., Any]] = {
    ".dta": pyreadstat.read_dta,
    ".sav": pyreadstat.read_sav,
    ".zsav": pyreadstat.read_sav,
    ".por": pyreadstat.read_por,
    ".sas7bdat": pyreadstat.read_sas7bdat,
    ".xpt": pyreadstat.read_xport,
}
_XPORT_RECORD = 80  # bytes; a transport file is padded to whole records
LABELLED = tuple(_READERS)


def labelled_columns(path: Path, name: str, encoding: str | None) -> list[str]:
    """The column names of a .dta or .sav file, and `NAME#label` for those that have value labels."""
    _, meta = _read(path, name, encoding, metadataonly=True)
    names = [name for name in meta.column_names if name]  # a damaged file may name none
    return [*names, *(f"{column}{LABEL}" for column in meta.variable_value_labels)]


def copy_labelled(path: Path, name: str, encoding: str | None, wanted: dict[str, str], target: Path) -> None:
    """Write the wanted columns to a Parquet file, with the number of each record in `#row`.

    `wanted` gives the name that each is written under.

    Raises
    ------
    DataError : the file is damaged or has fewer records than it says.
    """
    codes = sorted({column.removesuffix(LABEL) for column in wanted})
    _, meta = _read(path, name, encoding, metadataonly=True)
    expected, done = meta.number_rows, 0
    schema = pa.schema([(ROW, pa.int64()), *((new, _type(column, meta)) for column, new in wanted.items())])
    target.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(target, schema) as writer:
        while expected is None or expected < 0 or done < expected:
            frame, _ = _read(path, name, encoding, usecols=codes, row_offset=done, row_limit=_CHUNK_ROWS)
            if frame.empty:
                break
            columns = [pa.array(range(done + 1, done + len(frame) + 1), pa.int64())]
            columns += [_array(column, frame, meta) for column in wanted]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            done += len(frame)
    if expected is not None and 0 <= expected != done:
        problem = f"the file says it has {expected:,} records and has {done:,}; it is cut off"
        raise DataError(problem, Place(name, row=done), "Restore the file")


def _iconv(encoding: str | None) -> str | None:
    """An encoding as the C library names it, which knows fewer spellings than Python (no `latin-1`)."""
    if encoding is None:
        return None
    known = codecs.lookup(encoding).name.upper().replace("_", "-")
    return {"MAC-ROMAN": "MACINTOSH"}.get(known, re.sub(r"^ISO-?(?=[0-9])", "ISO-", known))


def _read(path: Path, name: str, encoding: str | None, **options: Any) -> tuple[pd.DataFrame, Any]:
    if path.suffix.lower() != ".por":  # which holds a table of its signs
        options["encoding"] = _iconv(encoding)
    try:
        if path.suffix.lower() == ".xpt" and path.stat().st_size % _XPORT_RECORD:
            raise ValueError("its last record is not whole")
        return _READERS[path.suffix.lower()](str(path), disable_datetime_conversion=True, **options)
    except MemoryError:
        raise
    except Exception as error:
        # pyreadstat raises a class of its own for each of readstat's complaints, and bare Exception
        kind = path.suffix.lower()
        remedy = "Restore the file; if its texts are garbled, state `read: {encoding: cp1252}`"
        first = (str(error).splitlines() or [type(error).__name__])[0]
        problem = f"the {kind} file is damaged, cut off or in another encoding ({first})"
        raise DataError(problem, Place(name), remedy) from None


def _type(column: str, meta: Any) -> pa.DataType:
    is_text = column.endswith(LABEL) or meta.readstat_variable_types[column] == "string"
    return pa.string() if is_text else pa.float64()


def _array(column: str, frame: pd.DataFrame, meta: Any) -> pa.Array:
    code = column.removesuffix(LABEL)
    values = frame[code]
    if column.endswith(LABEL):
        labels = meta.variable_value_labels.get(code, {})
        return pa.array([labels.get(value, _plain(value)) for value in values], pa.string())
    if meta.readstat_variable_types[code] == "string":
        return pa.array([None if pd.isna(value) else str(value) for value in values], pa.string())
    return pa.array(pd.to_numeric(values).astype("float64"), pa.float64(), from_pandas=True)


def _plain(value: Any) -> str | None:
    if pd.isna(value):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def read_labels(path: Path, name: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The label of each column, and the label of each code."""
    _, meta = _read(path, name, None, metadataonly=True)
    return _labels(meta)


def _labels(meta: Any) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    labels = {column: label for column, label in meta.column_names_to_labels.items() if label}
    values = {
        column: {_plain(code) or "": str(label) for code, label in codes.items()}
        for column, codes in meta.variable_value_labels.items()
    }
    return labels, values


def labelled_sample(
    path: Path, name: str, rows: int
) -> tuple[pd.DataFrame, dict[str, str], dict[str, dict[str, str]]]:
    """The first rows of a .dta or .sav file, the label of each column, and the label of each code."""
    frame, meta = _read(path, name, None, row_limit=rows)
    return frame, *_labels(meta)
