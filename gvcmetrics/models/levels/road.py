"""From a call to Results, for models of levels."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.groups import varies
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.build import build_sample
from gvcmetrics.models.data.formula import variables_of
from gvcmetrics.models.data.frames import panel_of
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.effects.random import random_intercept
from gvcmetrics.models.engine.conclude import conclude
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.fit import without_intercept
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.engine.scaled import estimate_scaled
from gvcmetrics.models.families.logit import LOGIT
from gvcmetrics.models.families.ordered_logit import ORDERED_LOGIT
from gvcmetrics.models.families.ordered_probit import ORDERED_PROBIT
from gvcmetrics.models.families.poisson import POISSON
from gvcmetrics.models.families.probit import PROBIT
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.levels.estimates import RANDOM, laplace, names_of, variances
from gvcmetrics.models.levels.formula import RandomTerm, taken_apart
from gvcmetrics.models.levels.linear import family as normal
from gvcmetrics.models.levels.structure import Nest, nest
from gvcmetrics.models.likelihood.newton import one_blas_thread
from gvcmetrics.models.likelihood.separation import drop_perfect_predictors
from gvcmetrics.models.results.results import Results

_LINEAR = Response(
    "linear", "linear model", outcomes.NUMBER, lambda _: normal, {}, response_words="expected outcome"
)
RESPONSES = {
    "logit": LOGIT,
    "probit": PROBIT,
    "ordered_logit": ORDERED_LOGIT,
    "ordered_probit": ORDERED_PROBIT,
    "poisson": replace(POISSON, coding=outcomes.COUNT, quasi=lambda _: False),
    "linear": _LINEAR,
}
_LEVELS = {1: "Two-level", 2: "Three-level"}


def multilevel(
    formula: str,
    data: pd.DataFrame,
    *,
    response: Literal["logit", "probit", "ordered_logit", "ordered_probit", "poisson", "linear"],
    nquad: int = 1,
    method: Literal["reml", "ml"] = "reml",
    vcov: VcovSpec = "iid",
    offset: str | None = None,
    trusted: bool = True,
) -> Results:
    r"""Multilevel model: rows in groups in wider groups, with intercepts and slopes that vary by group.

    .. math:: g\big(E(y_i \mid u)\big) = x_i'\beta + \sum_l z_{il}'u_{l,g_l(i)}, \qquad
       u_{l,g} \sim N(0, \Sigma_l)

    The effects are integrated out by Laplace's approximation, which is exact for a linear response, or by
    adaptive Gauss-Hermite quadrature.

    Parameters
    ----------
    formula : the fixed part and, in brackets, the random one as lme4 writes it: `"y ~ x + (1 | cluster)"`;
        `(1 + x | cluster)` with a slope that is correlated with the intercept, `(1 + x || cluster)` one that
        is not; `(1 | cluster/firm)` firms nested in clusters. Any number of nested levels; crossed ones are
        refused.
    data : one row an observation.
    response : of a row given the effects.
    nquad : points of the quadrature, of one random intercept; 1 is Laplace's approximation.
    method : of a linear response: restricted maximum likelihood or `"ml"`.
    vcov : as in `logit`; clusters hold the widest groups whole. `"hetero"` has one score a widest group.
    offset, trusted : as in `logit`.

    Returns
    -------
    Results with `sd(effect | group)` and `corr(a, b | group)` below the coefficients, `extra["Variances"]`
    with the ratios of variances (of the index: π²/3 for the rows of a logit, 1 of a probit). `margins` and
    `predict` average over one random intercept; with more effects they are of groups whose effects are zero.
    `gvc.group_effects` gives the effects of every group. A fit on the edge (a variance of zero, a correlation
    of one) says so below the table.

    Raises
    ------
    ModelError : a level has one group, groups are not nested, a slope does not vary. DataError : a group or a
    slope is no column.

    Source
    ------
    Bates, Mächler, Bolker & Walker (2015, Journal of Statistical Software 67(1)), whose values it gives;
    Pinheiro & Chao (2006); Rabe-Hesketh, Skrondal & Pickles (2005, Journal of Econometrics 128).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> firms = pd.DataFrame({"cluster": np.repeat(range(40), 25), "rd": rng.normal(size=1000)})
    >>> firms["sales"] = 2 + firms["rd"] + np.repeat(rng.normal(size=40), 25) + rng.normal(size=1000)
    >>> fitted = multilevel("sales ~ rd + (1 | cluster)", firms, response="linear")
    >>> [str(name) for name in fitted.params.index]
    ['Intercept', 'rd', 'sigma_e', 'sd(Intercept | cluster)']
    """
    if response not in RESPONSES:
        raise ModelError(
            f"response={response!r} is not known", remedy=f"Use one of {', '.join(map(repr, RESPONSES))}"
        )
    if method not in ("reml", "ml"):
        raise ModelError(f"method={method!r} is not known", remedy="Use 'reml' or 'ml'")
    if not isinstance(nquad, int) or nquad < 1:
        raise ModelError(f"nquad={nquad!r} is no number of points", remedy="Use 1 for Laplace, or 7, 12, 25")
    request = Request(
        multilevel, formula, data, vcov=vcov, offset=offset, nquad=nquad, trusted=trusted,
        options={"response": response, "method": method},
    )  # fmt: skip
    if request.path is not None:
        raise ModelError("multilevel is not fitted from a file", remedy="Read it with pd.read_parquet")
    request = replace(request, data=panel_of(request.data, None, None)[0])
    kind = RESPONSES[response]
    with one_blas_thread():
        sample, levels = rows_of(request, kind)
        _refuse_unidentified(kind, sample, levels)
        kind = _named(kind, request, levels)
        estimate = partial(_quadrature if nquad > 1 else _laplace, levels, sample)
        made = estimate_scaled(Treatment(estimate), request, kind, sample)
        return conclude(request, kind, made, ())


def rows_of(request: Request, response: Response) -> tuple[Sample, Nest]:
    """The sample of a request, its unit the widest grouping, and its levels."""
    fixed, terms = taken_apart(request.formula, trusted=request.trusted)
    needed = _columns(terms)
    sample = build_sample(
        fixed, request.data, offset=request.offset, clusters=(*request.errors.columns, *needed),
        subpop=request.errors.subpop, categorical=response.coding.categorical, trusted=request.trusted,
    ).coded(response.coding)  # fmt: skip
    if response.binary:
        sample = drop_perfect_predictors(sample)
    if not response.intercept:
        # Cutpoints take its place.
        sample = without_intercept(sample)
    levels = nest(terms, sample)
    widest = levels.levels[0]
    return replace(
        sample, unit=widest.codes.astype(np.int32), unit_name=widest.grouping, unit_labels=widest.labels
    ), levels


def _columns(terms: tuple[RandomTerm, ...]) -> tuple[str, ...]:
    """Columns of groups and slopes, which a row has to have."""
    slopes = (
        name for term in terms for each in term.design.regressor_expressions for name in variables_of(each)
    )
    return tuple(dict.fromkeys((*(column for term in terms for column in term.columns), *slopes)))


def _refuse_unidentified(response: Response, sample: Sample, levels: Nest) -> None:
    narrow, wide = levels.levels[-1], levels.levels[0]
    if narrow.count == len(sample.rows) and response.name != "poisson":
        raise ModelError(
            f"every '{narrow.grouping}' is observed once, which does not identify its variance",
            remedy="Take the level out",
        )
    if response.family(sample).outcomes is not None and not varies(sample.y, wide.codes).any():
        raise ModelError(
            f"the outcome '{sample.outcome[0]}' changes within no '{wide.grouping}', so that the variance of "
            "its effect is infinite",
            remedy="Name a wider grouping",
        )


def _named(response: Response, request: Request, levels: Nest) -> Response:
    """The response under the name of its random part: models of other random parts are no special cases whose
    likelihood ratio has a χ² distribution."""
    title = f"{_LEVELS.get(len(levels.levels), 'Multilevel')} {response.title[0].lower()}{response.title[1:]}"
    if response.name == "poisson":
        title = title.replace("poisson", "Poisson")
    restricted = response.name == "linear" and request.options["method"] == "reml"
    if response.name == "linear":
        title += ", REML" if restricted else ", ML"
    return replace(
        response,
        name=f"{response.name} with {', '.join(names_of(levels))}",
        title=title,
        quasi=lambda _: restricted,
        labels={f"groups_{level.grouping}": f"Groups of {level.grouping}" for level in levels.levels},
    )


def _laplace(
    levels: Nest, original: Sample, request: Request, response: Response, sample: Sample
) -> Estimate:
    return laplace(levels, original.X, request, response, sample)


def _quadrature(
    levels: Nest, original: Sample, request: Request, response: Response, sample: Sample
) -> Estimate:
    """Adaptive quadrature over one random intercept."""
    level = levels.levels[0]
    if response.name.startswith("linear"):
        raise ModelError("a linear response needs no quadrature", remedy="Leave nquad out")
    if levels.edges[-1] != 1 or level.effects != ("Intercept",):
        raise ModelError(
            f"nquad={request.nquad} is of one random intercept; here are {levels.edges[-1]} effects",
            remedy="Use nquad=1, Laplace's approximation",
        )
    made = random_intercept(request, response, sample)
    (name,) = names_of(levels)
    facts = {key: value for key, value in made.statistics.items() if key not in ("units", "rho")}
    residual = response.family(sample).latent_variance
    blocks = {title: names for title, names in made.blocks.items() if "sigma_u" not in names}
    return replace(
        made,
        names=(*made.names[:-1], name),
        blocks={**blocks, RANDOM: (name,)},
        ancillary=(*made.ancillary[:-1], RANDOM),
        untested=(*made.untested[:-1], RANDOM),
        statistics={f"groups_{level.grouping}": level.count, **facts},
        extra={"Variances": variances(levels, [np.array([[made.params[-1] ** 2]])], residual)},
    )
