r"""CR2: the cluster covariance that is unbiased under a working model, with Satterthwaite degrees of freedom.

.. math:: V = M \Big(\sum_g X_g' W_g A_g e_g e_g' A_g' W_g X_g\Big) M, \qquad
   A_g = D_g' \big[D_g (I-H)_g \Phi (I-H)_g' D_g'\big]^{+1/2} D_g, \qquad \Phi_g = D_g' D_g

with :math:`M = (X'WX)^{-1}` and a working model whose errors have variance :math:`\Phi = W^{-1}`: independent
and of one variance in a linear model, that of the distribution in a logit or Poisson model, whose X are the
slopes of the mean and e the outcome less its mean. Of
:math:`c'Vc = e'Q e` the first two moments under the working model give a t distribution with
:math:`\nu = (\operatorname{tr} P)^2 / \sum_{gh} P_{gh}^2`, and of several hypotheses Hotelling's distribution
(Bell & McCaffrey 2002; Pustejovsky & Tipton 2018, section 3).

Effects that are absorbed and lie within clusters need no part in H (their theorem 2); others are made
explicit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.corrections import nested_in
from gvcmetrics.ground.numerics.demean import demean

_MOST_LEVELS, _MOST_ROWS = 1_000, 3_000
_NOTHING_LEFT = 1e-9
# Rows of combinations whose products over clusters are held at a time.
_AT_ONCE = 1_000


@dataclass(frozen=True, eq=False)
class Working:
    """A weighted regression whose scores are those of the model.

    X (n, k). residuals (n). weights (n): inverse of their variances; None where all are alike.
    absorbed : codes of effects that X is free of.
    """

    X: np.ndarray = field(repr=False)
    residuals: np.ndarray = field(repr=False)
    weights: np.ndarray | None = field(default=None, repr=False)
    absorbed: Sequence[np.ndarray] = field(default=(), repr=False)


def of_response(X: np.ndarray, residuals: np.ndarray, variance: np.ndarray) -> Working:
    """Of a model with a canonical link: the outcome less its mean on the slopes of the mean, v X."""
    variance = np.maximum(variance, np.finfo(float).tiny)
    return Working(variance[:, None] * X, residuals, 1.0 / variance)


@dataclass(frozen=True, eq=False)
class BiasReduced:
    r"""What tests need of a CR2 covariance.

    matrix : (k, k). E : (G, k, k), :math:`M X_g' W_g A_g \Phi A_g' W_g X_g M` by cluster. F : (G, b, k),
    products of the basis of H and the adjusted regressors.
    """

    matrix: np.ndarray
    E: np.ndarray = field(repr=False)
    F: np.ndarray = field(repr=False)

    def degrees(self, R: np.ndarray) -> float:
        """Degrees of freedom of Hotelling's distribution of the hypotheses R (q, k); of t with one."""
        q = len(R)
        # P[s, t, g, h], of hypotheses s and t and clusters g and h
        between = self.F @ R.T
        P = -np.einsum("gbs,hbt->stgh", between, between)
        own = R @ self.E @ R.T
        diagonal = np.arange(len(self.E))
        P[:, :, diagonal, diagonal] = np.moveaxis(own, 0, -1) + P[:, :, diagonal, diagonal]
        omega = P[:, :, diagonal, diagonal].sum(axis=-1)
        values, vectors = np.linalg.eigh((omega + omega.T) / 2)
        if values[0] <= 0.0:
            return float("nan")
        root = (vectors / np.sqrt(values)) @ vectors.T
        B = np.einsum("as,stgh,tb->abgh", root, P, root)
        spread = np.einsum("stgh,tsgh->", B, B) + np.einsum("ssgh,ttgh->", B, B)
        return float(q * (q + 1) / spread)

    def degrees_of_each(self, R: np.ndarray) -> np.ndarray:
        """The degrees of freedom of t of each row of R (n, k) by itself; missing where it has no error."""
        return np.concatenate(
            [self._of_rows(R[start : start + _AT_ONCE]) for start in range(0, len(R), _AT_ONCE)] or [R[:, 0]]
        )

    def _of_rows(self, R: np.ndarray) -> np.ndarray:
        """With P = D - B B' of a diagonal D and a narrow B, by row."""
        B = np.moveaxis(self.F @ R.T, 2, 0)
        D = np.einsum("nk,gkl,nl->ng", R, self.E, R, optimize=True)
        own = np.einsum("ngb,ngb->ng", B, B)
        between = np.swapaxes(B, 1, 2) @ B
        squares = np.einsum("nab,nab->n", between, between) - 2.0 * (D * own).sum(axis=1) + (D**2).sum(axis=1)
        trace = (D - own).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(trace > 0.0, trace**2 / squares, np.nan)

    @cached_property
    def by_parameter(self) -> np.ndarray:
        """Degrees of freedom of each parameter (k); missing for one that is held."""
        k = len(self.matrix)
        return np.array([self.degrees(row[None]) for row in np.eye(k)])


@dataclass(frozen=True, eq=False)
class OfCombinations:
    """The same of combinations G of the parameters, (m, k): what tests among them need."""

    base: BiasReduced
    G: np.ndarray = field(repr=False)

    def degrees(self, R: np.ndarray) -> float:
        """Degrees of freedom of hypotheses R (q, m) about the combinations."""
        return self.base.degrees(R @ self.G)

    @cached_property
    def by_combination(self) -> np.ndarray:
        """Degrees of freedom of each combination (m); missing for one that is not known or has no error."""
        known = np.isfinite(self.G).all(axis=1)
        return np.array(
            [self.base.degrees(row[None]) if ok else np.nan for row, ok in zip(self.G, known, strict=True)]
        )


def bias_reduced(working: Working, bread: np.ndarray, codes: np.ndarray) -> BiasReduced:
    """The CR2 covariance.

    Parameters
    ----------
    bread : (k, k), M. codes : clusters of the rows, 0 … G−1.

    Raises
    ------
    ModelError : an effect that is not nested in clusters has too many levels, or a cluster too many rows.
    """
    basis, inverse = _basis(working, bread, codes)
    w = working.weights
    count = int(codes.max()) + 1
    k = working.X.shape[1]
    scores, E = np.empty((count, k)), np.empty((count, k, k))
    F = np.empty((count, basis.shape[1], k))
    half = _root(inverse)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=count))
    for g in range(count):
        rows = order[ends[g - 1] if g else 0 : ends[g]]
        X, U, e = working.X[rows], basis[rows], working.residuals[rows]
        if w is None:
            adjusted = _times_root(U @ half, X @ bread)
            weighted = adjusted
        else:
            adjusted = _adjusted(X, U @ half, w[rows], codes) @ bread
            weighted = adjusted / w[rows][:, None]
        scores[g] = e @ adjusted
        E[g] = adjusted.T @ weighted
        F[g] = half.T @ (U.T @ adjusted)
    return BiasReduced(scores.T @ scores, E, F)


def _basis(working: Working, bread: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns that span what H projects on, effects within clusters left out, and (B'WB)⁻¹."""
    nested = [effect for effect in working.absorbed if nested_in(effect, codes)]
    others = [effect for effect in working.absorbed if not nested_in(effect, codes)]
    if not others:
        return working.X, bread
    if sum(int(effect.max()) + 1 for effect in others) > _MOST_LEVELS:
        raise ModelError(
            f"CR2 takes absorbed effects of over {_MOST_LEVELS:,} levels only if they lie within clusters",
            remedy="Use CRV3 or the wild bootstrap",
        )
    dummies = np.column_stack([np.eye(int(effect.max()) + 1)[effect] for effect in others])
    dummies = demean(dummies, nested) if nested else dummies
    values, vectors = np.linalg.eigh(dummies.T @ dummies)
    kept = values > 1e-9 * values[-1]
    inverse = np.zeros((working.X.shape[1] + int(kept.sum()),) * 2)
    k = len(bread)
    inverse[:k, :k] = bread
    inverse[k:, k:] = np.diag(1.0 / values[kept])
    return np.column_stack([working.X, dummies @ vectors[:, kept]]), inverse


def _root(inverse: np.ndarray) -> np.ndarray:
    """Z with Z Z' the matrix, which may be singular."""
    scale = np.sqrt(np.maximum(np.diag(inverse), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(inverse / np.outer(scale, scale))
    return scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0))


def _times_root(Z: np.ndarray, X: np.ndarray) -> np.ndarray:
    """(I − Z Z')^(+1/2) X, without a matrix of the size of the cluster."""
    u, s, _ = np.linalg.svd(Z, full_matrices=False)
    left = 1.0 - s**2
    power = np.where(left > _NOTHING_LEFT, 1.0 / np.sqrt(np.maximum(left, _NOTHING_LEFT)), 0.0)
    return np.asarray(X + u @ ((power - 1.0)[:, None] * (u.T @ X)))


def _adjusted(X: np.ndarray, Z: np.ndarray, w: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """A' W X, with weights the inverse of the variances."""
    if len(X) > _MOST_ROWS:
        raise ModelError(
            f"CR2 of this model takes clusters of at most {_MOST_ROWS:,} rows; the largest has "
            f"{int(np.bincount(codes).max()):,}",
            remedy="Use CRV3 or the wild bootstrap",
        )
    d = 1.0 / np.sqrt(w)
    middle = np.diag(d**4) - np.outer(d, d) * (Z @ Z.T)
    values, vectors = np.linalg.eigh(middle)
    power = np.where(
        values > _NOTHING_LEFT * values[-1], np.maximum(values, np.finfo(float).tiny) ** -0.5, 0.0
    )
    A = d[:, None] * ((vectors * power) @ vectors.T) * d[None, :]
    return A.T @ (w[:, None] * X)
