r"""Averages of potential outcomes, by moments that are solved in turn and stacked.

With t the treatment, e(z'γ) its probability and m_t(x'β_t) the expected outcome under t, a row's part in
:math:`\mu_t` is

- regression: :math:`m_t`,
- weighting: :math:`\mathbb 1_t y / e_t`, divided by the mean of :math:`\mathbb 1_t/e_t`,
- doubly robust: :math:`m_t + \mathbb 1_t (y - m_t)/e_t`,
- weighted regression: :math:`m_t` with β_t by least squares weighted with :math:`\mathbb 1_t/e_t`,

in the mean over all rows; on the treated m_t counts t times, and the weights are multiplied by e. A row's
influence is that on its own moment and through γ and β, :math:`\psi = -A^{-1} g` of stacked moments g.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.batch import Array


@dataclass(frozen=True)
class Score:
    """The probability of treatment. influence : (n, k) of γ. slope : of the probability in the index."""

    probability: Array
    slope: Array
    Z: Array
    influence: Array


@dataclass(frozen=True)
class Found:
    """Means without and with treatment, and the influence of each row on them (n, 2)."""

    means: Array
    influence: Array


def score(t: Array, Z: Array, link: str) -> Score:
    """A logit or probit of the treatment, by Newton's method with expected information.

    Raises
    ------
    ModelError : the regressors tell apart who is treated.
    """
    size = np.linalg.norm(Z, axis=0) / np.sqrt(len(Z))
    W = Z / size
    gamma = np.zeros(Z.shape[1])
    for _ in range(100):
        index = W @ gamma
        if np.abs(index).max() > 30:
            break
        p = special.expit(index) if link == "logit" else stats.norm.cdf(index)
        slope = p * (1 - p) if link == "logit" else stats.norm.pdf(index)
        weight = slope / (p * (1 - p))
        moments = W * ((t - p) * weight)[:, None]
        information = (W * (slope * weight)[:, None]).T @ W
        step = np.linalg.solve(information, moments.sum(axis=0))
        gamma = gamma + step
        if np.abs(step).max() < 1e-11:
            # The observed Hessian of a probit is not the expected one, and the moments are its scores.
            hessian = _hessian(t, p, slope, index, W, link)
            return Score(p, slope, Z, np.linalg.solve(hessian, moments.T).T / size)
    raise ModelError(
        "there is no overlap: the regressors tell apart who is treated",
        remedy="Take out of them what decides it alone",
    )


def _hessian(t: Array, p: Array, slope: Array, index: Array, W: Array, link: str) -> Array:
    if link == "logit":
        return np.asarray((W * slope[:, None]).T @ W)
    v = p * (1 - p)
    of_weight = (-index * slope * v - slope**2 * (1 - 2 * p)) / v**2
    curve = slope**2 / v - (t - p) * of_weight
    return np.asarray((W * curve[:, None]).T @ W)


def regression_adjustment(y: Array, t: Array, X: Array, on: str) -> Found:
    """Expected outcomes by a regression in each group."""
    weight = t if on == "treated" else np.ones(len(y))
    means, moved = [], []
    for arm in (0.0, 1.0):
        inside = (t == arm).astype(float)
        m, influence = _least_squares(y, X, inside)
        mean = weight @ m / weight.sum()
        through = influence @ (X * weight[:, None]).sum(axis=0)
        moved.append((weight * (m - mean) + through) / weight.sum())
        means.append(mean)
    return Found(np.array(means), np.column_stack(moved))


def weighting(y: Array, t: Array, of: Score, on: str) -> Found:
    """Weighted means whose weights are divided by their sum."""
    means, moved = [], []
    for arm in (0.0, 1.0):
        w, slope = _weights(t, of, arm, on)
        mean = w @ y / w.sum()
        through = of.influence @ (of.Z * (slope * (y - mean))[:, None]).sum(axis=0)
        moved.append((w * (y - mean) + through) / w.sum())
        means.append(mean)
    return Found(np.array(means), np.column_stack(moved))


def doubly_robust(y: Array, t: Array, X: Array, of: Score, on: str) -> Found:
    """Regressions, corrected by their weighted residuals."""
    share = t if on == "treated" else np.ones(len(y))
    means, moved = [], []
    for arm in (0.0, 1.0):
        w, slope = _weights(t, of, arm, on)
        m, influence = _least_squares(y, X, (t == arm).astype(float))
        part = share * m + w * (y - m)
        mean = part.sum() / share.sum()
        through = influence @ (X * (share - w)[:, None]).sum(axis=0)
        through += of.influence @ (of.Z * (slope * (y - m))[:, None]).sum(axis=0)
        moved.append((part - share * mean + through) / share.sum())
        means.append(mean)
    return Found(np.array(means), np.column_stack(moved))


def weighted_regression(y: Array, t: Array, X: Array, of: Score, on: str) -> Found:
    """Expected outcomes by regressions with the weights of `weighting`."""
    weight = t if on == "treated" else np.ones(len(y))
    means, moved = [], []
    for arm in (0.0, 1.0):
        w, slope = _weights(t, of, arm, on)
        m, influence = _least_squares(y, X, w)
        bread = np.linalg.inv((X * w[:, None]).T @ X)
        cross = (X * (slope * (y - m))[:, None]).T @ of.Z
        influence = influence + of.influence @ cross.T @ bread
        mean = weight @ m / weight.sum()
        through = influence @ (X * weight[:, None]).sum(axis=0)
        moved.append((weight * (m - mean) + through) / weight.sum())
        means.append(mean)
    return Found(np.array(means), np.column_stack(moved))


def _weights(t: Array, of: Score, arm: float, on: str) -> tuple[Array, Array]:
    """The weights of one group, and their slopes in the index of the treatment."""
    p = of.probability
    if on == "treated":
        odds = p / (1 - p)
        return (t, np.zeros(len(t))) if arm else ((1 - t) * odds, (1 - t) * of.slope / (1 - p) ** 2)
    if arm:
        return t / p, -t * of.slope / p**2
    return (1 - t) / (1 - p), (1 - t) * of.slope / (1 - p) ** 2


def _least_squares(y: Array, X: Array, w: Array) -> tuple[Array, Array]:
    """Fitted values of all rows, and the influence of each row on the coefficients."""
    size = np.linalg.norm(X, axis=0)
    W = X / size
    root = np.sqrt(w)
    if np.linalg.matrix_rank(W * root[:, None]) < W.shape[1]:
        raise ModelError(
            "a regressor does not vary among the treated, or among the others",
            remedy="Take it out of the formula, or use weighting",
        )
    beta = np.linalg.lstsq(W * root[:, None], y * root, rcond=None)[0]
    bread = np.linalg.inv((W * w[:, None]).T @ W)
    fitted = W @ beta
    return fitted, (W * (w * (y - fitted))[:, None]) @ bread / size
