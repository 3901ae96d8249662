r"""Nearest neighbours on the logit score.

With replacement each row gets the M nearest of the other group, ties shared; errors are those of Abadie &
Imbens (2006), from the differences between neighbours of the same group, with the score taken as known.
Without replacement the treated choose in turn, the highest score first, and errors are those of the pairs.
"""

from __future__ import annotations

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.treatments.moments import Found


def without_replacement(y: Array, t: Array, distance: Array) -> tuple[Found, Array]:
    """Each treated row with one of its own of the others, and the weights of the rows.

    Raises
    ------
    ModelError : there are more treated than others.
    """
    treated, others = np.flatnonzero(t == 1), np.flatnonzero(t == 0)
    if len(treated) > len(others):
        raise ModelError(
            f"{len(treated)} treated rows cannot each have one of {len(others)} others",
            remedy="Match with replace=True",
        )
    free = np.ones(len(others), dtype=bool)
    partner = np.empty(len(treated), dtype=np.intp)
    for k in np.argsort(-distance[treated], kind="stable"):
        gap = np.where(free, np.abs(distance[others] - distance[treated[k]]), np.inf)
        found = int(np.argmin(gap))
        free[found] = False
        partner[k] = others[found]
    n = len(treated)
    means = np.array([y[partner].mean(), y[treated].mean()])
    influence = np.zeros((len(y), 2))
    # A pair moves both means at once, so its whole influence stands at the treated row.
    influence[treated, 0] = (y[partner] - means[0]) / n
    influence[treated, 1] = (y[treated] - means[1]) / n
    weights = np.zeros(len(y))
    weights[treated] = weights[partner] = 1.0
    return Found(means, influence), weights


def with_replacement(
    y: Array, t: Array, distance: Array, neighbours: int, on: str
) -> tuple[Array, Array, Array]:
    """Means without and with treatment, their covariance, and the weights of the rows.

    Raises
    ------
    ModelError : a group has too few rows.
    """
    smallest = int(min((t == 1).sum(), (t == 0).sum()))
    if smallest < max(neighbours, 2):
        raise ModelError(f"a group has {smallest} rows only, too few for {neighbours} neighbours")
    n = len(y)
    target = t == 1 if on == "treated" else np.ones(n, dtype=bool)
    count, times = int(target.sum()), np.zeros(n)
    squares, outcomes = np.zeros(n), np.column_stack([y, y])
    variance = np.zeros(n)
    for i in range(n):
        other, own = np.flatnonzero(t != t[i]), np.flatnonzero((t == t[i]) & (np.arange(n) != i))
        twin = own[_nearest(distance[own], distance[i], 1)]
        # As many neighbours as are equally near: the variance of the outcome among them and the row.
        variance[i] = np.var(y[[i, *twin]], ddof=1)
        if target[i]:
            near = other[_nearest(distance[other], distance[i], neighbours)]
            outcomes[i, int(1 - t[i])] = y[near].mean()
            times[near] += 1.0 / len(near)
            squares[near] += 1.0 / len(near) ** 2
    means = outcomes[target].mean(axis=0)
    weights = target + times
    cov = np.zeros((2, 2))
    centred = outcomes[target] - means
    spread = centred.T @ centred / count**2
    # A row of the treated alone is in its own mean once, which the spread has already.
    extra = variance * (times * (times + 2.0 * (on == "all")) - squares)
    for arm in (0, 1):
        cov[arm, arm] = spread[arm, arm] + float(extra[t == arm].sum()) / count**2
    cov[0, 1] = cov[1, 0] = spread[0, 1]
    return means, cov, weights


def _nearest(distances: Array, at: float, count: int) -> np.ndarray:
    """The nearest, and all that are as near as the last of them."""
    gap = np.abs(distances - at)
    edge = np.partition(gap, count - 1)[count - 1]
    return np.flatnonzero(gap <= edge * (1 + 1e-12) + 1e-15)
