"""Averages over rows of expected outcomes and of their slopes, with the gradient for the delta method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.models.likelihood.expected import Surface
from gvcmetrics.models.likelihood.family import Array
from gvcmetrics.models.marginal.estimable import looseness
from gvcmetrics.models.marginal.rows import Positions, Rows


@dataclass(frozen=True, eq=False)
class Average:
    """An average of each outcome (outcomes) and its gradient in the reported parameters (outcomes, p).

    loose : see `looseness`.
    """

    value: Array
    gradient: Array
    loose: Array

    def __add__(self, other: Average) -> Average:
        return Average(self.value + other.value, self.gradient + other.gradient, self.loose + other.loose)

    def raised(self, level: float) -> Average:
        """The average with a constant added."""
        return Average(self.value + level, self.gradient, self.loose)

    def __sub__(self, other: Average) -> Average:
        with np.errstate(invalid="ignore"):
            loose = np.array([self.loose[0] - other.loose[0], self.loose[1] + other.loose[1]])
        return Average(self.value - other.value, self.gradient - other.gradient, loose)


def average_outcome(surface: Surface, rows: Rows) -> Average:
    r"""Average of :math:`P(\eta_i)`; its gradient in the coefficients of index j averages :math:`P_j x_i`."""
    X, Z, alpha, w = rows.arrays
    B, shared = surface.coefficients(X.shape[1])
    eta = X @ B.T + alpha[:, None]
    m = surface.indices
    values, gradients = [], []
    for outcome in surface.outcomes.values():
        value, first, second = outcome.of_rows(rows.extras).derivatives(eta, shared)
        weighted = w[:, None] * first
        values.append(w @ value - rows.bias(weighted[:, 0], w * second[:, 0, 0]))
        gradients.append(np.concatenate([(weighted[:, :m].T @ Z).ravel(), weighted[:, m:].sum(axis=0)]))
    loose = looseness(surface.linear, *rows.weighted(rows.gaps()))
    return Average(np.array(values), np.array(gradients) @ surface.jacobian, loose)


def average_slopes(surface: Surface, rows: Rows, variables: Sequence[str]) -> list[Average]:
    r"""Average of :math:`\sum_j P_j d_i'\beta_j`, by variable; :math:`d_i` are derivatives of X, in the
    variable or, where the surface says so, in its logarithm.

    Its gradient in the coefficients of index l is the average of
    :math:`(\sum_j P_{jl} d_i'\beta_j) x_i + P_l d_i`.
    """
    plain = rows.tie is None and rows.incidental is None and not rows.collapsed
    # In its logarithm the derivative of a column is its value, which differs from row to row.
    simple = plain and not surface.in_logs
    columns = {variable: rows.itself(variable) if simple else None for variable in variables}
    of_columns = {variable: at for variable, at in columns.items() if at is not None}
    found = dict(zip(of_columns, _slopes_of_columns(surface, rows, [*of_columns.values()]), strict=True))
    others = [variable for variable in variables if variable not in found]
    found |= zip(others, _slopes_of_functions(surface, rows, others), strict=True)
    return [found[variable] for variable in variables]


def _slopes_of_columns(surface: Surface, rows: Rows, columns: Sequence[Positions]) -> list[Average]:
    """Of variables that are columns of X as they are: :math:`\bar P_j` and its gradient serve them all."""
    if not columns:
        return []
    X, Z, alpha, w = rows.arrays
    B, shared = surface.coefficients(X.shape[1])
    eta = X @ B.T + alpha[:, None]
    m, n = surface.indices, len(X)
    found: list[tuple[list[float], list[Array]]] = [([], []) for _ in columns]
    for outcome in surface.outcomes.values():
        _, first, second = outcome.of_rows(rows.extras).derivatives(eta, shared)
        average = w @ first[:, :m]
        bend = w[:, None, None] * second
        by_index = (bend[:, :, :m].reshape(n, m * m).T @ Z).reshape(m, m, -1)
        by_shared = bend[:, :, m:].sum(axis=0)
        for positions, (values, gradients) in zip(columns, found, strict=True):
            u = B[:, positions].sum(axis=1)
            values.append(float(average @ u))
            gradient = np.tensordot(u, by_index, axes=1)
            gradient[:, positions] += average[:, None]
            gradients.append(np.concatenate([gradient.ravel(), u @ by_shared]))
    return _averages(surface, found, [np.zeros((2, 0))] * len(columns))


def _slopes_of_functions(surface: Surface, rows: Rows, variables: Sequence[str]) -> list[Average]:
    """Of variables whose derivatives differ from row to row."""
    if not variables:
        return []
    X, Z, alpha, w = rows.arrays
    B, shared = surface.coefficients(X.shape[1])
    eta = X @ B.T + alpha[:, None]
    m = surface.indices
    moves, loose = [], []
    for variable in variables:
        positions, D = rows.slope(variable)
        if surface.in_logs:
            D = D * rows.amounts(variable)[:, None]
        gaps = rows.weighted(rows.gaps(), rows.slope_gaps(positions, D))
        loose.append(looseness(surface.linear, *gaps))
        positions, D = rows.in_model(positions, D)
        moves.append((positions, D, D @ B[:, positions].T))
    found: list[tuple[list[float], list[Array]]] = [([], []) for _ in variables]
    for outcome in surface.outcomes.values():
        of_rows = outcome.of_rows(rows.extras)
        _, first, second = of_rows.derivatives(eta, shared)
        third = of_rows.third
        for (positions, D, u), (values, gradients) in zip(moves, found, strict=True):
            bend = w[:, None] * np.einsum("nja,nj->na", second, u)
            bias = 0.0
            if rows.incidental is not None and third is not None:
                bias = rows.bias(bend[:, 0], w * third(eta, shared, u, np.ones_like(u))[:, 0])
            values.append(float(w @ (first[:, :m] * u).sum(axis=1)) - bias)
            by_index = bend[:, :m].T @ Z
            by_index[:, positions] += (w[:, None] * first[:, :m]).T @ D
            gradients.append(np.concatenate([by_index.ravel(), bend[:, m:].sum(axis=0)]))
    return _averages(surface, found, loose)


def _averages(
    surface: Surface, found: Sequence[tuple[list[float], list[Array]]], loose: Sequence[Array]
) -> list[Average]:
    return [
        Average(np.array(values), np.array(gradients) @ surface.jacobian, of_variable)
        for (values, gradients), of_variable in zip(found, loose, strict=True)
    ]


def average_cross(surface: Surface, rows: Rows, a: str, b: str) -> Average:
    r"""Average of :math:`\partial^2 P / \partial a \partial b` (Ai & Norton 2003).

    With slopes :math:`u_j = d_a'\beta_j`, :math:`v_j = d_b'\beta_j` and :math:`s_j = d_{ab}'\beta_j` of the
    indices this is :math:`\sum_{jl} P_{jl} u_j v_l + \sum_j P_j s_j`.

    Raises
    ------
    ModelError : an outcome's third derivatives, which the error needs, are not known.
    """
    outcomes = [outcome.of_rows(rows.extras) for outcome in surface.outcomes.values()]
    if any(outcome.third is None for outcome in outcomes):
        raise ModelError(
            f"the error of the cross derivative in '{a}' and '{b}' is not known for all outcomes here",
            remedy="Ask for outcomes by name, of a joint probit outcomes=['y1'], or for the change of the "
            f"effect between two values: contrasts={{'{b}': [(1, 0)]}}",
        )
    X, Z, alpha, w = rows.arrays
    B, shared = surface.coefficients(X.shape[1])
    eta = X @ B.T + alpha[:, None]
    m = surface.indices
    slopes = [rows.slope(a), rows.slope(b), rows.cross(a, b)]
    gaps = rows.weighted(rows.gaps(), *(rows.slope_gaps(*slope) for slope in slopes))
    (at_a, D_a), (at_b, D_b), (at_ab, D_ab) = (rows.in_model(*slope) for slope in slopes)
    u, v, s = D_a @ B[:, at_a].T, D_b @ B[:, at_b].T, D_ab @ B[:, at_ab].T
    values, gradients = [], []
    for outcome in outcomes:
        third = outcome.third
        assert third is not None
        _, first, second = outcome.derivatives(eta, shared)
        by_u, by_v = (np.einsum("nja,nj->na", second, slopes) for slopes in (u, v))
        values.append(float(w @ ((by_u[:, :m] * v).sum(axis=1) + (first[:, :m] * s).sum(axis=1))))
        by_argument = w[:, None] * (third(eta, shared, u, v) + np.einsum("nja,nj->na", second, s))
        by_index = by_argument[:, :m].T @ Z
        by_index[:, at_a] += (w[:, None] * by_v[:, :m]).T @ D_a
        by_index[:, at_b] += (w[:, None] * by_u[:, :m]).T @ D_b
        by_index[:, at_ab] += (w[:, None] * first[:, :m]).T @ D_ab
        gradients.append(np.concatenate([by_index.ravel(), by_argument[:, m:].sum(axis=0)]))
    loose = looseness(surface.linear, *gaps)
    return Average(np.array(values), np.array(gradients) @ surface.jacobian, loose)
