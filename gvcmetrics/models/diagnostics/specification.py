"""Tests of what a discrete model assumes: parallel regressions (Brant), independence of alternatives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.choices.iia import without_each
from gvcmetrics.models.choices.predictor import ChoicePredictor
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.data.scaling import Scaling
from gvcmetrics.models.effects.pooled import pooled_problem
from gvcmetrics.models.likelihood.family import Array
from gvcmetrics.models.likelihood.problem import solve
from gvcmetrics.models.results.results import Results


def brant(results: Results) -> pd.DataFrame:
    r"""Brant's test of parallel regressions after an ordered logit.

    Each cut j gives a logit of :math:`y > j` with slopes :math:`b_j`; under the model they are equal. Their
    joint covariance comes from the fitted probabilities :math:`p_j`,

    .. math:: \mathrm{Cov}(b_j, b_l) = (X'W_jX)^{-1} X'W_{jl}X (X'W_lX)^{-1}, \qquad
       W_j = p_j(1-p_j), \quad W_{jl} = p_l - p_j p_l \ (j \le l).

    Parameters
    ----------
    results : of `ordered_logit` with pooled effects, unweighted or with frequency weights.

    Returns
    -------
    Frame with a row `all` and one a regressor: `statistic` (χ²), `df`, `p_value`, and the slope at each cut.

    Raises
    ------
    ModelError : another model; two categories only; a regressor that separates a cut.

    Source: Brant (1990), section 3.
    """
    sample = _sample_of(results, "brant", "an ordered logit", results.response.cut is not None)
    if sample.weights is not None and not sample.frequency:
        raise ModelError("Brant's covariance does not allow sampling weights", remedy="Test without them")
    categories = len(sample.categories or ())
    if categories < 3:
        raise ModelError("with two categories there is one cut and nothing to compare")
    sample, _, scale = _in_sound_units(sample, centred=True)
    X = np.column_stack([np.ones(len(sample.y)), sample.X])
    design = replace(sample, X=X, names=("Intercept", *sample.names))
    weights = np.ones(len(sample.y)) if sample.weights is None else sample.weights
    shift = np.zeros(len(sample.y)) if sample.offset is None else sample.offset
    slopes, probabilities, inverses = [], [], []
    for cut in range(categories - 1):
        above = (sample.y > cut).astype(float)
        theta = solve(pooled_problem(replace(design, y=above), results.response.cut)).optimum.theta
        p = 1 / (1 + np.exp(-X @ theta - shift))
        slopes.append(theta[1:])
        probabilities.append(p)
        inverses.append(np.linalg.inv(X.T @ (X * (weights * p * (1 - p))[:, None])))
    k, cuts = len(sample.names), categories - 1
    cov = np.empty((cuts * k, cuts * k))
    for j in range(cuts):
        for m in range(j, cuts):
            between = weights * (probabilities[m] - probabilities[j] * probabilities[m])
            block = (inverses[j] @ (X.T @ (X * between[:, None])) @ inverses[m])[1:, 1:]
            cov[j * k : (j + 1) * k, m * k : (m + 1) * k] = block
            cov[m * k : (m + 1) * k, j * k : (j + 1) * k] = block.T
    stacked = np.concatenate(slopes)

    def equal(columns: list[int]) -> tuple[float, int, float]:
        rows = []
        for cut in range(1, cuts):
            for column in columns:
                row = np.zeros(cuts * k)
                row[column], row[cut * k + column] = 1.0, -1.0
                rows.append(row)
        R = np.array(rows)
        return _quadratic(R @ stacked, R @ cov @ R.T)

    tests = [equal(list(range(k))), *(equal([column]) for column in range(k))]
    table = pd.DataFrame(tests, columns=["statistic", "df", "p_value"], index=["all", *sample.names])
    for cut, label in enumerate((sample.categories or ())[:-1]):
        table[f"y > {label}"] = [np.nan, *(slopes[cut] / scale)]
    return table


def hausman_mcfadden(results: Results, *, constant: bool = False) -> pd.DataFrame:
    r"""Hausman and McFadden's test of the independence of irrelevant alternatives.

    Each category is left out in turn with the rows that chose it. If alternatives are independent the
    coefficients of the others stay the same:

    .. math:: (b_r - b_f)'(V_r - V_f)^{-1}(b_r - b_f) \sim \chi^2

    with r the restricted and f the full choice set. Leaving out the base, both are taken against the next
    category. The difference of the covariances need not be positive definite in a sample; a negative
    statistic is evidence for the assumption (Hausman & McFadden 1984, note 4), and is warned of.

    Parameters
    ----------
    results : of `multinomial_logit` with pooled effects, or of `choice` without nests and random
        coefficients; three categories or more.
    constant : compare the constants as well as the slopes.

    Returns
    -------
    Frame with one row an omitted category: `statistic`, `df`, `p_value`, `nobs` of the restricted set.

    Source: Hausman & McFadden (1984), eq. 1.12.
    """
    if isinstance(results.predictor, ChoicePredictor):
        return _with_sign_warned(without_each(results, constant=constant))
    sample = _sample_of(results, "hausman_mcfadden", "a multinomial logit", results.response.independent)
    if sample.weights is not None and not sample.frequency:
        raise ModelError("the test needs classical covariances, which sampling weights do not give")
    labels = list(sample.categories or ())
    J, k = len(labels), len(sample.names)
    if J < 3:
        raise ModelError("with two categories there is no alternative to leave out")
    sample, centre, scale = _in_sound_units(sample, centred="Intercept" in sample.names)
    of_equation = np.diag(scale)
    if "Intercept" in sample.names:
        of_equation[sample.names.index("Intercept")] += centre
    rescaled = np.kron(np.eye(J - 1), of_equation)
    full = rescaled @ results.params.to_numpy()
    cov = rescaled @ results.with_vcov("iid").cov.to_numpy() @ rescaled.T
    compared = [column for column, name in enumerate(sample.names) if constant or name != "Intercept"]
    rows = []
    for omitted in range(J):
        kept = [category for category in range(J) if category != omitted]
        base, others = kept[0], kept[1:]
        few = sample.select(sample.y != omitted, "alternative left out")
        few = replace(
            few, y=np.searchsorted(kept, few.y).astype(float), categories=tuple(labels[c] for c in kept)
        )
        problem = pooled_problem(few, results.response.family(few), [str(labels[o]) for o in others])
        optimum = solve(problem).optimum
        restricted_cov = np.linalg.inv(-optimum.hessian)
        A = np.zeros((len(others) * k, (J - 1) * k))
        for position, category in enumerate(others):
            block = slice(position * k, (position + 1) * k)
            A[block, (category - 1) * k : category * k] = np.eye(k)
            if base > 0:
                A[block, (base - 1) * k : base * k] = -np.eye(k)
        picked = [position * k + column for position in range(len(others)) for column in compared]
        distance = (optimum.theta - A @ full)[picked]
        difference = (restricted_cov - A @ cov @ A.T)[np.ix_(picked, picked)]
        rows.append((*_quadratic(distance, difference), few.nobs))
    table = pd.DataFrame(
        rows, columns=["statistic", "df", "p_value", "nobs"], index=pd.Index(labels, name="without")
    )
    return _with_sign_warned(table)


def _with_sign_warned(table: pd.DataFrame) -> pd.DataFrame:
    if (table["statistic"] < 0).any():
        negative = ", ".join(str(label) for label in table.index[table["statistic"] < 0])
        warn(
            f"the difference of the covariances is not positive definite without {negative}: no evidence "
            "against the independence of irrelevant alternatives"
        )
    return table


def _sample_of(results: Results, function: str, model: str, fits: bool) -> Sample:
    sample = results.sample
    if not fits or results.effects != "pooled" or not isinstance(sample, Sample):
        raise ModelError(
            f"{function} is a test after {model} with pooled effects, not after {results.model} with "
            f"effects={results.effects!r}"
        )
    return sample


def _in_sound_units(sample: Sample, *, centred: bool) -> tuple[Sample, Array, Array]:
    """The sample with regressors near zero and one; what was subtracted, and what they were divided by."""
    scaling = Scaling.of(sample.column_moments, centred=centred)
    if scaling is None:
        k = len(sample.names)
        return sample, np.zeros(k), np.ones(k)
    return sample.scaled(scaling), scaling.centre, scaling.scale


def _quadratic(distance: Array, spread: Array) -> tuple[float, int, float]:
    """d'V⁻¹d with its χ² p-value, one where it is negative."""
    statistic = float(distance @ np.linalg.solve(spread, distance))
    return statistic, len(distance), float(stats.chi2.sf(statistic, len(distance)))
