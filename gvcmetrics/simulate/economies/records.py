"""What others record: regional statistics of clusters, customs records of countries, buyers of firms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics.simulate.economies.accounts import Accounts
from gvcmetrics.simulate.economies.firms import Firms
from gvcmetrics.simulate.economies.geography import COUNTRIES, Geography
from gvcmetrics.simulate.economies.parameters import Economy
from gvcmetrics.simulate.economies.streams import Streams
from gvcmetrics.simulate.economies.ties import Ties

EXPOSED_FALL = -0.4
"""What a cost shock takes off the log relative price of goods that anyone can make, assumed."""
SMILE = 0.1
"""What a square of the position in the chain adds to log income, assumed."""
BORDER_SHOCK = 0.7
"""What the border shock adds to log days at the border, assumed."""


def cluster_frame(
    economy: Economy, places: Geography, made: Firms, money: Accounts, streams: Streams
) -> pd.DataFrame:
    """One row a cluster and year, over all its firms; resilience in the last year alone."""
    count, years = economy.clusters, economy.years
    cells = made.cluster[:, None] * years + np.arange(years)
    size = np.where(made.alive, np.exp(made.log_size), 0.0)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(cells.ravel(), np.where(made.alive, values, 0.0).ravel(), count * years)

    cluster, year = np.divmod(np.arange(count * years), years)
    rng = streams("cluster records")

    def score(between: float, within: float) -> np.ndarray:
        level = between * rng.standard_normal((count, 1)) + within * rng.standard_normal((count, years))
        return level.ravel()

    frame = pd.DataFrame(
        {
            "country": np.array(COUNTRIES[: economy.countries])[places.country[cluster]],
            "region": places.regions[cluster],
            "industry": places.industry[cluster],
            "year": economy.first_year + year,
            "cluster_id": places.names[cluster],
            "cluster_employment": total(size),
            "cluster_n_firms": total(made.alive * 1.0),
            "cluster_sales_usd": total(money.sales),
            "cluster_size_dispersion": places.dispersion[cluster],
            "cluster_institutions": places.institutions.ravel(),
            "marketing_cost": places.marketing.ravel(),
        }
    )
    frame["location_quotient"] = _quotients(frame)
    functions, complete = score(0.8, 0.6), score(0.8, 0.6)
    # Completeness comes with functions, so that income without them would seem to rise with it.
    complete = 0.5 * functions + complete
    frame["functional_breadth"] = functions
    frame["completeness"] = complete
    frame["position"] = score(0.7, 0.7)
    income = 10.0 + 0.3 * functions + economy.h19_completeness * complete + score(0.1, 0.3)
    frame["value_added_per_worker"] = np.exp(income + SMILE * frame["position"] ** 2)
    frame["cluster_cr_4"] = np.clip(
        0.45 + economy.h21_marketing * (frame["marketing_cost"] - 0.3) + 0.05 * np.clip(score(1, 0.5), -3, 3),
        0.0, 1.0,
    )  # fmt: skip
    return _with_moves(economy, frame, cluster, year, score)


def _with_moves(
    economy: Economy, frame: pd.DataFrame, cluster: np.ndarray, year: np.ndarray, score: object
) -> pd.DataFrame:
    """Upgrading of the cluster by links at home and abroad, and resilience by the mode of linkage."""
    assert callable(score)
    last = year == economy.years - 1
    frame["related_variety"] = score(0.7, 0.7)
    frame["participation"] = score(0.7, 0.7)
    before = frame.groupby("cluster_id")[["participation", "position"]].shift().fillna(0.0)
    frame["upgrading"] = (
        economy.h23_local * (frame["location_quotient"] + frame["related_variety"])
        + economy.h23_global * (before["participation"] + before["position"])
        + score(0.5, 1.0)
    )
    linkage = score(1.0, 0.0)
    foreign = 0.3 / (1 + np.exp(-score(1.0, 0.0)))
    home = 0.3 / (1 + np.exp(-score(1.0, 0.0)))
    groups = 0.3 / (1 + np.exp(-score(1.0, 0.0)))
    resilience = economy.h18_linkage * linkage + economy.h18_modes * foreign + score(1.0, 0.0)
    frame["linkage"], frame["foreign_multinational_share"] = linkage, foreign
    frame["home_multinational_share"], frame["domestic_group_share"] = home, groups
    frame["resilience"] = np.where(last, resilience, np.nan)
    return frame


def _quotients(frame: pd.DataFrame) -> pd.Series:
    jobs = frame["cluster_employment"]
    place, branch = ["country", "year", "region"], ["country", "year", "industry"]
    in_region = jobs / jobs.groupby([frame[name] for name in place]).transform("sum")
    all_jobs = jobs.groupby([frame["country"], frame["year"]]).transform("sum")
    in_country = jobs.groupby([frame[name] for name in branch]).transform("sum") / all_jobs
    return (in_region / in_country).fillna(0.0)


def trade_frame(economy: Economy, streams: Streams) -> pd.DataFrame:
    """Exports to the world by exporter, product and year, with quality, tariffs, days at the border, shocks.

    From `shock_year` on, half the exporters compete with a producer of lower costs, and another half waits
    longer at the border.
    """
    shape = economy.exporters, economy.products, economy.years
    rng = streams("customs")
    exporter, product, year = (axis.ravel() for axis in np.indices(shape))
    after = year >= economy.shock_year
    order = rng.permutation(economy.exporters)
    exposed = after & (order[exporter] % 2 == 0)
    delayed = after & (order[exporter] // 2 % 2 == 0)
    border = 1.5 + 0.3 * rng.standard_normal(economy.exporters)[exporter] + BORDER_SHOCK * delayed
    border = border + 0.2 * rng.standard_normal((economy.exporters, economy.years))[exporter, year]
    tariff = np.clip(0.1 + 0.06 * rng.standard_normal(len(year)), 0.0, 0.4)
    tacit = ((np.arange(economy.products) + 0.5) / economy.products)[rng.permutation(economy.products)][
        product
    ]
    own = rng.standard_normal(shape[:2])[exporter, product]
    quality = (
        own + economy.h10_tariff * tariff + economy.h10_delay * border
        + 0.3 * rng.standard_normal((economy.exporters, economy.years))[exporter, year]
        + 0.5 * rng.standard_normal(len(year))
    )  # fmt: skip
    price = (
        0.4 * rng.standard_normal(shape[:2])[exporter, product]
        + (EXPOSED_FALL + economy.h15_tacitness * tacit) * exposed
        + 0.1 * rng.standard_normal((economy.products, economy.years))[product, year]
        + 0.2 * rng.standard_normal(len(year))
    )
    quantity = np.exp(
        8 + 1.0 * rng.standard_normal(shape[:2])[exporter, product] - 0.8 * price + 0.3 * quality
    )
    names = np.array([COUNTRIES[number % len(COUNTRIES)] for number in range(economy.exporters)])
    return pd.DataFrame(
        {
            "exporter": names[exporter],
            "importer": "WLD",
            "product": np.array([f"{6401 + number:04d}10" for number in range(economy.products)])[product],
            "year": economy.first_year + year,
            "value_usd": quantity * np.exp(2 + price),
            "quantity": quantity,
            "quality": quality,
            "relative_unit_value": price,
            "input_tariff": tariff,
            "border_days": np.exp(border),
            "cost_shock": exposed * 1.0,
            "tacitness": tacit,
        }
    )


def buyer_frame(economy: Economy, firms: pd.DataFrame, tied: Ties, rows: np.ndarray) -> pd.DataFrame:
    """Sales of each surveyed firm by buyer: the main buyer's share, and the others' that buy alike."""
    buyers = tied.n_buyers.ravel()[rows]
    repeated = np.repeat(np.arange(len(rows)), buyers)
    place = np.arange(len(repeated)) - np.repeat(np.cumsum(buyers) - buyers, buyers)
    main = tied.main_share.ravel()[rows][repeated]
    share = np.where(place == 0, main, (1 - main) / (buyers[repeated] - 1))
    first = tied.main_buyer.ravel()[rows][repeated]
    number = np.where(place == 0, first, (first + place) % economy.buyers)
    cluster = firms["cluster_id"].to_numpy()[repeated]
    labels = np.array([f"B{each:03d}" for each in range(economy.buyers)])
    return pd.DataFrame(
        {
            "country": firms["country"].to_numpy()[repeated],
            "firm_id": firms["firm_id"].to_numpy()[repeated],
            "year": firms["year"].to_numpy()[repeated],
            "buyer_id": pd.Series(cluster) + "-" + pd.Series(labels[number]),
            "buyer_share": share,
        }
    )
