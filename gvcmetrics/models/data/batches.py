"""Pooled discrete models of a Parquet file that does not fit into memory.

The file is read batch by batch, once for its categories, once for its moments, once for each Newton step
and once for the scores; nothing of its length is ever held. The estimates are those of the same
sample in memory, to rounding.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as pads

from gvcmetrics.errors import DataError, EstimationWarning, ModelError, Place
from gvcmetrics.ground.numerics.demean import independent_columns
from gvcmetrics.models.data.design import Design, evaluate, plain, regressors, require
from gvcmetrics.models.data.formula import Formula, unquote, variables_of
from gvcmetrics.models.effects.pooled import parameter_names
from gvcmetrics.models.engine.conclude import Problem, inverse_information, solve
from gvcmetrics.models.engine.likelihood import Batch, Likelihood
from gvcmetrics.models.families.base import Array, Family
from gvcmetrics.models.inference.covariance import Inference, Vcov, covariance
from gvcmetrics.models.results.results import Results

BATCH_ROWS = 262_144
_HEAD = 2_000
_STATEFUL = re.compile(r"\b(center|scale|standardize|poly|bs|cr|cs|cc|Q)\(")


@dataclass
class _Moments:
    """What a pass over the regressors leaves: triangle of the QR, sums of y, rows, and rows dropped."""

    triangle: Array
    rows: int = 0
    mass: float = 0.0
    sums: Array = field(default_factory=lambda: np.zeros(2))
    counts: dict[float, float] = field(default_factory=dict)
    totals: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class ParquetSample:
    """A formula and a file: every pass yields cleaned frames of at most `BATCH_ROWS` rows."""

    path: Path
    formula: Formula
    columns: tuple[str, ...]
    outcome: str
    weights: str | None
    offset: str | None
    clusters: tuple[str, ...]
    categorical: bool
    levels: Mapping[str, list[Any]] = field(default_factory=dict)

    def frames(self) -> Iterator[pd.DataFrame]:
        """Complete rows, batch by batch, with categories as Categoricals of all levels of the file."""
        for record in pads.dataset(self.path).to_batches(
            columns=list(self.columns), batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1
        ):
            frame = record.to_pandas().dropna()
            if self.weights:
                if (frame[self.weights] < 0).any():
                    raise DataError("a weight is negative", Place(str(self.path), column=self.weights))
                frame = frame[frame[self.weights] > 0]
            for column, levels in self.levels.items():
                frame[column] = pd.Categorical(frame[column], categories=levels)
            if len(frame):
                yield frame.reset_index(drop=True)

    def with_levels(self) -> ParquetSample:
        """The same with the levels of its categorical columns, found in one pass."""
        schema = pads.dataset(self.path).schema
        in_c = {
            name
            for expression in self.formula.regressor_expressions
            if expression.startswith("C(")
            for name in variables_of(expression)
        }
        text = {
            name
            for name in self.formula.current_columns
            if not pd.api.types.is_numeric_dtype(schema.field(name).type.to_pandas_dtype())
        }
        wanted = (in_c | text) - ({self.outcome} if not self.categorical else set())
        if self.categorical:
            wanted |= {self.outcome}
        found: dict[str, set[Any]] = {name: set() for name in wanted}
        for frame in self.frames():
            for name, values in found.items():
                values.update(frame[name].unique())
        return replace(self, levels={name: sorted(values) for name, values in sorted(found.items())})

    def values(self, frame: pd.DataFrame) -> Array:
        """The outcome of a frame: category positions, or numbers."""
        if self.categorical:
            return np.asarray(frame[self.outcome].cat.codes, dtype=np.float64)
        return evaluate(self.formula.outcomes[0], frame)


def fit_parquet(response: Any, call: str, path: Path, formula: Formula, asked: Vcov, options: Any) -> Results:
    """Estimate a pooled model of a file; see the module."""
    if options["effects"] != "pooled" or options.get("firth") or formula.absorbed or formula.shifts:
        raise ModelError(
            "a Parquet file is fitted with pooled effects and without lags",
            remedy="Read it with pd.read_parquet",
        )
    if _STATEFUL.search(formula.regressors):
        raise ModelError(
            "a term of the formula needs the whole column at once", remedy="Compute it in the file first"
        )
    sample = _open(response, path, formula, asked, options).with_levels()
    design, moments = _survey(sample, response)
    family = _family(response, sample)
    names, blocks = parameter_names(family, design.names, [str(v) for v in _labels(sample)[1:]])
    k = len(design.names)
    source = _Source(sample, design, response)
    likelihood = Likelihood(family, tuple(np.arange(k) for _ in range(family.n_indices)), source)
    problem = Problem(
        evaluate=likelihood.evaluate,
        scores=likelihood.scores,
        names=names,
        start=_start(family, design, moments),
        spreads=np.concatenate(
            [np.tile(_spreads(moments), family.n_indices), np.zeros(len(family.constants))]
        ),
        blocks=blocks,
    )
    optimum, free = solve(problem, options["fix"])
    bread = np.zeros((len(free), len(free)))
    bread[np.ix_(free, free)] = inverse_information(-optimum.hessian[np.ix_(free, free)])
    if options["weights"] and not options["frequency"] and asked.kind == "iid":
        asked = Vcov("hetero")
    scores, codes = _score_sums(sample, likelihood, source, optimum.theta, asked, options["frequency"])
    inference = Inference(
        scores=scores, bread=bread, linear=False, parameters=int(free.sum()), estimates=optimum.theta,
        nobs=round(moments.mass) if options["frequency"] else moments.rows,
    )  # fmt: skip
    made = covariance(asked, inference, codes)
    index = pd.Index(list(names), dtype=object)
    return Results(
        model=response.title,
        params=pd.Series(optimum.theta, index=index, name="estimate"),
        cov=pd.DataFrame(made.matrix, index=index, columns=index),
        nobs=inference.nobs,
        df=made.df,
        df_resid=float(inference.nobs - inference.parameters),
        vcov_label=made.label,
        n_clusters=made.n_clusters,
        outcome=plain(formula.outcomes[0]),
        formula=formula.text,
        call=call,
        loglik=optimum.loglik,
        converged=optimum.converged,
        blocks=blocks,
        inference=inference,
        codes=codes,
        notes=(f"Fitted batch by batch from {path.name}.",),
    )


class _Source:
    """Passes over the file as batches of (y, X)."""

    def __init__(self, sample: ParquetSample, design: Design, response: Any) -> None:
        self.sample, self.design, self.response = sample, design, response

    def __call__(self) -> Iterator[Batch]:
        for frame in self.sample.frames():
            yield self.batch(frame)

    def batch(self, frame: pd.DataFrame) -> Batch:
        sample = self.sample
        X = self.design.matrix(frame)
        if not np.isfinite(X).all():
            name = self.design.names[int((~np.isfinite(X)).any(axis=0).argmax())]
            raise DataError("a regressor is infinite or undefined", Place(str(sample.path), column=name))
        weights = frame[sample.weights].to_numpy(dtype=np.float64) if sample.weights else None
        offset = evaluate(sample.offset, frame) if sample.offset else None
        return Batch(sample.values(frame), X, weights, offset)


def _open(response: Any, path: Path, formula: Formula, asked: Vcov, options: Any) -> ParquetSample:
    if not path.exists():
        raise DataError("no such file", Place(str(path)))
    clusters = tuple(asked.clusters) if asked.kind == "CRV1" else ()
    if asked.kind not in ("iid", "hetero", "CRV1"):
        raise ModelError(f"{asked.kind} errors need the sample in memory", remedy="Use iid, hetero or CRV1")
    offset = options["offset"]
    extra = [*(variables_of(offset) if offset else ()), *clusters, *filter(None, [options["weights"]])]
    columns = tuple(dict.fromkeys([*formula.variables, *extra]))
    require(pads.dataset(path).schema.empty_table().to_pandas(), columns)
    outcome = unquote(formula.outcomes[0])
    return ParquetSample(
        path, formula, columns, outcome, options["weights"], offset, clusters, response.categorical
    )


def _survey(sample: ParquetSample, response: Any) -> tuple[Design, _Moments]:
    """The design with all levels of the file, without collinear columns, and the moments of the sample."""
    head = next(sample.frames(), None)
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
    kept = [i for i, name in enumerate(names) if response.intercept or name != "Intercept"]
    design = Design(spec, tuple(kept), tuple(names[i] for i in kept))
    moments = _Moments(np.empty((0, len(kept))), totals=np.zeros(len(kept)))
    for frame in sample.frames():
        y, X = sample.values(frame), design.matrix(frame)
        w = frame[sample.weights].to_numpy(dtype=np.float64) if sample.weights else np.ones(len(y))
        _check(response, sample, y)
        moments.triangle = np.asarray(np.linalg.qr(np.vstack([moments.triangle, X]), mode="r"))
        moments.rows += len(y)
        moments.mass += float(w.sum())
        moments.sums += [w @ y, w @ y**2]
        moments.totals += X.sum(axis=0)
        if sample.categorical:
            for value, mass in enumerate(np.bincount(y.astype(int), w, len(_labels(sample)))):
                moments.counts[value] = moments.counts.get(value, 0.0) + float(mass)
    mean = moments.sums[0] / moments.mass
    if moments.sums[1] / moments.mass - mean**2 <= 1e-12 * max(1.0, mean**2):
        raise ModelError(f"the outcome '{sample.outcome}' is the same in all {moments.rows} rows")
    size = np.linalg.norm(moments.triangle, axis=0)
    keep = independent_columns(moments.triangle, size, 1e-9)
    if not keep.all():
        lost = ", ".join(name for name, k in zip(design.names, keep, strict=True) if not k)
        warnings.warn(
            f"dropped because collinear with other regressors: {lost}", EstimationWarning, stacklevel=6
        )
        positions = np.flatnonzero(keep)
        design = replace(
            design, kept=tuple(kept[i] for i in positions), names=tuple(design.names[i] for i in positions)
        )
        moments.triangle, moments.totals = moments.triangle[:, keep], moments.totals[keep]
    return design, moments


def _check(response: Any, sample: ParquetSample, y: Array) -> None:
    """Refuse values that the outcome may not take; a batch may be constant."""
    beside = SimpleNamespace(
        y=np.append(y, [0.0, 1.0]), rows=np.arange(len(y) + 2), outcome=(sample.outcome,),
        categories=_labels(sample), categories_ordered=True,
    )  # fmt: skip
    response.outcome(beside)


def _labels(sample: ParquetSample) -> list[Any]:
    return sample.levels[sample.outcome] if sample.categorical else []


def _family(response: Any, sample: ParquetSample) -> Family:
    return response.family(SimpleNamespace(categories=tuple(_labels(sample))))


def _start(family: Family, design: Design, moments: _Moments) -> Array:
    """Zero slopes and the constants of a model without regressors, from two points with y's moments."""
    mean = moments.sums[0] / moments.mass
    if moments.counts:
        y, w = np.array(list(moments.counts)), np.array(list(moments.counts.values()))
    elif family.outcomes is not None:
        y, w = np.array([0.0, 1.0]), moments.mass * np.array([1.0 - mean, mean])
    else:
        deviation = np.sqrt(moments.sums[1] / moments.mass - mean**2)
        y, w = mean + deviation * np.array([-1.0, 1.0]), np.full(2, moments.mass / 2.0)
    intercepts, constants = family.start(y.astype(np.float64), w)
    start = np.zeros((family.n_indices, len(design.names)))
    if "Intercept" in design.names:
        start[:, design.names.index("Intercept")] = intercepts
    return np.concatenate([start.ravel(), constants])


def _spreads(moments: _Moments) -> Array:
    square = (moments.triangle**2).sum(axis=0) / moments.rows
    mean = moments.totals / moments.rows
    variance = square - mean**2
    return np.where(variance > 1e-12 * square, np.sqrt(np.maximum(variance, 0.0)), np.sqrt(square))


def _score_sums(
    sample: ParquetSample, likelihood: Likelihood, source: _Source, theta: Array, asked: Vcov, frequency: bool
) -> tuple[Array, Any]:
    """Scores summed by combination of clusters; without clusters, rows with the same cross-product.

    Returns the sums and the codes of each cluster column for them.
    """
    p = len(theta)
    if asked.kind != "CRV1":
        meat = np.zeros((p, p))
        if asked.kind == "hetero":
            for frame in sample.frames():
                batch = source.batch(frame)
                s = _scores(likelihood, batch, theta)
                meat += s.T @ (s / batch.weights[:, None] if frequency and batch.weights is not None else s)
        values, vectors = np.linalg.eigh(meat)
        return (vectors * np.sqrt(np.maximum(values, 0.0))).T, _no_codes
    columns = [part.strip() for way in sample.clusters for part in way.split("^")]
    sums: pd.DataFrame | None = None
    for frame in sample.frames():
        batch = source.batch(frame)
        scores = _scores(likelihood, batch, theta)
        part = pd.DataFrame(scores).groupby([frame[c].to_numpy() for c in columns], observed=True).sum()
        sums = part if sums is None else sums.add(part, fill_value=0.0)
    assert sums is not None
    keys = sums.index.to_frame(index=False)
    keys.columns = pd.Index(columns)

    def codes(way: str) -> np.ndarray:
        parts = [part.strip() for part in way.split("^")]
        if not set(parts) <= set(columns):
            raise ModelError(f"'{way}' was not read from the file", remedy="Name it in vcov= when estimating")
        return keys.groupby(parts, sort=True).ngroup().to_numpy()

    return sums.to_numpy(), codes


def _scores(likelihood: Likelihood, batch: Batch, theta: Array) -> Array:
    return replace(likelihood, source=lambda: (batch,)).scores(theta)


def _no_codes(column: str) -> np.ndarray:
    raise ModelError(f"'{column}' was not read from the file", remedy="Name it in vcov= when estimating")
