"""Formula + frame → `Sample`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.numerics.slopes import Slopes
from gvcmetrics.ground.periods import Periods, in_order, known_periods, refuse_repeated
from gvcmetrics.ground.rows import line
from gvcmetrics.ground.warn import warn
from gvcmetrics.lineage import KEY, lineage_of, raw_columns
from gvcmetrics.models.data.batch import refuse_parts
from gvcmetrics.models.data.design import Design, evaluate, regressors, require, with_shifts
from gvcmetrics.models.data.domain import Domain, domain_of, rows_in
from gvcmetrics.models.data.formula import Formula, refuse_code, unquote, variables_of
from gvcmetrics.models.data.frames import frame_of, plain_columns, refuse_mixed
from gvcmetrics.models.data.known_values import unused_levels
from gvcmetrics.models.data.sample import Sample, drop_collinear, group_codes, take, without_singletons
from gvcmetrics.models.data.spelling import plain


def build_sample(
    formula: str | Formula,
    data: Any,
    *,
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    weights: str | None = None,
    frequency: bool = False,
    offset: str | None = None,
    clusters: Sequence[str] = (),
    subpop: str | None = None,
    subset: str | Sequence[bool] | None = None,
    extras: Sequence[str] = (),
    categorical: bool = False,
    trusted: bool = True,
) -> Sample:
    """Build the estimation sample.

    Rows that miss any used value, rows of weight zero and singletons of absorbed effects are
    dropped and counted; collinear regressors are dropped with a warning that names them.

    Parameters
    ----------
    formula : text, or a parsed `Formula`.
    data : the user's frame, of pandas, polars, Arrow or DuckDB; it is not changed.
    unit, time : columns with the panel's unit and period, one row each.
    step : periods between one observation of a unit and the next, over which a lag of one looks back.
    weights : column of weights; `frequency=True` when a row stands for that many equal rows.
    offset : column or expression added to the index with coefficient one.
    clusters : columns of cluster codes that the covariance will need (`a^b` crosses two).
    subpop : column or condition, true or 1 in the rows to estimate from; the others are counted, and those
        with clusters and a weight stay in the design of a survey.
    subset : condition or mask; the other rows are left out and counted, though lags still see them.
    extras : columns or expressions that the likelihood of a row needs besides (a censoring limit).
    categorical : code the outcome as positions in its sorted categories.
    trusted : False refuses formulas that would run code.

    Raises
    ------
    DataError : a column is absent, infinite, of the wrong type or of mixed types, weights are negative, or a
        unit has a period twice.
    ModelError : the formula cannot be read, or no observation is left, or a regressor is made from
        the same raw variable as the outcome (by `data.attrs["lineage"]`; what is behind `unit`, `time` and
        `weights` may be shared, and a lag `L(…)` or lead `F(…)` shares nothing).
    """
    data = frame_of(data)
    if not isinstance(formula, Formula):
        formula = Formula.parse(formula, trusted=trusted)
    cluster_columns = {name: [unquote(part.strip()) for part in name.split("^")] for name in clusters}
    cluster_columns.update({name: [name] for name in clusters if name in data})
    keys = [*formula.absorbed_columns, *(c for columns in cluster_columns.values() for c in columns)]
    keys += [name for name in (unit, time, weights) if name]
    given = [*([offset] if offset else []), *extras]
    conditions = [text for text in (subpop, subset) if isinstance(text, str)]
    for expression in () if trusted else [*given, *conditions]:
        refuse_code(expression)
    given_columns = [name for expression in given for name in variables_of(expression)]
    domain_columns = variables_of(subpop) if subpop else []
    chosen = variables_of(subset) if isinstance(subset, str) else ()
    require(data, [*formula.variables, *given_columns, *keys, *domain_columns, *chosen])
    refuse_impossible(formula, data, [name for name in (unit, time, weights) if name])

    # Categories that are whole numbers keep their type, and so their names, where one is missing.
    kept_whole = {
        name
        for name in map(unquote, formula.outcomes if categorical else ())
        if name in data and pd.api.types.is_integer_dtype(data[name].dtype)
    }
    plainly = [name for name in (*formula.variables, *given_columns, *keys) if name not in kept_whole]
    source = plain_columns(data.copy(deep=False), plainly)
    counted = _panel_of_rows(source, unit, time)
    source = with_shifts(source, formula.every_shift, unit, time, step)
    _refuse_empty_lags(formula, source, counted, step)
    used = list(dict.fromkeys([*formula.current_columns, *given_columns, *keys]))
    domain = domain_of(source, subpop, [*domain_columns, *keys], weights)
    keep, dropped = _complete_rows(source, used, weights, frequency, domain, subset)
    made = _evaluated(formula, source, used, keep, dropped, given, categorical)
    frame = made.frame
    names = [plain(name) for name in made.spec.column_names]
    _refuse_infinite(made.X, names, made.rows, "regressor")
    _refuse_infinite(made.y.reshape(len(made.rows), -1), [*formula.outcomes], made.rows, "outcome")
    kept = [position for position, name in enumerate(names) if not (formula.absorbed and name == "Intercept")]
    X = made.X if len(kept) == len(names) else made.X[:, kept]
    names = [names[position] for position in kept]

    unit_codes, unit_labels = group_codes(frame[[unit]]) if unit else (None, None)
    in_time = in_order(frame[time]) if time else None
    time_codes, time_labels = in_time[:2] if in_time else group_codes(frame[[time]]) if time else (None, None)
    sample = Sample(
        formula=formula,
        y=made.y,
        X=np.ascontiguousarray(X),
        names=tuple(names),
        outcome=tuple(plain(name) for name in formula.outcomes),
        design=_design(made.spec, kept, names, source, formula, (unit, time), step, counted),
        rows=made.rows,
        source=source,
        absorbed={"^".join(columns): group_codes(frame[[*columns]])[0] for columns in formula.absorbed},
        slopes=_slopes(formula, frame),
        unit=unit_codes,
        time=time_codes,
        unit_name=unit,
        time_name=time,
        unit_labels=unit_labels,
        time_labels=time_labels,
        time_ordered=in_time is not None,
        clusters={name: group_codes(frame[columns])[0] for name, columns in cluster_columns.items()},
        subpop=subpop,
        outside=None if domain is None else np.flatnonzero(domain.outside),
        weights=frame[weights].to_numpy(dtype=np.float64) if weights else None,
        weights_name=weights,
        frequency=frequency,
        offset=made.given[offset] if offset else None,
        offset_name=offset,
        extras={name: made.given[name] for name in extras},
        categories=made.categories,
        categories_ordered=made.ordered,
        dropped=dropped,
    )
    sample = without_singletons(sample)
    return drop_collinear(sample, sample.effects)


def _slopes(formula: Formula, frame: pd.DataFrame) -> dict[str, Slopes]:
    """Variables with a slope in each group."""
    return {
        f"{'^'.join(columns)}[[{variable}]]": Slopes(
            group_codes(frame[[*columns]])[0], evaluate(f"`{variable}`", frame)
        )
        for columns, variable in formula.slopes
    }


def _design(
    spec: Any,
    kept: Sequence[int],
    names: Sequence[str],
    source: pd.DataFrame,
    formula: Formula,
    panel: tuple[str | None, str | None],
    step: float,
    counted: Periods | None,
) -> Design:
    """How the regressors are made again of new rows."""
    design = Design(
        spec, tuple(kept), tuple(names), formula.shifts, *panel, step=step,
        time_unit=counted.unit if counted else None,
    )  # fmt: skip
    if not spec.factor_contrasts:
        return design
    return replace(design, unused=unused_levels(spec, source))


def _panel_of_rows(source: pd.DataFrame, unit: str | None, time: str | None) -> Periods | None:
    """The periods of the rows, where their order is known; refuses a unit with a period twice."""
    if time is None:
        return None
    found = known_periods(source[time])
    if unit is not None:
        numbers = pd.factorize(source[time])[0] if found is None else found.numbers
        refuse_repeated(
            source[unit], numbers, source[time],
            "Keep one row for each, or pass time=None if rows are not periods (of an index with two levels, "
            "data.reset_index())",
        )  # fmt: skip
    return found


def _refuse_empty_lags(formula: Formula, source: pd.DataFrame, counted: Periods | None, step: float) -> None:
    """Raise for a lag that finds nothing because periods are further apart than it looks."""
    for shift in formula.every_shift:
        own = counted.step if counted else 1.0
        if own <= step or (shift.periods * step) % own == 0 or source[shift.name].notna().any():
            continue
        raise ModelError(
            f"{shift.name} finds no observation: periods of the data are {own:g} apart, and it looks "
            f"{shift.periods * step:g} {'back' if shift.operator != 'F' else 'ahead'}",
            remedy=f"Pass step={own:g}, by which L(x) is the observation before, or write L(x, {own:g})",
        )


@dataclass(frozen=True)
class _Evaluated:
    """The rows on which everything is known, and what the formula makes of them."""

    frame: pd.DataFrame
    rows: np.ndarray
    spec: Any
    X: np.ndarray
    y: np.ndarray
    categories: tuple[Any, ...] | None
    ordered: bool
    given: dict[str, np.ndarray]


def _evaluated(
    formula: Formula,
    source: pd.DataFrame,
    used: Sequence[str],
    keep: np.ndarray,
    dropped: dict[str, int],
    given: Sequence[str],
    categorical: bool,
) -> _Evaluated:
    """Compute every term; rows in which one is undefined go, and are counted in `dropped`."""
    while True:
        rows = np.flatnonzero(keep)
        if len(rows) == 0:
            reasons = ", ".join(f"{reason} ({count})" for reason, count in dropped.items())
            raise ModelError(
                "no observation is left", remedy=f"Rows were dropped: {reasons or 'the frame is empty'}"
            )
        frame = _used_frame(source, rows, used)
        spec, X = regressors(formula, frame)
        y, categories, ordered = _outcome(formula, frame, categorical, source)
        values = {expression: evaluate(expression, frame) for expression in given}
        made = _Evaluated(frame, rows, spec, X, y, categories, ordered, values)
        computed = [X, y.reshape(len(rows), -1), *(each[:, None] for each in values.values())]
        if all(_all_finite(block) for block in computed):
            return made
        undefined = np.zeros(len(rows), dtype=bool)
        for block in computed:
            undefined |= np.isnan(block).any(axis=1)
        if not undefined.any():
            return made
        dropped["undefined value of a computed term"] = int(undefined.sum())
        keep[rows[undefined]] = False


def refuse_impossible(formula: Formula, data: pd.DataFrame, design: Sequence[str]) -> None:
    """Raise for a regressor that is the outcome, is made from the same raw variable, or is a date.

    design : columns (unit, time, weights) that regressors and outcome may both be made with.
    """
    _refuse_shared_lineage(formula, data, design)
    _refuse_impossible_regressors(formula, data)


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
    source: pd.DataFrame,
    used: Sequence[str],
    weights: str | None,
    frequency: bool,
    domain: Domain | None,
    subset: str | Sequence[bool] | None,
) -> tuple[np.ndarray, dict[str, int]]:
    keep = np.ones(len(source), dtype=bool) if domain is None else domain.inside.copy()
    dropped: dict[str, int] = {} if domain is None else dict(domain.dropped)
    if subset is not None:
        outside = keep & ~rows_in(source, subset)
        if outside.any():
            reason = f"outside the subset {subset}" if isinstance(subset, str) else "outside the subset"
            dropped[reason] = int(outside.sum())
            keep &= ~outside
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
                Place(row=line(row), column=weights),
                "Weights are positive numbers; zero leaves the row out",
            )
        if frequency:
            refuse_parts(values, keep, lambda row: Place(row=line(row), column=weights))
        lost = keep & (values == 0)
        if lost.any():
            dropped["zero weight"] = int(lost.sum())
            keep &= ~lost
    return keep, dropped


def _used_frame(source: pd.DataFrame, rows: np.ndarray, used: Sequence[str]) -> pd.DataFrame:
    frame = plain_columns(take(source[list(used)], rows).reset_index(drop=True), used)
    for column, dtype in zip(used, frame.dtypes, strict=True):
        if isinstance(dtype, pd.CategoricalDtype):
            frame[column] = frame[column].cat.remove_unused_categories()
        elif pd.api.types.is_object_dtype(dtype):
            frame[column] = frame[column].infer_objects()
    refuse_mixed(frame, used)
    return frame


def _outcome(
    formula: Formula, frame: pd.DataFrame, categorical: bool, source: pd.DataFrame
) -> tuple[np.ndarray, tuple[Any, ...] | None, bool]:
    if not categorical:
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
            warn(f"category '{category}' of '{column}' has no observation and is left out of the model")
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
            Place(row=line(rows[row]), column=plain(names[position])),
            "A logarithm of zero? Take these rows out, or use asinh(…) or log1p(…)",
        )
