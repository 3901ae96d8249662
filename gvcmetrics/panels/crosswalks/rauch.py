"""Which goods are differentiated: Rauch's classes of SITC Rev.2, carried to any classification.

Rauch calls a good homogeneous where an organised exchange trades it, reference-priced where a trade journal
quotes it, and differentiated otherwise.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import pandas as pd

from gvcmetrics.errors import DataError, MissingSourceError, Place
from gvcmetrics.panels.classifications import CLASSIFICATIONS
from gvcmetrics.panels.crosswalks import tables
from gvcmetrics.panels.crosswalks.links import crosswalk
from gvcmetrics.panels.sources.catalogue import source as catalogue_source
from gvcmetrics.panels.sources.fetch import how_to_get

_FILE = "sitc2_rauch.parquet"
_COLUMN = {"liberal": "LIB", "conservative": "CON"}
_DIFFERENTIATED = "n"


def differentiated_share(
    classification: str, version: Literal["liberal", "conservative"] = "liberal"
) -> pd.Series:
    """Share of differentiated goods among the products behind each code, in [0, 1].

    Every product of SITC Rev.2 (four digits) counts alike, by the weight with which the crosswalk gives it to
    the code; products that Rauch does not class count nowhere.

    Parameters
    ----------
    classification : of the codes, such as `"WIOD2013"`.
    version : Rauch's liberal classification, which calls fewer goods differentiated, or the conservative one.

    Returns
    -------
    pandas.Series : indexed by code.

    Raises
    ------
    DataError : an unknown classification or version, or no crosswalk from SITC2.
    MissingSourceError : the tables are not on this machine; the remedy says how to get them.

    Source: Rauch (1999).
    """
    if version not in _COLUMN:
        raise DataError(f"there is no version '{version}'", remedy=f"Versions: {', '.join(_COLUMN)}")
    if classification not in CLASSIFICATIONS:
        remedy = f"Classifications: {', '.join(CLASSIFICATIONS)}"
        raise DataError(f"there is no classification '{classification}'", remedy=remedy)
    return _share(classification, version, tables.folder((_FILE,))).copy()


@cache
def _share(classification: str, version: str, where: Path) -> pd.Series:
    if not (where / _FILE).is_file():
        entry = catalogue_source("concordances")
        problem = f"Rauch's classes need '{_FILE}', which is not on this machine"
        raise MissingSourceError(problem, Place(key=entry.name), how_to_get(entry))
    classes = pd.read_parquet(where / _FILE).dropna(subset=[_COLUMN[version]])
    kinds = classes.set_index("SITC2")[_COLUMN[version]].eq(_DIFFERENTIATED).astype(float)
    if classification == "SITC2":
        return kinds.rename("differentiated_share").rename_axis("code")
    links = crosswalk("SITC2", classification).links.dropna(subset="target")
    links = links[links["source"].str.len() == 4]
    known = links.assign(kind=links["source"].map(kinds)).dropna(subset="kind")
    sums = pd.DataFrame({"kind": known["weight"] * known["kind"], "weight": known["weight"]})
    sums = sums.groupby(known["target"]).sum()
    return (sums["kind"] / sums["weight"]).rename("differentiated_share").rename_axis("code")
