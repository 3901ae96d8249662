r"""Fixed-effects logit: the likelihood of a unit's outcomes given how many of them are ones.

.. math:: \ell_g = \sum_t y_t \eta_t - \log \sum_{d:\,\sum d_t = s} \exp\Big(\sum_t d_t \eta_t\Big),
   \qquad \eta_t = x_t'\beta, \quad s = \sum_t y_t

(Chamberlain 1980). The sum over :math:`\binom{T}{s}` sequences is taken exactly by the recursion over
t and the count of ones (Howard 1972). The recursion is run on probabilities: with
:math:`p_t = 1/(1+e^{-\eta_t-\lambda})` and :math:`\lambda` such that :math:`\sum p_t \approx s`, the sum is
:math:`\Pr(\sum d_t = s)\,e^{-\lambda s}\prod(1+e^{\eta_t+\lambda})`, whose probability is never small, so
nothing overflows or vanishes whatever T or the size of :math:`\eta`.

Score and Hessian are the first two moments of :math:`\sum d_t x_t` given the sum. Forward in t the
recursion carries, for each count of ones still to come r, the probability :math:`F_t(r)` and the first
moment :math:`M_t(r)` of what was chosen so far; backward, the probability :math:`B_t(r)` that the rows from
t on give r ones. The second moment needs no recursion of its own: it is the sum over u of

.. math:: p_u \sum_r B_{u+1}(r) \big[F_u(r+1)\, x_u x_u' + M_u(r+1)\, x_u' + x_u M_u(r+1)'\big]

Counts r further from their mean than :math:`d = 17 + \sqrt{17^2 + 102 V}` have a probability below
:math:`2 e^{-51}` (Bernstein's inequality; V is the variance of the count), less than a sum of doubles can
hold beside the rest, and are left out. Time is :math:`O(T \min(s, d) k + T k^2)` a group and evaluation, s
never above T/2 and d of the order of :math:`\sqrt T`. Memory beside the sample is a
copy of X and, a thread, :math:`O(\sqrt{T} s + T k)` for `LANES` groups: B is kept at every
:math:`\sqrt{T}`-th row only and made again in between.

An ordered outcome is the sum over cutoffs c of the same likelihood for 1[y >= c]: the "blow-up and
cluster" estimator (Baetschmann, Staub & Winkelmann 2015), whose scores are summed by unit. The blown-up
copies share X.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.likelihood.family import Array
from gvcmetrics.models.likelihood.sums import POOL

# Groups worked on side by side. Inner loops over lanes become vector instructions; with fewer lanes the
# compiler would unroll the loops first and leave them scalar. No fast arithmetic: a function may be compiled
# once by itself and once inside its caller, and reordered sums would then depend on which of them runs.
LANES = 32
# Rows between two checkpoints of B while T is small enough for all of it to stay in cache.
_SHORT = 64
_STRIP = 1e5
_TAIL = 51.0


@njit(cache=True, nogil=True, error_model="numpy")
def centred_by_group(
    y: Any, X: Any, offset: Any, starts: Any, problems: Any, within: Any, observed: Any
) -> None:
    """Fill X less its group means, and for each problem the sums over its ones, of these and the offset."""
    k = X.shape[1]
    mean = np.empty(k)
    for g in range(starts.shape[0] - 1):
        low, high = starts[g], starts[g + 1]
        mean[:] = 0.0
        for t in range(low, high):
            for a in range(k):
                mean[a] += X[t, a]
        for a in range(k):
            mean[a] /= high - low
        for t in range(low, high):
            for a in range(k):
                within[t, a] = X[t, a] - mean[a]
    for j in range(problems.shape[0]):
        g, cutoff, sign = problems[j, 0], problems[j, 1], problems[j, 3]
        observed[j] = 0.0
        for t in range(starts[g], starts[g + 1]):
            if (y[t] >= cutoff) == (sign > 0):
                for a in range(k):
                    observed[j, a] += sign * within[t, a]
                if offset.shape[0] > 0:
                    observed[j, k] += sign * offset[t]


@njit(cache=True, nogil=True, error_model="numpy")
def _tilt(eta: Any, lane: int, n: int, s: int) -> float:
    """lambda with sum of 1/(1 + exp(-eta - lambda)) about a standard deviation from s, or closer.

    Newton kept in a bracket.
    """
    mean, top, bottom = 0.0, -math.inf, math.inf
    for t in range(n):
        mean += eta[t, lane]
        top, bottom = max(top, eta[t, lane]), min(bottom, eta[t, lane])
    odds = math.log(s / (n - s))
    low, high = odds - top, odds - bottom
    at = min(max(odds - mean / n, low), high)
    for _ in range(200):
        total = variance = 0.0
        for t in range(n):
            z = eta[t, lane] + at
            u = math.exp(-abs(z))
            p = 1.0 / (1.0 + u)
            variance += u * p * p
            total += p if z >= 0.0 else u * p
        excess = total - s
        if excess * excess < 0.0625 + variance or high - low < 1e-12 * (1.0 + abs(at)):
            break
        if excess > 0.0:
            high = at
        else:
            low = at
        at = at - excess / variance if variance > 1e-12 else 0.5 * (low + high)
        if not low < at < high:
            at = 0.5 * (low + high)
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def _prepare(
    X: Any, theta: Any, offset: Any, starts: Any, problems: Any, n: int, p: Any, x: Any, u: Any, centre: Any,
    known: Any,
) -> None:  # fmt: skip
    """Fill the lanes with the problems' probabilities p (n, LANES) and centred regressors x (n, k, LANES).

    known : the logarithm of what the sum over sequences is more than its probability, with sign reversed.
    Lanes without a problem, and rows beyond a group's end, get probabilities of zero or repeat a problem.
    """
    k = X.shape[1]
    for lane in range(LANES):
        g, _, s, sign = problems[min(lane, problems.shape[0] - 1)]
        low, size = starts[g], starts[g + 1] - starts[g]
        for t in range(size):
            p[t, lane] = sign * offset[low + t] if offset.shape[0] > 0 else 0.0
            for a in range(k):
                x[t, a, lane] = sign * X[low + t, a]
        for t in range(size, n):
            p[t, lane] = -math.inf
            for a in range(k):
                x[t, a, lane] = 0.0
    for t in range(n):
        for a in range(k):
            for lane in range(LANES):
                p[t, lane] += theta[a] * x[t, a, lane]
    for lane in range(LANES):
        g, _, s, _ = problems[min(lane, problems.shape[0] - 1)]
        at = _tilt(p, lane, starts[g + 1] - starts[g], s)
        known[lane] = at * s
        for t in range(n):
            p[t, lane] += at
            u[t, lane] = math.exp(-abs(p[t, lane]))
    product, mass = np.ones(LANES), np.zeros(LANES)
    centre[:] = 0.0
    for t in range(n):
        for lane in range(LANES):
            z, v = p[t, lane], u[t, lane]
            known[lane] -= max(z, 0.0)
            product[lane] *= 1.0 + v
            p[t, lane] = (1.0 if z >= 0.0 else v) / (1.0 + v)
            mass[lane] += p[t, lane]
        for a in range(k):
            for lane in range(LANES):
                centre[a, lane] += p[t, lane] * x[t, a, lane]
        # Factors are at most two, so 512 of them stay within range.
        if t % 512 == 511 or t == n - 1:
            for lane in range(LANES):
                known[lane] -= math.log(product[lane])
                product[lane] = 1.0
    for a in range(k):
        for lane in range(LANES):
            centre[a, lane] /= mass[lane]
    for t in range(n):
        for a in range(k):
            for lane in range(LANES):
                x[t, a, lane] -= centre[a, lane]


@njit(cache=True, nogil=True, error_model="numpy")
def _deviation(variance: float) -> float:
    """How far a sum of independent 0/1 is from its mean with a probability of exp(-_TAIL) at most, a side."""
    third = _TAIL / 3.0
    return third + math.sqrt(third * third + 2.0 * _TAIL * variance)


@njit(cache=True, nogil=True, error_model="numpy")
def _windows(p: Any, ones: Any, n: int, least: int, most: int, low: Any, high: Any) -> None:
    """The counts still to come after t rows that are not too unlikely in any lane: low[t] to high[t].

    Both fall by at most one a row, so that what stands beside a window is never further away than that.
    """
    for t in range(n + 1):
        low[t], high[t] = max(0, least - t), min(most, n - t)
    if n <= _SHORT:
        return
    likely_low, likely_high = np.full(n + 1, most), np.zeros(n + 1, dtype=np.int64)
    for lane in range(LANES):
        mean = variance = 0.0
        for t in range(n):
            mean += p[t, lane]
            variance += p[t, lane] * (1.0 - p[t, lane])
        chosen = before = 0.0
        for t in range(n + 1):
            gone, coming = _deviation(before), _deviation(max(variance - before, 0.0))
            to_come = mean - chosen
            likely_low[t] = min(likely_low[t], math.floor(max(to_come - coming, ones[lane] - chosen - gone)))
            likely_high[t] = max(likely_high[t], math.ceil(min(to_come + coming, ones[lane] - chosen + gone)))
            if t < n:
                chosen += p[t, lane]
                before += p[t, lane] * (1.0 - p[t, lane])
    for t in range(n + 1):
        low[t], high[t] = max(low[t], likely_low[t]), min(high[t], likely_high[t])
    for t in range(1, n + 1):
        low[t], high[t] = min(low[t], low[t - 1]), max(high[t], high[t - 1] - 1)
    for t in range(n - 1, -1, -1):
        low[t], high[t] = min(low[t], low[t + 1] + 1), max(high[t], high[t + 1])


@njit(cache=True, nogil=True, error_model="numpy")
def _backward(p: Any, B: Any, first: int, last: int, low: Any, high: Any) -> None:
    """B[t - first] for t from last - 1 down to first, from B[last - first]; a row of zeros on either side."""
    for t in range(last - 1, first - 1, -1):
        now, after, pt = B[t - first], B[t + 1 - first], p[t]
        for r in range(low[t], high[t] + 1):
            # Counts are one off their place: the first stands for -1.
            for lane in range(LANES):
                now[r + 1, lane] = after[r + 1, lane] + pt[lane] * (after[r, lane] - after[r + 1, lane])
        now[low[t]] = 0.0
        now[high[t] + 2] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _forward(
    p: Any, x: Any, F: Any, B: Any, scale: Any, second: Any, h: Any,
    first: int, last: int, low: Any, high: Any,
) -> None:  # fmt: skip
    """Carry F (r, 1 + k, LANES), probability and first moments, over the rows from first to last.

    Adds `scale` times their part of the second moments to second (k (k + 1) / 2, LANES). What F holds outside
    the window is zero, or what it was when the window left it.
    """
    k = x.shape[1]
    for t in range(first, last):
        pt, xt = p[t], x[t]
        h[:] = 0.0
        for r in range(low[t + 1], high[t + 1] + 1):
            now, before, rest = F[r], F[r + 1], B[t + 1 - first, r + 1]
            for a in range(1, k + 1):
                for lane in range(LANES):
                    moment = before[a, lane]
                    h[a, lane] += moment * rest[lane]
                    now[a, lane] += pt[lane] * (moment + xt[a - 1, lane] * before[0, lane] - now[a, lane])
            for lane in range(LANES):
                h[0, lane] += before[0, lane] * rest[lane]
                now[0, lane] += pt[lane] * (before[0, lane] - now[0, lane])
        for a in range(1, k + 1):
            for lane in range(LANES):
                h[a, lane] = (h[a, lane] + 0.5 * xt[a - 1, lane] * h[0, lane]) * pt[lane] * scale[lane]
        row = 0
        for a in range(k):
            for b in range(a + 1):
                for lane in range(LANES):
                    second[row, lane] += xt[a, lane] * h[b + 1, lane] + xt[b, lane] * h[a + 1, lane]
                row += 1


@njit(cache=True, nogil=True, error_model="numpy")
def conditional_logit_kernel(
    X: Any, theta: Any, offset: Any, starts: Any, weights: Any, problems: Any, observed: Any, scores: Any,
    hessian: Any,
) -> float:  # fmt: skip
    """Log likelihood of the problems (group, cutoff, ones, sign), sorted by length.

    Fills their scores and takes from the lower triangle of the Hessian. offset may be empty.
    """
    n_problems, k = problems.shape[0], X.shape[1]
    longest = most = 1
    for j in range(n_problems):
        longest = max(longest, starts[problems[j, 0] + 1] - starts[problems[j, 0]])
        most = max(most, problems[j, 2])
    step = longest if longest <= _SHORT else int(math.sqrt(longest)) + 1
    p, u, x = np.empty((longest, LANES)), np.empty((longest, LANES)), np.empty((longest, k, LANES))
    F = np.empty((most + 2, k + 1, LANES))
    B = np.empty((step + 1, most + 3, LANES))
    checkpoints = np.empty(((longest + step - 1) // step + 1, most + 3, LANES))
    low, high = np.empty(longest + 1, dtype=np.int64), np.empty(longest + 1, dtype=np.int64)
    centre, h, second = np.empty((k, LANES)), np.empty((k + 1, LANES)), np.zeros((k * (k + 1) // 2, LANES))
    known, scale, ones = np.empty(LANES), np.zeros(LANES), np.empty(LANES, dtype=np.int64)
    total = 0.0
    for first in range(0, n_problems, LANES):
        mine = problems[first : first + LANES]
        used, n = mine.shape[0], 0
        for lane in range(LANES):
            g = mine[min(lane, used - 1), 0]
            n = max(n, starts[g + 1] - starts[g])
            ones[lane] = mine[min(lane, used - 1), 2]
        least, most = ones.min(), ones.max()
        _prepare(X, theta, offset, starts, mine, n, p, x, u, centre, known)
        _windows(p, ones, n, least, most, low, high)
        blocks = (n + step - 1) // step
        checkpoints[blocks, : most + 3] = 0.0
        checkpoints[blocks, 1] = 1.0
        for block in range(blocks - 1, -1, -1):
            begin, end = block * step, min(n, (block + 1) * step)
            B[end - begin, : most + 3] = checkpoints[block + 1, : most + 3]
            _backward(p, B, begin, end, low, high)
            checkpoints[block, : most + 3] = B[0, : most + 3]
        F[: most + 2] = 0.0
        scale[:] = 0.0
        for lane in range(LANES):
            F[ones[lane], 0, lane] = 1.0
        for lane in range(used):
            scale[lane] = weights[mine[lane, 0]] / checkpoints[0, ones[lane] + 1, lane]
        for block in range(blocks):
            begin, end = block * step, min(n, (block + 1) * step)
            if blocks > 1:
                B[end - begin, : most + 3] = checkpoints[block + 1, : most + 3]
                _backward(p, B, begin, end, low, high)
            _forward(p, x, F, B, scale, second, h, begin, end, low, high)
        for lane in range(used):
            weight, probability = weights[mine[lane, 0]], checkpoints[0, ones[lane] + 1, lane]
            value = known[lane] - math.log(probability) + observed[first + lane, k]
            row = 0
            for a in range(k):
                value += theta[a] * observed[first + lane, a]
                mean = F[0, a + 1, lane] / probability
                scores[first + lane, a] = weight * (
                    observed[first + lane, a] - ones[lane] * centre[a, lane] - mean
                )
                for b in range(a + 1):
                    second[row, lane] -= scale[lane] * mean * F[0, b + 1, lane]
                    row += 1
            total += weight * value
    row = 0
    for a in range(k):
        for b in range(a + 1):
            hessian[a, b] -= second[row].sum()
            row += 1
    return total


@dataclass(frozen=True)
class ConditionalLogit:
    """The conditional likelihood of grouped rows.

    y : (n) 0/1, or 0, ..., cutoffs for an ordered outcome, in the order of the groups.
    X, offset : regressors and offset, likewise. weights : (G), constant within a group.
    """

    y: Array
    X: Array
    groups: Groups
    cutoffs: int = 1
    weights: Array | None = None
    offset: Array | None = None
    _last: dict[bytes, tuple[float, Array, Array]] = field(default_factory=dict, init=False, repr=False)

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and Hessian."""
        loglik, scores, hessian = self._pass(theta)
        return loglik, scores.sum(axis=0), hessian.copy()

    def scores(self, theta: Array) -> Array:
        """Score of each group (G, k), weighted."""
        scores = self._pass(theta)[1]
        return np.column_stack(
            [np.bincount(self.problems[:, 0], column, self.groups.count) for column in scores.T]
        )

    @property
    def within(self) -> Array:
        """X less its group means (n, k); group constants do not enter the likelihood."""
        return self._sums[0]

    @cached_property
    def problems(self) -> NDArray[np.int64]:
        """(group, cutoff, s, sign) of each group and cutoff with variation, alike ones side by side.

        Where ones are the majority sign is -1 and zeros are counted instead: s is never above T/2.
        """
        sizes = np.diff(self.groups.starts)
        parts = []
        for cutoff in range(1, self.cutoffs + 1):
            ones = self.groups.sums((self.y >= cutoff).astype(np.int64))
            sign = np.where(2 * ones <= sizes, 1, -1)
            s = np.where(sign > 0, ones, sizes - ones)
            part = np.column_stack([np.arange(len(s)), np.full(len(s), cutoff), s, sign])
            parts.append(part[s > 0])
        problems = np.concatenate(parts).astype(np.int64)
        return problems[np.lexsort([problems[:, 2], sizes[problems[:, 0]]])]

    @cached_property
    def _sums(self) -> tuple[Array, Array]:
        """`within`, and for each problem its sums (k) over the ones and that of the offset."""
        k = self.X.shape[1]
        within, observed = np.empty((len(self.y), k)), np.empty((len(self.problems), k + 1))
        centred_by_group(self.y, self.X, self._offset, self.groups.starts, self.problems, within, observed)
        return within, observed

    @property
    def _offset(self) -> Array:
        return np.empty(0) if self.offset is None else self.offset

    def _pass(self, theta: Array) -> tuple[float, Array, Array]:
        # Scores are asked for where the maximiser stopped, which is the point that it evaluated last.
        key = theta.tobytes()
        if key not in self._last:
            self._last.clear()
            self._last[key] = self._sum(theta)
        return self._last[key]

    def _sum(self, theta: Array) -> tuple[float, Array, Array]:
        k = self.X.shape[1]
        within, observed = self._sums
        weights = np.ones(self.groups.count) if self.weights is None else self.weights
        scores = np.empty((len(self.problems), k))

        def work(strip: slice) -> tuple[float, Array]:
            hessian = np.zeros((k, k))
            loglik = conditional_logit_kernel(
                within, theta, self._offset, self.groups.starts, weights, self.problems[strip],
                observed[strip], scores[strip], hessian,
            )  # fmt: skip
            return loglik, hessian

        parts = list(POOL.map(work, self._strips))
        hessian = np.sum([part[1] for part in parts], axis=0)
        return float(sum(part[0] for part in parts)), scores, hessian + np.tril(hessian, -1).T

    @cached_property
    def _strips(self) -> list[slice]:
        """Ranges of problems of about equal work, whole numbers of lanes but for the last."""
        cost = np.cumsum(np.diff(self.groups.starts)[self.problems[:, 0]] * (1 + self.problems[:, 2]))
        cuts = np.unique(np.searchsorted(cost, np.arange(_STRIP, cost[-1], _STRIP)) // LANES * LANES)
        edges = [0, *(int(c) for c in cuts if c > 0), len(cost)]
        return [slice(a, b) for a, b in pairwise(edges)]
