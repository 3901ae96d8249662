r"""What a model with selection expects, with derivatives in (eta_1, eta_2, shared parameters).

With :math:`\lambda = \phi(\eta_2)/\Phi(\eta_2)` and c the covariance of the errors, :math:`\rho\sigma`:
:math:`E(y \mid seen) = \eta_1 + c\lambda` and
:math:`E(y \cdot 1[seen]) = \Phi(\eta_2)\eta_1 + c\phi(\eta_2)`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

from gvcmetrics.models.families.probit import family as probit
from gvcmetrics.models.families.tobit import mills_derivatives
from gvcmetrics.models.likelihood.expected import Scale, index, of_index, probability
from gvcmetrics.models.likelihood.family import Array, Outcome

# Shared parameters -> the covariance of the errors and its gradient.
Covariance = Callable[[Array], tuple[float, Array]]


def scales_of_selection(covariance: Covariance, outcome: str, condition: str) -> dict[str, Scale]:
    """The outcome of everybody, of those who are seen, that of the others being zero, and who is seen."""
    return {
        "response": Scale("expected outcome, of everybody", {"": index(0)}),
        "conditional": Scale("expected outcome, of those who are seen", {"": seen(covariance)}),
        "unconditional": Scale("expected outcome, zero where it is not seen", {"": or_zero(covariance)}),
        "selection": Scale("probability of being seen", {"": of_index(probability(probit, 1), 1)}),
        "index": Scale("linear index", {outcome: index(0), condition: index(1)}),
    }


def seen(covariance: Covariance) -> Outcome:
    """E(y | seen)."""

    def value(eta: Array, shared: Array) -> Array:
        return eta[:, 0] + covariance(shared)[0] * mills_derivatives(eta[:, 1])[0]

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        c, slope = covariance(shared)
        m, m1, m2, _ = mills_derivatives(eta[:, 1])
        n, q = len(eta), len(slope)
        first, second = np.zeros((n, 2 + q)), np.zeros((n, 2, 2 + q))
        first[:, 0], first[:, 1], first[:, 2:] = 1.0, c * m1, np.outer(m, slope)
        second[:, 1, 1], second[:, 1, 2:] = c * m2, np.outer(m1, slope)
        return eta[:, 0] + c * m, first, second

    return Outcome(value, derivatives)


def or_zero(covariance: Covariance) -> Outcome:
    """E(y 1[seen])."""

    def value(eta: Array, shared: Array) -> Array:
        return ndtr(eta[:, 1]) * eta[:, 0] + covariance(shared)[0] * _density(eta[:, 1])

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        c, slope = covariance(shared)
        x, e = eta.T
        P, p = ndtr(e), _density(e)
        n, q = len(eta), len(slope)
        first, second = np.zeros((n, 2 + q)), np.zeros((n, 2, 2 + q))
        first[:, 0], first[:, 1], first[:, 2:] = P, p * (x - c * e), np.outer(p, slope)
        second[:, 0, 1] = second[:, 1, 0] = p
        second[:, 1, 1], second[:, 1, 2:] = -p * (e * x + c * (1.0 - e * e)), np.outer(-e * p, slope)
        return P * x + c * p, first, second

    return Outcome(value, derivatives)


def _density(x: Array) -> Array:
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi))
