"""Second stage of the proxy estimators: the input coefficients at which shocks to productivity are news.

For a candidate θ, productivity is ω_t = φ_t − x_t'θ; its innovation ξ_t is the residual of ω_t on a
polynomial of ω_{t−1} (and of the survival probability). By moments θ solves Σ w z_t ξ_t = 0 with as many
instruments z as inputs. By residuals θ minimises Σ w e_t², e_t = ξ_t with the noise of the first stage left
in: y_t less the linear inputs and x_t'θ, less the polynomial fitted to ω_t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import least_squares, root

Floats = NDArray[np.float64]

SOLVED = 1e-8
"""Largest moment, in standard deviations of instrument and outcome, that counts as zero."""


@dataclass(frozen=True)
class SecondStage:
    """Inputs now and a year earlier, instruments (each n × inputs), and the powers of the polynomial."""

    x: Floats
    x_lag: Floats
    instruments: Floats
    powers: NDArray[np.int64]

    def moments(
        self, theta: Floats, phi: Floats, phi_lag: Floats, survival: Floats, weight: Floats
    ) -> Floats:
        """Weighted mean of z ξ for each instrument."""
        gram, cross, z_basis, z_omega, total = _sums(
            theta, phi, phi_lag, self.x, self.x_lag, self.instruments, survival, self.powers, weight
        )
        news: Floats = (z_omega - z_basis @ np.linalg.solve(gram, cross)) / total
        return news

    def errors(
        self, theta: Floats, phi: Floats, phi_lag: Floats, noise: Floats, survival: Floats, weight: Floats
    ) -> Floats:
        """√w e for each row, whose squares the objective by residuals adds up."""
        omega, before = phi - self.x @ theta, phi_lag - self.x_lag @ theta
        top = range(int(self.powers.max()))
        of_before, of_survival = [np.ones_like(before)], [np.ones_like(before)]
        for _ in top:
            of_before.append(of_before[-1] * before)
            of_survival.append(of_survival[-1] * survival)
        basis = np.column_stack([of_before[i] * of_survival[j] for i, j in self.powers])
        weighted = basis * weight[:, None]
        fitted = np.linalg.solve(weighted.T @ basis, weighted.T @ omega)
        root_weight = np.sqrt(weight)
        return root_weight * (omega + noise - basis @ fitted)


def build(x: Floats, x_lag: Floats, instruments: Floats, degree: int, with_survival: bool) -> SecondStage:
    """Centre the arrays (constants are absorbed by the polynomial) and scale the instruments."""
    centre = x.mean(axis=0)
    scaled = (instruments - instruments.mean(axis=0)) / instruments.std(axis=0)
    pairs = [
        (i, j)
        for i in range(degree + 1)
        for j in range(degree + 1 if with_survival else 1)
        if i + j <= degree
    ]
    return SecondStage(
        np.ascontiguousarray(x - centre),
        np.ascontiguousarray(x_lag - centre),
        np.ascontiguousarray(scaled),
        np.array(pairs, dtype=np.int64),
    )


def solve(
    stage: SecondStage,
    phi: Floats,
    phi_lag: Floats,
    survival: Floats,
    weight: Floats,
    starts: list[Floats],
) -> list[Floats]:
    """Distinct solutions of the moment equations, reached from the given starts; empty if there is none."""
    centre, scale = np.average(phi, weights=weight), phi.std()
    found: list[Floats] = []
    for start in starts:
        answer = root(
            lambda theta: stage.moments(theta, phi - centre, phi_lag - centre, survival, weight) / scale,
            start,
            method="hybr",
            options={"xtol": 1e-12},
        )
        solved = np.abs(answer.fun).max() < SOLVED
        if solved and not any(np.allclose(answer.x, other, atol=1e-5) for other in found):
            found.append(answer.x)
    return found


def minimise(
    stage: SecondStage,
    phi: Floats,
    phi_lag: Floats,
    noise: Floats,
    survival: Floats,
    weight: Floats,
    starts: list[Floats],
) -> list[Floats]:
    """Distinct local minima of the sum of squared residuals, the lowest first."""
    centre = np.average(phi, weights=weight)
    found: list[tuple[float, Floats]] = []
    for start in starts:
        answer = least_squares(
            stage.errors,
            start,
            args=(phi - centre, phi_lag - centre, noise, survival, weight),
            jac="3-point",
            xtol=1e-12,
            ftol=1e-12,
            gtol=1e-12,
        )
        if answer.success and not any(np.allclose(answer.x, other, atol=1e-4) for _, other in found):
            found.append((float(answer.cost), answer.x))
    return [theta for _, theta in sorted(found, key=lambda pair: pair[0])]


@njit(nogil=True, cache=True)
def _sums(theta, phi, phi_lag, x, x_lag, z, survival, powers, weight):  # type: ignore[no-untyped-def]
    """Weighted cross-products of the lagged basis, productivity and instruments, in one pass."""
    n, inputs = x.shape
    terms, count, top = powers.shape[0], z.shape[1], powers.max()
    gram, cross = np.zeros((terms, terms)), np.zeros(terms)
    z_basis, z_omega = np.zeros((count, terms)), np.zeros(count)
    basis = np.empty(terms)
    of_before, of_survival = np.ones(top + 1), np.ones(top + 1)
    total = 0.0
    for t in range(n):
        w = weight[t]
        if w == 0.0:
            continue
        omega, before = phi[t], phi_lag[t]
        for i in range(inputs):
            omega -= x[t, i] * theta[i]
            before -= x_lag[t, i] * theta[i]
        for p in range(top):
            of_before[p + 1] = of_before[p] * before
            of_survival[p + 1] = of_survival[p] * survival[t]
        for b in range(terms):
            basis[b] = of_before[powers[b, 0]] * of_survival[powers[b, 1]]
        for b in range(terms):
            weighted = w * basis[b]
            cross[b] += weighted * omega
            for c in range(terms):
                gram[b, c] += weighted * basis[c]
            for j in range(count):
                z_basis[j, b] += weighted * z[t, j]
        for j in range(count):
            z_omega[j] += w * z[t, j] * omega
        total += w
    return gram, cross, z_basis, z_omega, total
