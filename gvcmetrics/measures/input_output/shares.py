"""How much of trade, output, value added and final goods belongs to value chains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.measures.input_output.decompositions.content import domestic_content_once
from gvcmetrics.measures.input_output.decompositions.routes import bought
from gvcmetrics.measures.input_output.table import Array, InputOutput, labelled, recorded, share


@recorded
def pure_and_two_sided_participation(
    table: InputOutput, *, by: Sequence[str] = ("exporter",)
) -> pd.DataFrame:
    """Participation of exports in value chains: pure backward, pure forward and two-sided.

    With c = V_s L_s the domestic value added of a unit that has not crossed a border, m = u − c its import
    content, and E_r all exports of r,

        DAVAX_sr         = c (Y_sr + A_sr L_r Y_rr)       traditional: one border
        pure_forward_sr  = c A_sr L_r E_r                 domestic value that r exports on
        pure_backward_sr = m (Y_sr + A_sr L_r Y_rr)       imported value that r uses itself
        two_sided_sr     = m A_sr L_r E_r                 imported value that r exports on

    They add up to gross exports in a balanced table, the last three to `GVC` of `gvc_participation`.

    Parameters
    ----------
    table : the input-output table; a group of countries counts as one exporter.
    by : any of exporter, industry, importer; the rest is summed.

    Returns
    -------
    frame indexed by `by`: `gross_exports`, the four parts, and of the last three the `_share` in gross
    exports.

    Source: Borin, Mancini and Taglioni (2021), on trade-based measures.
    """
    once = domestic_content_once(table)[:, None]
    absorbed, passed_on = _by_fate(table)
    frame = labelled(
        table,
        {
            "gross_exports": table.exports,
            "DAVAX": once * absorbed,
            "pure_forward": once * passed_on,
            "pure_backward": (1 - once) * absorbed,
            "two_sided": (1 - once) * passed_on,
        },
        by,
    )
    for part in ("pure_forward", "pure_backward", "two_sided"):
        frame[f"{part}_share"] = share(frame[part], frame["gross_exports"])
    return frame


@recorded
def output_participation(table: InputOutput) -> pd.DataFrame:
    """Participation of output in value chains, exported or not.

    Output of s ends, after what L_s makes of it at home, in final use at home, in exports that the importer
    uses itself, or in exports that the importer exports on:

        x_s = L_s Y_ss + L_s Σ_r (Y_sr + A_sr L_r Y_rr) + L_s Σ_r A_sr L_r E_r

    and with c = V_s L_s and m = u − c as in `pure_and_two_sided_participation`, element by element,

        domestic = c # first    traditional = c # second     pure_forward = c # third
        pure_backward = m # (first + second)                 two_sided = m # third

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by country, industry: `output`, the five parts, which add up to it, and `_share` of the last
    three and of their sum, `participation`, in output.

    Source: after Borin, Mancini and Taglioni (2021), on output-based measures, which count imported inputs
    in output sold at home as well.
    """
    once = domestic_content_once(table)
    absorbed, passed_on = (flow.sum(axis=1) for flow in _by_fate(table))
    home, direct, further = (
        table.local(demand) for demand in (table.at_home(table.final_use), absorbed, passed_on)
    )
    return _by_row(
        table,
        {
            "output": table.x,
            "domestic": once * home,
            "traditional": once * direct,
            "pure_forward": once * further,
            "pure_backward": (1 - once) * (home + direct),
            "two_sided": (1 - once) * further,
        },
        ("pure_forward", "pure_backward", "two_sided"),
        "output",
    )


@recorded
def simple_and_complex_participation(table: InputOutput) -> pd.DataFrame:
    """Value added, and production of final goods, by how many borders they cross in production.

    With A^F the inputs from abroad, y^D final use at home and y^F final exports of each row, and y their sum,

        forward, by industry of origin             backward, by industry of completion
        domestic     v # L y^D                     (v L) # y^D
        traditional  v # L y^F                     (v L) # y^F
        simple       v # L A^F L y^D               (v L A^F L) # y^D
        complex      v # L A^F (x − L y^D)         (v L A^F B) # y − (v L A^F L) # y^D

    Simple value chains cross one border for production, complex ones several. The forward parts add up to
    value added, the backward ones to final goods, in a balanced table.

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by country, industry: `value_added`, `forward_domestic`, `forward_traditional`,
    `forward_simple`, `forward_complex`; `final_goods` and the same `backward_`; and `_share` of simple and
    complex in value added and final goods.

    Source: Wang, Wei, Yu and Zhu (2017a), eq. 6 and 10.
    """
    home, abroad = table.at_home(table.final_use), table.final_exports.sum(axis=1)
    v, x = table.value_added / np.where(table.x != 0, table.x, 1.0), table.x
    v = np.where(x != 0, v, 0.0)
    local_home = table.local(home)
    once = domestic_content_once(table)
    imported = once @ _foreign(table)
    through_home = np.concatenate([imported[b] @ L for b, L in zip(table.blocks, table.L, strict=True)])
    everywhere = table.solve_transposed(imported)
    frame = _by_row(
        table,
        {
            "value_added": v * x,
            "forward_domestic": v * local_home,
            "forward_traditional": v * table.local(abroad),
            "forward_simple": v * table.local(_foreign(table) @ local_home),
            "forward_complex": v * table.local(_foreign(table) @ (x - local_home)),
            "final_goods": home + abroad,
            "backward_domestic": once * home,
            "backward_traditional": once * abroad,
            "backward_simple": through_home * home,
            "backward_complex": everywhere * (home + abroad) - through_home * home,
        },
        (),
        "",
    )
    for side, whole in (("forward", "value_added"), ("backward", "final_goods")):
        for part in ("simple", "complex"):
            frame[f"{side}_{part}_share"] = share(frame[f"{side}_{part}"], frame[whole])
    return frame


def _by_fate(table: InputOutput) -> tuple[Array, Array]:
    """Exports by what the importer does with them: uses them itself, or exports them on, each (n, R)."""
    R = len(table.regions)
    processed = table.local(table.at_home(table.final_use))
    exported = table.local(table.exports.sum(axis=1))
    needs = np.stack([np.repeat(column[:, None], R, axis=1) for column in (processed, exported)], axis=2)
    absorbed, passed_on = bought(table, needs)
    return table.final_exports + absorbed, passed_on


def _foreign(table: InputOutput) -> Array:
    """A with the blocks of inputs from home set to zero."""
    A = table.A.copy()
    for b in table.blocks:
        A[b, b] = 0.0
    return A


def _by_row(table: InputOutput, values: dict[str, Array], parts: Sequence[str], whole: str) -> pd.DataFrame:
    frame = pd.DataFrame(values, index=table.rows)
    for part in parts:
        frame[f"{part}_share"] = share(frame[part], frame[whole])
    if parts:
        frame["participation"] = share(frame[list(parts)].sum(axis=1), frame[whole])
    return frame
