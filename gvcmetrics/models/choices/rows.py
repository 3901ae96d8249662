"""From a frame with a row an alternative to choices and their regressors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, EstimationWarning, ModelError, Place
from gvcmetrics.ground.numerics.demean import independent_columns
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.choices.sets import Choices, Codes, Sets, refuse_odd, refuse_varying
from gvcmetrics.models.choices.utility import Utility
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.build import build_sample
from gvcmetrics.models.data.design import matrix_of, regressors, require
from gvcmetrics.models.data.formula import unquote, variables_of
from gvcmetrics.models.data.frames import frame_of
from gvcmetrics.models.data.known_values import as_estimated
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.data.spelling import plain
from gvcmetrics.models.engine.request import Request

INTERCEPT = "Intercept"


@dataclass(frozen=True, eq=False)
class Regressors:
    """How regressors are made of a frame: attributes, then those of the chooser for each alternative.

    attributes, chooser : specifications. labels : alternatives, the base first. names : of all columns;
    `kept` of them are in the model.
    """

    utility: Utility
    attributes: Any
    chooser: Any
    labels: tuple[Any, ...]
    names: tuple[str, ...]
    kept: tuple[int, ...]

    @classmethod
    def of(cls, utility: Utility, frame: pd.DataFrame, labels: tuple[Any, ...]) -> Regressors:
        attributes, chooser = (regressors(part, frame)[0] for part in (utility.attributes, utility.chooser))
        names = [plain(name) for name in attributes.column_names if name != INTERCEPT]
        own = [plain(name) for name in chooser.column_names]
        names += [f"{label}: {name}" for label in labels[1:] for name in own]
        return cls(utility, attributes, chooser, labels, tuple(names), tuple(range(len(names))))

    def matrix(self, frame: pd.DataFrame, alternative: Codes) -> Array:
        """The regressors of rows whose alternatives have these codes."""
        made = []
        for spec in (self.attributes, self.chooser):
            made.append(matrix_of(spec, as_estimated(spec, frame)) if spec.column_names else None)
        first = [j for j, name in enumerate(self.attributes.column_names) if name != INTERCEPT]
        columns = [] if made[0] is None else [made[0][:, first]]
        if made[1] is not None:
            columns += [made[1] * (alternative == j)[:, None] for j in range(1, len(self.labels))]
        everything = np.hstack(columns) if columns else np.empty((len(frame), 0))
        return everything[:, list(self.kept)]

    @property
    def used(self) -> tuple[str, ...]:
        """Names of the columns that are in the model."""
        return tuple(self.names[j] for j in self.kept)

    @property
    def columns(self) -> list[str]:
        """What of a frame they are made of."""
        parts = (self.utility.attributes, self.utility.chooser)
        return [name for part in parts for each in part.regressor_expressions for name in variables_of(each)]

    def blocks(self) -> dict[str, tuple[str, ...]]:
        """The names of what has a coefficient by alternative, by alternative."""
        own = len(self.names) - (len(self.labels) - 1) * len(self.chooser.column_names)
        size, used = len(self.chooser.column_names), set(self.used)
        made = {}
        for j, label in enumerate(self.labels[1:]):
            block = [name for name in self.names[own + j * size : own + (j + 1) * size] if name in used]
            if block:
                made[str(label)] = tuple(block)
        return made


@dataclass(frozen=True, eq=False)
class Rows:
    """All that a choice model is estimated on.

    sample : a row a chooser, that of what was chosen. frame : the rows of alternatives, in the order of
    `choices`. chooser : names of the choosers.
    """

    sample: Sample
    choices: Choices
    regressors: Regressors
    frame: pd.DataFrame
    chooser: pd.Index
    X: Array


def rows_of(
    request: Request, utility: Utility, data: pd.DataFrame, chooser: str, alternative: str, nests: Any
) -> Rows:
    """The rows of choosers of whom everything is known.

    nests : labels -> the nest of each alternative.

    Raises
    ------
    DataError : see `refuse_odd`. ModelError : nothing varies, an alternative is never chosen.
    """
    panel, base = request.options["panel"], request.options["base"]
    frame = frame_of(data)
    require(frame, [chooser, alternative, *([panel] if panel else [])])
    sample = _complete(request, utility, frame, chooser, alternative, panel)
    source, positions = sample.source, sample.rows
    used = list(dict.fromkeys([*utility.both.current_columns, chooser, alternative]))
    of_chooser = [*sample.clusters, *([panel] if panel else [])]
    of_chooser += [request.weights] if request.weights else []
    of_chooser += [name for each in utility.chooser.regressor_expressions for name in variables_of(each)]
    further = [name for name in of_chooser if name in source and name not in (chooser, alternative)]
    taken = source.iloc[positions][list(dict.fromkeys([*used, *further]))]
    outcome = unquote(utility.both.outcomes[0])
    refuse_odd(taken, positions, chooser, alternative, outcome, sample.y)
    refuse_varying(taken, positions, chooser, [name for name in further if name != alternative])
    labels = _labels(taken[alternative], base)
    made = sample.y == 1.0
    code, _ = pd.factorize(taken[chooser])
    number = np.empty(int(code.max()) + 1, dtype=np.int64)
    number[code[made]] = np.arange(int(made.sum()))
    of = number[code]
    names = taken[alternative]
    coded = np.asarray(pd.Index(labels).get_indexer(pd.Index(names)), dtype=np.int64)
    order = np.lexsort((coded, np.asarray(nests(labels))[coded], of))
    of, coded, taken = of[order], coded[order], taken.iloc[order]
    sets = Sets.made(of, coded, labels)
    built = Regressors.of(utility, taken, labels)
    X = built.matrix(taken, coded)
    chosen = np.flatnonzero(sample.y[order] == 1.0)
    _refuse_never_chosen(built, coded[chosen], labels)
    built, X = _varying(built, X, X - X[chosen][of])
    of_choosers = replace(sample.select(made, "not chosen"), dropped=sample.dropped)
    of_choosers = replace(
        of_choosers, y=coded[chosen].astype(np.float64), categories=labels, X=X[chosen],
        names=built.used, outcome=(plain(outcome),),
    )  # fmt: skip
    unit = None if of_choosers.unit is None else np.asarray(of_choosers.unit, dtype=np.int64)
    choices = Choices(sets, X - X[chosen][of], chosen, of_choosers.weights, unit)
    return Rows(of_choosers, choices, built, taken, pd.Index(taken[chooser].iloc[chosen]), X)


def _complete(
    request: Request, utility: Utility, frame: pd.DataFrame, chooser: str, alternative: str, panel: str | None
) -> Sample:
    """All rows of choosers with a choice to make, and nothing missing in any of them."""
    clusters = tuple(dict.fromkeys([chooser, alternative, *request.errors.columns]))
    with warnings.catch_warnings():
        # What is collinear is judged within the choosers.
        warnings.filterwarnings("ignore", "dropped because collinear", EstimationWarning)
        sample = build_sample(
            utility.both, frame, unit=panel, weights=request.weights, frequency=request.frequency,
            clusters=clusters, subpop=request.errors.subpop, trusted=request.trusted,
        )  # fmt: skip
    everybody = pd.factorize(frame[chooser])[0]
    there = np.zeros(len(frame), dtype=bool)
    there[sample.rows] = True
    known = everybody >= 0
    gone = np.zeros(int(everybody.max()) + 1, dtype=bool)
    gone[everybody[known & ~there]] = True
    sample = sample.select(~gone[everybody[sample.rows]], "missing in another alternative of the chooser")
    left = everybody[sample.rows]
    several = np.bincount(left)[left] > 1
    return sample.select(several, "chooser with one alternative")


def _labels(alternatives: pd.Series, base: Any) -> tuple[Any, ...]:
    """The alternatives in order, the base first."""
    if isinstance(alternatives.dtype, pd.CategoricalDtype):
        there = set(alternatives.unique())
        labels = [label for label in alternatives.cat.categories if label in there]
    else:
        labels = pd.factorize(alternatives, sort=True)[1].tolist()
    if base is None:
        return tuple(labels)
    if base not in labels:
        raise ModelError(
            f"base={base!r} is not an alternative", remedy=f"They are {', '.join(map(str, labels))}"
        )
    return (base, *(label for label in labels if label != base))


def _refuse_never_chosen(built: Regressors, chosen: Codes, labels: Sequence[Any]) -> None:
    counts = np.bincount(chosen, minlength=len(labels))
    if INTERCEPT in built.chooser.column_names and (counts == 0).any():
        label = labels[int(np.flatnonzero(counts == 0)[0])]
        raise ModelError(
            f"nobody chose '{label}', so that its constant has no finite estimate",
            remedy="Leave its rows out, or write '| 0' for a model without constants",
        )


def _varying(built: Regressors, X: Array, D: Array) -> tuple[Regressors, Array]:
    """Without columns that are the same for all alternatives, or combinations of others."""
    length, size = np.linalg.norm(D, axis=0), np.linalg.norm(X, axis=0)
    void = length <= 1e-10 * size
    own = len(built.names) - (len(built.labels) - 1) * len(built.chooser.column_names)
    for j in np.flatnonzero(void[:own]):
        raise ModelError(
            f"'{built.names[j]}' is the same for all alternatives of every chooser",
            remedy="Write it after '|', where it has a coefficient for each alternative",
        )
    keep: NDArray[np.bool_] = independent_columns(D, np.where(void, 0.0, length), 1e-9)
    if keep.all():
        return built, X
    lost = [name for name, kept in zip(built.names, keep, strict=True) if not kept]
    warn(f"dropped because collinear with other regressors: {', '.join(lost)}")
    if not keep.any():
        raise ModelError("no regressor varies between alternatives")
    return replace(built, kept=tuple(int(j) for j in np.flatnonzero(keep))), X[:, keep]


def new_sets(
    built: Regressors, data: Any, chooser: str, alternative: str, nest: Codes
) -> tuple[Sets, pd.DataFrame, pd.Index]:
    """Choice sets of other rows, which need no outcome."""
    frame = frame_of(data)
    require(frame, [chooser, alternative, *built.columns])
    missing = frame[list({chooser, alternative, *built.columns})].isna().any(axis=1)
    codes = pd.Index(built.labels).get_indexer(pd.Index(frame[alternative]))
    unknown = (codes < 0) & ~missing.to_numpy()
    if unknown.any():
        row = int(unknown.argmax())
        raise DataError(
            f"'{frame[alternative].iloc[row]}' is no alternative of the estimates",
            Place(column=alternative, row=row + 2),
            f"They are {', '.join(map(str, built.labels))}",
        )
    bad = frame[chooser].isna() | frame[chooser].isin(frame.loc[missing, chooser])
    frame, codes = frame[~bad], np.asarray(codes[~bad.to_numpy()], dtype=np.int64)
    of, who = pd.factorize(frame[chooser])
    order = np.lexsort((codes, nest[codes], of))
    return Sets.made(of[order], codes[order], built.labels), frame.iloc[order], pd.Index(who)
