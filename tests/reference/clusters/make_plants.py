"""Write plants.csv, the small made-up country that small_country.R measures. Simulated, seed 20."""

from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(20)
n = 48
plants = pd.DataFrame(
    {
        "region": rng.choice(["north", "south", "east", "west"], n, p=[0.4, 0.3, 0.2, 0.1]),
        "industry": rng.choice(["10", "13", "15"], n, p=[0.5, 0.3, 0.2]),
        "employment": np.ceil(rng.lognormal(3, 1.2, n)).astype(int),
        "weight": rng.integers(1, 9, n) / 2,
    }
)
plants.to_csv(Path(__file__).with_name("plants.csv"), index=False)
