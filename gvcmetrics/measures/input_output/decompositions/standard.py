"""The common parts of every decomposition, added up from its terms."""

from __future__ import annotations

import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import record


def standard_parts(terms: pd.DataFrame) -> pd.DataFrame:
    """Domestic and foreign content and their parts from the terms of any decomposition.

        DC  = DVA + DDC      domestic content            FC  = FVA + FDC    foreign content
        DVA = VAX + REF      domestic value added        DDC, FDC           double counting
        VAX                  absorbed abroad             REF                absorbed at home
        DAVAX = VAX1 + VAX2  directly absorbed abroad (Borin–Mancini source only)

    Parameters
    ----------
    terms : result of `borin_mancini_source`, `borin_mancini_sink`, `koopman_wang_wei` or
        `wang_wei_zhu`.

    Returns
    -------
    frame with the same index: `gross_exports`, `DC`, `DVA`, `VAX`, `REF`, `DDC`, `FC`, `FVA`, `FDC`.

    Raises
    ------
    DataError
        The columns are those of no decomposition.

    Source: Borin and Mancini (2023), table 1.
    """
    for members in _MEMBERS:
        if set().union(*members.values()) <= set(terms.columns):
            break
    else:
        raise DataError(
            "the columns are not the terms of a decomposition", remedy="Pass its result unchanged."
        )
    parts = {name: terms[list(columns)].sum(axis=1) for name, columns in members.items()}
    parts["DVA"] = parts["VAX"] + parts["REF"]
    parts["DC"] = parts["DVA"] + parts["DDC"]
    parts["FC"] = parts["FVA"] + parts["FDC"]
    parts["gross_exports"] = terms["gross_exports"]
    order = ["gross_exports", "DC", "DVA", "VAX", "REF", "DDC", "FC", "FVA", "FDC"]
    frame = pd.DataFrame({name: parts[name] for name in order})
    for name in order:
        record(frame, name, *terms.columns, like=terms)
    return frame


_MEMBERS: tuple[dict[str, tuple[str, ...]], ...] = (
    {
        "VAX": ("VAX1", "VAX2", "VAX3", "VAX4"),
        "REF": ("REF1", "REF2"),
        "DDC": ("DDC",),
        "FVA": ("FVA1", "FVA2", "FVA3", "FVA4"),
        "FDC": ("FDC",),
    },
    {
        "VAX": ("DVA_FIN", "DVA_INT", "DVA_INTrexI1", "DVA_INTrexF", "DVA_INTrexI2"),
        "REF": ("RDV_INT", "RDV_FIN", "RDV_FIN2"),
        "DDC": ("DDC_FIN", "DDC_INT"),
        "FVA": ("OVA_FIN", "MVA_FIN", "OVA_INT", "MVA_INT"),
        "FDC": ("ODC", "MDC"),
    },
    {
        "VAX": ("DVA_FIN", "DVA_INT", "DVA_INTrex"),
        "REF": ("RDV_FIN", "RDV_INT"),
        "DDC": ("DDC",),
        "FVA": ("FVA_FIN", "FVA_INT"),
        "FDC": ("FDC",),
    },
)
