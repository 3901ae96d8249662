r"""Averages of effects by cohort and period, with the influence of every unit on all of them.

An average over cells k with weights :math:`w_k = p_{g(k)}/\sum_l p_{g(l)}` by the share of each cell's cohort
moves with a unit through the cells and through the shares:
:math:`\psi = \sum_k w_k\psi_k + \sum_k \theta_k\,\psi_{w_k}` (Callaway & Sant'Anna 2021, section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvcmetrics.ground.numerics.demean import group_sums
from gvcmetrics.models.data.batch import Array

Part = tuple[pd.Series, pd.DataFrame]
OVERALL = "ATT"


@dataclass(frozen=True)
class Cells:
    """Effects by cohort and period.

    cohort, period, effect : one a cell. influence : (units, cells). cohort_of : of the units, 0: never.
    """

    cohort: Array
    period: Array
    effect: Array
    influence: Array
    cohort_of: Array

    def average(self, keep: np.ndarray) -> tuple[float, Array]:
        """The average over some cells by the size of their cohorts, and its influence."""
        n = len(self.cohort_of)
        member = (self.cohort_of[:, None] == self.cohort[keep]).astype(np.float64)
        share = member.mean(axis=0)
        weight, effect = share / share.sum(), self.effect[keep]
        moved = (member - share) / n
        of_weight = (moved - weight * moved.sum(axis=1, keepdims=True)) / share.sum()
        return float(weight @ effect), self.influence[:, keep] @ weight + of_weight @ effect

    def mean(self, keep: np.ndarray) -> tuple[float, Array]:
        """The plain mean of some cells, and its influence."""
        return float(self.effect[keep].mean()), self.influence[:, keep].mean(axis=1)


def parts(cells: Cells, cluster: np.ndarray) -> Mapping[str, Part]:
    """Event times with the average over all cells, cohorts and periods with their own averages."""
    since = cells.period - cells.cohort
    after = since >= 0
    events = {event_name(e): cells.average(since == e) for e in np.unique(since)}
    late = [events[event_name(e)] for e in np.unique(since[after])]
    cohorts = np.unique(cells.cohort)
    by_cohort = {f"cohort[{g}]": cells.mean((cells.cohort == g) & after) for g in cohorts}
    of_cohorts = Cells(
        cohorts, cohorts, np.array([value for value, _ in by_cohort.values()]),
        np.column_stack([moved for _, moved in by_cohort.values()]), cells.cohort_of,
    )  # fmt: skip
    periods = np.unique(cells.period[after])
    by_period = {f"period[{t}]": cells.average((cells.period == t) & after) for t in periods}
    every: dict[str, dict[str, tuple[float, Array]]] = {
        "simple": {OVERALL: cells.average(after), **events},
        "event": {OVERALL: _middle(late), **events},
        "cohort": {OVERALL: of_cohorts.average(np.ones(len(cohorts), dtype=bool)), **by_cohort},
        "period": {OVERALL: _middle([*by_period.values()]), **by_period},
    }
    return {name: _jointly(found, cluster) for name, found in every.items()}


def event_name(e: int) -> str:
    """The parameter of an event time."""
    return f"event[{int(e):+d}]" if e else "event[0]"


def event_time(name: str) -> int | None:
    """The event time of a parameter, None for those that have none."""
    return int(name[6:-1]) if name.startswith("event[") else None


def linear(part: Part, name: str, weights: Callable[[str], float]) -> Part:
    """A part with one more parameter before it, a combination of those that it has."""
    params, cov = part
    w = np.array([weights(each) for each in params.index])
    map_ = np.vstack([w, np.eye(len(w))])
    index = pd.Index([name, *params.index], dtype=object)
    made = pd.DataFrame(map_ @ cov.to_numpy() @ map_.T, index=index, columns=index)
    return pd.Series(map_ @ params.to_numpy(), index=index, name="estimate"), made


def _middle(found: list[tuple[float, Array]]) -> tuple[float, Array]:
    values, moved = zip(*found, strict=True)
    return float(np.mean(values)), np.mean(moved, axis=0)


def _jointly(found: Mapping[str, tuple[float, Array]], cluster: np.ndarray) -> Part:
    index = pd.Index([*found], dtype=object)
    moved = group_sums(np.column_stack([each for _, each in found.values()]), cluster)
    params = pd.Series([value for value, _ in found.values()], index=index, name="estimate")
    return params, pd.DataFrame(moved.T @ moved, index=index, columns=index)
