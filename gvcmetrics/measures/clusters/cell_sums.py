"""Sums of firms by cells of a table: one pass over the rows, in numpy.

For ten million rows this takes about the time of DuckDB's own group-by of the same frame, copies no
column and, being one thread in one order, gives the same last digit every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

SUMS = ("mass", "units", "rows", "squares", "cubes", "fourths")
# Rows whose intermediate products stay in the processor's cache.
ROWS_AT_ONCE = 1 << 18
# Tables with more cells than this are first reduced to the cells that occur.
DENSE_CELLS = 1 << 20


def cell_sums(keys: Sequence[pd.Series], size: np.ndarray, weights: np.ndarray | None) -> pd.DataFrame:
    """Sums over the rows of each cell, for the cells that occur.

    Parameters
    ----------
    keys : columns that define a cell.
    size : amounts, missing as NaN.
    weights : how many units a row stands for; one each where None.

    Returns
    -------
    pandas.DataFrame
        The keys (named 0, 1, ...) in the dtype that they came in, and with m = w × size: `mass` Σ m,
        `units` Σ w, `rows`, `squares` Σ m², `cubes` Σ m³, `fourths` Σ m⁴. Rows with a missing key or size
        are left out.
    """
    coded = [_coded(key) for key in keys]
    codes, lengths = [code for code, _ in coded], [len(values) for _, values in coded]
    if np.isnan(size.min(initial=0.0)) or any(code.min(initial=0) < 0 for code in codes):
        known = ~np.isnan(size)
        for code in codes:
            known &= code >= 0
        codes, size = [code[known] for code in codes], size[known]
        weights = None if weights is None else weights[known]
    if len(size) == 0:
        return pd.DataFrame(columns=[*range(len(keys)), *SUMS])
    n_cells = int(np.prod([float(length) for length in lengths]))
    if n_cells <= DENSE_CELLS:
        totals = _add_up(codes, lengths, n_cells, size, weights)
        occupied = np.flatnonzero(totals["rows"])
        totals = {name: column[occupied] for name, column in totals.items()}
    else:
        place, occupied = pd.factorize(_combined(codes, lengths))
        totals = _add_up([place], [len(occupied)], len(occupied), size, weights)
    cells = np.unravel_index(occupied, lengths)
    labels: dict[Any, Any] = {i: values.take(cells[i]) for i, (_, values) in enumerate(coded)}
    return pd.DataFrame({**labels, **totals})


def _coded(column: pd.Series) -> tuple[np.ndarray, Any]:
    """Whole-number codes of a column (−1: missing) and the array of values that they stand for."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        values = pd.Categorical.from_codes(np.arange(len(dtype.categories)), dtype=dtype)
        return column.cat.codes.to_numpy(), values
    if isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow":
        # Arrow encodes its own strings in half the time that pandas takes.
        encoded = pa.array(column).dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):  # a frame that was put together from parts
            encoded = encoded.combine_chunks()
        return encoded.indices.fill_null(-1).to_numpy(), pd.array(encoded.dictionary.to_pandas(), dtype=dtype)
    return pd.factorize(column)


def _combined(codes: Sequence[np.ndarray], lengths: Sequence[int]) -> np.ndarray:
    """One number for each row's cell, the last key running fastest."""
    place = codes[0].astype(np.intp)
    for code, length in zip(codes[1:], lengths[1:], strict=True):
        place *= length
        place += code
    return place


def _add_up(
    codes: Sequence[np.ndarray],
    lengths: Sequence[int],
    n_cells: int,
    size: np.ndarray,
    weights: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """The sums of `cell_sums` over all cells, in stretches of rows."""
    totals = {name: np.zeros(n_cells) for name in SUMS}
    step = max(ROWS_AT_ONCE, n_cells)
    for start in range(0, len(size), step):
        rows = slice(start, start + step)
        place = _combined([code[rows] for code in codes], lengths)
        w = None if weights is None else weights[rows]
        m = size[rows] if w is None else size[rows] * w
        square = m * m
        for name, amounts in zip(SUMS, (m, w, None, square, square * m, square * square), strict=True):
            totals[name] += np.bincount(place, amounts, n_cells)
    return totals | {"rows": totals["rows"].astype(np.int64)}
