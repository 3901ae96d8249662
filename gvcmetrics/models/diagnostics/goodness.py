"""How well a discrete model fits: pseudo-R², classification, calibration."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.inference.restrictions import TestResult
from gvcmetrics.models.results.results import Results


def goodness_of_fit(results: Results) -> pd.Series:
    r"""Measures of fit of a discrete model, those that are defined for it.

    With :math:`\ell`, :math:`\ell_0` the log likelihoods of the model and of one with a constant only, K
    parameters, N observations:

    ======================  ====================================================================
    `mcfadden`              :math:`1 - \ell/\ell_0` (McFadden 1974)
    `mcfadden_adjusted`     :math:`1 - (\ell - K)/\ell_0`
    `cox_snell`             :math:`1 - \exp\{2(\ell_0-\ell)/N\}`
    `nagelkerke`            Cox & Snell's over its maximum, :math:`1 - \exp\{2\ell_0/N\}`
    `mckelvey_zavoina`      variance of the index over that of the latent outcome
    `efron`, `tjur`         :math:`1 - \sum(y-p)^2/\sum(y-\bar y)^2`; mean p at y = 1 less at y = 0
    `brier`                 mean of :math:`(y-p)^2`
    `area_under_curve`      chance that a y = 1 has the higher p of a pair, ties half
    `correctly_predicted`   share of rows whose most likely outcome is theirs
    `share_of_mode`         the same for always predicting the most frequent outcome
    `aic`, `bic`            :math:`2K - 2\ell`, :math:`K\log N - 2\ell`
    ======================  ====================================================================

    Shares and means are weighted where the model is.

    Raises
    ------
    ModelError : the model has no likelihood.

    Source: Long & Freese (2014), section 3.3; Tjur (2009).
    """
    ll, n, k = results.loglik, results.nobs, results.n_parameters
    if ll is None:
        raise ModelError(f"{results.model} has no likelihood", remedy="See results.statistics")
    found: dict[str, float] = {"loglik": ll, "nobs": float(n)}
    if "pseudo_r2" in results.statistics:
        null = ll / (1 - results.statistics["pseudo_r2"])
        cox_snell, most = -np.expm1(2 * (null - ll) / n), -np.expm1(2 * null / n)
        found |= {
            "loglik_null": null,
            "mcfadden": 1 - ll / null,
            "mcfadden_adjusted": 1 - (ll - k) / null,
            "cox_snell": cox_snell,
            "nagelkerke": cox_snell / most,
        }
    found |= {"aic": 2 * k - 2 * ll, "bic": float(np.log(n)) * k - 2 * ll}
    predictor, sample = results.predictor, results.sample
    if predictor is None or predictor.conditional or not isinstance(sample, Sample):
        return pd.Series(found, name=results.model)
    residual = predictor.family.latent_variance
    if not (np.isnan(residual) or predictor.random):
        spread = _variance(results.predict(kind="index").to_numpy(), _weights(sample))
        found["mckelvey_zavoina"] = spread / (spread + residual)
    predicted = results.predict()
    if results.response.binary:
        found |= _binary(sample, predicted.to_numpy())
    elif isinstance(predicted, pd.DataFrame):
        found |= _classified(sample, predicted.to_numpy())
    return pd.Series(found, name=results.model)


def hosmer_lemeshow(results: Results, groups: int = 10) -> TestResult:
    r"""Hosmer and Lemeshow's test that a binary model's probabilities are right on average by group.

    Rows are cut at quantiles of the fitted probability into groups of :math:`n_g` with mean
    :math:`\bar p_g` and :math:`o_g` ones:

    .. math:: \sum_g \frac{(o_g - n_g\bar p_g)^2}{n_g\bar p_g(1-\bar p_g)} \sim \chi^2(G - 2)

    Parameters
    ----------
    results : of a binary model, unweighted.
    groups : G, three or more; fewer are made where probabilities tie.

    Source: Hosmer & Lemeshow (1980).
    """
    predictor, sample = results.predictor, results.sample
    if (
        predictor is None
        or predictor.conditional
        or not results.response.binary
        or not isinstance(sample, Sample)
    ):
        raise ModelError("the test is for binary models that predict probabilities")
    if sample.weights is not None:
        raise ModelError("the test is for unweighted models", remedy="Estimate without weights")
    if not isinstance(groups, int) or groups < 3:
        raise ModelError(f"groups={groups!r} must be a whole number of three or more")
    y, p = sample.y, results.predict().to_numpy()
    edges = np.unique(np.quantile(p, np.linspace(0, 1, groups + 1)))
    member = np.clip(np.searchsorted(edges, p, side="left") - 1, 0, len(edges) - 2)
    sizes = np.bincount(member)
    if len(sizes) < 3 or (sizes == 0).any():
        raise ModelError(f"the fitted probabilities take too few values for {groups} groups")
    mean = np.bincount(member, p) / sizes
    statistic = float(((np.bincount(member, y) - sizes * mean) ** 2 / (sizes * mean * (1 - mean))).sum())
    df = len(sizes) - 2
    return TestResult(
        f"Hosmer–Lemeshow test ({len(sizes)} groups)", statistic, df, float(stats.chi2.sf(statistic, df)),
        "χ²", None, "the probabilities are right in every group",
    )  # fmt: skip


def _weights(sample: Sample) -> Array:
    return np.ones(len(sample.rows)) if sample.weights is None else sample.weights


def _variance(values: Array, weights: Array) -> float:
    mean = np.average(values, weights=weights)
    return float(np.average((values - mean) ** 2, weights=weights))


def _binary(sample: Sample, p: Array) -> dict[str, float]:
    y, w = sample.y, _weights(sample)
    share = np.average(y, weights=w)
    brier = float(np.average((y - p) ** 2, weights=w))
    ones = y == 1
    return {
        "efron": 1 - brier / (share * (1 - share)),
        "tjur": float(np.average(p[ones], weights=w[ones]) - np.average(p[~ones], weights=w[~ones])),
        "brier": brier,
        "area_under_curve": _area(y, p, w),
        "correctly_predicted": float(np.average((p > 0.5) == ones, weights=w)),
        "share_of_mode": float(max(share, 1 - share)),
    }


def _area(y: Array, p: Array, w: Array) -> float:
    """Weighted chance that a one has the higher probability of a pair of one and zero, ties half."""
    levels, place = np.unique(p, return_inverse=True)
    ones = np.bincount(place, w * y, len(levels))
    zeros = np.bincount(place, w * (1 - y), len(levels))
    below = np.concatenate([[0.0], np.cumsum(zeros)[:-1]])
    return float(ones @ (below + zeros / 2) / (ones.sum() * zeros.sum()))


def _classified(sample: Sample, probabilities: Array) -> dict[str, float]:
    y, w = sample.y, _weights(sample)
    predicted = probabilities.argmax(axis=1)
    shares = np.bincount(y.astype(int), w) / w.sum()
    return {
        "correctly_predicted": float(np.average(predicted == y, weights=w)),
        "share_of_mode": float(shares.max()),
    }
