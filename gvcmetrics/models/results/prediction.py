"""Expected outcomes of a likelihood model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.design import evaluate
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.families.base import Array, Family

_points, _masses = np.polynomial.hermite_e.hermegauss(48)
NODES = (_points, _masses / _masses.sum())
"""Points and shares of a quadrature over the standard normal distribution."""


@dataclass(frozen=True)
class Prediction:
    """What turns parameters and regressors into probabilities.

    Attributes
    ----------
    family : the response. columns : which columns of X enter each index.
    working : reported parameters -> the kernel's (log sigma for sigma, atanh for a correlation) and the
        Jacobian of that map.
    regressors : frame or None (the estimation sample) -> X.
    labels : names of the outcomes; one name when the expected outcome is a single number.
    outcomes : which of the family's outcomes those are (a binary model reports that of 1 only).
    random : whether the last parameter is sigma of a normal intercept, which is averaged over.
    conditional : a conditional likelihood, which knows the index but no probability.
    """

    family: Family
    columns: tuple[NDArray[np.intp], ...]
    working: Callable[[Array], tuple[Array, Array]] = field(repr=False)
    regressors: Callable[[pd.DataFrame | None], Array] = field(repr=False)
    labels: tuple[Any, ...]
    outcomes: tuple[int, ...]
    random: bool = False
    conditional: bool = False

    def __call__(
        self, results: Any, data: pd.DataFrame | None, kind: Literal["mean", "index"] = "mean"
    ) -> pd.Series | pd.DataFrame:
        """Probabilities or expected outcomes (`kind="mean"`), or the linear index, row by row.

        Rows with a missing regressor have missing predictions.
        """
        if kind not in ("mean", "index"):
            raise ModelError(f"kind={kind!r} is not known", remedy="Use 'mean' or 'index'")
        sample: Sample = results.sample
        X, offset = self.regressors(data), offset_of(sample, data)
        rows = sample.source.index[sample.rows] if data is None else data.index
        if kind == "index":
            eta = self._indices(self._working(results.params.to_numpy()), X, offset)
            if self.family.n_indices == 1:
                return pd.Series(eta[:, 0], index=rows, name="index")
            return pd.DataFrame(eta, index=rows, columns=equations(sample))
        values = self.mean(results.params.to_numpy(), X, offset)
        if len(self.labels) == 1:
            return pd.Series(values[:, 0], index=rows, name="fitted")
        return pd.DataFrame(values, index=rows, columns=list(self.labels))

    def mean(self, params: Array, X: Array, offset: Array | None = None) -> Array:
        """Expected outcomes (n, outcomes), averaged over the random intercept if there is one."""
        if self.conditional:
            raise ModelError(
                "a conditional likelihood does not estimate the unit effects, so it gives no probabilities",
                remedy="Use effects='correlated', or predict(kind='index')",
            )
        theta = self._working(params)
        eta = self._indices(theta, X, offset)
        first = sum(len(c) for c in self.columns)
        constants = theta[first : first + len(self.family.constants)]
        known = np.isfinite(eta).all(axis=1)
        nodes, shares = NODES if self.random else (np.zeros(1), np.ones(1))
        sigma = float(np.exp(theta[-1])) if self.random else 0.0
        mean = np.full((len(X), len(self.outcomes)), np.nan)
        mean[known] = sum(
            share * self._outcomes(eta[known] + sigma * node, constants)
            for node, share in zip(nodes, shares, strict=True)
        )
        return mean

    def _outcomes(self, eta: Array, constants: Array) -> Array:
        if self.family.outcomes is None:
            return np.exp(eta)
        wanted = [np.full(len(eta), float(outcome)) for outcome in self.outcomes]
        return np.column_stack([np.exp(self.family.evaluate(y, eta, constants)[0]) for y in wanted])

    def _working(self, params: Array) -> Array:
        return params if self.conditional else self.working(params)[0]

    def _indices(self, theta: Array, X: Array, offset: Array | None) -> Array:
        eta, start = np.empty((len(X), self.family.n_indices)), 0
        for j, columns in enumerate(self.columns):
            eta[:, j] = X[:, columns] @ theta[start : start + len(columns)]
            start += len(columns)
        return eta if offset is None else eta + offset[:, None]


def equations(sample: Sample) -> list[str]:
    """Names of the indices of a model that has several: categories but the base, or outcomes."""
    return [str(c) for c in sample.categories[1:]] if sample.categories else list(sample.outcome)


def offset_of(sample: Sample, data: pd.DataFrame | None) -> Array | None:
    """The offset of the sample's rows, or of new rows."""
    if sample.offset is None or data is None:
        return sample.offset
    return evaluate(str(sample.offset_name), data)
