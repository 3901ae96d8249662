r"""Selection on what is not observed, reckoned from selection on what is (Oster 2019).

With :math:`\dot\beta, \dot R` of the regression without the controls, :math:`\tilde\beta, \tilde R` of the
full one, :math:`\sigma_y^2` the variance of the outcome, :math:`\sigma_x^2` and :math:`\tau` those of x given
what is in both regressions and given all controls, :math:`d = \dot\beta - \tilde\beta`, and
:math:`\nu = \tilde\beta - \beta` the bias that is left, proportional selection δ and :math:`R_{max}` tie

.. math:: \delta\,[(R_{max}-\tilde R)\sigma_y^2\,(d\sigma_x^2 + \nu(\sigma_x^2-\tau)) + \nu^2\tau d\sigma_x^2
   + \nu^3\tau(\sigma_x^2-\tau)] =
   \nu\tau\,[(\tilde R-\dot R)\sigma_y^2 + \sigma_x^2 d^2] + 2\nu^2\tau d\sigma_x^2
   + \nu^3\tau(\sigma_x^2-\tau).

For a value of β it gives δ; for a value of δ a cubic (a quadratic at δ = 1) gives β.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.robustness.check import Check, coefficient
from gvcmetrics.models.robustness.figures import curve

# Beyond this much selection a figure says no more.
_SHOWN = 4.0


@dataclass(frozen=True)
class _Moments:
    """Both regressions. d : how far the controls moved the coefficient."""

    without: float
    full: float
    r2_without: float
    r2_full: float
    of_y: float
    of_x: float
    tau: float

    @property
    def d(self) -> float:
        return self.without - self.full

    def sides(self, r_max: float) -> tuple[Array, Array]:
        """Coefficients of 1, ν, ν², ν³: what δ multiplies, and what it is equal to."""
        x, t, d, room = self.of_x, self.tau, self.d, (r_max - self.r2_full) * self.of_y
        left = np.array([room * d * x, room * (x - t), t * d * x, t * (x - t)])
        moved = t * ((self.r2_full - self.r2_without) * self.of_y + x * d * d)
        return left, np.array([0.0, moved, 2.0 * t * d * x, t * (x - t)])

    def delta(self, beta: float, r_max: float) -> float:
        """δ at which the coefficient would be β."""
        powers = (self.full - beta) ** np.arange(4)
        left, right = self.sides(r_max)
        return float(right @ powers / (left @ powers))

    def betas(self, delta: float, r_max: float) -> Array:
        """Coefficients under proportional selection δ, the nearest to the full one first."""
        left, right = self.sides(r_max)
        polynomial = np.polynomial.Polynomial(delta * left - right)
        scale = np.abs(polynomial.coef).max()
        roots = polynomial.trim(1e-14 * scale).roots()
        real = np.sort(roots[np.abs(roots.imag) < 1e-7 * (1.0 + np.abs(roots))].real)
        return self.full - real[np.argsort(np.abs(real), kind="stable")]


def oster(
    results: Results,
    variable: str,
    *,
    r_max: float | None = None,
    delta: float = 1.0,
    beta: float = 0.0,
    always: Sequence[str] = (),
) -> Check:
    r"""How much selection on unobservables would take a coefficient away (Oster 2019).

    Parameters
    ----------
    results : of `gvc.ols` with all controls, absorbed effects among what is always in.
    variable : the regressor of interest.
    r_max : R² of a regression with everything that matters; by default 1.3 times the full one's, at most 1.
    delta : selection on unobservables relative to that on the controls, for β*.
    beta : the value that δ* is reckoned for.
    always : regressors that are in both regressions; the others but `variable` are the controls.

    Returns
    -------
    Check with `values`: `delta` (δ*: above one, unobservables would have to matter more than the controls
    for β to be `beta`), `beta` (β*, the solution nearest to the full estimate), and what they rest on;
    the `table` has every solution, and in `as_controls` whether it moves the coefficient further in the
    direction in which the controls moved it, which Oster's third assumption asks for.

    Raises
    ------
    ModelError : the model is not linear, there is no control, or R²_max is below the full R².

    Source
    ------
    Oster (2019, Journal of Business & Economic Statistics 37), propositions 2 and 3.

    Examples
    --------
    >>> import pandas as pd, gvcmetrics as gvc
    >>> frame = pd.DataFrame({"y": [1.0, 2, 4, 3, 6, 5], "x": [1.0, 2, 3, 3, 5, 5], "z": [1, 0, 1, 0, 1, 0]})
    >>> round(oster(gvc.ols("y ~ x + z", frame), "x", r_max=1.0).values["delta"], 2)
    -0.85
    """
    moments = _moments(results, variable, tuple(always))
    r_max = min(1.3 * moments.r2_full, 1.0) if r_max is None else r_max
    if not moments.r2_full < r_max <= 1.0:
        raise ModelError(
            f"r_max={r_max:g} is not between the full R², {moments.r2_full:.4f}, and one",
            remedy="Pass a larger r_max=",
        )
    found, betas = moments.delta(beta, r_max), moments.betas(delta, r_max)
    if not len(betas):
        raise ModelError(
            f"no coefficient agrees with delta={delta:g}", remedy="Use a smaller delta= or r_max="
        )
    values = {
        "delta": found, "beta": float(betas[0]), "without": moments.without, "full": moments.full,
        "r2_without": moments.r2_without, "r2_full": moments.r2_full, "r_max": r_max,
    }  # fmt: skip
    table = pd.DataFrame(
        {
            "estimate": [moments.without, moments.full, *betas],
            "r2": [moments.r2_without, moments.r2_full, *[r_max] * len(betas)],
            "as_controls": [None, None, *((moments.full - b) * moments.d * delta > 0 for b in betas)],
        },
        index=pd.Index(
            [
                "without controls",
                "with controls",
                *(f"selection {delta:g}, solution {k}" for k in range(1, len(betas) + 1)),
            ]
        ),
    )
    said = _sentence(values, table, delta, beta)
    return Check(
        "Selection on unobservables (Oster 2019)", variable, table, said, values,
        lambda named: _figure(moments, r_max, named(variable), beta, (delta, float(betas[0]))),
    )  # fmt: skip


def _sentence(values: dict[str, float], table: pd.DataFrame, delta: float, beta: float) -> str:
    found = values["delta"]
    if found < 0:
        what = "selection on unobservables would have to run against that on the controls"
    elif found > 1:
        what = f"unobservables would have to matter {found:.2f} times as much as the controls"
    else:
        what = f"unobservables that matter {found:.2f} times as much as the controls suffice"
    solutions = table.iloc[2:]
    further = solutions["estimate"][solutions["as_controls"].astype(bool)]
    other = ""
    if len(further) and not solutions["as_controls"].iloc[0]:
        other = f", or {further.iloc[0]:.4g}, further in the direction in which the controls moved it"
    return (
        f"For the coefficient to be {beta:g}, {what} (R² max {values['r_max']:.3f}); "
        f"if they matter {delta:g} times as much it is {values['beta']:.4g}{other}."
    )


def _figure(moments: _Moments, r_max: float, variable: str, beta: float, at: tuple[float, float]) -> Figure:
    """The selection that each coefficient would take: one, where a selection may have three coefficients."""
    ends = np.array([beta, at[1], moments.full, moments.without])
    room = 0.15 * np.ptp(ends)
    betas = np.linspace(ends.min() - room, ends.max() + room, 400)
    deltas = np.array([moments.delta(each, r_max) for each in betas])
    deltas[np.abs(deltas) > _SHOWN] = np.nan
    marks = pd.DataFrame(
        {
            "x": [moments.full, beta, at[1]],
            "y": [0.0, moments.delta(beta, r_max), at[0]],
            "label": ["with controls", f"coefficient {beta:g}", f"selection {at[0]:g}"],
        }
    )
    words = (f"Coefficient of {variable}", "Selection on unobservables relative to controls")
    return curve(betas, deltas, marks[marks["y"].abs() <= _SHOWN], variable, words)


def _moments(results: Results, variable: str, always: tuple[str, ...]) -> _Moments:
    sample = results.sample
    if results.response is None or results.response.name != "ols" or not isinstance(sample, Sample):
        raise ModelError("Oster's bounds are for a linear model in memory", remedy="Use gvc.ols")
    coefficient(results, variable)
    for name in always:
        coefficient(results, name)
    kept = [k for k, n in enumerate(sample.names) if n == "Intercept" or n in always]
    controls = [k for k, n in enumerate(sample.names) if k not in kept and n != variable]
    if not controls:
        raise ModelError("there is no control to learn from", remedy="Estimate with controls")
    weights = np.ones(len(sample.y)) if sample.weights is None else sample.weights
    y, x = sample.y, sample.X[:, sample.names.index(variable)]
    effects = [*sample.absorbed.values()]
    total = float(np.average((y - np.average(y, weights=weights)) ** 2, weights=weights))
    base, every = sample.X[:, kept], sample.X[:, kept + controls]

    def rest(of: Array, on: Array) -> Array:
        both = np.column_stack([of, on])
        both = demean(both, effects, weights) if effects else both
        root = np.sqrt(weights)[:, None]
        column, others = both[:, :1] * root, both[:, 1:] * root
        scale = np.linalg.norm(others, axis=0)
        others = others / np.where(scale > 0, scale, 1.0)
        made: Array = (column - others @ np.linalg.lstsq(others, column, rcond=None)[0])[:, 0]
        return made

    def regression(others: Array) -> tuple[float, float, float]:
        """Coefficient of x, R², variance of x given the others."""
        x_rest, y_rest = rest(x, others), rest(y, others)
        slope = float(x_rest @ y_rest / (x_rest @ x_rest))
        left = float(np.sum((y_rest - slope * x_rest) ** 2)) / weights.sum()
        return slope, 1.0 - left / total, float(x_rest @ x_rest) / weights.sum()

    without, r2_without, of_x = regression(base)
    full, r2_full, tau = regression(every)
    return _Moments(without, full, r2_without, r2_full, total, of_x, tau)
