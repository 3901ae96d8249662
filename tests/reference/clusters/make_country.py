"""Write country.csv: 900 simulated plants in 25 local systems for districts.R. Simulated, seed 5."""

from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(5)
industries = {
    "01": "agriculture", "13": "manufacturing", "15": "manufacturing", "28": "manufacturing",
    "41": "construction", "62": "business_services", "56": "consumer_services",
}  # fmt: skip
rows = []
for system in range(25):
    mix = rng.dirichlet(np.array([1, 1.5, 1.5, 1, 0.8, 1, 1]) * 0.8)
    scale = rng.normal(2.6, 0.7)
    for code in rng.choice(list(industries), 36, p=mix):
        size = int(np.ceil(rng.lognormal(scale, 1.3)))
        rows.append((f"S{system:02d}", code, industries[code], size, rng.integers(1, 4)))
frame = pd.DataFrame(rows, columns=["region", "industry", "sector", "employment", "weight"])
frame.to_csv(Path(__file__).with_name("country.csv"), index=False)
