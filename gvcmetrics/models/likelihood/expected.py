r"""Expected outcomes as functions of linear indices, with two derivatives.

The arguments of an expected outcome are the m indices, then the parameters that all rows share
(cutpoints, a correlation, a dispersion, the spread of a random effect). With the derivatives g and H of the
log probability that a family's kernel gives, :math:`P_a = P g_a` and :math:`P_{ab} = P (H_{ab} + g_a g_b)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from gvcmetrics.errors import ModelError
from gvcmetrics.models.likelihood import third as thirds
from gvcmetrics.models.likelihood.family import Array, Family, Outcome

_points, _masses = np.polynomial.hermite_e.hermegauss(48)
NODES = (_points, _masses / _masses.sum())
"""Points and shares of a quadrature over the standard normal distribution."""


def outcome_of(family: Family, category: int) -> Outcome:
    """What is expected of a numeric response, or the probability of a category."""
    return family.expected or probability(family, category)


def index(j: int, factor: float = 1.0) -> Outcome:
    """Index j itself, times a factor."""

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        n, m = eta.shape
        first, second = np.zeros((n, m + len(shared))), np.zeros((n, m, m + len(shared)))
        first[:, j] = factor
        return factor * eta[:, j], first, second

    return Outcome(lambda eta, shared: factor * eta[:, j], derivatives, thirds.flat)


def exponential() -> Outcome:
    """exp(eta), the mean of a count."""

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        mean = np.exp(eta[:, 0])
        first = np.zeros((len(eta), 1 + len(shared)))
        second = np.zeros((len(eta), 1, 1 + len(shared)))
        first[:, 0] = second[:, 0, 0] = mean
        return mean, first, second

    return Outcome(lambda eta, shared: np.exp(eta[:, 0]), derivatives, thirds.of_value(np.exp))


def probability(family: Family, category: int) -> Outcome:
    """Probability of a category, from the family's kernel."""

    def value(eta: Array, shared: Array) -> Array:
        return np.exp(family.evaluate(np.full(len(eta), float(category)), eta, shared)[0])

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        loglik, g, h = family.evaluate(np.full(len(eta), float(category)), eta, shared)
        return _of_logarithm(loglik, g, h, eta.shape[1])

    third = family.third(category) if family.third else None
    return Outcome(value, derivatives, third, together=family.together, place=category)


def together(outcomes: Sequence[Outcome], eta: Array, shared: Array) -> tuple[Array, Array]:
    """Values (o, n) and first derivatives (o, n, m + q) of several outcomes."""
    at_once = {outcome.together for outcome in outcomes}
    if len(at_once) == 1 and (function := at_once.pop()) is not None:
        values, first = function(eta, shared)
        places = [outcome.place for outcome in outcomes]
        if places == list(range(len(values))):
            return values, first
        return values[places], first[places]
    found = [outcome.derivatives(eta, shared) for outcome in outcomes]
    return np.stack([value for value, _, _ in found]), np.stack([first for _, first, _ in found])


def conditional(family: Family, event: Sequence[int], given: Sequence[int]) -> Outcome:
    r"""P(a category of `event`, given that it is one of `given`), which holds `event`.

    With the logs E and G of the two probabilities it is :math:`P = e^{E - G}`, with
    :math:`P_a = P (E_a - G_a)` and :math:`P_{ab} = P [E_{ab} - G_{ab} + (E_a - G_a)(E_b - G_b)]`.
    """

    def value(eta: Array, shared: Array) -> Array:
        return derivatives(eta, shared)[0]

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        above, below = _log_sum(family, event, eta, shared), _log_sum(family, given, eta, shared)
        loglik, g, h = (a - b for a, b in zip(above, below, strict=True))
        P, m = np.exp(loglik), eta.shape[1]
        return P, P[:, None] * g, P[:, None, None] * (h + g[:, :m, None] * g[:, None, :])

    return Outcome(value, derivatives)


def _log_sum(
    family: Family, categories: Sequence[int], eta: Array, shared: Array
) -> tuple[Array, Array, Array]:
    """Log of the probability of several categories (n), with its derivatives in the arguments (n, m + q), and
    of these in the indices (n, m, m + q)."""
    n, m = eta.shape
    parts = [family.evaluate(np.full(n, float(category)), eta, shared) for category in categories]
    total = np.logaddexp.reduce([loglik for loglik, _, _ in parts])
    first, second = np.zeros((n, m + len(shared))), np.zeros((n, m, m + len(shared)))
    for loglik, g, h in parts:
        _, of_first, of_second = _of_logarithm(loglik - total, g, h, m)
        first += of_first
        second += of_second
    return total, first, second - first[:, :m, None] * first[:, None, :]


@njit(cache=True, nogil=True)
def _of_logarithm(loglik: Array, g: Array, h: Array, m: int) -> tuple[Array, Array, Array]:
    """Value and derivatives of exp(loglik); h is the row-wise lower triangle of the second derivatives."""
    n, arguments = g.shape
    value, first, second = np.empty(n), np.empty((n, arguments)), np.empty((n, m, arguments))
    for i in range(n):
        P = np.exp(loglik[i])
        value[i] = P
        for a in range(arguments):
            first[i, a] = P * g[i, a]
            for j in range(m):
                high, low = max(j, a), min(j, a)
                second[i, j, a] = P * (h[i, high * (high + 1) // 2 + low] + g[i, j] * g[i, a])
    return value, first, second


def of_index(alone: Outcome, j: int) -> Outcome:
    """An outcome of one index and no shared parameters as that of index j among several."""

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        n, m = eta.shape
        P, g, h = alone.derivatives(eta[:, [j]], np.empty(0))
        first, second = np.zeros((n, m + len(shared))), np.zeros((n, m, m + len(shared)))
        first[:, j], second[:, j, j] = g[:, 0], h[:, 0, 0]
        return P, first, second

    third = None if alone.third is None else thirds.of_index(alone.third, j)
    return Outcome(lambda eta, shared: alone.value(eta[:, [j]], np.empty(0)), derivatives, third)


def averaged(outcome: Outcome) -> Outcome:
    """Averaged over a normal intercept, whose log sigma is the last shared parameter."""

    def value(eta: Array, shared: Array) -> Array:
        sigma = float(np.exp(shared[-1]))
        return sum(
            share * outcome.value(eta + sigma * node, shared[:-1]) for node, share in zip(*NODES, strict=True)
        )

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        n, sigma = len(eta), float(np.exp(shared[-1]))
        value, first, second = np.zeros(n), np.zeros((n, len(shared) + 1)), np.zeros((n, 1, len(shared) + 1))
        for node, share in zip(*NODES, strict=True):
            v, f, s = outcome.derivatives(eta + sigma * node, shared[:-1])
            value += share * v
            first[:, :-1] += share * f
            second[:, :, :-1] += share * s
            first[:, -1] += share * sigma * node * f[:, 0]
            second[:, 0, -1] += share * sigma * node * s[:, 0, 0]
        return value, first, second

    third = None if outcome.third is None else thirds.averaged(outcome.third, *NODES)
    bind = outcome.bind
    return Outcome(value, derivatives, third, None if bind is None else lambda rows: averaged(bind(rows)))


def at_zero(outcome: Outcome) -> Outcome:
    """For a unit whose random intercept is zero."""

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        v, f, s = outcome.derivatives(eta, shared[:-1])
        return v, np.pad(f, ((0, 0), (0, 1))), np.pad(s, ((0, 0), (0, 0), (0, 1)))

    third = None if outcome.third is None else thirds.at_zero(outcome.third)
    bind = outcome.bind
    return Outcome(
        lambda eta, shared: outcome.value(eta, shared[:-1]), derivatives, third,
        None if bind is None else lambda rows: at_zero(bind(rows)),
    )  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """What effects are measured on.

    words : in print. outcomes : by label, `""` where there is one. shown : the labels that margins show
    unless asked for others, by default all. predicted : the labels that `predict` gives, by default all.
    discrete : whether changes of it over a jump have a meaning.
    """

    words: str
    outcomes: Mapping[str, Outcome]
    shown: tuple[str, ...] | None = None
    predicted: tuple[str, ...] | None = None
    discrete: bool = True

    def choose(self, labels: Sequence[str] | None) -> dict[str, Outcome]:
        """The outcomes of some labels, by default those that are shown."""
        wanted = [str(label) for label in labels] if labels is not None else self.shown or self.outcomes
        for label in wanted:
            if label not in self.outcomes:
                known = (
                    ", ".join(self.outcomes)
                    if list(self.outcomes) != [""]
                    else "not needed: this model has one"
                )
                raise ModelError(f"outcome '{label}' is not known", remedy=f"Outcomes are {known}")
        return {label: self.outcomes[label] for label in wanted}


@dataclass(frozen=True)
class Surface:
    """Outcomes by label, as functions of m indices that all take the same regressors.

    theta : coefficients of index 1, ..., m, then the shared parameters. jacobian : of theta in the reported
    parameters. scale : what they are measured on. slope : what a derivative is called. in_logs : whether
    derivatives are in the logarithm of a variable.
    """

    outcomes: Mapping[str, Outcome]
    indices: int
    theta: Array
    jacobian: Array
    scale: Scale
    slope: str = "dy/dx"
    in_logs: bool = False

    @property
    def linear(self) -> bool:
        """Whether every outcome is linear in the indices."""
        return all(outcome.third is thirds.flat for outcome in self.outcomes.values())

    def coefficients(self, k: int) -> tuple[Array, Array]:
        """Coefficients (m, k) and shared parameters."""
        m = self.indices
        return self.theta[: m * k].reshape(m, k), self.theta[m * k :]
