"""Gandhi, Navarro and Rivers: gross output from the share of one flexible input and what it leaves open.

With m the flexible input and s the others, all in standardised logs, D(m, s) = Σ γ_e m^e₀ s^e and
C(s) = Σ θ_e s^e:  ln S = ln D + ln E − ε,  f = ∫D dm + C,  ω = y − ε − f.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.measures.firms.production.firm_years import Sample
from gvcmetrics.measures.firms.production.second_stage import SecondStage, build, solve

Floats = NDArray[np.float64]
Powers = NDArray[np.int64]

RHOS = (0.0, 0.5, 0.8, 0.95)
"""Persistence of productivity from which the second stage starts; with a linear process it is linear in C."""


@dataclass(frozen=True)
class Flexible:
    """f(m, s) = ∫D dm + C(s) of log inputs, m first; logs are standardised by `centre` and `scale`."""

    centre: Floats
    scale: Floats
    powers: Powers
    gamma: Floats
    theta: Floats

    def value(self, base: Floats) -> Floats:
        """Log output without productivity (n)."""
        z = (base - self.centre) / self.scale
        value: Floats = self.scale[0] * (integrals(z, self.powers) @ self.gamma) + self._rest(z) @ self.theta
        return value

    def elasticities(self, base: Floats) -> Floats:
        """∂f/∂ of each log input in each row (n × inputs)."""
        z = (base - self.centre) / self.scale
        columns = [monomials(z, self.powers) @ self.gamma]
        rest = _of_state(self.powers)
        for k in range(1, z.shape[1]):
            of_integral = self.scale[0] * (integrals(z, self.powers, k) @ self.gamma)
            columns.append((of_integral + monomials(z, rest, k) @ self.theta) / self.scale[k])
        return np.column_stack(columns)

    def _rest(self, z: Floats) -> Floats:
        return monomials(z, _of_state(self.powers))


@dataclass(frozen=True)
class Found:
    """What one set of weights gives: the function, mean elasticities, those of every solution, the noise."""

    surface: Flexible
    mean: Floats
    solutions: list[Floats]
    noise: Floats

    @property
    def theta(self) -> Floats:
        return self.surface.theta


@dataclass(frozen=True)
class ShareProblem:
    """All of the estimate that does not depend on the weights of the firms."""

    sample: Sample
    centre: Floats
    scale: Floats
    powers: Powers
    terms: Floats
    integral: Floats
    stage: SecondStage
    rows: NDArray[np.int64]

    def estimate(self, weight: Floats, starts: list[Floats] | None = None) -> Found:
        """Both stages.

        Raises
        ------
        ModelError
            The shares have no minimum of squares, or no C sets the moments to zero.
        """
        sample = self.sample
        gamma = _share_regression(self.terms, sample.share, weight)
        used = weight > 0
        noise = np.full(len(weight), np.nan)
        noise[used] = np.log(self.terms[used] @ gamma) - sample.share[used]
        gamma = gamma / np.average(np.exp(noise[used]), weights=weight[used])
        known = sample.y - np.where(used, noise, 0.0) - self.scale[0] * (self.integral @ gamma)
        now, before = known[self.rows], known[sample.lag[self.rows]]
        w = weight[self.rows]
        found = solve(
            self.stage, now, before, np.ones(len(w)), w, starts or _starts(self.stage, now, before, w)
        )
        if not found:
            raise ModelError(
                "no function of the state inputs sets the second stage's moments to zero",
                remedy="Lower the degree or markov_degree, or pool more firms.",
            )
        surfaces = [Flexible(self.centre, self.scale, self.powers, gamma, theta) for theta in found]
        means = [np.average(one.elasticities(sample.base), axis=0, weights=weight) for one in surfaces]
        # As with the proxies, the spurious solution gives an input no weight.
        best = max(range(len(found)), key=lambda k: float(means[k][1:].min()))
        return Found(surfaces[best], means[best], means, noise)


def pose_share(sample: Sample, *, degree: int, markov_degree: int) -> ShareProblem:
    """Lay out both stages on a sample.

    Raises
    ------
    ModelError
        Too few rows have the firm's preceding year.
    """
    base = sample.base
    centre, scale = base.mean(axis=0), np.maximum(base.std(axis=0), 1e-300)
    z = (base - centre) / scale
    powers = _powers(base.shape[1], degree)
    rest = monomials(z, _of_state(powers))
    rows = np.flatnonzero(sample.lag >= 0)
    least = 2 * (rest.shape[1] + markov_degree + 1)
    if len(rows) < least or len(base) < 2 * len(powers):
        raise ModelError(
            f"{len(rows)} rows have the firm's preceding year, at least {least} are needed",
            remedy="The second stage compares consecutive years of a firm; or lower the degree.",
        )
    before = sample.lag[rows]
    return ShareProblem(
        sample=sample,
        centre=centre,
        scale=scale,
        powers=powers,
        terms=monomials(z, powers),
        integral=integrals(z, powers),
        stage=build(rest[rows], rest[before], rest[rows], markov_degree, with_survival=False),
        rows=rows,
    )


def monomials(z: Floats, powers: Powers, along: int | None = None) -> Floats:
    """z to each row of powers (n × terms), or its derivative along one variable."""
    columns = []
    for power in powers:
        factor, lowered = 1.0, power.copy()
        if along is not None:
            factor, lowered[along] = float(power[along]), max(power[along] - 1, 0)
        columns.append(factor * (z**lowered).prod(axis=1))
    return np.column_stack(columns)


def integrals(z: Floats, powers: Powers, along: int | None = None) -> Floats:
    """∫ of each term over the first variable from 0, or that integral's derivative along another one."""
    raised = powers.copy()
    raised[:, 0] += 1
    return monomials(z, raised, along) / raised[:, 0]


def _powers(variables: int, degree: int) -> Powers:
    """Powers of every monomial up to a total degree, the constant first."""
    every = [power for power in product(range(degree + 1), repeat=variables) if sum(power) <= degree]
    return np.array(sorted(every, key=lambda power: (sum(power), power)), dtype=np.int64)


def _of_state(powers: Powers) -> Powers:
    """The terms without the flexible input and without the constant, which is productivity's."""
    return powers[(powers[:, 0] == 0) & (powers.sum(axis=1) > 0)]


def _share_regression(terms: Floats, share: Floats, weight: Floats) -> Floats:
    """γ that minimises Σ w (ln S − ln Pγ)² where Pγ is positive, by Gauss–Newton steps."""
    used = weight > 0
    P, s, w = terms[used], share[used], weight[used]
    gamma = np.linalg.lstsq(P * np.sqrt(w)[:, None], np.exp(s) * np.sqrt(w), rcond=None)[0]
    if not (P @ gamma > 0).all():
        gamma = np.zeros(P.shape[1])
        gamma[0] = np.exp(np.average(s, weights=w))
    error = s - np.log(P @ gamma)
    for _ in range(200):
        slopes = P / (P @ gamma)[:, None]
        weighted = slopes * w[:, None]
        step = np.linalg.solve(weighted.T @ slopes, weighted.T @ error)
        if (weighted.T @ error) @ step < 1e-20 * (w @ error**2):
            return gamma
        for halving in range(40):
            tried = gamma + step / 2**halving
            if (P @ tried > 0).all():
                left = s - np.log(P @ tried)
                # Near the minimum sums of squares differ by rounding alone.
                if w @ left**2 <= (1 + 1e-13) * (w @ error**2):
                    break
        else:
            return gamma
        gamma, error = tried, left
    raise ModelError("the regression of shares did not converge", remedy="Lower the degree.")


def _starts(stage: SecondStage, now: Floats, before: Floats, weight: Floats) -> list[Floats]:
    """θ at which y* − ρ y*₋₁ − (x − ρ x₋₁)'θ does not move with the instruments, for several ρ."""
    z = stage.instruments * weight[:, None]
    starts: list[Floats] = []
    for rho in RHOS:
        x, y = stage.x - rho * stage.x_lag, now - rho * before
        x, y = x - np.average(x, axis=0, weights=weight), y - np.average(y, weights=weight)
        starts.append(np.asarray(np.linalg.lstsq(z.T @ x, z.T @ y, rcond=None)[0], dtype=np.float64))
    return starts
