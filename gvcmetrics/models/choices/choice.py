"""`gvc.choice`: one of several alternatives that have attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.choices.estimate import estimate, nests_of
from gvcmetrics.models.choices.rows import rows_of
from gvcmetrics.models.choices.utility import utility
from gvcmetrics.models.choices.wide import Wide, lengthened
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.frames import frame_of
from gvcmetrics.models.engine.conclude import conclude
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.families.logit import family
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.newton import one_blas_thread
from gvcmetrics.models.results.results import Results

_RESPONSE = Response(
    "choice",
    "Conditional logit",
    outcomes.CATEGORIES,
    lambda _: family,
    {},
    labels={
        "alternatives_min": "Alternatives, fewest",
        "alternatives_max": "Alternatives, most",
        "lr_conditional": "LR test against conditional logit",
        "lr_conditional_p": "LR test against conditional logit, p",
    },
)


def choice(
    formula: str,
    data: pd.DataFrame,
    *,
    alternative: str | None = None,
    chooser: str | None = None,
    wide: Wide | None = None,
    base: Any = None,
    nests: Mapping[str, Sequence[Any]] | None = None,
    same_dissimilarity: bool = False,
    random: Mapping[str, Literal["normal", "lognormal"]] | None = None,
    panel: str | None = None,
    nquad: int | Literal["auto"] = "auto",
    draws: int | None = None,
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    trusted: bool = True,
) -> Results:
    r"""Choice among alternatives with attributes: conditional, nested or mixed logit (McFadden 1974).

    .. math:: U_{ij} = V_{ij} + \varepsilon_{ij}, \quad V_{ij} = x_{ij}'\beta + z_i'\gamma_j, \qquad
       P_{ij} = \frac{e^{V_{ij}}}{\sum_{k \in C_i} e^{V_{ik}}}

    with :math:`C_i` the alternatives that chooser i had. With nests, and
    :math:`I_m = \log \sum_{k \in m} e^{V_{ik}/\lambda_m}`,

    .. math:: P_{ij} = e^{V_{ij}/\lambda_m - I_m} \, \frac{e^{\lambda_m I_m}}{\sum_l e^{\lambda_l I_l}};

    with random coefficients :math:`\beta_r = \mu_r + \sigma_r \eta_r` (log-normal: its exponential), which
    all choices of a panel's unit share, :math:`P_i = \int \prod_t P_{it}(\beta(\eta)) \phi(\eta) d\eta`.

    Parameters
    ----------
    formula : `"chosen ~ price + catch | income"`: attributes, with one coefficient, then what choosers are,
        with one for each alternative but the base. Constants are in the second part: `| 0` leaves them
        out, no second part has them alone. The outcome is 1 in the row of what was chosen, 0 in the others.
    data : a row for each alternative that a chooser had; sets may differ.
    alternative, chooser : columns with the alternative and the choice situation of a row.
    wide : a row a chooser instead, whose outcome names the chosen alternative: `"."` for columns
        `price.boat`, `price.pier`, or `{"price": {"boat": "price_b", "pier": "price_p"}}`. An alternative
        without any attribute in a row was not there.
    base : the alternative without constant; by default the first.
    nests : alternatives by nest, `{"chain": ["captive", "relational", "modular"]}`; those of none stand by
        themselves. same_dissimilarity : one λ for all nests.
    random : coefficients that differ between units, by name, `{"time": "normal"}`.
    panel : column of the units whose choices share random coefficients; by default each choice its own.
    nquad, draws : Gauss–Hermite nodes a random coefficient (by default 128 for one, 32 each for two), or
        Halton draws (by default 1,000 for three and more); see `quadrature_check`.
    vcov, weights, frequency, trusted : as in `logit`; scores are those of choosers, or of the panel's units.

    Returns
    -------
    Results, N being choosers. `margins("price")` has the effect of each alternative's price on all
    probabilities, `margins("price", scale="elasticity")` own and cross elasticities, `predict` probabilities
    by chooser, `gvc.hausman_mcfadden` tests the independence of irrelevant alternatives.

    Raises
    ------
    DataError : a chooser who chose nothing, or twice; an alternative twice. ModelError : an attribute that is
        the same for all alternatives, an alternative that nobody chose, nests that overlap.

    Source
    ------
    McFadden (1974); Train (2009, chapters 3, 4 and 6); for errors of λ and σ Hensher & Greene (2002).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> price = rng.normal(size=(500, 3))
    >>> taken = (-price + rng.gumbel(size=price.shape)).argmax(axis=1)
    >>> modes = pd.DataFrame({"buyer": np.repeat(range(500), 3), "mode": np.tile(["a", "b", "c"], 500)})
    >>> modes = modes.assign(price=price.ravel(), chosen=(np.arange(3) == taken[:, None]).ravel() * 1)
    >>> fit = choice("chosen ~ price | 0", modes, chooser="buyer", alternative="mode")
    >>> float(fit.params["price"].round(1))
    -1.1
    """
    name = alternative or "alternative"
    request = Request(
        choice, formula, data, vcov=vcov, weights=weights, frequency=frequency, nquad=nquad, trusted=trusted,
        options={
            "alternative": alternative, "chooser": chooser, "wide": wide, "base": base, "nests": nests,
            "same_dissimilarity": same_dissimilarity, "random": random, "panel": panel, "draws": draws,
        },
    )  # fmt: skip
    if request.path is not None:
        raise ModelError("choice is not fitted from a file", remedy="Read it with pd.read_parquet")
    parts, frame = utility(formula, trusted=trusted), frame_of(data)
    if wide is not None:
        frame, chooser = lengthened(frame, parts.both.outcomes[0], wide, chooser, name)
    elif chooser is None or alternative is None:
        raise ModelError(
            "choosers and alternatives are needed",
            remedy="Pass chooser= and alternative=, or wide='.' where a row is a chooser",
        )
    request = replace(request, options={**request.options, "columns": (chooser, name)})
    with one_blas_thread():
        rows = rows_of(request, parts, frame, chooser, name, partial(_nest, nests))
        made = estimate(request, rows)
        response = replace(_RESPONSE, name=str(made.title).lower().replace(" ", "_"), title=str(made.title))
        return conclude(request, response, made, ())


def _nest(nests: Mapping[str, Sequence[Any]] | None, labels: Sequence[Any]) -> Any:
    return nests_of(nests, list(labels))
