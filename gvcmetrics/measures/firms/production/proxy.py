"""Olley–Pakes, Levinsohn–Petrin and Ackerberg–Caves–Frazer: two stages around a proxy for productivity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

from gvcmetrics.errors import ModelError
from gvcmetrics.measures.firms.production.firm_years import Sample
from gvcmetrics.measures.firms.production.forms import elasticities, terms
from gvcmetrics.measures.firms.production.polynomials import polynomial
from gvcmetrics.measures.firms.production.reweighted import Reweighted
from gvcmetrics.measures.firms.production.second_stage import SecondStage, build, minimise, solve

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ProxyProblem:
    """All of an estimate that does not depend on the weights of the firms, so that a bootstrap is cheap.

    In the first stage y is regressed on `linear` inputs (none for Ackerberg–Caves–Frazer), the `basis` of the
    control function and the year dummies; the second stage finds the coefficients of the `late` inputs.
    """

    sample: Sample
    linear: list[int]
    late: list[int]
    basis: Floats
    first: Reweighted
    survival_basis: Floats | None
    stage: SecondStage
    rows: NDArray[np.int64]
    by_residuals: bool

    def first_stage(self, weight: Floats) -> tuple[Floats, Floats, Floats]:
        """Coefficients of the linear inputs, the control function φ, and the first-stage residual."""
        sample, n_linear = self.sample, len(self.linear)
        coefficients, residuals = self.first.solve(sample.y, weight)
        phi = self.basis @ coefficients[n_linear : n_linear + self.basis.shape[1]]
        return coefficients[:n_linear], phi, residuals

    def estimate(self, weight: Floats, starts: list[Floats]) -> tuple[Floats, list[Floats]]:
        """Coefficients of all inputs in the order of the sample, and every solution of the second stage."""
        sample = self.sample
        early, phi, noise = self.first_stage(weight)
        survival = np.ones(len(self.rows))
        if self.survival_basis is not None:
            survival = _probit(self.survival_basis, sample.survives, weight)[sample.lag[self.rows]]
        now, before = phi[self.rows], phi[sample.lag[self.rows]]
        late_starts = [start[self.late] for start in starts]
        if self.by_residuals:
            solutions = minimise(
                self.stage, now, before, noise[self.rows], survival, weight[self.rows], late_starts
            )
        else:
            solutions = solve(self.stage, now, before, survival, weight[self.rows], late_starts)
        if not solutions:
            raise ModelError(
                "no coefficients set the second stage's moments to zero",
                remedy="The instruments may not move the inputs, or the proxy may not follow productivity.",
            )
        candidates = []
        for late in solutions:
            beta = np.empty(sample.x.shape[1])
            beta[self.linear], beta[self.late] = early, late
            candidates.append(beta)
        if self.by_residuals:
            return candidates[0], candidates
        # The known spurious solution of the moments gives state inputs no weight (see the public docstring).
        return max(candidates, key=self._least_elasticity), candidates

    def _least_elasticity(self, beta: Floats) -> float:
        """Smallest mean elasticity among the inputs that the second stage finds."""
        mean = elasticities(self.sample.base, beta, self.sample.form).mean(axis=0)
        return float(min(mean[i] for i in self.late if i < len(mean)))


def pose(
    sample: Sample, *, method: str, degree: int, markov_degree: int, survival: bool, objective: str
) -> ProxyProblem:
    """Lay out the two stages of a method on a sample.

    Residuals are minimised over inputs that are fixed before the year alone: a proxy among the inputs, and
    the free inputs of Ackerberg, Caves and Frazer, move with the shock and need instruments.
    """
    assert sample.proxy is not None
    proxy, state = sample.proxy[:, None], sample.base[:, sample.state]
    if method == "ackerberg_caves_frazer":
        linear: list[int] = []
        late = list(range(sample.x.shape[1]))
        variables = sample.base if sample.proxy_input else np.hstack([sample.base, proxy])
    else:
        linear, late = sample.free, [*sample.proxy_input, *sample.state]
        variables = np.hstack([state, proxy])
    rows = np.flatnonzero(sample.lag >= 0)
    least = 2 * (len(late) + markov_degree + 1)
    if len(rows) < least:
        raise ModelError(
            f"{len(rows)} rows have the firm's preceding year, at least {least} are needed",
            remedy="The second stage compares consecutive years of a firm.",
        )
    before = sample.lag[rows]
    known = sample.base[before]
    known[:, sample.state] = sample.base[rows][:, sample.state]
    instruments = terms(known, sample.form)[:, late]
    basis = polynomial(variables, degree)
    return ProxyProblem(
        sample=sample,
        linear=linear,
        late=late,
        basis=basis,
        first=Reweighted.of(np.hstack([sample.x[:, linear], basis, sample.year_dummies])),
        survival_basis=polynomial(np.hstack([state, proxy]), degree) if survival else None,
        stage=build(sample.x[rows][:, late], sample.x[before][:, late], instruments, markov_degree, survival),
        rows=rows,
        by_residuals=objective == "residuals" and late == sample.state,
    )


def starting_points(sample: Sample, ols: Floats) -> list[Floats]:
    """OLS, and splits of constant returns between free and state inputs (without second-order terms)."""
    free, state = len(sample.inputs.free), len(sample.inputs.state)
    splits = [
        np.concatenate(
            [
                np.full(free, share / free),
                np.full(state, (1 - share) / state),
                np.zeros(len(ols) - free - state),
            ]
        )
        for share in (0.3, 0.5, 0.7, 0.9)
    ]
    return [ols, *splits]


def _probit(basis: Floats, survives: NDArray[np.bool_], weight: Floats) -> Floats:
    """Fitted survival probabilities of a weighted probit, by Newton steps."""
    if survives.all():
        raise ModelError("no firm leaves the panel", remedy="Estimate without the survival correction.")
    sign = np.where(survives, 1.0, -1.0)
    beta = np.zeros(basis.shape[1])
    for _ in range(50):
        index = sign * (basis @ beta)
        mills = np.exp(-0.5 * index**2 - log_ndtr(index)) / np.sqrt(2 * np.pi)
        gradient = basis.T @ (weight * sign * mills)
        curvature = weight * mills * (mills + index)
        step = np.linalg.solve(basis.T @ (basis * curvature[:, None]), gradient)
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            return ndtr(basis @ beta)
    raise ModelError("the survival probit did not converge", remedy="Lower the degree of the polynomial.")
