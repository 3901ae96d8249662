"""Discrete-choice models: binary, ordered, multinomial, fractional, count.

Which response takes which treatment of unit effects:

===================  ======  =====  ======  ==========  =================
response             pooled  fixed  random  correlated  correlated_pooled
===================  ======  =====  ======  ==========  =================
logit                yes     yes    yes     yes         yes
probit               yes     no     yes     yes         yes
cloglog              yes     no     yes     yes         yes
ordered_logit        yes     yes    yes     yes         yes
ordered_probit       yes     no     yes     yes         yes
multinomial_logit    yes     yes    no      no          yes
fractional_logit     yes     no     no      no          yes
negative_binomial    yes     no     yes     yes         yes
poisson              yes     yes    yes     yes         yes
joint_probit         yes     no     no      no          yes
===================  ======  =====  ======  ==========  =================

`pooled` treats rows alike; logit, probit and cloglog absorb effects after `|`, with bias correction for
logit and probit. `fixed` conditions the unit effects away (conditional logit; blow-up and
cluster for ordered outcomes; Chamberlain's conditional likelihood for several categories). `random`
integrates a normal unit effect out. `correlated` adds to that the unit means of the regressors (Mundlak
1978), and `correlated_pooled` adds them to the pooled model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.engine.fit import EFFECTS, Response, fit
from gvcmetrics.models.families.cloglog import cloglog as cloglog_family
from gvcmetrics.models.families.logit import fractional_logit as fractional_family
from gvcmetrics.models.families.logit import logit as logit_family
from gvcmetrics.models.families.multinomial_logit import multinomial_logit as multinomial_family
from gvcmetrics.models.families.negative_binomial import negative_binomial as negative_binomial_family
from gvcmetrics.models.families.ordered import ordered_logit as ordered_logit_family
from gvcmetrics.models.families.ordered import ordered_probit as ordered_probit_family
from gvcmetrics.models.families.probit import probit as probit_family
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.results.results import Results

_NOT_CONDITIONAL = (
    "Only the logit has a statistic that conditions unit effects away; unit dummies would bias every "
    "coefficient when periods are few (Neyman & Scott 1948). Use {logit} with effects='fixed', or "
    "effects='correlated' here"
)
_RANDOM = ("pooled", "random", "correlated", "correlated_pooled")
_POOLED = ("pooled", "correlated_pooled")


def _categories(sample: Sample) -> int:
    return len(sample.categories or ())


_LOGIT = Response("logit", "Logit", outcomes.binary, lambda _: logit_family, EFFECTS, {})
_PROBIT = Response(
    "probit", "Probit", outcomes.binary, lambda _: probit_family, _RANDOM,
    {"fixed": _NOT_CONDITIONAL.format(logit="gvc.logit")},
)  # fmt: skip
_CLOGLOG = Response(
    "cloglog", "Complementary log-log", outcomes.binary, lambda _: cloglog_family, _RANDOM,
    {"fixed": _NOT_CONDITIONAL.format(logit="gvc.logit")},
)  # fmt: skip
_ORDERED_LOGIT = Response(
    "ordered_logit", "Ordered logit", lambda sample: outcomes.categories(sample, ordered=True),
    lambda sample: ordered_logit_family(_categories(sample)), EFFECTS, {}, categorical=True, intercept=False,
)  # fmt: skip
_ORDERED_PROBIT = Response(
    "ordered_probit", "Ordered probit", lambda sample: outcomes.categories(sample, ordered=True),
    lambda sample: ordered_probit_family(_categories(sample)), _RANDOM,
    {"fixed": _NOT_CONDITIONAL.format(logit="gvc.ordered_logit")}, categorical=True, intercept=False,
)  # fmt: skip
_MULTINOMIAL = Response(
    "multinomial_logit", "Multinomial logit", lambda sample: outcomes.categories(sample, ordered=False),
    lambda sample: multinomial_family(_categories(sample)), ("pooled", "fixed", "correlated_pooled"),
    {
        "random": "Use effects='fixed', which needs no distribution of the unit effects",
        "correlated": "Use effects='correlated_pooled' or 'fixed'",
    },
    categorical=True,
)  # fmt: skip
_FRACTIONAL = Response(
    "fractional_logit", "Fractional logit", outcomes.share, lambda _: fractional_family, _POOLED,
    {
        "fixed": "Use effects='correlated_pooled' (Papke & Wooldridge 2008)",
        "random": "A quasi-likelihood has no random effect; use effects='correlated_pooled'",
        "correlated": "Use effects='correlated_pooled' (Papke & Wooldridge 2008)",
    },
)  # fmt: skip
_NEGATIVE_BINOMIAL = Response(
    "negative_binomial", "Negative binomial", outcomes.count, lambda _: negative_binomial_family, _RANDOM,
    {"fixed": "Use gvc.poisson with effects='fixed' and clustered errors, which allow any dispersion"},
)  # fmt: skip


def logit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int = 12,
    bias_correction: str | None = None, lags: int = 0, firth: bool = False,
    fix: Mapping[str, float] | None = None, trusted: bool = True,
) -> Results:  # fmt: skip
    r"""Logit of a 0/1 outcome (Wooldridge 2010, chapter 15).

    .. math:: \Pr(y_{it} = 1) = \frac{1}{1 + \exp(-x_{it}'\beta - \alpha_i)}

    Parameters
    ----------
    formula : `"y ~ x1 * x2 + C(region) | firm + year"`, y being 0/1; effects after `|` are absorbed
        (estimated, see `bias_correction`).
    data : frame, one row an observation; or the path of a Parquet file, of any size, which is then read
        batch by batch (pooled effects; iid, hetero and CRV1 errors).
    unit, time : columns of the panel's unit and period; needed for unit effects and for lags.
    effects : `pooled`; `fixed`: conditional logit (Chamberlain 1980), exact for groups of any size;
        `random`: normal intercept by unit, integrated by adaptive Gauss-Hermite quadrature;
        `correlated`: random with the unit means of the regressors, and the test that their
        coefficients are zero (Mundlak 1978); `correlated_pooled`: pooled with the means.
    vcov : see `gvcmetrics.models.inference.covariance`. With sampling weights `"iid"` becomes `"hetero"`.
    weights : column of sampling weights, or of frequencies with `frequency=True`; constant within a
        unit unless effects are pooled.
    offset : column or expression with coefficient one.
    nquad : quadrature points of random effects.
    bias_correction : for absorbed effects, `"analytical"` or `"jackknife"` (Fernández-Val & Weidner 2016);
        `lags` of past outcomes that regressors react to, in the analytical one.
    firth : penalised likelihood (Firth 1993), pooled or fixed, for small or separated samples; robust
        covariances take the scores without the penalty.
    fix : parameters held at a value, `{"x1": 0}`.
    trusted : False refuses formulas that would run code.

    Returns
    -------
    Results

    Raises
    ------
    DataError, ModelError : the outcome is not 0/1 or constant; regressors separate it; see the message.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "innovates": [0, 0, 1, 0, 1, 0, 1, 1]})
    >>> logit("innovates ~ rd", frame).params.round(4).to_dict()
    {'Intercept': -2.0793, 'rd': 0.5941}
    """
    return fit(_LOGIT, logit, locals())


def probit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int = 12,
    bias_correction: str | None = None, lags: int = 0, fix: Mapping[str, float] | None = None,
    trusted: bool = True,
) -> Results:  # fmt: skip
    r"""Probit of a 0/1 outcome (Wooldridge 2010, chapter 15).

    .. math:: \Pr(y_{it} = 1) = \Phi(x_{it}'\beta + \alpha_i)

    Parameters are those of `logit`. There is no `effects="fixed"`: no statistic conditions the unit effects
    of a probit away.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "innovates": [0, 0, 1, 0, 1, 0, 1, 1]})
    >>> probit("innovates ~ rd", frame).params.round(4).to_dict()
    {'Intercept': -1.3082, 'rd': 0.3738}
    """
    return fit(_PROBIT, probit, locals())


def cloglog(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int = 12,
    fix: Mapping[str, float] | None = None, trusted: bool = True,
) -> Results:  # fmt: skip
    r"""Complementary log-log model of a 0/1 outcome: the hazard of a spell in discrete time.

    .. math:: \Pr(y_{it} = 1) = 1 - \exp\{-\exp(x_{it}'\beta + \alpha_i)\}

    With one row a period at risk and duration among the regressors, :math:`e^{\beta}` is the hazard ratio
    of a proportional-hazards model in continuous time (Prentice & Gloeckler 1978); see `spells`.

    Parameters are those of `logit`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "innovates": [0, 0, 1, 0, 1, 0, 1, 1]})
    >>> cloglog("innovates ~ rd", frame).params.round(4).to_dict()
    {'Intercept': -2.0021, 'rd': 0.4354}
    """
    return fit(_CLOGLOG, cloglog, locals())


def ordered_logit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int = 12,
    fix: Mapping[str, float] | None = None, trusted: bool = True,
) -> Results:  # fmt: skip
    r"""Ordered logit: the proportional-odds model (McCullagh 1980).

    .. math:: \Pr(y_{it} \le j) = \frac{1}{1 + \exp(-\kappa_j + x_{it}'\beta + \alpha_i)}

    Parameters are those of `logit`; the outcome is a number or an ordered Categorical. `effects="fixed"` is
    the blow-up and cluster estimator (Baetschmann, Staub & Winkelmann 2015), which sums the conditional
    logits of all ways to cut the outcome in two; `vcov="iid"` then becomes clustering by unit, since the
    copies of a unit are dependent.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "rung": [0, 1, 0, 1, 1, 2, 1, 2]})
    >>> ordered_logit("rung ~ rd", frame).params.round(4).to_dict()
    {'rd': 1.1675, 'cut1': 1.6377, 'cut2': 6.5345}
    """
    return fit(_ORDERED_LOGIT, ordered_logit, locals())


def ordered_probit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int = 12,
    fix: Mapping[str, float] | None = None, trusted: bool = True,
) -> Results:  # fmt: skip
    r"""Ordered probit (McKelvey & Zavoina 1975).

    .. math:: \Pr(y_{it} \le j) = \Phi(\kappa_j - x_{it}'\beta - \alpha_i)

    Parameters are those of `ordered_logit`, without `effects="fixed"`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "rung": [0, 1, 0, 1, 1, 2, 1, 2]})
    >>> ordered_probit("rung ~ rd", frame).params.round(4).to_dict()
    {'rd': 0.7163, 'cut1': 1.0253, 'cut2': 3.9887}
    """
    return fit(_ORDERED_PROBIT, ordered_probit, locals())


def multinomial_logit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None,
    fix: Mapping[str, float] | None = None, trusted: bool = True,
) -> Results:  # fmt: skip
    r"""Multinomial logit of a choice among categories (McFadden 1974).

    .. math:: \Pr(y_{it} = j) = \frac{\exp(x_{it}'\beta_j + \alpha_{ij})}{\sum_k \exp(x_{it}'\beta_k
       + \alpha_{ik})}, \qquad \beta_0 = 0

    The first category (in the order of a Categorical, else sorted) is the base. Parameters are those of
    `logit`. `effects="fixed"` is Chamberlain's (1980) conditional likelihood given how often each unit chose
    each category, by recursion over counts.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "kind": list("aabcbcca")})
    >>> multinomial_logit("kind ~ rd", frame).params.round(4).to_dict()
    {'b: Intercept': -0.6091, 'b: rd': 0.0719, 'c: Intercept': -1.5754, 'c: rd': 0.4279}
    """
    return fit(_MULTINOMIAL, multinomial_logit, locals())


def fractional_logit(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, effects: str = "pooled", vcov: VcovSpec = "hetero",
    weights: str | None = None, frequency: bool = False, offset: str | None = None,
    fix: Mapping[str, float] | None = None, trusted: bool = True,
) -> Results:  # fmt: skip
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
    return fit(_FRACTIONAL, fractional_logit, locals())


def negative_binomial(
    formula: str, data: pd.DataFrame | str | Path, *,
    unit: str | None = None, time: str | None = None, effects: str = "pooled", vcov: VcovSpec = "iid",
    weights: str | None = None, frequency: bool = False, offset: str | None = None, nquad: int = 12,
    fix: Mapping[str, float] | None = None, trusted: bool = True,
) -> Results:  # fmt: skip
    r"""Negative binomial (NB2) regression of a count (Cameron & Trivedi 1998).

    .. math:: E[y_{it}] = \mu_{it} = \exp(x_{it}'\beta + \alpha_i), \qquad
       \mathrm{Var}(y_{it}) = \mu_{it} + e^{\texttt{log\_alpha}} \mu_{it}^2

    Parameters are those of `logit`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rd": [0, 1, 2, 3, 4, 5, 6, 7], "patents": [0, 3, 0, 1, 9, 2, 0, 14]})
    >>> negative_binomial("patents ~ rd", frame).params.round(4).to_dict()
    {'Intercept': -0.2418, 'rd': 0.3504, 'log_alpha': 0.3018}
    """
    return fit(_NEGATIVE_BINOMIAL, negative_binomial, locals())
