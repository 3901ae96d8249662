"""Layouts that are neither a square of labels nor a workbook: FIGARO, Eora, and a row a cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gvcmetrics.errors import DataError, Place, SpecError
from gvcmetrics.ground.input_output import InputOutput
from gvcmetrics.panels.input_output.layouts import assemble, frame_of, numbers_of, split_label, year_in
from gvcmetrics.panels.input_output.spec import TableWords

_PRIMARY_ROWS = "W2_"
_TOTAL, _OUTPUT = "xTOT", "xGO"
CELL = ("year", "country", "industry", "use_country", "use", "value")
_LONG = ("year", "row_country", "row_isic3", "col_country", "col_isic3", "value")


def figaro(path: Path, words: TableWords) -> Iterator[InputOutput]:
    """Eurostat's matrix CSV: labels `AT_C10T12` on both axes, final use `AT_P3_S14`, then value added `W2_…`.

    Output is in no row or column: it is what a row sells. Each column's purchases and value added must make
    the same.
    """
    frame = frame_of(path)
    frame = frame.set_index(frame.columns[0])
    frame = frame.drop(index=words.ignore, columns=words.ignore, errors="ignore")
    labels = frame.index.astype(str)
    is_primary = labels.str.startswith(_PRIMARY_ROWS)
    everything = numbers_of(frame, path)
    cells = everything[~is_primary]
    primary = everything[is_primary].sum(axis=0) if is_primary.any() else None
    rows = [split_label(label, path.name) for label in labels[~is_primary]]
    columns = [split_label(str(name), path.name) for name in frame]
    yield assemble(year_in(path), rows, columns, cells, cells.sum(axis=1), words, path.name, primary)


def wiod_long(path: Path, words: TableWords) -> Iterator[InputOutput]:
    """One row a cell and all years in one file: year, row_country, row_isic3, col_country, col_isic3, value.

    Rows and columns of the country xTOT are totals; the column xGO of them is output.
    """
    for year, cells in _cells(path, dict(zip(CELL, _LONG, strict=True)), words):
        yield _of_cells(year, cells, words, path.name)


def long(path: Path, words: TableWords) -> Iterator[InputOutput]:
    """One row a cell, in columns that the spec names; the year may stand in the name of the file.

    Cells that are absent are zero. Rows whose country, industry or use is listed under `ignore`, such as
    value added, are left out, and output is what a row sells.
    """
    absent = [name for name in CELL if name not in words.cells and name != "year"]
    if absent:
        raise SpecError(
            "the layout `long` needs the name of this column",
            Place(key=f"cells.{absent[0]}"),
            f"Write cells: {{{', '.join(f'{name}: …' for name in CELL)}}}",
        )
    for year, cells in _cells(path, {str(name): raw for name, raw in words.cells.items()}, words):
        left_out = pd.Series(False, cells.index)
        for name in CELL[1:5]:
            left_out |= cells[name].isin(words.ignore)
        yield _of_cells(year, cells[~left_out], words, path.name)


def _cells(path: Path, names: Mapping[str, str], words: TableWords) -> Iterator[tuple[int, pd.DataFrame]]:
    """The cells of each wanted year, in columns of the names of `CELL`."""
    text = pa.dictionary(pa.int32(), pa.string())
    kinds = dict.fromkeys(CELL, text) | {"year": pa.int32(), "value": pa.float64()}
    types = {raw: kinds[name] for name, raw in names.items()}
    try:
        if path.suffix == ".parquet":
            table = pyarrow.parquet.read_table(path, columns=list(types), partitioning=None)
            read = table.cast(pa.schema(types)).to_pandas()
        else:
            how = pyarrow.csv.ConvertOptions(include_columns=list(types), column_types=types)
            read = pyarrow.csv.read_csv(path, convert_options=how).to_pandas()
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        problem = f"the file cannot be read ({str(error).splitlines()[0]})"
        raise DataError(problem, Place(path.name), f"Its columns are {', '.join(types)}") from None
    cells = read.rename(columns={raw: name for name, raw in names.items()})
    if cells["value"].isna().any():
        row = int(cells["value"].isna().to_numpy().argmax())
        raise DataError(
            "the cell has no value", Place(path.name, row + 2, names["value"]), "Restore the file"
        )
    years = cells["year"] if "year" in cells else pd.Series(year_in(path), cells.index)
    for year, part in cells.groupby(years, sort=True):
        if words.years is None or year in words.years:
            yield int(str(year)), part


def _of_cells(year: int, cells: pd.DataFrame, words: TableWords, file: str) -> InputOutput:
    sold = cells[(cells["country"] != _TOTAL)]
    sellers = _pairs(sold, "country", "industry")
    buyers = _pairs(sold, "use_country", "use")
    row, rows = pd.factorize(sellers)
    column, columns = pd.factorize(buyers)
    twice = pd.Series(row.astype(np.int64) * len(columns) + column).duplicated()
    if twice.any():
        first = rows[row[int(twice.to_numpy().argmax())]]
        raise DataError(f"a cell of {' '.join(first)} is there twice in {year}", Place(file))
    grid = np.zeros((len(rows), len(columns)))
    grid[row, column] = sold["value"].to_numpy()
    total = np.array([country == _TOTAL for country, _ in columns])
    output = np.array([label == (_TOTAL, _OUTPUT) for label in columns])
    inside = grid[:, ~total]
    x = grid[:, output][:, 0] if output.any() else inside.sum(axis=1)
    return assemble(
        year, list(rows), [label for label in columns if label[0] != _TOTAL], inside, x, words, file
    )


def _pairs(frame: pd.DataFrame, first: str, second: str) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([frame[first].astype(object), frame[second].astype(object)])


def eora(path: Path, words: TableWords) -> Iterator[InputOutput]:
    """Eora's blocks without labels: NAME_T, NAME_FD and NAME_VA beside labels_T, labels_FD (tab-separated).

    Only NAME_T makes a table, so that a pattern may take all files of the folder, whose checksums count then.
    Labels hold country, code, kind and industry or use. Output is what a row sells.
    """
    if not path.stem.endswith("_T") or path.stem.startswith("labels"):
        return
    name = path.stem[: -len("_T")]
    flows, final = _block(path), _block(path.with_name(f"{name}_FD{path.suffix}"))
    added = _block(path.with_name(f"{name}_VA{path.suffix}"))
    rows = _labels(path.with_name(f"labels_T{path.suffix}"), len(flows))
    uses = _labels(path.with_name(f"labels_FD{path.suffix}"), final.shape[1])
    if flows.shape[0] != flows.shape[1] or len(final) != len(flows) or added.shape[1] != len(flows):
        raise DataError(
            f"the blocks do not fit: T is {flows.shape}, FD {final.shape}, VA {added.shape}", Place(path.name)
        )
    cells = np.hstack([flows, final])
    primary = np.append(added.sum(axis=0), np.zeros(final.shape[1]))
    yield assemble(year_in(path), rows, [*rows, *uses], cells, cells.sum(axis=1), words, path.name, primary)


def _block(path: Path) -> np.ndarray:
    try:
        return pd.read_csv(path, sep="\t", header=None, dtype=np.float64).to_numpy()
    except FileNotFoundError:
        raise DataError(
            "the block is absent", Place(path.name), "Unpack the whole archive into one folder"
        ) from None
    except ValueError as error:
        raise DataError(f"the block holds no numbers ({error})", Place(path.name)) from None


def _labels(path: Path, expected: int) -> list[tuple[str, str]]:
    if not path.exists():
        raise DataError("the labels are absent", Place(path.name), "Unpack the index file beside the blocks")
    labels = pd.read_csv(path, sep="\t", header=None, dtype=str, keep_default_na=False)
    if len(labels) != expected or labels.shape[1] < 4:
        raise DataError(
            f"{len(labels)} labels of {labels.shape[1]} parts for {expected} rows or columns",
            Place(path.name),
            "Each label is country, code, kind, industry or use",
        )
    return list(zip(labels[1].str.strip(), labels[3].str.strip(), strict=True))
