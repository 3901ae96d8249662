"""The tables behind the crosswalks, as files of the concordances folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gvcmetrics.errors import MissingSourceError, Place
from gvcmetrics.panels.classifications import ALL_REVISIONS, file_name
from gvcmetrics.panels.sources.catalogue import source as catalogue_source
from gvcmetrics.panels.sources.fetch import how_to_get, mirror_path

# The 56 industries of the WIOD release of 2016 by their divisions of ISIC Rev.4 (Timmer et al. 2016).
_WIOD2016 = {
    **{f"A{division}": (division,) for division in ("01", "02", "03")},
    "B": ("05", "06", "07", "08", "09"),
    "C10-C12": ("10", "11", "12"),
    "C13-C15": ("13", "14", "15"),
    **{f"C{division}": (str(division),) for division in range(16, 31)},
    "C31_C32": ("31", "32"),
    "C33": ("33",),
    "D35": ("35",),
    "E36": ("36",),
    "E37-E39": ("37", "38", "39"),
    "F": ("41", "42", "43"),
    **{f"G{division}": (str(division),) for division in (45, 46, 47)},
    **{f"H{division}": (str(division),) for division in range(49, 54)},
    "I": ("55", "56"),
    "J58": ("58",),
    "J59_J60": ("59", "60"),
    "J61": ("61",),
    "J62_J63": ("62", "63"),
    **{f"K{division}": (str(division),) for division in (64, 65, 66)},
    "L68": ("68",),
    "M69_M70": ("69", "70"),
    **{f"M{division}": (str(division),) for division in (71, 72, 73)},
    "M74_M75": ("74", "75"),
    "N": ("77", "78", "79", "80", "81", "82"),
    "O84": ("84",),
    "P85": ("85",),
    "Q": ("86", "87", "88"),
    "R_S": ("90", "91", "92", "93", "94", "95", "96"),
    "T": ("97", "98"),
    "U": ("99",),
}


def folder(needed: Sequence[str]) -> Path:
    """The folder that holds the tables.

    Raises
    ------
    MissingSourceError : it is not on this machine; the error names the files that are `needed`, and the
        remedy says how to get them.
    """
    entry = catalogue_source("concordances")
    path = mirror_path(entry)
    if path is None or not path.is_dir():
        problem = f"the crosswalk tables are not on this machine (needed: {', '.join(needed)})"
        raise MissingSourceError(problem, Place(key=entry.name), how_to_get(entry))
    return path


def levels(source: str, target: str, where: Path) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """The codes of one table at every level: of the source, of the target, and the file's name.

    Each row is one link; columns run from the finest level to the coarsest.

    Raises
    ------
    MissingSourceError : the file is not in the folder.
    """
    path = where / file_name(source, target)
    if not path.is_file():
        entry = catalogue_source("concordances")
        raise MissingSourceError(
            f"the crosswalk {source} → {target} needs '{path.name}', which is not on this machine",
            Place(key=entry.name),
            how_to_get(entry),
        )
    table = pd.read_parquet(path, partitioning=None)
    return _codes(table, source, path.stem), _codes(table, target, path.stem), path.name


def _codes(table: pd.DataFrame, classification: str, name: str) -> pd.DataFrame:
    if classification == "WIOD2013":
        number = table["WIOT2013_n"]
        return pd.DataFrame({"c": ("c" + number.astype("Int64").astype("string")).astype(object)})
    if classification == "WIOD2016":
        industries = {division: name for name, divisions in _WIOD2016.items() for division in divisions}
        return pd.DataFrame({"c": table["ISIC4_2d"].map(industries).astype(object)})
    prefix = "HS" if name in ALL_REVISIONS and classification.startswith("HS") else classification
    return table[[column for column in table if str(column).startswith(f"{prefix}_")]].astype(object)
