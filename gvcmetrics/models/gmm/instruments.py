r"""Panels as grids, transformations that remove unit effects, and the instruments of both equations.

A grid is an array (units, periods, columns), zero where a unit is not observed. First differences put
:math:`x_t - x_{t-1}` in period t; forward orthogonal deviations put

.. math:: \sqrt{\tfrac{n_t}{n_t+1}}\,\Big(x_t - \frac1{n_t}\sum_{s>t} x_s\Big)

one period later, in t + 1 (Arellano & Bover 1995, stored as Roodman 2009 does), with n_t the later periods in
which the unit is observed. So lag 2 of the period where it stands is the first valid instrument of either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gvcmetrics.models.data.batch import Array

Lags = tuple[int, int | None]
DIFFERENCES = "differences of "


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the rows of a panel stand. unit, period : (n) positions. shape : (units, periods)."""

    unit: np.ndarray
    period: np.ndarray
    shape: tuple[int, int]

    def spread(self, values: Array, missing: float = 0.0) -> Array:
        """Values (n) or (n, k) on the grid."""
        found = np.full((*self.shape, *values.shape[1:]), missing)
        found[self.unit, self.period] = values
        return found

    @property
    def present(self) -> np.ndarray:
        """(units, periods), where a row stands."""
        found = np.zeros(self.shape, dtype=bool)
        found[self.unit, self.period] = True
        return found


@dataclass(frozen=True, eq=False)
class Transformation:
    """A linear map over the periods of each unit, and its transpose.

    rows : (units, periods), where the transformed equation has a row.
    """

    forward: Callable[[Array], Array]
    transpose: Callable[[Array], Array]
    rows: np.ndarray
    trace: float


def differences(present: np.ndarray) -> Transformation:
    """First differences, of periods that follow one another."""
    rows = np.zeros_like(present)
    rows[:, 1:] = present[:, 1:] & present[:, :-1]
    mask = rows[:, :, None]

    def forward(x: Array) -> Array:
        moved = np.zeros_like(x)
        moved[:, 1:] = x[:, 1:] - x[:, :-1]
        return np.where(mask, moved, 0.0)

    def transpose(z: Array) -> Array:
        back = np.where(mask, z, 0.0)
        found = back.copy()
        found[:, :-1] -= back[:, 1:]
        return found

    return Transformation(forward, transpose, rows, 2.0 * float(rows.sum()))


def orthogonal_deviations(present: np.ndarray) -> Transformation:
    """Forward orthogonal deviations, one period later than what they are deviations of."""
    later = np.zeros(present.shape)
    later[:, :-1] = np.cumsum(present[:, ::-1], axis=1)[:, ::-1][:, 1:]
    here = present & (later > 0)
    scale = np.where(here, np.sqrt(later / (later + 1.0)), 0.0)[:, :, None]
    share = np.where(here, 1.0 / np.maximum(later, 1.0), 0.0)[:, :, None]
    rows = np.zeros_like(present)
    rows[:, 1:] = here[:, :-1]

    def forward(x: Array) -> Array:
        ahead = np.zeros_like(x)
        ahead[:, :-1] = np.cumsum(x[:, ::-1], axis=1)[:, ::-1][:, 1:]
        moved = np.zeros_like(x)
        moved[:, 1:] = (scale * (x - share * ahead))[:, :-1]
        return moved

    def transpose(z: Array) -> Array:
        back = np.zeros_like(z)
        back[:, :-1] = z[:, 1:]
        own = scale * back
        behind = np.zeros_like(z)
        behind[:, 1:] = np.cumsum(own * share, axis=1)[:, :-1]
        return np.where(present[:, :, None], own - behind, 0.0)

    return Transformation(forward, transpose, rows, float(rows.sum()))


@dataclass(frozen=True, eq=False)
class Instruments:
    """Instruments of the transformed and of the level equation, on the grid.

    transformed, level : (units, periods, instruments). labels : which group each belongs to.
    """

    transformed: Array
    level: Array
    labels: tuple[str, ...]

    def only(self, keep: np.ndarray) -> Instruments:
        """Some of the instruments."""
        labels = tuple(label for label, kept in zip(self.labels, keep, strict=True) if kept)
        return Instruments(self.transformed[:, :, keep], self.level[:, :, keep], labels)


def standard(columns: Array, change: Transformation, equation: str, label: str) -> Instruments:
    """Columns (units, periods, k) that instrument themselves: `transformed`, `level` or `both` equations."""
    none = np.zeros_like(columns)
    transformed = none if equation == "level" else change.forward(columns)
    return Instruments(
        transformed, none if equation == "transformed" else columns, (label,) * columns.shape[2]
    )


def lagged(name: str, values: Array, lags: Lags, *, collapse: bool, system: bool) -> Instruments:
    """A variable's own lags: levels for the transformed equation, differences for the level equation.

    values : (units, periods), missing where unknown. lags : first and last (None: all there are) lag in the
    transformed equation; the level equation has the difference of the lag before the first.
    collapse : one instrument a lag instead of one a period and lag.
    """
    first, last = lags
    units, periods = values.shape
    known = np.nan_to_num(values)
    found: dict[object, Array] = {}
    for period in range(1, periods):
        for lag in range(first, min(periods if last is None else last, period) + 1):
            key = lag if collapse else (period, lag)
            found.setdefault(key, np.zeros((units, periods)))[:, period] = known[:, period - lag]
    made = np.stack([*found.values()], axis=2) if found else np.zeros((units, periods, 0))
    parts = [Instruments(made, np.zeros_like(made), (f"lags of {name}",) * made.shape[2])]
    if system:
        change = np.full_like(values, np.nan)
        change[:, 1:] = values[:, 1:] - values[:, :-1]
        steps: dict[object, Array] = {}
        for period in range(first, periods):
            column = steps.setdefault(0 if collapse else period, np.zeros((units, periods)))
            column[:, period] = np.nan_to_num(change[:, period - first + 1])
        level = np.stack([*steps.values()], axis=2) if steps else np.zeros((units, periods, 0))
        parts.append(Instruments(np.zeros_like(level), level, (DIFFERENCES + name,) * level.shape[2]))
    return together(parts)


def together(parts: list[Instruments]) -> Instruments:
    """Instruments side by side."""
    return Instruments(
        np.concatenate([part.transformed for part in parts], axis=2),
        np.concatenate([part.level for part in parts], axis=2),
        tuple(label for part in parts for label in part.labels),
    )


def parse_lags(gmm: Mapping[str, object]) -> dict[str, Lags] | str:
    """`{"n": (2, None), "w": 2}` as first and last lags; a text that says what is wrong instead."""
    found: dict[str, Lags] = {}
    for name, given in gmm.items():
        pair = given if isinstance(given, tuple) else (given, given)
        if (
            len(pair) != 2
            or not isinstance(pair[0], int)
            or not (pair[1] is None or isinstance(pair[1], int))
        ):
            return f"the lags {given!r} of '{name}' are not (first, last)"
        first, last = pair
        if first < 1 or (last is not None and last < first):
            return f"the lags {given!r} of '{name}' must begin at 1 or later and end no earlier"
        found[name] = (first, last)
    return found
