"""Tables for the tests: the small made-up one, random ones, and WIOD where the mirror is at hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.measures.input_output.build import from_matrices, from_wide
from gvcmetrics.measures.input_output.table import InputOutput

REFERENCE = Path(__file__).parents[2] / "reference" / "icio"


@pytest.fixture(scope="session")
def small_frame() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "small_icio.csv")


@pytest.fixture(scope="session")
def small(small_frame: pd.DataFrame) -> InputOutput:
    return from_wide(small_frame)


@pytest.fixture(scope="session")
def reference() -> Callable[[str], pd.DataFrame]:
    """A reference file by exporter, with the table's own country codes."""

    def read(name: str) -> pd.DataFrame:
        frame = pd.read_csv(REFERENCE / f"{name}.csv").rename(
            columns={"Country": "exporter", "EXGR": "gross_exports"}
        )
        if "exporter" in frame:
            frame["exporter"] = frame["exporter"].replace({"ROM": "ROU", "RoW": "ROW"})
            frame = frame.set_index("exporter")
        return frame

    return read


@pytest.fixture(scope="session")
def random_table() -> Callable[..., InputOutput]:
    """A balanced table with uneven numbers of industries, zero flows and stocks that fall."""

    def make(seed: int, sizes: tuple[int, ...] = (3, 2, 4)) -> InputOutput:
        rng = np.random.default_rng(seed)
        rows = pd.MultiIndex.from_tuples(
            [(f"C{c}", f"i{k}") for c, size in enumerate(sizes) for k in range(size)]
        )
        columns = pd.MultiIndex.from_product([[f"C{c}" for c in range(len(sizes))], ["use", "stock"]])
        n = len(rows)
        Z = rng.lognormal(0, 1.5, (n, n)) * (rng.random((n, n)) < 0.7)
        home = rows.get_level_values(0).to_numpy()[:, None] == rows.get_level_values(0).to_numpy()[None, :]
        Z = Z * np.where(home, 3.0, 1.0)
        Y = rng.lognormal(1.5, 1.0, (n, len(columns)))
        Y[:, 1::2] = rng.normal(0, 0.05, (n, len(sizes)))
        final = Y.sum(axis=1)
        # Shrink purchases so that every industry has value added: Z scaled by columns, output by rows.
        for _ in range(60):
            x = Z.sum(axis=1) + final
            Z = Z * np.minimum(1.0, 0.85 * x / np.maximum(Z.sum(axis=0), 1e-300))[None, :]
        return from_matrices(
            pd.DataFrame(Z, index=rows, columns=rows),
            pd.DataFrame(Y, index=rows, columns=columns),
            inventories="stock",
        )

    return make


@pytest.fixture(scope="session")
def wiod_frame() -> Callable[[int], pd.DataFrame]:
    """The wide frame of one year of WIOD."""
    mirror = os.environ.get("GVCMETRICS_MIRROR")
    if not mirror or not (Path(mirror) / "wiod2013").is_dir():
        pytest.skip("needs the WIOD tables of the data mirror: set GVCMETRICS_MIRROR")

    def read(year: int) -> pd.DataFrame:
        return pd.read_parquet(Path(mirror) / "wiod2013" / f"wiot_{year}.parquet")

    return read


@pytest.fixture(scope="session")
def wiod_2011(wiod_frame: Callable[[int], pd.DataFrame]) -> InputOutput:
    """As the reference values have it: output is the row sum."""
    return from_wide(
        wiod_frame(2011),
        year=2011,
        inventories="f5",
        close="row_sums",
        negative_value_added="keep",
    )
