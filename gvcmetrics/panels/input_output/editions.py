"""Published layouts that are neither a square of labels nor a workbook: FIGARO, long-run WIOD, Eora."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import InputOutput
from gvcmetrics.panels.input_output.layouts import assemble, frame_of, numbers_of, split_label, year_in
from gvcmetrics.panels.input_output.spec import TableWords

_PRIMARY_ROWS = "W2_"
_TOTAL, _OUTPUT = "xTOT", "xGO"
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
    text = pa.dictionary(pa.int32(), pa.string())
    types = dict.fromkeys(_LONG[1:5], text) | {"year": pa.int32(), "value": pa.float64()}
    try:
        read = pyarrow.csv.ConvertOptions(include_columns=list(_LONG), column_types=types)
        long = pyarrow.csv.read_csv(path, convert_options=read).to_pandas()
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        problem = f"the file cannot be read ({str(error).splitlines()[0]})"
        raise DataError(problem, Place(path.name), f"Its columns are {', '.join(_LONG)}") from None
    for year, cells in long.groupby("year", sort=True):
        if words.years is None or year in words.years:
            yield _of_cells(int(str(year)), cells, words, path.name)


def _of_cells(year: int, cells: pd.DataFrame, words: TableWords, file: str) -> InputOutput:
    sold = cells[(cells["row_country"] != _TOTAL)]
    sellers = _pairs(sold, "row_country", "row_isic3")
    buyers = _pairs(sold, "col_country", "col_isic3")
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
