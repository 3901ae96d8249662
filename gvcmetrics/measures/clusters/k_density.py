"""Duranton–Overman: how localised an industry is in continuous space, distance by distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.signal import fftconvolve

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.measures.requirements import amounts, numbers, require_columns

EARTH_RADIUS_KM = 6371.0088
# Counting distances in such bins changes the density by less than one part in a million.
BINS_PER_BANDWIDTH = 500
# In bandwidths: further out the normal density is below 1e-14.
REACH = 8


@dataclass(frozen=True)
class KDensity:
    """K-density of one industry with its confidence bands.

    Attributes
    ----------
    curve : by distance: `density`, `local_lower`, `local_upper`, `global_lower`, `global_upper`,
        `localisation` (Γ), `dispersion` (Ψ).
    bandwidth : of the kernel, in the unit of the distances.
    n_plants, n_simulations, seed : what the bands rest on.
    """

    curve: pd.DataFrame
    bandwidth: float
    n_plants: int
    n_simulations: int
    seed: int

    @property
    def globally_localised(self) -> bool:
        """Whether the density exceeds the upper global band at some distance."""
        return bool((self.curve["localisation"] > 0).any())

    @property
    def globally_dispersed(self) -> bool:
        """Whether the density falls below the lower global band somewhere and never exceeds the upper one."""
        return bool((self.curve["dispersion"] > 0).any())


def duranton_overman(
    frame: pd.DataFrame,
    industry_code: str,
    *,
    industry: str = "industry",
    x: str = "longitude",
    y: str = "latitude",
    employment: str | None = None,
    coordinates: Literal["geographic", "planar"] = "geographic",
    maximum_distance: float | None = None,
    bandwidth: float | None = None,
    n_points: int = 100,
    n_simulations: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> KDensity:
    """K-density of the distances between an industry's plants, against random draws of sites.

    .. math:: \\hat K(d) = \\frac{2}{n (n-1) h} \\sum_{i<j} \\left[ f\\left(\\frac{d - d_{ij}}{h}\\right)
        + f\\left(\\frac{d + d_{ij}}{h}\\right) \\right]

    with f the standard normal density and its reflection at zero, so that the curve is a density over
    d ≥ 0; with `employment`, pairs are weighted by the product of the plants' employment. In each
    simulation as many plants as the industry has are put on sites drawn without replacement from the
    sites of all plants. The local bands are the 1 − level and level quantiles of the simulations at each
    distance; the global bands are the pair of equal-rank bands that a share of `level` of the simulated
    curves never leaves upwards, and downwards. Γ(d) = max(K − upper global band, 0); Ψ(d) = max(lower
    global band − K, 0) for an industry with Γ = 0 everywhere, else 0.

    Parameters
    ----------
    frame : all plants (the sites that an industry could have chosen), one row each.
    industry_code : the industry to measure.
    industry, x, y : columns.
    coordinates : "geographic", degrees, with great-circle distances in km; "planar", any unit.
    employment : column of weights; unweighted by default.
    maximum_distance : up to which the curve is drawn; by default the median distance between all sites
        (of 2,000 of them drawn by `seed` where there are more).
    bandwidth : h; by default Silverman's rule 0.9 min(sd, IQR/1.34) m^(−1/5) on the industry's m pairs,
        weights ignored.
    n_points, n_simulations, level, seed : grid, number of draws, confidence, random numbers.

    Returns
    -------
    KDensity

    Raises
    ------
    DataError
        Absent columns, a missing coordinate, degrees off the globe, negative or missing employment, an
        industry with fewer than two plants or on a single site, as many plants as there are sites, fewer
        simulations than the level can be read from.

    Source: Duranton and Overman (2005); Silverman (1986) for the bandwidth and the reflection.
    """
    require_columns(frame, industry, x, y)
    place = np.column_stack([numbers(frame, x), numbers(frame, y)])
    if np.isnan(place).any():
        bad = np.isnan(place).any(axis=1)
        raise DataError(f"{int(bad.sum())} plants have no coordinates", Place(row=first_line(bad), column=x))
    if coordinates == "geographic" and (np.abs(place) > [180, 90]).any():
        bad = (np.abs(place) > [180, 90]).any(axis=1)
        raise DataError(
            "the coordinates are not degrees", Place(row=first_line(bad), column=x), "Or pass 'planar'."
        )
    size = np.ones(len(frame)) if employment is None else amounts(frame, employment)
    if np.isnan(size).any():
        raise DataError("a plant has no employment", Place(row=first_line(np.isnan(size)), column=employment))
    inside = (frame[industry] == industry_code).to_numpy()
    n, key = int(inside.sum()), f"{industry} {industry_code}"
    if n < 2:
        raise DataError(f"the industry has {n} plants", Place(key=key), "Distances need two or more.")
    if n >= len(frame):
        raise DataError("no plant belongs to another industry", Place(key=key), "Give all plants.")
    if n_simulations < 2 / (1 - level):
        raise DataError(f"{n_simulations} simulations cannot show a level of {level}")

    rng = np.random.default_rng(seed)
    observed = _distances(place[inside], coordinates)
    h = _silverman(observed) if bandwidth is None else bandwidth
    if not h > 0:
        raise DataError("the distances do not vary, so there is no bandwidth", Place(key=key), "Pass one.")
    if maximum_distance is None:
        some = place if len(place) <= 2000 else place[rng.choice(len(place), 2000, replace=False)]
        maximum_distance = float(np.median(_distances(some, coordinates)))
    grid = np.linspace(0.0, maximum_distance, n_points)
    kernel = _Kernel(grid, h)

    pairs = np.triu_indices(n, 1)
    mass = size[inside]
    density = kernel.density(observed, mass[pairs[0]] * mass[pairs[1]])
    simulated = np.empty((n_simulations, n_points))
    for draw in range(n_simulations):
        sites = place[rng.choice(len(place), n, replace=False)]
        mass = rng.permutation(mass)
        simulated[draw] = kernel.density(_distances(sites, coordinates), mass[pairs[0]] * mass[pairs[1]])

    ranked = np.sort(simulated, axis=0)
    upper = _global_band(simulated, ranked, level)
    lower = -_global_band(-simulated, -ranked[::-1], level)
    localisation = np.maximum(density - upper, 0.0)
    dispersion = np.maximum(lower - density, 0.0) if not localisation.any() else np.zeros(n_points)
    curve = pd.DataFrame(
        {
            "density": density,
            "local_lower": np.quantile(simulated, 1 - level, axis=0),
            "local_upper": np.quantile(simulated, level, axis=0),
            "global_lower": lower,
            "global_upper": upper,
            "localisation": localisation,
            "dispersion": dispersion,
        },
        index=pd.Index(grid, name="distance"),
    )
    return KDensity(curve, float(h), n, n_simulations, seed)


class _Kernel:
    """Kernel density on a fixed grid: distances are counted in fine bins, which are then convolved."""

    def __init__(self, grid: np.ndarray, bandwidth: float) -> None:
        step = grid[1] - grid[0]
        # The grid points fall on bins, so that the curve is read off without interpolation.
        self.stride = int(np.ceil(step / bandwidth * BINS_PER_BANDWIDTH))
        self.width = step / self.stride
        self.n_points = len(grid)
        reach = int(np.ceil(REACH * bandwidth / self.width))
        self.n_bins = (self.n_points - 1) * self.stride + reach + 1
        offset = np.arange(-reach, reach + 1) * (self.width / bandwidth)
        self.weights = np.exp(-0.5 * offset**2) / (np.sqrt(2 * np.pi) * bandwidth)

    def density(self, distances: np.ndarray, weights: np.ndarray) -> np.ndarray:
        total = weights.sum()
        position = distances / self.width
        near = position < self.n_bins - 1
        position, weights = position[near], weights[near]
        left = position.astype(np.int64)
        right_share = position - left
        counts = np.bincount(left, weights * (1 - right_share), self.n_bins)
        counts += np.bincount(left + 1, weights * right_share, self.n_bins)
        mirrored = np.concatenate([counts[:0:-1], counts])
        mirrored[self.n_bins - 1] *= 2  # a distance of zero is its own reflection
        smooth = fftconvolve(mirrored, self.weights, mode="same")[self.n_bins - 1 :: self.stride]
        return np.maximum(smooth[: self.n_points], 0.0) / total


def _distances(place: np.ndarray, coordinates: str) -> np.ndarray:
    """Distances of all pairs i < j, in the order of ``numpy.triu_indices``."""
    i, j = np.triu_indices(len(place), 1)
    if coordinates == "planar":
        return np.hypot(place[i, 0] - place[j, 0], place[i, 1] - place[j, 1])
    longitude, latitude = np.radians(place).T
    # Haversine: exact for neighbours, where the cosine formula loses all digits.
    half = (
        np.sin((latitude[i] - latitude[j]) / 2) ** 2
        + np.cos(latitude[i]) * np.cos(latitude[j]) * np.sin((longitude[i] - longitude[j]) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0)))


def _silverman(distances: np.ndarray) -> float:
    """0.9 min(sd, IQR/1.34) m^(−1/5); the standard deviation alone where the quartiles coincide."""
    if len(distances) < 2:
        return float("nan")
    deviation = distances.std(ddof=1)
    quartiles = np.quantile(distances, [0.25, 0.75])
    spread = (quartiles[1] - quartiles[0]) / 1.34
    return float(0.9 * (min(deviation, spread) if spread > 0 else deviation) * len(distances) ** -0.2)


def _global_band(simulated: np.ndarray, ranked: np.ndarray, level: float) -> np.ndarray:
    """Lowest band of one rank that a share of at most 1 − level of the curves exceeds anywhere."""
    low, high = 0, len(ranked) - 1
    while low < high:
        middle = (low + high) // 2
        if (simulated > ranked[middle]).any(axis=1).mean() <= 1 - level:
            high = middle
        else:
            low = middle + 1
    return ranked[low]
