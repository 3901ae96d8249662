"""Margins and structure of exports: extensive and intensive, the trade balance, likeness to others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import amounts, require_columns, require_known
from gvcmetrics.measures.trade.matrices import Matrix, as_exports, positive


def trade_margins(
    frame: pd.DataFrame,
    *,
    exporter: str = "exporter",
    product: str = "product",
    time: str = "year",
    value: str = "value_usd",
) -> pd.DataFrame:
    """Extensive and intensive margin of each country's exports against those of all others.

    With x^W the exports of all other countries, and I_c the products that c exports,

    .. math:: EM_c = \\frac{\\sum_{p \\in I_c} x^W_p}{\\sum_p x^W_p}, \\quad
              IM_c = \\frac{\\sum_p x_{cp}}{\\sum_{p \\in I_c} x^W_p}

    so that EM · IM is the country's exports over those of all others.

    Parameters
    ----------
    frame : trade panel; destinations are added up. For margins in one market, filter its rows first.
    exporter, product, time, value : columns.

    Returns
    -------
    pandas.DataFrame
        One row for each exporter and year with exports, sorted: `exporter`, `year`, `extensive_margin` in
        [0, 1], `intensive_margin`, `relative_exports` (their product), `n_products`. The intensive
        margin is missing where nobody else exports what the country does.

    Raises
    ------
    DataError
        For missing columns or keys, and negative or infinite values.

    Source: Hummels and Klenow (2005), eq. 2 and 3.
    """
    key = [exporter, product, time]
    require_columns(frame, *key, value)
    require_known(frame, key)
    cells = frame[key].assign(x=amounts(frame, value)).groupby(key, observed=True, as_index=False)["x"].sum()
    cells = cells[cells["x"] > 0]
    others = cells.groupby([product, time], observed=True)["x"].transform("sum") - cells["x"]
    # What cancels leaves dust, which must not pass for somebody else's exports.
    cells["others"] = others.where(others > 1e-12 * cells["x"], 0.0)
    sums = cells.groupby([exporter, time], observed=True).agg(
        own=("x", "sum"), shared=("others", "sum"), n_products=("x", "size")
    )
    world = cells.groupby(time, observed=True)["x"].sum()
    every = world.reindex(sums.index.get_level_values(time)).to_numpy() - sums["own"].to_numpy()
    everybody = pd.Series(positive(every), sums.index)
    out = pd.DataFrame(
        {
            "extensive_margin": sums["shared"] / everybody,
            "intensive_margin": sums["own"] / sums["shared"].where(sums["shared"] > 0),
            "relative_exports": sums["own"] / everybody,
            "n_products": sums["n_products"],
        }
    ).reset_index()
    for column in out.columns[2:]:
        record(out, column, value, like=frame)
    return out


def lafay_index(
    frame: pd.DataFrame,
    *,
    exporter: str = "exporter",
    importer: str = "importer",
    product: str = "product",
    time: str = "year",
    value: str = "value_usd",
) -> pd.DataFrame:
    """Lafay's index of specialisation: a product's balance against that of all trade, weighed by its trade.

    .. math:: LFI_p = 100 \\left[ \\frac{x_p - m_p}{x_p + m_p}
              - \\frac{\\sum_q (x_q - m_q)}{\\sum_q (x_q + m_q)} \\right]
              \\frac{x_p + m_p}{\\sum_q (x_q + m_q)}

    Parameters
    ----------
    frame : bilateral trade panel; a country's imports are its partners' exports to it in the same panel.
    exporter, importer, product, time, value : columns.

    Returns
    -------
    pandas.DataFrame
        One row for each country (`exporter`), product and year with trade, sorted: `exports`, `imports`,
        `lafay`, positive for specialisation. A country's indices add up to zero.

    Raises
    ------
    DataError
        For missing columns or keys, and negative or infinite values.

    Source: Lafay (1992); Zaghini (2005) in this form.
    """
    key = [exporter, importer, product, time]
    require_columns(frame, *key, value)
    require_known(frame, key)
    flows = frame[key].assign(flow=amounts(frame, value)).fillna({"flow": 0.0})
    sold = flows.groupby([exporter, product, time], observed=True)["flow"].sum()
    bought = (
        flows.groupby([importer, product, time], observed=True)["flow"].sum().rename_axis(sold.index.names)
    )
    both = pd.DataFrame({"exports": sold, "imports": bought}).fillna(0.0).sort_index()
    both = both[(both["exports"] + both["imports"]) > 0]
    trade, balance = both["exports"] + both["imports"], both["exports"] - both["imports"]
    whole = [both.index.get_level_values(exporter), both.index.get_level_values(time)]
    total, overall = (part.groupby(whole).transform("sum") for part in (trade, balance))
    both["lafay"] = 100 * (balance / trade - overall / total) * trade / total
    out = both.reset_index()
    for column in ("exports", "imports", "lafay"):
        record(out, column, value, like=frame)
    return out


def export_similarity(exports: Matrix) -> pd.DataFrame:
    """Finger–Kreinin index of how alike the exports of two countries are.

    .. math:: S_{ab} = \\sum_p \\min(x_{ap} / X_a,\\; x_{bp} / X_b)

    Parameters
    ----------
    exports : countries × products; a missing cell is no trade.

    Returns
    -------
    pandas.DataFrame
        Country × country, symmetric, 1 on the diagonal, 0 for countries without a product in common; missing
        for a country without exports.

    Raises
    ------
    DataError
        For negative or infinite exports and repeated labels.

    Source: Finger and Kreinin (1979).
    """
    matrix = as_exports(exports)
    x = matrix.to_numpy()
    shares = x / positive(x.sum(axis=1))[:, None]
    values = np.empty((len(x), len(x)))
    for row, own in enumerate(shares):
        values[row] = np.minimum(own, shares).sum(axis=1)
    return pd.DataFrame(values, matrix.index, matrix.index)


def vertical_specialisation(
    flows: pd.DataFrame, imported: pd.DataFrame, exports: pd.Series, *, output: pd.Series | None = None
) -> pd.DataFrame:
    """Vertical specialisation from one country's national table with imported inputs apart.

    .. math:: VS = u A^M (I - A^D)^{-1} \\hat x, \\quad A^M = Z^M / \\hat y, \\quad A^D = Z^D / \\hat y

    Parameters
    ----------
    flows : inputs from home Z^D, selling industries as rows, buying industries as columns.
    imported : imported inputs Z^M, the same columns; rows are the industries or products that they come from.
    exports : of each industry.
    output : of each industry, y; by default purchases are coefficients already.

    Returns
    -------
    pandas.DataFrame
        Indexed by industry: `exports`, `vertical_specialisation` (imported content of exports) and
        `vertical_specialisation_share` (missing without exports). The country's share is the ratio of sums.
        One table sees no return of own value added: it is as if all imports were foreign.

    Raises
    ------
    DataError
        Labels that differ, negative or missing amounts, or I − A^D is singular.

    Source: Hummels, Ishii and Yi (2001), eq. 3.
    """
    industries = flows.columns
    labels = {"rows of the flows": flows.index, "imported inputs": imported.columns, "exports": exports.index}
    if output is not None:
        labels["output"] = output.index
    for name, index in labels.items():
        if not index.is_unique or set(index) != set(industries):
            raise DataError(f"the industries of the {name} are not those of the columns of the flows")
    scale = np.ones(len(industries)) if output is None else output[industries].to_numpy(dtype=np.float64)
    domestic, foreign = flows.loc[industries].to_numpy(float), imported[industries].to_numpy(float)
    sold = exports[industries].to_numpy(dtype=np.float64)
    for name, values in (
        ("input", domestic),
        ("imported input", foreign),
        ("export", sold),
        ("output", scale),
    ):
        if not (np.isfinite(values) & (values >= 0)).all():
            raise DataError(
                f"an {name} is negative, missing or infinite", remedy="Give amounts of at least 0."
            )
    per_unit = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    try:
        inverse = np.linalg.inv(np.eye(len(industries)) - domestic * per_unit)
    except np.linalg.LinAlgError as error:
        raise DataError(
            "I − A is singular: some industries buy all that they make", remedy="Check flows and output."
        ) from error
    content = (foreign * per_unit).sum(axis=0) @ inverse
    out = pd.DataFrame(
        {"exports": sold, "vertical_specialisation": content * sold}, industries.rename("industry")
    )
    out["vertical_specialisation_share"] = np.where(sold > 0, content, np.nan)
    return out
