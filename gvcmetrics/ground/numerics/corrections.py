r"""Every small-sample correction, in the words of fixest's `ssc()`.

With N observations, K regressors, absorbed effects of :math:`K_e` parameters less redundant levels, and
:math:`G_w` groups of each way to cluster, the factor of a covariance is

.. math:: \underbrace{\frac{N-1}{N-K-K_e}}_{\texttt{k\_adj}}
   \cdot \underbrace{\frac{G}{G-1}}_{\texttt{g\_adj}}, \qquad G = \min_w G_w \ (\texttt{g\_df="min"})

with one group an observation where nothing is clustered. `k_fixef` says which effects count: all (`full`),
those not nested within a cluster variable (`nonnested`), or none. That is the convention of reghdfe and
fixest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.slopes import Effect, Slopes, codes_of, slope_parameters


@dataclass(frozen=True)
class SSC:
    """Which corrections are made; the names are fixest's, the defaults its and reghdfe's."""

    k_adj: bool = True
    k_fixef: Literal["none", "nonnested", "full"] = "nonnested"
    g_adj: bool = True
    g_df: Literal["min", "conventional"] = "min"


CONVENTION = SSC()


def small_sample(
    nobs: float,
    parameters: int,
    absorbed: Sequence[Effect] = (),
    clusters: Sequence[np.ndarray] | None = None,
    *,
    groups: int | None = None,
    ssc: SSC = CONVENTION,
) -> tuple[float, int]:
    """The factor of a covariance, and the degrees of freedom of its t distribution.

    Parameters
    ----------
    nobs, parameters : N and K, absorbed effects not counted.
    absorbed : codes of the absorbed effects.
    clusters : codes of each way to cluster; None where nothing is clustered, whose degrees of freedom are
        those of the residuals and whose factor is N/(N − K).
    groups : G where it is not the count of the ways (periods of a kernel, one way among crossed ones).

    Raises
    ------
    ModelError : no degree of freedom is left.
    """
    nested = clusters or () if ssc.k_fixef == "nonnested" else ()
    effects = 0 if ssc.k_fixef == "none" else absorbed_parameters(absorbed, nested)
    left = nobs - parameters - effects
    if left <= 0:
        raise ModelError(
            f"{nobs:g} observations do not identify {nobs - left:g} parameters",
            remedy="Use fewer regressors or absorbed effects",
        )
    if clusters is None and groups is None:
        return (nobs / left if ssc.k_adj else 1.0), round(left)
    smallest = groups if groups is not None else min(group_count(codes) for codes in clusters or ())
    k_factor = (nobs - 1) / left if ssc.k_adj else 1.0
    return k_factor * (smallest / (smallest - 1) if ssc.g_adj else 1.0), smallest - 1


def jackknife_factor(groups: int) -> float:
    """(G − 1)/G, of a covariance from estimates without each cluster."""
    return (groups - 1) / groups


def absorbed_parameters(effects: Sequence[Effect], clusters: Sequence[np.ndarray] = ()) -> int:
    """Parameters that absorbed effects cost in the degrees of freedom, the constant included.

    The levels of each effect less those redundant given an earlier one: the connected components
    of the two, the largest over pairs, as reghdfe counts. Effects nested within a cluster variable
    cost nothing; when all are, one is left for the constant. Slopes by group cost one a group in which the
    variable varies.
    """
    left = [effect for effect in effects if not any(nested_in(effect, cluster) for cluster in clusters)]
    counted = [effect for effect in left if not isinstance(effect, Slopes)]
    cost = sum(
        int(codes.max()) + 1 - max((_components(codes, earlier) for earlier in counted[:position]), default=0)
        for position, codes in enumerate(counted)
    )
    if len(counted) < len(left):
        cost += slope_parameters(left)
    return max(cost, 1) if any(not isinstance(effect, Slopes) for effect in effects) else cost


def nested_in(effect: Effect, cluster: np.ndarray) -> bool:
    """Whether every group lies within one cluster."""
    codes = codes_of(effect)
    first = np.zeros(int(codes.max(initial=0)) + 1, dtype=cluster.dtype)
    first[codes] = cluster
    return bool(np.array_equal(first[codes], cluster))


def group_count(codes: np.ndarray) -> int:
    """Groups that occur."""
    return int(np.count_nonzero(np.bincount(codes)))


def _components(first: np.ndarray, second: np.ndarray) -> int:
    shape = (int(first.max()) + 1, int(second.max()) + 1)
    links = sparse.coo_matrix(
        (np.ones(len(first), dtype=np.int8), (first, second + shape[0])), shape=(sum(shape),) * 2
    )
    return int(connected_components(links, directed=False, return_labels=False))
