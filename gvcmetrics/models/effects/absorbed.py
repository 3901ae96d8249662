r"""Absorbed effects in logit, probit and cloglog: estimated, not conditioned away, and their bias removed.

The effects are maximised out by Newton's method on the index: each step is a weighted least squares
of the working outcome on regressors and effects, and the effects are partialled out rather than
written as dummies, so time is that of a few weighted demeanings and memory that of a copy of X.

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

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.ground.numerics.groups import varies
from gvcmetrics.models.data.sample import Sample, drop_collinear
from gvcmetrics.models.families.base import Array, Family

_ITERATIONS = 100
_TOLERANCE = 1e-13
NO_VARIATION = "group of an absorbed effect whose outcome never changes"
_DENSITIES: dict[str, Callable[[Array], tuple[Array, Array, Array]]] = {
    "logit": lambda e: (expit(e), (f := expit(e) * expit(-e)), f * expit(-e) - f * expit(e)),
    "probit": lambda e: (ndtr(e), (f := np.exp(-0.5 * e * e) / np.sqrt(2 * np.pi)), -e * f),
}


@dataclass(frozen=True)
class AbsorbedFit:
    """Estimates, the index with the effects in it, and the partialled-out regressors at the solution."""

    estimates: Array
    eta: Array
    loglik: float
    X: Array
    weights: Array
    gradient: Array
    converged: bool


def with_variation(sample: Sample) -> Sample:
    """Drop the groups of absorbed effects within which the outcome is constant, until none is left."""
    while True:
        keep = np.ones(len(sample.y), dtype=bool)
        for codes in sample.absorbed.values():
            keep &= varies(sample.y, codes)
        if keep.all():
            return drop_collinear(sample, [*sample.absorbed.values()])
        if not keep.any():
            raise ModelError(
                f"'{sample.outcome[0]}' varies within no group of {' + '.join(sample.absorbed)}",
                remedy="Absorb coarser effects",
            )
        sample = sample.select(keep, NO_VARIATION)


def fit_absorbed(sample: Sample, family: Family, held: Array | None = None) -> AbsorbedFit:
    """Maximise over coefficients and effects, or over the effects alone with coefficients `held`."""
    effects = [*sample.absorbed.values()]
    prior = np.ones(len(sample.y)) if sample.weights is None else sample.weights
    offset = np.zeros(len(sample.y)) if sample.offset is None else sample.offset
    shift = offset if held is None else offset + sample.X @ held
    columns = sample.X if held is None else sample.X[:, :0]

    def at(eta: Array) -> tuple[float, Array, Array]:
        loglik, g, h = family.evaluate(sample.y, eta[:, None], np.empty(0))
        return float(prior @ loglik), g[:, 0], -h[:, 0]

    eta = shift.copy()
    value, g, w = at(eta)
    estimates = np.zeros(columns.shape[1])
    converged = False
    for _ in range(_ITERATIONS):
        # A weight of zero would leave its group without a mean.
        w = np.maximum(w, 1e-12)
        both = demean(np.column_stack([eta - shift + g / w, columns]), effects, prior * w)
        estimates = np.linalg.lstsq(
            both[:, 1:] * np.sqrt(prior * w)[:, None], both[:, 0] * np.sqrt(prior * w), rcond=None
        )[0]
        step = g / w - (both[:, 0] - both[:, 1:] @ estimates)
        gain, length = float(prior @ (g * step)), 1.0
        if gain < _TOLERANCE * (1.0 + abs(value)):
            converged = True
            break
        while True:
            new = at(eta + length * step)
            if np.isfinite(new[0]) and new[0] >= value + 1e-4 * length * gain - 1e-12 * (1 + abs(value)):
                break
            length /= 2.0
            if length < 1e-10:
                break
        if length < 1e-10:
            break
        eta, (value, g, w) = eta + length * step, new
    w = np.maximum(w, 1e-12)
    X = demean(sample.X, effects, prior * w)
    return AbsorbedFit(estimates if held is None else held, eta, value, X, prior * w, prior * g, converged)


def analytical(sample: Sample, family: Family, fit: AbsorbedFit, lags: int) -> AbsorbedFit:
    """The analytical correction, and the fit with the coefficients held at it."""
    if not 0 <= lags <= 10:
        raise ModelError(f"lags={lags!r} must be a whole number from 0 to 10")
    F, H, omega, bent = score_parts(family.name, fit.eta)
    X = demean(sample.X, [*sample.absorbed.values()], omega)
    bias = np.zeros(X.shape[1])
    for name, codes in sample.absorbed.items():
        total = _by_group(bent[:, None] * X, codes)
        if name == sample.unit_name and lags:
            total += 2.0 * lagged_products(sample, H * (sample.y - F), omega[:, None] * X, codes, lags)
        bias -= 0.5 * (total / np.bincount(codes, omega)[:, None]).sum(axis=0)
    corrected = fit.estimates - np.linalg.solve((X * omega[:, None]).T @ X, bias)
    return fit_absorbed(sample, family, held=corrected)


def jackknife(whole: Sample, sample: Sample, family: Family, fit: AbsorbedFit) -> AbsorbedFit:
    """The split-panel jackknife (Dhaene & Jochmans 2015; Fernández-Val & Weidner 2016).

    Unit effects are corrected by halves in time, time effects by halves of the units:
    beta (1 + number of splits) - the mean of each split's two halves. The panel as given (`whole`) is
    split, so that the halves do not depend on which groups lack variation.
    """
    splits = [
        _halves(other)
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
            corrected = corrected - 0.5 * fit_absorbed(part, family).estimates
    return fit_absorbed(sample, family, held=corrected)


def refit_without(sample: Sample, family: Family, keep: Array) -> Array | None:
    """Estimates on some rows; None when a regressor is lost there, or no maximum is found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        part = with_variation(replace(sample, dropped={}).select(keep, "left out"))
    if part.names != sample.names:
        return None
    fit = fit_absorbed(part, family)
    return fit.estimates if fit.converged else None


def _halves(codes: NDArray[np.int32]) -> NDArray[np.bool_]:
    return codes < (int(codes.max()) + 1) / 2


def _by_group(values: Array, codes: Array) -> Array:
    return np.column_stack([np.bincount(codes, column) for column in values.T])


def score_parts(name: str, eta: Array) -> tuple[Array, Array, Array, Array]:
    """F, H = f/[F(1 - F)], H f and H f' of a logit or probit."""
    F, f, slope = _DENSITIES[name](eta)
    H = f / (F * (1.0 - F))
    return F, H, H * f, H * slope


def lagged_products(sample: Sample, innovation: Array, weighted: Array, codes: Array, lags: int) -> Array:
    """sum_j T/(T-j) sum_t innovation_{t-j} weighted_t, by unit; rows in the order of time."""
    if sample.time is None:
        raise ModelError("lags= needs the panel's time", remedy="Pass time='year'")
    order = np.lexsort([sample.time, codes])
    unit, e, x = codes[order], innovation[order], weighted[order]
    size = np.bincount(codes)
    total = np.zeros((len(size), x.shape[1]))
    for j in range(1, lags + 1):
        same = unit[j:] == unit[:-j]
        factor = (size / np.maximum(size - j, 1))[unit[j:][same]]
        values = (factor * e[:-j][same])[:, None] * x[j:][same]
        total += np.column_stack([np.bincount(unit[j:][same], v, len(size)) for v in values.T])
    return total
