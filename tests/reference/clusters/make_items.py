"""Write items.csv: 400 simulated firms of two latent classes, five 0/1 items, some missing. Seed 7."""

from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(7)
n = 400
tight = rng.random(n) < 0.35
low, high = np.array([0.1, 0.2, 0.15, 0.3, 0.25]), np.array([0.85, 0.9, 0.7, 0.8, 0.6])
answers = (rng.random((n, 5)) < np.where(tight[:, None], high, low)).astype(float)
answers[rng.random((n, 5)) < 0.06] = np.nan
frame = pd.DataFrame(answers, columns=["design", "quality", "process", "research", "visits"])
frame = frame.assign(weight=rng.integers(1, 7, n) / 2, tight=tight.astype(int))
frame.to_csv(Path(__file__).with_name("items.csv"), index=False)
