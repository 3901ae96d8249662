"""The sample of an equation with instruments, and the columns that are what is left net of its controls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.numerics.corrections import absorbed_parameters
from gvcmetrics.ground.numerics.demean import demean, independent_columns
from gvcmetrics.ground.rows import line
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.design import Design, regressors
from gvcmetrics.models.data.frames import panel_of
from gvcmetrics.models.data.sample import Sample, drop_collinear, take, without_singletons
from gvcmetrics.models.data.scaling import Scaling, moments_of
from gvcmetrics.models.data.spelling import plain
from gvcmetrics.models.endogenous.formula import terms_of
from gvcmetrics.models.engine.fit import sample_of
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment

# A column that is shorter than this share of its length before is a combination of others.
_TOLERANCE, _DEMEANED_TOLERANCE = 1e-8, 1e-6


@dataclass(frozen=True, eq=False)
class Equation:
    """An equation whose regressors are partly instrumented.

    sample : its rows; X holds controls and instrumented regressors. endogenous : mask of the latter.
    Z : (n, K) excluded instruments, names : theirs, design : makes them again of new rows.
    """

    sample: Sample
    endogenous: NDArray[np.bool_]
    Z: Array
    names: tuple[str, ...]
    design: Design

    @property
    def instrumented(self) -> tuple[str, ...]:
        """Names of the instrumented regressors."""
        return tuple(np.array(self.sample.names, dtype=object)[self.endogenous])

    @property
    def absorbed(self) -> tuple[np.ndarray, ...]:
        """Codes of the absorbed effects."""
        return tuple(self.sample.absorbed.values())

    @cached_property
    def net(self) -> Net:
        """Outcome, instrumented regressors and instruments net of controls and effects."""
        return net_of_controls(self)


@dataclass(frozen=True, eq=False)
class Net:
    """Columns times the root of the weights, net of controls and absorbed effects.

    Q : (n, K) orthonormal basis of the instruments. R : instruments = Q R. controls : their number.
    """

    y: Array
    D: Array
    Q: Array
    R: Array
    controls: int
    root: Array


def in_memory(request: Request) -> Request:
    """The request with its data as a frame of pandas.

    Raises
    ------
    ModelError : the data are a file.
    """
    if request.path is not None:
        raise ModelError(
            f"{request.function.__name__} is not fitted from a file", remedy="Read it with pd.read_parquet"
        )
    data, unit, time = panel_of(request.data, request.unit, request.time)
    return replace(request, data=data, unit=unit, time=time)


def equation_of(request: Request, response: Response, treatment: Treatment) -> Equation:
    """The sample of a request whose formula names instruments.

    Raises
    ------
    ModelError : an instrumented regressor or an instrument is a combination of the controls, an instrument
        does not vary, instruments are fewer than the regressors that need them, or more than observations.
    """
    sample = sample_of(request, response, treatment)
    formula = sample.formula
    assert formula.instruments is not None
    spec, Z = regressors(formula.instruments, take(sample.source, sample.rows))
    names = [plain(name) for name in spec.column_names]
    _refuse_infinite(Z, names, sample)
    known = ~np.isnan(Z).any(axis=1)
    if not known.all():
        sample, Z = sample.select(known, "undefined instrument"), Z[known]
        before = sample
        sample = without_singletons(sample)
        Z = Z[np.isin(before.rows, sample.rows)]
        sample = drop_collinear(sample, [*sample.absorbed.values()])
    kept = tuple(position for position, name in enumerate(names) if name != "Intercept")
    Z, names = np.ascontiguousarray(Z[:, kept]), [names[position] for position in kept]
    design = replace(
        sample.design, spec=spec, kept=kept, names=tuple(names), shifts=formula.instruments.shifts, unused={}
    )
    _refuse_too_many(sample, Z)
    made = Equation(sample, _endogenous(sample), Z, tuple(names), design)
    return _with_varying(made)


def _refuse_infinite(Z: Array, names: list[str], sample: Sample) -> None:
    infinite = np.isinf(Z)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise DataError(
            f"the instrument is infinite in {int(infinite[:, column].sum())} rows",
            Place(row=line(sample.rows[row]), column=names[column]),
            "A logarithm of zero? Take these rows out, or use asinh(…) or log1p(…)",
        )


def _refuse_too_many(sample: Sample, Z: Array) -> None:
    n, asked = len(sample.rows), len(sample.design.spec.column_names)
    if n <= asked:
        raise ModelError(
            f"{n} observations do not identify {asked} coefficients", remedy="Use fewer regressors"
        )
    controls = len(sample.names) + absorbed_parameters([*sample.absorbed.values()])
    if Z.shape[1] + controls >= n:
        raise ModelError(
            f"{Z.shape[1]} instruments beside {controls} regressors and effects, of {n} observations",
            remedy="Name fewer instruments: as many as observations make two-stage least squares OLS",
        )


def _endogenous(sample: Sample) -> NDArray[np.bool_]:
    """Which regressors are instrumented."""
    design, formula = sample.design, sample.formula
    assert formula.endogenous is not None
    places = design.spec.term_indices
    mask = np.zeros(len(sample.names), dtype=bool)
    for term, name in terms_of(formula.endogenous).items():
        of_term = {*places[term]}
        found = np.array([position in of_term for position in design.kept])
        if not found.any():
            beyond = " and the absorbed effects" if sample.absorbed else ""
            raise ModelError(
                f"the instrumented regressor '{name}' is a combination of the controls{beyond}, or constant",
                remedy="Nothing of it is left to explain the outcome: leave one of them out",
            )
        mask |= found
    return mask


def _with_varying(equation: Equation) -> Equation:
    """Without instruments that others, or the controls, make superfluous; refuses those that say nothing."""
    sample, Z = equation.sample, equation.Z
    varies = ~moments_of(Z).constant
    of_term = _columns_by_term(equation)
    for name, columns in of_term.items():
        if not varies[columns].any():
            raise ModelError(
                f"the instrument '{name}' does not vary in the {len(Z):,} rows of the sample",
                remedy="Leave it out, or look at the rows that were dropped",
            )
    left = _net(equation, Z)
    size = np.sqrt(len(Z)) * moments_of(Z).spread
    tolerance = _DEMEANED_TOLERANCE if sample.absorbed else _TOLERANCE
    alive = varies & (np.linalg.norm(left, axis=0) > tolerance * np.where(size > 0, size, 1.0))
    for name, columns in of_term.items():
        if not alive[columns].any():
            beyond = " and the absorbed effects" if sample.absorbed else ""
            raise ModelError(
                f"the instrument '{name}' is a combination of the controls{beyond}",
                remedy="An instrument must be kept out of the equation: leave it out of one of the two",
            )
    keep = alive.copy()
    keep[alive] = independent_columns(left[:, alive], size[alive], tolerance)
    if not keep.all():
        lost = [name for name, kept in zip(equation.names, keep, strict=True) if not kept]
        warn(f"instruments dropped because collinear with others or with the controls: {', '.join(lost)}")
    count, wanted = int(keep.sum()), int(equation.endogenous.sum())
    if count < wanted:
        raise ModelError(
            f"{count} instrument{'s' if count > 1 else ''} cannot identify {wanted} instrumented regressors",
            remedy="Name at least as many instruments as regressors that need them",
        )
    design = equation.design
    kept = tuple(position for position, stays in zip(design.kept, keep, strict=True) if stays)
    names = tuple(name for name, stays in zip(equation.names, keep, strict=True) if stays)
    return replace(equation, Z=Z[:, keep], names=names, design=replace(design, kept=kept, names=names))


def _columns_by_term(equation: Equation) -> dict[str, list[int]]:
    formula = equation.sample.formula.instruments
    assert formula is not None
    places = equation.design.spec.term_indices
    at = {position: column for column, position in enumerate(equation.design.kept)}
    return {
        name: [at[position] for position in places[term] if position in at]
        for term, name in terms_of(formula).items()
    }


def scaled_columns(X: Array, *, centred: bool) -> Array:
    """Columns by which nothing depends on the units of measurement, spanning what X and a constant span."""
    scaling = Scaling.of(moments_of(X), centred=centred)
    return X if scaling is None else scaling.of_columns(X)


def _net(equation: Equation, columns: Array) -> Array:
    """Columns net of controls and effects, times the root of the weights."""
    sample = equation.sample
    W = sample.X[:, ~equation.endogenous]
    constant = bool(sample.absorbed) or "Intercept" in sample.names
    both = np.hstack([scaled_columns(columns, centred=constant), scaled_columns(W, centred=constant)])
    if sample.absorbed:
        both = demean(both, [*sample.absorbed.values()], sample.weights)
    both = both * _root(sample)[:, None]
    m = columns.shape[1]
    found, W = both[:, :m], both[:, m:]
    if W.shape[1]:
        basis = np.linalg.qr(W)[0]
        for _ in range(2):
            found = found - basis @ (basis.T @ found)
    return found * _scales(columns, centred=constant)


def _scales(X: Array, *, centred: bool) -> Array:
    scaling = Scaling.of(moments_of(X), centred=centred)
    return np.ones(X.shape[1]) if scaling is None else scaling.scale


def _root(sample: Sample) -> Array:
    return np.ones(len(sample.y)) if sample.weights is None else np.sqrt(sample.weights)


def net_of_controls(equation: Equation) -> Net:
    """What is left of outcome, instrumented regressors and instruments, the latter orthonormal."""
    sample, p = equation.sample, int(equation.endogenous.sum())
    columns = np.column_stack([sample.y, sample.X[:, equation.endogenous], equation.Z])
    left = _net(equation, columns)
    Z = left[:, 1 + p :]
    length = np.linalg.norm(Z, axis=0)
    Q, R = np.linalg.qr(Z / length)
    return Net(
        left[:, 0], left[:, 1 : 1 + p], Q, R * length, int((~equation.endogenous).sum()), _root(sample)
    )
