"""Weighted descriptives by the design of a survey: means and totals with linearised standard errors.

With weights w, strata h and primary sampling units i, the variance of a total Σ z is

    V = Σ_h (1 − f_h) n_h / (n_h − 1) Σ_i (z_hi − z̄_h)²,    z_hi = Σ_{j ∈ hi} z_j,

where z = w y for a total and z = w (y − ȳ) / Σ w for a mean (Taylor linearisation). Observations
outside a group, or without a value, have z = 0 and stay in the design. f_h is the share of a stratum's units
that was drawn, without replacement; zero unless `fpc` says otherwise.

Source: Binder (1983), International Statistical Review 51(3); Lumley (2004), Journal of Statistical
Software 9(8), whose R package is the check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.numerics.demean import demean, group_sums
from gvcmetrics.ground.rows import first_line, line
from gvcmetrics.measures.requirements import (
    listed,
    numbers,
    require_columns,
    require_rows,
    sampling_weights,
)

LonelyPsu = Literal["fail", "certainty"]


def survey_means(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    weights: str | None = None,
    stratum: str | None = None,
    psu: str | None = None,
    fpc: str | None = None,
    by: str | Sequence[str] | None = None,
    lonely_psu: LonelyPsu = "fail",
) -> pd.DataFrame:
    """Weighted means, overall or by group, with standard errors by Taylor linearisation.

    Parameters
    ----------
    columns : numbers; 0/1 columns give shares.
    weights, stratum, psu : the design's columns. Without weights each row counts 1, without stratum there
        is one, without psu each row is drawn by itself. Units are counted within their stratum.
    fpc : for draws without replacement, the units that there are in the row's stratum, or the share of them
        that was drawn (at most 1).
    by : columns whose values make groups, within one and the same design.
    lonely_psu : a stratum with a single unit is an error (`fail`), or adds no variance (`certainty`).

    Returns
    -------
    pandas.DataFrame : a row for each group and column; estimate, standard_error, low and high (95 per
        cent, Student's t with units − strata degrees of freedom), n (values), population (sum of
        their weights).

    Raises
    ------
    DataError : a column is absent or no number, a weight is missing or negative, a stratum has one unit.
    """

    def mean(y: np.ndarray, w: np.ndarray) -> tuple[float, np.ndarray]:
        total = w.sum()
        estimate = float((w * y).sum() / total) if total > 0 else float("nan")
        return estimate, w * (y - estimate) / total

    return _estimates(mean, frame, columns, weights, (stratum, psu, fpc), by, lonely_psu)


def survey_totals(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    weights: str | None = None,
    stratum: str | None = None,
    psu: str | None = None,
    fpc: str | None = None,
    by: str | Sequence[str] | None = None,
    lonely_psu: LonelyPsu = "fail",
) -> pd.DataFrame:
    """Weighted totals, overall or by group; parameters, columns and errors as in `survey_means`.

    Missing values add nothing, so the total is that of the units that answered.
    """

    def total(y: np.ndarray, w: np.ndarray) -> tuple[float, np.ndarray]:
        return float((w * y).sum()), w * y

    return _estimates(total, frame, columns, weights, (stratum, psu, fpc), by, lonely_psu)


def _estimates(
    linearised: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]],
    frame: pd.DataFrame,
    columns: Sequence[str],
    weights: str | None,
    design: tuple[str | None, str | None, str | None],
    by: str | Sequence[str] | None,
    lonely_psu: LonelyPsu,
) -> pd.DataFrame:
    stratum, psu, fpc = design
    groups = listed(by or [])
    require_columns(frame, *columns, *groups, *(name for name in (weights, *design) if name))
    require_rows(frame)
    given = sampling_weights(frame, weights)
    mass = np.ones(len(frame)) if given is None else given
    strata, units = _design(frame, stratum, psu)
    left = 1.0 - _fractions(frame, fpc, strata, units)
    alone = _lonely(strata, units) & (left > 0.0)
    if alone.any() and lonely_psu == "fail":
        name = frame[stratum].iloc[int(np.flatnonzero(alone[strata])[0])] if stratum else "the sample"
        remedy = 'Join it with a similar stratum, or write lonely_psu="certainty"'
        raise DataError(f"the stratum '{name}' has a single unit", Place(column=stratum), remedy)
    freedom = int(units.max()) + 1 - (int(strata.max()) + 1)
    reach = float(stats.t.ppf(0.975, freedom)) if freedom > 0 else float("nan")
    rows, index = [], []
    for key, inside in _members(frame, groups):
        for column in columns:
            values = numbers(frame, column)
            counted = inside & np.isfinite(values)
            weighed = np.where(counted, mass, 0.0)
            estimate, scores = linearised(np.where(counted, values, 0.0), weighed)
            error = float(np.sqrt(_variance(scores, strata, units, left)))
            rows.append(
                {
                    "estimate": estimate,
                    "standard_error": error,
                    "low": estimate - reach * error,
                    "high": estimate + reach * error,
                    "n": int(counted.sum()),
                    "population": float(weighed.sum()),
                }
            )
            index.append((*key, column))
    table = pd.DataFrame(rows)
    keys = pd.MultiIndex.from_tuples(index, names=[*groups, "column"])
    return table.set_index(keys if groups else keys.get_level_values("column"))


def _variance(scores: np.ndarray, strata: np.ndarray, units: np.ndarray, left: np.ndarray) -> float:
    """Variance of a sum of scores over units drawn within strata, of which a share was left undrawn."""
    sums = group_sums(scores[:, None], units)
    home = np.zeros(len(sums), dtype=int)
    home[units] = strata
    size = np.bincount(home)
    squares = group_sums(demean(sums, [home]) ** 2, home)[:, 0]
    several = size > 1
    return float((left * squares)[several] @ (size[several] / (size[several] - 1)))


def _lonely(strata: np.ndarray, units: np.ndarray) -> np.ndarray:
    pairs = np.unique(np.column_stack([strata, units]), axis=0)
    return np.bincount(pairs[:, 0]) == 1


def _fractions(frame: pd.DataFrame, fpc: str | None, strata: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Share of each stratum's units that was drawn."""
    size = np.bincount(np.unique(np.column_stack([strata, units]), axis=0)[:, 0])
    if fpc is None:
        return np.zeros(len(size))
    said = numbers(frame, fpc)
    there = np.zeros(len(size))
    there[strata] = said
    for wrong, message, remedy in (
        (
            ~(said > 0),
            "is no number of units, nor a share",
            "Give the stratum's units, or the share drawn",
        ),
        (there[strata] != said, "differs from another row of its stratum", "It is one number a stratum"),
        ((said > 1) & (said < size[strata]), "is less than the units in the sample", "Count units, not rows"),
    ):
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(f"{said[row]:g} {message}", Place(row=line(row), column=fpc), remedy)
    return np.where(there > 1, size / np.maximum(there, 1.0), there)


def _design(frame: pd.DataFrame, stratum: str | None, psu: str | None) -> tuple[np.ndarray, np.ndarray]:
    for name in (stratum, psu):
        if name is not None and frame[name].isna().any():
            row = first_line(frame[name].isna())
            remedy = "Fill it in, or leave such rows out and say so"
            raise DataError("a row has no place in the design", Place(row=row, column=name), remedy)
    strata = np.zeros(len(frame), dtype=int) if stratum is None else pd.factorize(frame[stratum])[0]
    drawn = np.arange(len(frame)) if psu is None else pd.factorize(frame[psu])[0]
    pairs = pd.MultiIndex.from_arrays([strata, drawn])
    return strata, pd.factorize(pairs)[0]


def _members(frame: pd.DataFrame, groups: list[str]) -> list[tuple[tuple, np.ndarray]]:
    if not groups:
        return [((), np.ones(len(frame), dtype=bool))]
    found = []
    for key, rows in frame.reset_index(drop=True).groupby(groups, sort=True).indices.items():
        inside = np.zeros(len(frame), dtype=bool)
        inside[rows] = True
        found.append((key if isinstance(key, tuple) else (key,), inside))
    return found
