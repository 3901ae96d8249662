"""From the indices of a family to the parameters of a model: the chain rule, written once.

The parameters are stacked as (coefficients of index 1, ..., coefficients of index m, constants). With
eta_ij = x_ij' b_j + offset_ij, per-observation derivatives g_i and H_i in (eta, constants) give

    score   = sum_i w_i Z_i' g_i,      hessian = sum_i w_i Z_i' H_i Z_i,

where row j of Z_i holds x_ij in the columns of index j (or a one, for a constant). One evaluation
costs O(n m k^2) operations and holds no array longer than a block of rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.models.data.batch import Batch
from gvcmetrics.models.likelihood.family import Array, Family

# Two blocks a strip: large enough that threads seldom wait for one another, small enough for the cache.
BLOCK = 16_384
POOL = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="likelihood")


Source = Callable[[], Iterable[Batch]]


@dataclass(frozen=True)
class Likelihood:
    """A family, the columns of X that enter each of its indices, and the data.

    `source()` starts a pass over the data and yields batches: one for a sample in memory, many for a
    file. The sums are taken strip by strip in a fixed order, so they do not depend on the threads.
    """

    family: Family
    columns: tuple[NDArray[np.intp], ...]
    source: Source
    starts: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        ends = np.cumsum([0, *(len(c) for c in self.columns)])
        object.__setattr__(self, "starts", tuple(int(e) for e in ends))

    @property
    def n_parameters(self) -> int:
        return self.starts[-1] + len(self.family.constants)

    def constants(self, theta: Array) -> Array:
        """The part of the parameters that all observations share."""
        return theta[self.starts[-1] :]

    def indices(self, theta: Array, batch: Batch) -> Array:
        """eta (n, m) of a batch."""
        eta = np.empty((len(batch.y), self.family.n_indices))
        for j, columns in enumerate(self.columns):
            eta[:, j] = _take(batch.X, columns) @ theta[self.starts[j] : self.starts[j + 1]]
        if batch.offset is not None:
            eta += batch.offset[:, None]
        return eta

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and Hessian at theta, in one pass over the data."""
        p = self.n_parameters
        total, score, hessian = 0.0, np.zeros(p), np.zeros((p, p))
        for batch in self.source():
            strips = [batch.rows(*cut) for cut in self._strips(batch)]
            for loglik, s, h in POOL.map(partial(self._sum_strip, theta), strips):
                total += loglik
                score += s
                hessian += h
        return total, score, np.tril(hessian) + np.tril(hessian, -1).T

    def scores(self, theta: Array) -> Array:
        """Score of each observation (n, parameters), weighted."""
        parts = [self.scores_of(theta, batch) for batch in self.source()]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def scores_of(self, theta: Array, batch: Batch) -> Array:
        """Score of each observation of a batch, weighted."""
        out = np.empty((len(batch.y), self.n_parameters))
        cuts = self._strips(batch)
        # The strips fill parts of one array, so that scores are never held twice.
        jobs = [POOL.submit(self._fill_scores, theta, batch.rows(*cut), out[slice(*cut)]) for cut in cuts]
        for job in jobs:
            job.result()
        return out

    def _strips(self, batch: Batch) -> list[tuple[int, int]]:
        size = self.family.strip
        return [(start, start + size) for start in range(0, len(batch.y), size)]

    def _sum_strip(self, theta: Array, strip: Batch) -> tuple[float, Array, Array]:
        p = self.n_parameters
        total, score, hessian = 0.0, np.zeros(p), np.zeros((p, p))
        constants = self.constants(theta)
        room = np.empty((min(BLOCK, len(strip.y)), strip.X.shape[1] + 1))
        for start in range(0, len(strip.y), BLOCK):
            block = strip.rows(start, start + BLOCK)
            loglik, g, h = self.family.evaluate(block.y, self.indices(theta, block), constants)
            if block.weights is not None:
                loglik, g, h = loglik * block.weights, g * block.weights[:, None], h * block.weights[:, None]
            # Infinities of a trial point outside the domain become NaN here; newton rejects the point.
            with np.errstate(over="ignore", invalid="ignore"):
                total += float(loglik.sum())
                self._add(block.X, g, h, score, hessian, room[: len(g)])
        return total, score, hessian

    def _add(self, X: Array, g: Array, h: Array, score: Array, hessian: Array, room: Array) -> None:
        """Add Z'g, and the lower triangle of Z'HZ, of one block; `room` is (n, k + 1) to work in."""
        m, q0 = self.family.n_indices, self.starts[-1]
        for j in range(m):
            Xj = _take(X, self.columns[j])
            row, p = slice(self.starts[j], self.starts[j + 1]), Xj.shape[1]
            for k in range(j):
                np.multiply(Xj, h[:, j * (j + 1) // 2 + k, None], out=room[:, :p])
                column = slice(self.starts[k], self.starts[k + 1])
                hessian[row, column] += room[:, :p].T @ _take(X, self.columns[k])
            # The gradient goes through the same product as the curvature.
            np.multiply(Xj, h[:, j * (j + 3) // 2, None], out=room[:, :p])
            room[:, p] = g[:, j]
            both = room[:, : p + 1].T @ Xj
            hessian[row, row] += both[:p]
            score[row] += both[p]
        for j in range(m, self.family.n_arguments):
            row = slice(q0 + j - m, q0 + j - m + 1)
            score[row] += g[:, j].sum()
            for k in range(j + 1):
                hjk = h[:, j * (j + 1) // 2 + k]
                if k >= m:
                    hessian[row, q0 + k - m] += hjk.sum()
                else:
                    column = slice(self.starts[k], self.starts[k + 1])
                    hessian[row, column] += hjk @ _take(X, self.columns[k])

    def _fill_scores(self, theta: Array, strip: Batch, out: Array) -> None:
        constants = self.constants(theta)
        for start in range(0, len(strip.y), BLOCK):
            block = strip.rows(start, start + BLOCK)
            _, g, _ = self.family.evaluate(block.y, self.indices(theta, block), constants)
            if block.weights is not None:
                g *= block.weights[:, None]
            part = out[start : start + BLOCK]
            for j, columns in enumerate(self.columns):
                np.multiply(
                    _take(block.X, columns), g[:, j, None], out=part[:, self.starts[j] : self.starts[j + 1]]
                )
            part[:, self.starts[-1] :] = g[:, self.family.n_indices :]


def in_memory(
    family: Family,
    y: Array,
    X: Array,
    weights: Array | None = None,
    offset: Array | None = None,
    columns: tuple[NDArray[np.intp], ...] | None = None,
) -> Likelihood:
    """The likelihood of a sample in memory; every index takes all columns of X unless told otherwise."""
    batch = Batch(y, X, weights, offset)
    if columns is None:
        columns = tuple(np.arange(X.shape[1]) for _ in range(family.n_indices))
    return Likelihood(family, columns, lambda: (batch,))


def _take(X: Array, columns: NDArray[np.intp]) -> Array:
    """The given columns; X itself when they are all of it."""
    if len(columns) == X.shape[1] and np.array_equal(columns, np.arange(len(columns))):
        return X
    return X[:, columns]
