"""Sheets of a workbook (.xlsx, .xlsm, .xls, .ods), copied to Parquet as text with their sheet rows."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.readers.archives import DAMAGED, refuse_bomb
from gvcmetrics.panels.readers.biff import errors_in_xls
from gvcmetrics.panels.readers.formulas import cells_in_error
from gvcmetrics.panels.readers.labelled import ROW
from gvcmetrics.panels.spec.names import repeated

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
_CHUNK_ROWS = 50_000


def workbook_columns(path: Path, name: str, sheet: str | None, header_row: int) -> list[str]:
    """The column names in the header row of a sheet, by default the first that is not hidden.

    Columns without a name are left out.
    """
    rows = _rows(path, name, sheet)
    header = next((row for number, row in rows if number == header_row), None)
    names = [_text(cell) or "" for cell in header or []]
    if not any(names):
        remedy = "State the row of the column names as `read: {header_row: …}`"
        raise DataError("the sheet has no header here", Place(name, row=header_row), remedy)
    twice = repeated(found for found in names if found)
    if twice is not None:
        raise DataError(
            "two columns have this name", Place(name, row=header_row, column=twice), "Rename one of them"
        )
    return names


def copy_workbook(
    path: Path,
    name: str,
    sheet: str | None,
    header_row: int,
    names: list[str],
    wanted: dict[str, str],
    target: Path,
) -> None:
    """Write the wanted columns to a Parquet file, with the sheet row in `#row`; empty rows are left out.

    `wanted` gives the name that each is written under.
    """
    positions = {new: names.index(column) for column, new in wanted.items()}
    schema = pa.schema([(ROW, pa.int64()), *((column, pa.string()) for column in positions)])
    target.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(target, schema) as writer:
        chunk: list[tuple[int, list[Any]]] = []
        for number, row in _rows(path, name, sheet):
            if number > header_row and any(cell not in ("", None) for cell in row):
                chunk.append((number, row))
            if len(chunk) == _CHUNK_ROWS:
                writer.write_table(_table(chunk, positions, schema))
                chunk = []
        writer.write_table(_table(chunk, positions, schema))


def _table(chunk: list[tuple[int, list[Any]]], positions: dict[str, int], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([number for number, _ in chunk], pa.int64())]
    for position in positions.values():
        cells = [_text(row[position]) if position < len(row) else None for _, row in chunk]
        columns.append(pa.array(cells, pa.string()))
    return pa.Table.from_arrays(columns, schema=schema)


def _rows(path: Path, name: str, sheet: str | None) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet, numbered as the sheet numbers them."""
    try:
        if path.suffix.lower() != ".xls":
            with zipfile.ZipFile(path) as packed:
                refuse_bomb(path, path.stat().st_size, sum(info.file_size for info in packed.infolist()))
        else:
            errors_in_xls(path)
        workbook = CalamineWorkbook.from_path(path)
        if not workbook.sheet_names:
            raise DataError("the workbook has no sheet", Place(name), "Check the file")
        if sheet is not None and sheet not in workbook.sheet_names:
            remedy = f"Sheets: {', '.join(workbook.sheet_names)}"
            raise DataError(f"the workbook has no sheet '{sheet}'", Place(name), remedy)
        chosen = sheet or _first_shown(workbook)
        errors = cells_in_error(path, chosen)
        for number, row in enumerate(workbook.get_sheet_by_name(chosen).iter_rows(), 1):
            if errors:
                row = [errors.get((number, place), cell) for place, cell in enumerate(row, 1)]
            yield number, row
    except (*DAMAGED, CalamineError, KeyError, ParseError) as error:
        raise _damaged(error, name) from None
    except BaseException as error:
        # What the reader of workbooks, which is no Python, raises where it gives up; it has no base but this.
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged(error, name) from None


def _damaged(error: BaseException, name: str) -> DataError:
    said = (str(error).splitlines() or [type(error).__name__])[0]
    problem = f"the workbook is damaged, cut off or protected ({said or type(error).__name__})"
    return DataError(problem, Place(name), "Restore the file, or save it again as .xlsx")


def _first_shown(workbook: CalamineWorkbook) -> str:
    """The first sheet of cells that a person sees; hidden ones hold lists and what a form computes with."""
    shown = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    return shown[0] if shown else workbook.sheet_names[0]


def _text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)
