r"""Several hypotheses at once: p-values that allow for how many were tested."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.inference.bootstrap import Setting, bootstrap_pvalue, draw_weights
from gvcmetrics.models.inference.estimates import Estimates
from gvcmetrics.models.inference.restrictions import linear_hypotheses


def holm(pvalues: ArrayLike) -> np.ndarray:
    r"""Holm's step-down p-values, which hold the familywise error rate under any dependence.

    .. math:: \tilde p_{(j)} = \max_{i \le j} \min\{(m - i + 1) p_{(i)}, 1\}

    Source: Holm (1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = _checked(pvalues)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def benjamini_hochberg(pvalues: ArrayLike) -> np.ndarray:
    r"""Benjamini and Hochberg's step-up p-values, which hold the false discovery rate.

    .. math:: \tilde p_{(j)} = \min_{i \ge j} \min\{m\, p_{(i)}/i, 1\}

    Source: Benjamini & Hochberg (1995).

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.04, 0.04]
    """
    p = _checked(pvalues)
    order = np.argsort(p, kind="stable")[::-1]
    stepped = np.minimum.accumulate(len(p) / np.arange(len(p), 0, -1) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def romano_wolf(statistics: ArrayLike, draws: ArrayLike, *, enumerated: bool = False) -> np.ndarray:
    r"""Romano and Wolf's step-down p-values from bootstrap draws, which use the dependence of the tests.

    With the statistics in falling order of :math:`|t|`, each is held against the largest
    :math:`|t^*|` of itself and those after it, and p-values do not fall along the order:

    .. math:: \tilde p_{(j)} = \max_{i \le j}
       \frac{1 + \#\{b: \max_{l \ge i} |t^*_{b(l)}| \ge |t_{(i)}|\}}{B + 1}

    Parameters
    ----------
    statistics : (m) studentised statistics.
    draws : (B, m) their bootstrap draws under the null, all hypotheses from the same resample.
    enumerated : the draws are all there are, the sample among them; then the share alone is taken.

    Source: Romano & Wolf (2005); Romano & Wolf (2016), eq. 13.
    """
    t, table = np.abs(np.asarray(statistics, float)), np.abs(np.asarray(draws, float))
    if table.ndim != 2 or table.shape[1] != len(t):
        raise ModelError(f"draws of shape {table.shape} do not belong to {len(t)} statistics")
    order = np.argsort(-t, kind="stable")
    largest = np.maximum.accumulate(table[:, order][:, ::-1], axis=1)[:, ::-1]
    stepped = [bootstrap_pvalue(t[j], largest[:, place], enumerated) for place, j in enumerate(order)]
    adjusted = np.empty_like(t)
    adjusted[order] = np.maximum.accumulate(stepped)
    return adjusted


def multiple_testing(
    results: Sequence[Estimates],
    hypotheses: str | Sequence[str],
    cluster: str | None = None,
    *,
    draws: int = 9999,
    weights: str = "rademacher",
    impose_null: bool = True,
    seed: int = 1,
) -> pd.DataFrame:
    """Every hypothesis in every result as one family, with adjusted p-values.

    Parameters
    ----------
    results : of any models, on the same or overlapping clusters.
    hypotheses : one, or several; each is tested by itself in each result.
    cluster : column of the clusters that the wild bootstrap draws. A cluster has the same weight in every
        model, which carries the dependence between outcomes. Without it only Holm and
        Benjamini–Hochberg are given, from the results' own p-values.
    draws, weights, impose_null, seed : as in `wild_bootstrap`.

    Returns
    -------
    Frame with one row a test: `outcome`, `hypothesis`, `estimate` (of left less right side), `statistic`,
    `p_value` (the bootstrap's if there is one), `holm`, `benjamini_hochberg`, `romano_wolf`.
    """
    if not results or not all(hasattr(result, "inference") for result in results):
        raise ModelError("give the results as a list", remedy="multiple_testing([first, second], 'x')")
    texts = [hypotheses] if isinstance(hypotheses, str) else list(hypotheses)
    rows, tests = [], [(result, text) for result in results for text in texts]
    for result, text in tests:
        R, r, null = linear_hypotheses(list(result.params.index), text)
        gap = float((R @ result.params.to_numpy() - r)[0])
        test = result.test(text)
        value = np.sign(gap) * np.sqrt(test.statistic)
        rows.append((result.outcome, null, gap, value, test.pvalue))
    table = pd.DataFrame(rows, columns=["outcome", "hypothesis", "estimate", "statistic", "p_value"])
    if cluster is None:
        return _adjusted(table)
    statistics, drawn, enumerated = bootstrap_draws(
        tests, cluster, draws=draws, weights=weights, impose_null=impose_null, seed=seed
    )
    table["statistic"] = statistics
    table["p_value"] = [
        bootstrap_pvalue(t, column, enumerated) for t, column in zip(statistics, drawn.T, strict=True)
    ]
    return _adjusted(table).assign(romano_wolf=romano_wolf(statistics, drawn, enumerated=enumerated))


def bootstrap_draws(
    tests: Sequence[tuple[Estimates, str]],
    cluster: str,
    *,
    draws: int = 9999,
    weights: str = "rademacher",
    impose_null: bool = True,
    seed: int = 1,
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Statistics (m) and wild bootstrap draws (B, m) of single hypotheses, clusters drawn together.

    Returns also whether the draws are all sign patterns of the clusters.
    """
    settings = [Setting.of(result, cluster, cluster) for result, _ in tests]
    labels = [_sample(result).labels(cluster) for result, _ in tests]
    union = {label: row for row, label in enumerate(sorted({x for each in labels for x in each}))}
    v, enumerated = draw_weights(len(union), draws, weights, seed)
    statistics, drawn = [], []
    for (result, text), setting, own in zip(tests, settings, labels, strict=True):
        R, r, _ = linear_hypotheses(list(result.params.index), text)
        if len(R) != 1:
            raise ModelError(f"'{text}' is not one hypothesis")
        rows = v[[union[label] for label in own]]
        observed, column, _ = setting.statistics(R, r, rows, impose_null)
        statistics.append(observed)
        drawn.append(column)
    return np.array(statistics), np.column_stack(drawn), enumerated


def _sample(results: Estimates) -> Sample:
    assert results.sample is not None
    return results.sample


def _adjusted(table: pd.DataFrame) -> pd.DataFrame:
    p = table["p_value"].to_numpy()
    return table.assign(holm=holm(p), benjamini_hochberg=benjamini_hochberg(p))


def _checked(pvalues: ArrayLike) -> np.ndarray:
    p = np.asarray(pvalues, dtype=float)
    if p.ndim != 1 or not len(p) or not ((p >= 0) & (p <= 1)).all():
        raise ModelError("p-values are numbers from 0 to 1, at least one, none missing")
    return p
