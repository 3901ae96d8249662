"""How columns of numbers are built from a frame: regressors, lags, single expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import formulaic
import numpy as np
import pandas as pd
from formulaic.errors import FormulaicError

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.ground.periods import periods, refuse_repeated
from gvcmetrics.models.data.formula import Formula, Shift, parsed, unquote, variables_of
from gvcmetrics.models.data.frames import plain_columns
from gvcmetrics.models.data.known_values import FUNCTIONS, as_estimated, known_rows
from gvcmetrics.models.data.spelling import original, plain, renamed, respelt, with_stand_ins

_BLOCK = 4096


@dataclass(frozen=True)
class Design:
    """How regressors are built from a frame, so that X can be made again at other values.

    `spec` is formulaic's model specification (it remembers categories, knots and means), `kept`
    the positions of its columns that stayed in the model, `names` their names. `unused` holds, by factor, the
    levels that the data had and the estimates did not. `step` and `time_unit` say what a lag counts.
    """

    spec: formulaic.ModelSpec
    kept: tuple[int, ...]
    names: tuple[str, ...]
    shifts: tuple[Shift, ...] = ()
    unit: str | None = None
    time: str | None = None
    unused: Mapping[str, frozenset[Any]] = field(default_factory=dict)
    step: float = 1.0
    time_unit: str | None = None

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Regressors (n, k) for the rows of `frame`.

        Rows with a missing value, a level that the estimates left out, or a value beyond the ends of a spline
        have missing regressors; a level that was never seen is refused.
        """
        return self.columns(frame, self.kept)

    @property
    def left_out(self) -> tuple[int, ...]:
        """Positions of the columns that are not in the model, the constant apart."""
        names = self.spec.column_names
        return tuple(p for p, name in enumerate(names) if p not in self.kept and name != "Intercept")

    def called(self, positions: Sequence[int]) -> tuple[str, ...]:
        """Names of columns by their positions."""
        return tuple(plain(self.spec.column_names[position]) for position in positions)

    def columns(self, frame: pd.DataFrame, positions: Sequence[int]) -> np.ndarray:
        """Some columns of the specification, in the model or not, for the rows of `frame`."""
        frame = with_shifts(frame, self.shifts, self.unit, self.time, self.step, self.time_unit)
        require(frame, self.variables)
        frame = plain_columns(frame, self.variables)
        if _stored_columns(self.spec.terms, frame) is not None:
            return _taken(matrix_of(self.spec, frame), positions)
        known = known_rows(self.spec, frame, self.variables, self.unused)
        if known.all():
            return _taken(matrix_of(self.spec, as_estimated(self.spec, frame)), positions)
        made = np.full((len(frame), len(positions)), np.nan)
        if known.any():
            made[known] = _taken(matrix_of(self.spec, as_estimated(self.spec, frame[known])), positions)
        return made

    @property
    def variables(self) -> list[str]:
        """Columns that the regressors are made of, lags under their own name."""
        factors = (factor for term in self.spec.terms for factor in term.factors)
        return list(dict.fromkeys(name for factor in factors for name in factor_variables(factor)))


def _taken(made: np.ndarray, positions: Sequence[int]) -> np.ndarray:
    everything = tuple(positions) == tuple(range(made.shape[1]))
    return made if everything else made.take(positions, axis=1)


def factor_variables(factor: Any) -> tuple[str, ...]:
    """Columns in one factor of a term."""
    if factor.eval_method.value == "literal":
        return ()
    expression = original(factor.expr)
    return (unquote(expression),) if factor.eval_method.value == "lookup" else variables_of(expression)


def regressors(formula: Formula, frame: pd.DataFrame) -> tuple[formulaic.ModelSpec, np.ndarray]:
    try:
        spec = formulaic.ModelSpec(formula=parsed(formula.regressors), na_action="ignore", output="numpy")
        stored = _stored_columns(spec.formula, frame)
        with np.errstate(all="ignore"):
            rows = renamed(frame if stored is None else frame.head(1))
            built = spec.get_model_matrix(rows, context=FUNCTIONS)
    except FormulaicError as error:
        raise ModelError(f"a term of {formula.text!r} cannot be computed: {original(str(error))}") from error
    if stored is not None:
        return built.model_spec, _side_by_side(stored, len(frame))
    return built.model_spec, np.asarray(built, dtype=np.float64)


def _stored_columns(terms: Iterable[Any], frame: pd.DataFrame) -> list[np.ndarray | float] | None:
    """The columns of a matrix that holds nothing but stored numbers and ones; None for any other."""
    columns: list[np.ndarray | float] = []
    for term in terms:
        factor = term.factors[0]
        stored = frame.get(unquote(original(factor.expr)))
        if len(term.factors) == 1 and factor.eval_method.value == "literal" and factor.expr == "1":
            columns.append(1.0)
        elif (
            len(term.factors) == 1
            and factor.eval_method.value == "lookup"
            and isinstance(stored, pd.Series)
            and isinstance(stored.dtype, np.dtype)
            and stored.dtype.kind in "iuf"
        ):
            columns.append(stored.to_numpy())
        else:
            return None
    return columns


def _side_by_side(columns: Sequence[np.ndarray | float], n: int) -> np.ndarray:
    """The columns as one array, row by row; a block of rows at a time, so that it stays in cache."""
    made = np.empty((n, len(columns)))
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        for j, column in enumerate(columns):
            made[block, j] = column if isinstance(column, float) else column[block]
    return made


def matrix_of(
    spec: formulaic.ModelSpec, frame: pd.DataFrame, functions: Mapping[str, Any] = FUNCTIONS
) -> np.ndarray:
    """The columns of a specification, in the user's names and words.

    Raises
    ------
    ModelError : a term cannot be computed of these rows.
    """
    stored = _stored_columns(spec.terms, frame)
    if stored is not None:
        return _side_by_side(stored, len(frame))
    try:
        with np.errstate(all="ignore"):
            made = np.asarray(spec.get_model_matrix(renamed(frame), context=dict(functions)))
            return made if np.iscomplexobj(made) else made.astype(np.float64, copy=False)
    except (FormulaicError, TypeError, ValueError) as error:
        terms = original(" + ".join(map(str, spec.terms)))
        raise ModelError(f"'{terms}' cannot be computed: {original(str(error))}") from error


def evaluate(expression: str, frame: pd.DataFrame) -> np.ndarray:
    """One numeric expression as (n,) floats."""
    column = unquote(expression)
    if column in frame.columns:
        stored = plain_columns(frame, [column])[column].infer_objects()
        if stored.dtype == object and pd.api.types.infer_dtype(stored, skipna=True) == "boolean":
            stored = stored.astype(float)
        if not (pd.api.types.is_numeric_dtype(stored) or pd.api.types.is_bool_dtype(stored)):
            raise DataError(f"numbers are needed, the column holds {stored.dtype}", Place(column=column))
        return np.asarray(stored.to_numpy(dtype=np.float64, na_value=np.nan))
    expression = respelt(expression, inside=True)
    frame = plain_columns(frame, variables_of(expression))
    spec = formulaic.ModelSpec(
        formula=formulaic.Formula(f"0 + {{{with_stand_ins(expression)}}}"), na_action="ignore", output="numpy"
    )
    try:
        values = matrix_of(spec, frame)
    except ModelError as error:
        raise ModelError(f"'{expression}' cannot be computed: {error.__cause__}") from error
    if values.shape[1] != 1:
        raise ModelError(f"'{expression}' gives {values.shape[1]} columns where one is needed")
    return values[:, 0]


def with_shifts(
    frame: pd.DataFrame,
    shifts: Sequence[Shift],
    unit: str | None,
    time: str | None,
    step: float = 1.0,
    time_unit: str | None = None,
) -> pd.DataFrame:
    """The frame with a column for each lag, lead and difference, matched by unit and period.

    step : how far a lag of one looks, in the unit that the periods are counted in.
    """
    shifts = [shift for shift in shifts if shift.name not in frame]
    if not shifts:
        return frame
    if unit is None or time is None:
        raise ModelError(f"{shifts[0].name} needs the panel's unit and time", remedy="Pass unit= and time=")
    require(frame, [unit, time])
    counted = periods(frame[time], time, time_unit).numbers
    refuse_repeated(frame[unit], counted, frame[time], "Lags need one row a unit and period")
    known = frame[unit].notna().to_numpy() & np.isfinite(counted)
    frame = frame.copy(deep=False)
    codes = pd.factorize(frame[unit])[0]
    index = pd.MultiIndex.from_arrays([codes, counted])
    for shift in shifts:
        values = evaluate(shift.argument, frame)
        ahead = step * (shift.periods if shift.operator == "F" else -shift.periods)
        wanted = pd.MultiIndex.from_arrays([codes, counted + ahead])
        found = pd.Series(values[known], index=index[known]).reindex(wanted).to_numpy()
        frame[shift.name] = values - found if shift.operator == "D" else found
    return frame


def require(data: pd.DataFrame, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in data.columns:
            columns = f"Columns are {', '.join(map(str, data.columns[:12]))}"
            known = did_you_mean(column, data.columns, columns, most=3)
            raise DataError("no such column in the data", Place(column=column), known)
        if not data.columns.is_unique and isinstance(data[column], pd.DataFrame):
            raise DataError(
                "the data has two columns of this name", Place(column=column), "Rename one of them"
            )
