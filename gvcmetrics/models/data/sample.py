"""Formula + frame → `Sample`: the estimation sample and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, EstimationWarning, ModelError, Place
from gvcmetrics.ground.numerics.demean import demean, independent_columns, singletons
from gvcmetrics.lineage import KEY, lineage_of, raw_columns
from gvcmetrics.models.data.design import Design, evaluate, plain, regressors, require, with_shifts
from gvcmetrics.models.data.formula import Formula, refuse_code, unquote, variables_of

_EXACT_TOLERANCE, _DEMEANED_TOLERANCE = 1e-9, 1e-6


@dataclass(frozen=True, eq=False)
class Sample:
    """The estimation sample: arrays of n rows, and what is needed to name and repeat them.

    Attributes
    ----------
    y : (n,) float, or (n, m) for m outcomes; category positions 0 … J−1 when `categories` is set.
    X : (n, k) float, C-contiguous; `names` are its columns.
    absorbed : effect name → codes (n,) int32.
    unit, time : codes (n,) or None; `unit_labels`, `time_labels` say what each code is, sorted.
    clusters : name → codes.
    weights : (n,) or None; `frequency` says that a row stands for `weights` equal rows.
    rows : positions of the sample's rows in the user's frame.
    dropped : reason → number of rows.
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
    unit: np.ndarray | None = None
    time: np.ndarray | None = None
    unit_name: str | None = None
    time_name: str | None = None
    unit_labels: pd.Index | None = None
    time_labels: pd.Index | None = None
    clusters: Mapping[str, np.ndarray] = field(default_factory=dict)
    weights: np.ndarray | None = None
    weights_name: str | None = None
    frequency: bool = False
    offset: np.ndarray | None = None
    offset_name: str | None = None
    categories: tuple[Any, ...] | None = None
    categories_ordered: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)

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
        return _take(self.source, self.rows)[list(self.formula.current_columns)]

    def codes(self, column: str) -> np.ndarray:
        """Group codes of any column of the user's frame (`a^b` crosses two), for the sample's rows."""
        if column in self.clusters:
            return self.clusters[column]
        parts = (
            [unquote(part.strip()) for part in column.split("^")] if column not in self.source else [column]
        )
        for part in parts:
            require(self.source, [part])
        taken = _take(self.source, self.rows)[parts]
        missing = taken.isna().any(axis=1).to_numpy()
        if missing.any():
            raise DataError(
                f"{int(missing.sum())} rows of the estimation sample have no group",
                Place(row=int(self.rows[missing.argmax()]) + 2, column=column),
                "Name the column in vcov= when estimating, so that these rows are left out, or fill it",
            )
        return group_codes(taken)[0]

    def labels(self, column: str) -> list[str]:
        """What the groups of `codes(column)` are called, in the order of their codes."""
        parts = [column] if column in self.source else [unquote(part.strip()) for part in column.split("^")]
        first = self.rows[np.unique(self.codes(column), return_index=True)[1]]
        named = self.source[parts].iloc[first].astype(str)
        return [" ^ ".join(row) for row in named.itertuples(index=False, name=None)]

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
            clusters={name: recode(codes) for name, codes in self.clusters.items()},
            unit=None if self.unit is None else recode(self.unit),
            time=None if self.time is None else recode(self.time),
            unit_labels=labels(self.unit, self.unit_labels),
            time_labels=labels(self.time, self.time_labels),
            weights=None if self.weights is None else self.weights[rows],
            offset=None if self.offset is None else self.offset[rows],
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


def build_sample(
    formula: str | Formula,
    data: pd.DataFrame,
    *,
    unit: str | None = None,
    time: str | None = None,
    weights: str | None = None,
    frequency: bool = False,
    offset: str | None = None,
    clusters: Sequence[str] = (),
    response: Literal["numeric", "categorical"] = "numeric",
    trusted: bool = True,
) -> Sample:
    """Build the estimation sample.

    Rows that miss any used value, rows of weight zero and singletons of absorbed effects are
    dropped and counted; collinear regressors are dropped with a warning that names them.

    Parameters
    ----------
    formula : text, or a parsed `Formula`.
    data : the user's frame; it is not changed.
    unit, time : columns with the panel's unit and period.
    weights : column of weights; `frequency=True` when a row stands for that many equal rows.
    offset : column or expression added to the index with coefficient one.
    clusters : columns of cluster codes that the covariance will need (`a^b` crosses two).
    response : `categorical` codes the outcome as positions in its sorted categories.
    trusted : False refuses formulas that would run code.

    Raises
    ------
    DataError : a column is absent, infinite, of the wrong type, or weights are negative.
    ModelError : the formula cannot be read, or no observation is left, or a regressor is made from
        the same raw variable as the outcome (by `data.attrs["lineage"]`; what is behind `unit`, `time` and
        `weights` may be shared, and a lag `L(…)` or lead `F(…)` shares nothing).
    """
    if not isinstance(data, pd.DataFrame):
        raise DataError(
            f"data must be a pandas DataFrame, not {type(data).__name__}", remedy="Call .to_pandas()"
        )
    if not isinstance(formula, Formula):
        formula = Formula.parse(formula, trusted=trusted)
    if offset and not trusted:
        refuse_code(offset)
    cluster_columns = {name: [unquote(part.strip()) for part in name.split("^")] for name in clusters}
    cluster_columns.update({name: [name] for name in clusters if name in data})
    keys = [*formula.absorbed_columns, *(c for columns in cluster_columns.values() for c in columns)]
    keys += [name for name in (unit, time, weights) if name]
    offset_columns = variables_of(offset) if offset else ()
    require(data, [*formula.variables, *offset_columns, *keys])
    _refuse_shared_lineage(formula, data, [name for name in (unit, time, weights) if name])
    _refuse_impossible_regressors(formula, data)

    source = with_shifts(data.copy(deep=False), formula.shifts, unit, time)
    used = list(dict.fromkeys([*formula.current_columns, *offset_columns, *keys]))
    keep, dropped = _complete_rows(source, used, weights)
    while True:
        rows = np.flatnonzero(keep)
        if len(rows) == 0:
            reasons = ", ".join(f"{reason} ({count})" for reason, count in dropped.items())
            raise ModelError(
                "no observation is left", remedy=f"Rows were dropped: {reasons or 'the frame is empty'}"
            )
        frame = _used_frame(source, rows, used)
        spec, X = regressors(formula, frame)
        outcome, categories, ordered = _outcome(formula, frame, response, source)
        shift = evaluate(offset, frame) if offset else None
        computed = [X, outcome.reshape(len(rows), -1), *([] if shift is None else [shift[:, None]])]
        if all(_all_finite(block) for block in computed):
            break
        undefined = np.zeros(len(rows), dtype=bool)
        for block in computed:
            undefined |= np.isnan(block).any(axis=1)
        if not undefined.any():
            break
        dropped["undefined value of a computed term"] = int(undefined.sum())
        keep[rows[undefined]] = False
    names = [plain(name) for name in spec.column_names]
    _refuse_infinite(X, names, rows, "regressor")
    _refuse_infinite(outcome.reshape(len(rows), -1), [*formula.outcomes], rows, "outcome")
    kept = [position for position, name in enumerate(names) if not (formula.absorbed and name == "Intercept")]
    X = X if len(kept) == len(names) else X[:, kept]
    names = [names[position] for position in kept]

    unit_codes, unit_labels = group_codes(frame[[unit]]) if unit else (None, None)
    time_codes, time_labels = group_codes(frame[[time]]) if time else (None, None)
    sample = Sample(
        formula=formula,
        y=outcome,
        X=np.ascontiguousarray(X),
        names=tuple(names),
        outcome=tuple(plain(name) for name in formula.outcomes),
        design=Design(spec, tuple(kept), tuple(names), formula.shifts, unit, time),
        rows=rows,
        source=source,
        absorbed={"^".join(columns): group_codes(frame[[*columns]])[0] for columns in formula.absorbed},
        unit=unit_codes,
        time=time_codes,
        unit_name=unit,
        time_name=time,
        unit_labels=unit_labels,
        time_labels=time_labels,
        clusters={name: group_codes(frame[columns])[0] for name, columns in cluster_columns.items()},
        weights=frame[weights].to_numpy(dtype=np.float64) if weights else None,
        weights_name=weights,
        frequency=frequency,
        offset=shift,
        offset_name=offset,
        categories=categories,
        categories_ordered=ordered,
        dropped=dropped,
    )
    if sample.absorbed and not (frequency and weights):
        sample = sample.select(~singletons([*sample.absorbed.values()]), "singleton of an absorbed effect")
    return drop_collinear(sample, [*sample.absorbed.values()])


def drop_collinear(sample: Sample, within: Sequence[np.ndarray] = ()) -> Sample:
    """Drop regressors that are linear combinations of earlier ones, given effects `within`; warn by name."""
    if sample.X.shape[1] == 0:
        return sample
    n = len(sample.X)
    centre = np.full(n, 1.0 / n) @ sample.X
    square = np.einsum("ij,ij->j", sample.X, sample.X)
    scale = np.sqrt(np.maximum(square - n * centre**2, 0.0))
    for j in np.flatnonzero(scale <= 1e-3 * np.sqrt(square)):
        if (sample.X[:, j] == sample.X[0, j]).all():
            scale[j] = 0.0 if within else np.sqrt(n) * np.abs(sample.X[0, j])
    columns = demean(sample.X, within, sample.weights) if within else sample.X
    tolerance = _DEMEANED_TOLERANCE if within else _EXACT_TOLERANCE
    keep = independent_columns(columns, scale, tolerance)
    if keep.all():
        return sample
    lost = [name for name, kept in zip(sample.names, keep, strict=True) if not kept]
    because = "other regressors and the absorbed effects" if within else "other regressors"
    warnings.warn(
        f"dropped because collinear with {because}: {', '.join(lost)}", EstimationWarning, stacklevel=3
    )
    return sample.keep_columns(keep)


def group_codes(frame: pd.DataFrame) -> tuple[np.ndarray, pd.Index]:
    """Codes 0 … G−1 of the distinct rows of one or more columns, in sorted order, and their labels."""
    if frame.shape[1] == 1:
        codes, labels = pd.factorize(frame.iloc[:, 0], sort=True)
        return codes.astype(np.int32), pd.Index(labels)
    grouped = frame.groupby(list(frame.columns), sort=True, observed=True, dropna=False)
    return grouped.ngroup().to_numpy().astype(np.int32), pd.Index(list(grouped.groups))


def _refuse_shared_lineage(formula: Formula, data: pd.DataFrame, design: Sequence[str]) -> None:
    lineage = lineage_of(data)
    if not lineage:
        return
    made = {shift.name: shift for shift in formula.shifts}

    def columns(expressions: Sequence[str]) -> list[str]:
        names = [name for expression in expressions for name in variables_of(expression)]
        current = [name for name in names if name not in made]
        # A lag makes a dynamic model and shares nothing; a difference holds today's value.
        differences = [made[name].argument for name in names if name in made and made[name].operator == "D"]
        return current + columns(differences) if differences else current

    # Two weighted measures are not thereby made from one another.
    allowed = {*design, *raw_columns(data, *design)}
    outcomes = {name: raw_columns(data, name) for name in columns(formula.outcomes)}
    for regressor in columns(formula.regressor_expressions):
        behind = set(raw_columns(data, regressor)) - allowed
        for outcome, sources in outcomes.items():
            shared = behind.intersection(sources)
            recorded = [name for name in (regressor, outcome) if name in lineage]
            if shared and recorded:
                name = recorded[0]
                strike = (
                    f"strike the record: data.attrs['lineage'].pop('{name}')"
                    if name in data.attrs.get(KEY, {})
                    else f"rename '{name}', which is then a column of your own"
                )
                raise ModelError(
                    f"regressor '{regressor}' and outcome '{outcome}' are made from the same raw variable "
                    f"'{min(shared)}'",
                    remedy="Its coefficient would be partly an identity: use another measure, or a lag L(…). "
                    f"If it is meant, {strike}",
                )


def _refuse_impossible_regressors(formula: Formula, data: pd.DataFrame) -> None:
    for outcome in formula.outcomes:
        if unquote(outcome) in [unquote(expression) for expression in formula.regressor_expressions]:
            raise ModelError(
                f"'{plain(outcome)}' is the outcome and a regressor", remedy="Take one of them out"
            )
    for column in formula.variables:
        if pd.api.types.is_datetime64_any_dtype(data[column].dtype):
            raise DataError(
                "dates cannot be used as numbers",
                Place(column=column),
                "Make a column of years or of periods",
            )


def _complete_rows(
    source: pd.DataFrame, used: Sequence[str], weights: str | None
) -> tuple[np.ndarray, dict[str, int]]:
    keep = np.ones(len(source), dtype=bool)
    dropped: dict[str, int] = {}
    for column in used:
        lost = keep & source[column].isna().to_numpy()
        if lost.any():
            dropped[f"missing {column}"] = int(lost.sum())
            keep &= ~lost
    if weights:
        if not pd.api.types.is_numeric_dtype(source[weights]):
            raise DataError(f"weights must be numbers, not {source[weights].dtype}", Place(column=weights))
        values = source[weights].to_numpy(dtype=np.float64, na_value=np.nan)
        bad = keep & ((values < 0) | np.isinf(values))
        if bad.any():
            row = int(bad.argmax())
            raise DataError(
                f"weight {values[row]:g}; {int(bad.sum())} weights are negative or infinite",
                Place(row=row + 2, column=weights),
                "Weights are positive numbers; zero leaves the row out",
            )
        lost = keep & (values == 0)
        if lost.any():
            dropped["zero weight"] = int(lost.sum())
            keep &= ~lost
    return keep, dropped


def _take(source: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    return source if len(rows) == len(source) else source.iloc[rows]


def _used_frame(source: pd.DataFrame, rows: np.ndarray, used: Sequence[str]) -> pd.DataFrame:
    frame = _take(source[list(used)], rows).reset_index(drop=True)
    for column, dtype in zip(used, frame.dtypes, strict=True):
        if isinstance(dtype, pd.CategoricalDtype):
            frame[column] = frame[column].cat.remove_unused_categories()
        elif pd.api.types.is_object_dtype(dtype):
            frame[column] = frame[column].infer_objects()
    return frame


def _outcome(
    formula: Formula, frame: pd.DataFrame, response: str, source: pd.DataFrame
) -> tuple[np.ndarray, tuple[Any, ...] | None, bool]:
    if response == "numeric":
        values = [evaluate(outcome, frame) for outcome in formula.outcomes]
        return (values[0] if len(values) == 1 else np.column_stack(values)), None, False
    column = unquote(formula.outcomes[0])
    if len(formula.outcomes) != 1 or column not in frame:
        raise ModelError(
            "a categorical outcome is one column", remedy="Compute the categories in the frame first"
        )
    answers = frame[column]
    ordered = isinstance(answers.dtype, pd.CategoricalDtype) and bool(answers.cat.ordered)
    if isinstance(answers.dtype, pd.CategoricalDtype):
        for category in source[column].cat.categories.difference(answers.cat.categories, sort=False):
            warnings.warn(
                f"category '{category}' of '{column}' has no observation and is left out of the model",
                EstimationWarning,
                stacklevel=3,
            )
        codes, labels = answers.cat.codes.to_numpy(), answers.cat.categories
    else:
        codes, labels = pd.factorize(answers, sort=True)
        ordered = pd.api.types.is_numeric_dtype(answers)
    return codes.astype(np.float64), tuple(labels.tolist()), ordered


def _all_finite(values: np.ndarray) -> bool:
    """Whether the sum is finite, which spares looking at each value; False when it overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()))


def _refuse_infinite(values: np.ndarray, names: Sequence[str], rows: np.ndarray, role: str) -> None:
    infinite = np.isinf(values) if not _all_finite(values) else np.zeros(0)
    if infinite.any():
        row, position = np.argwhere(infinite)[0]
        raise DataError(
            f"the {role} is infinite in {int(infinite[:, position].sum())} rows",
            Place(row=int(rows[row]) + 2, column=plain(names[position])),
            "A logarithm of zero? Take these rows out, or use asinh(…) or log1p(…)",
        )
