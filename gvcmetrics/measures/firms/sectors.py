"""Industries by how their firms learn and upgrade."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import require_columns

PATTERNS = ("traditional", "natural_resource", "complex_products", "specialised_suppliers")

ISIC4_PATTERNS = {
    **dict.fromkeys(("13", "14", "15", "23", "31", "32"), "traditional"),
    **dict.fromkeys(("01", "02", "03", "05", "06", "07", "08", "09"), "natural_resource"),
    **dict.fromkeys(("10", "11", "12", "16", "17", "19", "24"), "natural_resource"),
    **dict.fromkeys(("26", "27", "29", "30"), "complex_products"),
    **dict.fromkeys(("28", "33", "62", "63"), "specialised_suppliers"),
}
"""ISIC Rev.4 (and NACE Rev.2) divisions by pattern; the others belong to none."""


def sectoral_pattern(
    frame: pd.DataFrame, *, industry: str = "industry", patterns: Mapping[str, str] | None = None
) -> pd.Series:
    """The sectoral pattern of learning that a firm's industry belongs to.

    ======================  ====================================================  =========================
    traditional             textiles, shoes, furniture, tiles                     13–15, 23, 31, 32
    natural_resource        farming, fishing, mining and what processes them      01–09, 10–12, 16, 17, 19, 24
    complex_products        cars and parts, aircraft, electronics, appliances     26, 27, 29, 30
    specialised_suppliers   software, machinery and its repair                    28, 33, 62, 63
    ======================  ====================================================  =========================

    Printing, chemicals, drugs, plastics and metal products (18, 20–22, 25) and all other services lie between
    these patterns or outside, and are missing: say yourself where they belong.

    Parameters
    ----------
    frame : firms, clusters or regions × industries.
    industry : codes of ISIC Rev.4 or NACE Rev.2 as text, of two digits or more.
    patterns : other codes, or a code that goes elsewhere: ``{"20": "complex_products", "2011": …}``. Of
        several that fit the longest decides; it may name patterns of its own.

    Returns
    -------
    pandas.Series
        `sectoral_pattern` (categorical), aligned; missing where the industry is, or belongs to none.

    Raises
    ------
    DataError
        An absent column, or codes that are no text of two digits or more.

    Source: Giuliani, Pietrobelli and Rabellotti (2005), after Pavitt (1984). They name examples; which
    divisions follow from them is this package's choice.
    """
    require_columns(frame, industry)
    codes = frame[industry]
    spelled = codes.map(lambda code: isinstance(code, str) and len(code) >= 2 and code[:2].isdigit())
    wrong = (~spelled.astype(bool) & codes.notna()).to_numpy()
    if wrong.any():
        raise DataError(
            f"{codes.iloc[int(wrong.argmax())]!r} is no code of an industry",
            Place(row=first_line(wrong), column=industry),
            "Write ISIC or NACE codes as text, of two digits at least, with their leading zeros.",
        )
    rules = {**ISIC4_PATTERNS, **(patterns or {})}
    by_length = sorted({len(code) for code in rules}, reverse=True)

    def of(code: object) -> str | float:
        return next((rules[str(code)[:n]] for n in by_length if str(code)[:n] in rules), np.nan)

    known = {code: of(code) for code in codes.dropna().unique()}
    categories = list(dict.fromkeys([*PATTERNS, *rules.values()]))
    named = pd.Categorical(codes.map(known).astype(object), categories=categories)
    out = pd.Series(named, frame.index, name="sectoral_pattern")
    return record(out, "sectoral_pattern", industry, like=frame)
