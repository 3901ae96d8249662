"""What a panel must look like: the columns of each contract, with units and limits.

Only keys are required; a column that a source does not have stays absent. A spec may add columns of
its own if it says their type, unit and label. A column of a contract is one line here: what checks rows
in a build (`harmonise/rules.py`) and frames in memory (`validate.py`), the schema of specs, codebooks
and drafts all read it off these tables.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from gvcmetrics.ground.vocabulary import EXPORT_STAGES, GOVERNANCE, GOVERNANCE_GHS, UPGRADING

Type = Literal["text", "country", "integer", "number", "binary"]

FIRST_YEAR, LAST_YEAR = 1800, 2100
# The 88 divisions of ISIC Rev.4 (United Nations 2008).
ISIC4_DIVISIONS = tuple(
    f"{division:02}"
    for division in range(1, 100)
    if division not in (4, 34, 40, 44, 48, 54, 57, 67, 76, 83, 89)
)
# Regional statistics often go no deeper than a few divisions together: 10-12 is food, drink and tobacco.
ISIC4_SPANS = ISIC4_DIVISIONS + tuple(
    f"{first}-{last}" for first, last in itertools.combinations(ISIC4_DIVISIONS, 2)
)


@dataclass(frozen=True)
class Column:
    """One column: its name, type, unit and label, and what its values must obey.

    Attributes
    ----------
    minimum, maximum : closed limits; None is no limit.
    allowed : the only values of a text column; empty is no limit.
    fixed : does it hold for a unit whatever the year?
    """

    name: str
    type: Type
    unit: str
    label: str
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()
    fixed: bool = False


@dataclass(frozen=True)
class Contract:
    """A kind of panel: its keys and the columns that it knows by name.

    Attributes
    ----------
    keys : columns that together name a row; required, never missing, unique.
    country_column : the column that coverage counts countries by.
    crossed : columns that are made by crossing others where a spec has these and does not give them.
    """

    name: str
    keys: tuple[str, ...]
    country_column: str
    columns: dict[str, Column]
    crossed: dict[str, tuple[str, ...]] = field(default_factory=dict)


def _share(name: str, label: str) -> Column:
    return Column(name, "number", "share", label, 0, 1)


def _money(name: str, label: str, minimum: float | None = 0) -> Column:
    return Column(name, "number", "USD", label, minimum)


def _dummy(name: str, label: str) -> Column:
    return Column(name, "binary", "0/1", label, 0, 1)


def _text(
    name: str, label: str, unit: str = "code", allowed: tuple[str, ...] = (), fixed: bool = False
) -> Column:
    return Column(name, "text", unit, label, allowed=allowed, fixed=fixed)


def _country(name: str, label: str) -> Column:
    return Column(name, "country", "ISO3", label)


def _contract(
    name: str, keys: tuple[str, ...], country: str, columns: Iterable[Column], **crossed: tuple[str, ...]
) -> Contract:
    return Contract(name, keys, country, {column.name: column for column in columns}, crossed)


_YEAR = Column("year", "integer", "year", "Year", FIRST_YEAR, LAST_YEAR)

TRADE = _contract(
    "trade",
    ("exporter", "importer", "product", "year"),
    "exporter",
    [
        _country("exporter", "Exporter"),
        _country("importer", "Importer (WLD: all)"),
        _text("product", "Product"),
        _text("product_classification", "Classification that the product code belongs to", "name"),
        _YEAR,
        _money("value_usd", "Trade value"),
        Column("quantity", "number", "see quantity_unit", "Quantity", 0),
        _text("quantity_unit", "Unit of the quantity", "name"),
        _money("unit_value_usd", "Unit value"),
        Column("quality", "number", "index", "Export quality"),
    ],
)

FIRM = _contract(
    "firm",
    ("country", "firm_id", "year"),
    "country",
    [
        _country("country", "Country"),
        _text("firm_id", "Firm", fixed=True),
        _YEAR,
        _text("region", "Region", fixed=True),
        _text("industry", "Industry, ISIC Rev.4, 2-digit", allowed=ISIC4_DIVISIONS, fixed=True),
        _text("cluster_id", "Cluster (region × industry unless given)"),
        Column("weight", "number", "firms represented", "Survey weight", 0, fixed=True),
        _text("stratum", "Sampling stratum", fixed=True),
        _text("psu", "Primary sampling unit", fixed=True),
        Column("employment", "number", "persons", "Employment", 0),
        _money("sales_usd", "Sales"),
        _money("value_added_usd", "Value added", None),
        _money("capital_usd", "Capital"),
        _money("materials_usd", "Materials"),
        _money("wages_usd", "Wages"),
        _share("skilled_share", "Skilled share of workers"),
        _share("export_share", "Direct exports in sales"),
        _share("indirect_export_share", "Indirect exports in sales"),
        _share("import_input_share", "Imported inputs in inputs"),
        _share("foreign_share", "Foreign ownership"),
        _dummy("certified", "Has an international quality certificate"),
        _dummy("licensed_technology", "Uses technology licensed from a foreign firm"),
        _money("rd_usd", "R&D expenditure"),
        Column("n_buyers", "number", "buyers", "Number of buyers", 0),
        _share("main_buyer_share", "Main buyer's share of sales"),
        _dummy("buyer_sets_design", "Buyer sets the design"),
        _dummy("buyer_sets_process", "Buyer sets the process"),
        _dummy("joint_design", "Designs jointly with the buyer"),
        _dummy("specific_investment", "Invested specifically for the buyer"),
        _dummy("owned_by_buyer", "Owned by the buyer"),
        _text("governance", "Governance of the chain", "type", GOVERNANCE),
        _text(
            "governance_ghs",
            "Governance, five types of Gereffi, Humphrey and Sturgeon (2005)",
            "type",
            GOVERNANCE_GHS,
        ),
        *(_dummy(f"upgrade_{kind}", f"{kind.capitalize()} upgrading") for kind in UPGRADING),
        Column("export_stage", "integer", "stage 1–5", "Stage of exporting", 1, len(EXPORT_STAGES)),
    ],
    cluster_id=("region", "industry"),
)

CLUSTER = _contract(
    "cluster",
    ("country", "region", "industry", "year"),
    "country",
    [
        _country("country", "Country"),
        _text("region", "Region", fixed=True),
        _text(
            "industry", "Industry, ISIC Rev.4: a division, or the first and last of a span (10-12)",
            allowed=ISIC4_SPANS, fixed=True,
        ),
        _YEAR,
        _text("larger_region", "Region that the region lies in", fixed=True),
        _text("cluster_id", "Cluster (region × industry unless given)"),
        Column("cluster_employment", "number", "persons", "Employment of the cluster", 0),
        Column("cluster_n_firms", "number", "firms", "Firms of the cluster", 0),
        Column("cluster_employees", "number", "persons", "Employees, without the self-employed", 0),
        _money("cluster_sales_usd", "Sales of the cluster"),
        _money("cluster_value_added_usd", "Value added of the cluster", None),
        _money("cluster_wages_usd", "Wages of the cluster"),
        Column("location_quotient", "number", "ratio", "Location quotient of employment", 0),
        _share("region_share", "Region's share of the industry's employment"),
        _share("cluster_cr_1", "Largest firm's share of the cluster's employment"),
        _share("cluster_cr_4", "Four largest firms' share of the cluster's employment"),
        _share("cluster_hhi", "Herfindahl index of firm employment"),
        _share("cluster_gini", "Gini index of firm employment"),
        Column("region_krugman", "number", "index", "Krugman's index of the region's specialisation", 0, 2),
        Column("industry_ellison_glaeser", "number", "index", "Ellison and Glaeser's index of the industry"),
    ],
    cluster_id=("region", "industry"),
)  # fmt: skip

COUNTRY = _contract(
    "country",
    ("country", "year"),
    "country",
    [
        _country("country", "Country"),
        _YEAR,
        _money("gdp_usd", "Gross domestic product"),
        _money("gdp_per_capita_usd", "Gross domestic product per head"),
        Column("population", "number", "persons", "Population", 0),
        _money("exports_usd", "Exports of goods and services"),
        _share("manufacturing_share", "Manufacturing value added in GDP"),
        Column("exchange_rate", "number", "local currency per USD", "Exchange rate, average of the year", 0),
        Column("price_index", "number", "index", "Price index", 0),
    ],
)

INPUT_OUTPUT = _contract(
    "input_output",
    ("year", "country", "industry", "use_country", "use"),
    "country",
    [
        _YEAR,
        _country("country", "Country that sells"),
        _text("industry", "Industry that sells"),
        _country("use_country", "Country that buys"),
        _text("use", "Industry or category of final use that buys; `output` for gross output"),
        _text("kind", "Kind of cell", "type", ("intermediate", "final", "output")),
        Column("value", "number", "unit of the table", "Value of the cell"),
    ],
)

# Contracts of rows; input-output tables have a spec and a reader of their own (`input_output/`).
CONTRACTS = {contract.name: contract for contract in (TRADE, FIRM, CLUSTER, COUNTRY)}
