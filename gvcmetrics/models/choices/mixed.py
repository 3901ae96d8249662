r"""Mixed logit: coefficients that differ between units, the choices of a unit sharing them.

.. math:: L_u = \int \prod_{i \in u} P_{i}(\beta(\eta))\, \phi(\eta)\, d\eta, \qquad
   \beta_r = \mu_r + \sigma_r \eta_r \text{ or } e^{\mu_r + \sigma_r \eta_r},

the integral by nodes and weights that do not move with the parameters, so that score and Hessian are exact
derivatives of what is maximised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from gvcmetrics.models.choices.conditional import changed
from gvcmetrics.models.choices.nodes import Nodes
from gvcmetrics.models.choices.sets import Choices, Movers, Sets
from gvcmetrics.models.data.batch import Array

NORMAL, LOGNORMAL = "normal", "lognormal"


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The coefficients at a node: values (k), Jacobian (k, p), and second derivatives of the log-normal ones.

    bends : (column, positions of mean and deviation, their 2 × 2 second derivatives).
    """

    beta: Any
    jacobian: Array
    bends: tuple[tuple[int, NDArray[np.intp], Array], ...]


@dataclass(frozen=True, eq=False)
class Mixed:
    """The likelihood, and probabilities of somebody of whom no choice is known.

    random : (R) columns with random coefficients. lognormal : (R) which of them are log-normal.
    """

    choices: Choices
    random: NDArray[np.intp]
    lognormal: NDArray[np.bool_]
    nodes: Nodes

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and Hessian."""
        logs = self._logs(theta)
        of_units = logsumexp(logs, axis=1)
        w, p = self._weights(), len(theta)
        hessian, score = np.zeros((p, p)), np.zeros((len(logs), p))
        D, sets = self.choices.D, self.choices.sets
        for q, (drawn, P, mean) in enumerate(self._parts(theta)):
            share = np.exp(logs[:, q] - of_units)
            own = -self._by_unit(mean)
            J = drawn.jacobian
            moved = own @ J
            score += share[:, None] * moved
            weighted = w * share
            hessian += moved.T @ (weighted[:, None] * moved)
            chooser = weighted[self._unit]
            second = mean.T @ (chooser[:, None] * mean) - D.T @ ((P * chooser[sets.of])[:, None] * D)
            hessian += J.T @ second @ J
            for column, where, bend in drawn.bends:
                hessian[np.ix_(where, where)] += bend * float(weighted @ own[:, column])
        hessian -= score.T @ (w[:, None] * score)
        return float(w @ of_units), w @ score, hessian

    def scores(self, theta: Array) -> Array:
        """One row a unit."""
        logs = self._logs(theta)
        of_units = logsumexp(logs, axis=1)
        score = np.zeros((len(logs), len(theta)))
        for q, (drawn, _, mean) in enumerate(self._parts(theta)):
            score -= np.exp(logs[:, q] - of_units)[:, None] * (self._by_unit(mean) @ drawn.jacobian)
        return self._weights()[:, None] * score

    def only(self, keep: NDArray[np.bool_]) -> Mixed:
        """That of some units."""
        return replace(self, choices=self.choices.only(keep[self._unit]))

    def change(self, theta: Any, X: Array, moved: Array, which: Movers, sets: Sets) -> tuple[Any, Any]:
        """Probabilities by row, and their derivatives as the regressors move, see `Conditional.change`."""
        P, dP = 0.0, 0.0
        for drawn, log in zip(self._drawn(theta), self.nodes.logs, strict=True):
            at, step = changed(X @ drawn.beta, which * (moved @ drawn.beta), sets)
            P, dP = P + np.exp(log) * at, dP + np.exp(log) * step
        return P, dP

    @property
    def _unit(self) -> NDArray[np.int64]:
        unit = self.choices.unit
        return np.arange(self.choices.sets.count) if unit is None else unit

    def _by_unit(self, values: Array) -> Array:
        if self.choices.unit is None:
            return values
        count = int(self._unit.max()) + 1
        made = [np.bincount(self._unit, column, count) for column in values.reshape(len(values), -1).T]
        return np.stack(made, axis=1).reshape(count, *values.shape[1:]).astype(np.float64, copy=False)

    def _weights(self) -> Array:
        """Weights of the units, the same for all choices of each."""
        made = np.empty(int(self._unit.max()) + 1)
        made[self._unit] = self.choices.mass
        return made

    def _logs(self, theta: Array) -> Array:
        """(units, Q) log of weight times the probability of all choices of the unit."""
        D, sets = self.choices.D, self.choices.sets
        return np.stack(
            [
                log - self._by_unit(sets.logsum(D @ drawn.beta))
                for drawn, log in zip(self._drawn(theta), self.nodes.logs, strict=True)
            ],
            axis=1,
        )

    def _parts(self, theta: Array) -> Iterator[tuple[_Drawn, Array, Array]]:
        """By node: the coefficients, probabilities of the rows, and the mean regressors of each chooser."""
        D, sets = self.choices.D, self.choices.sets
        for drawn in self._drawn(theta):
            V = D @ drawn.beta
            P = np.exp(V - sets.logsum(V)[sets.of])
            yield drawn, P, sets.sums(P[:, None] * D)

    def _drawn(self, theta: Any) -> Iterator[_Drawn]:
        k, random = len(theta) - len(self.random), self.random
        for eta in self.nodes.points:
            beta, bends = theta[:k].copy(), []
            beta[random] = theta[random] + theta[k:] * eta
            slope = np.ones(len(random), dtype=beta.dtype)
            slope[self.lognormal] = beta[random[self.lognormal]] = np.exp(beta[random[self.lognormal]])
            jacobian = np.zeros((k, len(theta)), dtype=beta.dtype)
            jacobian[np.arange(k), np.arange(k)] = 1.0
            jacobian[random, random] = slope
            jacobian[random, k + np.arange(len(random))] = slope * eta
            for r in np.flatnonzero(self.lognormal):
                one = np.array([[1.0, eta[r]], [eta[r], eta[r] ** 2]])
                bends.append((int(random[r]), np.array([random[r], k + r]), one * slope[r]))
            yield _Drawn(beta, jacobian, tuple(bends))
