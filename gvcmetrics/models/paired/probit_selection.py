"""A 0/1 outcome that is seen for some only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import ndtri

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.rows import line
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.families.kernels.bivariate_probit import bivariate_probit
from gvcmetrics.models.families.probit import family as probit
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.expected import Scale, conditional, index, of_index, probability
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.sums import in_memory
from gvcmetrics.models.paired.maximum import maximum
from gvcmetrics.models.paired.pair import Pair
from gvcmetrics.models.paired.road import travel
from gvcmetrics.models.paired.selected import selected_rows
from gvcmetrics.models.paired.selection_kernels import probit_selection_kernel
from gvcmetrics.models.results.results import Results


def _reported(constants: Array) -> tuple[Array, Array]:
    r = np.tanh(constants)
    return r, np.diag(1.0 - r * r)


def _working(reported: Array) -> tuple[Array, Array]:
    return np.arctanh(reported), np.diag(1.0 / (1.0 - reported * reported))


def _start_of_constants(y: Array, weights: Array) -> tuple[Array, Array]:
    """Share of ones among those who are seen, the share that is, and errors that are unrelated."""
    seen = weights * y[:, 1]
    shares = np.array([(seen @ y[:, 0]) / seen.sum(), seen.sum() / weights.sum()])
    return ndtri(np.clip(shares, 1e-6, 1.0 - 1e-6)), np.zeros(1)


_FAMILY = Family(
    "probit_selection",
    probit_selection_kernel,
    _start_of_constants,
    n_indices=2,
    constants=("rho",),
    outcomes=None,
    strip=4096,
    reported=_reported,
    working=_working,
    block="Errors",
    null=False,
)
# The four cells of outcome and selection, y + 2 seen, which the joint probit's kernel knows.
_CELLS = replace(bivariate_probit, constants=("rho",), reported=_reported, working=_working)


def _estimate(request: Request, response: Response, both: Pair) -> Estimate:
    outcome, condition = both.titles
    scales = {
        "response": Scale("probability, of everybody", {"": of_index(probability(probit, 1), 0)}),
        "conditional": Scale("probability, of those who are seen", {"": conditional(_CELLS, (3,), (2, 3))}),
        "joint": Scale("probability of one, and of being seen", {"": probability(_CELLS, 3)}),
        "selection": Scale("probability of being seen", {"": of_index(probability(probit, 1), 1)}),
        "index": Scale("linear index", {outcome: index(0), condition: index(1)}),
    }
    y = both.sample.y
    seen = y[:, 1] == 1.0
    said = f"Seen: {int(seen.sum()):,} of {len(y):,} rows."
    if both.excluded:
        said += f" Only in '{condition}': {', '.join(both.excluded)}."
    apart = _apart(both)[1]

    def facts(pair: Pair, loglik: float) -> dict[str, float]:
        ratio = max(2.0 * (loglik - apart), 0.0)
        return {"lr_independence": ratio, "lr_independence_p": float(stats.chi2.sf(ratio, 1))}

    return maximum(request, both, _FAMILY, scales, lambda pair: _apart(pair)[0], facts, (said,))


def _apart(both: Pair) -> tuple[Array, float]:
    """Two probits that know nothing of one another, and the sum of their log likelihoods."""
    sample = both.sample
    seen = sample.y[:, 1] == 1.0
    parts, total = [], 0.0
    for equation, rows, y in ((0, seen, sample.y[seen, 0]), (1, slice(None), sample.y[:, 1])):
        weights = None if sample.weights is None else sample.weights[rows]
        likelihood = in_memory(probit, y, both.X(equation)[rows], weights)
        optimum = maximise(likelihood.evaluate, np.zeros(both.sizes[equation]))
        parts.append(optimum.theta)
        total += optimum.loglik
    return np.concatenate([*parts, np.zeros(1)]), total


def _rows(request: Request) -> Pair:
    both = selected_rows(request)
    sample = both.sample
    value, seen = sample.y[:, 0], sample.y[:, 1] == 1.0
    bad = seen & ~np.isin(value, (0.0, 1.0))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{value[row]:g} is neither 0 nor 1; {int(bad.sum())} such rows",
            Place(row=line(sample.rows[row]), column=both.titles[0]),
            "Recode it to 0/1, or use gvc.heckman for a number",
        )
    if (value[seen] == value[seen][0]).all():
        raise ModelError(
            f"the outcome '{both.titles[0]}' is {value[seen][0]:g} in all {int(seen.sum())} rows seen",
            remedy="There is nothing to explain; look at the rows that were dropped",
        )
    return both


PROBIT_SELECTION = Response(
    "probit_selection",
    "Probit with selection",
    outcomes.NUMBER,
    lambda _: _FAMILY,
    {},
)


def probit_selection(
    formula: str,
    data: pd.DataFrame,
    *,
    select: str,
    exclusion: bool = True,
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    fix: Mapping[str, float] | None = None,
    trusted: bool = True,
) -> Results:
    r"""Probit of a 0/1 outcome that is seen for some only (Van de Ven & Van Praag 1981): `heckprobit`.

    .. math:: y_i = 1[x_i'\beta + \varepsilon_i > 0] \text{ is seen if } z_i'\gamma + u_i > 0, \qquad
       \mathrm{corr}(\varepsilon_i, u_i) = \rho

    Parameters
    ----------
    formula : the outcome, `"upgrades ~ size + age"`.
    select, exclusion : as in `heckman`.
    data, unit, time, step, vcov, weights, frequency, fix, trusted : as in `logit`.

    Returns
    -------
    Results with coefficients `outcome: x` and `selection: z` and the correlation `rho`. `margins` and
    `predict` are on the probability of everybody; with `scale="conditional"` of those who are seen,
    `"joint"` of one and of being seen, `"selection"` of being seen.

    Raises
    ------
    ModelError : nobody or everybody is seen; no regressor is in the selection alone; the outcome is constant.
    DataError : outcome or selection is neither 0 nor 1.

    Source
    ------
    Van de Ven & Van Praag (1981, Journal of Econometrics 17).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(3)
    >>> u = rng.normal(size=4000)
    >>> firms = pd.DataFrame({"size": rng.normal(size=4000), "near_port": rng.normal(size=4000)})
    >>> firms["exports"] = (firms["size"] + firms["near_port"] + u > 0) * 1
    >>> firms["upgrades"] = (firms["size"] + 0.7 * u + 0.7 * rng.normal(size=4000) > 0) * 1
    >>> made = probit_selection("upgrades ~ size", firms, select="exports ~ size + near_port")
    >>> float(made.params["rho"].round(1))
    0.7
    """
    request = Request(
        probit_selection, formula, data, unit=unit, time=time, step=step, vcov=vcov, weights=weights,
        frequency=frequency, fix=fix, trusted=trusted, options={"select": select, "exclusion": exclusion},
    )  # fmt: skip
    return travel(request, PROBIT_SELECTION, _rows, _estimate)
