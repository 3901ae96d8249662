"""Which rows hold only values that the estimates know: levels that were seen, the range of a spline."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import formulaic
import numpy as np
import pandas as pd
from formulaic.errors import FormulaicError
from formulaic.transforms import TRANSFORMS
from formulaic.utils.stateful_transforms import stateful_eval
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.formula import unquote, variables_of
from gvcmetrics.models.data.formulas.bases import poly
from gvcmetrics.models.data.formulas.levels import i
from gvcmetrics.models.data.spelling import identifier, identifiers, original, renamed

FUNCTIONS = {
    "sqrt": np.sqrt, "abs": np.abs, "asinh": np.arcsinh, "log1p": np.log1p, "i": i, "poly": poly,
}  # fmt: skip
_SPLINES = {"bs", "cr", "cs", "cc"}


def known_rows(
    spec: formulaic.ModelSpec,
    frame: pd.DataFrame,
    variables: Sequence[str],
    unused: Mapping[str, frozenset[Any]],
) -> NDArray[np.bool_]:
    """Mask of the rows that regressors can be made of; warns of levels that the estimates left out.

    Raises
    ------
    DataError : a level that was never seen, or text where a number is needed.
    """
    known: NDArray[np.bool_] = frame[list(variables)].notna().all(axis=1).to_numpy(copy=True)
    for column in _numeric(spec, frame):
        _refuse_text(frame[column], known)
    for expression, values, rows in _coded(spec, frame, known):
        levels = set(spec.factor_contrasts[expression].levels)
        name = original(str(expression.expr))
        strange = ~values.isin(levels).to_numpy() & values.notna().to_numpy()
        for level in sorted(set(values[strange]), key=str):
            if level not in unused.get(name, ()):
                raise DataError(
                    f"category {level!r} was not in the estimation sample",
                    Place(column=unquote(name)),
                    f"Known are {', '.join(map(str, sorted(levels, key=str)[:8]))}",
                )
            warn(f"category {level!r} of '{unquote(name)}' is in no row of the estimates: not predicted")
        known[rows[strange | values.isna().to_numpy()]] = False
    for text, numbers, low, high, rows in _splined(spec, frame, known):
        beyond = (numbers < low) | (numbers > high)
        if beyond.any():
            warn(
                f"{int(beyond.sum())} rows are beyond the ends of {text}, {low:g} and {high:g}: not predicted"
            )
        known[rows[beyond]] = False
    return known


def as_estimated(spec: formulaic.ModelSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """Complete rows, with columns as the estimates had them: numbers, or categories."""
    frame = frame.infer_objects()
    made: dict[str, Any] = {column: frame[column].astype(np.float64) for column in _numeric(spec, frame)}
    for expression, state in spec.factor_contrasts.items():
        column = unquote(original(str(expression.expr)))
        if column in frame:
            made[column] = pd.Categorical(np.asarray(frame[column]), categories=list(state.levels))
    return frame.assign(**made)


def unused_levels(spec: formulaic.ModelSpec, source: pd.DataFrame) -> dict[str, frozenset[Any]]:
    """By factor, the levels that the data hold and the estimates do not."""
    found: dict[str, frozenset[Any]] = {}
    for expression in spec.factor_contrasts:
        column = unquote(original(str(expression.expr)))
        if column in source:
            stored = source[column]
            categorical = isinstance(stored.dtype, pd.CategoricalDtype)
            values = pd.Series(stored.cat.categories) if categorical else stored
        else:
            own = [name for name in variables_of(original(str(expression.expr))) if name in source]
            known = source[own].notna().all(axis=1).to_numpy()
            values = next((v for e, v, _ in _coded(spec, source, known) if e == expression), pd.Series())
        missing = set(values.dropna().unique()) - set(spec.factor_contrasts[expression].levels)
        if missing:
            found[original(str(expression.expr))] = frozenset(missing)
    return found


def _coded(
    spec: formulaic.ModelSpec, frame: pd.DataFrame, known: NDArray[np.bool_]
) -> Iterator[tuple[Any, pd.Series, NDArray[np.intp]]]:
    """Every categorical factor, its values, and the positions of the rows that have them."""
    rows = np.flatnonzero(known)
    complete = frame if len(rows) == len(frame) else frame.iloc[rows]
    complete = complete.infer_objects()
    for expression in spec.factor_contrasts:
        text = str(expression.expr)
        column = unquote(original(text))
        if column in frame:
            yield expression, pd.Series(complete[column].to_numpy()), rows
            continue
        call = _call(text)
        if call is not None and call.args and getattr(call.func, "id", "") in ("C", "i"):
            values = _evaluated(call.args[0], spec, complete)
            if values is not None:
                yield expression, pd.Series(np.asarray(values)), rows


def _splined(
    spec: formulaic.ModelSpec, frame: pd.DataFrame, known: NDArray[np.bool_]
) -> Iterator[tuple[str, NDArray[Any], float, float, NDArray[np.intp]]]:
    """Every spline that refuses to go beyond its ends, its argument, its ends and the rows."""
    rows = np.flatnonzero(known)
    complete = (frame if len(rows) == len(frame) else frame.iloc[rows]).infer_objects()
    for text, state in spec.transform_state.items():
        call = _call(text)
        if call is None or getattr(call.func, "id", "") not in _SPLINES or "lower_bound" not in state:
            continue
        chosen = {each.arg: getattr(each.value, "value", None) for each in call.keywords}
        beyond = chosen.get("extrapolation", "raise" if call.func.id == "bs" else "extend")  # type: ignore[attr-defined]
        values = _evaluated(call.args[0], spec, complete) if call.args else None
        if beyond == "raise" and values is not None:
            yield (
                original(text),
                np.asarray(values, dtype=np.float64),
                float(state["lower_bound"]),
                float(state["upper_bound"]),
                rows,
            )


def _call(text: str) -> ast.Call | None:
    try:
        node = ast.parse(identifiers(text), mode="eval").body
    except SyntaxError:
        return None
    return node if isinstance(node, ast.Call) else None


def _evaluated(argument: ast.expr, spec: formulaic.ModelSpec, frame: pd.DataFrame) -> Any:
    """An argument of a factor's function, in the state that the estimates left it in; None if unknown."""
    columns = {identifier(str(name)): values for name, values in renamed(frame).items()}
    try:
        with np.errstate(all="ignore"):
            return stateful_eval(
                ast.unparse(argument),
                {**TRANSFORMS, **FUNCTIONS, **columns},
                {},
                dict(spec.transform_state),
                spec,
            )
    except (FormulaicError, TypeError, ValueError, NameError, SyntaxError):
        return None


def _numeric(spec: formulaic.ModelSpec, frame: pd.DataFrame) -> list[str]:
    """Columns that stand as numbers among the regressors."""
    named = {unquote(original(str(f))): kind for f, (kind, _) in spec.encoder_state.items()}
    return [column for column, kind in named.items() if kind.value == "numerical" and column in frame]


def _refuse_text(column: pd.Series, known: NDArray[np.bool_]) -> None:
    values = column[known].infer_objects()
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Series(values.cat.categories, name=column.name)
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)) and len(values):
        raise DataError(
            f"numbers are needed, as in the estimates; the column holds {values.dtype}",
            Place(column=str(column.name)),
        )
