"""The estimation sample of a Parquet file that does not fit into memory.

The file is read batch by batch, once for its categories, once for its moments, once for each Newton step
and once for the scores; nothing of its length is ever held. The estimates are those of the same
sample in memory, to rounding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as pads
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.numerics.demean import independent_columns
from gvcmetrics.ground.rows import line
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array, Batch, refuse_parts
from gvcmetrics.models.data.design import Design, evaluate, regressors, require
from gvcmetrics.models.data.formula import Formula, unquote, variables_of
from gvcmetrics.models.data.frames import plain_columns
from gvcmetrics.models.data.outcomes import Answers, Coding, bit
from gvcmetrics.models.data.relations import Relations, relations_of_triangle
from gvcmetrics.models.data.scaling import Moments as ColumnMoments
from gvcmetrics.models.data.scaling import Scaling, left_by_others
from gvcmetrics.models.data.spelling import plain

BATCH_ROWS = 262_144
_HEAD = 2_000
_STATEFUL = re.compile(r"\b(center|scale|standardize|poly|bs|cr|cs|cc|Q)\(")


@dataclass(frozen=True)
class Moments:
    """What one pass over the file leaves.

    triangle : of the QR of a column of ones and the regressors. rows, mass : and their weight.
    values, weights : values of the outcome that have its counts, or its first two moments.
    offset : weighted mean of the offset.
    """

    triangle: Array
    rows: int
    mass: float
    values: Array
    weights: Array
    offset: float


@dataclass(frozen=True, eq=False)
class ParquetSample:
    """A formula and a file: every pass yields cleaned batches of at most `BATCH_ROWS` rows.

    levels : categories of each categorical column, over the whole file. weight_column, offset_name, extras :
    as in `Sample`. clusters : columns of the covariance, crossed ones as `a^b`. subset : condition that its
    rows fulfil.
    """

    path: Path
    formula: Formula
    coding: Coding
    columns: tuple[str, ...]
    weights_name: str | None
    frequency: bool
    offset_name: str | None
    extra_names: tuple[str, ...]
    clusters: tuple[str, ...]
    subset: str | None = None
    levels: Mapping[str, list[Any]] = field(default_factory=dict)
    design: Design = field(default=None, repr=False)  # type: ignore[assignment]
    moments: Moments = field(default=None, repr=False)  # type: ignore[assignment]
    scaling: Scaling | None = None
    relations: Relations | None = None

    absorbed: Mapping[str, np.ndarray] = field(default_factory=dict)
    unit_name: str | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
    categories_ordered: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return self.design.names

    @property
    def outcome(self) -> tuple[str, ...]:
        return tuple(plain(name) for name in self.formula.outcomes)

    @property
    def categories(self) -> tuple[Any, ...] | None:
        return tuple(self.levels[unquote(self.formula.outcomes[0])]) if self.coding.categorical else None

    @property
    def nobs(self) -> int:
        return round(self.moments.mass) if self.frequency and self.weights_name else self.moments.rows

    @property
    def mass(self) -> float:
        return self.moments.mass

    @property
    def attrs(self) -> Mapping[Any, Any]:
        return {}

    @property
    def in_memory(self) -> bool:
        return False

    @property
    def note(self) -> str:
        return f"Fitted batch by batch from {self.path.name}."

    def batches(self) -> Iterator[Batch]:
        """One pass over the file."""
        for _, batch in self.frames():
            yield batch

    def frames(self, columns: tuple[str, ...] = ()) -> Iterator[tuple[pd.DataFrame, Batch]]:
        """Complete rows with their batch; rows keep their number in the file as label."""
        for frame in self._complete(columns):
            yield frame, self._batch(frame)

    def of_bit(self, j: int) -> ParquetSample:
        counts = self.moments
        coding = replace(self.coding, code=lambda answers: bit(self.coding.code(answers), j))
        return replace(self, coding=coding, moments=replace(counts, values=bit(counts.values, j)))

    @property
    def column_moments(self) -> ColumnMoments:
        """Mean and standard deviation of each regressor."""
        triangle, rows = self.moments.triangle, self.moments.rows
        mean = triangle[0, 1:] / triangle[0, 0]
        size = np.linalg.norm(triangle[:, 1:], axis=0) / np.sqrt(rows)
        spread = np.linalg.norm(triangle[1:, 1:], axis=0) / np.sqrt(rows)
        constant = spread <= 1e-13 * size
        moments = ColumnMoments(mean, np.where(constant, size, spread), constant)
        if self.scaling is None:
            return moments
        centre, scale = self.scaling.centre, self.scaling.scale
        return ColumnMoments((mean - centre) / scale, moments.spread / scale, constant)

    def spreads(self) -> Array:
        return self.column_moments.spread

    def free_spreads(self) -> Array:
        """Standard deviation of what the other regressors leave of each."""
        ones = "Intercept" not in self.names
        triangle = self.moments.triangle if ones else self.moments.triangle[:, 1:]
        found = left_by_others(triangle, self.moments.rows)[1 if ones else 0 :]
        return found if self.scaling is None else found / self.scaling.scale

    def scaled(self, scaling: Scaling) -> ParquetSample:
        """The sample with its regressors centred and scaled."""
        return replace(self, scaling=scaling)

    def unscaled(self, before: ParquetSample) -> ParquetSample:
        """The regressors as they were before."""
        return replace(self, scaling=None)

    def values(self) -> tuple[Array, Array]:
        return self.moments.values, self.moments.weights

    def mean_offset(self) -> float:
        return self.moments.offset

    def collect(
        self, scores: Callable[[Batch], Array], kind: str, clusters: tuple[str, ...]
    ) -> tuple[Array, Callable[[str], np.ndarray]]:
        """Scores summed by combination of clusters; without clusters, rows with the same cross-product."""
        if kind != "CRV1":
            return self._cross_product(scores if kind in ("hetero", "HC0") else None), _no_codes
        columns = list(dict.fromkeys(part.strip() for way in clusters for part in way.split("^")))
        sums: pd.DataFrame | None = None
        for frame, batch in self.frames():
            by = [frame[column].to_numpy() for column in columns]
            part = pd.DataFrame(scores(batch)).groupby(by, observed=True).sum()
            sums = part if sums is None else sums.add(part, fill_value=0.0)
        assert sums is not None
        keys = sums.index.to_frame(index=False)
        keys.columns = pd.Index(columns)

        def codes(way: str) -> np.ndarray:
            parts = [part.strip() for part in way.split("^")]
            if not set(parts) <= set(columns):
                raise ModelError(
                    f"'{way}' was not read from the file", remedy="Name it in vcov= when estimating"
                )
            return keys.groupby(parts, sort=True).ngroup().to_numpy()

        return sums.to_numpy(), codes

    def codes(self, column: str) -> np.ndarray:
        return _no_codes(column)

    def _cross_product(self, scores: Callable[[Batch], Array] | None) -> Array:
        meat = np.zeros((1, 1))
        for batch in self.batches() if scores else ():
            s = scores(batch)  # type: ignore[misc]
            weighted = s / batch.weights[:, None] if self.frequency and batch.weights is not None else s
            meat = meat + s.T @ weighted
        values, vectors = np.linalg.eigh(meat)
        return (vectors * np.sqrt(np.maximum(values, 0.0))).T

    def _complete(self, columns: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
        wanted = list(dict.fromkeys([*self.columns, *columns]))
        start = 0
        for record in pads.dataset(self.path).to_batches(
            columns=wanted, batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1
        ):
            frame = record.to_pandas()
            frame.index = pd.RangeIndex(start, start + len(frame))
            start += len(frame)
            frame = plain_columns(frame.dropna(subset=list(self.columns)), wanted).infer_objects()
            if self.subset and len(frame):
                frame = frame[evaluate(self.subset, frame) == 1.0]
            if self.weights_name:
                bad = (frame[self.weights_name] < 0).to_numpy()
                if bad.any():
                    raise DataError(
                        "a weight is negative",
                        replace(self.place(int(bad.argmax()), frame), column=self.weights_name),
                    )
                if self.frequency:
                    weights = frame[self.weights_name].to_numpy(dtype=np.float64)
                    refuse_parts(weights, np.ones(len(frame), dtype=bool), partial(self._weight_at, frame))
                frame = frame[frame[self.weights_name] > 0]
            for column, levels in self.levels.items():
                frame[column] = pd.Categorical(frame[column], categories=levels)
            if len(frame):
                yield frame

    def _weight_at(self, frame: pd.DataFrame, position: int) -> Place:
        return replace(self.place(position, frame), column=self.weights_name)

    def _batch(self, frame: pd.DataFrame) -> Batch:
        X = self.design.matrix(frame)
        if not np.isfinite(X).all():
            row, column = np.argwhere(~np.isfinite(X))[0]
            raise DataError(
                "a regressor is infinite or undefined",
                replace(self.place(int(row), frame), column=self.names[column]),
            )
        X = X if self.scaling is None else self.scaling.of_columns(X)
        weights = frame[self.weights_name].to_numpy(dtype=np.float64) if self.weights_name else None
        offset = evaluate(self.offset_name, frame) if self.offset_name else None
        answers = self._answers(frame)
        return Batch(self.coding.code(answers), X, weights, offset, answers.extras)

    def _answers(self, frame: pd.DataFrame) -> Answers:
        if self.coding.categorical:
            y = np.asarray(frame[unquote(self.formula.outcomes[0])].cat.codes, dtype=np.float64)
        else:
            values = [evaluate(outcome, frame) for outcome in self.formula.outcomes]
            y = values[0] if len(values) == 1 else np.column_stack(values)
        extras = {name: evaluate(name, frame) for name in self.extra_names}
        return Answers(
            y, self.outcome, lambda row: self.place(row, frame), self.categories or (), True, extras
        )

    def place(self, position: int, frame: pd.DataFrame | None = None) -> Place:
        """Where a row of one of its frames stands in the file."""
        row = None if frame is None else line(frame.index[position])
        return Place(str(self.path), row=row)


def open_parquet(
    path: Path,
    formula: Formula,
    coding: Coding,
    *,
    intercept: bool,
    weights: str | None,
    frequency: bool,
    offset: str | None,
    clusters: Sequence[str],
    extras: Sequence[str],
    subset: str | None = None,
) -> ParquetSample:
    """The sample of a file, with all levels of its categories and without collinear columns.

    Raises
    ------
    ModelError : the formula needs a whole column at once, lags or absorbed effects; no row is complete.
    DataError : no such file or column; a value that the outcome must not hold.
    """
    if formula.absorbed or formula.slopes or formula.shifts:
        raise ModelError(
            "a Parquet file is fitted without absorbed effects and without lags",
            remedy="Read it with pd.read_parquet",
        )
    if _STATEFUL.search(formula.regressors):
        raise ModelError(
            "a term of the formula needs the whole column at once", remedy="Compute it in the file first"
        )
    if not path.exists():
        raise DataError("no such file", Place(str(path)))
    ways = [part.strip() for way in clusters for part in way.split("^")]
    used = [name for text in (offset, subset, *extras) if text for name in variables_of(text)]
    columns = tuple(dict.fromkeys([*formula.variables, *used, *ways, *([weights] if weights else [])]))
    require(pads.dataset(path).schema.empty_table().to_pandas(), columns)
    sample = ParquetSample(
        path, formula, coding, columns, weights, frequency, offset, tuple(extras), tuple(clusters), subset
    )
    return _measured(_designed(_with_levels(sample), intercept))


def _with_levels(sample: ParquetSample) -> ParquetSample:
    """With the levels of its categorical columns, found in one pass."""
    schema, formula = pads.dataset(sample.path).schema, sample.formula
    in_c = {
        name
        for expression in formula.regressor_expressions
        if expression.startswith(("C(", "i("))
        for name in variables_of(expression)
    }
    text = {
        name
        for name in formula.current_columns
        if not pd.api.types.is_numeric_dtype(schema.field(name).type.to_pandas_dtype())
    }
    answers = {unquote(outcome) for outcome in formula.outcomes}
    wanted = (in_c | text | answers) if sample.coding.categorical else (in_c | text) - answers
    found: dict[str, set[Any]] = {name: set() for name in wanted}
    for frame in sample._complete() if wanted else ():
        for name, values in found.items():
            values.update(frame[name].unique())
    return replace(sample, levels={name: sorted(values) for name, values in sorted(found.items())})


def _designed(sample: ParquetSample, intercept: bool) -> ParquetSample:
    """With the design of its regressors, whose first rows hold every level once."""
    head = next(sample._complete(), None)
    if head is None:
        raise ModelError("no observation is left", remedy="Every row of the file misses a value")
    head = head.head(_HEAD)
    rows = [
        head.iloc[[0]].assign(**{c: pd.Categorical([v], levels)})
        for c, levels in sample.levels.items()
        for v in levels
    ]
    spec, _ = regressors(sample.formula, pd.concat([head, *rows], ignore_index=True))
    names = [plain(name) for name in spec.column_names]
    kept = [i for i, name in enumerate(names) if intercept or name != "Intercept"]
    return replace(sample, design=Design(spec, tuple(kept), tuple(names[i] for i in kept)))


def _measured(sample: ParquetSample) -> ParquetSample:
    """With its moments, and without collinear regressors, which are warned of."""
    k = len(sample.names)
    relations = None
    triangle = np.empty((0, k + 1))
    rows, mass, shift, sums = 0, 0.0, 0.0, np.zeros(2)
    witnesses: list[Array] = []
    counts: dict[float, float] | None = {}
    for frame in sample._complete():
        answers, batch = sample._answers(frame), sample._batch(frame)
        w = np.ones(len(batch.X)) if batch.weights is None else batch.weights
        wide = np.column_stack([np.ones(len(batch.X)), batch.X])
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, wide]), mode="r"))
        rows, mass = rows + len(w), mass + float(w.sum())
        value = batch.y if batch.y.ndim == 1 else batch.y[:, 0]
        sums += [w @ value, w @ value**2]
        shift += 0.0 if batch.offset is None else float(w @ batch.offset)
        witnesses.append(_witnesses(answers.y))
        counts = _counted(counts, value, w)
    first = next(sample._complete())
    answers = replace(sample._answers(first), y=np.concatenate(witnesses))
    sample.coding.check(answers, rows)
    design = sample.design
    keep = _independent(triangle, "Intercept" in design.names)
    if not keep.all():
        lost = ", ".join(name for name, kept in zip(design.names, keep, strict=True) if not kept)
        warn(f"dropped because collinear with other regressors: {lost}")
        at = np.flatnonzero(keep)
        design = replace(
            design,
            kept=tuple(design.kept[i] for i in at),
            names=tuple(design.names[i] for i in at),
        )
        relations = relations_of_triangle(design, triangle, keep)
        triangle = triangle[:, np.append(True, keep)]
    values, weights = _two_moments(sums / mass, mass)
    if counts:
        values, weights = np.array(list(counts)), np.array(list(counts.values()))
    return replace(
        sample, design=design, relations=relations,
        moments=Moments(triangle, rows, mass, values, weights, shift / mass),
    )  # fmt: skip


def _independent(triangle: Array, centred: bool) -> NDArray[np.bool_]:
    """Regressors that earlier ones leave something of, beside what the constant takes if there is one."""
    columns = triangle[:, 1:]
    scale = np.linalg.norm(columns, axis=0)
    if centred:
        spread = np.linalg.norm(triangle[1:, 1:], axis=0)
        scale = np.where(spread > 1e-13 * scale, spread, scale)
    return independent_columns(columns, scale, 1e-9)


_MOST_VALUES = 64


def _counted(counts: dict[float, float] | None, y: Array, w: Array) -> dict[float, float] | None:
    """Mass of each value of the outcome while they are few; None when they are many."""
    values, place = np.unique(y, return_inverse=True)
    if counts is None or len(values) > _MOST_VALUES:
        return None
    for value, mass in zip(values, np.bincount(place, w), strict=True):
        counts[float(value)] = counts.get(float(value), 0.0) + float(mass)
    return counts if len(counts) <= _MOST_VALUES else None


def _two_moments(moments: Array, mass: float) -> tuple[Array, Array]:
    """Two values with the mean and the variance of the outcome."""
    deviation = np.sqrt(max(moments[1] - moments[0] ** 2, 0.0))
    return moments[0] + deviation * np.array([-1.0, 1.0]), np.full(2, mass / 2.0)


def _witnesses(y: Array) -> Array:
    """Rows that show whether the outcome varies: the ends of a number, the combinations of several."""
    return np.array([y.min(), y.max()]) if y.ndim == 1 else np.unique(y, axis=0)


def _no_codes(column: str) -> np.ndarray:
    raise ModelError(f"'{column}' was not read from the file", remedy="Name it in vcov= when estimating")
