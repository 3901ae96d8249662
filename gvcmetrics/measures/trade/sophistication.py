"""What a country's export basket says of its capabilities: RCA, PRODY, EXPY.

Matrices have countries in rows and products in columns, as frames (labels are kept) or arrays; a missing
cell is no trade. A country or product without any trade, or without any advantage, has missing measures
and does not enter anybody else's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import amounts, require_columns, require_known, require_unique
from gvcmetrics.measures.trade.complexity import economic_complexity
from gvcmetrics.measures.trade.matrices import Floats, Matrix, aligned, as_exports, positive


def _balassa(x: Floats, row: Floats, column: Floats, total: Floats) -> Floats:
    return x * total / (row * column)


def _symmetric(x: Floats, row: Floats, column: Floats, total: Floats) -> Floats:
    balassa = _balassa(x, row, column, total)
    return (balassa - 1) / (balassa + 1)


def _normalised(x: Floats, row: Floats, column: Floats, total: Floats) -> Floats:
    return x / total - row * column / total**2


_VARIANTS: dict[str, Callable[[Floats, Floats, Floats, Floats], Floats]] = {
    "balassa": _balassa,
    "symmetric": _symmetric,
    "normalised": _normalised,
}


def rca(
    frame: pd.DataFrame,
    *,
    exporter: str = "exporter",
    product: str = "product",
    time: str = "year",
    value: str = "value_usd",
    variant: str = "balassa",
) -> pd.Series:
    """Revealed comparative advantage of each row of a trade panel, year by year.

    ============  ==========================================  ==========
    variant       formula                                     neutral at
    ============  ==========================================  ==========
    balassa       RCA = (x_cp / X_c) / (x_p / X)              1
    symmetric     RSCA = (RCA − 1) / (RCA + 1)                0
    normalised    NRCA = x_cp / X − X_c x_p / X²              0
    ============  ==========================================  ==========

    Parameters
    ----------
    frame : one row for each exporter, product and year (add destinations up first).
    variant : ``"balassa"``, ``"symmetric"`` or ``"normalised"``.

    Returns
    -------
    pandas.Series
        `rca`, aligned to the frame. Missing value, or an exporter, product or world without trade in the
        year, gives missing.

    Raises
    ------
    DataError
        For missing columns, repeated keys, negative values, and an unknown variant.

    Source: Balassa (1965); Laursen (2015) for the symmetric, Yu, Cai and Leung (2009) for the normalised.
    """
    require_columns(frame, exporter, product, time, value)
    require_unique(frame, [exporter, product, time])
    amounts(frame, value)
    x = frame[value]

    def total(*by: str) -> Floats:
        sums = x.groupby([frame[column] for column in by], sort=False).transform("sum")
        return sums.where(sums > 0).to_numpy(float)

    values = _variant(variant)(x.to_numpy(float), total(exporter, time), total(product, time), total(time))
    return record(pd.Series(values, frame.index, name="rca"), "rca", value, like=frame)


def rca_matrix(exports: Matrix, *, variant: str = "balassa") -> pd.DataFrame:
    """Revealed comparative advantage of a country × product matrix; variants and source as in `rca`."""
    matrix = as_exports(exports)
    x = matrix.to_numpy()
    rows, columns = positive(x.sum(axis=1))[:, None], positive(x.sum(axis=0))[None, :]
    values = _variant(variant)(x, rows, columns, positive(x.sum()))
    return pd.DataFrame(values, matrix.index, matrix.columns)


def presence(exports: Matrix, *, threshold: float = 1.0) -> pd.DataFrame:
    """M_cp: one where a country's Balassa RCA reaches the threshold, else zero."""
    return (rca_matrix(exports) >= threshold).astype(float)


def prody(exports: Matrix, income: pd.Series | ArrayLike) -> pd.Series:
    """Income level of a product: the RCA-weighted mean income of its exporters.

    .. math:: PRODY_p = \\sum_c \\frac{x_{cp}/X_c}{\\sum_j x_{jp}/X_j} Y_c

    Parameters
    ----------
    exports : countries × products.
    income : GDP per head, indexed by country (or in the matrix's order). Countries without income are left
        out of numerator and denominator.

    Returns
    -------
    pandas.Series
        In units of income; missing for a product that no country with income exports.

    Raises
    ------
    DataError
        For negative exports, no common country, or an income array of another length.

    Source: Hausmann, Hwang and Rodrik (2007), definition of PRODY.
    """
    matrix = as_exports(exports)
    level = aligned(income, matrix.index, "income")
    known = ~np.isnan(level)
    if not known.any():
        raise DataError("no country of the matrix has income", remedy="Check the country codes of both.")
    x = matrix.to_numpy()
    shares = np.nan_to_num(x / positive(x.sum(axis=1))[:, None])[known]
    weights = positive(shares.sum(axis=0))
    return pd.Series(level[known] @ shares / weights, matrix.columns, name="prody")


def expy(exports: Matrix, prody: pd.Series | ArrayLike) -> pd.Series:
    """Income level of a country's export basket, Σ_p (x_cp / X_c) PRODY_p.

    Parameters
    ----------
    exports : countries × products.
    prody : indexed by product (or in the matrix's order). Products without PRODY are left out and the
        shares of the others scaled up.

    Returns
    -------
    pandas.Series
        In units of PRODY; missing for a country without exports.

    Source: Hausmann, Hwang and Rodrik (2007), definition of EXPY.
    """
    matrix = as_exports(exports)
    level = aligned(prody, matrix.columns, "PRODY")
    x = matrix.to_numpy()[:, ~np.isnan(level)]
    basket = x @ level[~np.isnan(level)] / positive(x.sum(axis=1))
    return pd.Series(basket, matrix.index, name="expy")


def sophistication_by_year(
    frame: pd.DataFrame,
    *,
    exporter: str = "exporter",
    product: str = "product",
    time: str = "year",
    value: str = "value_usd",
    income: str | None = None,
    threshold: float = 1.0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """From a trade panel to a panel of countries and a panel of products, year by year.

    Parameters
    ----------
    frame : trade panel; destinations are added up.
    income : column of GDP per head, the same in all rows of an exporter-year; with it come `expy` and
        `prody`.
    threshold : of RCA, from which a country counts as having the product.

    Returns
    -------
    (countries, products)
        `exporter`, `year`, `diversity`, `eci` and, with income, `expy`; `product`, `year`, `ubiquity`, `pci`
        and, with income, `prody`.

    Raises
    ------
    DataError
        For missing columns, negative values, an exporter-year with two incomes, and as
        `economic_complexity`.
    """
    require_columns(frame, exporter, product, time, value, *([income] if income else []))
    amounts(frame, value)
    require_known(frame, [exporter, product, time])
    countries, products = [], []
    for period, rows in frame.groupby(time):
        exports = rows.pivot_table(index=exporter, columns=product, values=value, aggfunc="sum", fill_value=0)
        by_country, by_product = economic_complexity(presence(exports, threshold=threshold))
        if income:
            level = _one_income(rows, exporter, income, period)
            by_product["prody"] = prody(exports, level)
            by_country["expy"] = expy(exports, by_product["prody"])
        countries.append(by_country.assign(**{time: period}))
        products.append(by_product.assign(**{time: period}))
    out = []
    for parts, name in ((countries, exporter), (products, product)):
        table = pd.concat(parts).rename_axis(name).reset_index()
        table = table[[name, time, *(column for column in table if column not in (name, time))]]
        for column in table.columns[2:]:
            sources = [value, income] if income and column in ("expy", "prody") else [value]
            record(table, column, *sources, like=frame)
        out.append(table)
    return out[0], out[1]


def _variant(name: str) -> Callable[[Floats, Floats, Floats, Floats], Floats]:
    if name not in _VARIANTS:
        raise DataError(f"there is no RCA variant '{name}'", remedy=f"Choose from {', '.join(_VARIANTS)}.")
    return _VARIANTS[name]


def _one_income(rows: pd.DataFrame, exporter: str, income: str, period: object) -> pd.Series:
    levels = rows.groupby(exporter)[income]
    spread = levels.nunique()
    if (spread > 1).any():
        raise DataError(
            "an exporter has two incomes in one year",
            Place(column=income, key=f"{spread.idxmax()}, {period}"),
            "Give each exporter and year one value.",
        )
    return levels.first()
