"""The tables behind the crosswalks: which files join which classifications, and the routes over them."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from gvcmetrics.errors import DataError, MissingSourceError, Place
from gvcmetrics.panels.sources.catalogue import source as catalogue_source
from gvcmetrics.panels.sources.fetch import how_to_get, mirror_path

_HS = tuple(f"HS{number}" for number in range(7))
_INDUSTRIES = ("ISIC2", "ISIC3", "ISIC3.1", "ISIC4", "WIOD2013", "WIOD2016")

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

# (from, to) → file of the concordances folder, without `.parquet`.
_FILES: dict[tuple[str, str], str] = {
    **{(late, early): f"{late}_{early}".lower() for late in _HS for early in _HS if late > early},
    **{(hs, "ISIC3"): f"{hs}_isic3".lower() for hs in (*_HS, "HS")},
    **{(hs, "BEC4"): f"{hs}_bec4".lower() for hs in _HS},
    **{(hs, "SITC2"): f"{hs}_sitc2".lower() for hs in ("HS0", "HS5", "HS6")},
    # One table for all revisions: a revision's codes are among its codes.
    **{(hs, "ISIC3.1"): "hs_isic31" for hs in (*_HS, "HS")},
    **{(hs, "ISIC4"): "hs_isic4" for hs in (*_HS, "HS")},
    ("ISIC4", "ISIC3"): "isic4_isic3",
    ("ISIC4", "ISIC3.1"): "isic4_isic31",
    ("ISIC3.1", "ISIC3"): "isic31_isic3",
    ("ISIC3", "ISIC2"): "isic3_isic2",
    ("SITC2", "ISIC2"): "sitc2_isic2",
    ("SITC3", "ISIC3"): "sitc3_isic3",
    ("ISIC3", "WIOD2013"): "wiod_2013",
    # Any table with the classes of ISIC Rev.4: the industries follow from their divisions.
    ("ISIC4", "WIOD2016"): "isic4_isic3",
}
_ALL_REVISIONS = ("hs_isic3", "hs_isic31", "hs_isic4")
# Groups too coarse to be split into what they group.
_ONE_WAY = ("BEC4", "WIOD2013", "WIOD2016")
# Against its direction a table splits most codes, and ISIC Rev.2 has half the classes of Rev.3; a
# detour is better than either.
_FORWARDS, _BACKWARDS, _COARSE = 2, 3, 2

CLASSIFICATIONS = tuple(sorted({name for pair in _FILES for name in pair}))


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


def file_name(source: str, target: str) -> str:
    """The file that joins two classifications, read in whichever direction."""
    return f"{_FILES.get((source, target)) or _FILES[target, source]}.parquet"


@cache
def route(source: str, target: str) -> tuple[str, ...]:
    """The classifications from one to another, over the fewest and finest tables.

    A route changes at most once between products and industries: what was gathered into an industry
    cannot be told apart again.

    Raises
    ------
    DataError : there is none.
    """
    serial = itertools.count()
    waiting: list[tuple[int, int, tuple[str, ...]]] = [(0, next(serial), (source,))]
    seen: set[str] = set()
    while waiting:
        cost, _, path = heapq.heappop(waiting)
        if path[-1] == target:
            return path
        if path[-1] in seen:
            continue
        seen.add(path[-1])
        for follower, step in _neighbours(path[-1]):
            if _changes((*path, follower)) <= 1:
                heapq.heappush(waiting, (cost + step, next(serial), (*path, follower)))
    remedy = "Groups are not split into what they group, nor products regained from industries"
    raise DataError(f"no crosswalk leads from {source} to {target}", remedy=remedy)


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
    table = pd.read_parquet(path)
    return _codes(table, source, path.stem), _codes(table, target, path.stem), path.name


def _codes(table: pd.DataFrame, classification: str, name: str) -> pd.DataFrame:
    if classification == "WIOD2013":
        number = table["WIOT2013_n"]
        return pd.DataFrame({"c": ("c" + number.astype("Int64").astype("string")).astype(object)})
    if classification == "WIOD2016":
        industries = {division: name for name, divisions in _WIOD2016.items() for division in divisions}
        return pd.DataFrame({"c": table["ISIC4_2d"].map(industries).astype(object)})
    prefix = "HS" if name in _ALL_REVISIONS and classification.startswith("HS") else classification
    return table[[column for column in table if str(column).startswith(f"{prefix}_")]].astype(object)


def _neighbours(name: str) -> list[tuple[str, int]]:
    ways = []
    for (start, end), file in _FILES.items():
        coarse = _COARSE if "ISIC2" in (start, end) else 0
        if start == name:
            ways.append((end, _FORWARDS + coarse))
        # The tables of all revisions know codes that a revision does not have.
        elif end == name and end not in _ONE_WAY and (file not in _ALL_REVISIONS or start == "HS"):
            ways.append((start, _BACKWARDS + coarse))
    return ways


def _changes(path: tuple[str, ...]) -> int:
    kinds = [name in _INDUSTRIES for name in path]
    return sum(first != second for first, second in itertools.pairwise(kinds))
