r"""Fixed-effects logit: the likelihood of a unit's outcomes given how many of them are ones.

.. math:: \ell_g = \sum_t y_t \eta_t - \log \sum_{d:\,\sum d_t = s} \exp\Big(\sum_t d_t \eta_t\Big),
   \qquad \eta_t = x_t'\beta, \quad s = \sum_t y_t

(Chamberlain 1980). The sum over :math:`\binom{T}{s}` sequences is taken exactly by the recursion over
t and the count of ones (Howard 1972). The recursion is run on probabilities: with
:math:`p_t = 1/(1+e^{-\eta_t-\lambda})` and :math:`\lambda` such that :math:`\sum p_t \approx s`, the sum is
:math:`\Pr(\sum d_t = s)\,e^{-\lambda s}\prod(1+e^{\eta_t+\lambda})`, whose probability is never small, so
nothing overflows or vanishes whatever T or the size of :math:`\eta`. Beside the probability it carries
the first two moments of :math:`\sum d_t x_t`, which give score and Hessian.

Time is :math:`O(T \min(s, T-s) k^2)` a group and evaluation, memory :math:`O(T k^2)` a thread.

An ordered outcome is the sum over cutoffs c of the same likelihood for 1[y >= c]: the "blow-up and
cluster" estimator (Baetschmann, Staub & Winkelmann 2015), whose scores are summed by unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gvcmetrics.models.families.base import Array
from gvcmetrics.models.heterogeneity.groups import Groups
from gvcmetrics.models.likelihood import POOL

# Groups worked on side by side: independent chains of arithmetic keep the processor busy.
LANES = 8
_STRIP = 2e4


@njit(cache=True, nogil=True)
def _tilt(eta: Any, s: int) -> float:
    """lambda with sum of 1/(1 + exp(-eta - lambda)) within a quarter of s; Newton kept in a bracket."""
    n = eta.shape[0]
    odds = math.log(s / (n - s))
    low, high = odds - eta.max(), odds - eta.min()
    at = min(max(odds - eta.mean(), low), high)
    for _ in range(200):
        total = slope = 0.0
        for t in range(n):
            u = math.exp(-abs(eta[t] + at))
            p = 1.0 / (1.0 + u)
            slope += u * p * p
            total += p if eta[t] + at >= 0.0 else u * p
        excess = total - s
        if abs(excess) < 0.25 or high - low < 1e-12 * (1.0 + abs(at)):
            break
        if excess > 0.0:
            high = at
        else:
            low = at
        at = at - excess / slope if slope > 1e-12 else 0.5 * (low + high)
        if not low < at < high:
            at = 0.5 * (low + high)
    return at


@njit(cache=True, nogil=True, fastmath={"contract"})
def _recursion(p: Any, x: Any, moments: Any, ones: Any) -> None:
    """Run the recursion of LANES groups side by side.

    p (T, LANES), x (T, k, LANES). moments[r] belongs to s - r ones so far and holds, lane by lane, the
    probability, the first moments and the lower triangle of the second. Only counts that are reachable
    and from which s can still be reached are visited.
    """
    n, k = x.shape[0], x.shape[1]
    most = ones.max()
    moments[: most + 2] = 0.0
    for lane in range(LANES):
        moments[ones[lane], 0, lane] = 1.0
    least = ones.min()
    shifted = np.empty(LANES)
    for t in range(n):
        pt, xt = p[t], x[t]
        for r in range(max(0, least - t - 1), min(most, n - t - 1) + 1):
            now, before = moments[r], moments[r + 1]
            row = k + 1
            for a in range(k):
                for lane in range(LANES):
                    shifted[lane] = before[1 + a, lane] + xt[a, lane] * before[0, lane]
                for b in range(a + 1):
                    for lane in range(LANES):
                        gain = xt[a, lane] * before[1 + b, lane] + xt[b, lane] * shifted[lane]
                        now[row, lane] += pt[lane] * (before[row, lane] + gain - now[row, lane])
                    row += 1
                for lane in range(LANES):
                    now[1 + a, lane] += pt[lane] * (shifted[lane] - now[1 + a, lane])
            for lane in range(LANES):
                now[0, lane] += pt[lane] * (before[0, lane] - now[0, lane])


@njit(cache=True, nogil=True)
def _prepare(
    y: Any, X: Any, eta: Any, cutoff: int, s: int, sign: float, lane: int,
    p: Any, x: Any, scratch: Any, observed: Any,
) -> float:  # fmt: skip
    """Fill one lane with a group's probabilities and centred regressors; return the known part of its
    log likelihood. `observed` gets the sum of the centred regressors over the ones."""
    n, k = X.shape
    for t in range(n):
        scratch[t] = sign * eta[t]
    at = _tilt(scratch[:n], s)
    known = at * s
    total = 0.0
    centre = np.zeros(k)
    for t in range(n):
        z = scratch[t] + at
        u = math.exp(-abs(z))
        p[t, lane] = (1.0 if z >= 0.0 else u) / (1.0 + u)
        known -= max(z, 0.0) + math.log1p(u)
        total += p[t, lane]
        for a in range(k):
            centre[a] += p[t, lane] * sign * X[t, a]
    for a in range(k):
        centre[a] /= total
        observed[a] = 0.0
    for t in range(n):
        one = (y[t] >= cutoff) == (sign > 0.0)
        if one:
            known += scratch[t]
        for a in range(k):
            x[t, a, lane] = sign * X[t, a] - centre[a]
            if one:
                observed[a] += x[t, a, lane]
    p[n:, lane] = 0.0
    x[n:, :, lane] = 0.0
    return known


@njit(cache=True, nogil=True)
def conditional_logit_kernel(
    y: Any, X: Any, eta: Any, starts: Any, weights: Any, problems: Any, scores: Any, hessian: Any
) -> float:
    """Log likelihood of the problems (group, cutoff, ones, sign), sorted by length; fills their scores."""
    n_problems, k = problems.shape[0], X.shape[1]
    longest = most = 1
    for j in range(n_problems):
        longest = max(longest, starts[problems[j, 0] + 1] - starts[problems[j, 0]])
        most = max(most, problems[j, 2])
    p, x = np.zeros((longest, LANES)), np.zeros((longest, k, LANES))
    moments = np.zeros((most + 2, 1 + k + k * (k + 1) // 2, LANES))
    scratch, observed = np.empty(longest), np.zeros((LANES, k))
    known, ones = np.zeros(LANES), np.ones(LANES, dtype=np.int64)
    total = 0.0
    for first in range(0, n_problems, LANES):
        used = min(LANES, n_problems - first)
        n = 0
        for lane in range(used):
            n = max(n, starts[problems[first + lane, 0] + 1] - starts[problems[first + lane, 0]])
        ones[:] = problems[first, 2]
        for lane in range(used):
            g, cutoff, s, sign = problems[first + lane]
            rows = slice(starts[g], starts[g + 1])
            ones[lane] = s
            known[lane] = _prepare(
                y[rows], X[rows], eta[rows], cutoff, s, float(sign), lane,
                p[:n], x[:n], scratch, observed[lane],
            )  # fmt: skip
        _recursion(p[:n], x[:n], moments, ones)
        for lane in range(used):
            weight = weights[problems[first + lane, 0]]
            probability = moments[0, 0, lane]
            total += weight * (known[lane] - math.log(probability))
            row = k + 1
            for a in range(k):
                mean_a = moments[0, 1 + a, lane] / probability
                scores[first + lane, a] = weight * (observed[lane, a] - mean_a)
                for b in range(a + 1):
                    mean_b = moments[0, 1 + b, lane] / probability
                    hessian[a, b] -= weight * (moments[0, row, lane] / probability - mean_a * mean_b)
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

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and Hessian."""
        loglik, scores, hessian = self._pass(theta)
        return loglik, scores.sum(axis=0), hessian

    def scores(self, theta: Array) -> Array:
        """Score of each group (G, k), weighted."""
        scores = self._pass(theta)[1]
        return np.column_stack(
            [np.bincount(self.problems[:, 0], column, self.groups.count) for column in scores.T]
        )

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

    def _pass(self, theta: Array) -> tuple[float, Array, Array]:
        k = self.X.shape[1]
        eta = self.X @ theta
        if self.offset is not None:
            eta += self.offset
        weights = np.ones(self.groups.count) if self.weights is None else self.weights
        scores = np.empty((len(self.problems), k))
        if not np.isfinite(eta).all():
            return -np.inf, scores, np.zeros((k, k))

        def work(strip: slice) -> tuple[float, Array]:
            hessian = np.zeros((k, k))
            loglik = conditional_logit_kernel(
                self.y, self.X, eta, self.groups.starts, weights, self.problems[strip], scores[strip], hessian
            )
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
