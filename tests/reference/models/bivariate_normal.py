"""Writes bivariate_normal.csv: log Phi2(h, k; rho) to 30 digits, by mpmath (no test depends on it)."""

from __future__ import annotations

from pathlib import Path

import mpmath as mp
import numpy as np
import pandas as pd

mp.mp.dps = 30


def log_cdf(h: float, k: float, rho: float) -> float:
    low, high, r = mp.mpf(min(h, k)), mp.mpf(max(h, k)), mp.mpf(rho)
    s = mp.sqrt(1 - r * r)
    inside = [r * high + j for j in (-8, -4, -2, 0, 2, 4, 8)]
    inside += [low - mp.mpf(2) ** -j for j in range(-5, 12)]
    inside += [high / r + j * s for j in (-8, -2, 0, 2, 8)]
    start = min(low, 0) - 60
    cuts = sorted({start, low, *(c for c in inside if start < c < low)})
    return float(mp.log(mp.quad(lambda x: mp.npdf(x) * mp.ncdf((high - r * x) / s), cuts)))


if __name__ == "__main__":
    draws = np.random.default_rng(20041113)
    rows = []
    for spread in (1, 3, 8, 20):
        for tilt in (0.3, 1.0, 2.5):
            for _ in range(5):
                h, k = (float(v) for v in draws.normal(size=2) * spread)
                rho = float(np.tanh(draws.normal() * tilt))
                rows.append((h, k, rho, log_cdf(h, k, rho)))
    frame = pd.DataFrame(rows, columns=["h", "k", "rho", "log_cdf"])
    frame.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.17g")
