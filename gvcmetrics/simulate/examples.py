"""Small made-up data for examples: firms tied to buyers, flows of trade, a table of three countries.

Every snippet of the documentation runs on these, so that it can be run as it stands. No number of them is a
finding; the effects that were put in stand in ``attrs["truth"]``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics.measures.input_output.build import from_arrays
from gvcmetrics.measures.input_output.table import InputOutput

GOVERNANCE = np.array(["arms_length", "network", "quasi_hierarchical", "hierarchical"])
RUNGS = np.array(["assembly", "oem", "odm", "obm"])
REGIONS = ("Azuay", "Guayas", "Manabi", "Pichincha")
INDUSTRIES = ("10", "13", "14", "15", "31")
COUNTRIES = ("BRA", "CHN", "DEU", "ECU", "IND", "ITA", "KOR", "VNM")
PRODUCTS = ("080390", "610910", "640399", "847130", "870323", "940360")


def example_firms(n_firms: int = 240, n_years: int = 6, *, seed: int = 1) -> pd.DataFrame:
    r"""A firm panel with buyers, governance and upgrading.

    .. math:: P(\text{upgrade}_{it} = 1) = \Lambda(-0.6 + 0.9\,\text{quasi}_{it} - 1.2\,\text{share}_{it}
       + \alpha_i)

    where the unit effect is correlated with the main buyer's share, and functional upgrading is held back by
    quasi-hierarchical ties as much as product upgrading is helped.

    Parameters
    ----------
    n_firms, n_years : the size of the balanced panel, which begins in 2010.
    seed : of the random numbers.

    Returns
    -------
    pandas.DataFrame
        The columns of the firm contract that examples use, `foreign`, `log_employment`, `log_sales`,
        `wage_usd`, `schooling`, `rung` (ordered) and five items of trust and joint action, answered
        from 1 to 5.
    """
    rng = np.random.default_rng(seed)
    firm, year = np.repeat(np.arange(n_firms), n_years), np.tile(np.arange(2010, 2010 + n_years), n_firms)
    n, each = len(firm), rng.normal(size=(n_firms, 4))
    effect, size, place, tie = each.T
    region, industry = (rng.integers(0, len(REGIONS), n_firms), rng.integers(0, len(INDUSTRIES), n_firms))
    share = _logistic(0.4 * effect + 0.6 * tie)[firm] * 0.8 + rng.uniform(0, 0.2, n)
    kind = np.digitize(tie[firm] + rng.normal(0, 1, n), [-0.8, 0.2, 1.3])
    quasi = (kind == 2).astype(float)
    log_employment = 3.5 + 0.8 * size[firm] + 0.05 * (year - 2010) + rng.normal(0, 0.2, n)
    schooling = (9 + 2 * size + rng.normal(0, 1.5, n_firms))[firm].round(1)
    index = 0.9 * quasi - 1.2 * share + 0.8 * effect[firm]
    employment = np.exp(log_employment).round()
    value_added = np.exp(9 + 0.6 * log_employment + 0.3 * effect[firm] + rng.normal(0, 0.3, n))
    materials = value_added * np.exp(0.4 + rng.normal(0, 0.2, n))
    latent = index + 0.5 * size[firm] + rng.logistic(size=n)
    frame = pd.DataFrame(
        {
            "country": "ECU",
            "firm_id": np.char.mod("F%03d", firm),
            "year": year,
            "region": np.array(REGIONS)[region][firm],
            "industry": np.array(INDUSTRIES)[industry][firm],
            "weight": (1 + rng.gamma(2, 2, n_firms))[firm].round(2),
            "stratum": np.where(size[firm] > 0.5, "large", "small"),
            "psu": np.char.mod("P%02d", firm // 6),
            "employment": employment,
            "value_added_usd": value_added,
            "materials_usd": materials,
            "sales_usd": value_added + materials,
            "capital_usd": np.exp(8.5 + 0.9 * log_employment + rng.normal(0, 0.3, n)),
            "wages_usd": employment * np.exp(5 + 0.05 * schooling + rng.normal(0, 0.1, n)),
            "foreign": (rng.uniform(size=n_firms) < 0.2).astype(int)[firm],
            "schooling": schooling,
            "main_buyer_share": share,
            "n_buyers": np.ceil(1 / share) + rng.poisson(2, n),
            "governance": GOVERNANCE[kind],
            "export_share": np.clip(0.2 + 0.25 * size[firm] + 0.1 * quasi + rng.normal(0, 0.2, n), 0, 1),
            "upgrade_product": (index - 0.6 + rng.logistic(size=n) > 0).astype(int),
            "upgrade_process": (0.7 * index + 0.3 * size[firm] + rng.logistic(size=n) > 0).astype(int),
            "upgrade_functional": (-0.8 - 0.9 * quasi + 0.5 * effect[firm] + rng.logistic(size=n) > 0).astype(
                int
            ),
            "patents": rng.poisson(np.exp(-1.5 + 0.3 * log_employment + 0.3 * quasi + 0.4 * effect[firm])),
            "rung": pd.Categorical(RUNGS[np.digitize(latent, [-1.5, 0.0, 1.5])], RUNGS, ordered=True),
            "longitude": (-79 + place + rng.normal(0, 0.1, n_firms))[firm],
            "latitude": (-2 + 0.5 * tie + rng.normal(0, 0.1, n_firms))[firm],
        }
    )
    frame["cluster_id"] = frame["region"] + "-" + frame["industry"]
    frame["log_employment"], frame["log_sales"] = np.log(frame["employment"]), np.log(frame["sales_usd"])
    frame["wage_usd"] = frame["wages_usd"] / frame["employment"]
    _ask(frame, kind, effect[firm], rng)
    truth = {"quasi_hierarchical": 0.9, "main_buyer_share": -1.2, "functional: quasi_hierarchical": -0.9}
    frame.attrs |= {"simulated": True, "truth": truth}
    return frame


def _ask(frame: pd.DataFrame, kind: np.ndarray, effect: np.ndarray, rng: np.random.Generator) -> None:
    """The items of a questionnaire that go with the kind of tie, three answers in a hundred refused."""
    chance = {
        "owned_by_buyer": np.where(kind == 3, 0.9, 0.02),
        "buyer_sets_design": np.where(kind == 2, 0.9, 0.1),
        "buyer_sets_process": np.where(kind >= 2, 0.8, 0.1),
        "joint_design": np.where(kind == 1, 0.9, 0.1),
        "specific_investment": np.where(kind >= 1, 0.6, 0.2),
    }
    for name, p in chance.items():
        answer = (rng.uniform(size=len(frame)) < p).astype(float)
        frame[name] = np.where(rng.uniform(size=len(frame)) < 0.03, np.nan, answer)
    for name in ("trust_suppliers", "trust_rivals", "labour_pool", "joint_purchases", "association"):
        frame[name] = np.clip(np.round(3 + 0.8 * effect + rng.normal(0, 0.8, len(frame))), 1, 5)


def example_trade(*, seed: int = 2) -> pd.DataFrame:
    """Flows of eight countries in six products of HS and six years: value, quantity, unit value and distance.

    Returns
    -------
    pandas.DataFrame
        One row for each exporter, importer, product and year with trade; `distance_km`, `agreement`,
        `quality`.
    """
    rng = np.random.default_rng(seed)
    axes = [COUNTRIES, COUNTRIES, PRODUCTS, range(2010, 2016)]
    frame = pd.MultiIndex.from_product(axes, names=["exporter", "importer", "product", "year"]).to_frame(
        index=False
    )
    frame = frame[frame["exporter"] != frame["importer"]].reset_index(drop=True)
    at = {name: dict(zip(COUNTRIES, rng.normal(size=8), strict=True)) for name in ("east", "north", "size")}
    skill = pd.DataFrame(rng.gamma(1, 1, (8, 6)), COUNTRIES, PRODUCTS).stack()
    two = {name: (frame["exporter"].map(where), frame["importer"].map(where)) for name, where in at.items()}
    away = np.hypot(two["east"][0] - two["east"][1], two["north"][0] - two["north"][1])
    frame["distance_km"] = (500 + 4000 * away).round()
    pair = frame["exporter"].where(frame["exporter"] < frame["importer"], frame["importer"]) + (
        frame["importer"].where(frame["exporter"] < frame["importer"], frame["exporter"])
    )
    since = dict(zip(pair.unique(), rng.integers(2009, 2022, pair.nunique()), strict=True))
    frame["agreement"] = (frame["year"] >= pair.map(since)).astype(int)
    ability = skill.loc[pd.MultiIndex.from_frame(frame[["exporter", "product"]])].to_numpy()
    mean = 9 + two["size"][0] + two["size"][1] - 0.9 * np.log(frame["distance_km"]) + 0.4 * frame["agreement"]
    frame["value_usd"] = 1000 * ability * np.exp(mean) * rng.gamma(1, 1, len(frame))
    frame["quality"] = np.exp(0.3 * ability + rng.normal(0, 0.2, len(frame)))
    frame["unit_value_usd"] = np.exp(2 + 0.5 * np.log(frame["quality"]) + rng.normal(0, 0.4, len(frame)))
    frame["quantity"] = frame["value_usd"] / frame["unit_value_usd"]
    frame = frame[rng.uniform(size=len(frame)) < 0.9].reset_index(drop=True)
    frame.attrs |= {"simulated": True, "truth": {"log_distance": -0.9, "agreement": 0.4}}
    return frame


def example_table(year: int = 2011) -> InputOutput:
    """Three countries, of three industries each, that supply one another."""
    rng = np.random.default_rng(year)
    n = 9
    home = np.kron(np.eye(3), np.ones((3, 3)))
    Z = rng.gamma(2, 4, (n, n)) * np.where(home > 0, 1.0, 0.3)
    Y = rng.gamma(3, 25, (n, 3)) * np.where(np.kron(np.eye(3), np.ones((3, 1))) > 0, 1.0, 0.2)
    # Value added is what is left of output, so no industry may buy more than it sells.
    Z *= np.minimum(1.0, 0.8 * (Z.sum(axis=1) + Y.sum(axis=1)) / Z.sum(axis=0))
    names = ["primary", "manufacturing", "services"]
    return from_arrays(Z, Y, countries=["AAA", "BBB", "CCC"], industries=names, year=year)


def example_buyers(*, seed: int = 4) -> pd.DataFrame:
    """Sales of twelve firms to their buyers in four years, with the governance of each tie."""
    rng = np.random.default_rng(seed)
    axes = [[f"F{i:03d}" for i in range(12)], list("WXYZ"), range(2010, 2014)]
    frame = pd.MultiIndex.from_product(axes, names=["firm_id", "buyer_id", "year"]).to_frame(index=False)
    frame["sales_usd"] = 1e5 * rng.lognormal(0, 1.2, len(frame))
    kinds = np.array(["market", "modular", "relational", "captive"])
    tie = pd.factorize(frame["firm_id"] + frame["buyer_id"])[0]
    frame["governance_ghs"] = kinds[rng.integers(0, 4, tie.max() + 1)][tie]
    frame["sales_share"] = frame["sales_usd"] / frame.groupby(["firm_id", "year"])["sales_usd"].transform(
        "sum"
    )
    frame.attrs["simulated"] = True
    return frame


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
