"""How columns of numbers are built from a frame: regressors, lags, single expressions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import formulaic
import numpy as np
import pandas as pd
from formulaic.errors import FormulaicError

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.ground.rows import line
from gvcmetrics.models.data.formula import Formula, Shift, parsed, unquote, variables_of

FUNCTIONS = {"sqrt": np.sqrt, "abs": np.abs, "asinh": np.arcsinh, "log1p": np.log1p}
_BLOCK = 4096


@dataclass(frozen=True)
class Design:
    """How regressors are built from a frame, so that X can be made again at other values.

    `spec` is formulaic's model specification (it remembers categories, knots and means), `kept`
    the positions of its columns that stayed in the model, `names` their names.
    """

    spec: formulaic.ModelSpec
    kept: tuple[int, ...]
    names: tuple[str, ...]
    shifts: tuple[Shift, ...] = ()
    unit: str | None = None
    time: str | None = None

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Regressors (n, k) for the rows of `frame`; rows with missing values give missing values."""
        frame = with_shifts(frame, self.shifts, self.unit, self.time)
        require(frame, self.variables)
        self._refuse_unknown_categories(frame)
        made = _matrix(self.spec, frame)
        return made if self.kept == tuple(range(made.shape[1])) else made.take(self.kept, axis=1)

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
        frame = with_shifts(frame, self.shifts, self.unit, self.time)
        return np.asarray(_matrix(self.spec, frame).take(positions, axis=1))

    @property
    def variables(self) -> list[str]:
        """Columns that the regressors are made of, lags under their own name."""
        factors = (factor for term in self.spec.terms for factor in term.factors)
        return list(dict.fromkeys(name for factor in factors for name in factor_variables(factor)))

    def _refuse_unknown_categories(self, frame: pd.DataFrame) -> None:
        for expression, state in self.spec.factor_contrasts.items():
            column = unquote(str(getattr(expression, "expr", expression)))
            if column in frame:
                unknown = sorted(set(frame[column].dropna().unique()) - set(state.levels), key=str)
                if unknown:
                    raise DataError(
                        f"category {unknown[0]!r} was not in the estimation sample",
                        Place(column=column),
                        f"Known are {', '.join(map(str, list(state.levels)[:8]))}",
                    )


def factor_variables(factor: Any) -> tuple[str, ...]:
    """Columns in one factor of a term."""
    if factor.eval_method.value == "literal":
        return ()
    return (unquote(factor.expr),) if factor.eval_method.value == "lookup" else variables_of(factor.expr)


def regressors(formula: Formula, frame: pd.DataFrame) -> tuple[formulaic.ModelSpec, np.ndarray]:
    try:
        spec = formulaic.ModelSpec(formula=parsed(formula.regressors), na_action="ignore", output="numpy")
        stored = _stored_columns(spec.formula, frame)
        with np.errstate(all="ignore"):
            built = spec.get_model_matrix(frame if stored is None else frame.head(1), context=FUNCTIONS)
    except FormulaicError as error:
        raise ModelError(f"a term of {formula.text!r} cannot be computed: {error}") from error
    if stored is not None:
        return built.model_spec, _side_by_side(stored, len(frame))
    return built.model_spec, np.asarray(built, dtype=np.float64)


def _stored_columns(terms: Iterable[Any], frame: pd.DataFrame) -> list[np.ndarray | float] | None:
    """The columns of a matrix that holds nothing but stored numbers and ones; None for any other."""
    columns: list[np.ndarray | float] = []
    for term in terms:
        factor = term.factors[0]
        stored = frame.get(unquote(factor.expr))
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


def _matrix(spec: formulaic.ModelSpec, frame: pd.DataFrame) -> np.ndarray:
    stored = _stored_columns(spec.terms, frame)
    if stored is not None:
        return _side_by_side(stored, len(frame))
    with np.errstate(all="ignore"):
        return np.asarray(spec.get_model_matrix(frame, context=FUNCTIONS), dtype=np.float64)


def evaluate(expression: str, frame: pd.DataFrame) -> np.ndarray:
    """One numeric expression as (n,) floats."""
    column = unquote(expression)
    if column in frame.columns:
        stored = frame[column]
        if not (pd.api.types.is_numeric_dtype(stored) or pd.api.types.is_bool_dtype(stored)):
            raise DataError(f"numbers are needed, the column holds {stored.dtype}", Place(column=column))
        return np.asarray(stored.to_numpy(dtype=np.float64, na_value=np.nan))
    spec = formulaic.ModelSpec(
        formula=formulaic.Formula(f"0 + {{{expression}}}"), na_action="ignore", output="numpy"
    )
    try:
        values = _matrix(spec, frame)
    except FormulaicError as error:
        raise ModelError(f"'{expression}' cannot be computed: {error}") from error
    if values.shape[1] != 1:
        raise ModelError(f"'{expression}' gives {values.shape[1]} columns where one is needed")
    return values[:, 0]


def with_shifts(
    frame: pd.DataFrame, shifts: Sequence[Shift], unit: str | None, time: str | None
) -> pd.DataFrame:
    """The frame with a column for each lag, lead and difference, matched by unit and period."""
    shifts = [shift for shift in shifts if shift.name not in frame]
    if not shifts:
        return frame
    if unit is None or time is None:
        raise ModelError(f"{shifts[0].name} needs the panel's unit and time", remedy="Pass unit= and time=")
    require(frame, [unit, time])
    if not pd.api.types.is_numeric_dtype(frame[time]):
        raise ModelError(
            f"{shifts[0].name} needs a numeric period, '{time}' is {frame[time].dtype}",
            remedy="Use a year or a count",
        )
    known = frame[[unit, time]].notna().all(axis=1).to_numpy()
    repeated = frame.loc[known, [unit, time]].duplicated().to_numpy()
    if repeated.any():
        row = int(np.flatnonzero(known)[repeated.argmax()])
        raise DataError(
            f"unit '{frame[unit].iloc[row]}' has period {frame[time].iloc[row]} twice",
            Place(row=line(row), column=time),
            "Lags need one row a unit and period",
        )
    frame = frame.copy(deep=False)
    index = pd.MultiIndex.from_arrays([frame[unit], frame[time]])
    for shift in shifts:
        values = evaluate(shift.argument, frame)
        step = shift.periods if shift.operator == "F" else -shift.periods
        wanted = pd.MultiIndex.from_arrays([frame[unit], frame[time] + step])
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


def plain(name: str) -> str:
    return name.replace("`", "")
