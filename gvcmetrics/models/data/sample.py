"""The estimation sample in memory, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.numerics.demean import demean, independent_columns, singletons
from gvcmetrics.ground.numerics.slopes import Effect, Slopes
from gvcmetrics.ground.periods import periods
from gvcmetrics.ground.rows import line
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Batch
from gvcmetrics.models.data.design import Design, require
from gvcmetrics.models.data.domain import Surroundings
from gvcmetrics.models.data.formula import Formula, unquote
from gvcmetrics.models.data.frames import refuse_mixed
from gvcmetrics.models.data.outcomes import Answers, Coding, bit
from gvcmetrics.models.data.scaling import Moments, Scaling, free_spreads, moments_of

_EXACT_TOLERANCE, _DEMEANED_TOLERANCE = 1e-9, 1e-6


@dataclass(frozen=True, eq=False)
class Sample:
    """The estimation sample: arrays of n rows, and what is needed to name and repeat them.

    Attributes
    ----------
    y : (n,) float, or (n, m) for m outcomes; category positions 0 … J−1 when `categories` is set.
    X : (n, k) float, C-contiguous; `names` are its columns.
    absorbed : effect name → codes (n,) int32. slopes : `group[[variable]]` → its slopes by group.
    unit, time : codes (n,) or None; `unit_labels`, `time_labels` say what each code is, sorted; periods are
        in the order of time where `time_ordered`.
    clusters : name → codes.
    subpop : the subpopulation that the rows are, None where they are everybody. outside : positions in the
        user's frame of the rows outside it that belong to the design.
    extras : expression → (n,), what the likelihood of a row needs besides.
    weights : (n,) or None; `frequency` says that a row stands for `weights` equal rows.
    rows : positions of the sample's rows in the user's frame.
    dropped : reason → number of rows. alone : those that were dropped as singletons of absorbed effects.
    design : rebuilds X from a frame. `source` is a shallow copy of the user's frame.
    """

    formula: Formula
    y: np.ndarray
    X: np.ndarray
    names: tuple[str, ...]
    outcome: tuple[str, ...]
    design: Design
    rows: np.ndarray
    source: pd.DataFrame = field(repr=False)
    absorbed: Mapping[str, np.ndarray] = field(default_factory=dict)
    slopes: Mapping[str, Slopes] = field(default_factory=dict)
    unit: np.ndarray | None = None
    time: np.ndarray | None = None
    unit_name: str | None = None
    time_name: str | None = None
    unit_labels: pd.Index | None = None
    time_labels: pd.Index | None = None
    time_ordered: bool = True
    clusters: Mapping[str, np.ndarray] = field(default_factory=dict)
    subpop: str | None = None
    outside: np.ndarray | None = None
    weights: np.ndarray | None = None
    weights_name: str | None = None
    frequency: bool = False
    offset: np.ndarray | None = None
    offset_name: str | None = None
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)
    categories: tuple[Any, ...] | None = None
    categories_ordered: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)
    alone: Sample | None = field(default=None, repr=False)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """All that is partialled out: absorbed effects, and slopes by group."""
        return (*self.absorbed.values(), *self.slopes.values())

    @property
    def nobs(self) -> int:
        """Observations: rows, or the sum of frequency weights."""
        return (
            round(float(self.weights.sum()))
            if self.frequency and self.weights is not None
            else len(self.rows)
        )

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The columns that outcome and regressors use, at the rows of the sample; lags are columns here."""
        return take(self.source, self.rows)[list(self.formula.current_columns)]

    @property
    def mass(self) -> float:
        """Sum of the weights."""
        return float(len(self.rows)) if self.weights is None else float(self.weights.sum())

    @property
    def attrs(self) -> Mapping[Any, Any]:
        """What the frame says of itself."""
        return self.source.attrs

    @property
    def in_memory(self) -> bool:
        return True

    @property
    def extra_names(self) -> tuple[str, ...]:
        return tuple(self.extras)

    @property
    def note(self) -> str | None:
        """What a reader of the estimates should know of the sample."""
        return None

    @property
    def index(self) -> pd.Index:
        """The labels of the rows in the user's frame."""
        return self.source.index[self.rows]

    def batches(self) -> Iterator[Batch]:
        """All rows at once."""
        yield Batch(self.y, self.X, self.weights, self.offset, self.extras)

    def frames(self, columns: tuple[str, ...] = ()) -> Iterator[tuple[pd.DataFrame, Batch]]:
        """The columns that the regressors are made of, and further ones of the user's frame."""
        require(self.source, columns)
        more = [column for column in columns if column not in self.frame]
        frame = self.frame if not more else self.frame.join(take(self.source, self.rows)[more])
        yield frame, Batch(self.y, self.X, self.weights, self.offset, self.extras)

    def of_bit(self, j: int) -> Sample:
        """The sample of outcome j alone."""
        return replace(self, y=bit(self.y, j), outcome=(self.outcome[j],))

    def spreads(self) -> np.ndarray:
        """Standard deviation of each regressor; its size, for a constant."""
        return self.column_moments.spread

    @cached_property
    def column_moments(self) -> Moments:
        """Mean and standard deviation of each regressor."""
        return moments_of(self.X)

    @property
    def relations(self) -> None:
        """Not known before the effects are."""
        return None

    def free_spreads(self) -> np.ndarray:
        """Standard deviation of what the other regressors leave of each."""
        return free_spreads(self.X, constant=not self.absorbed)

    def scaled(self, scaling: Scaling) -> Sample:
        """The sample with its regressors centred and scaled."""
        return replace(self, X=scaling.of_columns(self.X))

    def unscaled(self, before: Sample) -> Sample:
        """The rows and regressors that are left, as they were before."""
        columns = [before.names.index(name) for name in self.names]
        X = before.X if self.names == before.names else before.X[:, columns]
        if len(self.rows) != len(before.rows):
            X = X[np.searchsorted(before.rows, self.rows)]
        return replace(self, X=np.ascontiguousarray(X))

    def values(self) -> tuple[np.ndarray, np.ndarray]:
        """The outcome, and its weights."""
        return self.y, np.ones(len(self.y)) if self.weights is None else self.weights

    def mean_offset(self) -> float:
        """Weighted mean of the offset, zero without one."""
        return 0.0 if self.offset is None else float(np.average(self.offset, weights=self.weights))

    def collect(
        self, scores: Callable[[Batch], np.ndarray], kind: str, clusters: tuple[str, ...]
    ) -> tuple[np.ndarray, Callable[[str], np.ndarray]]:
        """Scores row by row, for any covariance."""
        (batch,) = self.batches()
        return scores(batch), self.codes

    def place(self, position: int, frame: pd.DataFrame | None = None) -> Place:
        """Where the user finds a row of the sample: counted as a spreadsheet does."""
        return Place(row=line(self.rows[position]))

    def coded(self, coding: Coding) -> Sample:
        """The sample with its outcome checked, and coded as the kernels take it."""
        answers = self._answers
        coded = coding.code(answers)
        coding.check(answers, len(self.rows))
        if self.alone is not None:
            alone = replace(self.alone, y=coding.code(self.alone._answers))
            return replace(self, y=coded, alone=alone)
        return self if coded is self.y else replace(self, y=coded)

    @property
    def _answers(self) -> Answers:
        return Answers(
            self.y, self.outcome, self.place, tuple(self.categories or ()), self.categories_ordered,
            self.extras,
        )  # fmt: skip

    def codes(self, column: str) -> np.ndarray:
        """Group codes of any column of the user's frame (`a^b` crosses two), for the sample's rows."""
        if column in self.clusters:
            return self.clusters[column]
        parts = self._parts(column)
        for part in parts:
            require(self.source, [part])
        taken = take(self.source, self.rows)[parts]
        refuse_mixed(taken, parts)
        missing = taken.isna().any(axis=1).to_numpy()
        if missing.any():
            raise DataError(
                f"{int(missing.sum())} rows of the estimation sample have no group",
                replace(self.place(int(missing.argmax())), column=column),
                "Name the column in vcov= when estimating, so that these rows are left out, or fill it",
            )
        return group_codes(taken)[0]

    def periods(self, column: str) -> np.ndarray:
        """Codes of the periods in a column, in the order of time.

        Raises
        ------
        ModelError : the order of its values is not known.
        """
        codes = self.codes(column)
        if column not in self.source:
            return codes
        taken = take(self.source, self.rows)[column]
        return np.unique(periods(taken, column).numbers, return_inverse=True)[1].astype(np.int32)

    @property
    def in_time(self) -> np.ndarray:
        """Codes of the panel's periods, in the order of time.

        Raises
        ------
        ModelError : the panel has no time, or the order of its values is not known.
        """
        if self.time is None or self.time_name is None:
            raise ModelError("the panel's time is needed", remedy="Pass time='year'")
        return self.time if self.time_ordered else self.periods(self.time_name)

    def labels(self, column: str) -> list[str]:
        """What the groups of `codes(column)` are called, in the order of their codes."""
        named = self._one_of_each(column).astype(str)
        return [" ^ ".join(row) for row in named.itertuples(index=False, name=None)]

    @property
    def around(self) -> Surroundings:
        """What a survey design knows beside the codes of the rows."""
        if self.outside is None:
            return Surroundings(self._numbers)
        return Surroundings(self._numbers, self.subpop, self._codes_outside, len(self.outside))

    def _numbers(self, column: str) -> np.ndarray:
        """The number that each group of `codes(column)` is."""
        values = self._one_of_each(column)[column]
        if not pd.api.types.is_numeric_dtype(values):
            raise DataError(f"numbers are needed, the column holds {values.dtype}", Place(column=column))
        return values.to_numpy(dtype=np.float64)

    def _codes_outside(self, column: str) -> np.ndarray:
        """Codes of the rows outside the subpopulation; groups that no row inside has follow the others."""
        assert self.outside is not None
        inside = self._one_of_each(column)
        both = pd.concat([inside, self.source[self._parts(column)].iloc[self.outside]])
        keys = both.iloc[:, 0] if both.shape[1] == 1 else pd.MultiIndex.from_frame(both)
        return pd.factorize(keys)[0][len(inside) :]

    def _one_of_each(self, column: str) -> pd.DataFrame:
        """A row of each group of `codes(column)`, in the order of the codes."""
        first = self.rows[np.unique(self.codes(column), return_index=True)[1]]
        return self.source[self._parts(column)].iloc[first]

    def _parts(self, column: str) -> list[str]:
        """The columns that a column of groups crosses."""
        return [column] if column in self.source else [unquote(part.strip()) for part in column.split("^")]

    def select(self, keep: np.ndarray, reason: str) -> Sample:
        """The sample without the rows where `keep` is False, counted in `dropped` under `reason`."""
        lost = int((~keep).sum())
        if lost == 0:
            return self
        if not keep.any():
            raise ModelError(f"no observation is left: {lost} dropped because of: {reason}")

        rows = np.flatnonzero(keep)

        def recode(codes: np.ndarray) -> np.ndarray:
            left = codes[rows]
            return (np.cumsum(np.bincount(left) > 0, dtype=np.int32) - 1)[left]

        def labels(codes: np.ndarray | None, names: pd.Index | None) -> pd.Index | None:
            return None if codes is None or names is None else names[np.bincount(codes[rows]).nonzero()[0]]

        return replace(
            self,
            y=self.y[rows],
            X=self.X.take(rows, axis=0),
            rows=self.rows[rows],
            absorbed={name: recode(codes) for name, codes in self.absorbed.items()},
            slopes={name: slopes.rows(rows) for name, slopes in self.slopes.items()},
            clusters={name: recode(codes) for name, codes in self.clusters.items()},
            unit=None if self.unit is None else recode(self.unit),
            time=None if self.time is None else recode(self.time),
            unit_labels=labels(self.unit, self.unit_labels),
            time_labels=labels(self.time, self.time_labels),
            weights=None if self.weights is None else self.weights[rows],
            offset=None if self.offset is None else self.offset[rows],
            extras={name: values[rows] for name, values in self.extras.items()},
            dropped={**self.dropped, reason: self.dropped.get(reason, 0) + lost},
        )

    def keep_columns(self, keep: np.ndarray) -> Sample:
        """The sample with some of its regressors only."""
        names = tuple(name for name, kept in zip(self.names, keep, strict=True) if kept)
        kept = tuple(position for position, kept in zip(self.design.kept, keep, strict=True) if kept)
        return replace(
            self,
            X=self.X.take(np.flatnonzero(keep), axis=1),
            names=names,
            design=replace(self.design, kept=kept, names=names),
        )


def without_singletons(sample: Sample) -> Sample:
    """Without rows that stand alone in a group of an absorbed effect, which fit themselves.

    A frequency weight above one makes several rows of one.
    """
    if not sample.absorbed:
        return sample
    single = singletons([*sample.absorbed.values()], sample.weights if sample.frequency else None)
    if single.any() and not single.all():
        sample = replace(sample, alone=sample.select(single, "not single"))
    return sample.select(~single, "singleton of an absorbed effect")


def drop_collinear(sample: Sample, within: Sequence[Effect] = ()) -> Sample:
    """Drop regressors that are linear combinations of earlier ones, given effects `within`; warn by name."""
    if sample.X.shape[1] == 0:
        return sample
    constant = "Intercept" in sample.names
    moments = sample.column_moments
    alone = bool(within) and (bool(sample.absorbed) or not constant)
    keep = independent_regressors(sample.X, moments, constant or bool(within), within, sample.weights, alone)
    if keep.all():
        return sample
    lost = [name for name, kept in zip(sample.names, keep, strict=True) if not kept]
    because = "other regressors and the absorbed effects" if within else "other regressors"
    warn(f"dropped because collinear with {because}: {', '.join(lost)}")
    return sample.keep_columns(keep)


def independent_regressors(
    X: np.ndarray,
    moments: Moments,
    centred: bool,
    within: Sequence[Effect] = (),
    weights: np.ndarray | None = None,
    no_constants: bool = False,
) -> np.ndarray:
    """Mask of the columns that are no linear combination of earlier ones, whatever their units.

    centred : whether a constant or an effect takes up what is subtracted. no_constants : whether constant
    columns are combinations of the effects.
    """
    scale = np.sqrt(len(X)) * moments.spread
    if no_constants:
        scale[moments.constant] = 0.0
    scaling = Scaling.of(moments, centred=centred)
    if scaling is not None:
        X, scale = scaling.of_columns(X), scale / scaling.scale
    X = demean(X, within, weights) if within else X
    return independent_columns(X, scale, _DEMEANED_TOLERANCE if within else _EXACT_TOLERANCE)


def group_codes(frame: pd.DataFrame) -> tuple[np.ndarray, pd.Index]:
    """Codes 0 … G−1 of the distinct rows of one or more columns, in sorted order, and their labels."""
    if frame.shape[1] == 1:
        codes, labels = pd.factorize(frame.iloc[:, 0], sort=True)
        return codes.astype(np.int32), pd.Index(labels)
    grouped = frame.groupby(list(frame.columns), sort=True, observed=True, dropna=False)
    return grouped.ngroup().to_numpy().astype(np.int32), pd.Index(list(grouped.groups))


def take(source: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Some rows; the frame itself when they are all of it."""
    return source if len(rows) == len(source) else source.iloc[rows]
