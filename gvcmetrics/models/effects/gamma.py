r"""Poisson with gamma unit effects, in closed form (Hausman, Hall & Griliches 1984, section 2).

With :math:`y_{it} \sim \mathrm{Poisson}(\nu_i \mu_{it})`, :math:`\nu_i` gamma with mean one and variance
:math:`\alpha`, and sums over a unit's rows :math:`Y = \sum y_t` and :math:`M = \sum \mu_t`,

.. math:: \ell_i = \sum_{k<Y} \log(1 + \alpha k) - (Y + 1/\alpha) \log(1 + \alpha M)
   + \sum_t (y_t \eta_t - \log y_t!)

which is the negative binomial likelihood f of the count Y with mean M, given which the rows are multinomial:
:math:`\ell_i = f(Y, \log M, \log \alpha) - Y \log M + \sum_t y_t \eta_t` and a constant. With
:math:`\bar x = \sum_t \mu_t x_t / M`, :math:`\log M` has the derivatives :math:`\bar x` and
:math:`\sum_t \mu_t x_t x_t' / M - \bar x \bar x'` in the coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.effects.pooled import constants_of, pooled_problem, predictor_of
from gvcmetrics.models.effects.random import UNIT_EFFECT, variance_statistics
from gvcmetrics.models.engine.estimate import Estimate, from_likelihood, unit_weights
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.likelihood.family import Array, Kernel
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.problem import Problem, solve

_STARTS = (0.05, 0.3, 1.0, 3.0)
_NO_VARIANCE = 1e-6


@dataclass(frozen=True, eq=False)
class GammaIntercept:
    """The likelihood of counts by unit; the parameters are the coefficients and log alpha.

    kernel : of the negative binomial distribution. y, X, offset : rows in the order of the groups.
    weights : (G).
    """

    kernel: Kernel
    y: Array
    X: Array
    groups: Groups
    weights: Array | None = None
    offset: Array | None = None

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and Hessian."""
        p, w = len(theta), self.weights
        with np.errstate(over="ignore", invalid="ignore"):
            loglik, scores, mean, share, slope, h = self._units(theta)
        if not np.isfinite(loglik).all():
            return -np.inf, np.zeros(p), np.zeros((p, p))
        w = np.ones(len(loglik)) if w is None else w
        hessian = np.zeros((p, p))
        hessian[:-1, :-1] = (mean * (w * (h[:, 0] - slope))[:, None]).T @ mean
        by_row = np.repeat(w * slope, np.diff(self.groups.starts)) * share
        hessian[:-1, :-1] += (self.X * by_row[:, None]).T @ self.X
        hessian[-1, :-1] = hessian[:-1, -1] = (w * h[:, 1]) @ mean
        hessian[-1, -1] = w @ h[:, 2]
        return float(w @ loglik), w @ scores, hessian

    def scores(self, theta: Array) -> Array:
        """Score of each unit (G, parameters), weighted."""
        scores = self._units(theta)[1]
        return scores if self.weights is None else self.weights[:, None] * scores

    def _units(self, theta: Array) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Log likelihood and scores of the units, the means of their rows, the share of each row in M, the
        slope in log M of what is not multinomial, and the kernel's second derivatives."""
        groups = self.groups
        eta = self.X @ theta[:-1]
        eta = eta if self.offset is None else eta + self.offset
        mu = np.exp(eta)
        Y, M = groups.sums(self.y), groups.sums(mu)
        share = mu / np.repeat(M, np.diff(groups.starts))
        mean = groups.sums(self.X * share[:, None])
        loglik, g, h = np.empty(len(Y)), np.empty((len(Y), 2)), np.empty((len(Y), 3))
        log_mean = np.log(M)
        self.kernel(Y, log_mean[:, None], theta[-1:], loglik, g, h)
        loglik += gammaln(Y + 1.0) - Y * log_mean + groups.sums(self.y * eta - gammaln(self.y + 1.0))
        slope = g[:, 0] - Y
        by_coefficient = slope[:, None] * mean + groups.sums(self.X * self.y[:, None])
        return loglik, np.column_stack([by_coefficient, g[:, 1]]), mean, share, slope, h


def gamma_intercept(request: Request, response: Response, sample: Sample, kernel: Kernel) -> Estimate:
    """A gamma factor by unit, integrated out; `kernel` of the negative binomial distribution."""
    family = response.family(sample)
    flat = pooled_problem(sample, family)
    start = solve(flat).optimum
    problem = gamma_problem(sample, flat, start.theta, kernel)
    solution = solve(problem)
    alpha = float(np.exp(solution.optimum.theta[-1]))
    assert sample.unit is not None
    notes: tuple[str, ...] = (
        f"Unit effects multiply the mean; they are gamma with mean one and variance {alpha:.4g}.",
    )
    if alpha < _NO_VARIANCE:
        notes += (
            "The variance of the unit effects is at its lower bound, zero: the model is the pooled one.",
        )
    return from_likelihood(
        problem, solution, sample, request.errors,
        statistics={
            "units": int(sample.unit.max()) + 1,
            **variance_statistics(alpha**0.5, np.nan, solution.optimum.loglik, start.loglik),
        },
        notes=notes,
        predictor=predictor_of(response, family, sample),
        **constants_of(family, UNIT_EFFECT),
    )  # fmt: skip


def gamma_problem(sample: Sample, pooled: Problem, begin: Array, kernel: Kernel) -> Problem:
    """The pooled problem with a gamma factor by unit; it starts at the pooled estimates `begin`."""
    assert sample.unit is not None
    groups = Groups.of(sample.unit)
    if np.diff(groups.starts).max() < 2:
        raise ModelError(
            f"every '{sample.unit_name}' is observed once, and its effect is an error of the row",
            remedy="Use gvc.negative_binomial",
        )
    order, y = groups.order, sample.y
    weights = unit_weights(sample, groups)
    offset = None if sample.offset is None else sample.offset[order]
    likelihood = GammaIntercept(kernel, y[order], sample.X[order], groups, weights, offset)

    def refit(keep: NDArray[np.bool_], start: Array) -> Array:
        rows = np.repeat(keep, np.diff(groups.starts))
        fewer = GammaIntercept(
            kernel, y[order][rows], sample.X[order][rows], groups.only(keep),
            None if weights is None else weights[keep], None if offset is None else offset[rows],
        )  # fmt: skip
        return maximise(fewer.evaluate, start).theta

    candidates = [np.append(begin, np.log(alpha)) for alpha in _STARTS]
    return replace(
        pooled,
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        names=(*pooled.names, "log_alpha"),
        blocks={**pooled.blocks, UNIT_EFFECT: ("log_alpha",)},
        start=max(candidates, key=lambda theta: likelihood.evaluate(theta)[0]),
        # No variance is an answer, not a separation.
        spreads=np.append(pooled.spreads, 0.0),
        free_spreads=lambda: np.append(pooled.free_spreads() if pooled.free_spreads else pooled.spreads, 0.0),
        groups=groups,
        scores_of=None,
        refit=refit,
    )
