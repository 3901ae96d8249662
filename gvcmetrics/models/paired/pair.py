"""The rows of a model of two equations: one matrix of regressors, and which of its columns each one takes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.build import build_sample
from gvcmetrics.models.data.design import regressors
from gvcmetrics.models.data.formula import Formula, parsed, unquote
from gvcmetrics.models.data.sample import Sample, independent_regressors
from gvcmetrics.models.data.scaling import moments_of
from gvcmetrics.models.data.spelling import original, plain
from gvcmetrics.models.engine.request import Request

Columns = NDArray[np.intp]


@dataclass(frozen=True)
class Pair:
    """A sample with the regressors of both equations, and the columns of each. titles : of the equations."""

    sample: Sample
    columns: tuple[Columns, Columns]
    titles: tuple[str, str]

    @property
    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Regressors by equation."""
        first, second = (tuple(self.sample.names[c] for c in columns) for columns in self.columns)
        return first, second

    @property
    def sizes(self) -> tuple[int, int]:
        """How many regressors each equation has."""
        return len(self.columns[0]), len(self.columns[1])

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all coefficients, `equation: regressor`."""
        return tuple(
            f"{title}: {name}" for title, own in zip(self.titles, self.names, strict=True) for name in own
        )

    @property
    def blocks(self) -> dict[str, tuple[str, ...]]:
        """The coefficients of each equation."""
        k = self.sizes[0]
        return {self.titles[0]: self.parameters[:k], self.titles[1]: self.parameters[k:]}

    def X(self, equation: int) -> Array:
        """The regressors of an equation."""
        return self.sample.X[:, self.columns[equation]]

    def expand(self, constants: int) -> Array:
        """From the parameters to coefficients of every regressor in both equations, then the constants."""
        width, (k, _) = len(self.sample.names), self.sizes
        made = np.zeros((2 * width + constants, sum(self.sizes) + constants))
        for j, columns in enumerate(self.columns):
            made[j * width + columns, j * k + np.arange(len(columns))] = 1.0
        at = np.arange(constants)
        made[2 * width + at, sum(self.sizes) + at] = 1.0
        return made

    @cached_property
    def excluded(self) -> tuple[str, ...]:
        """Regressors of the second equation that the first one lacks."""
        first, second = self.names
        return tuple(name for name in second if name not in first)


def pair(
    request: Request,
    formula: Formula,
    second: Formula,
    titles: tuple[str, str],
    *,
    needed: Sequence[str] = (),
) -> Pair:
    """The rows on which both equations are known.

    formula, second : the equations; the outcome is the first one's. needed : `extras` of the sample.

    Raises
    ------
    ModelError : an equation absorbs effects, or a categorical term means one thing alone and another beside
        the terms of the other equation.
    """
    for equation in (formula, second):
        if equation.absorbed:
            raise ModelError(
                f"{request.function.__name__} does not absorb effects",
                remedy="Write the effect among the regressors, as C(year)",
            )
    both = replace(
        formula,
        regressors=_joined(formula, second),
        shifts=tuple({shift.name: shift for shift in (*formula.shifts, *second.shifts)}.values()),
    )
    with warnings.catch_warnings():
        # What is collinear is judged in each equation by itself.
        warnings.filterwarnings("ignore", "dropped because collinear", EstimationWarning)
        sample = build_sample(
            both, request.data, unit=request.unit, time=request.time, step=request.step,
            weights=request.weights, frequency=request.frequency, offset=request.offset,
            clusters=request.errors.columns, subpop=request.errors.subpop, extras=(*request.extras, *needed),
            trusted=request.trusted,
        )  # fmt: skip
    sample = _with_every_column(sample)
    first, other = (_columns(sample, equation) for equation in (formula, second))
    return Pair(sample, (first, other), titles)


def independent(pair: Pair, equation: int, rows: NDArray[np.bool_] | slice = slice(None)) -> Pair:
    """The pair without regressors of an equation that are combinations of others in the given rows."""
    X = pair.X(equation)[rows]
    if not X.shape[1]:
        return pair
    keep = independent_regressors(X, moments_of(X), "Intercept" in pair.names[equation])
    if keep.all():
        return pair
    lost = [name for name, kept in zip(pair.names[equation], keep, strict=True) if not kept]
    warn(f"dropped from '{pair.titles[equation]}' because collinear: {', '.join(lost)}")
    columns = [*pair.columns]
    columns[equation] = columns[equation][keep]
    return replace(pair, columns=(columns[0], columns[1]))


def _with_every_column(sample: Sample) -> Sample:
    """The sample with all columns of its specification, those that others give included."""
    names = sample.design.spec.column_names
    design = replace(sample.design, kept=tuple(range(len(names))), names=tuple(map(plain, names)))
    if design.kept == sample.design.kept:
        return sample
    X = np.ascontiguousarray(design.matrix(sample.frame))
    return replace(sample, design=design, names=design.names, X=X)


def _columns(sample: Sample, formula: Formula) -> Columns:
    """Where the regressors of an equation stand among those of both."""
    spec, _ = regressors(formula, sample.frame)
    names = [plain(name) for name in spec.column_names]
    for name in names:
        if name not in sample.names:
            raise ModelError(
                f"'{name}' of {formula.text!r} is coded otherwise beside the terms of the other equation",
                remedy="Compute the column in the frame, or write its categories in both equations",
            )
    return np.array([sample.names.index(name) for name in names], dtype=np.intp)


def _joined(first: Formula, second: Formula) -> str:
    """The terms of both equations, each once."""
    terms = list(dict.fromkeys(_text(term) for each in (first, second) for term in parsed(each.regressors)))
    rest = [term for term in terms if term != "1"]
    return " + ".join([*(["1"] if "1" in terms else ["0"]), *rest])


def _text(term: object) -> str:
    """A term as it can be read again."""
    return ":".join(
        f"`{unquote(original(factor.expr))}`"
        if factor.eval_method.value == "lookup"
        else original(factor.expr)
        for factor in term.factors  # type: ignore[attr-defined]
    )
