r"""Nested logit, with utilities divided by the dissimilarity of their nest.

With :math:`I_m = \log \sum_{k \in m} e^{V_k/\lambda_m}` the inclusive value of nest m,

.. math:: P_j = \frac{e^{V_j/\lambda_m}}{e^{I_m}} \cdot \frac{e^{\lambda_m I_m}}{\sum_l e^{\lambda_l I_l}}.

:math:`W_m = \lambda_m I_m` has the derivatives :math:`\bar x_m` in β, the entropy of the choice within m in
:math:`\lambda_m`, and second ones :math:`\lambda_m^{-1} \mathrm{Cov}_m(z)`, z being x and
:math:`-V/\lambda_m`: all that the likelihood's own are made of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.models.choices.sets import Choices, Codes, Movers, Sets, logsum
from gvcmetrics.models.data.batch import Array


@dataclass(frozen=True, eq=False)
class Nested:
    """The likelihood, and the probabilities that it implies.

    nests : (J) nest of each alternative; rows of a chooser are in their order. free : (M) position among the
    dissimilarities of that of each nest, -1 where it is one.
    """

    choices: Choices
    nests: Codes
    free: Codes

    @property
    def dissimilarities(self) -> int:
        return int(self.free.max()) + 1

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and Hessian; minus infinity where a dissimilarity is not above zero."""
        p, k = len(theta), self.choices.D.shape[1]
        if (theta[k:] <= 0.0).any():
            return -np.inf, np.zeros(p), np.zeros((p, p))
        at = _At.of(theta, self.choices.D, self.choices.sets, self.nests, self.free)
        w = self.choices.mass
        own = at.group[self.choices.chosen]
        lam = at.lam[own]
        loglik = float(w @ (at.W[own] * (1.0 - 1.0 / lam) - at.top))
        score, mean = self._scores(at, own)
        Z, centre = at.moving(self.choices.D)
        curved = -w[at.chooser] * at.Q
        curved[own] += w * (1.0 - 1.0 / lam)
        curved /= at.lam
        hessian = Z.T @ ((curved[at.group] * at.q)[:, None] * Z) - centre.T @ (curved[:, None] * centre)
        slopes = at.slopes(centre)
        hessian -= slopes.T @ ((w[at.chooser] * at.Q)[:, None] * slopes)
        hessian += mean.T @ (w[:, None] * mean)
        bends = at.unit(own, p)
        crossed = slopes[own].T @ ((w / lam**2)[:, None] * bends)
        hessian += crossed + crossed.T - bends.T @ ((2.0 * w * at.W[own] / lam**3)[:, None] * bends)
        return loglik, w @ score, hessian

    def scores(self, theta: Array) -> Array:
        """One row a chooser."""
        at = _At.of(theta, self.choices.D, self.choices.sets, self.nests, self.free)
        return self.choices.mass[:, None] * self._scores(at, at.group[self.choices.chosen])[0]

    def _scores(self, at: _At, own: Codes) -> tuple[Array, Array]:
        """Scores without weights, and the slopes of the log of the denominator."""
        slopes = at.slopes(at.moving(self.choices.D)[1])
        mean = np.add.reduceat(at.Q[:, None] * slopes, at.starts, axis=0)
        lam = at.lam[own][:, None]
        bent = at.unit(own, slopes.shape[1]) * (at.W[own][:, None] / lam**2)
        return slopes[own] * (1.0 - 1.0 / lam) + bent - mean, mean

    def only(self, keep: NDArray[np.bool_]) -> Nested:
        """That of some choosers."""
        return replace(self, choices=self.choices.only(keep))

    def change(self, theta: Any, X: Array, moved: Array, which: Movers, sets: Sets) -> tuple[Any, Any]:
        """Probabilities by row, and their derivatives as the regressors move, see `Conditional.change`."""
        at = _At.of(theta, X, sets, self.nests, self.free)
        P, dV = at.q * at.Q[at.group], which * (moved @ theta[: X.shape[1]])
        within = np.add.reduceat(at.q * dV, at.first, axis=1)[:, at.group]
        return P, P * ((dV - within) / at.lam[at.group] + within - sets.across(P * dV))


@dataclass(frozen=True, eq=False)
class _At:
    """The parts of the likelihood at some parameters; a group is a nest of a chooser.

    group, V, q : (r) group of a row, its utility and its share in the nest. first, chooser, lam, free, W, Q :
    (g) first row, chooser, dissimilarity, its position, W and the share of the nest. starts, top : (n) first
    group and log of the denominator. count : of dissimilarities.
    """

    group: Codes
    V: Any
    q: Any
    first: Codes
    chooser: Codes
    lam: Any
    free: Codes
    W: Any
    Q: Any
    starts: Codes
    top: Any
    count: int

    @classmethod
    def of(cls, theta: Any, X: Array, sets: Sets, nests: Codes, free: Codes) -> _At:
        k = X.shape[1]
        nest = nests[sets.alternative]
        first = np.flatnonzero((np.diff(sets.of, prepend=-1) != 0) | (np.diff(nest, prepend=-1) != 0))
        group = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(nest))))
        position, chooser = free[nest[first]], sets.of[first]
        # The last of them is the one of nests without a dissimilarity of their own.
        lam = np.append(theta[k:], 1.0)[position]
        V = X @ theta[:k]
        a = V / lam[group]
        inclusive = logsum(a, first, group)
        W = lam * inclusive
        starts = np.flatnonzero(np.diff(chooser, prepend=-1))
        top = logsum(W, starts, chooser)
        return cls(
            group, V, np.exp(a - inclusive[group]), first, chooser, lam, position, W,
            np.exp(W - top[chooser]), starts, top, len(theta) - k,
        )  # fmt: skip

    def unit(self, groups: Codes, p: int) -> Array:
        """One in the column of the dissimilarity of each group."""
        made = np.zeros((len(groups), p))
        rows = np.flatnonzero(self.free[groups] >= 0)
        made[rows, p - self.count + self.free[groups][rows]] = 1.0
        return made

    def moving(self, X: Array) -> tuple[Array, Array]:
        """z by row, and its mean in each group."""
        k = X.shape[1]
        Z = np.hstack([X, np.zeros((len(X), self.count))])
        column = self.free[self.group]
        rows = np.flatnonzero(column >= 0)
        Z[rows, k + column[rows]] = -(self.V / self.lam[self.group])[rows]
        return Z, np.add.reduceat(self.q[:, None] * Z, self.first, axis=0)

    def slopes(self, centre: Array) -> Array:
        """Derivatives of W: the entropy is the inclusive value less the mean of V/λ."""
        bent = self.unit(np.arange(len(self.first)), centre.shape[1])
        return np.asarray(centre + bent * (self.W / self.lam)[:, None])
