"""Marginal effects: what a change in a regressor does to the expected outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import signature
from itertools import product
from typing import Any, Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formula import split_outside, unquote
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.inference.bias_reduced import OfCombinations
from gvcmetrics.models.inference.estimates import Estimates
from gvcmetrics.models.likelihood.expected import Scale, Surface
from gvcmetrics.models.marginal.averages import (
    Average,
    average_cross,
    average_outcome,
    average_slopes,
)
from gvcmetrics.models.marginal.contrasts import Pair, known_level, label, level_text, pairs_of
from gvcmetrics.models.marginal.elasticities import MEASURES, base_scale, measured, with_slopes
from gvcmetrics.models.marginal.estimable import NOT_ESTIMABLE, untied
from gvcmetrics.models.marginal.groups import Group, groups_of
from gvcmetrics.models.marginal.held import refuse_held
from gvcmetrics.models.marginal.predictor import Predictor
from gvcmetrics.models.marginal.result import Margins, OfAlternatives
from gvcmetrics.models.marginal.rows import Rows, Variable, variables_of_parts
from gvcmetrics.models.marginal.settings import average_outcomes

ScaleName = Literal[
    "response", "index", "probability", "marginal", "joint", "conditional",
    "elasticity", "semi_elasticity", "eyex", "eydx", "dyex",
]  # fmt: skip
Names = tuple[str, ...]
_MOST_SETTINGS = 10_000
_CORRECTED = "Averages are corrected for the bias from estimated effects"


def margins(
    results: Estimates,
    variables: str | Sequence[str] | None = None,
    *,
    kind: Literal["effects", "predictions"] = "effects",
    at: Mapping[str, Any] | None = None,
    at_means: bool = False,
    by: str | Sequence[str] | None = None,
    contrasts: str | Mapping[str, str | Sequence[tuple[Any, Any]]] = "base",
    scale: ScaleName | None = None,
    unit_effect: Literal["averaged", "zero"] = "averaged",
    outcomes: Sequence[str] | None = None,
    denominator: Literal["all", "used"] = "all",
) -> Margins:
    r"""Average marginal effects on the expected outcome, with delta-method errors.

    With :math:`P(x)` the probability of an outcome (or the expected outcome) and weights
    :math:`\omega_i` that add to one, the effect of a continuous variable v is the average derivative, that
    of a category or of a 0/1 variable the average contrast, and that of `"v:z"` the second difference
    (Ai & Norton 2003), which on the probability scale is not the coefficient of the product:

    .. math::
        \sum_i \omega_i \frac{\partial P(x_i)}{\partial v}, \qquad
        \sum_i \omega_i [P(x_i; v = b) - P(x_i; v = a)], \qquad
        \sum_i \omega_i \frac{\partial^2 P(x_i)}{\partial v \, \partial z}
        \text{ or its differences.}

    Every term in which a variable stands moves with it. The covariance is :math:`G V G'`, G the analytic
    gradient and V the covariance of the results, clustered or not. Regressors are taken as given, as by
    Stata's `margins`.

    Parameters
    ----------
    results : of any model, in memory or from a file.
    variables : names of columns of the data, or `"v:z"` for an interaction; by default every regressor. A
        lag is a variable of its own, `"L(v)"`.
    kind : `"predictions"` gives average expected outcomes: for the rows as they are (or `at` values), or
        with every row put into each category of `variables`.
    at : values that all rows are set to, `{"buyer_hhi": [0, 0.5, 1]}`; several variables are crossed.
    at_means : evaluate once, where numbers are at their mean and categories at their shares.
    by : columns; averages are taken within each of their groups.
    contrasts : `"base"` (each category less the base), `"pairwise"`, `"adjacent"`; or by variable one of
        these or pairs (to, from): `{"governance": [("network", "hierarchical")], "age": [(20, 10)]}`.
    scale : `"response"`: probabilities, shares, counts; `"index"`: the linear index; by default the response
        where the model has one. Of a joint probit also `"marginal"`: of each outcome whatever the others;
        `"joint"`: of every combination; `"conditional"`: of each outcome given others. `"elasticity"` (or
        Stata's `"eyex"`): averages of :math:`\partial \log P/\partial \log v`; `"semi_elasticity"`
        (`"eydx"`): :math:`\partial \log P/\partial v`, or changes of :math:`\log P` over a jump; `"dyex"`:
        :math:`\partial P/\partial \log v`. Those in the log of a variable are of continuous ones alone.
    unit_effect : random effects: effects averaged over the normal unit effect (population-averaged), or for
        a unit whose effect is zero.
    outcomes : categories of an ordered or multinomial outcome, by default all; of a joint probit the outcomes
        (P(y = 1) whatever the others) and cells (`"y1=1, y2=0"`), by default all of two outcomes and
        without the cells, which are many, of more; of its conditional probabilities any
        `"y1=1 | y2=1, y3=0"` or `"y1=1 | y2=0"`, by default those given that all others are one.
    denominator : after absorbed effects of a binary outcome, `"all"` averages over all rows, those of groups
        whose outcome never changes with their outcome and an effect of zero (as alpaca and bife do);
        `"used"` over the rows that the estimates are made from.

    Notes
    -----
    Conditional likelihoods (`effects="fixed"` of logit, ordered and multinomial logit) do not estimate the
    unit effects, so there is no probability. Their effects are on the log odds of a unit, or for the
    logit with `scale="semi_elasticity"` on the log of the probability: the average of
    :math:`(1 - P_{it})\beta` is :math:`(1 - \bar y)\beta`, with the mean outcome of the units whose outcome
    changes, taken as given (Kemp & Santos Silva 2016). Absorbed effects (Poisson, logit, probit, cloglog)
    are at their estimates and move with the coefficients as their first-order conditions say. With
    `bias_correction=` the averages
    are corrected too, for what the noise of the estimated effects does to them (Fernández-Val & Weidner 2016,
    theorem 4.2), but for cross derivatives and effects at means.
    With unit means in the model (`correlated`), a variable moves and its mean stays.

    Raises
    ------
    ModelError : a variable is not in the model, has no derivative, or the effect has no meaning.
    DataError : a category or a column is not known.

    Examples
    --------
    >>> import pandas as pd
    >>> from gvcmetrics.models import logit
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "innovates": [0, 0, 1, 0, 1, 0, 1, 1]})
    >>> margins(logit("innovates ~ rd", frame), "rd").params.round(4).to_dict()
    {'rd': 0.104}
    """
    call = _call_text(
        results, variables=variables, kind=kind, at=at, at_means=at_means, by=by, contrasts=contrasts,
        scale=scale, unit_effect=unit_effect, outcomes=outcomes, denominator=denominator,
    )  # fmt: skip
    if kind not in ("effects", "predictions"):
        raise ModelError(f"kind={kind!r} is not known", remedy="Use 'effects' or 'predictions'")
    if isinstance(results.predictor, OfAlternatives):
        if kind != "effects" or at or at_means or by or contrasts != "base" or unit_effect != "averaged":
            raise ModelError(
                "of a choice model there are average effects and elasticities",
                remedy="Pass variables, scale= and outcomes= alone; predict() has probabilities",
            )
        return results.predictor.margins(results, variables, scale or "response", outcomes, call)
    if unit_effect not in ("averaged", "zero"):
        raise ModelError(f"unit_effect={unit_effect!r} is not known", remedy="Use 'averaged' or 'zero'")
    predictor, params = _predictor(results), results.params.to_numpy()
    measure = MEASURES.get(scale or "")
    chosen = (
        base_scale(predictor, measure, f"scale={scale!r}")
        if measure
        else predictor.scale(
            scale or next(iter(predictor.scales)), f"scale={scale!r}", "no probability can change"
        )
    )
    surface = predictor.surface(params, chosen, outcomes, averaging=unit_effect == "averaged")
    if measure:
        surface = measured(surface, measure, conditional=predictor.conditional)
    columns = [by] if isinstance(by, str) else list(by or ())
    held = tuple(predictor.parts(params, tuple(columns))) if predictor.sample.in_memory else None

    def parts() -> Iterator[Rows]:
        return iter(held) if held is not None else predictor.parts(params, tuple(columns))

    known = variables_of_parts(parts())
    asked = _asked(variables, known, kind)
    steps: Mapping[str, list[Pair] | None] = {
        name: pairs_of(known[name], contrasts) for names in asked for name in names
    }
    if measure:
        asked, steps = with_slopes(measure, asked, steps, kind, everything=variables is None)
    _refuse_meaningless(predictor, surface, kind, steps)
    refuse_held(predictor.sample, [*steps, *(at or {})])
    if at_means and held is None:
        raise ModelError("effects at means need the sample in memory", remedy="Give values with at=")
    settings = _settings(at, known)
    groups = groups_of(parts(), columns, predictor.sample)
    still = _still(predictor, chosen, denominator, at_means or bool(measure and measure.outcome))
    for part in still:
        groups = [group.with_still(part) for group in groups]

    def of_rows(rows: Rows, setting: dict[str, Any]) -> list[tuple[dict[str, Any], Average]]:
        where = rows.at(setting)
        if at_means:
            where = where.at_means(known, setting)
        if kind == "predictions":
            return list(_predictions(surface, where, asked, known))
        return list(_effects(surface, where, asked, steps))

    found = _over_parts(parts(), groups, settings, of_rows, kind == "predictions")
    crossed = any(len(names) == 2 for names in asked)
    notes = _notes(predictor, unit_effect, at_means, crossed, still) + _why_not(predictor, found)
    return _margins(
        results, surface, found, kind=kind, at_means=at_means, notes=notes, call=call,
        measure=measure.words if measure else "",
    )  # fmt: skip


def _predictor(results: Estimates) -> Predictor:
    if results.predictor is None:
        raise ModelError(f"{results.model} with effects={results.effects!r} has no expected outcomes")
    return results.predictor


def _still(predictor: Predictor, scale: Scale, denominator: str, apart: bool) -> tuple[Sample, ...]:
    """The rows whose outcome never moves, where they count in averages on this scale.

    apart : averages at means, and of logarithms, which an outcome of zero has not.
    """
    if denominator not in ("all", "used"):
        raise ModelError(f"denominator={denominator!r} is not known", remedy="Use 'all' or 'used'")
    counted = denominator == "all" and not apart and scale is predictor.scales.get("response")
    return predictor.fitted.still if predictor.fitted is not None and counted else ()


def _over_parts(
    parts: Iterable[Rows],
    groups: Sequence[Group],
    settings: Sequence[dict[str, Any]],
    of_rows: Callable[[Rows, dict[str, Any]], list[tuple[dict[str, Any], Average]]],
    levels: bool,
) -> list[tuple[dict[str, Any], Average]]:
    """The averages of every group at every setting, added up over the parts of the sample.

    levels : whether they are outcomes, which rows that are still have as well, and not changes.
    """
    found: dict[tuple[int, int], list[tuple[dict[str, Any], Average]]] = {}
    for part in parts:
        for g, group in enumerate(groups):
            rows = group.of(part)
            if rows is None:
                continue
            for s, setting in enumerate(settings):
                made = of_rows(rows, setting)
                if (g, s) in found:
                    made = [
                        (key, before + now) for (key, before), (_, now) in zip(found[g, s], made, strict=True)
                    ]
                found[g, s] = made
    return [
        ({**key, **setting, **group.labels}, average.raised(group.level) if levels else average)
        for g, group in enumerate(groups)
        for s, setting in enumerate(settings)
        for key, average in found[g, s]
    ]


def _effects(
    surface: Surface, rows: Rows, asked: list[Names], steps: Mapping[str, list[Pair] | None]
) -> Iterator[tuple[dict[str, Any], Average]]:
    smooth = [names[0] for names in asked if len(names) == 1 and steps[names[0]] is None]
    slopes = dict(zip(smooth, average_slopes(surface, rows, smooth), strict=True))
    levels = _outcomes(
        surface,
        rows,
        [
            {names[0]: value}
            for names in asked
            if len(names) == 1
            for pair in steps[names[0]] or ()
            for value in pair
        ],
    )
    for names in asked:
        if len(names) == 2:
            yield from _second_differences(surface, rows, names, steps)
        elif (pairs := steps[names[0]]) is None:
            yield {"variable": names[0], "contrast": surface.slope}, slopes[names[0]]
        else:
            for to, base in pairs:
                change = levels[names[0], to] - levels[names[0], base]
                yield {"variable": names[0], "contrast": label(to, base)}, change


def _second_differences(
    surface: Surface, rows: Rows, names: Names, steps: Mapping[str, list[Pair] | None]
) -> Iterator[tuple[dict[str, Any], Average]]:
    """How the effect of one variable changes with the other; the order does not matter."""
    a, b = names
    first, second = steps[a], steps[b]
    variable = ":".join(names)
    if first is None and second is None:
        yield {"variable": variable, "contrast": f"d²y/d{a} d{b}"}, average_cross(surface, rows, a, b)
        return
    if first is not None and second is not None:
        ends = product(*([x for pair in pairs for x in pair] for pairs in (first, second)))
        corner = _outcomes(surface, rows, [{a: u, b: v} for u, v in ends])
        for (u1, u0), (v1, v0) in product(first, second):
            upper, lower = (corner[a, u1, b, v] - corner[a, u0, b, v] for v in (v1, v0))
            change = upper - lower
            yield {"variable": variable, "contrast": f"({label(u1, u0)}) × ({label(v1, v0)})"}, change
        return
    smooth, jumps = (b, a) if second is None else (a, b)
    pairs = first if second is None else second
    assert pairs is not None
    slope = {
        value: average_slopes(surface, rows.at({jumps: value}), [smooth])[0]
        for value in dict.fromkeys(x for pair in pairs for x in pair)
    }
    for to, base in pairs:
        yield {"variable": variable, "contrast": f"dy/d{smooth}: {label(to, base)}"}, slope[to] - slope[base]


def _predictions(
    surface: Surface, rows: Rows, asked: list[Names], known: Mapping[str, Variable]
) -> Iterator[tuple[dict[str, Any], Average]]:
    if not asked:
        yield {"variable": "prediction", "contrast": ""}, average_outcome(surface, rows)
    for (name,) in asked:
        levels = known[name].levels or ()
        averages = _outcomes(surface, rows, [{name: level} for level in levels])
        for level in levels:
            yield {"variable": name, "contrast": level_text(level)}, averages[name, level]


def _outcomes(
    surface: Surface, rows: Rows, settings: Iterable[dict[str, Any]]
) -> dict[tuple[Any, ...], Average]:
    """Average outcomes by setting: name, value, name, value, …"""
    by_key = {tuple(x for item in setting.items() for x in item): setting for setting in settings}
    return dict(zip(by_key, average_outcomes(surface, rows, [*by_key.values()]), strict=True))


def _asked(variables: str | Sequence[str] | None, known: Mapping[str, Variable], kind: str) -> list[Names]:
    """Variables and pairs of variables."""
    if variables is None:
        return [] if kind == "predictions" else [(name,) for name in known]
    texts = [variables] if isinstance(variables, str) else list(variables)
    asked = []
    for text in texts:
        names: Names = (text,) if text in known else tuple(unquote(p) for p in split_outside(text, ":"))
        for name in names:
            if name not in known:
                raise ModelError(
                    f"'{name}' is not a variable of the model", remedy=f"They are {', '.join(known)}"
                )
        if len(names) > 2 or len(set(names)) < len(names):
            raise ModelError(f"'{text}' is not an interaction of two variables", remedy="Write 'a:b'")
        if kind == "predictions" and (len(names) > 1 or known[names[0]].levels is None):
            raise ModelError(
                f"predictions for each value of '{text}' need a variable with categories",
                remedy=f"Give values: at={{'{names[0]}': [0, 1, 2]}}",
            )
        asked.append(names)
    return asked


def _settings(at: Mapping[str, Any] | None, known: Mapping[str, Variable]) -> list[dict[str, Any]]:
    """Every combination of the values of `at`."""
    values = {}
    for name, given in (at or {}).items():
        if name not in known:
            raise ModelError(
                f"at= names '{name}', which is not a variable of the model",
                remedy=f"They are {', '.join(known)}",
            )
        several = given if isinstance(given, (list, tuple, np.ndarray, pd.Series, range)) else [given]
        values[name] = [known_level(known[name], value) for value in several]
    settings = [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]
    if not 0 < len(settings) <= _MOST_SETTINGS:
        raise ModelError(f"at= has {len(settings)} combinations of values", remedy="Give fewer values")
    return settings


def _refuse_meaningless(
    predictor: Predictor, surface: Surface, kind: str, steps: Mapping[str, list[Pair] | None]
) -> None:
    jumps = [name for name, pairs in steps.items() if pairs is not None]
    if not surface.scale.discrete and jumps:
        raise ModelError(
            f"the change of a log probability as '{jumps[0]}' jumps depends on the unit effects, which a "
            "conditional likelihood does not estimate",
            remedy="Use scale='index' for the change of the log odds",
        )
    if kind == "predictions" and predictor.conditional:
        raise ModelError(
            "a conditional likelihood has no level to predict, only changes",
            remedy="Ask for effects, or use effects='correlated'",
        )


def _margins(
    results: Estimates, surface: Surface, found: list[tuple[dict[str, Any], Average]], **facts: Any
) -> Margins:
    """Estimates outcome by outcome, and their covariance G V G'."""
    labels = list(surface.outcomes)
    lost = np.array([untied(average.loose).any() for _, average in found])
    marked = [
        {**key, "contrast": f"{key['contrast']} ({NOT_ESTIMABLE})".strip()} if gone else key
        for (key, _), gone in zip(found, lost, strict=True)
    ]
    keys = pd.DataFrame([{**key, "outcome": outcome} for outcome in labels for key in marked])
    values = np.array([average.value for _, average in found]).T.ravel()
    G = np.concatenate([[average.gradient[o] for _, average in found] for o in range(len(labels))])
    unknown = np.tile(lost, len(labels))
    values[unknown], G[unknown] = np.nan, np.nan
    cov = G @ results.cov.to_numpy() @ G.T
    adjusted = None if results.adjusted is None else OfCombinations(results.adjusted, G)
    return Margins(results, keys, values, cov, surface.scale.words, adjusted=adjusted, **facts)


def _why_not(predictor: Predictor, found: list[tuple[dict[str, Any], Average]]) -> tuple[str, ...]:
    """A sentence on what cannot be estimated, and why."""
    if predictor.relations is None:
        return ()
    missing = np.any([untied(average.loose) for _, average in found], axis=0)
    names = [name for name, gone in zip(predictor.relations.names, missing, strict=True) if gone]
    if not names:
        return ()
    return (
        f"Not estimable: what depends on {', '.join(names)}, left out of the model because in these data "
        "nothing varies with it beside other regressors and effects.",
    )


def _call_text(results: Estimates, **options: Any) -> str:
    """What was asked, without what is by default."""
    defaults = {name: parameter.default for name, parameter in signature(margins).parameters.items()}
    given = [f"{name}={value!r}" for name, value in options.items() if value is not defaults[name]]
    return f"{results.call}.margins({', '.join(given)})"


def _notes(
    predictor: Predictor, unit_effect: str, at_means: bool, crossed: bool, still: tuple[Sample, ...]
) -> tuple[str, ...]:
    notes = []
    if predictor.random:
        notes.append(
            "Averaged over the normal unit effect."
            if unit_effect == "averaged"
            else "For a unit whose effect is zero."
        )
    if predictor.conditional:
        notes.append("Unit effects are conditioned away, so there are no probabilities.")
    if predictor.fitted is not None and predictor.moves_with_effects:
        rows = "the rows used"
        if still:
            used, out = len(predictor.fitted.index), sum(len(part.rows) for part in still)
            rows = (
                f"all {used + out:,} rows, of which {out:,} in groups whose outcome "
                "never changes have an effect of zero"
            )
        notes.append(f"Over {rows}; absorbed effects at their estimates, which move with the coefficients.")
        if predictor.fitted.lags is not None:
            plain = at_means or crossed
            notes.append(_CORRECTED + (" (not at means, nor cross derivatives)." if plain else "."))
    if predictor.sample.weights_name is not None:
        notes.append(f"Averages are weighted by {predictor.sample.weights_name}.")
    return tuple(notes)
