"""Second stage of the proxy estimators: the input coefficients at which shocks to productivity are news.

For a candidate θ, productivity is ω_t = φ_t − x_t'θ; its innovation ξ_t is the residual of ω_t on a
polynomial of ω_{t−1} (and of the survival probability). By moments θ solves Σ w z_t ξ_t = 0 with as many
instruments z as inputs. By residuals θ minimises Σ w e_t², e_t = ξ_t with the noise of the first stage left
in: y_t less the linear inputs and x_t'θ, less the polynomial fitted to ω_t.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

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

    def slopes(self, theta: Floats, phi: Floats, phi_lag: Floats, survival: Floats, weight: Floats) -> Floats:
        """Slopes in θ (columns) of `moments` (rows)."""
        turns = self.errors(theta, phi, phi_lag, np.zeros_like(phi), survival, weight)[1]
        return (self.instruments * np.sqrt(weight)[:, None]).T @ turns / weight.sum()

    def errors(
        self, theta: Floats, phi: Floats, phi_lag: Floats, noise: Floats, survival: Floats, weight: Floats
    ) -> tuple[Floats, Floats]:
        """√w e for each row, whose squares the objective by residuals adds up, and its slopes in θ."""
        given = (theta, phi, phi_lag, self.x, self.x_lag, survival, self.powers, weight)
        gram, cross, gram_slopes, cross_slopes = _sums_and_slopes(*given)
        fitted = np.linalg.solve(gram, cross)
        turned = np.linalg.solve(gram, cross_slopes - (gram_slopes @ fitted).T)
        return _errors(*given, noise, fitted, turned)


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
    given = (phi - centre, phi_lag - centre, survival, weight)
    found: list[Floats] = []
    for start in starts:
        answer = root(
            lambda theta: stage.moments(theta, *given) / scale,
            start,
            jac=lambda theta: stage.slopes(theta, *given) / scale,
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
    given = (phi - centre, phi_lag - centre, noise, survival, weight)
    # The search asks for errors and slopes one after the other; one pass gives both.
    at = lru_cache(maxsize=2)(lambda theta: stage.errors(np.array(theta), *given))
    for start in starts:
        answer = least_squares(
            lambda theta: at(tuple(theta))[0],
            start,
            jac=lambda theta: at(tuple(theta))[1],
            method="lm",
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


@njit(nogil=True, cache=True)
def _basis_of(before, survival, powers, basis, slope):  # type: ignore[no-untyped-def]
    """Fill in the terms before^i survival^j of one row, and their slopes in `before`."""
    for b in range(powers.shape[0]):
        value, turn = 1.0, 0.0
        for _ in range(powers[b, 0]):
            turn = turn * before + value
            value *= before
        for _ in range(powers[b, 1]):
            turn *= survival
            value *= survival
        basis[b], slope[b] = value, turn


@njit(nogil=True, cache=True)
def _sums_and_slopes(theta, phi, phi_lag, x, x_lag, survival, powers, weight):  # type: ignore[no-untyped-def]
    """Cross-products of the lagged basis with itself and with productivity, and their slopes in θ."""
    n, inputs = x.shape
    terms = powers.shape[0]
    gram, cross = np.zeros((terms, terms)), np.zeros(terms)
    gram_slopes, cross_slopes = np.zeros((inputs, terms, terms)), np.zeros((terms, inputs))
    basis, slope = np.empty(terms), np.empty(terms)
    for t in range(n):
        w = weight[t]
        if w == 0.0:
            continue
        omega, before = phi[t], phi_lag[t]
        for k in range(inputs):
            omega -= x[t, k] * theta[k]
            before -= x_lag[t, k] * theta[k]
        _basis_of(before, survival[t], powers, basis, slope)
        for b in range(terms):
            cross[b] += w * basis[b] * omega
            for c in range(terms):
                gram[b, c] += w * basis[b] * basis[c]
                for k in range(inputs):
                    gram_slopes[k, b, c] -= w * slope[b] * basis[c] * x_lag[t, k]
            for k in range(inputs):
                cross_slopes[b, k] -= w * (slope[b] * x_lag[t, k] * omega + basis[b] * x[t, k])
    for k in range(inputs):
        gram_slopes[k] += gram_slopes[k].copy().T
    return gram, cross, gram_slopes, cross_slopes


@njit(nogil=True, cache=True)
def _errors(  # type: ignore[no-untyped-def]
    theta, phi, phi_lag, x, x_lag, survival, powers, weight, noise, fitted, turned
):
    """√w e of every row and its slopes in θ, given the polynomial's coefficients and theirs."""
    n, inputs = x.shape
    terms = powers.shape[0]
    errors, slopes = np.zeros(n), np.zeros((n, inputs))
    basis, slope = np.empty(terms), np.empty(terms)
    for t in range(n):
        if weight[t] == 0.0:
            continue
        root_weight = np.sqrt(weight[t])
        omega, before = phi[t], phi_lag[t]
        for k in range(inputs):
            omega -= x[t, k] * theta[k]
            before -= x_lag[t, k] * theta[k]
        _basis_of(before, survival[t], powers, basis, slope)
        error, along = omega + noise[t], 0.0
        for b in range(terms):
            error -= basis[b] * fitted[b]
            along += slope[b] * fitted[b]
        errors[t] = root_weight * error
        for k in range(inputs):
            turn = -x[t, k] + along * x_lag[t, k]
            for b in range(terms):
                turn -= basis[b] * turned[b, k]
            slopes[t, k] = root_weight * turn
    return errors, slopes
