"""Location quotients and Ellison–Glaeser γ on ten million firm rows, against DuckDB's own group-by.

Prints seconds, ratios and peak memory for keys held as categories and as strings. The target is a ratio
of at most 2 for both measures together. The firms are simulated (seed 0).

    python analysis/benchmarks/clusters.py [rows]
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from functools import partial

import duckdb
import numpy as np
import pandas as pd

from gvcmetrics.measures.clusters.agglomeration import ellison_glaeser
from gvcmetrics.measures.clusters.location import location_quotient, region_industry_table

TARGET = 2.0
ROUNDS = 5


def simulated_firms(rows: int) -> pd.DataFrame:
    """Firms in 300 regions and 80 industries, with sampling weights."""
    rng = np.random.default_rng(0)
    regions = pd.Index([f"R{i:03d}" for i in range(300)])
    industries = pd.Index([f"{i:02d}" for i in range(80)])
    return pd.DataFrame(
        {
            "region": pd.Categorical.from_codes(rng.integers(0, 300, rows), regions),
            "industry": pd.Categorical.from_codes(rng.integers(0, 80, rows), industries),
            "employment": np.ceil(rng.lognormal(2.0, 1.2, rows)),
            "weight": rng.uniform(1, 5, rows),
        }
    )


def best_seconds(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Fastest of a few rounds for each run; taking turns gives all of them the same quiet and busy spells."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def group_by(frame: pd.DataFrame) -> pd.DataFrame:
    """DuckDB's own aggregation of the same frame to region × industry employment."""
    with duckdb.connect() as connection:
        connection.register("firms", frame)
        return connection.execute(
            "SELECT region, industry, sum(employment * weight) FROM firms GROUP BY region, industry"
        ).df()


def both_measures(frame: pd.DataFrame) -> None:
    """One pass over the firms, then both measures on the table."""
    table = region_industry_table(frame)
    location_quotient(table)
    ellison_glaeser(table)


def peak_gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(rows: int) -> None:
    firms = simulated_firms(rows)
    print(f"{rows:,} simulated firm rows; seconds are the best of {ROUNDS} rounds")
    for label in ("categories", "strings"):
        frame = firms if label == "categories" else firms.astype({"region": "str", "industry": "str"})
        held = peak_gigabytes()
        group_by(frame)
        after_duckdb = peak_gigabytes()
        seconds = best_seconds(
            {
                "DuckDB group-by": partial(group_by, frame),
                "location quotients": partial(location_quotient, frame),
                "gamma": partial(ellison_glaeser, frame),
                "both from one table": partial(both_measures, frame),
            }
        )
        print(f"keys as {label}")
        for name, taken in seconds.items():
            ratio = taken / seconds["DuckDB group-by"]
            met = f"(target ≤ {TARGET:g}: {'met' if ratio <= TARGET else 'NOT met'})"
            print(f"  {name:<20} {taken:5.2f} s   ratio {ratio:4.2f}   {met if ratio != 1 else ''}")
        print(
            f"  peak memory: {held:.2f} GB with the frame, {after_duckdb:.2f} GB after DuckDB, "
            f"{peak_gigabytes():.2f} GB after the measures"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
