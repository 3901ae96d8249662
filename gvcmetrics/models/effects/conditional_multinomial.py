r"""Fixed-effects multinomial logit: a unit's choices given how often it chose each category.

.. math:: \ell_g = \sum_t \eta_{t y_t} - \log \sum_{d \in D} \exp\Big(\sum_t \eta_{t d_t}\Big),
   \qquad \eta_{tj} = x_t'\beta_j,\; \beta_0 = 0

with D the sequences in which each category occurs as often as in :math:`y_1, \dots, y_T` (Chamberlain
1980). Permutations are not enumerated: the sum runs over t and the vector of counts used so far, of
which there are :math:`S = \prod_{j\geq 1}(n_j + 1)`. As for the conditional logit, category effects
:math:`\lambda_j` that make the expected counts equal to the observed ones turn the sum into a
probability that is never small, and two moments are carried along. Time is :math:`O(T S J K^2)` a group
and evaluation and memory :math:`O(S K^2)` a thread, K the number of coefficients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.likelihood.family import Array
from gvcmetrics.models.likelihood.sums import POOL

_GROUPS_A_STRIP = 16


@njit(cache=True, nogil=True)
def _probabilities(eta: Any, tilt: Any, p: Any) -> float:
    """Fill the choice probabilities at eta + tilt; return the sum of the log normalisers."""
    n, m = eta.shape
    total = 0.0
    for t in range(n):
        top = -math.inf
        for j in range(m):
            top = max(top, eta[t, j] + tilt[j])
        denominator = 0.0
        for j in range(m):
            p[t, j] = math.exp(eta[t, j] + tilt[j] - top)
            denominator += p[t, j]
        for j in range(m):
            p[t, j] /= denominator
        total += top + math.log(denominator)
    return total


@njit(cache=True, nogil=True)
def _fitted(eta: Any, counts: Any, tilt: Any, p: Any) -> float:
    """Tilt the probabilities until each category is expected about as often as it was chosen.

    Iterative proportional fitting: a rough fit is enough to keep the probability away from zero. Fills
    `tilt` and `p`; returns the logarithm of what the probabilities were divided by.
    """
    for _ in range(200):
        _probabilities(eta, tilt, p)
        worst = 0.0
        for j in range(eta.shape[1]):
            if counts[j] > 0:
                expected = max(p[:, j].sum(), 1e-300)
                worst = max(worst, abs(expected - counts[j]))
                tilt[j] += math.log(counts[j] / expected)
        if worst < 0.25:
            break
    return _probabilities(eta, tilt, p)


@njit(cache=True, nogil=True)
def _conclude(final: Any, K: int, weight: float, score: Any, hessian: Any) -> float:
    """Take the moments of the last state from score and Hessian; the logarithm of its probability."""
    row = K + 1
    for a in range(K):
        score[a] -= weight * final[1 + a] / final[0]
        for b in range(a + 1):
            moment = final[row] / final[0] - final[1 + a] / final[0] * final[1 + b] / final[0]
            hessian[a, b] -= weight * moment
            row += 1
    return math.log(final[0])


@njit(cache=True, nogil=True)
def _group(y: Any, X: Any, eta: Any, counts: Any, score: Any, hessian: Any, weight: float) -> float:
    """One group: its score and log likelihood; adds to the lower triangle of the Hessian.

    eta (T, J) with the categories that the group never chose left out (their eta is -inf).
    """
    n, outcomes = eta.shape
    k = X.shape[1]
    K = (outcomes - 1) * k
    tilt = np.zeros(outcomes)
    p = np.empty((n, outcomes))
    normaliser = _fitted(eta, counts, tilt, p)
    strides = np.zeros(outcomes, dtype=np.int64)
    states = 1
    for j in range(1, outcomes):
        strides[j] = states
        states *= counts[j] + 1
    width = 1 + K + K * (K + 1) // 2
    old, new = np.zeros((states, width)), np.zeros((states, width))
    old[0, 0] = 1.0
    centre = np.zeros((outcomes, k))
    for j in range(1, outcomes):
        if counts[j] > 0:
            for a in range(k):
                centre[j, a] = (p[:, j] * X[:, a]).sum() / p[:, j].sum()
    x = np.zeros((outcomes, k))
    used = np.zeros(outcomes, dtype=np.int64)
    observed = 0.0
    for t in range(n):
        for j in range(1, outcomes):
            for a in range(k):
                x[j, a] = X[t, a] - centre[j, a]
        chosen = int(y[t])
        observed += eta[t, chosen] + tilt[chosen]
        for a in range(k):
            if chosen > 0:
                score[(chosen - 1) * k + a] += weight * x[chosen, a]
        new[:] = 0.0
        used[:] = 0
        for state in range(states):
            if state > 0:
                j = 1
                while used[j] == counts[j]:
                    used[j] = 0
                    j += 1
                used[j] += 1
            total = used.sum()
            # Of t choices so far, `total` are not the base: only reachable and completable states count.
            if total > t + 1 or t + 1 - total > counts[0]:
                continue
            for j in range(outcomes):
                if counts[j] == 0 or (j > 0 and used[j] == 0):
                    continue
                if j == 0 and t - total < 0:
                    continue
                before = old[state - strides[j]]
                if before[0] == 0.0:
                    continue
                pj, now = p[t, j], new[state]
                for c in range(width):
                    now[c] += pj * before[c]
                if j == 0:
                    continue
                low = (j - 1) * k
                for a in range(k):
                    shift = pj * x[j, a]
                    now[1 + low + a] += shift * before[0]
                    row = 1 + K + (low + a) * (low + a + 1) // 2
                    for c in range(low + a):
                        now[row + c] += shift * before[1 + c]
                    now[row + low + a] += 2.0 * shift * before[1 + low + a]
                    for c in range(low + a + 1, K):
                        now[1 + K + c * (c + 1) // 2 + low + a] += shift * before[1 + c]
                    for b in range(a + 1):
                        now[row + low + b] += shift * x[j, b] * before[0]
        old, new = new, old
    return observed - normaliser - _conclude(old[states - 1], K, weight, score, hessian)


@njit(cache=True, nogil=True)
def conditional_multinomial_kernel(
    y: Any, X: Any, eta: Any, starts: Any, weights: Any, scores: Any, hessian: Any
) -> float:
    """Sum over groups; eta (n, J) with the base first; fills scores (G, (J-1) k)."""
    total = 0.0
    outcomes = eta.shape[1]
    counts = np.zeros(outcomes, dtype=np.int64)
    for g in range(starts.shape[0] - 1):
        low, high = starts[g], starts[g + 1]
        counts[:] = 0
        for t in range(low, high):
            counts[int(y[t])] += 1
        own = eta[low:high].copy()
        for j in range(outcomes):
            if counts[j] == 0:
                own[:, j] = -math.inf
        scores[g, :] = 0.0
        total += weights[g] * _group(y[low:high], X[low:high], own, counts, scores[g], hessian, weights[g])
    return total


@dataclass(frozen=True)
class ConditionalMultinomial:
    """The conditional likelihood of grouped rows; y in 0, ..., outcomes - 1, 0 the base category."""

    y: Array
    X: Array
    groups: Groups
    outcomes: int
    weights: Array | None = None

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and Hessian; theta stacks the coefficients of categories 1, 2, ..."""
        loglik, scores, hessian = self._pass(theta)
        return loglik, scores.sum(axis=0), hessian

    def scores(self, theta: Array) -> Array:
        """Score of each group (G, (J-1) k), weighted."""
        return self._pass(theta)[1]

    def _pass(self, theta: Array) -> tuple[float, Array, Array]:
        eta = np.zeros((len(self.y), self.outcomes))
        eta[:, 1:] = self.X @ theta.reshape(self.outcomes - 1, -1).T
        weights = np.ones(self.groups.count) if self.weights is None else self.weights
        scores = np.empty((self.groups.count, len(theta)))
        if not np.isfinite(eta).all():
            return -np.inf, scores, np.zeros((len(theta), len(theta)))

        def work(first: int) -> tuple[float, Array]:
            last = min(first + _GROUPS_A_STRIP, self.groups.count)
            hessian = np.zeros((len(theta), len(theta)))
            part = self.groups.starts[first : last + 1]
            loglik = conditional_multinomial_kernel(
                self.y, self.X, eta, part, weights[first:last], scores[first:last], hessian
            )
            return loglik, hessian

        parts = list(POOL.map(work, range(0, self.groups.count, _GROUPS_A_STRIP)))
        hessian = np.sum([part[1] for part in parts], axis=0)
        return float(sum(part[0] for part in parts)), scores, hessian + np.tril(hessian, -1).T
