"""What a unit of exports is made of: the multipliers that the decompositions share.

Each is a row vector over the n exporting industries: value added at home (or abroad) per unit
of exports, counted with the global inverse B, the local inverse L_s, or the extraction inverse.
"""

from __future__ import annotations

import numpy as np

from gvcmetrics.measures.input_output.table import Array, InputOutput


def domestic_content(table: InputOutput) -> Array:
    """V_s B_ss: domestic value added per unit, what has left and come back counted again, (n,)."""
    return table.at_home(table.content_by_origin)


def foreign_content(table: InputOutput) -> Array:
    """Σ_{t≠s} V_t B_ts: foreign value added per unit, double counting included, (n,)."""
    return table.content_by_origin.sum(axis=1) - domestic_content(table)


def domestic_content_once(table: InputOutput) -> Array:
    """V_s L_s: domestic value added per unit that has not yet crossed a border, (n,)."""
    parts = [table.v[b] @ L for b, L in zip(table.blocks, table.L, strict=True)]
    return np.concatenate(parts)


def return_factors(table: InputOutput) -> list[Array]:
    """M_s = I + Σ_{j≠s} A_sj B_js = (I − A_ss) B_ss: how much of its own exports s makes again.

    The extraction inverse of s, (I − A)⁻¹ with A_sj = 0 for all j ≠ s, differs from I − A by the
    rows of one region only. By the Woodbury identity its columns for s are B_·s M_s⁻¹, so no
    inverse beyond B is needed, only one system of the size of a region.
    """
    return [(np.eye(b.stop - b.start) - table.A[b, b]) @ table.B[b, b] for b in table.blocks]


def foreign_content_once(table: InputOutput) -> Array:
    """Σ_{t≠s} V_t B^{s}_ts with B^{s} the extraction inverse of s, (n,).

    Foreign value added per unit that has not yet been in the exports of s:
    Σ_{t≠s} V_t B_ts M_s⁻¹, see `return_factors`.
    """
    foreign = foreign_content(table)
    parts = [
        np.linalg.solve(M.T, foreign[b]) for b, M in zip(table.blocks, return_factors(table), strict=True)
    ]
    return np.concatenate(parts)
