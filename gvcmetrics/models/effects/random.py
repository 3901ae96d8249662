r"""Random effects: units share a normal intercept, integrated out by adaptive Gauss-Hermite quadrature.

.. math:: \ell_u = \log \int \exp\Big(\sum_t \ell_t(\eta_t + \sigma a)\Big) \phi(a)\, da
   \approx \log \sum_q w_q\, e^{z_q^2} \sqrt{2} s_u \exp\Big(\sum_t \ell_t(\eta_t + \sigma a_{uq})\Big)
   \phi(a_{uq}), \qquad a_{uq} = m_u + \sqrt{2} s_u z_q

with :math:`m_u, s_u` the mode of the integrand and the standard deviation of the normal that touches it
there (Naylor & Smith 1982; Liu & Pierce 1994). The sum is what is maximised, and its score and Hessian are
exact. With posterior weights :math:`\pi_{uq}` and a unit's score :math:`S_{uq}` and Hessian :math:`H_{uq}`
at a node they are :math:`\sum_q \pi_{uq} S_{uq}` and :math:`\sum_q \pi_{uq} (H_{uq} + S_{uq} S_{uq}')` less
the outer product of the mean score (Louis 1982), and what the nodes' own movement adds (`adaptive_nodes`),
which vanishes as points are added. sigma enters as the coefficient of the regressor :math:`a_{uq}`.

Time is :math:`O(n Q (m^2 + k) + n k^2 + U Q k^2)` an evaluation, memory that of a strip of units times Q.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.groups import Groups, varies
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.effects.adaptive_nodes import Slopes, UnitRows, find_modes, movement
from gvcmetrics.models.effects.node_count import quadrature_path, settled
from gvcmetrics.models.effects.pooled import constants_of, notes_on, pooled_problem, predictor_of
from gvcmetrics.models.engine.estimate import Estimate, from_likelihood, unit_weights
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.likelihood.newton import Optimum, maximise
from gvcmetrics.models.likelihood.problem import Problem, parameter_map, solve
from gvcmetrics.models.likelihood.sums import POOL

UNIT_EFFECT = "Unit effect"
_ROWS_A_STRIP = 4096
_SIGMAS = (0.1, 0.3, 1.0, 2.0)
# Below it the likelihood is that of the pooled model to all digits that matter. Both in units of the index.
_NO_VARIANCE = 1e-3
_AT_ZERO = "The variance of the unit effect is at its lower bound, zero: the model is the pooled one."


@dataclass(frozen=True)
class RandomIntercept:
    """The marginal likelihood of grouped rows with a normal intercept in the index.

    The parameters are those of the pooled model followed by log sigma.

    family : any family with one index. y, X, offset : rows in the order of the groups.
    weights : (G), constant within a unit. nquad : points of the quadrature.
    """

    family: Family
    y: Array
    X: Array
    groups: Groups
    nquad: int = 12
    weights: Array | None = None
    offset: Array | None = None
    modes: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Where the search for the modes begins: where the last evaluation found them.
        object.__setattr__(self, "modes", np.zeros(self.groups.count))

    def loglik(self, theta: Array) -> float:
        """Log likelihood alone; minus infinity where it overflows."""
        parts = POOL.map(lambda cut: Strip.of(self, theta, *cut).loglik.sum(), self._strips())
        total = float(sum(parts))
        return total if np.isfinite(total) else -np.inf

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and Hessian."""
        loglik, scores, hessian = self._pass(theta)
        return float(loglik.sum()), scores.sum(axis=0), hessian

    def scores(self, theta: Array) -> Array:
        """Score of each unit (G, parameters), weighted."""
        return self._pass(theta)[1]

    def _pass(self, theta: Array) -> tuple[Array, Array, Array]:
        p = len(theta)
        unit = self.family.deviation(theta[self.X.shape[1] : -1])
        if not -15.0 < theta[-1] - np.log(unit) < 15.0:
            return np.array([-np.inf]), np.zeros((1, p)), np.zeros((p, p))

        def part(cut: tuple[int, int]) -> tuple[Array, Array, Array]:
            strip = Strip.of(self, theta, *cut)
            return strip.loglik, *strip.derivatives()

        parts = list(POOL.map(part, self._strips()))
        return (
            np.concatenate([loglik for loglik, _, _ in parts]),
            np.concatenate([scores for _, scores, _ in parts]),
            np.sum([hessian for _, _, hessian in parts], axis=0),
        )

    def _strips(self) -> list[tuple[int, int]]:
        strip = self.groups.starts[:-1] // _ROWS_A_STRIP
        edges = [0, *(int(c) + 1 for c in np.flatnonzero(np.diff(strip))), self.groups.count]
        return list(pairwise(edges))


@dataclass(frozen=True)
class Strip:
    """A range of units with their integrands at the nodes.

    eta : (rows), without the random intercept. mode : (units). a : (units, Q) nodes.
    loglik : (units), weighted. posterior : (units, Q). g, h : (rows, Q, M) and packed, at the nodes.
    """

    family: Family
    y: Array
    rows: UnitRows
    eta: Array
    constants: Array
    sigma: float
    weights: Array
    mode: Array
    a: Array
    loglik: Array
    posterior: Array
    g: Array
    h: Array

    @classmethod
    def of(cls, model: RandomIntercept, theta: Array, first: int, last: int) -> Strip:
        """Units from first to last, their nodes found."""
        starts, q = model.groups.starts[first : last + 1], model.nquad
        cut = slice(starts[0], starts[-1])
        unit = np.repeat(np.arange(last - first), np.diff(starts))
        rows = UnitRows(model.X[cut], unit, starts[:-1] - starts[0])
        family, y, k, sigma = model.family, model.y[cut], model.X.shape[1], float(np.exp(theta[-1]))
        eta, constants = rows.X @ theta[:k], theta[k:-1]
        if model.offset is not None:
            eta = eta + model.offset[cut]

        def value(a: Array) -> tuple[Array, Array, Array]:
            loglik, g, h = family.evaluate(y, (eta + sigma * a[unit])[:, None], constants)
            slope, bend = sigma * rows.sums(g[:, 0]), sigma**2 * rows.sums(h[:, 0])
            return rows.sums(loglik) - 0.5 * a**2, slope - a, 1.0 - bend

        mode, c, found = find_modes(value, model.modes[first:last])
        # Where the likelihood overflows Newton rejects the point.
        spread = 1.0 / np.sqrt(c) if found else np.full(len(c), np.nan)
        model.modes[first:last] = mode
        z, w = np.polynomial.hermite.hermgauss(q)
        a = mode[:, None] + np.sqrt(2.0) * spread[:, None] * z
        at = (eta[:, None] + sigma * a[unit]).reshape(-1, 1)
        loglik, g, h = family.evaluate(np.repeat(y, q, axis=0), at, constants)
        log_kernel = (
            rows.sums(loglik.reshape(-1, q))
            + np.log(w) + z**2 - 0.5 * a**2 + np.log(spread)[:, None] - 0.5 * np.log(np.pi)
        )  # fmt: skip
        top = log_kernel.max(axis=1, keepdims=True)
        posterior = np.exp(log_kernel - top)
        total = posterior.sum(axis=1, keepdims=True)
        weights = np.ones(last - first) if model.weights is None else model.weights[first:last]
        return cls(
            family, y, rows, eta, constants, sigma, weights, mode, a,
            weights * (top + np.log(total))[:, 0], posterior / total,
            g.reshape(-1, q, g.shape[1]), h.reshape(-1, q, h.shape[1]),
        )  # fmt: skip

    def derivatives(self) -> tuple[Array, Array]:
        """Scores (units, p), weighted, and Hessian.

        The arguments of a row at a node are (eta + sigma a, constants); in (coefficients, log sigma) the
        index has the slopes (x, sigma a), and its second derivative in log sigma is sigma a.
        """
        rows, pi, sigma, a, w = self.rows, self.posterior, self.sigma, self.a, self.weights[:, None]
        k, m = rows.X.shape[1], self.g.shape[2]
        g, unit = self.g[:, :, 0], rows.unit
        sums = rows.sums(self.g)
        nodes = np.empty((*pi.shape, k + m))
        for column in range(k):
            nodes[:, :, column] = rows.sums(g * rows.X[:, column, None])
        nodes[:, :, k:-1] = sums[:, :, 1:]
        nodes[:, :, -1] = sums[:, :, 0] * sigma * a
        scores = _mean(pi, nodes)
        flat = (nodes * np.sqrt(pi * w)[:, :, None]).reshape(-1, k + m)
        over, tilted = _mean(pi[unit], self.h), _mean((pi * sigma * a)[unit], self.h)
        cross = [j * (j + 1) // 2 for j in range(m)]
        by_row = self.weights[unit][:, None]
        squared = _mean((pi * (sigma * a) ** 2)[unit], self.h[:, :, :1])
        corner = squared[:, 0] @ by_row[:, 0] + self.weights @ _mean(pi, nodes[:, :, -1:])[:, 0]
        hessian = flat.T @ flat - (scores * w).T @ scores
        hessian += rows.quadratic(over * by_row, tilted[:, cross] * by_row, float(corner))

        slope, d = sigma * sums[:, :, 0] - a, a - self.mode[:, None]
        bend = sigma**2 * rows.sums(self.h[:, :, 0]) - 1.0
        by_m, by_r = (pi * slope).sum(axis=1), 1.0 + (pi * slope * d).sum(axis=1)
        moved = (tilted / sigma - self.mode[unit][:, None] * over)[:, cross]
        by_sigma = squared[:, 0] / sigma - self.mode[unit] * tilted[:, 0]
        slopes = Slopes(
            m=by_m,
            r=by_r,
            mm=(pi * (bend + slope**2)).sum(axis=1) - by_m**2,
            mr=(pi * (bend * d + slope * (1.0 + slope * d))).sum(axis=1) - by_m * by_r,
            rr=(pi * (bend * d**2 + slope * d + (1.0 + slope * d) ** 2)).sum(axis=1) - by_r**2,
            theta_m=rows.by_parameter(
                sigma * over[:, cross], sigma * (rows.sums(tilted[:, 0]) + (pi * sums[:, :, 0]).sum(axis=1))
            )
            + _mean(pi * slope, nodes) - by_m[:, None] * scores,
            theta_r=rows.by_parameter(
                sigma * moved, sigma * (rows.sums(by_sigma) + (pi * d * sums[:, :, 0]).sum(axis=1))
            )
            + _mean(pi * (1.0 + slope * d), nodes) - by_r[:, None] * scores,
        )  # fmt: skip
        bend_of = self.family.bend
        assert bend_of is not None
        at = (self.eta + sigma * self.mode[unit])[:, None]
        _, g, h = self.family.evaluate(self.y, at, self.constants)
        at_mode = (g, h, *bend_of(self.y, at, self.constants))
        added, bent = movement(rows, sigma, self.mode, at_mode, slopes, self.weights)
        return scores * w + added, hessian + bent


def _mean(shares: Array, values: Array) -> Array:
    """Sum over nodes (n, Q) of values (n, Q, k)."""
    return np.einsum("nq,nqk->nk", shares, values)


def random_intercept(request: Request, response: Response, sample: Sample) -> Estimate:
    """A normal intercept by unit, integrated out."""
    assert sample.unit is not None
    family = response.family(sample)
    flat = pooled_problem(sample, family)
    start = solve(flat).optimum

    def at(points: int, begin: Array | None = None) -> Problem:
        return random_problem(sample, family, flat, start, points, begin)

    problem, solution, points = settled(at, request.nquad, request.fix)
    optimum = solution.optimum
    sigma = float(np.exp(optimum.theta[-1]))
    notes = notes_on(family, sample, optimum.theta)
    if sigma < _NO_VARIANCE * problem.unit(optimum.theta):
        notes += (_AT_ZERO,)
    return from_likelihood(
        problem, solution, sample, request.errors,
        statistics={
            "units": int(sample.unit.max()) + 1,
            "nquad": points,
            **variance_statistics(
                sigma,
                _residual_variance(family, optimum),
                optimum.loglik,
                None if request.fix else start.loglik,
            ),
        },
        notes=notes,
        predictor=predictor_of(response, family, sample, random=True),
        quadrature=lambda: quadrature_path(at, points, request.fix),
        # A standard deviation of zero is no inner point.
        **constants_of(family, UNIT_EFFECT),
    )  # fmt: skip


def _residual_variance(family: Family, optimum: Optimum) -> float:
    """Variance of the latent error: fixed by the family, or one of its constants."""
    if family.residual is None:
        return family.latent_variance
    first = len(optimum.theta) - 1 - len(family.constants)
    return family.residual(optimum.theta[first:-1])


def random_problem(
    sample: Sample,
    family: Family,
    pooled: Problem,
    optimum: Optimum,
    nquad: int,
    begin: Array | None = None,
) -> Problem:
    """The pooled problem with a random intercept; it starts at `begin`, or at the pooled estimates."""
    assert sample.unit is not None
    groups = Groups.of(sample.unit)
    if np.diff(groups.starts).max() < 2:
        raise ModelError(
            f"every '{sample.unit_name}' is observed once, which does not identify a random effect",
            remedy="Use effects='pooled'",
        )
    if family.outcomes is not None and not varies(sample.y, sample.unit).any():
        raise ModelError(
            f"the outcome '{sample.outcome[0]}' changes within no '{sample.unit_name}', so that the variance "
            "of the unit effect is infinite",
            remedy="Use one row a unit and effects='pooled'",
        )
    order, y = groups.order, sample.y
    weights = unit_weights(sample, groups)
    offset = None if sample.offset is None else sample.offset[order]
    likelihood = RandomIntercept(family, y[order], sample.X[order], groups, nquad, weights, offset)

    def refit(keep: NDArray[np.bool_], start: Array) -> Array:
        rows = np.repeat(keep, np.diff(groups.starts))
        fewer = RandomIntercept(
            family, y[order][rows], sample.X[order][rows], groups.only(keep), nquad,
            None if weights is None else weights[keep], None if offset is None else offset[rows],
        )  # fmt: skip
        return maximise(fewer.evaluate, start).theta

    return replace(
        pooled,
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        names=(*pooled.names, "sigma_u"),
        blocks={**pooled.blocks, UNIT_EFFECT: ("sigma_u",)},
        start=(
            _best_start(likelihood, optimum.theta, pooled.unit(optimum.theta)) if begin is None else begin
        ),
        # A sigma of zero is an answer, not a separation.
        spreads=np.append(pooled.spreads, 0.0),
        free_spreads=lambda: np.append(pooled.free_spreads(), 0.0) if pooled.free_spreads else pooled.spreads,
        groups=groups,
        scores_of=None,
        natural=parameter_map(family, len(sample.names), random=True),
        back=parameter_map(family, len(sample.names), random=True, back=True),
        refit=refit,
    )


def variance_statistics(
    sigma: float, residual: float, loglik: float, pooled: float | None
) -> dict[str, float]:
    """Intraclass correlation, and the likelihood-ratio test against no random effect.

    Zero is on the boundary of the parameter space, so the statistic is an even mixture of 0 and chi2(1)
    (Self & Liang 1987). residual : variance of the latent error, NaN where the model has none. pooled : log
    likelihood without the effect; None where parameters are held, which the pooled model does not hold.
    """
    shared = {} if np.isnan(residual) else {"rho": sigma**2 / (sigma**2 + residual)}
    if pooled is None:
        return shared
    ratio = max(2.0 * (loglik - pooled), 0.0)
    return {
        **shared,
        "lr_pooled": ratio,
        "lr_pooled_p": 1.0 if ratio == 0.0 else 0.5 * float(stats.chi2.sf(ratio, 1)),
    }


def _best_start(likelihood: RandomIntercept, theta: Array, unit: float) -> Array:
    """Of a few values of sigma the one with the highest likelihood, at the pooled estimates."""
    candidates = [np.append(theta, np.log(sigma * unit)) for sigma in _SIGMAS]
    return max(candidates, key=likelihood.loglik)
