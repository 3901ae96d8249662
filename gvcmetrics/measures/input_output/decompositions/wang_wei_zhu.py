"""The sixteen terms of Wang, Wei and Zhu (2013), by industry and partner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.measures.input_output.decompositions.content import (
    domestic_content,
    domestic_content_once,
    foreign_content,
)
from gvcmetrics.measures.input_output.decompositions.routes import bought
from gvcmetrics.measures.input_output.table import InputOutput, labelled, recorded

# The terms V_s L_s # A_sr (…), in the paper's order.
_LOCAL = (
    *("DVA_INT", "DVA_INTrexI1", "DVA_INTrexF", "DVA_INTrexI2"),
    *("RDV_INT", "RDV_FIN", "RDV_FIN2"),
)


@recorded
def wang_wei_zhu(
    table: InputOutput, *, by: Sequence[str] = ("exporter", "industry", "importer")
) -> pd.DataFrame:
    """Gross exports of each industry of s to each partner r in sixteen terms.

    Element by element (#), with l = (V_s L_s)′, b = (V_s B_ss)′ and t, u third regions:

        DVA_FIN       b # Y_sr
        DVA_INT       l # A_sr B_rr Y_rr
        DVA_INTrexI1  l # A_sr Σ_{t≠s,r} B_rt Y_tt
        DVA_INTrexF   l # A_sr B_rr Σ_{t≠s,r} Y_rt
        DVA_INTrexI2  l # A_sr Σ_{t≠s,r} B_rt Σ_{u≠s,t} Y_tu
        RDV_INT       l # A_sr B_rs Y_ss
        RDV_FIN       l # A_sr B_rr Y_rs
        RDV_FIN2      l # A_sr Σ_{t≠s,r} B_rt Y_ts
        OVA_FIN       (Σ_{t≠s,r} V_t B_ts)′ # Y_sr           MVA_FIN  (V_r B_rs)′ # Y_sr
        OVA_INT       (Σ_{t≠s,r} V_t B_ts)′ # A_sr L_r Y_rr  MVA_INT  (V_r B_rs)′ # A_sr L_r Y_rr
        DDC_FIN       l # A_sr B_rs Σ_{t≠s} Y_st
        DDC_INT       (V_s B_ss − V_s L_s)′ # A_sr X_r
        ODC           (Σ_{t≠s,r} V_t B_ts)′ # A_sr L_r E_r   MDC      (V_r B_rs)′ # A_sr L_r E_r

    They add up to gross exports in a balanced table.

    Parameters
    ----------
    table : the input-output table.
    by : any of exporter, industry, importer; the rest is summed.

    Returns
    -------
    frame indexed by `by`: `gross_exports` and the sixteen terms.

    Raises
    ------
    DataError
        I − A is singular, or `by` names an unknown level.

    Source: Wang, Wei and Zhu (2013), eq. 37 and table E1.
    """
    use, final_exports, R = table.final_use, table.final_exports, len(table.regions)
    home_use, abroad_use = table.at_home(use), final_exports.sum(axis=1)
    total = table.output_by_destination
    # Column t: output of every row that goes into final use of t made in t, and into t's final exports.
    through_home = table.solve(table.block_diagonal(home_use))
    through_exports = table.solve(table.block_diagonal(abroad_use))
    own_home, own_exports = table.at_home(through_home), table.at_home(through_exports)
    own_by_use = np.concatenate([table.B[b, b] @ final_exports[b] for b in table.blocks])
    processed_home = table.local(home_use)
    processed_exports = table.local(table.exports.sum(axis=1))

    # Per unit bought by r, rows of r, column s; then multiplied by A_sr in `sold`.
    third_home = (through_home.sum(axis=1) - own_home)[:, None] - through_home
    returning = total - through_home - own_by_use
    third_exports = (through_exports.sum(axis=1) - own_exports)[:, None] - through_exports
    needs = {
        "DVA_INT": np.repeat(own_home[:, None], R, axis=1),
        "DVA_INTrexI1": third_home,
        "DVA_INTrexF": own_exports[:, None] - own_by_use,
        "DVA_INTrexI2": third_exports - returning,
        "RDV_INT": through_home,
        "RDV_FIN": own_by_use,
        "RDV_FIN2": returning,
        "DDC_FIN": through_exports,
        "DDC_INT": np.repeat(table.x[:, None], R, axis=1),
        "VA_INT": np.repeat(processed_home[:, None], R, axis=1),
        "DC": np.repeat(processed_exports[:, None], R, axis=1),
    }
    sold = dict(zip(needs, bought(table, np.stack(list(needs.values()), axis=2)), strict=True))

    once, domestic = domestic_content_once(table)[:, None], domestic_content(table)[:, None]
    importer = table.content_by_origin * table.abroad
    other = (foreign_content(table)[:, None] - importer) * table.abroad
    terms = {
        "gross_exports": table.exports,
        "DVA_FIN": domestic * final_exports,
        **{name: once * sold[name] for name in _LOCAL},
        "OVA_FIN": other * final_exports,
        "MVA_FIN": importer * final_exports,
        "OVA_INT": other * sold["VA_INT"],
        "MVA_INT": importer * sold["VA_INT"],
        "DDC_FIN": once * sold["DDC_FIN"],
        "DDC_INT": (domestic - once) * sold["DDC_INT"],
        "ODC": other * sold["DC"],
        "MDC": importer * sold["DC"],
    }
    return labelled(table, terms, by)
