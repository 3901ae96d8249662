"""Absorbed effects, found again from the index that holds them: by level, and for new rows.

The index less its regressors is a sum of effects, one of each kind a row. One kind is that sum itself. Of two
kinds only the sum is known within a connected set of levels (firms that share no region, even by a chain of
others, cannot be compared), so a constant may move from one to the other; of more, other sums may too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import lsmr

from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.design import require
from gvcmetrics.models.data.frames import plain_columns
from gvcmetrics.models.data.sample import Sample, take

_ZERO = 1e-6


@dataclass(frozen=True, eq=False)
class AbsorbedEffects:
    """The effects by name: `values` and row counts by level, the connected set of each, what is identified.

    labels : the levels, a row of columns each. free : by level, a direction in which effects may move
    together and change no row; a sum along which it is not zero is not known.
    """

    labels: Mapping[str, pd.DataFrame]
    values: Mapping[str, Array]
    counts: Mapping[str, NDArray[np.int64]]
    component: Mapping[str, NDArray[np.int32]]
    free: Mapping[str, Array]
    identified: Mapping[str, NDArray[np.bool_]]

    def frame(self) -> pd.DataFrame:
        """One row a level: effect, level, estimate, nobs, component, identified."""
        parts = [
            pd.DataFrame(
                {
                    "effect": name,
                    "level": [
                        row[0] if len(row) == 1 else row for row in labels.itertuples(index=False, name=None)
                    ],
                    "estimate": np.where(self.identified[name], self.values[name], np.nan),
                    "nobs": self.counts[name],
                    "component": self.component[name],
                    "identified": self.identified[name],
                }
            )
            for name, labels in self.labels.items()
        ]
        return pd.concat(parts, ignore_index=True)

    def of_rows(self, data: pd.DataFrame, *, warned: bool = True) -> Array:
        """The sum of the effects of new rows; missing where a level was not seen, which is warned of."""
        total, along = np.zeros(len(data)), np.zeros(len(data))
        for name, labels in self.labels.items():
            columns = list(labels.columns)
            require(data, columns)
            wanted = _keys(plain_columns(data, columns)[columns])
            found = _keys(labels).get_indexer(wanted)
            unseen = (found < 0) & data[columns].notna().all(axis=1).to_numpy()
            if warned and unseen.any():
                level = data[columns].iloc[int(unseen.argmax())]
                text = " ^ ".join(map(str, level))
                warn(
                    f"{int(unseen.sum())} rows are not predicted: no row of the estimates has their effect "
                    f"of {name}, as {text}"
                )
            seen = np.maximum(found, 0)
            total += np.where(found >= 0, self.values[name][seen], np.nan)
            along += self.free[name][seen]
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
