"""Functional forms in logs: Cobb–Douglas and translog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FORMS = ("cobb_douglas", "translog")


class Surface(Protocol):
    """An estimated function of log inputs."""

    def value(self, base: Floats) -> Floats:
        """Log output without productivity, up to a constant, in each row of log inputs (n)."""

    def elasticities(self, base: Floats) -> Floats:
        """Output elasticity of each input in each row (n × inputs)."""


@dataclass(frozen=True)
class Parametric:
    """A function of one of the forms with its coefficients."""

    coefficients: Floats
    form: str

    def value(self, base: Floats) -> Floats:
        """Log output without productivity (n)."""
        return terms(base, self.form) @ self.coefficients

    def elasticities(self, base: Floats) -> Floats:
        """Output elasticity of each input in each row (n × inputs)."""
        return elasticities(base, self.coefficients, self.form)


def terms(base: Floats, form: str) -> Floats:
    """Regressors made of log inputs (n × inputs): themselves, and for translog their squares and products."""
    if form == "cobb_douglas":
        return base
    products = [base[:, i] * base[:, j] for i, j in _pairs(base.shape[1])]
    return np.column_stack([base, *products])


def term_names(inputs: Sequence[str], form: str) -> list[str]:
    """Names of the regressors that `terms` makes."""
    if form == "cobb_douglas":
        return list(inputs)
    return [*inputs, *(f"{inputs[i]} x {inputs[j]}" for i, j in _pairs(len(inputs)))]


def elasticities(base: Floats, coefficients: Floats, form: str) -> Floats:
    """Output elasticity of each input in each row, the derivative of the form (n × inputs)."""
    inputs = base.shape[1]
    out = np.tile(coefficients[:inputs], (len(base), 1))
    if form == "translog":
        for (i, j), coefficient in zip(_pairs(inputs), coefficients[inputs:], strict=True):
            out[:, i] += coefficient * base[:, j]
            out[:, j] += coefficient * base[:, i]
    return out


def _pairs(inputs: int) -> list[tuple[int, int]]:
    return list(combinations_with_replacement(range(inputs), 2))
