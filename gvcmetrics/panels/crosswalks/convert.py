"""A frame from one classification to another, by a crosswalk's weights.

Sums are formed in one order, so the same frame gives the same numbers to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.crosswalks.links import Crosswalk, crosswalk, links_for

KEY = "crosswalks"


def convert(
    frame: pd.DataFrame,
    column: str,
    source: str,
    target: str,
    values: Sequence[str],
    digits: int | None = None,
    weights: pd.Series | None = None,
    parents: bool = False,
) -> pd.DataFrame:
    """A frame in the codes of another classification, its values split by weight and summed.

    Parameters
    ----------
    frame : one row a code and other keys; not changed.
    column : the column of codes, as text.
    source, target, digits, weights : as in `crosswalk`.
    parents : take a code that the tables do not know (SITC 3344, of which they have only 334) at the
        level above it; the report counts such codes.
    values : the columns that add up (trade value, quantity). All others are keys.

    Returns
    -------
    pandas.DataFrame : keys, `column` with the new codes, `values`; one row for each, sorted. What has no
        target is kept with a missing code, so that every total is preserved.
        `attrs["crosswalks"]` gains a report of this conversion: route, files, weights, number of
        codes, of codes that split and of codes without target, the share of each value that they
        carry (`unmatched_share`), and the share of the first value by code (`unmatched`).

    Raises
    ------
    DataError : a column is absent or stands twice, codes are numbers, a column of fractions is neither
        value nor code, or no code at all is known to the crosswalk.
    DataError, MissingSourceError : as in `crosswalk`.
    """
    values = list(values)
    _check(frame, column, values)
    found = crosswalk(source, target, digits, weights)
    codes, spelled = pd.factorize(frame[column])
    links = _links_of(pd.Series(spelled, dtype=object), found, column, parents)
    converted = _summed(frame, column, codes, links, values)
    converted.attrs = dict(frame.attrs)
    report = _report(
        found, links, _by_code(frame, codes, spelled, values), "equal" if weights is None else "value"
    )
    converted.attrs[KEY] = [*frame.attrs.get(KEY, []), {**report, "rows": len(frame)}]
    return converted


def describe(report: dict[str, Any]) -> str:
    """One conversion's report as a sentence."""
    shares = ", ".join(f"{share:.2%} of {name}" for name, share in report["unmatched_share"].items())
    text = (
        f"{' → '.join(report['route'])} ({report['weights']} weights): {report['codes']:,} codes, "
        f"{report['split_codes']:,} split, {report['unmatched_codes']:,} without target ({shares})"
    )
    if report["parent_codes"]:
        text += f"; {report['parent_codes']:,} taken at the level above"
    lost = report["codes_without_leading_zero"]
    return text + (f"; {lost:,} codes would be known with a leading zero" if lost else "")


def _links_of(spelled: pd.Series, found: Crosswalk, column: str, parents: bool) -> pd.DataFrame:
    if not all(isinstance(code, str) for code in spelled):
        raise DataError(
            "codes are not text, so their leading zeros are lost",
            Place(column=column),
            "Write them as text with their zeros, as in frame[column].astype(str).str.zfill(6)",
        )
    links = links_for(spelled.astype(object), found, parents)
    if len(spelled) and not links["known"].any():
        raise DataError(
            f"none of the {len(spelled):,} codes is a code of {found.source} ('{spelled.iloc[0]}', say)",
            Place(column=column),
            "Name the classification that the codes belong to, and check for lost leading zeros",
        )
    return links


def _check(frame: pd.DataFrame, column: str, values: list[str]) -> None:
    for name in (column, *values):
        if name not in frame.columns:
            raise DataError(
                "the frame has no such column", Place(column=name), f"It has: {', '.join(map(str, frame))}"
            )
    if not values or column in values or len(set(values)) < len(values) or not frame.columns.is_unique:
        raise DataError("name each column once, and at least one value", remedy="Check `values`")
    for name in values:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise DataError("a value must be a number", Place(column=name), "Convert it, or make it a key")
        if np.isinf(_numbers(frame, name)).any():
            raise DataError("a value is infinite", Place(column=name), "Correct it, or make it missing")
    for name in frame.columns:
        if name not in (column, *values) and pd.api.types.is_float_dtype(frame[name]):
            whole = frame[name].dropna() % 1 == 0
            if not whole.all():
                remedy = "List it under `values` if it adds up; otherwise drop it and compute it anew"
                raise DataError("fractions are neither code nor key", Place(column=str(name)), remedy)


def _summed(
    frame: pd.DataFrame, column: str, codes: np.ndarray, links: pd.DataFrame, values: list[str]
) -> pd.DataFrame:
    """The frame's values times the weights of their links, summed by keys and target, in their order."""
    targets = pd.Index(np.sort(links["target"].dropna().unique()))
    # Links stand in the order of `codes`; a row without a code meets one more link, to nothing.
    number = np.append(np.bincount(links["code"], minlength=codes.max(initial=-1) + 1), 1)
    first = np.cumsum(number) - number
    target = np.append(targets.get_indexer(links["target"]), -1)
    weight = np.append(links["weight"], 1.0)
    copies = number[codes]
    row = np.repeat(np.arange(len(frame)), copies)
    link = first[codes][row] + np.arange(len(row)) - np.repeat(np.cumsum(copies) - copies, copies)

    keys = {
        name: pd.factorize(frame[name], sort=True) for name in frame.columns if name not in (column, *values)
    }
    group = np.zeros(len(frame), dtype=np.int64)
    for place, uniques in keys.values():
        group = _packed(group, np.where(place < 0, len(uniques), place), len(uniques) + 1)
    group = _packed(group[row], np.where(target[link] < 0, len(targets), target[link]), len(targets) + 1)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    one_row, one_link = row[order][starts], link[order][starts]

    result: dict[str, Any] = {}
    for name in frame.columns:
        if name in values:
            value = _numbers(frame, name)[row[order]] * weight[link[order]]
            present = np.add.reduceat(np.isfinite(value), starts) if len(starts) else np.array([])
            total = np.add.reduceat(np.nan_to_num(value), starts) if len(starts) else np.array([])
            result[name] = np.where(present > 0, total, np.nan)
        elif name == column:
            named = pd.array(targets, dtype=pd.StringDtype(na_value=np.nan))
            result[name] = named.take(target[one_link], allow_fill=True)
        else:
            result[name] = frame[name].take(one_row).array
    return pd.DataFrame(result)


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    return frame[name].to_numpy(dtype=float, na_value=np.nan)


def _packed(group: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
    """Two keys as one whole number that sorts as they do."""
    if len(group) and int(group.max()) >= np.iinfo(np.int64).max // size:
        group = pd.factorize(group, sort=True)[0]
    return group * size + place


def _by_code(frame: pd.DataFrame, codes: np.ndarray, spelled: pd.Index, values: list[str]) -> pd.DataFrame:
    """The absolute values that each code carries; the last row is that of rows without a code."""
    place = np.where(codes < 0, len(spelled), codes)
    totals = {
        name: np.bincount(place, np.nan_to_num(np.abs(_numbers(frame, name))), len(spelled) + 1)
        for name in values
    }
    return pd.DataFrame(totals, index=pd.Index([*spelled, None], dtype=object))


def _report(found: Crosswalk, links: pd.DataFrame, totals: pd.DataFrame, weights: str) -> dict[str, Any]:
    lost = links[links["target"].isna()].groupby("spelling")["weight"].sum()
    # Rows without a code have no spelling; all of their value is without target.
    lost_share = np.append(lost.reindex(totals.index[:-1]).fillna(0.0), 1.0)
    whole, unmatched = totals.sum(), totals.mul(lost_share, axis=0)
    with_value = (lost_share > 0) & totals.iloc[:, 0].gt(0).to_numpy()
    by_code = unmatched.iloc[:, 0][with_value] / whole.iloc[0]
    unknown = links.loc[~links["known"], "source"]
    sources = set(found.links["source"])
    targets = links[links["target"].notna()].groupby("spelling")["target"].size()
    return {
        "route": list(found.route),
        "files": list(found.files),
        "weights": weights,
        "codes": int(links["spelling"].nunique()),
        "parent_codes": int(links.loc[links["by_parent"], "spelling"].nunique()),
        "split_codes": int((targets > 1).sum()),
        "unmatched_codes": int((lost > 1 - 1e-12).sum()),
        "unmatched_share": {
            name: float(unmatched[name].sum() / whole[name]) if whole[name] else 0.0
            for name in totals.columns.astype(str)
        },
        "unmatched": {
            str(code): float(share) for code, share in by_code.sort_values(ascending=False).items()
        },
        "codes_without_leading_zero": int(unknown.map(lambda code: f"0{code}" in sources).sum()),
    }
