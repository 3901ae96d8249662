"""Write the simulated samples that the R competitors are timed on.

``python write_samples.py DIR`` writes ``panel.csv`` (20,000 units × 8 periods × 6 regressors),
``groups.csv`` (200 × 250) and ``random.csv`` (2,000 × 8). Then, for one model,
``Rscript time.R clogit DIR/panel.csv`` prints its seconds as JSON.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SHAPES = {"panel": (20_000, 8), "groups": (200, 250), "random": (2_000, 8)}
SLOPES = np.array([0.5, -0.4, 0.3, 0.2, -0.1, 0.6])


def draw(units: int, periods: int, seed: int) -> pd.DataFrame:
    """Draw a simulated panel: a binary, an ordered (4) and a multinomial (3) outcome."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), periods)
    effect = rng.normal(size=units)[unit]
    x = rng.normal(size=(unit.size, SLOPES.size)) + 0.3 * effect[:, None]
    index = x @ SLOPES + effect
    utility = np.column_stack([np.zeros(unit.size), 0.2 + 0.6 * index, -0.1 - 0.4 * index]) + rng.gumbel(
        size=(unit.size, 3)
    )
    frame = pd.DataFrame(
        {
            "unit": unit,
            "binary": (index + rng.logistic(size=unit.size) > 0).astype(int),
            "ordered": 1 + np.searchsorted([-1.0, 0.5, 2.0], index + rng.logistic(size=unit.size)),
            "choice": utility.argmax(axis=1),
        }
    )
    return frame.assign(**{f"x{k + 1}": x[:, k].round(6) for k in range(SLOPES.size)})


def main() -> None:
    """Write one CSV for each shape."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for seed, (name, shape) in enumerate(SHAPES.items(), start=1):
        draw(*shape, seed=seed).to_csv(directory / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
