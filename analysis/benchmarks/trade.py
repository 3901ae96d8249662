"""Complexity and relatedness on world trade (226 countries, 785 products): time against econcomplex.

Run with the mirror of open data (GVCMETRICS_MIRROR): `python analysis/benchmarks/trade.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from gvcmetrics.measures.trade.complexity import density, economic_complexity, proximity
from gvcmetrics.measures.trade.sophistication import presence

REPEATS = 5
TARGET = 1.0


def ours(exports: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """ECI and relatedness density (without self-proximity, as econcomplex) from raw exports."""
    m = presence(exports)
    countries, _ = economic_complexity(m)
    return countries["eci"].to_numpy(), density(m, phi=proximity(m), include_self=False).to_numpy()


def theirs(exports: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The same two with econcomplex."""
    import econcomplex

    eci, _ = econcomplex.eci_pci(exports)
    return eci.to_numpy(), econcomplex.relatedness_density(exports).to_numpy() / 100


def best_of(run: Callable[[pd.DataFrame], object], exports: pd.DataFrame) -> float:
    """Shortest of several timings in seconds, after one run that warms up."""
    run(exports)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run(exports)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    mirror = os.environ.get("GVCMETRICS_MIRROR")
    if not mirror:
        print("trade: skipped, needs the data mirror (set GVCMETRICS_MIRROR)")
        return
    trade = pd.read_parquet(Path(mirror) / "world_trade_sitc4_1998_2000.parquet")
    exports = trade.pivot(index="country", columns="product", values="value").fillna(0.0)
    seconds = best_of(ours, exports)
    met = "met" if seconds <= TARGET else "NOT met"
    size = f"{exports.shape[0]} × {exports.shape[1]}"
    print(f"ECI and relatedness on {size}: {seconds:.3f} s (target ≤ {TARGET:g} s: {met})")
    try:
        other = best_of(theirs, exports)
    except ImportError:
        print("econcomplex is not installed: no comparison")
        return
    gap = max(float(np.abs(a - b).max()) for a, b in zip(ours(exports), theirs(exports), strict=True))
    print(f"econcomplex: {other:.3f} s, {other / seconds:.1f} times ours; largest difference {gap:.1e}")


if __name__ == "__main__":
    main()
