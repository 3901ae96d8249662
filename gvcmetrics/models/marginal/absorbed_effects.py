"""Absorbed effects, found again from the index that holds them: by level, and for new rows.

The index less its regressors is a sum of effects, one of each kind a row. One kind is that sum itself. Of two
kinds only the sum is known within a connected set of levels (firms that share no region, even by a chain of
others, cannot be compared), so a constant may move from one to the other; of more, other sums may too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import lsmr

from gvcmetrics.ground.numerics.slopes import found_slopes
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.design import evaluate, require
from gvcmetrics.models.data.frames import plain_columns
from gvcmetrics.models.data.sample import Sample, take

_ZERO = 1e-6


@dataclass(frozen=True, eq=False)
class GroupSlopes:
    """Slopes of a variable by group, missing where it does not vary; labels, a row of columns a group.

    at : the mean of the variable in each group, which in those groups is all its values.
    """

    name: str
    variable: str
    labels: pd.DataFrame
    values: Array
    counts: NDArray[np.int64]
    at: Array

    def frame(self) -> pd.DataFrame:
        """One row a group, in the columns of the effects."""
        return pd.DataFrame(
            {
                "effect": self.name,
                "level": _levels(self.labels),
                "estimate": self.values,
                "nobs": self.counts,
                "component": np.int32(1),
                "identified": np.isfinite(self.values),
            }
        )

    def of_rows(self, data: pd.DataFrame, *, warned: bool) -> Array:
        """Slope times variable in new rows; missing in groups that the estimates do not know."""
        columns = list(self.labels.columns)
        require(data, [*columns, self.variable])
        levels = plain_columns(data[columns], columns)
        found = _keys(self.labels).get_indexer(_keys(levels))
        if warned:
            _warn_unseen(self.name, data[columns], found)
        seen = np.maximum(found, 0)
        slope, at = self.values[seen], self.at[seen]
        x = evaluate(f"`{self.variable}`", data)
        # Where a variable never moved, the group's constant holds what it does, and nothing else is known.
        there = np.abs(x - at) <= _ZERO * (1.0 + np.abs(at))
        made = np.where(np.isnan(slope) & there, 0.0, slope * x)
        return np.where(found >= 0, made, np.nan)


@dataclass(frozen=True, eq=False)
class AbsorbedEffects:
    """The effects by name: `values` and row counts by level, the connected set of each, what is identified.

    labels : the levels, a row of columns each. free : by level, a direction in which effects may move
    together and change no row; a sum along which it is not zero is not known. slopes : by group.
    """

    labels: Mapping[str, pd.DataFrame]
    values: Mapping[str, Array]
    counts: Mapping[str, NDArray[np.int64]]
    component: Mapping[str, NDArray[np.int32]]
    free: Mapping[str, Array]
    identified: Mapping[str, NDArray[np.bool_]]
    slopes: tuple[GroupSlopes, ...] = ()

    def frame(self) -> pd.DataFrame:
        """One row a level: effect, level, estimate, nobs, component, identified."""
        parts = [
            pd.DataFrame(
                {
                    "effect": name,
                    "level": _levels(labels),
                    "estimate": np.where(self.identified[name], self.values[name], np.nan),
                    "nobs": self.counts[name],
                    "component": self.component[name],
                    "identified": self.identified[name],
                }
            )
            for name, labels in self.labels.items()
        ]
        return pd.concat([*parts, *(slopes.frame() for slopes in self.slopes)], ignore_index=True)

    def of_rows(self, data: pd.DataFrame, *, warned: bool = True) -> Array:
        """The sum of the effects of new rows; missing where a level was not seen, which is warned of."""
        total, along = np.zeros(len(data)), np.zeros(len(data))
        for name, labels in self.labels.items():
            columns = list(labels.columns)
            require(data, columns)
            wanted = _keys(plain_columns(data, columns)[columns])
            found = _keys(labels).get_indexer(wanted)
            if warned:
                _warn_unseen(name, data[columns], found)
            seen = np.maximum(found, 0)
            total += np.where(found >= 0, self.values[name][seen], np.nan)
            along += self.free[name][seen]
        for slopes in self.slopes:
            total += slopes.of_rows(data, warned=warned)
        apart = np.isfinite(total) & (np.abs(along) > _ZERO)
        if warned and apart.any():
            warn(
                f"{int(apart.sum())} rows join levels of absorbed effects that no chain of rows connects, so "
                "their sum is not known: not predicted"
            )
        return np.where(apart, np.nan, total)


def recovered(sample: Sample, absorbed: Mapping[str, NDArray[np.int32]], total: Array) -> AbsorbedEffects:
    """The effects that add to `total` in every row.

    Where a constant may move between kinds of effects, all but the first have mean zero over the rows of
    every connected set of levels.
    """
    if sample.slopes and absorbed is sample.absorbed:
        return _with_slopes(sample, total)
    codes = list(absorbed.values())
    sizes = [int(effect.max()) + 1 for effect in codes]
    component = _components(codes, sizes)
    if len(codes) == 1:
        values = [np.bincount(codes[0], total) / np.bincount(codes[0])]
        free = [np.zeros(sizes[0])]
    else:
        values = _centred(_split(_least_norm(codes, sizes, total), sizes), codes, component)
        free = _free_direction(codes, sizes, component)
    moved = free if len(codes) < 3 else _centred(free, codes, component)
    source = take(sample.source, sample.rows)
    labels = {}
    for name, effect in absorbed.items():
        first = np.unique(effect, return_index=True)[1]
        columns = [name] if name in source else _columns_of(sample, name)
        labels[name] = plain_columns(source[columns].iloc[first], columns).reset_index(drop=True)
    names = list(absorbed)
    return AbsorbedEffects(
        labels=labels,
        values=dict(zip(names, values, strict=True)),
        counts={name: np.bincount(effect) for name, effect in absorbed.items()},
        component=dict(zip(names, component, strict=True)),
        free=dict(zip(names, free, strict=True)),
        identified={
            name: np.abs(each) < _ZERO if len(names) > 2 else np.ones(len(each), dtype=bool)
            for name, each in zip(names, moved, strict=True)
        },
    )


def _with_slopes(sample: Sample, total: Array) -> AbsorbedEffects:
    """The same with slopes by group, which are found first."""
    found = found_slopes(sample.effects, total)
    source = take(sample.source, sample.rows)
    slopes = []
    for (name, own), (columns, variable), values in zip(
        sample.slopes.items(), sample.formula.slopes, found, strict=True
    ):
        total = total - np.nan_to_num(values)[own.codes] * own.values
        first = np.unique(own.codes, return_index=True)[1]
        labels = plain_columns(source[[*columns]].iloc[first], columns).reset_index(drop=True)
        counts = np.bincount(own.codes)
        at = np.bincount(own.codes, own.values) / counts
        slopes.append(GroupSlopes(name, variable, labels, values, counts, at))
    if not sample.absorbed:
        return AbsorbedEffects({}, {}, {}, {}, {}, {}, tuple(slopes))
    return replace(recovered(sample, dict(sample.absorbed), total), slopes=tuple(slopes))


def _levels(labels: pd.DataFrame) -> list[Any]:
    return [row[0] if len(row) == 1 else row for row in labels.itertuples(index=False, name=None)]


def _warn_unseen(name: str, levels: pd.DataFrame, found: NDArray[np.intp]) -> None:
    unseen = (found < 0) & levels.notna().all(axis=1).to_numpy()
    if unseen.any():
        text = " ^ ".join(map(str, levels.iloc[int(unseen.argmax())]))
        warn(
            f"{int(unseen.sum())} rows are not predicted: no row of the estimates has their effect "
            f"of {name}, as {text}"
        )


def _columns_of(sample: Sample, name: str) -> list[str]:
    return next(list(columns) for columns in sample.formula.absorbed if "^".join(columns) == name)


def _keys(frame: pd.DataFrame) -> pd.Index:
    if frame.shape[1] == 1:
        return pd.Index(frame.iloc[:, 0].astype(object))
    return pd.MultiIndex.from_frame(frame.astype(object))


def _dummies(codes: Sequence[NDArray[np.int32]], sizes: Sequence[int]) -> sparse.csr_matrix:
    n = len(codes[0])
    blocks = [
        sparse.csr_matrix((np.ones(n), (np.arange(n), effect)), shape=(n, size))
        for effect, size in zip(codes, sizes, strict=True)
    ]
    return sparse.hstack(blocks).tocsr()


def _least_norm(codes: Sequence[NDArray[np.int32]], sizes: Sequence[int], total: Array) -> Array:
    """Effects that add to the total, the shortest such vector."""
    D = _dummies(codes, sizes)
    scale = np.sqrt(np.asarray(D.sum(axis=0)).ravel())
    solution = lsmr(D @ sparse.diags(1 / scale), total, atol=1e-15, btol=1e-15, conlim=0, maxiter=100_000)[0]
    return np.asarray(solution / scale)


def _split(values: Array, sizes: Sequence[int]) -> list[Array]:
    return np.split(values, np.cumsum(sizes)[:-1])


def _components(codes: Sequence[NDArray[np.int32]], sizes: Sequence[int]) -> list[NDArray[np.int32]]:
    """The connected set of every level, numbered from 1."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    first = np.tile(codes[0], max(len(codes) - 1, 1))
    others = [effect + start for effect, start in zip(codes[1:], starts[1:], strict=False)]
    second = np.concatenate(others) if others else codes[0]
    links = sparse.coo_matrix((np.ones(len(first)), (first, second)), shape=(starts[-1], starts[-1]))
    labels = connected_components(links, directed=False)[1] + 1
    return [part.astype(np.int32) for part in np.split(labels, starts[1:-1])]


def _centred(
    values: Sequence[Array], codes: Sequence[NDArray[np.int32]], component: Sequence[NDArray[np.int32]]
) -> list[Array]:
    """Means of all but the first kind, by connected set, moved to the first."""
    of_rows = component[0][codes[0]]
    count = np.maximum(np.bincount(of_rows), 1)
    first, made = values[0].copy(), []
    for effect, each, place in zip(codes[1:], values[1:], component[1:], strict=True):
        mean = np.bincount(of_rows, each[effect]) / count
        made.append(each - mean[place])
        first += mean[component[0]]
    return [first, *made]


def _free_direction(
    codes: Sequence[NDArray[np.int32]], sizes: Sequence[int], component: Sequence[NDArray[np.int32]]
) -> list[Array]:
    """A direction that changes no row, chosen at random among them all: what it leaves alone is known."""
    rng = np.random.default_rng(0)
    if len(codes) == 2:
        by_set = rng.uniform(1.0, 2.0, int(max(part.max() for part in component)) + 1)
        return [by_set[component[0]], -by_set[component[1]]]
    start = rng.uniform(1.0, 2.0, sum(sizes))
    scale = np.sqrt(np.concatenate([np.bincount(effect) for effect in codes]))
    D = _dummies(codes, sizes)
    across = lsmr(
        D @ sparse.diags(1 / scale), D @ (start / scale), atol=1e-15, btol=1e-15, conlim=0, maxiter=100_000
    )[0]
    return _split((start - across) / scale, sizes)
