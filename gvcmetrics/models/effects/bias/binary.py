r"""Bias of the estimates of a binary model with absorbed effects, and of what is made of them.

With few observations a group the estimates are biased (Neyman & Scott 1948). The corrections are those of
Fernández-Val & Weidner (2016): with :math:`H = f/[F(1-F)]`, :math:`\omega = Hf` and :math:`\tilde x` the
residual of the :math:`\omega`-weighted projection of x on the effects,

.. math::
    \hat\beta_c = \hat\beta - W^{-1} b, \quad W = \sum \omega \tilde x \tilde x', \quad
    b = -\frac12 \sum_{e}\sum_{g \in e} \frac{\sum_{g} H f' \tilde x
        + 2\sum_{j=1}^{L} \frac{T_g}{T_g-j} \sum_{t>j} H_{t-j}(y-F)_{t-j}\, \omega_t \tilde x_t}
        {\sum_g \omega}

over every absorbed effect e and its groups g; the sum over lags j, for regressors that react to past
outcomes, is taken for the unit's effect only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.effects.irls import AbsorbedFit, irls
from gvcmetrics.models.effects.variation import with_variation
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.marginal.incidental import lagged_products, score_parts


def analytical(sample: Sample, family: Family, fit: AbsorbedFit, lags: int) -> AbsorbedFit:
    """The analytical correction, and the fit with the coefficients held at it."""
    if not 0 <= lags <= 10:
        raise ModelError(f"lags={lags!r} must be a whole number from 0 to 10")
    F, H, omega, bent = score_parts(family, fit.eta)
    X = demean(sample.X, [*sample.absorbed.values()], omega)
    bias = np.zeros(X.shape[1])
    for name, codes in sample.absorbed.items():
        total = _by_group(bent[:, None] * X, codes)
        if name == sample.unit_name and lags:
            total += 2.0 * lagged_products(sample, H * (sample.y - F), omega[:, None] * X, codes, lags)
        bias -= 0.5 * (total / np.bincount(codes, omega)[:, None]).sum(axis=0)
    corrected = fit.estimates - np.linalg.solve((X * omega[:, None]).T @ X, bias)
    return irls(sample, family, held=corrected)


def jackknife(whole: Sample, sample: Sample, family: Family, fit: AbsorbedFit) -> AbsorbedFit:
    """The split-panel jackknife (Dhaene & Jochmans 2015; Fernández-Val & Weidner 2016).

    Unit effects are corrected by halves in time, time effects by halves of the units:
    beta (1 + number of splits) - the mean of each split's two halves. The panel as given (`whole`) is
    split, so that the halves do not depend on which groups lack variation.
    """
    splits = [
        _halves(whole.in_time if other is whole.time else other)
        for name, other in ((whole.unit_name, whole.time), (whole.time_name, whole.unit))
        if name in whole.absorbed and other is not None
    ]
    if not splits:
        raise ModelError(
            "the split-panel jackknife needs absorbed unit or time effects",
            remedy="Pass unit= and time=, and absorb them after '|'",
        )
    corrected = (1 + len(splits)) * fit.estimates
    for first in splits:
        for half in (first, ~first):
            part = with_variation(whole.select(half, "other half"))
            if part.names != sample.names:
                raise ModelError("a regressor does not vary in one half of the panel, so it cannot be split")
            corrected = corrected - 0.5 * irls(part, family).estimates
    return irls(sample, family, held=corrected)


def _halves(codes: NDArray[np.int32]) -> NDArray[np.bool_]:
    return codes < (int(codes.max()) + 1) / 2


def _by_group(values: Array, codes: Array) -> Array:
    return np.column_stack([np.bincount(codes, column) for column in values.T])
