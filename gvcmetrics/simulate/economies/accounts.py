"""Money, and what of it goes abroad: exports, sales, inputs, pay, research, energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gvcmetrics.simulate.economies.firms import Firms
from gvcmetrics.simulate.economies.geography import Array, Geography
from gvcmetrics.simulate.economies.parameters import Economy
from gvcmetrics.simulate.economies.streams import Streams
from gvcmetrics.simulate.economies.ties import CAPTIVE, NETWORK, Ties

LABOUR, CAPITAL = 0.6, 0.35
"""Output elasticities of value added, assumed."""


@dataclass(frozen=True)
class Accounts:
    """Amounts in USD of firms (N) in each year (N, T), and shares."""

    sales: Array
    exports: Array
    export_share: Array
    imported: Array
    value_added: Array
    capital: Array
    materials: Array
    wages: Array
    research: Array
    energy: Array


def accounts(economy: Economy, places: Geography, made: Firms, tied: Ties, streams: Streams) -> Accounts:
    """Accounts of every firm and year.

    The log of exports per head is a firm's own level, more with good roads, most for firms in networks and
    quasi-hierarchies (`h11_infrastructure`); value added is Cobb and Douglas' with an own productivity.
    """
    shape = made.log_size.shape
    rng = streams("accounts")

    def lasting(level: float, year: float) -> Array:
        return level * rng.standard_normal((shape[0], 1)) + year * rng.standard_normal(shape)

    coordinated = (tied.governance == NETWORK) | (tied.governance == CAPTIVE)
    roads = places.infrastructure[made.cluster]
    per_head = 9.5 + 0.1 * roads + economy.h11_infrastructure * roads * coordinated + 0.1 * coordinated
    exports = np.where(made.exports, np.exp(per_head + lasting(0.5, 0.4) + made.log_size), 0.0)
    share = np.clip(1 / (1 + np.exp(-lasting(0.8, 0.3))), 0.05, 0.95).round(3)
    share = np.where(made.exports, share, 0.0)
    capital = np.exp(9.0 + 0.9 * made.log_size + lasting(0.6, 0.1))
    added = np.exp(7.3 + lasting(0.3, 0.15) + CAPITAL * np.log(capital) + LABOUR * made.log_size)
    at_home = added / np.clip(0.35 + lasting(0.05, 0.02), 0.2, 0.6)
    sales = np.where(made.exports, exports / np.where(share > 0, share, 1.0), at_home)
    return Accounts(
        sales=sales,
        exports=exports,
        export_share=share,
        imported=np.where(made.imports, np.round(np.clip(0.3 + lasting(0.1, 0.05), 0.01, 0.95), 3), 0.0),
        value_added=added,
        capital=capital,
        materials=sales * np.clip(0.5 + lasting(0.05, 0.03), 0.2, 0.8),
        wages=np.exp(made.log_pay + made.log_size),
        research=np.where(made.research, sales * np.exp(-4.0 + lasting(0.5, 0.2)), 0.0),
        energy=added * np.exp(-3.0 + lasting(0.4, 0.1)),
    )


def first_buyer(places: Geography, made: Firms, tied: Ties, sales: Array) -> Array:
    """The share of each cluster's sales in a year (C, T) that its first buyer takes as main buyer."""
    taken = np.where(made.alive & (tied.main_buyer == 0), tied.main_share * sales, 0.0)
    clusters = len(places.country)
    total = _by_cluster(np.where(made.alive, sales, 0.0), made, clusters)
    return _by_cluster(taken, made, clusters) / np.where(total > 0, total, 1.0)


def _by_cluster(values: Array, made: Firms, clusters: int) -> Array:
    return np.column_stack([np.bincount(made.cluster, column, clusters) for column in values.T])
