"""Classifications of products and industries: which tables join them, and the routes over these.

Nothing here opens a table; `crosswalks/` does.
"""

from __future__ import annotations

import heapq
import itertools
from functools import cache

from gvcmetrics.errors import DataError

_HS = tuple(f"HS{number}" for number in range(7))
# Industries of input-output tables that are groups of divisions of ISIC (`crosswalks/industry_groups.py`).
GROUPS_OF = {
    **dict.fromkeys(("WIOD2016", "FIGARO", "ICIO2021", "ICIO2023"), "ISIC4"),
    **dict.fromkeys(("WIOD_LONGRUN", "EORA26"), "ISIC3"),
}
_INDUSTRIES = ("ISIC2", "ISIC3", "ISIC3.1", "ISIC4", "WIOD2013", *GROUPS_OF)

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
    # Any table with all classes of the revision: the industries follow from their divisions.
    **{
        (isic, name): {"ISIC4": "isic4_isic3", "ISIC3": "isic3_isic2"}[isic]
        for name, isic in GROUPS_OF.items()
    },
}
ALL_REVISIONS = ("hs_isic3", "hs_isic31", "hs_isic4")
# Groups too coarse to be split into what they group.
_ONE_WAY = ("BEC4", "WIOD2013", *GROUPS_OF)
# Against its direction a table splits most codes, and ISIC Rev.2 has half the classes of Rev.3; a
# detour is better than either.
_FORWARDS, _BACKWARDS, _COARSE = 2, 3, 2

# How customs files name the revisions of HS: by the year in which they came into force.
HS_YEARS = {f"HS{year}": f"HS{n}" for n, year in enumerate(("92", "96", "02", "07", "12", "17", "22"))}
# Those whose codes are listed on every machine (`crosswalks/code_lists.py`).
LISTED = (*_HS, *HS_YEARS, "HS", "ISIC2", "ISIC3", "ISIC3.1", "ISIC4", "SITC2", "SITC3")

CLASSIFICATIONS = (*sorted({name for pair in _FILES for name in pair}), "NACE2")


def file_name(source: str, target: str) -> str:
    """The file that joins two classifications, read in whichever direction."""
    return f"{_FILES.get((source, target)) or _FILES[target, source]}.parquet"


@cache
def route_between(source: str, target: str) -> tuple[str, ...]:
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


def files_between(source: str, target: str) -> tuple[str, ...]:
    """The names of the tables that lead from one classification to another.

    Raises
    ------
    DataError : the two are one, or no route leads from one to the other.
    """
    if source == target:
        raise DataError(f"{source} is to become {target}, which it is", remedy="Name two classifications")
    if {source, target} == {"NACE2", "ISIC4"}:
        return (file_name("ISIC4", "ISIC3"),)
    start, end = ("ISIC4" if name == "NACE2" else name for name in (source, target))
    return tuple(file_name(*step) for step in itertools.pairwise(route_between(start, end)))


def _neighbours(name: str) -> list[tuple[str, int]]:
    ways = []
    for (start, end), file in _FILES.items():
        coarse = _COARSE if "ISIC2" in (start, end) else 0
        if start == name:
            ways.append((end, _FORWARDS + coarse))
        # The tables of all revisions know codes that a revision does not have.
        elif end == name and end not in _ONE_WAY and (file not in ALL_REVISIONS or start == "HS"):
            ways.append((start, _BACKWARDS + coarse))
    return ways


def _changes(path: tuple[str, ...]) -> int:
    kinds = [name in _INDUSTRIES for name in path]
    return sum(first != second for first, second in itertools.pairwise(kinds))
