"""Borin and Mancini's decomposition of gross exports, source-based and sink-based."""

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
    foreign_content_once,
)
from gvcmetrics.measures.input_output.decompositions.routes import Routes, sink_routes, source_routes
from gvcmetrics.measures.input_output.table import Array, InputOutput, labelled, recorded

Perspective = Literal["exporter", "bilateral", "sector", "sector_bilateral"]


@recorded
def borin_mancini_source(table: InputOutput, *, by: Sequence[str] = ("exporter",)) -> pd.DataFrame:
    """Gross exports in twelve terms, value added recorded where it first leaves its origin.

    For exports of s to r, with d = V_s L_s, f = Σ_{t≠s} V_t B^{s}_ts (the extraction inverse of s)
    and k, l over all regions:

        VAX1  d Y_sr                               REF1  d A_sr L_r Y_rs
        VAX2  d A_sr L_r Y_rr                      REF2  d A_sr L_r Σ_{j≠r} A_rj Σ_k B_jk Y_ks
        VAX3  d A_sr L_r Σ_{j≠r,s} Y_rj            DDC   V_s (B_ss − L_s) E_sr
        VAX4  d A_sr L_r Σ_{j≠r} A_rj Σ_k B_jk Σ_{l≠s} Y_kl
        FVA1  f Y_sr                               FVA2  f A_sr L_r Y_rr
        FVA3  f A_sr L_r Σ_{j≠r} Y_rj              FVA4  f A_sr L_r Σ_{j≠r} A_rj Σ_k B_jk Y_k
        FDC   Σ_{t≠s} (V_t B_ts − V_t B^{s}_ts) E_sr

    VAX is absorbed abroad, REF at home; DDC and FDC are double counting. The terms add up to
    gross exports in a balanced table. VAX1 + VAX2 is DAVAX, directly absorbed value added. The
    four sums DVA, DDC, FVA, FDC are also those of Miroudot and Ye (2021) with the country as
    perimeter.

    Parameters
    ----------
    table : the input-output table; a group of countries counts as one exporter.
    by : any of exporter, industry, importer; the rest is summed. What counts as double counting is
        seen from the exporting country at every level (see `borin_mancini_perspective`).

    Returns
    -------
    frame indexed by `by`: `gross_exports` and the twelve terms; `standard_parts` adds them up.

    Raises
    ------
    DataError
        I − A is singular, or `by` names an unknown level.

    Source: Borin and Mancini (2023), eq. 4 and the source-based terms; (2019).
    """
    routes = source_routes(table)
    once = domestic_content_once(table)
    foreign, foreign_once = foreign_content(table), foreign_content_once(table)
    terms = {
        "gross_exports": table.exports,
        **_terms(routes, once, foreign_once),
        "DDC": (domestic_content(table) - once)[:, None] * table.exports,
        "FDC": (foreign - foreign_once)[:, None] * table.exports,
    }
    return labelled(table, {name: terms[name] for name in _ORDER}, by)


@recorded
def borin_mancini_sink(table: InputOutput, *, by: Sequence[str] = ("exporter",)) -> pd.DataFrame:
    """Gross exports in twelve terms, value added recorded where it last leaves for its final use.

    For exports of s to r, with d = V_s B_ss, f = Σ_{t≠s} V_t B_ts, B^{s} the extraction inverse of s
    and Y^{s} final use without the final exports of s:

        VAX1  d Y_sr                               REF1  d A_sr L_r Y_rs
        VAX2  d A_sr L_r Y_rr                      REF2  d A_sr L_r Σ_{j≠r} A_rj Σ_k B^{s}_jk Y^{s}_ks
        VAX3  d A_sr L_r Σ_{j≠r,s} Y_rj            DDC   d A_sr L_r Σ_{j≠r} A_rj B^{s}_js E_s
        VAX4  d A_sr L_r Σ_{j≠r} A_rj Σ_k B^{s}_jk Σ_{l≠s} Y^{s}_kl
        FVA1–FVA4, FDC  as VAX1, VAX2, VAX3 + REF1, VAX4 + REF2 and DDC with f for d

    Exports that s makes out of its own returning exports are double counting here. `VAXIM` (not
    one of the terms) is the part of VAX absorbed by the importer r itself: VAX1 + VAX2 and, of
    VAX4, what ends in r.

    Parameters
    ----------
    table : the input-output table; a group of countries counts as one exporter.
    by : any of exporter, industry, importer; the rest is summed.

    Returns
    -------
    frame indexed by `by`: `gross_exports`, the twelve terms and `VAXIM`.

    Raises
    ------
    DataError
        I − A is singular, or `by` names an unknown level.

    Source: Borin and Mancini (2023), eq. 12–13 and the sink-based terms; (2019).
    """
    routes = sink_routes(table)
    domestic, foreign = domestic_content(table), foreign_content(table)
    terms = {
        "gross_exports": table.exports,
        **_terms(routes, domestic, foreign),
        "DDC": domestic[:, None] * routes.own,
        "FDC": foreign[:, None] * routes.own,
    }
    ordered = {name: terms[name] for name in _ORDER}
    ordered["VAXIM"] = domestic[:, None] * (routes.final + routes.direct + routes.further_importer)
    return labelled(table, ordered, by)


@recorded
def borin_mancini_perspective(
    table: InputOutput, perspective: Perspective, *, by: Sequence[str] | None = None
) -> pd.DataFrame:
    """Domestic and foreign value added in exports, double counting seen from a chosen border.

    A unit of value added is counted the first time it crosses the border in question, later
    crossings are double counting. The border is all exports of s (`"exporter"`), those to one
    partner r (`"bilateral"`), those of one industry i (`"sector"`), or of one industry to one
    partner (`"sector_bilateral"`). With the border's entries of A set to zero, the inverse is
    B M⁻¹ in the columns of s, where M = I + (those entries of A) times B:

        exporter          M = I + Σ_{j≠s} A_sj B_js          bilateral         M = I + A_sr B_rs
        sector            M = 1 + Σ_{j≠s} a_ij b_ji          sector_bilateral  M = 1 + a_ir b_ri

        DVA = V_s B_ss M⁻¹ E     DDC = V_s B_ss E − DVA
        FVA = Σ_{t≠s} V_t B_ts M⁻¹ E     FDC = Σ_{t≠s} V_t B_ts E − FVA

    The narrower the border, the less is double counting; for one perspective the results of
    several borders must not be added up to that of a wider one, which is why `by` defaults to
    the borders themselves.

    Parameters
    ----------
    table : the input-output table.
    perspective : the border.
    by : levels of the result; by default exporter, and importer and industry as the border has them.

    Returns
    -------
    frame indexed by `by`: `gross_exports`, `DVA`, `DDC`, `FVA`, `FDC`.

    Raises
    ------
    DataError
        An unknown perspective, or I − A is singular.

    Source: Borin and Mancini (2023), on exporter, bilateral and sectoral perspectives.
    """
    levels = {
        "exporter": ("exporter",),
        "bilateral": ("exporter", "importer"),
        "sector": ("exporter", "industry"),
        "sector_bilateral": ("exporter", "industry", "importer"),
    }
    if perspective not in levels:
        raise DataError(f"perspective {perspective!r} is unknown", remedy=f"Choose from {tuple(levels)}.")
    domestic, foreign = domestic_content(table), foreign_content(table)
    if perspective == "exporter":
        domestic_once, foreign_once = domestic_content_once(table), foreign_content_once(table)
        once = np.stack([domestic_once, foreign_once])[:, :, None] * table.abroad
    elif perspective == "bilateral":
        once = _once_by_partner(table, np.stack([domestic, foreign]))
    else:
        once = np.stack([domestic, foreign])[:, :, None] / _own_return(table, perspective)
    dva, fva = once * table.exports
    return labelled(
        table,
        {
            "gross_exports": table.exports,
            "DVA": dva,
            "DDC": domestic[:, None] * table.exports - dva,
            "FVA": fva,
            "FDC": foreign[:, None] * table.exports - fva,
        },
        levels[perspective] if by is None else by,
    )


_ORDER = (
    "gross_exports",
    *("VAX1", "VAX2", "VAX3", "VAX4", "REF1", "REF2", "DDC"),
    *("FVA1", "FVA2", "FVA3", "FVA4", "FDC"),
)


def _terms(routes: Routes, domestic: Array, foreign: Array) -> dict[str, Array]:
    d, f = domestic[:, None], foreign[:, None]
    return {
        "VAX1": d * routes.final,
        "VAX2": d * routes.direct,
        "VAX3": d * routes.onward_third,
        "VAX4": d * routes.further_third,
        "REF1": d * routes.onward_home,
        "REF2": d * routes.further_home,
        "FVA1": f * routes.final,
        "FVA2": f * routes.direct,
        "FVA3": f * (routes.onward_third + routes.onward_home),
        "FVA4": f * (routes.further_third + routes.further_home),
    }


def _once_by_partner(table: InputOutput, content: Array) -> Array:
    """Content (2, n) times (I + A_sr B_rs)⁻¹ for every partner r, (2, n, R)."""
    once = np.zeros((*content.shape, len(table.regions)))
    for s, b in enumerate(table.blocks):
        for r, c in enumerate(table.blocks):
            if r != s:
                M = np.eye(b.stop - b.start) + table.A[b, c] @ table.B[c, b]
                once[:, b, r] = np.linalg.solve(M.T, content[:, b].T).T
    return once


def _own_return(table: InputOutput, perspective: Perspective) -> Array:
    """1 + Σ a_ij b_ji over the columns j behind the border of industry i, (n, R)."""
    starts = [block.start for block in table.blocks]
    by_partner = np.add.reduceat(table.A * table.B.T, starts, axis=1) * table.abroad
    if perspective == "sector":
        return np.repeat(1.0 + by_partner.sum(axis=1, keepdims=True), len(table.regions), axis=1)
    return 1.0 + by_partner
