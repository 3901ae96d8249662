"""Ten million trade rows from HS 2022 to HS 1988/92, against DuckDB's join and group-by of the same links.

Prints seconds, the ratio and peak memory; both give every key and product, sorted. The trade is simulated
(seed 0). Needs the crosswalk tables (GVCMETRICS_MIRROR).

    python analysis/benchmarks/crosswalks.py [rows]
"""

from __future__ import annotations

import resource
import sys
import time

import duckdb
import numpy as np
import pandas as pd

from gvcmetrics.errors import MissingSourceError
from gvcmetrics.panels.crosswalks.convert import convert
from gvcmetrics.panels.crosswalks.links import crosswalk


def simulated_trade(rows: int) -> pd.DataFrame:
    """Flows of random years, countries and six-digit products."""
    rng = np.random.default_rng(0)
    sources = crosswalk("HS6", "HS0").links["source"]
    codes = sources[sources.str.len() == 6].unique()
    return pd.DataFrame(
        {
            "year": rng.integers(2000, 2020, rows),
            "exporter": rng.integers(1, 200, rows),
            "importer": rng.integers(1, 200, rows),
            "product": pd.Series(rng.choice(codes, rows), dtype="str"),
            "value_usd": rng.lognormal(3, 2, rows),
        }
    )


def by_duckdb(trade: pd.DataFrame) -> pd.DataFrame:
    """The same conversion as one query."""
    links = crosswalk("HS6", "HS0").links
    query = (
        "SELECT year, exporter, importer, links.target AS product, SUM(value_usd * weight) AS value_usd "
        "FROM trade JOIN links ON trade.product = links.source GROUP BY ALL ORDER BY ALL"
    )
    with duckdb.connect() as connection:
        connection.register("trade", trade)
        connection.register("links", links)
        return connection.sql(query).df()


def main(rows: int) -> None:
    trade = simulated_trade(rows)
    start = time.perf_counter()
    ours = convert(trade, "product", "HS6", "HS0", ["value_usd"])
    middle = time.perf_counter()
    theirs = by_duckdb(trade)
    end = time.perf_counter()
    np.testing.assert_allclose(ours["value_usd"], theirs["value_usd"], rtol=1e-12)
    ratio = (middle - start) / (end - middle)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"crosswalk HS6 → HS0, {rows:,} rows: {middle - start:.1f} s; DuckDB {end - middle:.1f} s; "
        f"ratio {ratio:.2f}; peak memory of both {peak:.1f} GB"
    )


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
    except MissingSourceError as error:
        print(f"crosswalks: not measured: {error}")
