"""Simulated plants on a map, for measures of agglomeration. Everything made here is marked simulated."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gvcmetrics.errors import DataError


def simulate_dartboard(
    n_plants: int,
    region_shares: ArrayLike,
    *,
    gamma: float = 0.0,
    n_industries: int = 1,
    size_dispersion: float = 1.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Plants that locate by the Ellison–Glaeser dartboard with a known γ.

    Each industry draws its own regional probabilities p ~ Dirichlet((1 − γ)/γ · x), so that E p = x and
    Var p_r = γ x_r (1 − x_r), and its plants then choose regions independently by p: natural advantages
    of strength γ. With γ = 0 the plants are darts thrown at x. Sizes are log-normal.

    Parameters
    ----------
    n_plants : plants in each industry.
    region_shares : x, positive, adding up to one.
    gamma : in [0, 1).
    n_industries : industries, all with the same γ.
    size_dispersion : standard deviation of log employment.
    seed : of the random numbers.

    Returns
    -------
    pandas.DataFrame
        `firm_id`, `region`, `industry`, `employment`; ``attrs["simulated"]`` is True and
        ``attrs["truth"]`` holds γ and x.

    Raises
    ------
    DataError
        γ outside [0, 1) or shares that are not positive or do not add up to one.

    Source: Ellison and Glaeser (1997), with Dirichlet natural advantages.
    """
    x = np.asarray(region_shares, dtype=np.float64)
    if not 0 <= gamma < 1:
        raise DataError(f"gamma is {gamma}, not in [0, 1)")
    if (x <= 0).any() or abs(x.sum() - 1) > 1e-9:
        raise DataError("the region shares are not positive or do not add up to one")
    rng = np.random.default_rng(seed)
    places = []
    for _ in range(n_industries):
        p = x if gamma == 0 else rng.dirichlet(x * (1 - gamma) / gamma)
        places.append(rng.choice(x.size, size=n_plants, p=p))
    n = n_plants * n_industries
    frame = pd.DataFrame(
        {
            "firm_id": [f"S{i:07d}" for i in range(n)],
            "region": np.array([f"R{r:03d}" for r in range(x.size)])[np.concatenate(places)],
            "industry": np.repeat([f"I{i:03d}" for i in range(n_industries)], n_plants),
            "employment": np.ceil(rng.lognormal(3.0, size_dispersion, n)),
        }
    )
    frame.attrs["simulated"] = True
    frame.attrs["truth"] = {"gamma": gamma, "region_shares": x.tolist()}
    return frame
