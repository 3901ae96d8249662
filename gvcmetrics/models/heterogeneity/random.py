r"""Random effects: units share a normal intercept, integrated out by adaptive Gauss-Hermite quadrature.

.. math:: \ell_u = \log \int \exp\Big(\sum_t \ell_t(\eta_t + \sigma a)\Big) \phi(a)\, da
   \approx \log \sum_q w_q\, e^{z_q^2} \sqrt{2} s_u \exp\Big(\sum_t \ell_t(\eta_t + \sigma a_{uq})\Big)
   \phi(a_{uq}), \qquad a_{uq} = m_u + \sqrt{2} s_u z_q

with :math:`m_u, s_u` the mode of the integrand and the standard deviation of the normal that touches it
there (Naylor & Smith 1982; Liu & Pierce 1994). The sum is what is maximised, so its score has two parts:
with posterior weights :math:`\pi_{uq}` and a unit's score :math:`S_{uq}` and Hessian :math:`H_{uq}` at a
node, :math:`\sum_q \pi_{uq} S_{uq}` with nodes held still, and what the nodes' own movement adds, which
vanishes as points are added; its third derivative is a central difference of the kernel's Hessian.
The Hessian is that of the sum with nodes held still,
:math:`\sum_q \pi_{uq} (H_{uq} + S_{uq} S_{uq}')` less the outer
product of the mean score (Louis 1982), which is good for Newton's steps; the covariance takes central
differences of the score. sigma enters as the coefficient of the regressor :math:`a_{uq}`.

Time is :math:`O(n Q (m^2 + k) + n k^2 + U Q k^2)` an evaluation, memory that of a strip of units times Q.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.models.estimate import Problem, unit_weights
from gvcmetrics.models.families.base import Array, Family
from gvcmetrics.models.heterogeneity.groups import Groups
from gvcmetrics.models.likelihood import POOL, Batch, in_memory
from gvcmetrics.models.newton import Optimum, maximise
from gvcmetrics.models.sample import Sample

Integers = NDArray[np.intp]
_ROWS_A_STRIP = 4096
_MODE_STEPS = 50
_DIFFERENCE = 1e-4
_NOISE = 1e-10


@dataclass(frozen=True)
class RandomIntercept:
    """The marginal likelihood of grouped rows with a normal intercept in the first index.

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
        object.__setattr__(self, "modes", np.zeros(self.groups.count))

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """Log likelihood, score and Hessian."""
        loglik, scores, hessian = self._pass(theta)
        return float(loglik.sum()), scores.sum(axis=0), hessian

    def scores(self, theta: Array) -> Array:
        """Score of each unit (G, parameters), weighted."""
        return self._pass(theta)[1]

    def curvature(self, theta: Array, errors: Array) -> Array:
        """Hessian of the sum with moving nodes: differences of its score, a fraction of an error wide."""
        columns = []
        for j, error in enumerate(errors):
            move = np.zeros(len(theta))
            move[j] = 1e-3 * min(max(error, 1e-6), 1.0)
            above, below = self.scores(theta + move), self.scores(theta - move)
            columns.append((above - below).sum(axis=0) / (2.0 * move[j]))
        hessian = np.array(columns)
        return (hessian + hessian.T) / 2.0

    def _pass(self, theta: Array) -> tuple[Array, Array, Array]:
        p = len(theta)
        if not -15.0 < theta[-1] < 15.0:
            return np.array([-np.inf]), np.zeros((1, p)), np.zeros((p, p))
        parts = list(POOL.map(lambda strip: self._strip(theta, *strip), self._strips()))
        hessian = np.sum([part[2] for part in parts], axis=0)
        return (
            np.concatenate([part[0] for part in parts]),
            np.concatenate([part[1] for part in parts]),
            hessian,
        )

    def _strips(self) -> list[tuple[int, int]]:
        strip = self.groups.starts[:-1] // _ROWS_A_STRIP
        edges = [0, *(int(c) + 1 for c in np.flatnonzero(np.diff(strip))), self.groups.count]
        return list(pairwise(edges))

    def _strip(self, theta: Array, first: int, last: int) -> tuple[Array, Array, Array]:
        """Log likelihood (units), scores (units, p) and Hessian (p, p) of a range of units."""
        starts = self.groups.starts[first : last + 1]
        rows = slice(starts[0], starts[-1])
        unit = np.repeat(np.arange(last - first), np.diff(starts))
        begin = starts[:-1] - starts[0]
        batch = Batch(self.y[rows], self.X[rows], None, None if self.offset is None else self.offset[rows])
        pooled = in_memory(self.family, batch.y, batch.X)
        eta = pooled.indices(theta[:-1], batch)[:, 0]
        constants = pooled.constants(theta[:-1])
        sigma = float(np.exp(theta[-1]))
        mode, spread = self._modes(batch.y, eta, constants, sigma, unit, begin, slice(first, last))
        z, w = np.polynomial.hermite.hermgauss(self.nquad)
        a = mode[:, None] + np.sqrt(2.0) * spread[:, None] * z  # (units, Q)
        at = (eta[:, None] + sigma * a[unit]).reshape(-1, 1)  # (rows * Q, 1)
        loglik, g, h = self.family.evaluate(np.repeat(batch.y, self.nquad), at, constants)
        q = self.nquad
        log_kernel = (
            np.add.reduceat(loglik.reshape(-1, q), begin, axis=0)
            + np.log(w) + z**2 - 0.5 * a**2 + np.log(spread)[:, None] - 0.5 * np.log(np.pi)
        )  # fmt: skip
        top = log_kernel.max(axis=1, keepdims=True)
        posterior = np.exp(log_kernel - top)
        total = posterior.sum(axis=1, keepdims=True)
        posterior /= total
        weights = np.ones(last - first) if self.weights is None else self.weights[first:last]
        scores, hessian = self._derivatives(
            batch.X, g.reshape(-1, q, g.shape[1]), h.reshape(-1, q, h.shape[1]),
            sigma * a, posterior, unit, begin, weights,
        )  # fmt: skip
        slope = sigma * np.add.reduceat(g.reshape(-1, q, g.shape[1])[:, :, 0], begin, axis=0) - a
        by_mode = (posterior * slope).sum(axis=1)
        by_spread = 1.0 + (posterior * slope * (a - mode[:, None])).sum(axis=1)
        mode_slope, spread_slope = self._movement(batch, eta, constants, sigma, mode, unit, begin)
        scores += weights[:, None] * (by_mode[:, None] * mode_slope + by_spread[:, None] * spread_slope)
        return weights * (top + np.log(total))[:, 0], scores, hessian

    def _modes(
        self,
        y: Array,
        eta: Array,
        constants: Array,
        sigma: float,
        unit: Integers,
        begin: Integers,
        units: slice,
    ) -> tuple[Array, Array]:
        """Mode and spread of each unit's integrand: Newton for all units of a strip at once.

        The integrand is log-concave and its curvature at least one, so a step is never longer than the
        slope; it is halved for the units where it overshoots.
        """
        mode = self.modes[units]

        def value(at: Array) -> tuple[Array, Array, Array]:
            loglik, g, h = self.family.evaluate(y, (eta + sigma * at[unit])[:, None], constants)
            return (
                np.add.reduceat(loglik, begin) - 0.5 * at**2,
                sigma * np.add.reduceat(g[:, 0], begin) - at,
                1.0 - sigma**2 * np.add.reduceat(h[:, 0], begin),
            )

        with np.errstate(over="ignore", invalid="ignore"):
            height, slope, curvature = value(mode)
            for _ in range(_MODE_STEPS):
                step = np.clip(slope / curvature, -5.0, 5.0)
                if not np.isfinite(height + step).all():
                    # The likelihood overflows: Newton rejects the point, and the modes stay as they were.
                    return mode, np.full(len(mode), np.nan)
                if np.abs(step).max() < 1e-8:
                    break
                trial = value(mode + step)
                while (worse := ~(trial[0] >= height - 1e-10 * (1.0 + np.abs(height)))).any():
                    step = np.where(worse, step / 2.0, step)
                    if np.abs(step[worse]).max() < 1e-12:
                        break
                    trial = value(mode + step)
                mode = mode + step
                height, slope, curvature = trial
        self.modes[units] = mode
        return mode, 1.0 / np.sqrt(curvature)

    def _movement(
        self, batch: Batch, eta: Array, constants: Array, sigma: float, mode: Array,
        unit: Integers, begin: Integers,
    ) -> tuple[Array, Array]:  # fmt: skip
        """Derivatives (units, p) of each unit's mode and of the log of its spread, implicitly.

        The mode solves sigma sum g(eta + sigma a) = a; the spread is c^(-1/2), c = 1 - sigma^2 sum h.
        """
        at = eta + sigma * mode[unit]
        _, g, h = self.family.evaluate(batch.y, at[:, None], constants)
        _, _, above = self.family.evaluate(batch.y, at[:, None] + _DIFFERENCE, constants)
        _, _, below = self.family.evaluate(batch.y, at[:, None] - _DIFFERENCE, constants)
        with_eta = [j * (j + 1) // 2 for j in range(g.shape[1])]
        second = h[:, with_eta]
        third = (above[:, with_eta] - below[:, with_eta]) / (2.0 * _DIFFERENCE)

        def by_parameter(rows: Array, last: Array) -> Array:
            index = np.add.reduceat(batch.X * rows[:, :1], begin, axis=0)
            return np.column_stack([index, np.add.reduceat(rows[:, 1:], begin, axis=0), last])

        sum_g, sum_h, sum_third = (np.add.reduceat(v[:, 0], begin) for v in (g, second, third))
        c = 1.0 - sigma**2 * sum_h
        mode_slope = by_parameter(sigma * second, sigma * sum_g + sigma**2 * mode * sum_h) / c[:, None]
        c_slope = (
            -by_parameter(sigma**2 * third, 2.0 * sigma**2 * sum_h + sigma**3 * mode * sum_third)
            - (sigma**3 * sum_third)[:, None] * mode_slope
        )
        return mode_slope, -0.5 * c_slope / c[:, None]

    def _derivatives(
        self, X: Array, g: Array, h: Array, sigma_a: Array, posterior: Array,
        unit: Integers, begin: Integers, weights: Array,
    ) -> tuple[Array, Array]:  # fmt: skip
        """Scores (units, p) and Hessian by Louis's formula.

        The arguments of a row at a node are (eta, constants), with derivatives g (rows, Q, m) and packed h;
        d eta / d theta = (x, sigma a) for (coefficients, log sigma), and d^2 eta / d log sigma^2 = sigma a.
        """
        k, m = X.shape[1], g.shape[2]
        c = m - 1
        p = k + c + 1
        sums = np.add.reduceat(g, begin, axis=0)  # (units, Q, m)
        node_scores = np.empty((*posterior.shape, p))
        for column in range(k):
            node_scores[:, :, column] = np.add.reduceat(g[:, :, 0] * X[:, column, None], begin, axis=0)
        node_scores[:, :, k : k + c] = sums[:, :, 1:]
        node_scores[:, :, -1] = sums[:, :, 0] * sigma_a
        scores = np.einsum("uq,uqp->up", posterior, node_scores)
        pi = posterior * weights[:, None]
        pi_rows = pi[unit]
        flat = node_scores.reshape(-1, p)
        hessian = (flat * pi.reshape(-1, 1)).T @ flat - (scores * weights[:, None]).T @ scores
        over = np.einsum("rq,rqj->rj", pi_rows, h)
        tilted = np.einsum("rq,rqj->rj", pi_rows * sigma_a[unit], h)
        hessian[:k, :k] += (X * over[:, :1]).T @ X
        border = tilted[:, 0] @ X
        hessian[-1, :k] += border
        hessian[:k, -1] += border
        corner = np.einsum("rq,rq,rq->", pi_rows, sigma_a[unit] ** 2, h[:, :, 0])
        hessian[-1, -1] += corner + (pi * sums[:, :, 0] * sigma_a).sum()
        for j in range(1, m):
            row, packed = k + j - 1, j * (j + 1) // 2
            border = over[:, packed] @ X
            hessian[row, :k] += border
            hessian[:k, row] += border
            hessian[row, -1] += tilted[:, packed].sum()
            hessian[-1, row] += tilted[:, packed].sum()
            for i in range(1, j + 1):
                cross = over[:, packed + i].sum()
                hessian[row, k + i - 1] += cross
                if i != j:
                    hessian[k + i - 1, row] += cross
        return scores * weights[:, None], hessian


def random_problem(
    sample: Sample, y: Array, family: Family, pooled: Problem, optimum: Optimum, nquad: int
) -> Problem:
    """The pooled problem with a random intercept; it starts at the pooled estimates, scaled up."""
    assert sample.unit is not None
    if not isinstance(nquad, int) or not 2 <= nquad <= 100:
        raise ModelError(f"nquad={nquad!r} must be a whole number from 2 to 100")
    groups = Groups.of(sample.unit)
    if np.diff(groups.starts).max() < 2:
        raise ModelError(
            f"every '{sample.unit_name}' is observed once, which does not identify a random effect",
            remedy="Use effects='pooled'",
        )
    order = groups.order
    weights = unit_weights(sample, groups)
    offset = None if sample.offset is None else sample.offset[order]
    likelihood = RandomIntercept(family, y[order], sample.X[order], groups, nquad, weights, offset)

    def refit(keep: NDArray[np.bool_], start: Array) -> Array:
        rows = np.repeat(keep, np.diff(groups.starts))
        fewer = RandomIntercept(
            family, y[order][rows], sample.X[order][rows], groups.only(keep), nquad,
            None if weights is None else weights[keep], None if offset is None else offset[rows],
        )  # fmt: skip
        return maximise(fewer.evaluate, start, noise=_NOISE).theta

    return replace(
        pooled,
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        names=(*pooled.names, "sigma_u"),
        blocks={**pooled.blocks, "Unit effect": ("sigma_u",)},
        start=_best_start(likelihood, optimum.theta),
        # A sigma of zero is an answer, not a separation.
        spreads=np.append(pooled.spreads, 0.0),
        groups=groups,
        natural=_sigma_for_log_sigma,
        refit=refit,
        noise=_NOISE,
        curvature=likelihood.curvature,
    )


def variance_statistics(sigma: float, residual: float, loglik: float, pooled: float) -> dict[str, float]:
    """Intraclass correlation, and the likelihood-ratio test against no random effect.

    Zero is on the boundary of the parameter space, so the statistic is an even mixture of 0 and chi2(1)
    (Self & Liang 1987). residual : variance of the latent error, NaN where the model has none.
    """
    ratio = max(2.0 * (loglik - pooled), 0.0)
    shared = {} if np.isnan(residual) else {"rho": sigma**2 / (sigma**2 + residual)}
    return {
        **shared,
        "lr_pooled": ratio,
        "lr_pooled_p": 1.0 if ratio == 0.0 else 0.5 * float(stats.chi2.sf(ratio, 1)),
    }


def _best_start(likelihood: RandomIntercept, theta: Array) -> Array:
    """Of a few values of sigma the one with the highest likelihood, at the pooled estimates."""
    candidates = [np.append(theta, np.log(sigma)) for sigma in (0.1, 0.3, 1.0, 2.0)]
    return max(candidates, key=lambda candidate: likelihood.evaluate(candidate)[0])


def _sigma_for_log_sigma(theta: Array) -> tuple[Array, Array]:
    params, jacobian = theta.copy(), np.eye(len(theta))
    params[-1] = jacobian[-1, -1] = np.exp(theta[-1])
    return params, jacobian
