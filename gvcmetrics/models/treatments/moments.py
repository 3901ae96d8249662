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

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from gvcmetrics.errors import ConvergenceWarning, ModelError
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.scaling import Scaling, moments_of
from gvcmetrics.models.families.logit import family as logit
from gvcmetrics.models.families.probit import family as probit
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.sums import in_memory

_LINKS = {"logit": logit, "probit": probit}
# An index beyond which a probability is one but for rounding.
_CERTAIN = 30.0


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
    """A logit or probit of the treatment.

    Raises
    ------
    ModelError : the regressors tell apart who is treated.
    """
    likelihood = in_memory(_LINKS[link], t, Z)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        optimum = maximise(likelihood.evaluate, np.zeros(Z.shape[1]))
    index = Z @ optimum.theta
    if not optimum.converged or np.abs(index).max() > _CERTAIN:
        raise ModelError(
            "there is no overlap: the regressors tell apart who is treated",
            remedy="Take out of them what decides it alone",
        )
    p = special.expit(index) if link == "logit" else special.ndtr(index)
    slope = p * (1 - p) if link == "logit" else stats.norm.pdf(index)
    influence: Array = np.linalg.solve(-optimum.hessian, likelihood.scores(optimum.theta).T).T.astype(
        np.float64
    )
    return Score(p, slope, Z, influence)


def in_scale(X: Array) -> Array:
    """Regressors, a constant among them, near zero and one: means and their errors stay what they are."""
    scaling = Scaling.of(moments_of(X), centred=True)
    return X if scaling is None else scaling.of_columns(X)


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
