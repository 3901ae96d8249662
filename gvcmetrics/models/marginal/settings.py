"""Averages of expected outcomes with variables at one value each, for many such settings at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gvcmetrics.models.likelihood.expected import Surface, together
from gvcmetrics.models.likelihood.family import Array
from gvcmetrics.models.marginal.averages import Average, average_outcome
from gvcmetrics.models.marginal.rows import Positions, Rows

# Columns of weights for which a strip of X is read once.
_AT_ONCE = 40
# Rows whose arrays stay in the processor's cache.
_STRIP = 4096


@dataclass(frozen=True, eq=False)
class _Setting:
    """Columns that some variables at one value each have part in.

    positions : theirs. columns : their values then, in one row where it stands for all. own : their values as
    they are, (n, p). rest : (n, m), the indices without them. part : (n, m) or (1, m), their part in the
    indices then.
    """

    positions: Positions
    columns: Array
    own: Array
    rest: Array
    part: Array

    def of(self, strip: slice) -> _Setting:
        """The rows of a strip."""
        one = len(self.columns) == 1
        columns, part = (self.columns, self.part) if one else (self.columns[strip], self.part[strip])
        return _Setting(self.positions, columns, self.own[strip], self.rest[strip], part)


@dataclass(frozen=True, eq=False)
class _Terms:
    """Each row's weighted term: of the outcomes (o, n), and of their derivatives (o, m + q, n)."""

    value: Array
    first: Array


def average_outcomes(surface: Surface, rows: Rows, settings: Sequence[Mapping[str, Any]]) -> list[Average]:
    """`average_outcome` with some variables at one value each, for each of several such settings.

    Of n rows, k regressors and o outcomes a setting takes n k o multiplications, and an evaluation for each
    outcome and row that moves; only the columns that move are made, and the others are read once for many
    settings.
    """
    if rows.collapsed or rows.tie is not None or rows.incidental is not None:
        return [average_outcome(surface, rows.at(values)) for values in settings]
    X, _, alpha, w = rows.arrays
    B, shared = surface.coefficients(X.shape[1])
    eta = X @ B.T + alpha[:, None]
    as_is = _terms(surface, rows.extras, w, eta, shared)
    several = max(1, _AT_ONCE // (surface.indices * len(surface.outcomes)))
    # The same for all levels of a variable.
    given: dict[bytes, tuple[Array, Array]] = {}
    found = []
    for begin in range(0, len(settings), several):
        moved = []
        for values in settings[begin : begin + several]:
            positions, columns = rows.columns_at(values)
            key = positions.tobytes()
            if key not in given:
                own = X[:, positions]
                given = {key: (own, eta - own @ B[:, positions].T)}
            moved.append(_Setting(positions, columns, *given[key], columns @ B[:, positions].T))
        found += _averages(surface, rows, as_is, moved)
    return found


def _averages(surface: Surface, rows: Rows, as_is: _Terms, settings: Sequence[_Setting]) -> list[Average]:
    """Sums over strips of rows."""
    _, Z, _, w = rows.arrays
    o, m, k = len(surface.outcomes), surface.indices, Z.shape[1]
    q = as_is.first.shape[1] - m
    values, tails = np.zeros((len(settings), o)), np.zeros((len(settings), o, q))
    gradients = np.zeros((len(settings), o, m, k))
    own = [np.zeros((o, m, len(setting.positions))) for setting in settings]
    for start in range(0, len(w), _STRIP):
        strip = slice(start, min(start + _STRIP, len(w)))
        weights = np.empty((len(settings), o, m, strip.stop - start))
        for i, setting in enumerate(settings):
            here = setting.of(strip)
            value, tail = _fill(weights[i], surface, rows, strip, as_is, here)
            values[i] += value
            tails[i] += tail
            own[i] += _weighted_sum(weights[i], here.columns)
            if rows.shift is not None:
                own[i] += _weighted_sum(weights[i], rows.shift[strip][:, here.positions])
        gradients += (weights.reshape(-1, weights.shape[-1]) @ Z[strip]).reshape(gradients.shape)
    for i, setting in enumerate(settings):
        gradients[i][:, :, setting.positions] = own[i]
    full = np.concatenate([gradients.reshape(len(settings), o, m * k), tails], axis=2)
    loose = np.zeros((2, 0))
    return [Average(*pair, loose) for pair in zip(values, full @ surface.jacobian, strict=True)]


def _fill(
    weights: Array, surface: Surface, rows: Rows, strip: slice, as_is: _Terms, setting: _Setting
) -> tuple[Array, Array]:
    """Put the derivatives in the indices into `weights` (o, m, n); sums over the rows of the outcomes (o) and
    of their derivatives in shared parameters (o, q). Rows that do not move keep their terms."""
    m = surface.indices
    w = rows.weights[strip]
    extras = {name: values[strip] for name, values in rows.extras.items()}
    eta = setting.rest + setting.part
    shared = surface.coefficients(rows.X.shape[1])[1]
    moves = (setting.own != setting.columns).any(axis=1)
    at = np.flatnonzero(moves)
    if len(at) == len(w):
        now = _terms(surface, extras, w, eta, shared)
        weights[...] = now.first[:, :m]
        return now.value.sum(axis=1), now.first[:, m:].sum(axis=2)
    extras = {name: values[at] for name, values in extras.items()}
    now = _terms(surface, extras, w[at], eta[at], shared)
    weights[...] = as_is.first[:, :m, strip]
    weights[:, :, at] = now.first[:, :m]
    stays = (~moves).astype(np.float64)
    return (
        as_is.value[:, strip] @ stays + now.value.sum(axis=1),
        as_is.first[:, m:, strip] @ stays + now.first[:, m:].sum(axis=2),
    )


def _terms(surface: Surface, extras: Mapping[str, Array], w: Array, eta: Array, shared: Array) -> _Terms:
    outcomes = [outcome.of_rows(extras) for outcome in surface.outcomes.values()]
    value, first = together(outcomes, eta, shared)
    return _Terms(w * value, np.multiply(w, first.transpose(0, 2, 1), order="C"))


def _weighted_sum(weights: Array, columns: Array) -> Array:
    """Over rows: (o, m, n) weights of (n, p) columns, or of one row of them for all."""
    if len(columns) == 1:
        return np.multiply.outer(weights.sum(axis=-1), columns[0])
    return weights @ columns
