"""Countries, regions, industries and the clusters where they cross: what firms of a place share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.simulate.economies.parameters import Economy
from gvcmetrics.simulate.economies.streams import Streams

Array = NDArray[np.float64]
COUNTRIES = ("BRA", "IND", "ITA", "CHN", "MEX", "TUR", "VNM", "ZAF", "THA", "PER", "PAK", "KEN",
             "POL", "IDN", "COL", "MAR", "PHL", "EGY", "CHL", "BGD", "ARG", "MYS", "PRT", "ROU",
             "UKR", "TUN", "LKA", "ECU", "GTM", "HUN", "CZE", "SVK", "ESP", "KOR", "TWN", "ETH",
             "GHA", "NGA", "SEN", "UGA")  # fmt: skip
"""Names that countries of an economy bear; nothing in it is taken from these countries."""
INDUSTRIES = (("15", "14"), ("10", "16"), ("26", "29"), ("28", "33"))
"""ISIC Rev.4 divisions of each sectoral pattern: traditional, natural-resource, complex, specialised."""
PATTERN_WEIGHT = np.array([-0.5, 0.0, 0.5, 0.0])
"""What a tie does more in a complex sector, and less in a traditional one, in units of `h16_pattern`."""
_WAVE = 0.3


@dataclass(frozen=True)
class Geography:
    """Clusters (C) and their years (C, T).

    Attributes
    ----------
    country, region, industry, pattern : of each cluster, as numbers. share : of the economy's firms.
    institutions, infrastructure, marketing : scores by year. dispersion : standard deviation of log
        employment. common : what firms of the cluster share in upgrading.
    """

    country: NDArray[np.int64]
    region: NDArray[np.int64]
    industry: NDArray[np.str_]
    pattern: NDArray[np.int64]
    share: Array
    institutions: Array
    infrastructure: Array
    marketing: Array
    dispersion: Array
    common: Array
    top_buyer: Array

    @property
    def names(self) -> NDArray[np.str_]:
        """Each cluster as `region-industry`, as specs cross them."""
        return np.array([f"{r}-{i}" for r, i in zip(self.regions, self.industry, strict=True)])

    @property
    def regions(self) -> NDArray[np.str_]:
        """Each cluster's region."""
        return np.array([f"{COUNTRIES[c]}-{r:02d}" for c, r in zip(self.country, self.region, strict=True)])


def geography(economy: Economy, streams: Streams) -> Geography:
    """Place the clusters: two to a region, each of an industry of its own."""
    count, years = economy.clusters, economy.years
    each = np.arange(count)
    country = each % economy.countries
    pattern = _patterns(economy, count)
    second = (each // economy.countries) % 2
    industry = np.array([INDUSTRIES[p][s] for p, s in zip(pattern, second, strict=True)])
    weights = np.exp(streams("cluster sizes").normal(0, economy.cluster_inequality, count))
    rng = streams("cluster places")
    region = each // economy.countries // 2
    low, high = economy.dispersion_low, economy.dispersion_high
    rank = (streams("cluster dispersion").permutation(count) + 0.5) / count
    # By region, so that clusters of one region have the same roads.
    place = np.unique(np.column_stack([country, region]), axis=0, return_inverse=True)[1].ravel()
    return Geography(
        country=country,
        region=region,
        industry=industry,
        pattern=pattern,
        share=weights / weights.sum(),
        institutions=_walks(rng, count, years),
        infrastructure=_walks(streams("infrastructure"), int(place.max()) + 1, years)[place],
        marketing=np.clip(0.3 + 0.1 * _walks(streams("marketing"), count, years), 0.05, 0.6),
        dispersion=low + (high - low) * rank,
        common=streams("cluster upgrading").normal(0, economy.cluster_effect, count),
        top_buyer=streams("first buyers").beta(
            *_beta(min(economy.top_buyer / _main_mean(economy), 0.95)), size=count
        ),
    )


def _patterns(economy: Economy, count: int) -> NDArray[np.int64]:
    """Patterns in their shares, spread over countries."""
    edges = np.cumsum(economy.patterns)
    ranks = (np.arange(count) * 0.6180339887498949) % 1.0
    return np.minimum(np.searchsorted(edges, ranks, side="right"), 3)


def _walks(rng: np.random.Generator, units: int, years: int) -> Array:
    """Scores of variance one whose years differ a little."""
    level = rng.normal(size=(units, 1))
    return np.sqrt(1 - _WAVE) * level + np.sqrt(_WAVE) * rng.normal(size=(units, years))


def _beta(mean: float, size: float = 6.0) -> tuple[float, float]:
    return mean * size, (1 - mean) * size


def _main_mean(economy: Economy) -> float:
    """About the mean share of a main buyer, weighted by sales."""
    return max(economy.main_buyer, 0.05)
