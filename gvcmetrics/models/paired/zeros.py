r"""Counts with zeros of two kinds, from the likelihood f of a count: zero-inflated, and hurdle.

With :math:`q = \Lambda(\pm\eta_2)` the chance of the second equation, :math:`P_0 = f(0)`:

- zero-inflated: :math:`\pi = \Lambda(\eta_2)` is certainly zero; y = 0 adds
  :math:`\log(\pi + (1-\pi)P_0)`, y > 0 adds :math:`\log(1-\pi) + \log f(y)`;
- hurdle: :math:`p = \Lambda(\eta_2)` is above zero; y = 0 adds :math:`\log(1-p)`, y > 0 adds
  :math:`\log p + \log f(y) - \log(1-P_0)`.

Arguments are :math:`\eta_1, \eta_2` and the constant of f, if it has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit, log_expit

from gvcmetrics.models.families.negative_binomial import family as negative_binomial
from gvcmetrics.models.families.poisson import family as poisson
from gvcmetrics.models.likelihood.family import Array, Family, Outcome

DISTRIBUTIONS = {"poisson": poisson, "negative_binomial": negative_binomial}


@dataclass(frozen=True)
class _Terms:
    """A log of something, (n), with gradient (n, a) and second derivatives (n, a, a) in the arguments."""

    value: Array
    first: Array
    second: Array

    def __add__(self, other: _Terms) -> _Terms:
        return _Terms(self.value + other.value, self.first + other.first, self.second + other.second)


def family_of(kind: str, distribution: str) -> Family:
    """The family `kind` (`zero_inflated`, `hurdle`) of a count."""
    count = DISTRIBUTIONS[distribution]

    def kernel(y: Array, eta: Array, constants: Array, loglik: Array, g: Array, h: Array) -> None:
        found = _OF_KIND[kind](count, y, eta, constants)
        loglik[:], g[:] = found.value, found.first
        rows, columns = np.tril_indices(g.shape[1])
        h[:] = found.second[:, rows, columns]

    def start(y: Array, weights: Array) -> tuple[Array, Array]:
        """The count's own, and the share of zeros, of which a half is thought to be certain."""
        intercept, constants = count.start(y, weights)
        zero = float(np.clip(np.average(y == 0, weights=weights), 0.02, 0.98))
        share = zero / 2.0 if kind == "zero_inflated" else 1.0 - zero
        return np.array([intercept[0], np.log(share / (1.0 - share))]), constants

    return Family(
        kind, kernel, start, n_indices=2, constants=count.constants, outcomes=None,
        expected=_expected(partial(_MEANS[kind], count)), boundary=count.boundary, block="Dispersion",
        null=False,
    )  # fmt: skip


def _of_count(count: Family, y: Array, eta: Array, constants: Array) -> _Terms:
    """log f(y); nothing of it moves with eta_2."""
    value, g, h = count.evaluate(y, np.ascontiguousarray(eta[:, :1]), constants)
    n, size = len(y), 2 + len(constants)
    first, second = np.zeros((n, size)), np.zeros((n, size, size))
    at = [0, *range(2, size)]
    first[:, at] = g
    for j in range(len(at)):
        for k in range(j + 1):
            second[:, at[j], at[k]] = second[:, at[k], at[j]] = h[:, j * (j + 1) // 2 + k]
    return _Terms(value, first, second)


def _of_logit(eta: Array, size: int, sign: float) -> _Terms:
    """log of the logistic distribution function at ±eta_2."""
    e = sign * eta[:, 1]
    n, other = len(e), expit(-e)
    first, second = np.zeros((n, size)), np.zeros((n, size, size))
    first[:, 1], second[:, 1, 1] = sign * other, -other * expit(e)
    return _Terms(log_expit(e), first, second)


def _log_of_sum(a: _Terms, b: _Terms) -> _Terms:
    """log(exp a + exp b)."""
    value = np.logaddexp(a.value, b.value)
    first, second = np.zeros_like(a.first), np.zeros_like(a.second)
    for each in (a, b):
        share = np.exp(each.value - value)
        first += share[:, None] * each.first
        second += share[:, None, None] * (each.second + each.first[:, :, None] * each.first[:, None, :])
    return _Terms(value, first, second - first[:, :, None] * first[:, None, :])


def _log_of_rest(zero: _Terms) -> _Terms:
    """-log(1 - exp u)."""
    value = -np.log(-np.expm1(zero.value))
    k = 1.0 / np.expm1(-zero.value)
    outer = zero.first[:, :, None] * zero.first[:, None, :]
    return _Terms(
        value,
        k[:, None] * zero.first,
        k[:, None, None] * zero.second + (k * (1.0 + k))[:, None, None] * outer,
    )


def _where(rows: Array, a: _Terms, b: _Terms) -> _Terms:
    return _Terms(
        np.where(rows, a.value, b.value),
        np.where(rows[:, None], a.first, b.first),
        np.where(rows[:, None, None], a.second, b.second),
    )


def _zero_inflated(count: Family, y: Array, eta: Array, constants: Array) -> _Terms:
    size = 2 + len(constants)
    counted = _of_logit(eta, size, -1.0) + _of_count(count, y, eta, constants)
    return _where(y == 0, _log_of_sum(_of_logit(eta, size, 1.0), counted), counted)


def _hurdle(count: Family, y: Array, eta: Array, constants: Array) -> _Terms:
    size = 2 + len(constants)
    above = (
        _of_logit(eta, size, 1.0)
        + _of_count(count, y, eta, constants)
        + _log_of_rest(_of_count(count, np.zeros(len(y)), eta, constants))
    )
    return _where(y == 0, _of_logit(eta, size, -1.0), above)


_OF_KIND = {"zero_inflated": _zero_inflated, "hurdle": _hurdle}


def _of_mean(eta: Array, size: int) -> _Terms:
    """eta_1, the log of the mean of f."""
    n = len(eta)
    first = np.zeros((n, size))
    first[:, 0] = 1.0
    return _Terms(eta[:, 0], first, np.zeros((n, size, size)))


def log_mean_zero_inflated(count: Family, eta: Array, shared: Array) -> _Terms:
    """log E(y) = log(1 - pi) + eta_1."""
    size = 2 + len(shared)
    return _of_logit(eta, size, -1.0) + _of_mean(eta, size)


def log_mean_above(count: Family, eta: Array, shared: Array) -> _Terms:
    """log E(y | y > 0) = eta_1 - log(1 - P_0)."""
    zero = _of_count(count, np.zeros(len(eta)), eta, shared)
    return _of_mean(eta, 2 + len(shared)) + _log_of_rest(zero)


def log_mean_hurdle(count: Family, eta: Array, shared: Array) -> _Terms:
    """log E(y) = log p + log E(y | y > 0)."""
    return _of_logit(eta, 2 + len(shared), 1.0) + log_mean_above(count, eta, shared)


_MEANS = {"zero_inflated": log_mean_zero_inflated, "hurdle": log_mean_hurdle}


def _expected(log: partial[_Terms]) -> Outcome:
    """The exponential of a log mean."""

    def value(eta: Array, shared: Array) -> Array:
        return np.asarray(np.exp(log(eta, shared).value))

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        found = log(eta, shared)
        mean = np.exp(found.value)
        second = found.second + found.first[:, :, None] * found.first[:, None, :]
        return mean, mean[:, None] * found.first, mean[:, None, None] * second[:, :2]

    return Outcome(value, derivatives)


def outcomes_of(kind: str, distribution: str) -> dict[str, Outcome]:
    """What can be expected besides the mean: the mean of the count, and the chance of the second equation."""
    count = DISTRIBUTIONS[distribution]

    def chance(_: Family, eta: Array, shared: Array) -> _Terms:
        return _of_logit(eta, 2 + len(shared), 1.0)

    def mean(_: Family, eta: Array, shared: Array) -> _Terms:
        return _of_mean(eta, 2 + len(shared))

    of_count = log_mean_above if kind == "hurdle" else mean
    return {"count": _expected(partial(of_count, count)), "zero": _expected(partial(chance, count))}
