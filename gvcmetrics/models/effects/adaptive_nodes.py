r"""Nodes of a quadrature that follow each unit's integrand, and how they move with the parameters.

A unit's log integrand is :math:`\psi(a; \theta) = \sum_t \ell_t(x_t'\beta + \sigma a) - a^2/2`, up to a
constant. Its nodes stand at :math:`a_q = m + \sqrt 2\, s z_q`, where m solves :math:`\psi_a = 0` and
:math:`s = c^{-1/2}`, :math:`c = -\psi_{aa}(m)`. Both depend on the parameters
:math:`\theta = (\beta, \text{constants}, \log\sigma)`: differentiating what defines them,

.. math::
    m_\theta = \psi_{a\theta}/c, \qquad
    r_\theta = (\psi_{aa\theta} + \psi_{aaa} m_\theta)/2c, \quad r = \log s,
    \\ c\, m_{\theta\theta} = \psi_{aaa} m_\theta m_\theta' + \psi_{aa\theta} m_\theta'
        + m_\theta \psi_{aa\theta}' + \psi_{a\theta\theta},
    \\ 2c\, r_{\theta\theta} = \psi_{aa\theta\theta} + \psi_{aaa\theta} m_\theta' + m_\theta \psi_{aaa\theta}'
        + \psi_{aaaa} m_\theta m_\theta' + \psi_{aaa} m_{\theta\theta} + 4c\, r_\theta r_\theta'.

A quadrature L(theta, m, r) of the integral has therefore, over its derivatives with nodes held still, the
score :math:`L_m m_\theta + L_r r_\theta` and the Hessian

.. math::
    [L_{\theta m} + \tfrac12 L_{mm} m_\theta + L_{mr} r_\theta] m_\theta'
    + [L_{\theta r} + \tfrac12 L_{rr} r_\theta] r_\theta' + \text{transposes}
    + L_m m_{\theta\theta} + L_r r_{\theta\theta}.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.models.likelihood.family import Array

Integers = NDArray[np.intp]
_MODE_STEPS = 50
_LAST_STEP = 1e-6


@dataclass(frozen=True)
class UnitRows:
    """Rows of some units, one after the other.

    X : (rows, k). unit : (rows), the number of each row's unit. begin : first row of each unit.
    The arguments of a row are its index and the constants: M of them; theta has k + M parameters.
    """

    X: Array
    unit: Integers
    begin: Integers

    def sums(self, values: Array) -> Array:
        """Sum over each unit's rows."""
        return np.add.reduceat(values, self.begin, axis=0)

    def by_parameter(self, arguments: Array, last: Array) -> Array:
        """(units, k + M): derivatives in a row's arguments (rows, M) to parameters; `last` in log sigma."""
        return np.column_stack([self.sums(self.X * arguments[:, :1]), self.sums(arguments[:, 1:]), last])

    def quadratic(self, packed: Array, border: Array, corner: float) -> Array:
        """(k + M, k + M) sum of Hessians: packed in a row's arguments, by log sigma the border and corner."""
        k, m = self.X.shape[1], border.shape[1]
        table = np.zeros((k + m, k + m))
        table[:k, :k] = (self.X * packed[:, :1]).T @ self.X
        for j in range(1, m):
            row, first = k + j - 1, j * (j + 1) // 2
            table[row, :k] = packed[:, first] @ self.X
            table[row, k : k + j] = packed[:, first + 1 : first + j + 1].sum(axis=0)
        table[-1, :k] = border[:, 0] @ self.X
        table[-1, k:-1] = border[:, 1:].sum(axis=0)
        table[-1, -1] = corner
        return np.tril(table) + np.tril(table, -1).T


def find_modes(
    value: Callable[[Array], tuple[Array, Array, Array]], mode: Array
) -> tuple[Array, Array, bool]:
    """Mode and curvature c of each unit's log integrand, by Newton for all units at once, and whether found.

    `value(a)` gives height, slope and c. The integrand is log-concave and c at least one, so a step is never
    longer than the slope; it is halved for the units where it overshoots.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        height, slope, c = value(mode)
        for _ in range(_MODE_STEPS):
            step = np.clip(slope / c, -5.0, 5.0)
            if not np.isfinite(height + step).all():
                return mode, c, False
            trial = value(mode + step)
            while (worse := ~(trial[0] >= height - 1e-10 * (1.0 + np.abs(height)))).any():
                step = np.where(worse, step / 2.0, step)
                if np.abs(step[worse]).max() < 1e-12:
                    break
                trial = value(mode + step)
            mode = mode + step
            height, slope, c = trial
            # Newton squares the error: the next step would be lost in rounding.
            if np.abs(step).max() < _LAST_STEP:
                break
    return mode, c, True


@dataclass(frozen=True)
class Slopes:
    """Derivatives of each unit's quadrature in its mode m and log spread r, nodes moving with them.

    m, r, mm, mr, rr : (units). theta_m, theta_r : (units, k + M).
    """

    m: Array
    r: Array
    mm: Array
    mr: Array
    rr: Array
    theta_m: Array
    theta_r: Array


def movement(
    rows: UnitRows, sigma: float, mode: Array, at_mode: tuple[Array, Array, Array, Array],
    slopes: Slopes, weights: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """What the nodes' movement adds to the scores (units, k + M) and to the Hessian.

    at_mode : gradient, packed Hessian and its two derivatives in the index, of each row at its unit's mode.
    """
    g, h, h1, h2 = at_mode
    cross = [j * (j + 1) // 2 for j in range(g.shape[1])]
    by_index, by_index1, by_index2 = h[:, cross], h1[:, cross], h2[:, cross]
    sum_g, sum_h, sum_h1, sum_h2 = (rows.sums(v[:, 0]) for v in (g, h, h1, h2))
    s2, at = sigma**2, sigma * mode
    c = 1.0 - s2 * sum_h
    aaa, aaaa = sigma**3 * sum_h1, sigma**4 * sum_h2
    a_theta = rows.by_parameter(sigma * by_index, sigma * (sum_g + at * sum_h))
    aa_theta = rows.by_parameter(s2 * by_index1, s2 * (2.0 * sum_h + at * sum_h1))
    aaa_theta = rows.by_parameter(sigma**3 * by_index2, sigma**3 * (3.0 * sum_h1 + at * sum_h2))
    m = a_theta / c[:, None]
    r = (aa_theta + aaa[:, None] * m) / (2.0 * c[:, None])
    scores = weights[:, None] * (slopes.m[:, None] * m + slopes.r[:, None] * r)

    # What multiplies c m_theta_theta, and psi_aa_theta_theta.
    by_r = weights * slopes.r / (2.0 * c)
    by_m = weights * slopes.m / c + by_r * aaa / c
    w = weights[:, None]
    beside_m = (
        w * (slopes.theta_m + 0.5 * slopes.mm[:, None] * m + slopes.mr[:, None] * r)
        + by_m[:, None] * (aa_theta + 0.5 * aaa[:, None] * m)
        + by_r[:, None] * (aaa_theta + 0.5 * aaaa[:, None] * m)
    )
    beside_r = w * (slopes.theta_r + (0.5 * slopes.rr + slopes.r)[:, None] * r)
    half = beside_m.T @ m + beside_r.T @ r

    one, two = (by_m * sigma)[rows.unit][:, None], (by_r * s2)[rows.unit][:, None]
    tilt = at[rows.unit][:, None]
    border = one * (by_index + tilt * by_index1) + two * (2.0 * by_index1 + tilt * by_index2)
    corner = (by_m * sigma) @ (sum_g + 3.0 * at * sum_h + at**2 * sum_h1)
    corner += (by_r * s2) @ (4.0 * sum_h + 5.0 * at * sum_h1 + at**2 * sum_h2)
    return scores, half + half.T + rows.quadratic(one * h1 + two * h2, border, float(corner))
