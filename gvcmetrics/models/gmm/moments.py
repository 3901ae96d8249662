r"""Linear moments :math:`E[Z_i'(Y_i - X_i\beta)] = 0`: estimates in one and two steps, and their tests.

With :math:`W_1 = (\sum Z_i'H_iZ_i)^{-1}` and :math:`W_2 = (\sum Z_i'\hat e_i\hat e_i'Z_i)^{-1}` the estimates
are :math:`\hat\beta = (X'ZWZ'X)^{-1}X'ZWZ'Y`. H is :math:`KK'`, K the map from the errors of the levels to
those of both equations, so that :math:`\sum Z'HZ = \sum (K'Z)'(K'Z)` needs no H.

Everything is a sum over units of small matrices: time :math:`O(nL^2)` and memory :math:`O(nL)` for n rows of
the grid and L instruments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import independent_columns
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.gmm.instruments import Instruments, Transformation, differences


@dataclass(frozen=True, eq=False)
class Moments:
    """The equations of a panel: rows on the grid, transformed and, in a system, in levels as well.

    y : (units, periods). x : (units, periods, K), zero where absent. present : where a unit is observed.
    transform : what takes the unit effects out.
    h : the weight of the first step: 1 the identity, 2 without the covariance between the equations, 3 all.
    """

    y: Array
    x: Array
    present: np.ndarray
    transform: Callable[[np.ndarray], Transformation]
    instruments: Instruments
    system: bool
    h: int = 3

    @cached_property
    def change(self) -> Transformation:
        """The transformation on this panel."""
        return self.transform(self.present)

    @cached_property
    def outcome(self) -> tuple[Array, Array]:
        """The transformed outcome and the level one (units, periods)."""
        return self.change.forward(self.y[:, :, None])[:, :, 0], self.y

    @cached_property
    def regressors(self) -> tuple[Array, Array]:
        """The transformed regressors and the level ones."""
        return self.change.forward(self.x), self.x

    @cached_property
    def z(self) -> tuple[Array, Array]:
        """Instruments at the rows of their equation."""
        return (
            np.where(self.change.rows[:, :, None], self.instruments.transformed, 0.0),
            np.where(self.present[:, :, None], self.instruments.level, 0.0)
            if self.system
            else self._no_level,
        )

    @property
    def _no_level(self) -> Array:
        return np.zeros((*self.present.shape, 0))

    @property
    def nobs(self) -> int:
        """Rows of the level equation of a system, else of the transformed one."""
        return int((self.present if self.system else self.change.rows).sum())

    def by_unit(self, values: tuple[Array, Array]) -> Array:
        """Z_i'v_i of each unit (units, L) for values on both grids (units, periods)."""
        found = np.einsum("utl,ut->ul", self.z[0], values[0], optimize=True)
        return found + np.einsum("utl,ut->ul", self.z[1], values[1], optimize=True) if self.system else found

    @cached_property
    def zx(self) -> Array:
        """Z'X (L, K)."""
        return self._crossed(self.regressors)

    @cached_property
    def zy(self) -> Array:
        """Z'Y (L)."""
        return self._crossed((self.outcome[0][:, :, None], self.outcome[1][:, :, None]))[:, 0]

    def _crossed(self, values: tuple[Array, Array]) -> Array:
        L = self.z[0].shape[2]
        found = self.z[0].reshape(-1, L).T @ values[0].reshape(-1, values[0].shape[2])
        if self.system:
            found = found + self.z[1].reshape(-1, L).T @ values[1].reshape(-1, values[1].shape[2])
        return found

    @cached_property
    def zhz(self) -> Array:
        """Z'HZ (L, L)."""
        L = self.z[0].shape[2]
        at_errors = self.change.transpose(self.z[0])
        if self.h == 1:
            parts = [self.z[0], *([self.z[1]] if self.system else [])]
        elif not self.system:
            parts = [at_errors]
        elif self.h == 2:
            parts = [at_errors, self.z[1]]
        else:
            parts = [at_errors + self.z[1]]
        return np.sum([p.T @ p for p in (part.reshape(-1, L) for part in parts)], axis=0)

    def residuals(self, beta: Array) -> tuple[Array, Array]:
        """Of both equations, zero where there is no row."""
        first = self.outcome[0] - self.regressors[0] @ beta
        return np.where(self.change.rows, first, 0.0), np.where(self.present, self.y - self.x @ beta, 0.0)

    def moments(self, beta: Array) -> Array:
        """Z_i'e_i of each unit (units, L)."""
        return self.by_unit(self.residuals(beta))

    def independent(self) -> Moments:
        """Without instruments that are zero, or linear combinations of earlier ones."""
        L = self.z[0].shape[2]
        both = self.z[0].reshape(-1, L)
        if self.system:
            both = np.concatenate([both, self.z[1].reshape(-1, L)])
        size = np.linalg.norm(both, axis=0)
        keep = size > 1e-12 * max(float(size.max(initial=0.0)), 1e-300)
        kept = np.flatnonzero(keep)
        keep[kept[~independent_columns(both[:, kept], size[kept], 1e-8)]] = False
        return self if keep.all() else replace(self, instruments=self.instruments.only(keep))

    def only(self, units: np.ndarray) -> Moments:
        """Some of the units."""
        made = self.instruments
        instruments = Instruments(made.transformed[units], made.level[units], made.labels)
        return replace(
            self, y=self.y[units], x=self.x[units], present=self.present[units], instruments=instruments
        )


@dataclass(frozen=True, eq=False)
class Step:
    """One step: the weight, the estimates, their covariance without small-sample factor, robust in it."""

    weight: Array
    beta: Array
    bread: Array
    spread: Array
    robust: Array


def two_steps(moments: Moments) -> tuple[Step, Step]:
    """The one-step and the two-step estimates; the second with Windmeijer's (2005) correction."""
    zx, zy = moments.zx, moments.zy
    L, K = zx.shape
    if L < K:
        raise ModelError(
            f"{L} instruments do not identify {K} coefficients",
            remedy="Add instruments, or leave regressors out",
        )
    first = _solve(pseudo_inverse(moments.zhz), zx, zy)
    g = moments.moments(first[1])
    spread = g.T @ g
    pull = first[2] @ zx.T @ first[0]
    one = Step(*first, spread, pull @ spread @ pull.T)
    weight, beta, bread = _solve(pseudo_inverse(spread), zx, zy)
    left = weight @ (zy - zx @ beta)
    D = np.empty((K, K))
    for k in range(K):
        move = moments.by_unit((moments.regressors[0][:, :, k], moments.regressors[1][:, :, k]))
        bent = -(move.T @ (g @ left) + g.T @ (move @ left))
        D[:, k] = -bread @ zx.T @ weight @ bent
    corrected = bread + D @ bread + bread @ D.T + D @ one.robust @ D.T
    return one, Step(weight, beta, bread, spread, corrected)


def _solve(weight: Array, zx: Array, zy: Array) -> tuple[Array, Array, Array]:
    bread = np.asarray(np.linalg.inv(zx.T @ weight @ zx), dtype=np.float64)
    return weight, bread @ zx.T @ weight @ zy, bread


def pseudo_inverse(matrix: Array) -> Array:
    """Inverse of a covariance of moments, whatever their units; generalised where it is singular."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(matrix * np.outer(scale, scale))
    usable = values > 1e-12 * values.max()
    return (vectors[:, usable] / values[usable]) @ vectors[:, usable].T * np.outer(scale, scale)


def error_variance(moments: Moments, one: Step) -> float:
    """Variance of the errors, from the one-step residuals of the transformed equation.

    In a system they are divided by the rows of the levels, as xtabond2 does.
    """
    e = moments.residuals(one.beta)[0]
    rows = moments.change.rows.sum()
    trace = float(rows) if moments.h == 1 else moments.change.trace
    return float((e**2).sum()) / (trace * moments.nobs / rows)


def sargan(moments: Moments, one: Step) -> float:
    """Sargan's test, of the one-step moments over the variance of the errors."""
    left = moments.zy - moments.zx @ one.beta
    return float(left @ one.weight @ left / error_variance(moments, one))


def hansen(moments: Moments, two: Step) -> float:
    """Hansen's J, of the two-step estimates."""
    left = moments.zy - moments.zx @ two.beta
    return float(left @ two.weight @ left)


def without(moments: Moments, two: Step, group: Sequence[str]) -> tuple[float, int] | None:
    """J without a group of instruments, and its degrees of freedom; None when too few are left.

    The smaller model is weighted by its block of the moments' covariance, so that the difference of the two
    is never negative (Roodman 2009, section 3.5).
    """
    keep = np.array([name not in group for name in moments.instruments.labels])
    zx, zy = moments.zx[keep], moments.zy[keep]
    if keep.sum() < zx.shape[1] or np.linalg.matrix_rank(zx) < zx.shape[1]:
        return None
    weight, beta, _ = _solve(pseudo_inverse(two.spread[np.ix_(keep, keep)]), zx, zy)
    left = zy - zx @ beta
    return float(left @ weight @ left), int(keep.sum()) - zx.shape[1]


def serial_correlation(moments: Moments, step: Step, order: int) -> tuple[float, float]:
    """Arellano and Bond's (1991) test of differenced errors so many periods apart: z and p."""
    change = differences(moments.present)
    e = change.forward((moments.y - moments.x @ step.beta)[:, :, None])[:, :, 0]
    x = change.forward(moments.x)
    before = np.zeros_like(e)
    before[:, order:] = e[:, :-order]
    before = np.where(change.rows, before, 0.0)
    w = (before * e).sum(axis=1)
    slope = np.einsum("ut,utk->k", before, x)
    crossed = moments.moments(step.beta).T @ w
    pull = step.bread @ moments.zx.T @ step.weight
    variance = w @ w - 2.0 * slope @ pull @ crossed + slope @ step.robust @ slope
    if not variance > 0:
        return np.nan, np.nan
    z = float(w.sum() / np.sqrt(variance))
    return z, float(2.0 * stats.norm.sf(abs(z)))
