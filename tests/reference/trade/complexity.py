"""Reference values of RCA, PRODY, EXPY, ECI, PCI, proximity and density, from econcomplex and ecomplexity.

Run with the mirror of open data (GVCMETRICS_MIRROR): `python tests/reference/trade/complexity.py`.
World trade of 226 countries in 785 SITC4 products (mean 1998-2000) and GDP per head come from the mirror.
Writes complexity_countries.csv, complexity_products.csv, complexity_cells.csv beside this file.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import econcomplex
import numpy as np
import pandas as pd
from ecomplexity import ecomplexity

HERE = Path(__file__).parent
mirror = Path(os.environ["GVCMETRICS_MIRROR"])
trade = pd.read_parquet(mirror / "world_trade_sitc4_1998_2000.parquet")
income = pd.read_parquet(mirror / "world_gdp_per_capita_1998_2000.parquet").set_index("country")["value"]
exports = trade.pivot(index="country", columns="product", values="value").fillna(0.0)

# 1. econcomplex: every index on one matrix; PRODY only knows countries with income.
eci, pci = econcomplex.eci_pci(exports)
rca = econcomplex.rca(exports)
density = econcomplex.relatedness_density(exports) / 100
with_income = exports[exports.index.isin(income.index)]
prody = econcomplex.prody(with_income, income.reindex(with_income.index))
expy = econcomplex.expy(with_income, income.reindex(with_income.index))

# 2. ecomplexity: an independent program for ECI, PCI and density.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    other = ecomplexity(
        trade.assign(year=2000),
        {"time": "year", "loc": "country", "prod": "product", "val": "value"},
        check_logsupermodularity=False,
        verbose=False,
    )
by_country = other.groupby("country")[["diversity", "eci"]].first()
by_product = other.groupby("product")[["ubiquity", "pci"]].first()
other_density = other.pivot(index="country", columns="product", values="density")

countries = pd.DataFrame(
    {
        "diversity": by_country["diversity"],
        "eci_econcomplex": eci,
        "eci_ecomplexity": by_country["eci"],
        "expy_econcomplex": expy,
        "mean_density_econcomplex": density.mean(axis=1),
        "mean_density_ecomplexity": other_density.mean(axis=1),
    }
)
products = pd.DataFrame(
    {
        "ubiquity": by_product["ubiquity"],
        "pci_econcomplex": pci,
        "pci_ecomplexity": by_product["pci"],
        "prody_econcomplex": prody,
    }
)
rng = np.random.default_rng(1)
rows, columns = rng.integers(0, 226, 300), rng.integers(0, 785, 300)
cells = pd.DataFrame(
    {
        "country": exports.index[rows],
        "product": exports.columns[columns],
        "rca_econcomplex": rca.to_numpy()[rows, columns],
        "density_econcomplex": density.to_numpy()[rows, columns],
        "density_ecomplexity": other_density.reindex(exports.index)[exports.columns].to_numpy()[
            rows, columns
        ],
    }
)
countries.to_csv(HERE / "complexity_countries.csv", index_label="country", lineterminator="\n")
products.to_csv(HERE / "complexity_products.csv", index_label="product", lineterminator="\n")
cells.to_csv(HERE / "complexity_cells.csv", index=False, lineterminator="\n")
