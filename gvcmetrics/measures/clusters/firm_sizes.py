"""Who is large in a cluster: concentration ratios, HHI and Gini of firm size, hub-and-spoke clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gvcmetrics.errors import DataError
from gvcmetrics.ground.warn import warn
from gvcmetrics.lineage import record
from gvcmetrics.measures.items import cronbach_alpha, mean_z_score
from gvcmetrics.measures.requirements import amounts, group_keys, require_columns, sampling_weights


def gini(values: ArrayLike, *, weights: ArrayLike | None = None) -> float:
    """Gini coefficient of non-negative amounts, 0 for equal ones, 1 − 1/n when one has all.

    Parameters
    ----------
    values : one-dimensional amounts; missing ones are left out.
    weights : how many units each amount stands for; one each by default.

    Returns
    -------
    float
        Twice the area between the Lorenz curve and the diagonal (no small-sample correction, as Stata's
        ``ineqdeco`` and R's ``ineq``); missing when all amounts are zero.

    Source: Gini (1912); Cowell (2011), Measuring Inequality.
    """
    amounts = np.asarray(values, dtype=np.float64).ravel()
    mass = np.ones_like(amounts) if weights is None else np.asarray(weights, dtype=np.float64).ravel()
    if mass.shape != amounts.shape:
        raise DataError(
            f"there are {len(amounts)} amounts and {len(mass)} weights", remedy="Give each amount a weight."
        )
    known = ~np.isnan(amounts)
    bad = (amounts[known] < 0) | np.isinf(amounts[known]) | ~(np.isfinite(mass[known]) & (mass[known] >= 0))
    if bad.any():
        raise DataError(
            "the Gini coefficient is asked of negative amounts or weights, infinite ones or missing weights"
        )
    return float(grouped_gini(amounts[known], mass[known], np.zeros(int(known.sum()), dtype=np.intp), 1)[0])


def grouped_gini(values: np.ndarray, weights: np.ndarray, codes: np.ndarray, n_groups: int) -> np.ndarray:
    """Gini coefficient of each group; `codes` number the groups from 0. See `gini`."""
    order = np.lexsort((values, codes))
    v, w, g = values[order], weights[order], codes[order]
    people = np.bincount(g, w, n_groups)
    total = np.bincount(g, w * v, n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        p, s = w / people[g], w * v / total[g]
        cumulated = np.cumsum(s)
        starts = np.searchsorted(g, np.arange(n_groups))
        before = np.concatenate([[0.0], cumulated])[starts]
        # Lorenz curve by trapezoids: 1 − Σ p_k (S_k + S_{k−1}), S restarted in every group.
        curve = cumulated - before[g]
    area = np.bincount(g, p * (2 * curve - s), n_groups)
    return np.where((total > 0) & (people > 0), 1.0 - area, np.nan)


def size_distribution(
    frame: pd.DataFrame,
    *,
    cluster: str | Sequence[str] = "cluster_id",
    value: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
    top: Sequence[int] = (1, 4),
) -> pd.DataFrame:
    """Size distribution of the firms of each cluster.

    With s the firms' shares of the cluster's total: CR_k, the sum of the k largest shares; HHI, Σ s²;
    Gini. A row with weight w stands for w firms of the same size, and the k largest *firms* are counted
    in these weights (the last one in part where w is not whole).

    Parameters
    ----------
    frame : firm panel. Rows without size, cluster or a key of `by` are left out, with a warning that counts
        them.
    cluster : column or columns that define a cluster.
    value : employment, sales, exports: with exports, `cr_k` is the top-k export share.
    weights : sampling weight, or None.
    by : columns within which clusters are told apart; by default country and year, where the frame has
        them.
    top : the k of the concentration ratios.

    Returns
    -------
    pandas.DataFrame
        One row for each cluster: its keys, `n_firms`, `total_{value}`, `cr_1`, `cr_4` (or as `top`),
        `hhi`, `gini`. All are missing for a cluster whose total is zero.

    Raises
    ------
    DataError
        Absent columns, negative sizes, missing weights, a k below 1.
    """
    keys = [*group_keys(frame, by), *([cluster] if isinstance(cluster, str) else cluster)]
    require_columns(frame, *keys, value)
    if min(top) < 1:
        raise DataError(f"the k of a concentration ratio is {min(top)}", remedy="Give whole numbers from 1.")
    values = amounts(frame, value)
    given = sampling_weights(frame, weights)
    mass = np.ones(len(frame)) if given is None else given
    groups = frame.groupby(keys, observed=True, dropna=True)
    codes = groups.ngroup().fillna(-1).to_numpy(dtype=np.intp)
    placed = (codes >= 0) & ~np.isnan(values)
    if not placed.all():
        lost, named = int((~placed).sum()), ", ".join([*keys, value])
        warn(f"{lost} of {len(frame)} rows have no {named} and are left out")
    used = placed & (mass > 0)
    labels = groups.size().index
    n = len(labels)
    order = np.flatnonzero(used)
    order = order[np.lexsort((-values[order], codes[order]))]
    v, w, g = values[order], mass[order], codes[order]
    firms, total = np.bincount(g, w, n), np.bincount(g, w * v, n)
    starts = np.searchsorted(g, np.arange(n))
    ranked = np.cumsum(w) - np.concatenate([[0.0], np.cumsum(w)])[starts][g]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = v / total[g]
        out = pd.DataFrame({"n_firms": firms, f"total_{value}": total}, index=labels)
        for k in top:
            among_top = np.clip(k - (ranked - w), 0.0, w)
            out[f"cr_{k}"] = np.bincount(g, among_top * share, n)
        out["hhi"] = np.bincount(g, w * share**2, n)
    out["gini"] = grouped_gini(v, w, g, n)
    measures = [f"cr_{k}" for k in top] + ["hhi", "gini"]
    out.loc[total == 0, measures] = np.nan
    out = out.reset_index()
    sources = [value] if given is None else [value, str(weights)]
    record(out, "n_firms", *sources[1:], like=frame)
    for column in (f"total_{value}", *measures):
        record(out, column, *sources, like=frame)
    return out


def hub_and_spoke(
    frame: pd.DataFrame,
    *,
    cluster: str | Sequence[str] = "cluster_id",
    employment: str = "employment",
    exports: str | None = None,
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
    top: int = 4,
) -> pd.DataFrame:
    """How far a few leading firms dominate each cluster (a proposed index).

    Components: `cr_1`, `cr_{top}`, `hhi` and `gini` of employment and, with `exports`, the share of the
    `top` largest exporters in the cluster's exports. `hub_and_spoke` is the mean of their z-scores over
    the clusters of the frame, so that it ranks clusters within one study and not across studies.

    Parameters
    ----------
    frame, cluster, employment, weights, by : as in `size_distribution`.
    exports : column with each firm's exports, if known.
    top : how many firms lead.

    Returns
    -------
    pandas.DataFrame
        One row for each cluster: keys, `n_firms`, the components, `hub_and_spoke` (missing where a
        component is). ``attrs["cronbach_alpha"]`` holds the α of the standardised components.

    Raises
    ------
    DataError
        As `size_distribution`; also where there are fewer than two clusters, or a component is the same
        in all of them, so that nothing can be ranked.

    Source: Markusen (1996) for the type; components after Humphrey (2001), section 2.
    """
    tops = sorted({1, top})
    out = size_distribution(frame, cluster=cluster, value=employment, weights=weights, by=by, top=tops)
    components = [*(f"cr_{k}" for k in tops), "hhi", "gini"]
    if exports is not None:
        sold = size_distribution(frame, cluster=cluster, value=exports, weights=weights, by=by, top=[top])
        column = f"top_{top}_export_share"
        out[column] = sold[f"cr_{top}"]
        components.append(column)
        record(out, column, *sold.attrs["lineage"][f"cr_{top}"])
    out["hub_and_spoke"] = mean_z_score(out, components)
    out.attrs["cronbach_alpha"] = cronbach_alpha(out, components, standardised=True)
    record(out, "hub_and_spoke", *components)
    return out.drop(columns=[f"total_{employment}"])
