r"""Conditional logit.

.. math:: P_{ij} = e^{V_{ij}} / \sum_{k \in C_i} e^{V_{ik}}, \qquad V_{ij} = x_{ij}'\beta
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.models.choices.sets import Choices, Movers, Sets
from gvcmetrics.models.data.batch import Array


@dataclass(frozen=True, eq=False)
class Conditional:
    """The likelihood of choices with one coefficient for everybody, and the probabilities that it implies."""

    choices: Choices

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and Hessian."""
        sets, D, w = self.choices.sets, self.choices.D, self.choices.mass
        V = D @ theta
        top = sets.logsum(V)
        P = np.exp(V - top[sets.of])
        mean = sets.sums(P[:, None] * D)
        hessian = mean.T @ (w[:, None] * mean) - D.T @ ((P * w[sets.of])[:, None] * D)
        return -float(w @ top), -(w @ mean), hessian

    def scores(self, theta: Array) -> Array:
        """One row a chooser."""
        sets, D = self.choices.sets, self.choices.D
        P = probabilities(D @ theta, sets)
        return -self.choices.mass[:, None] * sets.sums(P[:, None] * D)

    def only(self, keep: NDArray[np.bool_]) -> Conditional:
        """That of some choosers."""
        return Conditional(self.choices.only(keep))

    def change(self, theta: Any, X: Array, moved: Array, which: Movers, sets: Sets) -> tuple[Any, Any]:
        """Probabilities by row, and their derivatives as the regressors move by `moved`, in `which` rows.

        which : (m, r) ones and zeros. Returns (r) and (m, r).
        """
        return changed(X @ theta, which * (moved @ theta), sets)


def probabilities(V: Any, sets: Sets) -> Any:
    return np.exp(V - sets.logsum(V)[sets.of])


def changed(V: Any, dV: Any, sets: Sets) -> tuple[Any, Any]:
    r""":math:`P_j` and :math:`dP_j = P_j (dV_j - \sum_k P_k dV_k)`, for each row of dV."""
    P = probabilities(V, sets)
    return P, P * (dV - sets.across(P * dV))
