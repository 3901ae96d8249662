"""The rows at which effects are evaluated: regressors at other values of a variable, and their slopes.

A variable may stand in any number of terms, transformed and crossed with others; only the columns of
those terms are built again. Slopes are exact: the columns are computed at x + ih with h = 1e-20, whose
imaginary part over h is the derivative to machine precision (Squire & Trapp 1998).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.models.data.design import Design, factor_variables, matrix_of
from gvcmetrics.models.data.known_values import FUNCTIONS
from gvcmetrics.models.data.spelling import original
from gvcmetrics.models.data.spelling import plain as as_printed
from gvcmetrics.models.likelihood.family import Array
from gvcmetrics.models.marginal.estimable import Tie
from gvcmetrics.models.marginal.incidental import Incidental

Positions = NDArray[np.intp]
# Comparisons, and operators that round.
_JUMPS = (ast.Compare, ast.BoolOp, ast.IfExp, ast.FloorDiv, ast.Mod, ast.Not)
_STEP = 1e-20
_STEEPEST = 1e8
# Functions that carry a complex argument through; abs is replaced by one that does.
_ANALYTIC = frozenset(
    (
        *("log", "log10", "log2", "log1p", "exp", "expm1", "sqrt", "abs"),
        *("sin", "cos", "tan", "sinh", "cosh", "tanh", "asinh", "arcsinh"),
        *("maximum", "minimum", "where", "I", "Q", "C", "i"),
        *("center", "scale", "poly", "bs", "cr", "cs", "cc"),
    )
)


@dataclass(frozen=True)
class Variable:
    """A column among the regressors.

    levels : its categories; (0, 1) for a 0/1 column of numbers; None if it is continuous.
    base : the level that others are compared with. categorical : whether it enters through dummies.
    """

    name: str
    levels: tuple[Any, ...] | None
    base: Any = None
    categorical: bool = False


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows with their weights (those of an average add to one over all its parts).

    frame : the columns that the regressors are made of. X : regressors (n, k), unit means included.
    alpha : (n) what the index holds besides X b: offset, absorbed effects. shift : (n, k) added to X where
    the index is differentiated in the coefficients, because absorbed effects move with them.
    collapsed : the rows stand for one, at their mean. extras : what the likelihood of a row needs besides.
    incidental : of bias-corrected estimates, what the bias of averages over effects is computed from.
    tie : regressors that were left out.
    """

    design: Design
    frame: pd.DataFrame
    X: Array
    weights: Array
    alpha: Array
    shift: Array | None = None
    collapsed: bool = False
    extras: Mapping[str, Array] = field(default_factory=dict)
    incidental: Incidental | None = None
    tie: Tie | None = None

    def share(self, total: float) -> Rows:
        """The rows with their weights as shares of a total."""
        return replace(self, weights=self.weights / total)

    def only(self, keep: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        return replace(
            self,
            frame=self.frame[keep],
            X=self.X[keep],
            weights=self.weights[keep],
            extras={name: values[keep] for name, values in self.extras.items()},
            alpha=self.alpha[keep],
            shift=None if self.shift is None else self.shift[keep],
            incidental=None if self.incidental is None else self.incidental.only(keep),
            tie=None if self.tie is None else self.tie.only(keep),
        )

    def at(self, values: Mapping[str, Any]) -> Rows:
        """The rows with some variables set to one value each."""
        if not values:
            return self
        frame = _with_constants(self.frame, values)
        positions, columns = self.columns_at(values)
        wide = self.X if self.tie is None else np.column_stack([self.X, self.tie.H])
        wide = wide.copy()
        wide[:, positions] = columns
        k = self.X.shape[1]
        tie = None if self.tie is None else replace(self.tie, H=wide[:, k:])
        return replace(self, frame=frame, X=wide[:, :k], tie=tie)

    def columns_at(self, values: Mapping[str, Any]) -> tuple[Positions, Array]:
        """The columns that some variables set to one value each have part in: their positions, and values.

        One row stands for all where no other variable has part in them.
        """
        moving = [(term, held) for term, held in self._variables if not held.isdisjoint(values)]
        alone = all(held <= values.keys() for _, held in moving)
        frame = self.frame.iloc[:1] if alone else self.frame
        terms = {term for term, _ in moving}
        return self._columns(_with_constants(frame, values), terms.__contains__)

    def at_means(self, variables: Mapping[str, Variable], held: Mapping[str, Any]) -> Rows:
        """One row: numbers at their mean, categories at their shares, variables in `held` as they are."""
        means = {}
        for name, variable in variables.items():
            if name not in held and not variable.categorical:
                means[name] = float(self.weights @ self.frame[name].to_numpy(dtype=np.float64))
        extras = {name: np.array([self.weights @ values]) for name, values in self.extras.items()}
        return replace(self.at(means), collapsed=True, extras=extras)

    @cached_property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """X, derivative of the index in the coefficients, alpha and weights; one row if collapsed."""
        Z = self.X if self.shift is None else self.X + self.shift
        if not self.collapsed:
            return self.X, Z, self.alpha, self.weights
        w = self.weights
        return (w @ self.X)[None], (w @ Z)[None], np.array([w @ self.alpha]), np.ones(1)

    def gaps(self) -> Array:
        """How far the rows are from what the data tie together, (n, r); no column if nothing was left out."""
        if self.tie is None:
            return np.zeros((len(self.X), 0))
        return self.tie.gaps(self.X)

    def weighted(self, *gaps: Array) -> tuple[Array, ...]:
        """The weights that an average is taken with, and gaps of its rows; one row if collapsed."""
        if not self.collapsed:
            return self.weights, *gaps
        return np.ones(1), *(
            gap if len(gap) == 1 < len(self.X) else (self.weights @ gap)[None] for gap in gaps
        )

    def slope_gaps(self, positions: Positions, D: Array) -> Array:
        """The same of the derivatives that `slope` or `cross` gave, columns of what was left out included."""
        if self.tie is None:
            return np.zeros((len(D), 0))
        wide = np.zeros((len(D), self.X.shape[1] + self.tie.H.shape[1]))
        wide[:, positions] = D
        k = self.X.shape[1]
        return self.tie.slope_gaps(wide[:, :k], wide[:, k:])

    def in_model(self, positions: Positions, D: Array) -> tuple[Positions, Array]:
        """Without the columns of what was left out."""
        inside = positions < self.X.shape[1]
        return positions[inside], D[:, inside]

    def _columns(self, frame: pd.DataFrame, wanted: Callable[[Any], bool]) -> tuple[Positions, Array]:
        """The columns of some terms: their positions in X, beyond it those that were left out, and values."""
        return _columns(self.design, frame, wanted, self._place)

    @cached_property
    def _variables(self) -> list[tuple[Any, frozenset[str]]]:
        """Every term with the variables in it, which take long to find."""
        return [(term, _variables(term)) for term, _, _ in _terms(self.design)]

    @cached_property
    def _place(self) -> dict[int, int]:
        """Where each column of the specification stands in X, or beyond it if it was left out."""
        at = [*self.design.kept]
        if self.tie is not None:
            # Unit means stand between the two.
            at += [-1] * (self.X.shape[1] - len(at)) + [*self.tie.relations.positions]
        return {position: i for i, position in enumerate(at) if position >= 0}

    def bias(self, first: Array, second: Array) -> float:
        """Of an average over the rows, given the derivatives of each row's weighted term in its index."""
        if self.incidental is None or self.collapsed:
            return 0.0
        return self.incidental.bias(first, second)

    def itself(self, variable: str) -> Positions | None:
        """Positions of the columns that are the variable as it is; None if it has part in any other."""
        found = [(term, at) for term, _, at in _terms(self.design) if variable in _variables(term)]
        if not all(len(term.factors) == 1 and _alone(variable, term) for term, _ in found):
            return None
        places = [self._place[position] for _, at in found for position in at if position in self._place]
        return np.array(places, dtype=np.intp)

    def slope(self, variable: str) -> tuple[Positions, Array]:
        """Positions of the columns that depend on a variable, and their derivatives (n, positions)."""
        _refuse_kinks(self.design, variable)
        return self._slope(variable, self.frame, frozenset([variable]))

    def amounts(self, variable: str) -> Array:
        """The values of a variable, (n); one where the rows stand for one."""
        values = self.frame[variable].to_numpy(dtype=np.float64)
        return np.array([self.weights @ values]) if self.collapsed else values

    def cross(self, a: str, b: str) -> tuple[Positions, Array]:
        """Positions and cross derivatives of the columns in which both variables stand.

        A column is a product of factors, so where one of the variables is a factor by itself the cross
        derivative is the derivative in the other with that factor at one.
        """
        for plain, other in ((b, a), (a, b)):
            if all(_alone(plain, term) for term, _, _ in _terms(self.design) if {a, b} <= _variables(term)):
                frame = self.frame.assign(**{plain: 1.0})
                return self._slope(other, frame, frozenset([a, b]))
        raise ModelError(
            f"the cross derivative of the regressors in '{a}' and '{b}' is not known",
            remedy=f"Write their product as {a}:{b} in the formula, or ask for a contrast between two values",
        )

    def _slope(self, variable: str, frame: pd.DataFrame, shared: frozenset[str]) -> tuple[Positions, Array]:
        """Derivatives of the columns of the terms that hold all the variables of `shared`."""
        values = self.frame[variable].to_numpy(dtype=np.float64)
        # At the upper end of a spline the step goes inwards in the ordering of complex numbers.
        step = np.where(values == values.max(), -_STEP, _STEP)
        frame = frame.copy(deep=False)
        frame[variable] = values + 1j * step
        positions, columns = self._columns(frame, lambda term: shared <= _variables(term))
        D = columns.imag / step[:, None]
        # Where a derivative is infinite (a root at zero) the step finds one of the order of h^(-1/2).
        steep = np.ptp(columns.real, axis=0) / np.ptp(values) if np.ptp(values) > 0 else 1.0
        infinite = ~(np.abs(D) <= _STEEPEST * np.where(steep > 0, steep, 1.0)).all(axis=1)
        if infinite.any():
            bad = int(infinite.argmax())
            raise ModelError(
                f"the derivative of the regressors in '{variable}' is infinite at {values[bad]:g}",
                remedy="Leave such rows out, or ask for a contrast between two values",
            )
        return positions, (self.weights @ D)[None] if self.collapsed else D


def variables_of_parts(parts: Iterable[Rows]) -> dict[str, Variable]:
    """The variables among the regressors that stayed in the model, in their order.

    A number is 0/1 where it is in every part.
    """
    found: dict[str, Variable] = {}
    for part in parts:
        for name, variable in _variables_of(part).items():
            known = found.setdefault(name, variable)
            if known.levels is not None and variable.levels is None:
                found[name] = variable
    return found


def _variables_of(rows: Rows) -> dict[str, Variable]:
    design, frame = rows.design, rows.frame
    coded: dict[str, Variable] = {}
    # A variable may be coded twice; the base that one of them names counts, and formulaic keeps no order.
    for factor, state in sorted(design.spec.factor_contrasts.items(), key=lambda pair: str(pair[0].expr)):
        names = factor_variables(factor)
        if len(names) != 1 or names[0] not in frame:
            continue
        levels = tuple(state.levels)
        base = getattr(state.contrasts, "base", None)
        known = set(frame[names[0]].dropna().unique()) <= set(levels)
        if known and (base in levels or names[0] not in coded):
            coded[names[0]] = Variable(names[0], levels, base if base in levels else levels[0], True)
    found: dict[str, Variable] = {}
    for term, _, positions in _terms(design):
        if not set(positions) & set(design.kept):
            continue
        for factor in term.factors:
            for name in factor_variables(factor):
                if name in frame:
                    found.setdefault(name, coded.get(name) or _number(name, frame[name]))
    return found


def _number(name: str, column: pd.Series) -> Variable:
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
        raise DataError(
            f"numbers or categories are needed, the column holds {column.dtype}", Place(column=name)
        )
    if np.isin(column.to_numpy(dtype=np.float64), (0.0, 1.0)).all():
        return Variable(name, (0, 1), 0)
    return Variable(name, None)


def _constant(column: pd.Series, value: Any) -> Any:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(
            np.full(len(column), column.cat.categories.get_loc(value)), dtype=column.dtype
        )
    return np.full(len(column), value, dtype=object if isinstance(value, str) else None)


def _with_constants(frame: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    frame = frame.copy(deep=False)
    for name, value in values.items():
        frame[name] = _constant(frame[name], value)
    return frame


def _columns(
    design: Design, frame: pd.DataFrame, wanted: Callable[[Any], bool], place: Mapping[int, int]
) -> tuple[Positions, Array]:
    """The columns of some terms that have a place: where it is, and their values."""
    terms, kept_positions, within = [], [], []
    count = 0
    for term, _, positions in _terms(design):
        if not wanted(term):
            continue
        terms.append(term)
        for position in positions:
            if position in place:
                kept_positions.append(place[position])
                within.append(count)
            count += 1
    if not kept_positions:
        return np.empty(0, dtype=np.intp), np.empty((len(frame), 0))
    built = matrix_of(design.spec.subset(terms), frame, {**FUNCTIONS, "abs": _abs})
    return np.array(kept_positions, dtype=np.intp), built[:, within]


def _terms(design: Design) -> list[tuple[Any, Any, range]]:
    """Every term of the specification with the positions of its columns."""
    found, start = [], 0
    for term, scoped, names in design.spec.structure:
        found.append((term, scoped, range(start, start + len(names))))
        start += len(names)
    return found


def _variables(term: Any) -> frozenset[str]:
    return frozenset(name for factor in term.factors for name in factor_variables(factor))


def _alone(variable: str, term: Any) -> bool:
    """Whether the variable stands in the term as a factor of its own, and nowhere else in it."""
    factors = [factor for factor in term.factors if variable in factor_variables(factor)]
    return len(factors) == 1 and factors[0].eval_method.value == "lookup"


def _abs(values: Any) -> Any:
    return values * np.sign(np.real(values))


def _refuse_kinks(design: Design, variable: str) -> None:
    """Raise for a function of the variable that does not carry a derivative."""
    for term, _, _ in _terms(design):
        for factor in term.factors:
            if variable not in factor_variables(factor) or factor.eval_method.value == "lookup":
                continue
            for node in ast.walk(ast.parse(_plain(factor.expr), mode="eval")):
                if isinstance(node, _JUMPS):
                    raise ModelError(
                        f"'{as_printed(factor.expr)}' jumps as '{variable}' grows: it has no derivative",
                        remedy=f"Ask for a contrast between two values: contrasts={{'{variable}': [(1, 0)]}}",
                    )
                if isinstance(node, ast.Call):
                    function = node.func
                    name = (
                        function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                    )
                    if name not in _ANALYTIC or (name == "abs" and isinstance(function, ast.Attribute)):
                        raise ModelError(
                            f"the derivative of {name}() in '{original(factor.expr)}' is not known",
                            remedy=f"Write powers as I({variable}**2), or ask for a contrast between two "
                            f"values: contrasts={{'{variable}': [(1, 0)]}}",
                        )


def _plain(expression: str) -> str:
    """The expression with its quoted names replaced, so that Python can parse it."""
    parts = expression.split("`")
    return "".join(part if position % 2 == 0 else "name" for position, part in enumerate(parts))
