r"""Tobit: a normal outcome that is seen only between two limits, y = min(max(y*, lower), upper).

The kernels take each outcome with its limits, (n, 3). With :math:`r = (y-\eta)/\sigma`, and a, b the same of
the limits, a row adds :math:`\log\phi(r)-\log\sigma` between the limits, :math:`\log\Phi(a)` at the lower and
:math:`\log\Phi(-b)` at the upper one. The constant is :math:`\log\sigma`, reported as sigma.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numba import njit
from scipy.special import erfcx, ndtr

from gvcmetrics.errors import DataError, ModelError
from gvcmetrics.models.data.batch import EstimationSample
from gvcmetrics.models.data.outcomes import NUMBER, SHARE, Answers, Coding
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.effects.random import random_intercept
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import NOT_CONDITIONAL, Response, Treatment
from gvcmetrics.models.families.kernels.scalar import (
    LOG_SQRT_2PI,
    inverse_mills,
    inverse_mills_slope,
    log_normal_cdf,
)  # fmt: skip
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.expected import Scale, index
from gvcmetrics.models.likelihood.family import Array, Family, Outcome
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList

Limit = float | int | str | None


# Where sigma underflows the likelihood is then not finite, which Newton refuses; Python would divide by zero.
@njit(cache=True, nogil=True, error_model="numpy")
def tobit_kernel(y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any) -> None:
    """The log likelihood with its derivatives in eta and log sigma."""
    s = math.exp(constants[0])
    for i in range(y.shape[0]):
        value, low, high = y[i, 0], y[i, 1], y[i, 2]
        if low < value < high:
            r = (value - eta[i, 0]) / s
            loglik[i] = -constants[0] - 0.5 * r * r - LOG_SQRT_2PI
            gradient[i, 0], gradient[i, 1] = r / s, r * r - 1.0
            hessian[i, 0], hessian[i, 1], hessian[i, 2] = -1.0 / (s * s), -2.0 * r / s, -2.0 * r * r
            continue
        # At the upper limit the signs of the distance and of its derivative in eta are the other way round.
        sign = -1.0 if value <= low else 1.0
        a = (low - eta[i, 0]) / s if value <= low else (eta[i, 0] - high) / s
        m = inverse_mills(a)
        bent = -m * inverse_mills_slope(a)
        loglik[i] = log_normal_cdf(a)
        gradient[i, 0], gradient[i, 1] = sign * m / s, -a * m
        hessian[i, 0] = bent / (s * s)
        hessian[i, 1] = -sign * (a * bent + m) / s
        hessian[i, 2] = a * (m + a * bent)


def start_tobit(y: Array, weights: Array) -> tuple[Array, Array]:
    """Mean and log standard deviation, as if nothing were censored."""
    # The moments of a file are those of the outcome alone.
    values = y if y.ndim == 1 else y[:, 0]
    mean = np.average(values, weights=weights)
    spread = np.average((values - mean) ** 2, weights=weights)
    return np.array([mean]), np.array([0.5 * np.log(spread)])


_FAR = -25.0


def mills_derivatives(a: Array) -> tuple[Array, Array, Array, Array]:
    """phi(a)/Phi(a) with three derivatives, each to five digits or better everywhere.

    Far in the lower tail their terms cancel, and the asymptotic series of Mills' ratio takes their place.
    """
    m = np.sqrt(2.0 / np.pi) / erfcx(-a / np.sqrt(2.0))
    near = np.maximum(a, _FAR)
    h = np.where(a > _FAR, m, 0.0)
    m1 = -h * (near + h)
    m2 = -m1 * (near + h) - h * (1.0 + m1)
    m3 = -m2 * (near + 2.0 * h) - 2.0 * m1 * (1.0 + m1)
    t = -np.minimum(a, _FAR)
    z = 1.0 / (t * t)
    far1 = z * (1.0 - z * (6.0 - z * (50.0 - 518.0 * z))) - 1.0
    far2 = z / t * (2.0 - z * (24.0 - z * (300.0 - 4144.0 * z)))
    far3 = z * z * (6.0 - z * (120.0 - z * (2100.0 - 37296.0 * z)))
    each = ((m1, far1), (m2, far2), (m3, far3))
    return m, *(np.where(a > _FAR, one, other) for one, other in each)


def bend_tobit(y: Array, eta: Array, constants: Array) -> tuple[Array, Array]:
    """First and second derivatives of the Hessian in eta."""
    s = float(np.exp(constants[0]))
    value, low, high, x = y[:, 0], y[:, 1], y[:, 2], eta[:, 0]
    below, above = value <= low, value >= high
    r, sign = (value - x) / s, np.where(below, -1.0, 1.0)
    a = np.where(below, low - x, np.where(above, x - high, 0.0)) / s
    m, m1, m2, m3 = mills_derivatives(a)
    zero = np.zeros(len(x))
    first = (
        (zero, sign * m2 / s**3),
        (zero + 2.0 / s**2, -(a * m2 + 2.0 * m1) / s**2),
        (4.0 * r / s, sign * (m + 3.0 * a * m1 + a**2 * m2) / s),
    )
    second = (
        (zero, m3 / s**4),
        (zero, -sign * (a * m3 + 3.0 * m2) / s**3),
        (zero - 4.0 / s**2, (4.0 * m1 + 5.0 * a * m2 + a**2 * m3) / s**2),
    )
    censored = below | above
    made = [
        np.column_stack([np.where(censored, out, within) for within, out in each]) for each in (first, second)
    ]
    return made[0], made[1]


def _exp(constants: Array) -> tuple[Array, Array]:
    sigma = np.exp(constants)
    return sigma, np.diag(sigma)


def _log(reported: Array) -> tuple[Array, Array]:
    return np.log(reported), np.diag(1.0 / reported)


family = Family(
    "tobit",
    tobit_kernel,
    start_tobit,
    constants=("sigma",),
    outcomes=None,
    bend=bend_tobit,
    residual=lambda constants: float(np.exp(2.0 * constants[0])),
    reported=_exp,
    working=_log,
    block="Error",
    tested=False,
    null=False,
)


# A sigma that is so small a part of the outcome's spread is zero but for rounding.
_NO_ERROR = 1e-8


def _family_of(sample: EstimationSample) -> Family:
    """The family, which sees by the spread of the outcome whether sigma has run to zero."""
    _, spread = family.start(*sample.values())

    def on_the_edge(constants: Array) -> str | None:
        if constants[0] - spread[0] < np.log(_NO_ERROR):
            return "sigma is at its lower bound, zero: the outcomes between the limits are fitted exactly."
        return None

    return replace(family, boundary=on_the_edge)


@dataclass(frozen=True)
class _Between:
    """The two limits, numbers, columns or expressions, and what follows from them for some rows."""

    lower: Limit
    upper: Limit

    def __post_init__(self) -> None:
        for limit in (self.lower, self.upper):
            if not (limit is None or isinstance(limit, (str, Real))):
                raise ModelError(
                    f"a limit is a number or the name of a column, not {type(limit).__name__}",
                    remedy="Pass the name: lower='limit'",
                )
        if self.lower in (None, -np.inf) and self.upper in (None, np.inf):
            raise ModelError("tobit needs a limit", remedy="Pass lower=, upper= or both, or use gvc.ols")
        if not self.columns:
            low, high = self.of_rows({}, 1)
            if not low[0] < high[0]:
                raise ModelError(
                    f"the lower limit {low[0]:g} is not below the upper one, {high[0]:g}",
                    remedy="Pass lower= below upper=",
                )

    @property
    def columns(self) -> tuple[str, ...]:
        """The limits that are columns or expressions."""
        return tuple(dict.fromkeys(limit for limit in (self.lower, self.upper) if isinstance(limit, str)))

    def of_rows(self, extras: Mapping[str, Array], n: int) -> tuple[Array, Array]:
        """Both limits of n rows, infinite where there is none."""

        def of(limit: Limit, none: float) -> Array:
            if isinstance(limit, str):
                return extras[limit]
            return np.full(n, none if limit is None else float(limit))

        return of(self.lower, -np.inf), of(self.upper, np.inf)

    def code(self, answers: Answers) -> Array:
        """The outcome, put at the limit that it is beyond, with its limits (n, 3)."""
        y = NUMBER.code(answers)
        low, high = self.of_rows(answers.extras, len(y))
        bad = ~(low < high)
        if bad.any():
            row, count = int(bad.argmax()), int(bad.sum())
            raise DataError(
                f"the lower limit {low[row]:g} is not below the upper one, {high[row]:g}, in {count} rows",
                replace(answers.place(row), column=self.columns[-1]),
                "Leave such rows out, or exchange lower= and upper=",
            )
        return np.column_stack([np.clip(y, low, high), low, high])

    def check(self, answers: Answers, rows: int) -> None:
        """Raise where no outcome lies between the limits."""
        y = answers.y
        SHARE.check(answers, rows)
        if len(y) == rows:
            low, high = self.of_rows(answers.extras, rows)
            found = bool(((low < y) & (y < high)).any())
        elif self.columns:
            return
        else:
            # Of a file only the ends of the outcome are known, and others may lie between them.
            low, high = self.of_rows({}, 1)
            found = bool(y.max() > low[0] and y.min() < high[0])
        if not found:
            raise ModelError(
                f"the outcome '{answers.names[0]}' lies between the limits in no row",
                remedy=f"It runs from {y.min():g} to {y.max():g}: look at lower= and upper=",
            )

    def scales(
        self, response: Response, made: Family, sample: EstimationSample, conditional: bool
    ) -> dict[str, Scale]:
        """The censored outcome, the chance to lie between the limits, and the latent outcome."""
        return {
            "response": Scale("expected censored outcome", {"": self.expected(_censored)}),
            "probability": Scale("probability of lying between the limits", {"": self.expected(_uncensored)}),
            "index": Scale(response.index_words, {"": index(0)}),
        }

    def expected(self, ladder: _Ladder) -> Outcome:
        """Something that is expected of rows with these limits."""

        def of_rows(extras: Mapping[str, Array]) -> Outcome:
            def at(eta: Array, shared: Array) -> _Rungs:
                low, high = self.of_rows(extras, len(eta))
                return ladder(_Ends(low, high, eta[:, 0], float(np.exp(shared[0]))))

            def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
                value, first, second, _ = at(eta, shared)
                return value, np.column_stack(first), np.column_stack(second)[:, None]

            def third(eta: Array, shared: Array, u: Array, v: Array) -> Array:
                return np.column_stack(at(eta, shared)[3]) * (u * v)

            return Outcome(lambda eta, shared: at(eta, shared)[0], derivatives, third)

        return replace(of_rows({}), bind=of_rows)


@dataclass(frozen=True)
class _Ends:
    """The limits of rows, (n), beside their latent mean eta, (n), and sigma."""

    low: Array
    high: Array
    eta: Array
    sigma: float

    @property
    def standardised(self) -> tuple[Array, Array]:
        """a and b: the limits' distances from eta in standard deviations."""
        return (self.low - self.eta) / self.sigma, (self.high - self.eta) / self.sigma

    def shares(self) -> tuple[Array, Array, Array]:
        """The chance to lie below, between and above the limits."""
        a, b = self.standardised
        # In the tail that is the thinner, where the difference keeps its digits.
        between = np.where(a > 0, ndtr(-a) - ndtr(-b), ndtr(b) - ndtr(a))
        return ndtr(a), between, ndtr(-b)

    def drop(self, k: int) -> Array:
        """a^k phi(a) - b^k phi(b); both are zero at infinity."""
        a, b = (np.where(np.isfinite(z), z, 0.0) for z in self.standardised)
        at_a, at_b = (np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) for z in self.standardised)
        return a**k * at_a - b**k * at_b


# Something that is expected, (n), and the derivatives in (eta, log sigma) of itself, of its slope in eta and
# of its second derivative in eta.
_Pair = tuple[Array, Array]
_Rungs = tuple[Array, _Pair, _Pair, _Pair]
_Ladder = Callable[[_Ends], _Rungs]


def _censored(ends: _Ends) -> _Rungs:
    r"""E(y) = L Φ(a) + U Φ(−b) + η (Φ(b) − Φ(a)) + σ (φ(a) − φ(b)), whose slope in η is Φ(b) − Φ(a)."""
    s = ends.sigma
    below, between, above = ends.shares()
    at_limits = sum(
        np.where(np.isfinite(limit), limit, 0.0) * share
        for limit, share in ((ends.low, below), (ends.high, above))
    )
    d0, d1, d2 = (ends.drop(k) for k in range(3))
    value = at_limits + ends.eta * between + s * d0
    return value, (between, s * d0), (d0 / s, d1), (d1 / s**2, (d2 - d0) / s)


def _uncensored(ends: _Ends) -> _Rungs:
    """P(L < y* < U) = Φ(b) − Φ(a)."""
    s = ends.sigma
    d0, d1, d2, d3 = (ends.drop(k) for k in range(4))
    slope, bent = (d1 / s**2, (d2 - d0) / s), ((d2 - d0) / s**3, (d3 - 3.0 * d1) / s**2)
    return ends.shares()[1], (d0 / s, d1), slope, bent


def _response(between: _Between) -> Response:
    return Response(
        "tobit",
        "Tobit",
        Coding(between.code, between.check),
        _family_of,
        {
            "pooled": Treatment(pooled, from_file=True),
            "random": Treatment(random_intercept),
            "correlated": Treatment(random_intercept),
            "correlated_pooled": Treatment(pooled),
        },
        instead={"fixed": NOT_CONDITIONAL.format(logit="gvc.logit")},
        index_words="latent outcome",
        scales=between.scales,
    )


TOBIT = _response(_Between(0, None))


def tobit(
    formula: str, data: pd.DataFrame | str | Path, *,
    lower: Limit = 0, upper: Limit = None,
    unit: str | None = None, time: str | None = None, step: float = 1,
    effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int | str = "auto",
    fix: Mapping[str, float] | None = None, subset: str | Sequence[bool] | None = None,
    split: str | None = None, fsplit: str | None = None, trusted: bool = True,
) -> Results | ResultsList:  # fmt: skip
    r"""Tobit: linear regression of an outcome that is censored below, above or at both ends (Tobin 1958).

    .. math:: y_{it}^* = x_{it}'\beta + \alpha_i + \varepsilon_{it}, \quad \varepsilon \sim N(0, \sigma^2),
       \qquad y_{it} = \min\{\max(y_{it}^*, L_{it}), U_{it}\}

    Parameters
    ----------
    formula, data, unit, time, vcov, weights, frequency, offset, nquad, subset, split, fsplit, trusted : as in
        `logit`.
    lower, upper : limits L and U, in units of the outcome: numbers, or columns or expressions for limits that
        differ by row. None where there is none. An outcome at a limit or beyond it counts as censored there.
    effects : `pooled`; `random`: normal intercept by unit; `correlated`, `correlated_pooled`: with the unit
        means of the regressors (Mundlak 1978). No statistic conditions the unit effects away.
    fix : parameters held at a value, `{"x1": 0}`.

    Returns
    -------
    Results, whose `sigma` is in units of the outcome. `margins` are on the expected censored outcome, with
    `scale="probability"` on the chance that the outcome lies between its limits, with `scale="index"` on the
    latent outcome.

    Raises
    ------
    ModelError : no limit, limits out of order, no outcome between them. DataError : limits out of order in a
        row; see the message.

    Source
    ------
    Tobin (1958); two limits: Rosett & Nelson (1975); effects on what is seen: McDonald & Moffitt (1980).

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "exports": [0, 0, 1, 0, 3, 2, 5, 4]})
    >>> tobit("exports ~ rd", frame).params.round(4).to_dict()
    {'Intercept': -2.0331, 'rd': 0.969, 'sigma': 1.099}
    """
    between = _Between(lower, upper)
    return fit(
        Request(
            tobit, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, nquad=nquad, fix=fix,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
            options={"lower": lower, "upper": upper}, extras=between.columns,
        ),
        _response(between),
    )  # fmt: skip
