r"""Probabilities of alternatives, and what moves them, with errors by the delta method.

Derivatives in the parameters are taken along the imaginary axis, :math:`\mathrm{Im} f(\theta + ih)/h`, exact
to rounding (Squire & Trapp 1998); of those in the attributes :math:`\partial P_j` is in closed form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.choices.conditional import Conditional
from gvcmetrics.models.choices.mixed import Mixed
from gvcmetrics.models.choices.nested import Nested
from gvcmetrics.models.choices.rows import Rows, new_sets
from gvcmetrics.models.choices.sets import Codes
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.marginal.predictor import Predicted
from gvcmetrics.models.marginal.result import Margins

_IMAGINARY = 1e-40
_MEASURES = {
    "response": ("dy/dx", ""), "elasticity": ("ey/ex", "elasticities"), "eyex": ("ey/ex", "elasticities"),
    "semi_elasticity": ("ey/dx", "semi-elasticities"), "eydx": ("ey/dx", "semi-elasticities"),
    "dyex": ("dy/ex", "semi-elasticities"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class ChoicePredictor:
    """Expected choices of a model.

    chooser, alternative : columns of the rows. nests : (J) of the alternatives.
    """

    rows: Rows
    kernel: Conditional | Nested | Mixed
    chooser: str
    alternative: str
    nests: Codes

    @classmethod
    def of(cls, request: Request, rows: Rows, kernel: Any) -> ChoicePredictor:
        nests = kernel.nests if isinstance(kernel, Nested) else np.arange(len(rows.regressors.labels))
        return cls(rows, kernel, request.options["columns"][0], request.options["columns"][1], nests)

    @property
    def labels(self) -> list[str]:
        """The alternatives in print."""
        return [str(label) for label in self.rows.regressors.labels]

    def predict(
        self,
        params: Array,
        data: Any = None,
        kind: str = "mean",
        *,
        outcomes: Sequence[str] | None = None,
        unit_effect: str = "averaged",
        covariance: Array | None = None,
        adjusted: Any = None,
    ) -> Predicted:
        """Probability of each alternative by chooser; missing where it was not among the alternatives."""
        if kind != "mean" or unit_effect != "averaged":
            raise ModelError("a choice model predicts probabilities alone", remedy="Leave kind= out")
        index = self.rows.sample.index
        sets, X = self.rows.choices.sets, self.rows.X
        if data is not None:
            sets, frame, index = new_sets(
                self.rows.regressors, data, self.chooser, self.alternative, self.nests
            )
            X = self.rows.regressors.matrix(frame, sets.alternative)
        shown = self._shown(outcomes)
        nobody = np.zeros((1, len(X)))

        def chances(theta: Any) -> Any:
            return sets.table(self.kernel.change(theta, X, X, nobody, sets)[0])[:, shown]

        values = chances(params)
        errors = np.full(values.shape, np.nan)
        if covariance is not None:
            slopes = derivatives(lambda theta: chances(theta).ravel(), params)
            errors = np.sqrt(np.einsum("ij,jk,ik->i", slopes, covariance, slopes)).reshape(values.shape)
        labels = self.rows.regressors.labels
        return Predicted(index, [labels[j] for j in shown], values, errors, "probability")

    def outcomes(self) -> Array:
        """The alternative that each chooser took, as a code."""
        return self.rows.sample.y

    def _shown(self, outcomes: Sequence[str] | None) -> list[int]:
        if outcomes is None:
            return list(range(len(self.labels)))
        for name in outcomes:
            if str(name) not in self.labels:
                raise ModelError(
                    f"outcomes= names '{name}', which is no alternative",
                    remedy=f"They are {', '.join(self.labels)}",
                )
        return [self.labels.index(str(name)) for name in outcomes]

    def margins(
        self, results: Any, variables: str | Sequence[str] | None, scale: str, outcomes: Any, call: str
    ) -> Margins:
        """Effects on all probabilities of an attribute of one alternative, or of what choosers are.

        scale : a key of `_MEASURES`; elasticities are averages over the choosers who had both alternatives.
        """
        if scale not in _MEASURES:
            raise ModelError(f"scale={scale!r} is not known", remedy=f"Use one of {', '.join(_MEASURES)}")
        asked = [variables] if isinstance(variables, str) else list(variables or self._variables())
        shown, contrast = self._shown(outcomes), _MEASURES[scale][0]
        keys: list[dict[str, Any]] = []
        averages: list[Callable[[Any], Any]] = []
        for name in asked:
            movers = self._movers(name)
            averages.append(self._average(name, movers, scale, shown))
            keys += [
                {
                    "variable": name, "contrast": contrast, "outcome": self.labels[j],
                    "of": "" if of is None else self.labels[of],
                }
                for of in movers
                for j in shown
            ]  # fmt: skip

        def everything(theta: Any) -> Any:
            return np.concatenate([average(theta) for average in averages])

        params = results.params.to_numpy()
        slopes = derivatives(everything, params)
        frame = pd.DataFrame(keys)
        if not (frame["of"] != "").any():
            frame = frame.drop(columns="of")
        return Margins(
            results, frame, everything(params), slopes @ results.cov.to_numpy() @ slopes.T,
            "probability", measure=_MEASURES[scale][1], call=call,
            notes=("Of an attribute of the alternative under 'of', averages over choosers.",),
        )  # fmt: skip

    def _variables(self) -> list[str]:
        """The numeric columns that regressors are made of."""
        frame = self.rows.frame
        numeric = [c for c in dict.fromkeys(self.rows.regressors.columns) if c in frame]
        return [c for c in numeric if c != self.alternative and pd.api.types.is_numeric_dtype(frame[c])]

    def _movers(self, name: str) -> list[int | None]:
        """The alternatives whose attribute moves; None where the variable is the chooser's."""
        known = self._variables()
        if name not in known:
            raise ModelError(
                f"'{name}' is no numeric variable of the model", remedy=f"They are {', '.join(known)}"
            )
        sets = self.rows.choices.sets
        values = self.rows.frame[name].to_numpy(dtype=np.float64)
        constant = (values == values[sets.starts][sets.of]).all()
        return [None] if constant else [*range(len(self.labels))]

    def _average(
        self, name: str, movers: Sequence[int | None], scale: str, shown: list[int]
    ) -> Callable[[Any], Any]:
        """Parameters -> averages for each of the movers, of all that are shown."""
        sets, X, weights = self.rows.choices.sets, self.rows.X, self.rows.choices.mass
        values = self.rows.frame[name].to_numpy(dtype=np.float64)
        moved = self._moved(name, values)
        which = np.array([np.ones(len(X)) if of is None else sets.alternative == of for of in movers], float)
        logs = scale in _LOG_OUTCOME
        # Nobody's probability of what was not there moves; it has no logarithm either.
        there = np.isfinite(sets.table(np.ones(len(X)))[:, shown])
        shares = []
        for of in movers:
            level = values[sets.starts] if of is None else sets.table(values)[:, of]
            both = there & np.isfinite(level)[:, None] if logs else np.ones_like(there)
            share = np.where(both, weights[:, None], 0.0)
            total = share.sum(axis=0)
            share /= np.where(total > 0.0, total, np.nan)
            if scale in _LOG_VARIABLE:
                share *= np.where(np.isfinite(level), level, 0.0)[:, None]
            shares.append(share)

        def average(theta: Any) -> Any:
            P, changes = self.kernel.change(theta, X, moved, which, sets)
            found = []
            for share, dP in zip(shares, changes, strict=True):
                each = sets.table(dP / P if logs else dP)[:, shown]
                found.append((share * np.where(there, each, 0.0)).sum(axis=0))
            return np.concatenate(found)

        return average

    def _moved(self, name: str, values: Array) -> Array:
        """Derivatives of the regressors in a variable, by central differences; of linear terms exact."""
        step = 2.0 ** np.round(np.log2(max(float(np.std(values)), 1e-300) * 1e-5))
        sets, built = self.rows.choices.sets, self.rows.regressors
        ends = [
            built.matrix(self.rows.frame.assign(**{name: values + sign * step}), sets.alternative)
            for sign in (1.0, -1.0)
        ]
        return (ends[0] - ends[1]) / (2.0 * step)


_LOG_OUTCOME = ("elasticity", "eyex", "semi_elasticity", "eydx")
_LOG_VARIABLE = ("elasticity", "eyex", "dyex")


def derivatives(function: Callable[[Any], Any], theta: Array) -> Array:
    """Jacobian of a function of the parameters."""
    columns = []
    for j in range(len(theta)):
        moved = theta.astype(complex)
        moved[j] += 1j * _IMAGINARY
        columns.append(np.imag(function(moved)) / _IMAGINARY)
    return np.stack(columns, axis=1)
