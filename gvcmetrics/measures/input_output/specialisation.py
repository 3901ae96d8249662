"""Functional specialisation in trade: which business functions a country's exports live on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import InputOutput, divide, some
from gvcmetrics.lineage import record
from gvcmetrics.measures.input_output.table import recorded, share
from gvcmetrics.measures.intake import matrix
from gvcmetrics.measures.requirements import numbers


@recorded
def income_in_exports(table: InputOutput, labour_income: pd.DataFrame) -> pd.DataFrame:
    """Labour income of each function in the domestic value added of exports.

        f_c^k = Σ_i (h_i^k / x_i) (L_c E_c)_i

    with h labour income by industry and function, L_c the local inverse and E_c gross exports. It
    measures a function by what it earns in exports, in all the industries that stand behind them.

    Parameters
    ----------
    table : the input-output table.
    labour_income : indexed by country, industry; one column for each function (in Timmer, Miroudot and
        de Vries: fabrication, R&D, management, marketing), in the table's currency unit. Countries
        that are missing altogether are left out of the result.

    Returns
    -------
    frame indexed by country, function: `income`.

    Raises
    ------
    DataError
        A country has only some of its industries, a label is not in the table, or income is
        negative, missing or above the value added of its industry (by more than 1 per cent).

    Source: Timmer, Miroudot and de Vries (2019), section 2.
    """
    rows = table.rows
    given = labour_income.index
    unknown = [label for label in given if label not in rows]
    if unknown or given.has_duplicates:
        raise DataError(
            "labour income needs one row for each country and industry of the table; "
            f"twice: {some(given[given.duplicated()])}; not in the table: {some(unknown)}",
            remedy="Index it by country and industry with the table's own codes.",
        )
    countries = given.get_level_values(0).unique()
    wanted = rows[rows.get_level_values("country").isin(countries)]
    absent = [label for label in wanted if label not in given]
    if len(absent):
        raise DataError(
            f"labour income lacks industries of countries that it covers: {some(absent)}",
            remedy="Add the rows (0 where an industry pays nothing), or leave the country out.",
        )
    income = matrix(labour_income.reindex(wanted), "labour_income").to_numpy()
    position = rows.get_indexer(wanted)
    added = table.value_added[position]
    wrong = ~np.isfinite(income).all(axis=1) | (income < 0).any(axis=1)
    wrong |= income.sum(axis=1) > 1.01 * np.maximum(added, 0) + 1e-9
    if wrong.any():
        first = wanted[wrong][0]
        raise DataError(
            f"labour income is missing, negative or above value added in {int(wrong.sum())} industries",
            Place(key=" ".join(first)),
            "Give labour income by function in the table's currency unit.",
        )
    output = table.local(table.exports.sum(axis=1))[position]
    earned = divide(income, table.x[position][:, None]) * output[:, None]
    frame = pd.DataFrame(earned, index=wanted, columns=pd.Index(labour_income.columns, name="function"))
    totals = frame.groupby(level="country", sort=False).sum()
    return record(pd.DataFrame({"income": totals.stack()}), "income", *map(str, labour_income.columns))


def functional_specialisation(income: pd.DataFrame) -> pd.DataFrame:
    """Functional specialisation: a function's share in a country over its share in the world.

        FS_c^k = (f_c^k / Σ_k f_c^k) / (Σ_c f_c^k / Σ_c Σ_k f_c^k)

    Above 1 the country is specialised in the function, as in revealed comparative advantage.

    Parameters
    ----------
    income : indexed by country, function with the column `income`, as `income_in_exports` gives it;
        the world is the countries in it.

    Returns
    -------
    frame with the same index: `income`, `income_share` (of the function in the country),
    `functional_specialisation` (missing where a country or function earns nothing).

    Raises
    ------
    DataError
        The index is not country, function, or a cell is missing or negative.

    Source: Timmer, Miroudot and de Vries (2019), section 2.
    """
    if list(income.index.names) != ["country", "function"] or "income" not in income.columns:
        raise DataError(
            "income needs the index levels country, function and the column income",
            remedy="Pass the result of income_in_exports, or name the levels so.",
        )
    earned = pd.Series(numbers(income, "income"), income.index, name="income")
    if earned.isna().any() or (earned < 0).any():
        first = earned.index[(earned.isna() | (earned < 0)).to_numpy()][0]
        raise DataError("income is missing or negative", Place(key=" ".join(map(str, first))))
    by_country = earned.groupby(level="country").transform("sum")
    by_function = earned.groupby(level="function").transform("sum")
    in_country = share(earned, by_country)
    world = pd.Series(earned.sum(), index=earned.index)
    frame = pd.DataFrame(
        {
            "income": earned,
            "income_share": in_country,
            "functional_specialisation": share(in_country, share(by_function, world)),
        }
    )
    record(frame, "income_share", "income", like=income)
    return record(frame, "functional_specialisation", "income", like=income)
