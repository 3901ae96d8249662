r"""Bias of three-way gravity estimates, and of their clustered errors (Weidner & Zylkin 2021).

Poisson with exporter-period, importer-period and pair effects: the estimates are consistent as countries
grow in number, but their bias is of the order of their error, and errors clustered by pair are too small.
With the pair effects concentrated out, pair p has a multinomial likelihood over its periods, with

.. math:: H_p = s_p\,(\mathrm{diag}\,\theta_p - \theta_p\theta_p'), \quad s_p = \sum_t \lambda_{pt}, \quad
   \theta_{pt} = \lambda_{pt}/s_p, \quad S_p = e_p, \quad e = y - \lambda,

x the regressors partialled out with weights :math:`\lambda`, and :math:`W = \sum_p x_p'\Lambda_p x_p / N_P`,

.. math:: \hat\beta_c = \hat\beta - W^{-1}\Big(\tfrac{N_i}{N_i-1}\tfrac{\bar B}{\bar n_i}
      + \tfrac{N_j}{N_j-1}\tfrac{\bar D}{\bar n_j}\Big), \qquad
   B_i = -\mathrm{tr}\Big[\bar H_i^{+}\sum_{p\in i} H_p x_p e_p'\Big]
      + \tfrac12\,\mathrm{tr}\Big[\bar H_i^{+} G_i \bar H_i^{+} \sum_{p\in i} e_p e_p'\Big],

:math:`\bar H_i = \sum_{p\in i} H_p` and :math:`G_i = -\sum_p (H_p \circ x_p 1' + H_p \circ 1 x_p')` over the
pairs of exporter i, D the same over importers. The corrected variance puts
:math:`(I - H_p M_p)^{-1} e_p e_p'` for :math:`e_p e_p'`, M the variance of a pair's fitted index.

O(P T³) time and O(P T²) memory for P pairs of T periods, and O(((I + J) T)³) once for the leverage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.sample import Sample, group_codes, take
from gvcmetrics.models.effects.irls import AbsorbedFit
from gvcmetrics.models.likelihood.family import Array

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Corrected:
    """Corrected estimates, the covariance by pair and its correction, and the bias that was taken off."""

    estimates: Array
    covariance: Array
    bias: Array
    pairs: int


@dataclass(frozen=True)
class _Trade:
    """Pairs by periods: means, errors (P, T), regressors (P, T, K); the exporter and importer of each (P)."""

    mean: Array
    error: Array
    x: Array
    exporter: Codes
    importer: Codes

    @property
    def curvature(self) -> Array:
        """H of each pair, (P, T, T)."""
        total = self.mean.sum(axis=1, keepdims=True)
        share = np.divide(self.mean, total, out=np.zeros_like(self.mean), where=total > 0)
        diagonal = share[:, :, None] * np.eye(share.shape[1])
        made: Array = (diagonal - share[:, :, None] * share[:, None, :]) * total[:, :, None]
        return made


def corrected(sample: Sample, fit: AbsorbedFit) -> Corrected:
    """The corrections at the maximum.

    Raises
    ------
    ModelError : the absorbed effects are not exporter-period, importer-period and pair; there is one exporter
        or importer.
    """
    trade = _spread(sample, fit)
    H, P = trade.curvature, len(trade.mean)
    W = np.einsum("ptk,pt,ptl->kl", trade.x, trade.mean, trade.x) / P
    total = np.zeros(trade.x.shape[2])
    for side, word in ((trade.exporter, "exporter"), (trade.importer, "importer")):
        count = int(side.max()) + 1
        if count < 2:
            raise ModelError(f"there is one {word}: the correction needs several")
        total += count / (count - 1) * _of_side(trade, H, side) / (P / count)
    bias = np.linalg.solve(W, total)
    bread = np.linalg.inv(W)
    meat = _meat(trade, H, bread / P) / P
    V = P / (P - 1) * bread @ meat @ bread / P
    return Corrected(fit.estimates - bias, (V + V.T) / 2.0, bias, P)


def _of_side(trade: _Trade, H: Array, side: Codes) -> Array:
    """Mean of B over the exporters, or of D over the importers."""
    count, K = int(side.max()) + 1, trade.x.shape[2]
    made = np.zeros(K)
    order = np.argsort(side, kind="stable")
    for pairs in np.split(order, np.cumsum(np.bincount(side, minlength=count))[:-1]):
        h, e, x = H[pairs], trade.error[pairs], trade.x[pairs]
        inverse = np.linalg.pinv(h.sum(axis=0), rcond=1e-10, hermitian=True)
        products = e.T @ e
        first = np.einsum("pab,pbk,pc->kac", h, x, e, optimize=True)
        half = np.einsum("pab,pak->kab", h, x, optimize=True)
        G = -(half + half.transpose(0, 2, 1))
        made -= np.einsum("kac,ca->k", first, inverse)
        made += 0.5 * np.einsum("kab,ba->k", inverse @ G @ inverse, products)
    return made / count


def _meat(trade: _Trade, H: Array, variance: Array) -> Array:
    """The sum over pairs of x'(I - H M)^-1 e e' x."""
    T = trade.mean.shape[1]
    a = trade.exporter[:, None] * T + np.arange(T)
    b = (int(trade.exporter.max()) + 1) * T + trade.importer[:, None] * T + np.arange(T)
    size = int(b.max()) + 1
    information = np.zeros((size, size))
    for rows, columns in ((a, a), (b, b), (a, b), (b, a)):
        np.add.at(information, (rows[:, :, None], columns[:, None, :]), H)
    V = np.linalg.pinv(information, rcond=1e-9, hermitian=True)
    M = trade.x @ variance @ trade.x.transpose(0, 2, 1)
    for rows, columns in ((a, a), (b, b), (a, b), (b, a)):
        M += V[rows[:, :, None], columns[:, None, :]]
    scores = np.einsum("ptk,pt->pk", trade.x, trade.error)
    moved = np.linalg.solve(np.eye(T) - H @ M, trade.error[:, :, None])[:, :, 0]
    made: Array = np.einsum("ptk,pt,pl->kl", trade.x, moved, scores)
    return made


def _spread(sample: Sample, fit: AbsorbedFit) -> _Trade:
    """The sample as pairs by periods."""
    exporter, importer, period = _columns(sample)
    frame = take(sample.source, sample.rows)
    i, j, t = (group_codes(frame[[name]])[0].astype(np.intp) for name in (exporter, importer, period))
    pair = group_codes(frame[[exporter, importer]])[0].astype(np.intp)
    P, T, K = int(pair.max()) + 1, int(t.max()) + 1, fit.X.shape[1]
    if len(np.unique(pair * T + t)) < len(pair):
        raise ModelError(
            f"a pair of {exporter} and {importer} has several rows in one {period}",
            remedy="Estimate one flow a pair and period, or pass bias_correction=None",
        )
    mean, error, x = np.zeros((P, T)), np.zeros((P, T)), np.zeros((P, T, K))
    mean[pair, t], error[pair, t], x[pair, t] = fit.weights, fit.gradient, fit.X
    first = np.unique(pair, return_index=True)[1]
    return _Trade(mean, error, x, i[first], j[first])


def _columns(sample: Sample) -> tuple[str, str, str]:
    """Exporter, importer and period, by which columns the absorbed effects share."""
    effects = [set(columns) for columns in sample.formula.absorbed]
    wrong = ModelError(
        "the bias correction is for exporter-period, importer-period and pair effects, not for "
        f"{' + '.join('^'.join(columns) for columns in sample.formula.absorbed)}",
        remedy="Write 'trade ~ rta | exporter^year + importer^year + exporter^importer'",
    )
    if len(effects) != 3 or any(len(effect) != 2 for effect in effects):
        raise wrong
    columns = list(dict.fromkeys(c for effect in sample.formula.absorbed for c in effect))
    if len(columns) != 3:
        raise wrong
    # Of three columns that are crossed two by two, the period is in the first two effects, as it is written.
    shared = effects[0] & effects[1]
    if len(shared) != 1 or shared & effects[2]:
        raise wrong
    (period,) = shared
    (exporter,), (importer,) = effects[0] - shared, effects[1] - shared
    return exporter, importer, period
