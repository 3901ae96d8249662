"""Fractional logit: the quasi-likelihood of a share in [0, 1] with a logistic mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.effects.pooled import pooled
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.families.logit import logit_kernel, start_logit
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.likelihood.third import logistic, of_value
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList

family = Family(
    "fractional_logit", logit_kernel, start_logit, canonical=True, third=lambda _: of_value(logistic)
)
FRACTIONAL_LOGIT = Response(
    "fractional_logit",
    "Fractional logit",
    outcomes.SHARE,
    lambda _: family,
    {"pooled": Treatment(pooled, from_file=True), "correlated_pooled": Treatment(pooled)},
    instead={
        "fixed": "Use effects='correlated_pooled' (Papke & Wooldridge 2008)",
        "random": "A quasi-likelihood has no random effect; use effects='correlated_pooled'",
        "correlated": "Use effects='correlated_pooled' (Papke & Wooldridge 2008)",
    },
    quasi=lambda _: True,
    index_words="log odds",
    response_words="expected outcome",
    ratio="odds ratio",
)


def fractional_logit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, step: float = 1,
    effects: str = "pooled", vcov: VcovSpec = "hetero",
    weights: str | None = None, frequency: bool = False, offset: str | None = None,
    fix: Mapping[str, float] | None = None, subset: str | Sequence[bool] | None = None,
    split: str | None = None, fsplit: str | None = None, trusted: bool = True,
) -> Results | ResultsList:  # fmt: skip
    r"""Logit of a share in [0, 1], by quasi-likelihood (Papke & Wooldridge 1996).

    .. math:: E[y_{it} \mid x_{it}] = \frac{1}{1 + \exp(-x_{it}'\beta)}

    Consistent whatever the distribution of the share, zeros and ones included; errors are therefore
    robust by default. Parameters are those of `logit`; for `effects="correlated_pooled"` see Papke &
    Wooldridge (2008).

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4], "export_share": [0.0, 0.1, 0.3, 0.2, 1.0]})
    >>> fractional_logit("export_share ~ rd", frame).params.round(4).to_dict()
    {'Intercept': -4.4404, 'rd': 1.5032}
    """
    return fit(
        Request(
            fractional_logit, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, fix=fix,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
        ),
        FRACTIONAL_LOGIT,
    )  # fmt: skip
