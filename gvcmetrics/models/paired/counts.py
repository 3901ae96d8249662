"""Zero-inflated and hurdle models of counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.spelling import plain
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.families.logit import family as logit
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.expected import Scale, index
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.sums import in_memory
from gvcmetrics.models.paired.maximum import maximum
from gvcmetrics.models.paired.pair import Pair, independent, pair
from gvcmetrics.models.paired.road import travel
from gvcmetrics.models.paired.zeros import DISTRIBUTIONS, family_of, outcomes_of
from gvcmetrics.models.results.results import Results

Distribution = Literal["poisson", "negative_binomial"]
_SECOND = {"zero_inflated": "inflate", "hurdle": "above"}
_WORDS = {
    "zero_inflated": ("mean of the count, of those not certainly zero", "probability of a certain zero"),
    "hurdle": ("expected outcome, of those above zero", "probability of being above zero"),
}


def _rows(kind: str, request: Request) -> Pair:
    name = _SECOND[kind]
    given = request.options[name]
    second = request.parsed
    if given is not None:
        right = str(given).split("~", 1)[-1].strip()
        second = Formula.parse(f"{request.parsed.outcomes[0]} ~ {right}", trusted=request.trusted)
    both = pair(request, request.parsed, second, (plain(request.parsed.outcomes[0]), name))
    both = replace(both, sample=replace(both.sample.coded(outcomes.COUNT), formula=request.parsed))
    zeros = int((both.sample.y == 0).sum())
    if zeros == 0:
        raise ModelError(
            f"the outcome '{both.titles[0]}' is never zero", remedy="Use gvc.poisson or gvc.negative_binomial"
        )
    counted = both.sample.y > 0 if kind == "hurdle" else slice(None)
    return independent(independent(both, 0, counted), 1)


def _estimate(kind: str, request: Request, response: Response, both: Pair) -> Estimate:
    distribution = request.options["distribution"]
    family = family_of(kind, distribution)
    assert family.expected is not None
    of_count, of_zero = _WORDS[kind]
    further = outcomes_of(kind, distribution)
    scales = {
        "response": Scale("expected outcome", {"": family.expected}),
        "count": Scale(of_count, {"": further["count"]}),
        "zero" if kind == "zero_inflated" else "above": Scale(of_zero, {"": further["zero"]}),
        "index": Scale("linear index", {title: index(j) for j, title in enumerate(both.titles)}),
    }
    zeros, rows = int((both.sample.y == 0).sum()), len(both.sample.y)
    made = maximum(
        request, both, family, scales, partial(_start, kind, distribution),
        notes=(f"Zeros: {zeros:,} of {rows:,} rows.",),
    )  # fmt: skip
    edge = None if family.boundary is None else family.boundary(made.params[sum(both.sizes) :])
    return replace(made, title=_title(kind, distribution), notes=(*made.notes, *([edge] if edge else [])))


def _start(kind: str, distribution: str, both: Pair) -> Array:
    """The count of rows above zero or of all, and a logit of what the second equation is about."""
    sample, count = both.sample, DISTRIBUTIONS[distribution]
    y, k = sample.y, both.sizes[0]
    positive = y > 0
    intercept, constants = count.start(y, np.ones(len(y)) if sample.weights is None else sample.weights)
    first = np.zeros(k)
    if "Intercept" in both.names[0]:
        first[both.names[0].index("Intercept")] = intercept[0] - sample.mean_offset()
    counted = in_memory(count, y, both.X(0), sample.weights, sample.offset)
    theta = maximise(counted.evaluate, np.concatenate([first, constants])).theta
    about = positive if kind == "hurdle" else ~positive
    chance = in_memory(logit, about.astype(np.float64), both.X(1), sample.weights, sample.offset)
    second = maximise(chance.evaluate, np.zeros(both.sizes[1])).theta
    # Where rows are all zero or none is, the logit runs away.
    return np.concatenate([theta[:k], np.clip(second, -10.0, 10.0), theta[k:]])


def _title(kind: str, distribution: str) -> str:
    word = "Poisson" if distribution == "poisson" else "negative binomial"
    return f"Zero-inflated {word}" if kind == "zero_inflated" else f"Hurdle, {word}"


def _response(kind: str) -> Response:
    return Response(
        kind, _title(kind, "poisson"), outcomes.COUNT, lambda _: family_of(kind, "poisson"), {},
        response_words="expected outcome",
    )  # fmt: skip


def _fit(kind: str, request: Request) -> Results:
    if request.options["distribution"] not in DISTRIBUTIONS:
        raise ModelError(
            f"distribution={request.options['distribution']!r} is not known",
            remedy=f"Use one of {', '.join(map(repr, DISTRIBUTIONS))}",
        )
    return travel(request, _response(kind), partial(_rows, kind), partial(_estimate, kind))


def zero_inflated(
    formula: str,
    data: pd.DataFrame,
    *,
    inflate: str | None = None,
    distribution: Distribution = "poisson",
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    offset: str | None = None,
    fix: Mapping[str, float] | None = None,
    trusted: bool = True,
) -> Results:
    r"""Count with more zeros than its distribution has: some are zero for certain (Lambert 1992).

    .. math:: P(y_i = 0) = \pi_i + (1-\pi_i) f(0; \mu_i), \quad P(y_i = y) = (1-\pi_i) f(y; \mu_i), \qquad
       \mu_i = e^{x_i'\beta},\ \pi_i = \Lambda(z_i'\gamma)

    Parameters
    ----------
    formula : the count, `"patents ~ rd + size"`.
    inflate : regressors z of the certain zeros, `"size + age"`, `"1"` for a constant; None: those of the
        count.
    distribution : f, `"poisson"` or `"negative_binomial"` (NB2).
    offset : added to both indices.
    data, unit, time, step, vcov, weights, frequency, fix, trusted : as in `logit`.

    Returns
    -------
    Results with coefficients `outcome: x` and `inflate: z`, the latter on the log odds of a certain zero.
    `margins` are on E(y) = (1 − π)μ; with `scale="count"` on μ, `scale="zero"` on π.

    Raises
    ------
    ModelError : the outcome is never zero. DataError : it is no count.

    Source
    ------
    Lambert (1992, Technometrics 34); Cameron & Trivedi (1998, section 4.7).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> firms = pd.DataFrame({"rd": rng.normal(size=3000)})
    >>> firms["patents"] = rng.poisson(np.exp(0.5 * firms["rd"])) * (rng.random(3000) > 0.4)
    >>> float(zero_inflated("patents ~ rd", firms, inflate="1").params["patents: rd"].round(1))
    0.5
    """
    return _fit(
        "zero_inflated",
        Request(
            zero_inflated, formula, data, unit=unit, time=time, step=step, vcov=vcov, weights=weights,
            frequency=frequency, offset=offset, fix=fix, trusted=trusted,
            options={"inflate": inflate, "distribution": distribution},
        ),
    )  # fmt: skip


def hurdle(
    formula: str,
    data: pd.DataFrame,
    *,
    above: str | None = None,
    distribution: Distribution = "poisson",
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    offset: str | None = None,
    fix: Mapping[str, float] | None = None,
    trusted: bool = True,
) -> Results:
    r"""Count with a hurdle: a logit says whether it is above zero, a truncated count how far (Mullahy 1986).

    .. math:: P(y_i = 0) = 1 - p_i, \quad P(y_i = y) = p_i \frac{f(y; \mu_i)}{1 - f(0; \mu_i)}, \qquad
       \mu_i = e^{x_i'\beta},\ p_i = \Lambda(z_i'\gamma)

    Parameters
    ----------
    formula : the count, `"destinations ~ size + age"`.
    above : regressors z of being above zero; None: those of the count.
    distribution : f, `"poisson"` or `"negative_binomial"` (NB2).
    offset : added to both indices.
    data, unit, time, step, vcov, weights, frequency, fix, trusted : as in `logit`.

    Returns
    -------
    Results with coefficients `outcome: x` and `above: z`, the latter on the log odds of being above zero.
    `margins` are on E(y); with `scale="count"` on E(y | y > 0), `scale="above"` on p.

    Raises
    ------
    ModelError : the outcome is never zero, or always. DataError : it is no count.

    Source
    ------
    Mullahy (1986, Journal of Econometrics 33); Cameron & Trivedi (1998, section 4.7).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> firms = pd.DataFrame({"size": rng.normal(size=3000)})
    >>> firms["markets"] = rng.poisson(np.exp(1 + 0.5 * firms["size"])) * (rng.random(3000) > 0.4)
    >>> float(hurdle("markets ~ size", firms).params["markets: size"].round(1))
    0.5
    """
    return _fit(
        "hurdle",
        Request(
            hurdle, formula, data, unit=unit, time=time, step=step, vcov=vcov, weights=weights,
            frequency=frequency, offset=offset, fix=fix, trusted=trusted,
            options={"above": above, "distribution": distribution},
        ),
    )  # fmt: skip
