"""Write sites.csv: 60 simulated plants with coordinates and employment. Simulated, seed 9."""

from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(9)
frame = pd.DataFrame(
    {
        "industry": ["15"] * 25 + ["28"] * 35,
        "longitude": rng.uniform(10.5, 12.5, 60).round(5),
        "latitude": rng.uniform(44.8, 46.2, 60).round(5),
        "employment": np.ceil(rng.lognormal(3, 1, 60)).astype(int),
    }
)
frame.to_csv(Path(__file__).with_name("sites.csv"), index=False)
