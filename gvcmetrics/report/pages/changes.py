"""What moved since the last build, from the tidy tables; the report itself knows nothing of it."""

from __future__ import annotations

import filecmp
import math
import shutil
from pathlib import Path

import pandas as pd
from pyarrow import ArrowInvalid

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.files import sha256

KEPT = ".last_build"
_NOW, _BEFORE = "now", "before"
_CELL = ("block", "row", "name", "column_number", "column", "statistic")
_ANSWER = ("hypothesis", "panel", "rule", "outcome", "regressor")
# Numbers nearer than this are the same number added up in another order.
_SAME = 1e-9
_SHOWN = 8


def keep(results: Path) -> None:
    """Keep a copy of the tidy tables, and beside it that of the last build whose tables were others.

    Parameters
    ----------
    results : the folder of the tables; the copies lie in `.last_build` in it.
    """
    kept = results / KEPT
    now, before, fresh = kept / _NOW, kept / _BEFORE, kept / ".new"
    if now.is_dir() and _alike(now, results):
        return
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for path in results.glob("*.parquet"):
        shutil.copyfile(path, fresh / path.name)
    if now.is_dir():
        shutil.rmtree(before, ignore_errors=True)
        now.rename(before)
    fresh.rename(now)


def changes(results: Path) -> list[str]:
    """Lines on what the tables say now and did not say in the last build that said something else.

    Parameters
    ----------
    results : the folder of the tables, of which `keep` has kept copies.

    Raises
    ------
    DataError : a table is no Parquet file.
    """
    now, before = results / KEPT / _NOW, results / KEPT / _BEFORE
    last = now if now.is_dir() and not _alike(now, results) else before
    if not last.is_dir():
        return ["There is no other build to compare with."]
    old, new = _tables(last), _tables(results)
    lines = [f"{name}: a table more" for name in sorted(new.keys() - old.keys())]
    lines += [f"{name}: no longer there" for name in sorted(old.keys() - new.keys())]
    for name in sorted(old.keys() & new.keys()):
        if not filecmp.cmp(old[name], new[name], shallow=False):
            lines += _moved(name, _cells(old[name]), _cells(new[name]))
    return lines or ["No number moved."]


def _tables(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.glob("*.parquet")}


def _alike(kept: Path, results: Path) -> bool:
    old, new = _tables(kept), _tables(results)
    return old.keys() == new.keys() and all(filecmp.cmp(old[name], new[name], shallow=False) for name in old)


def _cells(path: Path) -> dict[tuple[str, ...], tuple[float | None, str]]:
    """Where a cell stands → its number, if it is one, and its text."""
    try:
        table = pd.read_parquet(path)
    except (ArrowInvalid, OSError) as error:
        raise DataError("this is no table", Place(path.name), "Run `make all`") from error
    if not {"verdict", "value"} & set(table.columns):
        return {("content",): (None, sha256(path)[:12])}
    if {"hypothesis", "panel", "verdict"} <= set(table.columns):
        keys = [name for name in _ANSWER if name in table]
        values = ("verdict", "estimate", "p_adjusted", "n")
        long = [(keys, value, table[value]) for value in values if value in table]
    else:
        keys = [name for name in _CELL if name in table]
        long = [(keys, "", table["value"].where(table["value"].notna(), table["text"]))]
    found: dict[tuple[str, ...], tuple[float | None, str]] = {}
    times: dict[tuple[str, ...], int] = {}
    for keys, kind, column in long:
        for names, value in zip(table[keys].astype(str).itertuples(index=False), column, strict=True):
            place = (*dict.fromkeys(part for part in (*names, kind) if part and part != "<NA>"),)
            times[place] = times.get(place, 0) + 1
            number = float(value) if not isinstance(value, str) and pd.notna(value) else None
            said = f"{number:.6g}" if number is not None else str(value) if pd.notna(value) else "nothing"
            found[(*place, f"#{times[place]}") if times[place] > 1 else place] = (number, said)
    return found


def _moved(
    name: str,
    old: dict[tuple[str, ...], tuple[float | None, str]],
    new: dict[tuple[str, ...], tuple[float | None, str]],
) -> list[str]:
    moved = [place for place in new if place in old and not _same(old[place], new[place])]
    more, less = len(new.keys() - old.keys()), len(old.keys() - new.keys())
    if not (moved or more or less):
        return []
    counts = ((len(moved), "moved"), (more, "more"), (less, "fewer"))
    lines = [f"{name}: " + ", ".join(f"{number} {word}" for number, word in counts if number)]
    moved.sort(key=lambda place: -_far(old[place], new[place]))
    lines += [f"  {' | '.join(place)}: {old[place][1]} → {new[place][1]}" for place in moved[:_SHOWN]]
    return [*lines, f"  … and {len(moved) - _SHOWN} less far"] if len(moved) > _SHOWN else lines


def _same(old: tuple[float | None, str], new: tuple[float | None, str]) -> bool:
    if old[0] is None or new[0] is None:
        return old[1] == new[1]
    return math.isclose(old[0], new[0], rel_tol=_SAME, abs_tol=1e-12)


def _far(old: tuple[float | None, str], new: tuple[float | None, str]) -> float:
    """How far a number moved, as a share of the larger; words go first."""
    if old[0] is None or new[0] is None:
        return math.inf
    return abs(new[0] - old[0]) / max(abs(old[0]), abs(new[0]))
