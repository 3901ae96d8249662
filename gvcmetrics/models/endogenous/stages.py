r"""The first stage of a control function, and the index of the second as one that is linear in fixed columns.

With residuals :math:`\hat v = d - f'\hat\delta` of the instrumented regressors on controls and instruments f,
the index :math:`x'\beta + \hat v'\rho` is :math:`x'\beta + d'\rho - f'\delta\rho`. The columns d and f of the
second and third part stay as they are when a regressor is moved, so that every average over rows averages the
residuals out, and its gradient in δ is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.data.scaling import Scaling, moments_of
from gvcmetrics.models.endogenous.equation import Equation
from gvcmetrics.models.engine.fit import without_intercept
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.likelihood.family import Family, Transform
from gvcmetrics.models.marginal.predictor import Predictor


@dataclass(frozen=True, eq=False)
class Scaled:
    """Columns over their scales, and how coefficients of the columns themselves follow: T times theirs.

    centre : what was subtracted, which a constant or cutpoints take up.
    """

    columns: Array
    T: Array
    centre: Array
    scale: Array

    @classmethod
    def of(cls, X: Array, names: tuple[str, ...], *, cuts: bool = False) -> Scaled:
        """Of regressors with their names; `cuts` says that cutpoints take the constant's place."""
        constant = "Intercept" in names
        scaling = Scaling.of(moments_of(X), centred=constant or cuts)
        if scaling is None:
            k = X.shape[1]
            return cls(X, np.eye(k), np.zeros(k), np.ones(k))
        T = np.diag(1.0 / scaling.scale)
        if constant:
            T[names.index("Intercept")] -= scaling.centre / scaling.scale
        return cls(scaling.of_columns(X), T, scaling.centre, scaling.scale)


@dataclass(frozen=True, eq=False)
class Stages:
    """Both steps of an equation whose regressors are partly instrumented.

    sample : its X are the regressors of the second step, without a constant where cutpoints take its place.
    F : (n, l) controls and instruments, `of_first` their names. D : (n, p) instrumented regressors.
    """

    equation: Equation
    sample: Sample
    F: Array
    of_first: tuple[str, ...]
    D: Array

    @classmethod
    def of(cls, equation: Equation, response: Response) -> Stages:
        """From an equation."""
        whole, mask = equation.sample, equation.endogenous
        controls = tuple(
            name for name, instrumented in zip(whole.names, mask, strict=True) if not instrumented
        )
        sample = whole if response.intercept else without_intercept(whole)
        F = np.column_stack([whole.X[:, ~mask], equation.Z])
        return cls(equation, sample, F, (*controls, *equation.names), whole.X[:, mask])

    @property
    def residuals(self) -> tuple[str, ...]:
        """Names of the residuals of the first stage."""
        return tuple(f"residual({name})" for name in self.equation.instrumented)

    @property
    def blocks(self) -> dict[str, tuple[str, ...]]:
        """Names of the first stage's coefficients, by title."""
        titles = [f"First stage of {name}" for name in self.equation.instrumented]
        return {title: tuple(f"{title}: {name}" for name in self.of_first) for title in titles}

    @cached_property
    def root(self) -> Array:
        """Roots of the weights."""
        weights = self.sample.weights
        return np.ones(len(self.D)) if weights is None else np.sqrt(weights)

    @cached_property
    def scaled_first(self) -> Scaled:
        """F, scaled."""
        return Scaled.of(self.F, self.of_first)

    def only(self, keep: np.ndarray) -> Stages:
        """Some of the rows."""
        part = replace(self.sample, dropped={}).select(keep, "left out")
        return replace(self, sample=part, F=self.F[keep], D=self.D[keep])

    def predictor(self, response: Response, family: Family, working: Transform) -> Predictor:
        """Expected outcomes by the columns that stay and those that move.

        working : reported parameters -> coefficients of x, d and f and the family's constants, with Jacobian.
        """
        held = tuple(f"{name}, as observed" for name in (*self.equation.instrumented, *self.of_first))
        X = np.column_stack([self.sample.X, self.D, self.F])
        sample = replace(self.sample, X=X, names=(*self.sample.names, *held))
        return Predictor(
            sample=sample,
            family=family,
            scales=response.scales_of(family, sample, conditional=False),
            regressors=self._of_new_rows(),
            working=working,
        )

    def _of_new_rows(self) -> Callable[[pd.DataFrame], Array]:
        whole, mask, equation = self.equation.sample, self.equation.endogenous, self.equation

        def regressors(frame: pd.DataFrame) -> Array:
            X, Z = whole.design.matrix(frame), equation.design.matrix(frame)
            return np.column_stack([self.sample.design.matrix(frame), X[:, mask], X[:, ~mask], Z])

        return regressors


def least_squares_of(stages: Stages) -> tuple[Array, Array, Array]:
    """First stage on scaled columns: coefficients (l, p), residuals (n, p), and (F'WF)⁻¹."""
    F, root = stages.scaled_first.columns, stages.root[:, None]
    Q, R = np.linalg.qr(F * root)
    inverse = np.linalg.inv(R)
    delta = inverse @ (Q.T @ (stages.D * root))
    return delta, stages.D - F @ delta, inverse @ inverse.T
