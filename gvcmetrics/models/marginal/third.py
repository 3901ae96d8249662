r"""Third derivatives of expected outcomes with one index, for the errors of second differences.

The average of :math:`\partial^2 P / \partial v \partial z` needs :math:`P_{\eta\eta a}` for its gradient.
With u and l the cutpoints about a category less the index, :math:`P_{\eta\eta} = f'(u) - f'(l)`, whose
derivatives are :math:`f''(l) - f''(u)` in the index, :math:`f''(u)` in the upper cutpoint and :math:`-f''(l)`
in the lower.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from gvcmetrics.models.families.base import Array, Family

# (indices (n, 1), shared parameters (q)) -> derivatives (n, 1 + q) of P_eta_eta
Third = Callable[[Array, Array], Array]


def _logistic(x: Array) -> Array:
    f = expit(x) * expit(-x)
    return f * (1.0 - 6.0 * f)


def _normal(x: Array) -> Array:
    return (x * x - 1.0) * np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)


def _extreme_value(x: Array) -> Array:
    rate = np.exp(x)
    return np.exp(x - rate) * ((1.0 - rate) ** 2 - rate)


# Second derivative of the density of the latent error, by family.
_BENDS: dict[str, Callable[[Array], Array]] = {
    "logit": _logistic,
    "fractional_logit": _logistic,
    "ordered_logit": _logistic,
    "probit": _normal,
    "ordered_probit": _normal,
    "cloglog": _extreme_value,
    "poisson": np.exp,
    "negative_binomial": np.exp,
}


def third_of(family: Family, outcome: int) -> Third | None:
    """The third derivatives of an outcome of a family with one index; None for other families."""
    if family.name not in _BENDS:
        return None
    bend = _BENDS[family.name]
    ordered = family.name.startswith("ordered")

    def third(eta: Array, shared: Array) -> Array:
        found = np.zeros((len(eta), 1 + len(shared)))
        if not ordered:
            found[:, 0] = bend(eta[:, 0])
            return found
        if outcome < len(shared):
            upper = bend(shared[outcome] - eta[:, 0])
            found[:, 0] -= upper
            found[:, 1 + outcome] = upper
        if outcome > 0:
            lower = bend(shared[outcome - 1] - eta[:, 0])
            found[:, 0] += lower
            found[:, outcome] = -lower
        return found

    return third


def flat(eta: Array, shared: Array) -> Array:
    """Third derivatives of an index itself."""
    return np.zeros((len(eta), 1 + len(shared)))


def averaged(third: Third, nodes: Array, shares: Array) -> Third:
    """Averaged over a normal intercept, whose log sigma is the last shared parameter."""

    def over_nodes(eta: Array, shared: Array) -> Array:
        sigma = float(np.exp(shared[-1]))
        found = np.zeros((len(eta), 1 + len(shared)))
        for node, share in zip(nodes, shares, strict=True):
            part = third(eta + sigma * node, shared[:-1])
            found[:, :-1] += share * part
            found[:, -1] += share * sigma * node * part[:, 0]
        return found

    return over_nodes


def at_zero(third: Third) -> Third:
    """For a unit whose random intercept is zero."""

    def at(eta: Array, shared: Array) -> Array:
        return np.pad(third(eta, shared[:-1]), ((0, 0), (0, 1)))

    return at
