"""Where industries stand between primary factors and final use: upstreamness and its relatives."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import Array, InputOutput, divide, some
from gvcmetrics.measures.input_output.table import recorded


def correct_inventories(table: InputOutput) -> InputOutput:
    """The table with changes in inventories spread over the other uses in proportion.

        Z̃_ij = Z_ij x_i / (x_i − N_i)     Ỹ_i = F_i x_i / (x_i − N_i)

    with N net changes in inventories and F the other final uses. Rows add up to output as before;
    value added becomes output less the corrected purchases. Where inventories take up the whole
    output or more (x_i − N_i ≤ 0) no proportion exists and the row stays as it was.

    Parameters
    ----------
    table : a table whose `inventories` names a category of final use.

    Returns
    -------
    table with corrected Z and Y, the inventories category empty.

    Raises
    ------
    DataError
        The table does not say which category holds inventories.

    Source: Antràs, Chor, Fally and Hillberry (2012); Antràs and Chor (2018), section 2.
    """
    if table.inventories is None:
        raise DataError(
            "the table does not say which final-use category holds changes in inventories",
            remedy=f"Build it with inventories=...; its categories are {some(table.uses)}.",
        )
    category = table.uses.index(table.inventories)
    change = _stock_building(table)
    usable = table.x > change
    factor = np.where(usable, table.x / np.where(usable, table.x - change, 1.0), 1.0)
    Y = table.Y * factor[:, None, None]
    Y[usable, :, category] = 0.0
    Y[~usable] = table.Y[~usable]
    return replace(table, Z=table.Z * factor[:, None], Y=Y)


@recorded
def upstreamness(table: InputOutput, *, net_inventories: bool = True) -> pd.DataFrame:
    """Average number of stages from an industry's output to final use.

        U = (I − x̂⁻¹ Z)⁻¹ 1 = x̂⁻¹ B x

    At least 1 (all output goes to final use). In a balanced table Σ value added · U = Σ x.

    Parameters
    ----------
    table : the input-output table.
    net_inventories : spread changes in inventories first (`correct_inventories`) where the table
        names them; a table that names none is taken as it is.

    Returns
    -------
    frame indexed by country, industry: `upstreamness`; missing where nothing is produced and where
    inventories take up the whole output.

    Notes
    -----
    The values that Antràs and Chor published for 1995–2011 (World Input-Output Database, 2013
    release) come from this with the inventory correction, the rest of the world a country like
    any other, changes in inventories of either sign used as they are, and 1 where an industry
    produces nothing (here: missing). On all of 1995–2003, with the table in whole millions of USD
    and its row sums closed by `close="intermediate"`, the median absolute difference is 0.0009
    (correlation 0.998), and every difference above 0.05 is in an industry with output below 1 billion.
    What is left is the rounding of the table, in which small flows vanish: rounding to tens of
    millions moves industries ten times as large by 0.7 to 0.9 of the differences (2003).
    Industries whose output, or output less inventories, rounds to nothing cannot be compared.

    Source: Antràs, Chor, Fally and Hillberry (2012); Fally (2012).
    """
    return positions(table, net_inventories=net_inventories)[["upstreamness"]]


@recorded
def downstreamness(table: InputOutput, *, net_inventories: bool = True) -> pd.DataFrame:
    """Average number of stages from primary factors to an industry's output.

        D = (I − A′)⁻¹ 1

    At least 1 (output made of value added alone). In a balanced table Σ final use · D = Σ x.

    Parameters
    ----------
    table : the input-output table.
    net_inventories : as in `upstreamness`.

    Returns
    -------
    frame indexed by country, industry: `downstreamness`; missing where nothing is produced.

    Notes
    -----
    Antràs and Chor's published values come from the same corrected table as their upstreamness, with
    value added all that is left of output after purchases. On 1995–2003 the median absolute
    difference is 0.0044, and every difference above 0.05 is in an industry with output below
    2.2 billion USD. Rounding weighs more here: the small imports that make up the columns of
    small industries are lost, so their downstreamness comes out too low (in over 95 per cent of
    those below 1 billion), and closing the row sums gives the loss to large ones (0.0006 too
    high at the median above 100 billion).

    Source: Antràs and Chor (2013); Miller and Temurshoev (2017); Antràs and Chor (2018).
    """
    return positions(table, net_inventories=net_inventories)[["downstreamness"]]


@recorded
def positions(table: InputOutput, *, net_inventories: bool = True) -> pd.DataFrame:
    """Upstreamness and downstreamness with the ratios behind them, from one factorisation.

    Parameters
    ----------
    table : the input-output table.
    net_inventories : as in `upstreamness`.

    Returns
    -------
    frame indexed by country, industry: `upstreamness`, `downstreamness`, `final_use_ratio` (final use in
    output) and `value_added_ratio` (value added in output).

    Source: Antràs and Chor (2018), section 2.
    """
    produces = table.x > 0
    positioned = produces & (table.x > _stock_building(table)) if net_inventories else produces
    table = _corrected(table, net_inventories)
    to_final_use = divide(table.solve(table.x), table.x)
    from_factors = table.solve_transposed(np.ones(len(table.x)))
    return _by_row(
        table,
        {
            "upstreamness": np.where(positioned, to_final_use, np.nan),
            "downstreamness": np.where(produces, from_factors, np.nan),
            "final_use_ratio": _ratio(table.final_use.sum(axis=1), np.where(produces, table.x, 0)),
            "value_added_ratio": np.where(produces, table.v, np.nan),
        },
    )


@recorded
def country_position(
    table: InputOutput, *, of: Literal["output", "exports"] = "exports", net_inventories: bool = True
) -> pd.DataFrame:
    """Average upstreamness and downstreamness of each region's output or exports.

        U_c = Σ_i w_ci U_ci / Σ_i w_ci

    Industries whose position is missing carry no weight.

    Parameters
    ----------
    table : the input-output table; a group of countries counts as one region.
    of : "exports", gross exports, or "output", gross output.
    net_inventories : as in `upstreamness`.

    Returns
    -------
    frame indexed by country: `upstreamness`, `downstreamness`; missing where the weights do not sum to
    something positive.

    Raises
    ------
    DataError
        `of` is neither.

    Source: Antràs, Chor, Fally and Hillberry (2012), on the upstreamness of exports.
    """
    if of not in ("output", "exports"):
        raise DataError(f"of={of!r} is unknown", remedy="Choose 'output' or 'exports'.")
    weight = table.x if of == "output" else table.exports.sum(axis=1)
    frame = positions(table, net_inventories=net_inventories)[["upstreamness", "downstreamness"]]
    averages = {}
    for name, values in frame.items():
        known = values.notna().to_numpy()
        total = table.block_diagonal(np.where(known, weight, 0.0)).sum(axis=0)
        weighted = table.block_diagonal(np.where(known, weight * values, 0.0)).sum(axis=0)
        averages[name] = np.where(total > 0, divide(weighted, total), np.nan)
    return pd.DataFrame(averages, index=pd.Index(table.regions, name="country"))


@recorded
def production_length(table: InputOutput) -> pd.DataFrame:
    """Average production length, forward and backward, of domestic, traditional and GVC production.

    B Y = L Y_D + L Y_F + L A_F B Y splits output into domestic final use, final exports (one border)
    and production that crosses borders as inputs, with L and Y_D block diagonal and A_F, Y_F the
    blocks abroad. Length is output induced over value added induced; forward, by industry of
    value added,

        domestic      L L Y_D / L Y_D                traditional   L L Y_F / L Y_F
        GVC           (L L A_F B Y + L A_F B B Y) / L A_F B Y

    and backward, by industry of final production,

        domestic      V L L / V L                    GVC   (V L L A_F B + V L A_F B B) / V L A_F B

    (the backward length of final exports equals that of domestic use). `position` is GVC forward
    length over GVC backward length: above 1 is relatively upstream.

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by country, industry: `forward`, `forward_domestic`, `forward_traditional`, `forward_GVC`,
    `backward`, `backward_domestic`, `backward_GVC`, `position`; missing where the activity is absent.

    Source: Wang, Wei, Yu and Zhu (2017), Characterizing global value chains, section 2.
    """
    home_use = table.at_home(table.final_use)
    foreign_use = table.final_exports.sum(axis=1)
    output = table.output_by_destination.sum(axis=1)
    domestic, traditional = table.local(home_use), table.local(foreign_use)
    crossing = table.local(_from_abroad(table, output))
    crossing_length = table.local(crossing) + table.local(_from_abroad(table, table.solve(output)))

    v_home = _local_transposed(table, table.v)
    imported = table.solve_transposed(_to_abroad(table, v_home))
    imported_length = table.solve_transposed(_to_abroad(table, _local_transposed(table, v_home)) + imported)
    content = table.content_by_origin.sum(axis=1)
    produces = table.x > 0
    frame = _by_row(
        table,
        {
            "forward": _ratio(table.solve(output), output),
            "forward_domestic": _ratio(table.local(domestic), domestic),
            "forward_traditional": _ratio(table.local(traditional), traditional),
            "forward_GVC": _ratio(crossing_length, crossing),
            "backward": _ratio(table.solve_transposed(content), content * produces),
            "backward_domestic": _ratio(_local_transposed(table, v_home), v_home * produces),
            "backward_GVC": _ratio(imported_length, imported * produces),
        },
    )
    frame["position"] = frame["forward_GVC"] / frame["backward_GVC"]
    return frame


@recorded
def smile_curve(
    table: InputOutput, *, product: tuple[str, str] | None = None, net_inventories: bool = True
) -> pd.DataFrame:
    """Value added against the distance to final use, for one product's chain or for all.

    For the final use f of a product (country, industry of completion), each industry's value added
    in the chain is v̂ B f and its distance to the final product (B B f) / (B f), the average number of
    stages, 1 for the last. With all final use the distance is upstreamness.

    Parameters
    ----------
    table : the input-output table.
    product : country and industry that complete the product; None for all products together.
    net_inventories : as in `upstreamness`.

    Returns
    -------
    frame indexed by country, industry, one row for each industry in the chain: `distance`, `value_added`,
    `value_added_ratio` (value added per unit of output) and `value_added_share` (in the chain).

    Raises
    ------
    DataError
        The product is not in the table, or has no final use.

    Source: Ye, Meng and Wei (2015); Timmer, Erumban, Los, Stehrer and de Vries (2014).
    """
    table = _corrected(table, net_inventories)
    final = table.final_use.sum(axis=1)
    if product is not None:
        if product not in table.rows:
            raise DataError(
                "no such country and industry in the table",
                Place(key=" ".join(product)),
                f"Rows are, for instance: {some(table.rows)}.",
            )
        final = np.where(table.rows == product, final, 0.0)
    if not final.sum() > 0:
        raise DataError(
            "the product has no final use, so it has no chain",
            Place(key=None if product is None else " ".join(product)),
            "Choose a product that is sold to final users.",
        )
    output = table.solve(final)
    added = table.v * output
    frame = _by_row(
        table,
        {
            "distance": _ratio(table.solve(output), output),
            "value_added": added,
            "value_added_ratio": table.v,
            "value_added_share": added / added.sum(),
        },
    )
    return frame[output > 0]


def _stock_building(table: InputOutput) -> Array:
    """Net changes in inventories of each row's products, all regions together, (n,)."""
    if table.inventories is None:
        return np.zeros(len(table.x))
    return table.Y[:, :, table.uses.index(table.inventories)].sum(axis=1)


def _corrected(table: InputOutput, net_inventories: bool) -> InputOutput:
    return correct_inventories(table) if net_inventories and table.inventories else table


def _by_row(table: InputOutput, values: dict[str, Array]) -> pd.DataFrame:
    return pd.DataFrame(values, index=table.rows)


def _ratio(numerator: Array, denominator: Array) -> Array:
    """Quotient that is missing where the denominator is zero."""
    return np.where(denominator != 0, divide(numerator, denominator), np.nan)


def _local_transposed(table: InputOutput, values: Array) -> Array:
    """Row vector times the block-diagonal L."""
    return np.concatenate([values[b] @ L for b, L in zip(table.blocks, table.L, strict=True)])


def _from_abroad(table: InputOutput, values: Array) -> Array:
    """A_F times a vector: what each row sells abroad as inputs."""
    result = table.A @ values
    for b in table.blocks:
        result[b] -= table.A[b, b] @ values[b]
    return result


def _to_abroad(table: InputOutput, values: Array) -> Array:
    """Row vector times A_F: what each column buys abroad."""
    result = values @ table.A
    for b in table.blocks:
        result[b] -= values[b] @ table.A[b, b]
    return result
