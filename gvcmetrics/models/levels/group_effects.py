"""Empirical-Bayes effects of the groups: the modes given the estimates, and their spread."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.levels.formula import taken_apart
from gvcmetrics.models.levels.likelihood import NestedEffects
from gvcmetrics.models.levels.road import multilevel
from gvcmetrics.models.levels.structure import Level, Nest, nest
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.likelihood.newton import one_blas_thread
from gvcmetrics.models.results.results import Results


def group_effects(results: Results) -> dict[str, pd.DataFrame]:
    r"""Effects of every group of a multilevel model given the data and the estimates (empirical Bayes).

    .. math:: \hat u = \operatorname{argmax}_u
       \sum_i \ell_i(x_i'\hat\beta + z_i'u) - \frac{1}{2} u'\hat\Sigma^{-1}u

    They are shrunken towards zero, the more the less a group says of itself. Of a linear model they are the
    best linear unbiased predictions.

    Parameters
    ----------
    results : of `multilevel`.

    Returns
    -------
    Grouping → frame by group (for nested groups by all their columns), with the columns `effect` and
    `error(effect)` for each effect: the mode, and the root of the inverse curvature there, given the
    estimates.

    Raises
    ------
    ModelError : the results are of another model.

    Source
    ------
    Laird & Ware (1982, Biometrics 38); the errors are lme4's `condVar`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> firms = pd.DataFrame({"cluster": np.repeat(range(40), 25), "rd": rng.normal(size=1000)})
    >>> firms["sales"] = 2 + firms["rd"] + np.repeat(rng.normal(size=40), 25) + rng.normal(size=1000)
    >>> found = group_effects(multilevel("sales ~ rd + (1 | cluster)", firms, response="linear"))
    >>> found["cluster"].shape
    (40, 2)
    """
    request, sample = results.request, results.sample
    if (
        not isinstance(request, Request)
        or request.function is not multilevel
        or not isinstance(sample, Sample)
    ):
        raise ModelError("group effects are of multilevel models", remedy="Pass a result of gvc.multilevel")
    levels = nest(taken_apart(request.formula, trusted=request.trusted)[1], sample)
    family = results.response.family(sample)
    likelihood = NestedEffects(
        family, sample.y[levels.order], sample.X[levels.order], levels,
        None if sample.offset is None else sample.offset[levels.order],
    )  # fmt: skip
    theta = _theta(results.params.to_numpy(), likelihood, family)
    with one_blas_thread():
        found = likelihood.at(theta)
    if found is None:
        raise ModelError("the modes cannot be found: the likelihood overflows at the estimates")
    spread = found.H.covariances()
    made = {}
    for number, (level, L) in enumerate(zip(levels.levels, likelihood.factors(theta), strict=True)):
        first, own = levels.descendants[number], slice(levels.edges[number], levels.edges[number + 1])
        # The standardised effects in the units of their own.
        back = L / level.scale[:, None]
        values = found.u[first, own] @ back.T
        variances = np.einsum("ab,gbc,ac->ga", back, spread[first, own, own], back)
        made[level.grouping] = _frame(level, levels, number, values, np.sqrt(np.maximum(variances, 0.0)))
    return made


def _frame(level: Level, levels: Nest, number: int, values: Array, errors: Array) -> pd.DataFrame:
    index = level.labels[levels.positions(number)]
    if isinstance(index[0], tuple):
        index = pd.MultiIndex.from_tuples(list(index), names=list(level.columns))
    else:
        index = index.rename(level.columns[0])
    columns = dict[str, Array]()
    for j, effect in enumerate(level.effects):
        columns[effect], columns[f"error({effect})"] = values[:, j], errors[:, j]
    return pd.DataFrame(columns, index=index).sort_index()


def _theta(params: Array, likelihood: NestedEffects, family: Family) -> Array:
    """Reported parameters as the likelihood has them: Cholesky factors for deviations and correlations."""
    theta, fixed, k = params.copy(), likelihood.fixed, likelihood.X.shape[1]
    if family.working is not None:
        theta[k:fixed] = family.working(params[k:fixed])[0]
    at = fixed
    for level in likelihood.nest.levels:
        q = len(level.effects)
        deviations = params[at : at + q] * level.scale
        R = np.eye(q)
        for (i, j), value in zip(level.pairs, params[at + q :], strict=False):
            R[i, j] = R[j, i] = value
        # Of correlations of one the factor has zeros, which no Cholesky factorisation finds.
        values, vectors = np.linalg.eigh(R)
        root = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T)[1].T
        rows, columns = level.free
        theta[at : at + len(rows)] = (deviations[:, None] * root)[rows, columns]
        at += len(rows)
    return theta
