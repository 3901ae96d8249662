r"""Elasticities and semi-elasticities, averages over rows of derivatives in logarithms.

With :math:`P(x)` the expected outcome and weights :math:`\omega_i` that add to one they are

.. math:: \sum_i \omega_i \frac{\partial \log P}{\partial \log v}, \qquad
   \sum_i \omega_i \frac{\partial \log P}{\partial v}, \qquad
   \sum_i \omega_i \frac{\partial P}{\partial \log v} = \sum_i \omega_i v_i \frac{\partial P}{\partial v},

Stata's `eyex`, `eydx` and `dyex`. Of the first two only the outcome changes: with
:math:`P_a, P_{ab}` its derivatives, :math:`\log P` has :math:`P_a/P` and :math:`P_{ab}/P - P_a P_b/P^2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.models.likelihood.expected import Scale, Surface
from gvcmetrics.models.likelihood.family import Array, Outcome, Third
from gvcmetrics.models.marginal.contrasts import Pair
from gvcmetrics.models.marginal.predictor import Predictor


@dataclass(frozen=True)
class Measure:
    """How a change is measured.

    slope : as a contrast is called. words : of the estimates, in the plural. outcome, variable : whether
    it is one in the logarithm of the outcome, of the variable.
    """

    slope: str
    words: str
    outcome: bool
    variable: bool


ELASTICITY = Measure("ey/ex", "elasticities", outcome=True, variable=True)
OF_OUTCOME = Measure("ey/dx", "semi-elasticities", outcome=True, variable=False)
OF_VARIABLE = Measure("dy/ex", "semi-elasticities", outcome=False, variable=True)
MEASURES: Mapping[str, Measure] = {
    "elasticity": ELASTICITY, "eyex": ELASTICITY, "semi_elasticity": OF_OUTCOME, "eydx": OF_OUTCOME,
    "dyex": OF_VARIABLE,
}  # fmt: skip


def base_scale(predictor: Predictor, measure: Measure, asked: str) -> Scale:
    """What the elasticity is one of: the outcome; of a conditional logit the log of its probability.

    Raises
    ------
    ModelError : the model has no such scale.
    """
    if predictor.conditional and measure.outcome:
        return predictor.scale("semi_elasticity", asked, "no probability can change")
    return predictor.scale("response", asked, "no probability can change")


def measured(surface: Surface, measure: Measure, *, conditional: bool) -> Surface:
    """The surface whose slopes are those of a measure; a conditional logit's is in logarithms already."""
    outcomes = surface.outcomes
    if measure.outcome and not conditional:
        outcomes = {label: logarithm(outcome) for label, outcome in outcomes.items()}
    return replace(surface, outcomes=outcomes, slope=measure.slope, in_logs=measure.variable)


def logarithm(outcome: Outcome) -> Outcome:
    """The logarithm of an expected outcome."""

    def derivatives(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        value, first, second = outcome.derivatives(eta, shared)
        P = _positive(value)
        relative = first / P[:, None]
        m = eta.shape[1]
        bent = second / P[:, None, None] - relative[:, :m, None] * relative[:, None, :]
        return np.log(P), relative, bent

    third, bind = outcome.third, outcome.bind
    return Outcome(
        lambda eta, shared: np.log(_positive(outcome.value(eta, shared))),
        derivatives,
        None if third is None else _third(outcome, third),
        None if bind is None else lambda rows: logarithm(bind(rows)),
    )


def _third(outcome: Outcome, third: Third) -> Third:
    def of_logarithm(eta: Array, shared: Array, u: Array, v: Array) -> Array:
        value, first, second = outcome.derivatives(eta, shared)
        P, m = _positive(value)[:, None], eta.shape[1]
        along_u, along_v = ((first[:, :m] * w).sum(axis=1, keepdims=True) / P for w in (u, v))
        bent_u, bent_v = (np.einsum("nja,nj->na", second, w) / P for w in (u, v))
        both = (bent_u[:, :m] * v).sum(axis=1, keepdims=True)
        relative = first / P
        return np.asarray(
            third(eta, shared, u, v) / P
            - both * relative
            - bent_u * along_v
            - bent_v * along_u
            + 2.0 * along_u * along_v * relative
        )

    return of_logarithm


def _positive(value: Array) -> Array:
    bad = ~(value > 0.0)
    if bad.any():
        raise ModelError(
            f"the expected outcome is {value[bad].min():.3g} in one of {int(bad.sum())} rows where it is not "
            "above zero, and has no logarithm there",
            remedy="Take values of the regressors where it is, with at= or at_means=True, or scale='dyex'",
        )
    return value


def with_slopes(
    measure: Measure,
    asked: list[tuple[str, ...]],
    steps: Mapping[str, list[Pair] | None],
    kind: str,
    *,
    everything: bool,
) -> tuple[list[tuple[str, ...]], Mapping[str, list[Pair] | None]]:
    """What of the variables that are asked for has a measure; all that have one, where all were asked for.

    Raises
    ------
    ModelError : nothing can be in the logarithm of a variable that jumps, nor of a product of two.
    """
    if kind == "predictions":
        raise ModelError("a prediction has no elasticity, only an effect", remedy="Leave out kind= or scale=")
    if not measure.variable:
        return asked, steps
    if everything and any(pairs is None for pairs in steps.values()):
        asked = [names for names in asked if steps[names[0]] is None]
        steps = {names[0]: None for names in asked}
    jumps = [name for name, pairs in steps.items() if pairs is not None]
    if jumps:
        raise ModelError(
            f"'{jumps[0]}' jumps between values, and has no {measure.words.replace('ies', 'y')} in itself",
            remedy="Name continuous variables, or use scale='semi_elasticity' for changes in the log outcome",
        )
    if any(len(names) == 2 for names in asked):
        raise ModelError(
            "elasticities of an interaction are not defined",
            remedy="Use scale='semi_elasticity', or at= for elasticities at values of the other variable",
        )
    return asked, steps
