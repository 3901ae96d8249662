"""Upgrading of firms: product, process, functional and chain; the export ladder; economic with social."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.vocabulary import EXPORT_LADDER, EXPORT_STAGES, UPGRADING
from gvcmetrics.lineage import record
from gvcmetrics.measures.firms.earlier import earlier
from gvcmetrics.measures.items import checked_items
from gvcmetrics.measures.requirements import numbers, require_columns, require_known

ECONOMIC_SOCIAL = (
    "downgrading",
    "social upgrading only",
    "economic upgrading only",
    "economic and social upgrading",
)


def upgrading_from_items(frame: pd.DataFrame, items: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Upgrading outcomes from survey items: 1 where any item of a type is 1.

    Parameters
    ----------
    frame : firm panel.
    items : 0/1 items of each type, for example ``{"product": ["new_product"], "process": ["new_process"],
        "functional": ["own_design", "own_brand"]}``. Types: product, process, functional, chain.

    Returns
    -------
    pandas.DataFrame
        `upgrade_{type}` for the types asked for: 1 where an item is 1, 0 where all are 0, missing where
        none is 1 and one is missing.

    Raises
    ------
    DataError
        An unknown type, a type without items, an item that is neither 0 nor 1.

    Source: Humphrey and Schmitz (2002) for the four types.
    """
    _check_types(items)
    out = pd.DataFrame(index=frame.index)
    for kind, columns in items.items():
        answers = checked_items(frame, columns)
        some = (answers == 1).any(axis=1)
        out[f"upgrade_{kind}"] = some.astype(np.float64).where(some | answers.notna().all(axis=1))
        record(out, f"upgrade_{kind}", *columns, like=frame)
    return out


def upgrading_from_changes(
    frame: pd.DataFrame,
    measures: Mapping[str, str],
    *,
    unit: str | Sequence[str] = ("firm_id",),
    time: str = "year",
    thresholds: Mapping[str, float] | None = None,
    window: int = 1,
) -> pd.DataFrame:
    """Upgrading outcomes from changes in measures over a window of years.

    Parameters
    ----------
    frame : panel, one row for each unit and year.
    measures : one column for each type: for product a relative unit value or quality, for process (log)
        TFP, for functional a functional specialisation or breadth, for chain a technological level.
    unit, time : keys; years are whole numbers.
    thresholds : the change that must be exceeded, in the measure's unit, for each type; 0 by default.
    window : years between the two observations compared.

    Returns
    -------
    pandas.DataFrame
        `change_{type}` and `upgrade_{type}` (1, 0), aligned; missing where the unit has no row, or no
        measure, `window` years before.

    Raises
    ------
    DataError
        Unknown types, absent columns, repeated unit-years, a window below one year.
    """
    _check_types(measures)
    for kind, name in measures.items():
        if not isinstance(name, str):
            raise DataError(f"{kind} is measured by {name!r}", remedy="Name one column for each type.")
    levels = {kind: numbers(frame, name) for kind, name in measures.items()}
    before = earlier(frame, levels, unit, time, window)
    out = pd.DataFrame(index=frame.index)
    for kind, column in measures.items():
        change = levels[kind] - before[kind].to_numpy()
        bar = (thresholds or {}).get(kind, 0.0)
        out[f"change_{kind}"] = change
        out[f"upgrade_{kind}"] = np.where(np.isnan(change), np.nan, change > bar)
        record(out, f"change_{kind}", column, like=frame)
        record(out, f"upgrade_{kind}", column, like=frame)
    return out


def chain_upgrading(
    frame: pd.DataFrame,
    *,
    unit: str = "firm_id",
    time: str = "year",
    industry: str = "industry",
    digits: int = 2,
) -> pd.DataFrame:
    """Entry into a new industry: the firm is active where it was in none of its earlier observed years.

    Parameters
    ----------
    frame : one row for each firm and year, or several where a firm is active in several industries.
    unit, time, industry : columns; industry codes are strings with leading zeros.
    digits : at which level of the classification an industry is new.

    Returns
    -------
    pandas.DataFrame
        One row for each firm and year: keys, `n_new_industries` and `upgrade_chain` (1, 0); missing in a
        firm's first year. Whether the new chain is technically more demanding is for the user to say.

    Raises
    ------
    DataError
        Absent columns, a missing key, industry codes that are not strings or are shorter than `digits`.

    Source: Humphrey and Schmitz (2002); Humphrey (2001), section 4.
    """
    require_columns(frame, unit, time, industry)
    require_known(frame, [unit, time, industry])
    keys = frame[[unit, time, industry]]
    if not all(isinstance(code, str) and len(code) >= digits for code in keys[industry].unique()):
        raise DataError(
            f"an industry code is not a string of at least {digits} digits",
            Place(column=industry),
            "Numbers lose their leading zeros: keep codes as text.",
        )
    active = keys.assign(**{industry: keys[industry].str[:digits]}).drop_duplicates()
    first_seen = active.groupby([unit, industry], observed=True)[time].transform("min")
    first_year = active.groupby(unit, observed=True)[time].transform("min")
    active["_new"] = (active[time] == first_seen) & (active[time] > first_year)
    out = active.groupby([unit, time], observed=True)["_new"].sum().rename("n_new_industries").reset_index()
    begun = out.groupby(unit, observed=True)[time].transform("min") == out[time]
    out["n_new_industries"] = out["n_new_industries"].astype(np.float64).mask(begun)
    out["upgrade_chain"] = (out["n_new_industries"] > 0).astype(np.float64).mask(begun)
    for column in ("n_new_industries", "upgrade_chain"):
        record(out, column, industry, like=frame)
    return out


def export_stage(
    frame: pd.DataFrame,
    *,
    assembly: str,
    manufacturing: str,
    design: str,
    marketing: str,
    own_brand: str,
) -> pd.DataFrame:
    """Stage of exporting, 1 to 5: the highest of the functions that the firm performs for its exports.

    1 assembly of supplied inputs (OEA), 2 manufacturing with own sourcing (OEM), 3 own design (ODM),
    4 own marketing (ODM), 5 own brand (OBM). A firm's stage is known when its highest function is known:
    all higher items are 0. It is missing where a higher item is missing, and where no function is
    performed.

    Parameters
    ----------
    frame : firm panel, exporters.
    assembly, manufacturing, design, marketing, own_brand : 0/1 items.

    Returns
    -------
    pandas.DataFrame
        `export_stage` (1–5), `export_ladder` (ordered: OEA < OEM < ODM < OBM) and `skips_a_stage` (1 where
        a function between manufacturing and the firm's stage is not performed: a ladder climbed out of
        order; 0 otherwise; missing where unknown).

    Raises
    ------
    DataError
        Absent items, or answers that are neither 0 nor 1.

    Source: Wortzel and Wortzel (1981), p. 51, by way of Humphrey (2001), section 5.1; Hobday (1995) for
    the ladder. Which items stand for which stage is declared by the user.
    """
    columns = [assembly, manufacturing, design, marketing, own_brand]
    answers = checked_items(frame, columns).to_numpy()
    steps = np.arange(1, len(EXPORT_STAGES) + 1)
    top = np.where(answers == 1, steps, 0).max(axis=1)
    above_unknown = (np.isnan(answers) & (steps > top[:, None])).any(axis=1)
    known = (top > 0) & ~above_unknown
    between = (steps >= 2) & (steps < top[:, None])
    skipped = (between & (answers == 0)).any(axis=1)
    unsure = ~skipped & (between & np.isnan(answers)).any(axis=1)
    rungs = np.array([None, *EXPORT_STAGES.values()], dtype=object)
    out = pd.DataFrame(
        {
            "export_stage": np.where(known, top, np.nan),
            "export_ladder": pd.Categorical(rungs[np.where(known, top, 0)], EXPORT_LADDER, ordered=True),
            "skips_a_stage": np.where(known & ~unsure, skipped, np.nan),
        },
        index=frame.index,
    )
    for column in out.columns:
        record(out, column, *columns, like=frame)
    return out


def economic_social_quadrants(
    frame: pd.DataFrame,
    *,
    economic: Sequence[str],
    social: Sequence[str],
    economic_threshold: float = 0.0,
    social_threshold: float = 0.0,
    rule: Literal["all", "mean"] = "all",
) -> pd.Series:
    """Economic and social upgrading together, or one without the other.

    Parameters
    ----------
    frame : firms, clusters or country-sectors.
    economic : growth rates of economic success, for Milberg and Winkler the export unit value and the
        export market share.
    social : growth rates of social success: employment and real wages.
    economic_threshold, social_threshold : what growth must exceed.
    rule : "all": each indicator exceeds the threshold; "mean": their mean does.

    Returns
    -------
    pandas.Series
        `economic_social` (ordered categorical, from downgrading to both), missing where an indicator is
        missing and the others do not decide ("all": one indicator at or below the threshold decides).

    Raises
    ------
    DataError
        No indicator, or one that is absent or not numeric.

    Source: Milberg and Winkler (2011); Bernhardt and Milberg (2011); the two rules are this package's.
    """
    verdicts = []
    for columns, bar in ((economic, economic_threshold), (social, social_threshold)):
        if not columns:
            raise DataError("no indicator is declared", remedy="Name at least one economic and one social.")
        values = np.column_stack([numbers(frame, column) for column in columns])
        if rule == "mean":
            mean = values.mean(axis=1)
            verdicts.append(np.where(np.isnan(mean), np.nan, mean > bar))
        else:
            failed = (values <= bar).any(axis=1)
            verdicts.append(np.where(failed, 0.0, np.where(np.isnan(values).any(axis=1), np.nan, 1.0)))
    code = 2 * verdicts[0] + verdicts[1]
    labels = pd.Categorical.from_codes(
        np.where(np.isnan(code), -1, code).astype(int), pd.Index(ECONOMIC_SOCIAL), ordered=True
    )
    out = pd.Series(labels, frame.index, name="economic_social")
    return record(out, "economic_social", *economic, *social, like=frame)


def _check_types(asked: Mapping[str, object]) -> None:
    """Raise where a type of upgrading is unknown or none is asked for."""
    unknown = [kind for kind in asked if kind not in UPGRADING]
    if unknown or not asked:
        raise DataError(
            f"'{unknown[0]}' is no type of upgrading" if unknown else "no type of upgrading is declared",
            remedy=f"Types: {', '.join(UPGRADING)}.",
        )
