"""Raw files in the layouts of real surveys, and the specs that read them: the whole road, made up.

The survey of firms is a Stata file with the names, labels and missing codes of the World Bank's Enterprise
Surveys and a module of buyer items; the innovation survey has the names of the Community Innovation Survey;
customs records and regional statistics are CSV. Titles, labels and specs say that all of it is simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.contracts import CONTRACTS

CURRENCY, RATE = "XTS", 10.0
"""The code that ISO 4217 keeps for testing, and what one USD costs in it."""
DONT_KNOW = -9
YES_NO = {1: "Yes", 2: "No"}
MONEY = {"d2": "sales_usd", "n7a": "capital_usd", "n2e": "materials_usd", "n2a": "wages_usd"}
SHARES = {"d3c": "export_share", "d12b": "import_input_share", "b2b": "foreign_share"}
ITEMS = {"b8": "certified", "h1": "upgrade_product", "h5": "upgrade_process"}
LABELS = {
    "exports_usd": "Direct exports, from customs records",
    "energy_usd": "Cost of energy",
    "buyer_hhi": "Herfindahl index of buyers, from customs records",
    "cluster_top_buyer_share": "First buyer's share of the cluster's sales, from customs records",
    "buyer_knowledge": "How well the buyer knows the market, score",
    "delivery_risk": "What a failed delivery would cost the buyer, score",
    "product_differentiation": "Differentiation of the product, score",
    "chain_knowledge": "What the firm learnt from its buyers, score",
    "n_markets": "Countries that the firm sells in",
    "diversification": "One less the Herfindahl index of destinations",
    "lock_in": "Lock-in, score",
    "local_institutions": "Institutions of the place, score",
    "infrastructure": "Infrastructure of the region, score",
    "standards_bind": "Standards of others bind the product",
    "new_supplier": "Supplies the main buyer for less than two years",
    "own_design": "Designs its products itself",
    "own_marketing": "Does its own marketing",
    "own_brand": "Sells under a brand of its own",
    "cooperates_suppliers": "Works with suppliers of the cluster",
    "cooperates_buyers": "Works with buyers of the cluster",
    "cooperates_rivals": "Works with rivals of the cluster",
    "member_association": "Member of the cluster's association",
    "cooperates_universities": "Works with universities",
    "cooperates_institutes": "Works with research institutes",
    "cooperates_government": "Works with agencies of the government",
    "single_knowledge_source": "Learns from its main customer alone",
    "iso14001": "Has an environmental certificate, ISO 14001",
    "backshored": "Brought production back from abroad",
    "location_quotient": "Location quotient of employment",
    "cluster_size_dispersion": "Standard deviation of log employment over all firms",
    "cluster_institutions": "Institutions of the place, score",
    "marketing_cost": "Cost of marketing over sales",
    "functional_breadth": "Functions performed in the cluster, score",
    "completeness": "Completeness of the chain in the cluster, score",
    "value_added_per_worker": "Value added per worker, USD",
    "related_variety": "Related variety, score",
    "participation": "Participation in value chains, score",
    "position": "Position in value chains, score",
    "upgrading": "Upgrading of the cluster, score",
    "linkage": "Mode of external linkage, score",
    "foreign_multinational_share": "Foreign multinationals' share of jobs",
    "home_multinational_share": "Home multinationals' share of jobs",
    "domestic_group_share": "Domestic groups' share of jobs",
    "resilience": "Resilience over the shock and the recovery, score",
    "relative_unit_value": "Log unit value against that of the leading rivals",
    "input_tariff": "Tariff on inputs, share",
    "border_days": "Days at the border",
    "cost_shock": "A producer of lower costs has entered",
    "tacitness": "How far the product rests on tacit skill, share",
}
_STAMP = datetime(2000, 1, 1)


def write(frames: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write raw files into `folder/raw` and specs into `folder/panels`; returns the specs.

    With ``GVCMETRICS_DATA`` at the folder, `gvcmetrics panel build` reads them as any others. The same
    economy gives the same bytes.

    Parameters
    ----------
    frames : `firms`, `innovation`, `clusters` and `trade` of an economy.

    Raises
    ------
    DataError : the folder is a file.
    """
    if folder.is_file():
        raise DataError("this is a file, not a folder", Place(folder.name), "Name a folder to write into.")
    raw = folder / "raw"
    for each in (raw, folder / "panels"):
        each.mkdir(parents=True, exist_ok=True)
    years = sorted(frames["firms"]["year"].unique())
    rates = pd.DataFrame({"currency": CURRENCY, "year": years, "per_usd": RATE})
    rates.to_csv(raw / "simulated_rates.csv", index=False)
    return [
        _enterprises(frames["firms"], folder),
        _innovation(frames["innovation"], folder),
        _plain(frames["clusters"], "cluster", "simulated_clusters", "Regional statistics", folder),
        _plain(frames["trade"], "trade", "simulated_trade", "Customs records", folder),
    ]


def _enterprises(firms: pd.DataFrame, folder: Path) -> Path:
    codes = {name: _codes(firms[name]) for name in ("country", "region", "industry")}
    size = np.digitize(firms["employment"].fillna(0), [20, 100]) + 1
    file = pd.DataFrame(
        {
            "idstd": np.arange(1, len(firms) + 1),
            "panelid": firms["firm_id"],
            "year": firms["year"],
            "a1": codes["country"][0],
            "a2": codes["region"][0],
            "a4a": codes["industry"][0],
            "a6a": size,
            "strata": firms["stratum"],
            "wmedian": firms["weight"],
            "l1": firms["employment"],
        }
    )
    file = file.assign(
        **{raw: _in_currency(firms[name]) for raw, name in MONEY.items()},
        **{raw: firms[name] * 100 for raw, name in SHARES.items()},
        **{raw: _yes_no(firms[name]) for raw, name in ITEMS.items()},
        h8=_yes_no((firms["rd_usd"] > 0).astype(float).where(firms["rd_usd"].notna())),
    )
    known = {*MONEY.values(), *SHARES.values(), *ITEMS.values(), "employment", "weight", "stratum"}
    module = [name for name in firms.columns[9:] if name not in known]
    flags = [name for name in module if set(firms[name].dropna().unique()) <= {0.0, 1.0}]
    answers = {name: _yes_no(firms[name]) if name in flags else _in_currency(firms[name]) for name in module}
    file = pd.concat([file, pd.DataFrame(answers)], axis=1)
    numbers = [*MONEY, *SHARES, "l1"]
    file[numbers] = file[numbers].fillna(DONT_KNOW)
    labels: Any = {"a1": codes["country"][1], "a2": codes["region"][1], "a4a": codes["industry"][1],
              "a6a": {1: "Small", 2: "Medium", 3: "Large"}}  # fmt: skip
    labels |= {name: {**YES_NO, DONT_KNOW: "Don't know"} for name in (*ITEMS, "h8", *flags)}
    file.to_stata(
        folder / "raw" / "simulated_enterprises.dta", write_index=False, version=118, time_stamp=_STAMP,
        data_label="Simulated data: no firm of it exists", value_labels=labels,
    )  # fmt: skip
    columns: dict[str, Any] = {
        "country": {"from": "a1", "by_label": True},
        "firm_id": {"from": "panelid"},
        "year": {"from": "year"},
        "industry": {"from": "a4a", "by_label": True},
        "cluster_id": {"cross": ["region", "industry"]},
        "psu": {"cross": ["region", "industry"]},
    }
    for name in module:
        columns[name] = _item(name, "firm") if name in flags else _number(name, "firm")
    return _spec(
        folder, "simulated_firms", "firm", "Simulated enterprise survey",
        "simulated_enterprises.dta", columns, extends="wbes",
    )  # fmt: skip


def _innovation(asked: pd.DataFrame, folder: Path) -> Path:
    file = pd.DataFrame({"country": asked["country"], "id": asked["firm_id"], "nuts": asked["region"]})
    file["nace_pro"], file["weight"], file["strata"] = asked["industry"], asked["weight"], asked["stratum"]
    file["emp14"], file["turn14"], file["rrdinx"] = (
        asked["employment"],
        asked["sales_usd"] * RATE,
        asked["rd_usd"] * RATE,
    )
    for name, items in {
        "upgrade_product": ("inpdgd", "inpdsv"),
        "upgrade_process": ("inpspd", "inpslg", "inpssu"),
        "upgrade_functional": ("mktdgp", "mktpdp", "mktpdl", "mktpri"),
    }.items():
        file[items[0]] = asked[name]
        for item in items[1:]:
            file[item] = asked[name] * 0
    columns: dict[str, Any] = {
        "firm_id": {"from": "id"},
        "year": {"constant": str(int(asked["year"].max()))},
        "industry": {"from": "nace_pro"},
        "cluster_id": {"cross": ["region", "industry"]},
    }
    for name in ("cooperates_universities", "cooperates_institutes", "cooperates_government",
                 "single_knowledge_source"):  # fmt: skip
        file[name] = asked[name]
        columns[name] = {"type": "binary", "unit": "0/1", "label": LABELS[name]}
    file.to_csv(folder / "raw" / "simulated_innovation.csv", index=False, lineterminator="\n")
    return _spec(
        folder, "simulated_innovation", "firm", "Simulated innovation survey",
        "simulated_innovation.csv", columns, extends="cis",
    )  # fmt: skip


def _plain(frame: pd.DataFrame, contract: str, name: str, title: str, folder: Path) -> Path:
    """A file and spec whose columns are those of the panel."""
    frame.to_csv(folder / "raw" / f"{name}.csv", index=False, lineterminator="\n")
    keys = CONTRACTS[contract].keys
    columns: dict[str, Any] = {
        str(each): None
        if each in keys or each in CONTRACTS[contract].columns
        else _number(str(each), contract)
        for each in frame.columns
    }
    if "product" in columns:
        columns["product"] = {"label": "Product (made-up code)"}
    return _spec(folder, name, contract, f"Simulated {title.lower()}", f"{name}.csv", columns)


def _spec(
    folder: Path, name: str, contract: str, title: str, file: str, columns: dict[str, Any], extends: str = ""
) -> Path:
    words: dict[str, Any] = {
        "title": f"{title}: no unit of it exists",
        **({"extends": extends} if extends else {"contract": contract}),
        "simulated": True,
        "source": {"file": f"raw/{file}"},
        "licence": "public domain",
        "citation": "Simulated by gvcmetrics.simulate.economy",
    }
    if extends:
        words["money"] = {"currency": CURRENCY, "rates": "raw/simulated_rates.csv"}
    words["columns"] = columns
    path = folder / "panels" / f"{name}.yaml"
    path.write_text(yaml.safe_dump(words, sort_keys=False, allow_unicode=True, width=110), "utf-8")
    return path


def _codes(values: pd.Series) -> tuple[np.ndarray, dict[int, str]]:
    """Numbers from one on for texts, and their labels."""
    codes, texts = pd.factorize(values, sort=True)
    return codes + 1, {place + 1: str(text) for place, text in enumerate(texts)}


def _yes_no(values: pd.Series) -> np.ndarray:
    return np.where(values.isna(), DONT_KNOW, 2 - values.fillna(0)).astype("int16")


def _in_currency(values: pd.Series) -> pd.Series:
    """Amounts in the survey's currency; what is no amount stays."""
    return values * RATE if str(values.name).endswith("_usd") else values


def _item(name: str, contract: str) -> dict[str, Any]:
    words: dict[str, Any] = {"recode": {"1": "1", "2": "0"}}
    if name not in CONTRACTS[contract].columns:
        words |= {"type": "binary", "unit": "0/1", "label": LABELS[name]}
    return words


def _number(name: str, contract: str) -> dict[str, Any] | None:
    if name in CONTRACTS[contract].columns:
        return None
    unit = "USD" if name.endswith("_usd") else "share" if "share" in name else "score"
    return {"type": "number", "unit": unit, "label": LABELS[name]}
