"""Average effects of 82 regressors on 100,000 rows, and a conditional logit of two long groups.

The rival for the binary outcome is statsmodels' `get_margeff` with discrete changes of 0/1 variables, in the
same process; for the ordered outcome and for groups of thousands of rows Python has none that ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

import gvcmetrics as gvc

ROWS, DUMMIES, LONG = 100_000, 80, 5_000
SECONDS = {"binary": 5.0, "levels": 5.0, "ordered": 5.0, "long groups": 3.0}


def sample() -> pd.DataFrame:
    """Two numbers, 80 indicators, a category of 81 levels, and outcomes of two and four levels."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"x": rng.normal(size=ROWS), "z": rng.normal(size=ROWS)})
    indicators = pd.DataFrame(
        (rng.random((ROWS, DUMMIES)) < 0.2).astype(np.int64), columns=[f"d{k}" for k in range(DUMMIES)]
    )
    frame = pd.concat([frame, indicators], axis=1)
    frame["level"] = rng.integers(0, DUMMIES + 1, ROWS).astype(str)
    latent = 0.5 * frame["x"] + rng.logistic(size=ROWS) + 0.02 * frame["level"].astype(int)
    frame["binary"], frame["ordered"] = (latent > 1).astype(int), np.digitize(latent, [0, 1, 2])
    return frame


def long_groups() -> pd.DataFrame:
    """Two groups of 5,000 rows, half of them ones."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(2 * LONG, 2)), columns=["x", "z"])
    frame["y"] = (rng.random(2 * LONG) < 0.5).astype(int)
    frame["g"] = np.repeat([0, 1], LONG)
    return frame


def seconds(work: Callable[[], Any]) -> float:
    """The fastest of two calls after one that warms up."""
    work()
    found = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    frame, pair = sample(), long_groups()
    regressors = " + ".join(["x", "z", *(f"d{k}" for k in range(DUMMIES))])
    binary = gvc.logit(f"binary ~ {regressors}", frame)
    levels = gvc.logit("binary ~ x + z + C(level)", frame)
    ordered = gvc.ordered_logit(f"ordered ~ {regressors}", frame)
    other = sm.Logit(frame["binary"], sm.add_constant(frame[regressors.split(" + ")])).fit(disp=0)
    work: dict[str, tuple[str, Callable[[], Any]]] = {
        "binary": ("logit, 80 indicators: margins", binary.margins),
        "levels": ("logit, category of 81 levels: margins", levels.margins),
        "ordered": ("ordered logit, 80 indicators: margins", ordered.margins),
        "long groups": (
            "conditional logit, two groups of 5,000",
            lambda: gvc.logit("y ~ x + z", pair, unit="g", effects="fixed"),
        ),
    }
    start = time.perf_counter()
    other.get_margeff(dummy=True).summary_frame()
    rival = time.perf_counter() - start
    print(f"{'':45s} {'seconds':>9s} {'at most':>9s} {'statsmodels':>12s} {'ratio':>7s}")
    for key, (title, call) in work.items():
        mine = seconds(call)
        beside = f"{rival:12.2f} {rival / mine:7.1f}" if key == "binary" else f"{'–':>12s} {'–':>7s}"
        late = "" if mine <= SECONDS[key] else "  LATE"
        print(f"{title:45s} {mine:9.2f} {SECONDS[key]:9.1f} {beside}{late}")


if __name__ == "__main__":
    main()
