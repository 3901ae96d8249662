"""Participation in value chains, and where the value added in exports and final use comes from.

Two families of participation measures live here and must not be mixed. `participation` is Borin and
Mancini's, where backward is Hummels–Ishii–Yi's VS and directly absorbed value added is what is
left over. `participation_koopman` is that of Koopman, Powers, Wang and Wei, whose foreign value
added leaves out what the exporter's own returning value added carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.measures.input_output.decompositions.content import (
    domestic_content,
    domestic_content_once,
    foreign_content,
)
from gvcmetrics.measures.input_output.decompositions.routes import bought
from gvcmetrics.measures.input_output.table import Array, InputOutput, labelled, recorded, share

Sector = Literal["origin", "exporter"]


@recorded
def gvc_participation(table: InputOutput, *, by: Sequence[str] = ("exporter",)) -> pd.DataFrame:
    """Backward, forward and total participation after Borin and Mancini.

        DAVAX_sr    = V_s L_s (Y_sr + A_sr L_r Y_rr)
        forward_sr  = V_s L_s E_sr − DAVAX_sr          re-exported by r, at exporter level
                                                       V_s L_s Σ_r A_sr L_r E_r
        backward_sr = u E_sr − V_s L_s E_sr
        GVC         = backward + forward = E − DAVAX

    Backward counts everything in exports that is not value added leaving home for the first time:
    foreign value added and all double counting. Only local inverses are needed.

    Parameters
    ----------
    table : the input-output table; a group of countries counts as one exporter.
    by : any of exporter, industry, importer; the rest is summed.

    Returns
    -------
    frame indexed by `by`: `gross_exports`, `DAVAX`, `GVC_backward`, `GVC_forward`, `GVC`, and
    `backward_share`, `forward_share`, `participation` in gross exports (missing where exports are
    not positive).

    Source: Borin and Mancini (2019), on GVC participation; (2023).
    """
    once = domestic_content_once(table)[:, None]
    processed = table.local(table.at_home(table.final_use))
    needs = np.repeat(processed[:, None, None], len(table.regions), axis=1)
    directly_absorbed = once * (table.final_exports + bought(table, needs)[0])
    domestic = once * table.exports
    frame = labelled(
        table,
        {
            "gross_exports": table.exports,
            "DAVAX": directly_absorbed,
            "GVC_backward": table.exports - domestic,
            "GVC_forward": domestic - directly_absorbed,
            "GVC": table.exports - directly_absorbed,
        },
        by,
    )
    frame["backward_share"] = share(frame["GVC_backward"], frame["gross_exports"])
    frame["forward_share"] = share(frame["GVC_forward"], frame["gross_exports"])
    frame["participation"] = share(frame["GVC"], frame["gross_exports"])
    return frame


@recorded
def participation_koopman(
    table: InputOutput, *, by: Sequence[str] = ("exporter",), sector: Sector = "origin"
) -> pd.DataFrame:
    """Participation and position after Koopman, Powers, Wang and Wei.

        IV_s = V_s Σ_{r≠s} B_sr E_r          value added of s in other regions' exports (VS1)
        FV_s = Σ_{t≠s} V_t B_ts E_s          foreign value added in the exports of s
        participation = (IV + FV) / E        position = ln(1 + IV/E) − ln(1 + FV/E)

    A high position means upstream: more of a region's value added goes into others' exports than it
    takes from others. FV falls short of Borin and Mancini's backward participation by
    V_s (B_ss − L_s) E_s.

    By industry there are two forms, which add up to the same at the level of the exporter. `sector="origin"`
    gives IV by the industry where value is added, while FV and E are by the industry that exports: an
    industry whose value added leaves inside others' exports gets an IV of many times its E, and a position
    that says so and nothing else. `sector="exporter"` is consistent: since
    B_sr = L_s Σ_{t≠s} A_st B_tr for r ≠ s, all of IV passes the border of s in some industry's exports,

        IV_i = (V_s L_s)_i Σ_{t≠s} (A_st Σ_{r≠s} B_tr E_r)_i

    Parameters
    ----------
    table : the input-output table.
    by : ("exporter",), ("exporter", "industry") or ("industry",); any level with sector="exporter".
    sector : by which industry, and partner, IV is told apart: ``"origin"`` or ``"exporter"``.

    Returns
    -------
    frame indexed by `by`: `gross_exports`, `IV`, `FV`, `participation`, `position` (missing where
    exports are not positive).

    Raises
    ------
    DataError
        `by` has importer with sector="origin", where IV has no single partner; an unknown `sector`.

    Source: Koopman, Powers, Wang and Wei (2010); on VS1 Koopman, Wang and Wei (2014).
    """
    if sector not in ("origin", "exporter"):
        raise DataError(f"there is no sector '{sector}'", remedy="Choose 'origin' or 'exporter'.")
    if "importer" in by and sector == "origin":
        raise DataError(
            "indirect value added has no single importer",
            remedy="Use sector='exporter', or by=('exporter',) with or without 'industry'.",
        )
    if sector == "exporter":
        indirect_exports = _passed_on(table)
    else:
        indirect_exports = _value_added_by_region(table, table.exports.sum(axis=1)) * table.abroad
    frame = labelled(
        table,
        {
            "gross_exports": table.exports,
            "IV": indirect_exports,
            "FV": foreign_content(table)[:, None] * table.exports,
        },
        by,
    )
    indirect, foreign = (share(frame[name], frame["gross_exports"]) for name in ("IV", "FV"))
    frame["participation"] = indirect + foreign
    frame["position"] = np.log1p(indirect) - np.log1p(foreign)
    return frame


@recorded
def value_added_in_final_use(table: InputOutput) -> pd.DataFrame:
    """Value added by where it is made and where it is finally used.

        v̂ B Y

    The part with destination ≠ origin is value-added exports (VAX). Sums over destinations give each
    industry's value added, sums over origins each region's final use.

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by origin, industry, destination: `value_added`.

    Source: Johnson and Noguera (2012); Timmer et al. (2015).
    """
    return _by_origin(table, table.v[:, None] * table.output_by_destination, "destination", "value_added")


@recorded
def value_added_in_exports(table: InputOutput) -> pd.DataFrame:
    """Value added in each region's gross exports by where it is made.

        v̂ B Ê summed over the exporting industries of each region, E_s in the column of s

    Sums over origins give gross exports in a balanced table. What the exporter's own rows hold is
    domestic content V_s B_ss E_s, double counting included.

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by origin, industry, exporter: `value_added`.

    Source: Koopman, Wang and Wei (2014), section II.
    """
    values = _value_added_by_region(table, table.exports.sum(axis=1))
    return _by_origin(table, values, "exporter", "value_added")


def value_added_in_industry_exports(table: InputOutput) -> pd.DataFrame:
    """Value added in each industry's gross exports by the industry where it is made, v̂ B Ê.

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    square frame, rows (origin, industry), columns (exporter, industry); n² cells, so it is kept
    wide. It needs B, where `value_added_in_exports` only solves for the regions.

    Source: as `value_added_in_exports`.
    """
    origin = table.rows.set_names(["origin", "industry"])
    exporter = table.rows.set_names(["exporter", "industry"])
    values = table.v[:, None] * table.B * table.exports.sum(axis=1)[None, :]
    return pd.DataFrame(values, index=origin, columns=exporter)


@recorded
def domestic_value_added_in_exports(table: InputOutput, *, by: Sequence[str] = ("exporter",)) -> pd.DataFrame:
    """Domestic content of exports and domestic value added, and their shares.

        domestic content V_s B_ss E_sr      domestic value added V_s L_s E_sr (each unit once)

    Parameters
    ----------
    table : the input-output table.
    by : any of exporter, industry, importer; the rest is summed.

    Returns
    -------
    frame indexed by `by`: `gross_exports`, `DC`, `DVA`, `DC_share`, `DVA_share`.

    Source: Borin and Mancini (2023), eq. 4; Koopman, Wang and Wei (2014).
    """
    frame = labelled(
        table,
        {
            "gross_exports": table.exports,
            "DC": domestic_content(table)[:, None] * table.exports,
            "DVA": domestic_content_once(table)[:, None] * table.exports,
        },
        by,
    )
    for name in ("DC", "DVA"):
        frame[f"{name}_share"] = share(frame[name], frame["gross_exports"])
    return frame


def _passed_on(table: InputOutput) -> Array:
    """(V_s L_s)′ # A_st Σ_{r≠s} B_tr E_r: what t and those behind it export of what s sells to t, (n, R)."""
    through = table.solve(table.block_diagonal(table.exports.sum(axis=1)))
    abroad = through.sum(axis=1, keepdims=True) - through
    return domestic_content_once(table)[:, None] * bought(table, abroad[:, :, None])[0]


def _value_added_by_region(table: InputOutput, deliveries: Array) -> Array:
    """v̂ B times each region's deliveries in its own column, (n, R)."""
    return table.v[:, None] * table.solve(table.block_diagonal(deliveries))


def _by_origin(table: InputOutput, values: Array, column: str, name: str) -> pd.DataFrame:
    """(n, R) as a frame indexed by origin, industry and region; members of a group summed."""
    origin = np.asarray(table.regions, dtype=object)[table.region_of_row]
    index = pd.MultiIndex.from_arrays(
        [origin, table.rows.get_level_values("industry")], names=["origin", "industry"]
    )
    wide = pd.DataFrame(values, index=index, columns=pd.Index(table.regions, name=column))
    if not index.is_unique:
        wide = wide.groupby(level=["origin", "industry"], sort=False).sum()
    return pd.DataFrame({name: wide.stack()})
