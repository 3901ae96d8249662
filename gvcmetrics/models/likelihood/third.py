r"""Third derivatives of expected outcomes, for the errors of second differences.

The average of :math:`\partial^2 P / \partial v \partial z` is a sum over :math:`P_{jl} u_j v_l`, with u and v
the slopes of the indices, so its gradient needs :math:`\sum_{jl} P_{jla} u_j v_l` for every argument a.
With one index, :math:`P_{\eta\eta} = f'(c_u - \eta) - f'(c_l - \eta)` for the cutpoints about a category.
For the multinomial logit, with deviations :math:`A_k = u_k - \sum p u` and :math:`B_k = v_k - \sum p v` and
:math:`C = \sum p A B`, the second derivative is :math:`p_o (A_o B_o - C)` and

.. math:: \sum_{jl} P_{jla} u_j v_l = p_o (1[o = a] - p_a)(A_o B_o - C)
   - p_o p_a (A_a B_o + A_o B_a) - p_o p_a (A_a B_a - C)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit, softmax

from gvcmetrics.models.likelihood.family import Array, Third

Bent = Callable[[Array], Array]


def logistic(x: Array) -> Array:
    """Second derivative of the logistic density."""
    f = expit(x) * expit(-x)
    return f * (1.0 - 6.0 * f)


def normal(x: Array) -> Array:
    """Second derivative of the normal density."""
    return (x * x - 1.0) * np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)


def extreme_value(x: Array) -> Array:
    """Second derivative of the density behind the complementary log-log."""
    rate = np.exp(x)
    return np.exp(x - rate) * ((1.0 - rate) ** 2 - rate)


def of_value(bend: Bent) -> Third:
    """Third derivatives of a function of one index, `bend` being its third derivative."""

    def third(eta: Array, shared: Array, u: Array, v: Array) -> Array:
        found = np.zeros((len(eta), 1 + len(shared)))
        found[:, 0] = bend(eta[:, 0])
        return found * (u * v)

    return third


def of_cuts(bend: Bent, category: int) -> Third:
    """Of the probability between two cutpoints, `bend` being the second derivative of the latent density."""

    def third(eta: Array, shared: Array, u: Array, v: Array) -> Array:
        found = np.zeros((len(eta), 1 + len(shared)))
        if category < len(shared):
            upper = bend(shared[category] - eta[:, 0])
            found[:, 0] -= upper
            found[:, 1 + category] = upper
        if category > 0:
            lower = bend(shared[category - 1] - eta[:, 0])
            found[:, 0] += lower
            found[:, category] = -lower
        return found * (u * v)

    return third


def multinomial(category: int) -> Third:
    """Of the probability of a category of the multinomial logit."""

    def third(eta: Array, shared: Array, u: Array, v: Array) -> Array:
        base = ((0, 0), (1, 0))
        p = softmax(np.pad(eta, base), axis=1)
        A, B = np.pad(u, base), np.pad(v, base)
        A = A - (p * A).sum(axis=1, keepdims=True)
        B = B - (p * B).sum(axis=1, keepdims=True)
        product = A * B - (p * A * B).sum(axis=1, keepdims=True)
        own = [category]
        is_own = np.arange(p.shape[1]) == category
        bent = (is_own - p) * product[:, own] - p * (A * B[:, own] + A[:, own] * B + product)
        return (p[:, own] * bent)[:, 1:]

    return third


def flat(eta: Array, shared: Array, u: Array, v: Array) -> Array:
    """Third derivatives of an index itself."""
    return np.zeros((len(eta), eta.shape[1] + len(shared)))


def of_index(third: Third, j: int) -> Third:
    """Third derivatives of something that depends on index j alone."""

    def alone(eta: Array, shared: Array, u: Array, v: Array) -> Array:
        found = flat(eta, shared, u, v)
        found[:, j] = third(eta[:, [j]], np.empty(0), u[:, [j]], v[:, [j]])[:, 0]
        return found

    return alone


def averaged(third: Third, nodes: Array, shares: Array) -> Third:
    """Averaged over a normal intercept, whose log sigma is the last shared parameter."""

    def over_nodes(eta: Array, shared: Array, u: Array, v: Array) -> Array:
        sigma = float(np.exp(shared[-1]))
        found = np.zeros((len(eta), 1 + len(shared)))
        for node, share in zip(nodes, shares, strict=True):
            part = third(eta + sigma * node, shared[:-1], u, v)
            found[:, :-1] += share * part
            found[:, -1] += share * sigma * node * part[:, 0]
        return found

    return over_nodes


def at_zero(third: Third) -> Third:
    """For a unit whose random intercept is zero."""

    def at(eta: Array, shared: Array, u: Array, v: Array) -> Array:
        return np.pad(third(eta, shared[:-1], u, v), ((0, 0), (0, 1)))

    return at
