"""Vertical specialisation (Hummels, Ishii and Yi, 2001)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.measures.input_output.table import InputOutput, labelled, recorded, share


@recorded
def hummels_ishii_yi(table: InputOutput, *, by: Sequence[str] = ("exporter",)) -> pd.DataFrame:
    """Imported inputs in exports, VS, and its share.

        VS_s = u Σ_{t≠s} A_ts L_s E_s

    with u a row of ones and L_s the local inverse. In a balanced table it equals u E_s − V_s L_s E_s,
    the backward participation of Borin and Mancini (source-based, exporter perspective). VS1, a
    country's value added in other countries' exports, is in `participation_koopman`.

    Parameters
    ----------
    table : the input-output table.
    by : any of exporter, industry, importer; the rest is summed.

    Returns
    -------
    frame indexed by `by`: `gross_exports`, `VS`, `VS_share` (missing where exports are not positive).

    Source: Hummels, Ishii and Yi (2001), eq. 3.
    """
    imported = np.concatenate(
        [
            (table.A[:, b].sum(axis=0) - table.A[b, b].sum(axis=0)) @ L
            for b, L in zip(table.blocks, table.L, strict=True)
        ]
    )
    frame = labelled(table, {"gross_exports": table.exports, "VS": imported[:, None] * table.exports}, by)
    frame["VS_share"] = share(frame["VS"], frame["gross_exports"])
    return frame
