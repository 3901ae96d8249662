"""What turns the parameters of a model into expected outcomes; margins know nothing else of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array, Batch, EstimationSample
from gvcmetrics.models.data.design import evaluate
from gvcmetrics.models.data.frames import frame_of, plain_columns
from gvcmetrics.models.data.relations import Relations, relations_of
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.inference.bias_reduced import BiasReduced
from gvcmetrics.models.inference.restrictions import distribution
from gvcmetrics.models.likelihood.expected import Scale, Surface, at_zero, averaged
from gvcmetrics.models.likelihood.family import Family, Transform
from gvcmetrics.models.likelihood.problem import parameter_map
from gvcmetrics.models.marginal.absorbed_effects import AbsorbedEffects, recovered
from gvcmetrics.models.marginal.estimable import Tie
from gvcmetrics.models.marginal.incidental import Incidental
from gvcmetrics.models.marginal.rows import Rows

_NO_LEVEL = "a conditional likelihood does not estimate the unit effects, so "


@dataclass(frozen=True, eq=False)
class Fitted:
    """The index of a model with absorbed effects, effects included.

    index, curvature : (n), and the curvature of the log likelihood in it. lags : of past outcomes in a
    bias correction; None without one. still : rows that were left out because they say nothing: no effect
    moves their outcome from the one they have.
    """

    index: Array
    curvature: Array
    lags: int | None = None
    still: tuple[Sample, ...] = ()


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predictions (n, outcomes) and their errors, with the labels of rows and outcomes (`""` for one).

    degrees : of freedom of each, where they have their own.
    """

    index: pd.Index
    outcomes: list[Any]
    values: Array
    errors: Array
    name: str
    degrees: Array | None = None

    @property
    def single(self) -> bool:
        """Whether there is one outcome without a name."""
        return self.outcomes == [""]

    def plain(self) -> pd.Series | pd.DataFrame:
        """The predictions alone."""
        if self.single:
            return pd.Series(self.values[:, 0], index=self.index, name=self.name)
        return pd.DataFrame(self.values, index=self.index, columns=pd.Index(self.outcomes, dtype=object))

    def with_interval(self, level: float, df: float) -> pd.DataFrame:
        """Columns estimate, std_error, conf_low, conf_high, of several outcomes below their names.

        df : degrees of freedom of those that have none of their own.
        """
        quantile = distribution(df if self.degrees is None else self.degrees).ppf(0.5 + level / 2)
        half = np.where(self.errors == 0.0, 0.0, quantile * self.errors)
        stacked = np.stack([self.values, self.errors, self.values - half, self.values + half], axis=2)
        columns = ["estimate", "std_error", "conf_low", "conf_high"]
        names = pd.Index(columns) if self.single else pd.MultiIndex.from_product([self.outcomes, columns])
        return pd.DataFrame(stacked.reshape(len(self.values), -1), index=self.index, columns=names)


@dataclass(frozen=True, eq=False)
class Predictor:
    """Expected outcomes of a model.

    Attributes
    ----------
    sample : the rows of the estimates, unit means among the regressors where the model has them.
    family : the response. scales : by name, what can be expected; the first is the default of margins.
    regressors : new rows -> X.
    random : whether the last parameter is sigma of a normal intercept, which is averaged over.
    conditional : a conditional likelihood, which knows the index but no level.
    fitted : the index with absorbed effects in it; None without any.
    working : of a model whose index holds functions of the parameters, reported ones -> coefficients of the
        columns of X and what all rows share, with Jacobian; columns beyond the design's stay as they are.
    levelled : params -> the index with the unit effects of a conditional likelihood, at their maximum given
        the coefficients; None where there is none.
    expand : from the parameters to coefficients of every regressor in every index, then the constants, where
        the indices have regressors of their own.
    """

    sample: EstimationSample
    family: Family
    scales: Mapping[str, Scale]
    regressors: Callable[[pd.DataFrame], Array] = field(repr=False)
    random: bool = False
    conditional: bool = False
    fitted: Fitted | None = field(default=None, repr=False)
    working: Transform | None = field(default=None, repr=False)
    levelled: Callable[[Array], Array] | None = field(default=None, repr=False)
    expand: Array | None = field(default=None, repr=False)

    @property
    def moves_with_effects(self) -> bool:
        """Whether an average effect depends on the absorbed effects, which a linear one does not."""
        return not self.family.linear

    def predict(
        self,
        params: Array,
        data: Any = None,
        kind: str = "mean",
        *,
        outcomes: Sequence[str] | None = None,
        unit_effect: str = "averaged",
        covariance: Array | None = None,
        adjusted: BiasReduced | None = None,
    ) -> Predicted:
        """Expected outcomes on a scale, row by row, of the sample or of the rows of `data`.

        outcomes : their labels, by default those that the scale predicts.
        Rows with a missing regressor have missing predictions. With the covariance of the parameters there
        are errors by the delta method; with what CR2 needs, degrees of freedom of each.
        """
        scale = self.scale(
            {"mean": "response"}.get(kind, kind),
            f"kind={kind!r}",
            "it gives no probabilities",
            response="mean",
        )
        if unit_effect not in ("averaged", "zero"):
            raise ModelError(f"unit_effect={unit_effect!r} is not known", remedy="Use 'averaged' or 'zero'")
        if covariance is not None and self.fitted is not None:
            raise ModelError(
                "the errors of predictions with absorbed effects are not known: the noise of the effects is "
                "not in the covariance",
                remedy="Write the effect among the regressors, as C(year), or use interval=False",
            )
        if scale.predicted is not None:
            scale = replace(scale, shown=scale.predicted)
        averaging = unit_effect == "averaged" and kind != "index"
        surface = self.surface(params, scale, outcomes, averaging=averaging)
        parts = [
            (index, *self._values(surface, batch, covariance, adjusted))
            for index, batch in self._rows(params, data)
        ]
        labels: list[Any] = list(surface.outcomes)
        if labels != [""] and kind != "index":
            labels = self._categories(labels)
        return Predicted(
            parts[0][0].append([part[0] for part in parts[1:]]),
            labels,
            np.concatenate([part[1] for part in parts]),
            np.concatenate([part[2] for part in parts]),
            "index" if kind == "index" else "fitted",
            None if adjusted is None else np.concatenate([part[3] for part in parts]),
        )

    def outcomes(self) -> Array:
        """The outcomes of the sample, as coded; limits that stand beside them are left out."""
        parts = [batch.y if batch.y.ndim == 1 else batch.y[:, 0] for batch in self.sample.batches()]
        return np.concatenate(parts)

    def absorbed_effects(self, params: Array) -> AbsorbedEffects:
        """The absorbed effects by level, or those of a conditional likelihood given its coefficients.

        Raises
        ------
        ModelError : the model has none.
        """
        sample = self.sample
        if not isinstance(sample, Sample) or (self.fitted is None and self.levelled is None):
            raise ModelError(
                "the model has no absorbed effects that are one number a level",
                remedy="Absorb them after '|', or use effects='fixed' of a model that has it",
            )
        if self.fitted is not None:
            index, absorbed = self.fitted.index, sample.absorbed
        else:
            assert self.levelled is not None
            assert sample.unit is not None
            index, absorbed = self.levelled(params), {str(sample.unit_name): sample.unit}
        offset = 0.0 if sample.offset is None else sample.offset
        return recovered(sample, absorbed, index - sample.X @ params - offset)

    def scale(self, name: str, asked: str, instead: str, response: str = "response") -> Scale:
        """A scale by name.

        asked : how the user asked for it. instead : what a model without unit effects cannot do. response :
        the user's word for the scale of the outcome.

        Raises
        ------
        ModelError : the model has no such scale; it says why and which it has.
        """
        if name in self.scales:
            return self.scales[name]
        if self.conditional and name == "response":
            raise ModelError(
                _NO_LEVEL + instead,
                remedy=f"Use effects='correlated', or one of {', '.join(self.scales)}",
            )
        known = ", ".join(repr(response if key == "response" else key) for key in self.scales)
        raise ModelError(f"{asked} is not known for this model", remedy=f"Use one of {known}")

    def surface(
        self, params: Array, scale: Scale, outcomes: Sequence[str] | None = None, *, averaging: bool = True
    ) -> Surface:
        """The outcomes of a scale as functions of the indices.

        averaging : over a random intercept; else for a unit whose effect is zero.
        """
        chosen = scale.choose(outcomes)
        if self.random and scale is not self.scales.get("index"):
            over = averaged if averaging else at_zero
            chosen = {label: over(outcome) for label, outcome in chosen.items()}
        m = self.family.n_indices
        coefficients = m * len(self.sample.names)
        if self.expand is not None:
            coefficients = len(params) - len(self.family.constants)
        back = self.working or (
            None
            if self.conditional
            else parameter_map(self.family, coefficients, random=self.random, back=True)
        )
        theta, jacobian = back(params) if back and not self.conditional else (params, np.eye(len(params)))
        if self.expand is not None:
            theta, jacobian = self.expand @ theta, self.expand @ jacobian
        return Surface(chosen, m, theta, jacobian, scale)

    def parts(self, params: Array, columns: tuple[str, ...] = ()) -> Iterator[Rows]:
        """The rows of the estimates, a batch at a time, with further columns of the data."""
        for frame, batch in self.sample.frames(columns):
            n = len(batch.X)
            rows = Rows(
                self.sample.design,
                frame.infer_objects(),
                batch.X,
                np.ones(n) if batch.weights is None else batch.weights,
                np.zeros(n) if batch.offset is None else batch.offset,
                extras=batch.extras,
            )
            if self.relations is not None:
                H = self.relations.left_out(frame)
                rows = replace(rows, tie=Tie(self.relations, H, self.relations.rest(batch.X, H)))
            yield rows if self.fitted is None else self._moving(rows, self.fitted, params)

    @cached_property
    def relations(self) -> Relations | None:
        """How the data tie regressors that were left out to those that stayed; None if none was."""
        sample = self.sample
        if not isinstance(sample, Sample):
            return sample.relations
        effects = [*sample.effects]
        if self.conditional and sample.unit is not None:
            effects.append(sample.unit)
        if self.working is None:
            return relations_of(sample.design, sample.X, sample.frame, sample.weights, effects)
        own = len(sample.design.kept)
        found = relations_of(sample.design, sample.X[:, :own], sample.frame, sample.weights, effects)
        beside = ((0, sample.X.shape[1] - own), (0, 0))
        return None if found is None else replace(found, gamma=np.pad(found.gamma, beside))

    def _estimable(self, X: Array, data: pd.DataFrame) -> Array:
        """X, missing where a row breaks what the data tie together, which is warned of."""
        if self.relations is None:
            return X
        H = self.relations.left_out(data)
        before = self._taken_up(self.relations, self.relations.rest(X, H), data)
        lost = self.relations.broken(X, H, before) != 0
        if not lost.any():
            return X
        names = [name for name, gone in zip(self.relations.names, lost.any(axis=0), strict=True) if gone]
        rows = lost.any(axis=1)
        warn(
            f"{int(rows.sum())} predictions are not estimable and missing: nothing is known of "
            f"{', '.join(names)}, left out of the model"
        )
        return np.where(rows[:, None], np.nan, X)

    def _taken_up(self, relations: Relations, rest: Array, data: pd.DataFrame) -> Array:
        """What effects take up of regressors that were left out in new rows, (n, r): as in the sample's."""
        sample = self.sample
        if not isinstance(sample, Sample) or (self.fitted is None and not self.conditional):
            return np.zeros_like(rest)
        within = relations.rest(sample.X, relations.left_out(sample.frame))
        if self.conditional:
            return _of_units(sample, within, rest, data)
        taken = np.column_stack(
            [
                recovered(sample, sample.absorbed, column).of_rows(data, warned=False)
                for column in np.ascontiguousarray(within.T)
            ]
        )
        # Of effects that are not known there is no prediction, whatever was left out.
        return np.where(np.isnan(taken), rest, taken)

    def _moving(self, rows: Rows, fitted: Fitted, params: Array) -> Rows:
        """The fitted index holds the absorbed effects; they move with the coefficients so that the scores of
        the effects stay zero, which turns x into its weighted deviation from the effects' groups."""
        sample = self.sample
        assert isinstance(sample, Sample)
        within = demean(rows.X, sample.effects, rows.weights * fitted.curvature)
        incidental = None
        if fitted.lags is not None:
            everywhere = np.ones(len(fitted.index), dtype=bool)
            incidental = Incidental(sample, self.family, fitted.index, fitted.lags, everywhere)
        alpha = fitted.index - rows.X @ params
        return replace(rows, alpha=alpha, shift=within - rows.X, incidental=incidental)

    def _rows(self, params: Array, data: Any) -> Iterator[tuple[pd.Index, Batch]]:
        """Rows with their regressors; what the index holds besides, absorbed effects too, is the offset."""
        if data is None:
            for frame, batch in self.sample.frames():
                if self.fitted is not None:
                    batch = replace(batch, offset=self.fitted.index - batch.X @ params)
                yield frame.index, batch
            return
        data = frame_of(data)
        offset = evaluate(self.sample.offset_name, data) if self.sample.offset_name else None
        extras = {name: evaluate(name, data) for name in self.sample.extra_names}
        X = self._estimable(self.regressors(data), data)
        if self.fitted is not None:
            effects = self.absorbed_effects(params).of_rows(data)
            offset = effects if offset is None else offset + effects
        yield data.index, Batch(np.empty(len(X)), X, None, offset, extras)

    def _values(
        self, surface: Surface, batch: Batch, covariance: Array | None, adjusted: BiasReduced | None
    ) -> tuple[Array, Array, Array]:
        """Outcomes of the rows, their errors, missing without a covariance, and their degrees of freedom."""
        B, shared = surface.coefficients(batch.X.shape[1])
        eta = batch.X @ B.T
        eta = eta if batch.offset is None else eta + batch.offset[:, None]
        known = np.isfinite(eta).all(axis=1)
        extras = {name: values[known] for name, values in batch.extras.items()}
        values = np.full((len(eta), len(surface.outcomes)), np.nan)
        errors, degrees = np.full_like(values, np.nan), np.full_like(values, np.nan)
        spread = None if covariance is None else surface.jacobian @ covariance @ surface.jacobian.T
        X, m = batch.X[known], surface.indices
        for column, outcome in enumerate(surface.outcomes.values()):
            of_rows = outcome.of_rows(extras)
            values[known, column] = of_rows.value(eta[known], shared)
            if spread is not None and len(X):
                first = of_rows.derivatives(eta[known], shared)[1]
                gradient = np.hstack([*(first[:, [j]] * X for j in range(m)), first[:, m:]])
                errors[known, column] = np.sqrt(
                    np.einsum("ia,ab,ib->i", gradient, spread, gradient, optimize=True)
                )
                if adjusted is not None:
                    degrees[known, column] = adjusted.degrees_of_each(gradient @ surface.jacobian)
        return values, errors, degrees

    def _categories(self, labels: list[str]) -> list[Any]:
        """The labels as the user's own categories."""
        own = {str(category): category for category in self.sample.categories or ()}
        return [own.get(label, label) for label in labels]


def _of_units(sample: Sample, within: Array, rest: Array, data: pd.DataFrame) -> Array:
    """What the units of new rows take up; of unknown units what all have in common, or their own rows do."""
    assert sample.unit is not None
    assert sample.unit_labels is not None
    assert sample.unit_name is not None
    first = np.unique(sample.unit, return_index=True)[1]
    of_unit = within[first]
    size = np.abs(within).max(axis=0)
    common = np.ptp(of_unit, axis=0) <= 1e-6 * np.where(size > 0, size, 1.0)
    taken = np.where(common, of_unit.mean(axis=0), rest)
    if sample.unit_name not in data:
        return taken
    units = plain_columns(data[[sample.unit_name]], [sample.unit_name])[sample.unit_name]
    means = pd.DataFrame(rest).groupby(pd.factorize(units)[0]).transform("mean").to_numpy()
    taken = np.where(common | units.isna().to_numpy()[:, None], taken, means)
    found = sample.unit_labels.get_indexer(pd.Index(units))
    return np.where((found >= 0)[:, None], of_unit[np.maximum(found, 0)], taken)


def equations(sample: EstimationSample) -> list[str]:
    """Names of the indices of a model that has several: categories but the base, or outcomes."""
    return [str(c) for c in sample.categories[1:]] if sample.categories else list(sample.outcome)
