"""The economy as frames under the contracts: the firms that are surveyed, their buyers, the clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.ground.vocabulary import BUYER_ITEMS
from gvcmetrics.simulate.economies.accounts import Accounts
from gvcmetrics.simulate.economies.firms import Firms
from gvcmetrics.simulate.economies.geography import COUNTRIES, Geography
from gvcmetrics.simulate.economies.parameters import Economy
from gvcmetrics.simulate.economies.streams import Streams
from gvcmetrics.simulate.economies.survey import Sample, answered
from gvcmetrics.simulate.economies.ties import CAPTIVE, NETWORK, OWNED, Ties
from gvcmetrics.simulate.economies.upgrading import UPGRADING, Upgrading

COOPERATION = ("cooperates_universities", "cooperates_institutes", "cooperates_government")
TITLE = "Simulated economy"


def firm_frame(
    economy: Economy, places: Geography, made: Firms, tied: Ties, money: Accounts, became: Upgrading,
    taken: Sample, streams: Streams,
) -> tuple[pd.DataFrame, np.ndarray]:  # fmt: skip
    """The surveyed firm-years in the order of firm and year, and their places among all (firm × year)."""
    rows = np.flatnonzero(taken.seen)
    firm, year = np.divmod(rows, economy.years)
    cluster = made.cluster[firm]
    columns: dict[str, Any] = _places(economy, places, taken, firm, year, cluster)
    columns |= _traits(made, money, rows, firm)
    columns |= _ties(tied, rows, cluster, year, became)
    columns |= _items(tied, rows, streams)
    columns |= {f"upgrade_{kind}": became.kinds[k].ravel()[rows] for k, kind in enumerate(UPGRADING)}
    columns |= {name: item.ravel()[rows] for name, item in (became.functions | became.actions).items()}
    columns |= _knowledge(economy, places, became, rows, cluster, year, streams)
    columns["infrastructure"] = places.infrastructure[cluster, year]
    columns["export_stage"] = np.where(
        columns["export_share"] > 0,
        1 + columns["own_design"] * 1 + columns["own_marketing"] * 1 + columns["own_brand"] * 2,
        np.nan,
    )
    columns["iso14001"] = columns["certified"] & (streams("iso14001").random(made.cluster.shape)[firm] < 0.3)
    back = streams("backshoring").random(made.cluster.shape)[firm] < economy.backshoring
    columns["backshored"] = np.where(year == economy.years - 1, back, np.nan)
    frame = pd.DataFrame(columns)
    flags = frame.select_dtypes("bool").columns
    frame = frame.astype(dict.fromkeys(flags, "float64"))
    asked = tuple(name for name in frame.columns if name not in _KNOWN)
    return answered(frame, economy, BUYER_ITEMS, asked, streams), rows


_KNOWN = ("country", "firm_id", "year", "region", "industry", "cluster_id", "psu", "weight", "stratum",
          "infrastructure", "local_institutions", "cluster_top_buyer_share", "buyer_hhi",
          "exports_usd")  # fmt: skip
"""What the frame of sampled firms, the map and the customs records say, not the firm."""


def _places(
    economy: Economy,
    places: Geography,
    taken: Sample,
    firm: np.ndarray,
    year: np.ndarray,
    cluster: np.ndarray,
) -> dict[str, Any]:
    names = np.array([f"F{number:06d}" for number in range(len(taken.chosen))])
    countries = np.array(COUNTRIES[: economy.countries])
    return {
        "country": countries[places.country[cluster]],
        "firm_id": names[firm],
        "year": economy.first_year + year,
        "region": places.regions[cluster],
        "industry": places.industry[cluster],
        "cluster_id": places.names[cluster],
        "psu": places.names[cluster],
        "weight": taken.weight[firm],
        "stratum": taken.strata[taken.stratum[firm]],
    }


def _traits(made: Firms, money: Accounts, rows: np.ndarray, firm: np.ndarray) -> dict[str, Any]:
    exports = money.exports.ravel()[rows]
    return {
        "employment": np.exp(made.log_size.ravel()[rows]),
        "foreign_share": made.foreign[firm],
        "sales_usd": money.sales.ravel()[rows],
        "exports_usd": exports,
        "export_share": money.export_share.ravel()[rows],
        "import_input_share": money.imported.ravel()[rows],
        "value_added_usd": money.value_added.ravel()[rows],
        "capital_usd": money.capital.ravel()[rows],
        "materials_usd": money.materials.ravel()[rows],
        "wages_usd": money.wages.ravel()[rows],
        "energy_usd": money.energy.ravel()[rows],
        "rd_usd": money.research.ravel()[rows],
        "certified": made.certified.ravel()[rows],
    }


def _ties(
    tied: Ties, rows: np.ndarray, cluster: np.ndarray, year: np.ndarray, became: Upgrading
) -> dict[str, Any]:
    return {
        "n_buyers": tied.n_buyers.ravel()[rows].astype("float64"),
        "main_buyer_share": tied.main_share.ravel()[rows],
        "buyer_hhi": tied.hhi.ravel()[rows],
        "cluster_top_buyer_share": became.top_buyer[cluster, year],
        "buyer_knowledge": tied.knowledge.ravel()[rows],
        "delivery_risk": tied.risk.ravel()[rows],
        "product_differentiation": tied.differentiation.ravel()[rows],
        "standards_bind": tied.standards.ravel()[rows],
        "new_supplier": tied.newness.ravel()[rows],
    }


def _items(tied: Ties, rows: np.ndarray, streams: Streams) -> dict[str, Any]:
    """The buyer items that the type of governance answers to."""
    mode = tied.governance.ravel()[rows]
    invests = streams("specific investment").random(tied.governance.shape).ravel()[rows] < 0.5
    return {
        "buyer_sets_design": mode == CAPTIVE,
        "buyer_sets_process": mode == CAPTIVE,
        "joint_design": mode == NETWORK,
        "specific_investment": (mode == NETWORK) | ((mode == CAPTIVE) & invests),
        "owned_by_buyer": mode == OWNED,
    }


def _knowledge(
    economy: Economy, places: Geography, became: Upgrading, rows: np.ndarray, cluster: np.ndarray,
    year: np.ndarray, streams: Streams,
) -> dict[str, Any]:  # fmt: skip
    """Where knowledge comes from and is carried to; a linkage to the innovation system has several parts."""
    system = became.system.ravel()[rows]
    main = streams("linkages").integers(0, len(COOPERATION), became.system.shape).ravel()[rows]
    others = streams("more linkages").random((*became.system.shape, len(COOPERATION)))
    others = others.reshape(-1, len(COOPERATION))[rows] < 0.3
    linked = {name: system & ((main == place) | others[:, place]) for place, name in enumerate(COOPERATION)}
    return {
        **linked,
        "chain_knowledge": became.knowledge.ravel()[rows],
        "n_markets": np.round(np.exp(became.log_markets.ravel()[rows])),
        "diversification": became.diversification.ravel()[rows],
        "single_knowledge_source": became.single.ravel()[rows],
        "lock_in": became.lock_in.ravel()[rows],
        "local_institutions": places.institutions[cluster, year],
    }
