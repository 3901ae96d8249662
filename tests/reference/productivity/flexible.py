"""Firms with a known gross-output function and one flexible input, written to flexible_firms.csv.

f = 0.25 l + 0.3 k + 0.02 l² − 0.01 l k + 0.015 k² + 0.4 m + 0.02 m² − 0.02 m k − 0.02 m l, productivity AR(1)
with 0.7, and m where its marginal product times E[e^ε] is its price. Run from the root of the repository:
python tests/reference/productivity/flexible.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
NOISE = 0.2


def flexible_firms(n_firms: int, n_years: int, seed: int, burn_in: int = 10) -> pd.DataFrame:
    """The firms, with the true elasticities, productivity and noise of every row."""
    rng = np.random.default_rng(seed)
    omega, k, labour = (rng.normal(0, sd, n_firms) for sd in (0.3, 1.0, 0.8))
    years = []
    for year in range(-burn_in, n_years):
        before, omega = omega, 0.7 * omega + rng.normal(0, 0.3 * np.sqrt(1 - 0.49), n_firms)
        k = 0.85 * k + 0.25 * before + rng.normal(0, 0.3, n_firms)
        labour = 0.7 * labour + 0.3 * before + rng.normal(0, 0.3, n_firms)
        m = np.zeros(n_firms)
        for _ in range(100):
            elasticity = 0.4 + 0.04 * m - 0.02 * k - 0.02 * labour
            f = 0.25 * labour + 0.3 * k + 0.02 * labour**2 - 0.01 * labour * k + 0.015 * k**2
            f = f + 0.4 * m + 0.02 * m**2 - 0.02 * m * (k + labour)
            gap = np.log(elasticity) + f + omega + NOISE**2 / 2 - m
            m = m - gap / (0.04 / elasticity + elasticity - 1)
        noise = rng.normal(0, NOISE, n_firms)
        if year >= 0:
            columns = {
                "firm_id": np.arange(n_firms),
                "year": year,
                "sales_usd": np.exp(f + omega + noise),
                "employment": np.exp(labour),
                "capital_usd": np.exp(k),
                "materials_usd": np.exp(m),
                "true_omega": omega,
                "true_noise": noise,
                "true_materials": elasticity,
                "true_employment": 0.25 + 0.04 * labour - 0.01 * k - 0.02 * m,
                "true_capital": 0.3 - 0.01 * labour + 0.03 * k - 0.02 * m,
            }
            years.append(pd.DataFrame(columns))
    return pd.concat(years).sort_values(["firm_id", "year"], ignore_index=True)


if __name__ == "__main__":
    made = flexible_firms(150, 5, seed=3)
    made[made.columns[:6]].to_csv(HERE / "flexible_firms.csv", index=False, float_format="%.8g")
