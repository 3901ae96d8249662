r"""The bias that estimated effects leave in averages over them, once the coefficients are corrected.

An average :math:`\sum \omega_i \Delta_i(\eta_i)` takes the effects at their estimates, which are noisy and
themselves biased. With H, f, the weights :math:`w = Hf` and :math:`\tilde\Psi` the residual of the w-weighted
projection of :math:`\Psi = -\omega \Delta_\eta / w` on the effects, and :math:`\bar\Psi = \Psi - \tilde\Psi`,

.. math::
    \sum_e \sum_{g \in e} \frac{1}{\sum_g w} \Big[ \frac12 \sum_g (\omega \Delta_{\eta\eta} + H f' \bar\Psi)
        - \sum_{j=1}^{L} \frac{T_g}{T_g-j} \sum_{t>j} H_{t-j}(y-F)_{t-j}\, w_t \tilde\Psi_t \Big]

over every absorbed effect e and its groups g (Fernández-Val & Weidner 2016, theorem 4.2); the sum over lags,
for regressors that react to past outcomes, is taken for the unit's effect only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.likelihood.family import Array, Family


@dataclass(frozen=True, eq=False)
class Incidental:
    """The estimation sample as the bias needs it, and which of its rows an average is taken over.

    eta : (n) fitted index, effects included. lags : of past outcomes. rows : (n) mask.
    """

    sample: Sample
    family: Family
    eta: Array
    lags: int
    rows: NDArray[np.bool_]

    def only(self, keep: NDArray[np.bool_]) -> Incidental:
        """For an average over some of the rows."""
        rows = self.rows.copy()
        rows[rows] = keep
        return replace(self, rows=rows)

    def bias(self, first: Array, second: Array) -> float:
        """Of an average over the rows, given the derivatives in each row's index of its term."""
        F, H, w, bent = score_parts(self.family, self.eta)
        slope, curve = np.zeros(len(w)), np.zeros(len(w))
        slope[self.rows], curve[self.rows] = first, second
        psi = -slope / w
        residual = demean(psi[:, None], [*self.sample.absorbed.values()], w)[:, 0]
        total = 0.0
        for name, codes in self.sample.absorbed.items():
            parts = 0.5 * np.bincount(codes, curve + bent * (psi - residual))
            if name == self.sample.unit_name and self.lags:
                products = lagged_products(
                    self.sample, H * (self.sample.y - F), (w * residual)[:, None], codes, self.lags
                )
                parts -= products[:, 0]
            total += float((parts / np.bincount(codes, w)).sum())
        return total


def score_parts(family: Family, eta: Array) -> tuple[Array, Array, Array, Array]:
    """F, H = f/[F(1 - F)], H f and H f' of a binary model."""
    assert family.density is not None
    F, f, slope = family.density(eta)
    H = f / (F * (1.0 - F))
    return F, H, H * f, H * slope


def lagged_products(sample: Sample, innovation: Array, weighted: Array, codes: Array, lags: int) -> Array:
    """sum_j T/(T-j) sum_t innovation_{t-j} weighted_t, by unit; rows in the order of time."""
    if sample.time is None:
        raise ModelError("lags= needs the panel's time", remedy="Pass time='year'")
    order = np.lexsort([sample.in_time, codes])
    unit, e, x = codes[order], innovation[order], weighted[order]
    size = np.bincount(codes)
    total = np.zeros((len(size), x.shape[1]))
    for j in range(1, lags + 1):
        same = unit[j:] == unit[:-j]
        factor = (size / np.maximum(size - j, 1))[unit[j:][same]]
        values = (factor * e[:-j][same])[:, None] * x[j:][same]
        total += np.column_stack([np.bincount(unit[j:][same], v, len(size)) for v in values.T])
    return total
