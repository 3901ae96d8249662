"""The nine terms of Koopman, Wang and Wei (2014)."""

from __future__ import annotations

import pandas as pd

from gvcmetrics.measures.input_output.decompositions.content import domestic_content, foreign_content
from gvcmetrics.measures.input_output.table import Array, InputOutput, recorded


@recorded
def koopman_wang_wei(table: InputOutput) -> pd.DataFrame:
    """Gross exports of each region in nine terms.

    With sums over partners r ≠ s and third regions t ≠ s, r:

        DVA_FIN     V_s B_ss Σ_r Y_sr            domestic value added in final exports
        DVA_INT     V_s Σ_r B_sr Y_rr            in intermediates that the importer absorbs
        DVA_INTrex  V_s Σ_r Σ_t B_sr Y_rt        in intermediates re-exported to third regions
        RDV_FIN     V_s Σ_r B_sr Y_rs            returning home in final imports
        RDV_INT     V_s Σ_r B_sr A_rs L_s Y_ss   returning home in intermediate imports
        DDC         V_s Σ_r B_sr A_rs L_s E_s    domestic value added counted twice
        FVA_FIN     Σ_t V_t B_ts Σ_r Y_sr        foreign value added in final exports
        FVA_INT     Σ_t V_t B_ts Σ_r A_sr L_r Y_rr   in intermediate exports
        FDC         Σ_t V_t B_ts Σ_r A_sr L_r E_r    foreign value added counted twice

    (t ≠ s in the last three). They add up to gross exports in a balanced table. Only solves with
    the LU factors are needed, never B itself.

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by exporter: `gross_exports` and the nine terms. They are defined at country
    level only; for industries and partners use `wang_wei_zhu` or `borin_mancini_source`.

    Raises
    ------
    DataError
        I − A is singular.

    Source: Koopman, Wang and Wei (2014), eq. 36.
    """
    exports = table.exports.sum(axis=1)
    final, final_exports = table.final_use, table.final_exports.sum(axis=1)
    home_use = table.at_home(final)
    # Column s: Σ_r V_s B_sr, the rows r of other regions only.
    indirect = table.content_by_origin * table.abroad
    domestic, foreign = domestic_content(table), foreign_content(table)
    # What each region buys from itself and exports, spread over its own industries.
    home_output = table.local(home_use)
    export_output = table.local(exports)
    home_inputs = table.A @ table.block_diagonal(home_output)
    export_inputs = table.A @ table.block_diagonal(export_output)
    bought_home = table.abroad * home_inputs
    bought_exports = table.abroad * export_inputs

    def by_region(values: Array) -> Array:
        return table.block_diagonal(values).sum(axis=0)

    to_exporter = (indirect * final).sum(axis=0)
    to_itself = indirect.T @ home_use
    to_all = indirect.T @ final.sum(axis=1)
    terms = {
        "gross_exports": by_region(exports),
        "DVA_FIN": by_region(domestic * final_exports),
        "DVA_INT": to_itself,
        "DVA_INTrex": to_all - to_itself - to_exporter,
        "RDV_FIN": to_exporter,
        "RDV_INT": (indirect * bought_home).sum(axis=0),
        "DDC": (indirect * bought_exports).sum(axis=0),
        "FVA_FIN": by_region(foreign * final_exports),
        "FVA_INT": by_region(foreign * bought_home.sum(axis=1)),
        "FDC": by_region(foreign * bought_exports.sum(axis=1)),
    }
    return pd.DataFrame(terms, index=pd.Index(table.regions, name="exporter"))
