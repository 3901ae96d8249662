"""Value-added content of exports as the OECD's TiVA indicators define it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.measures.input_output.decompositions.content import (
    domestic_content,
    domestic_content_once,
    foreign_content,
)
from gvcmetrics.measures.input_output.table import InputOutput, labelled, recorded


@recorded
def oecd_content(table: InputOutput, *, by: Sequence[str] = ("exporter",)) -> pd.DataFrame:
    """Domestic and foreign value added in gross exports, TiVA style.

        EXGR_DDC  V_s diag(L_s) E_s            direct domestic value added
        EXGR_IDC  V_s (L_s − diag(L_s)) E_s    indirect domestic value added
        EXGR_RIM  V_s (B_ss − L_s) E_s         re-imported domestic value added
        EXGR_FVA  Σ_{t≠s} V_t B_ts E_s         foreign value added

    The four add up to gross exports in a balanced table.

    Parameters
    ----------
    table : the input-output table.
    by : any of exporter, industry, importer; the rest is summed.

    Returns
    -------
    frame indexed by `by`: `EXGR` and the four terms.

    Source: OECD (2021), Guide to TiVA indicators, EXGR_DDC to EXGR_FVA.
    """
    direct = np.concatenate([table.v[b] * np.diag(L) for b, L in zip(table.blocks, table.L, strict=True)])[
        :, None
    ]
    once, domestic = domestic_content_once(table)[:, None], domestic_content(table)[:, None]
    return labelled(
        table,
        {
            "EXGR": table.exports,
            "EXGR_DDC": direct * table.exports,
            "EXGR_IDC": (once - direct) * table.exports,
            "EXGR_RIM": (domestic - once) * table.exports,
            "EXGR_FVA": foreign_content(table)[:, None] * table.exports,
        },
        by,
    )
