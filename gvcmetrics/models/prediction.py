"""Expected outcomes of a likelihood model and their derivatives in the parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.models.design import evaluate
from gvcmetrics.models.families.base import Array, Family
from gvcmetrics.models.sample import Sample

_NODES = 24


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
        """Probabilities or expected outcomes (`kind="mean"`), or the linear index, row by row."""
        sample: Sample = results.sample
        X, offset = self.regressors(data), offset_of(sample, data)
        rows = sample.source.index[sample.rows] if data is None else data.index
        if kind == "index":
            eta = self._indices(self.working(results.params.to_numpy())[0], X, offset)
            if self.family.n_indices == 1:
                return pd.Series(eta[:, 0], index=rows, name="index")
            return pd.DataFrame(eta, index=rows)
        values = self.mean(results.params.to_numpy(), X, offset)
        if len(self.labels) == 1:
            return pd.Series(values[:, 0], index=rows, name="fitted")
        return pd.DataFrame(values, index=rows, columns=list(self.labels))

    def mean(self, params: Array, X: Array, offset: Array | None = None) -> Array:
        """Expected outcomes (n, outcomes), averaged over the random intercept if there is one."""
        return self.mean_and_jacobian(params, X, offset)[0]

    def mean_and_jacobian(self, params: Array, X: Array, offset: Array | None = None) -> tuple[Array, Array]:
        """Expected outcomes (n, outcomes) and their derivatives (n, outcomes, parameters)."""
        if self.conditional:
            raise ModelError(
                "a conditional likelihood does not estimate the unit effects, so it gives no probabilities",
                remedy="Use effects='correlated', or predict(kind='index')",
            )
        theta, jacobian = self.working(params)
        sigma = float(np.exp(theta[-1])) if self.random else 0.0
        z, w = np.polynomial.hermite_e.hermegauss(_NODES) if self.random else (np.zeros(1), np.ones(1))
        w = w / w.sum()
        eta = self._indices(theta, X, offset)
        widths = [len(c) for c in self.columns]
        q0 = int(np.sum(widths))
        constants = theta[q0 : q0 + len(self.family.constants)]
        mean = np.zeros((len(X), len(self.outcomes)))
        slopes = np.zeros((len(X), len(self.outcomes), len(theta)))
        for node, weight in zip(z, w, strict=True):
            for position, outcome in enumerate(self.outcomes):
                value, g = self._outcome(outcome, eta + sigma * node, constants)
                mean[:, position] += weight * value
                start = 0
                for j, columns in enumerate(self.columns):
                    slopes[:, position, start : start + widths[j]] += weight * g[:, [j]] * X[:, columns]
                    start += widths[j]
                slopes[:, position, q0 : q0 + len(constants)] += weight * g[:, self.family.n_indices :]
                if self.random:
                    slopes[:, position, -1] += weight * g[:, 0] * sigma * node
        return mean, slopes @ jacobian

    def _outcome(self, outcome: int, eta: Array, constants: Array) -> tuple[Array, Array]:
        """Expected value and its derivative in the arguments: P and P dlogP, or exp(eta) twice."""
        if self.family.outcomes is None:
            mean = np.exp(eta[:, 0])
            gradient = np.zeros((len(eta), self.family.n_arguments))
            gradient[:, 0] = mean
            return mean, gradient
        loglik, g, _ = self.family.evaluate(np.full(len(eta), float(outcome)), eta, constants)
        probability = np.exp(loglik)
        return probability, probability[:, None] * g

    def _indices(self, theta: Array, X: Array, offset: Array | None) -> Array:
        eta, start = np.empty((len(X), self.family.n_indices)), 0
        for j, columns in enumerate(self.columns):
            eta[:, j] = X[:, columns] @ theta[start : start + len(columns)]
            start += len(columns)
        return eta if offset is None else eta + offset[:, None]


def offset_of(sample: Sample, data: pd.DataFrame | None) -> Array | None:
    """The offset of the sample's rows, or of new rows."""
    if sample.offset is None or data is None:
        return sample.offset
    return evaluate(str(sample.offset_name), data)
