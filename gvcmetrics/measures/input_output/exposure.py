"""What shocks, tariffs and the loss of an industry reach, along the rounds of a chain."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import divide, some
from gvcmetrics.measures.input_output.table import InputOutput, recorded


@recorded
def foreign_input_exposure(table: InputOutput) -> pd.DataFrame:
    """Exposure of each industry to inputs made abroad, at face value and looked through.

        face value     f_j = Σ_{i abroad} a_ij             look through   F_j = Σ_{i abroad} (B − I)_ij

    Face value sees the seller alone; looked through, an input from home that is made of foreign inputs counts
    as well. Both are output made abroad for a unit of output of j; the shares are in all inputs at home and
    abroad.

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by country, industry: `face_value`, `face_value_share`, `look_through`,
    `look_through_share`, and `hidden`, look_through − face_value. Shares are missing without inputs.

    Source: Baldwin, Freeman and Theodorakopoulos (2023), on foreign exposure of the supply side.
    """
    abroad = table.region_of_row[:, None] != table.region_of_row[None, :]
    needed = table.B - np.eye(len(table.x))
    frame = pd.DataFrame(index=table.rows)
    for name, inputs in (("face_value", table.A), ("look_through", needed)):
        foreign, every = (inputs * abroad).sum(axis=0), inputs.sum(axis=0)
        frame[name] = foreign
        frame[f"{name}_share"] = np.where(every > 0, divide(foreign, every), np.nan)
    frame["hidden"] = frame["look_through"] - frame["face_value"]
    return frame


def average_propagation_length(table: InputOutput) -> pd.DataFrame:
    """Average number of steps from a cost push in industry i to the price of j.

        APL_ij = [B (B − I)]_ij / (B − I)_ij

    The k-th step is A^k; each is weighted by its share in the effect of i on j. The lengths of a demand pull
    (output coefficients in place of A) are the same.

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    square frame, country and industry on both axes; at least 1, missing where i has no effect on j.

    Source: Dietzenbacher, Romero and Bosma (2005), eq. 6.
    """
    effect = table.B - np.eye(len(table.x))
    known = effect > 1e-14
    length = np.where(known, divide(table.solve(effect), np.where(known, effect, 0.0)), np.nan)
    return pd.DataFrame(length, index=table.rows, columns=table.rows)


@recorded
def cumulative_tariffs(table: InputOutput, rates: pd.DataFrame) -> pd.DataFrame:
    """Tariffs in the cost of a unit of output: on its own inputs, and on all inputs further up.

        direct_j = Σ_i τ_i,s(j) a_ij        cumulative_j = Σ_k direct_k B_kj

    with τ_i,s the rate that the country s of industry j levies on what row i sells. Each border adds its
    tariff to the cost of the next, so long chains pay several times.

    Parameters
    ----------
    table : the input-output table.
    rates : ad-valorem rates (0.05 for 5 per cent): country and industry of the seller as rows, importing
        countries as columns. Rates on own goods do not count. Every seller and importer must be there.

    Returns
    -------
    frame indexed by country, industry: `direct`, `cumulative` and `upstream`, their difference, per unit of
    output.

    Raises
    ------
    DataError
        A rate is missing, negative or infinite.

    Source: Rouzet and Miroudot (2013), cumulative tariffs; Miroudot, Rouzet and Spinelli (2013).
    """
    countries = list(dict.fromkeys(table.rows.get_level_values("country")))
    if not (rates.index.is_unique and rates.columns.is_unique):
        raise DataError("the rates repeat a seller or an importer", remedy="Give each once.")
    levied = rates.reindex(index=table.rows, columns=countries).to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(levied) & (levied >= 0))
    column = pd.Index(countries).get_indexer(table.rows.get_level_values("country"))
    abroad = column[:, None] != np.arange(len(countries))[None, :]
    if (bad & abroad).any():
        row, country = np.argwhere(bad & abroad)[0]
        raise DataError(
            f"the rate is {levied[row, country]} for {int((bad & abroad).sum())} pairs",
            Place(column=countries[country], key=some([table.rows[row]])),
            "Give a rate of at least 0 for every seller and importing country, 0 where trade is free.",
        )
    levied = np.where(abroad, levied, 0.0)[:, column]
    direct = (levied * table.A).sum(axis=0)
    cumulative = table.solve_transposed(direct)
    return pd.DataFrame(
        {"direct": direct, "cumulative": cumulative, "upstream": cumulative - direct}, index=table.rows
    )


@recorded
def hypothetical_extraction(table: InputOutput, country: str, *, industry: str | None = None) -> pd.DataFrame:
    """Output and value added that would be lost everywhere without an industry (or all of a country's).

    The industry buys and sells nothing, to final users neither; all others keep their inputs per unit and
    their final sales:

        loss = x − (I − A*)⁻¹ y*      A* and y* with the rows and columns of the industry at zero

    It is an upper bound, for nobody turns to another supplier.

    Parameters
    ----------
    table : the input-output table.
    country, industry : what is taken out; all industries of the country where no industry is named.

    Returns
    -------
    frame indexed by country, industry: `output`, `output_lost`, `value_added_lost`, and `lost_share` of
    output (missing without output). What is taken out is lost as a whole.

    Raises
    ------
    DataError
        The table has no such country or industry.

    Source: Dietzenbacher, van der Linden and Steenge (1993); Miller and Lahr (2001), case 1 with final use.
    """
    out = table.rows.get_level_values("country") == country
    if industry is not None:
        out &= table.rows.get_level_values("industry") == industry
    if not out.any():
        raise DataError(
            "the table has no such country or industry",
            Place(key=", ".join(str(part) for part in (country, industry) if part is not None)),
            f"Its rows begin with {some(table.rows)}.",
        )
    kept = np.flatnonzero(~out)
    left = np.zeros(len(table.x))
    M = np.eye(len(kept)) - table.A[np.ix_(kept, kept)]
    left[kept] = np.linalg.solve(M, table.final_use.sum(axis=1)[kept])
    lost = table.x - left
    return pd.DataFrame(
        {
            "output": table.x,
            "output_lost": lost,
            "value_added_lost": table.v * lost,
            "lost_share": np.where(table.x > 0, divide(lost, table.x), np.nan),
        },
        index=table.rows,
    )


@recorded
def hypothetical_extraction_by_industry(table: InputOutput) -> pd.DataFrame:
    """What would be lost without each industry, one after the other: `hypothetical_extraction` of all.

    Taking out one industry i changes the inverse by a matrix of rank one, so that one inverse serves all:

        loss_k = B_ki x_i / B_ii

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by country, industry, what is taken out: `output` of the industry; `output_lost` in the
    world, the industry's own included; `lost_elsewhere`, that of all others, and `lost_abroad`, that of other
    countries; `value_added_lost` in the world and `value_added_lost_abroad`; `multiplier`, output_lost over
    output (missing without output). In the unit of the table.

    Source: Dietzenbacher, van der Linden and Steenge (1993); Miller and Lahr (2001).
    """
    scale = table.x / np.diag(table.B)
    abroad = table.region_of_row[:, None] != table.region_of_row[None, :]
    lost = table.B.sum(axis=0) * scale
    value_added = table.v[:, None] * table.B
    return pd.DataFrame(
        {
            "output": table.x,
            "output_lost": lost,
            "lost_elsewhere": lost - table.x,
            "lost_abroad": (table.B * abroad).sum(axis=0) * scale,
            "value_added_lost": value_added.sum(axis=0) * scale,
            "value_added_lost_abroad": (value_added * abroad).sum(axis=0) * scale,
            "multiplier": np.where(table.x > 0, divide(lost, table.x), np.nan),
        },
        index=table.rows,
    )
