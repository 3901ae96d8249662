"""Industries of published input-output tables that are groups of divisions of ISIC.

The table `industry_groups.csv` beside this module holds, of each classification, its industries as the
edition labels them and the divisions of each, first and last where they are a span: of ISIC Rev.4 for the
tables of 2010 and later, of ISIC Rev.3 for the earlier ones. Most labels state their divisions; where they
are words (Eora26, Dnec of the long run) the divisions are those that the words describe.

Source
------
WIOD 2016: Timmer et al. (2016). Long run: Woltjer, Gouma and Timmer (2021). FIGARO: Eurostat, 64 industries
of NACE Rev.2. ICIO: OECD, 45 industries of the editions of 2021 and 2023. Eora26: Lenzen et al. (2013).
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files


@cache
def industry_of_division(classification: str) -> dict[str, str]:
    """The industry of each division of two digits; a division that the table leaves out is not there."""
    text = files("gvcmetrics.panels.crosswalks").joinpath("industry_groups.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        if row["classification"] != classification:
            continue
        for span in row["divisions"].split("|"):
            first, _, last = span.partition("-")
            for division in range(int(first), int(last or first) + 1):
                found[f"{division:02d}"] = row["industry"]
    return found
