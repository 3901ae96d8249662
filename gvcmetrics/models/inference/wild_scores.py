r"""What a wild cluster bootstrap sums: numerators and cluster scores, as linear maps of the draws.

A draw gives each bootstrap cluster h a weight :math:`v_h`. In linear and in likelihood models the numerator
of the studentised statistic and the score of each error cluster g are then linear in v,

.. math:: N(v) = \sum_h a_h v_h, \qquad S_g(v) = \sum_h C_{gh} v_h + L_g \sum_h D_h v_h,
   \qquad V(v) = \sum_g S_g(v) S_g(v)',

with sparse C, so that no sample is ever drawn and no model refitted (Roodman, Nielsen, MacKinnon & Webb 2019,
section 5). All are projected on the hypotheses :math:`R\beta = r`, q of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import scipy.sparse as sparse

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.corrections import nested_in
from gvcmetrics.ground.numerics.demean import demean, group_sums
from gvcmetrics.models.inference.covariance import Inference, cross

_DRAWS_A_BLOCK = 1000


@dataclass(frozen=True, eq=False)
class ClusterScores:
    """C, L and D of one way to cluster the errors, and its sign among crossed ways."""

    sign: int
    own: tuple[Any, ...] = field(repr=False)
    loading: np.ndarray = field(repr=False)
    common: np.ndarray = field(repr=False)

    def __call__(self, draws: np.ndarray) -> np.ndarray:
        """S (q, G, B)."""
        shared = self.common @ draws
        return np.stack(
            [own @ draws + left @ shared for own, left in zip(self.own, self.loading, strict=True)]
        )


@dataclass(frozen=True, eq=False)
class WildScores:
    """The numerator a (q, H) and the cluster scores of every way."""

    numerator: np.ndarray
    ways: tuple[ClusterScores, ...]


def linear_scores(
    inference: Inference, R: np.ndarray, residuals: np.ndarray, ways: Sequence[np.ndarray], boot: np.ndarray
) -> WildScores:
    r"""Of the regression of :math:`X\beta + v_{h(i)} u_i` on X, u being `residuals`.

    With weights w, bread B and :math:`p_i = w_i R B x_i`: :math:`a_h = \sum_{i \in h} p_i u_i`; what the
    regression leaves of :math:`v u` is :math:`M_D(v u) - X B \sum_h v_h \sum_{i\in h} w_i x_i u_i`, with
    :math:`M_D` the absorption of effects, which changes nothing when effects are nested in h.
    """
    assert inference.regression is not None
    X, _, w = inference.regression
    weighted = X if w is None else X * w[:, None]
    P = weighted @ inference.bread @ R.T
    moments = group_sums(weighted * residuals[:, None], boot).T
    refilled = _absorbed_again(inference, residuals, boot, w)
    made = []
    for sign, codes in _crossed(ways):
        own: list[Any] = [_table(p * residuals, codes, boot) for p in P.T]
        if refilled is not None:
            own = [
                table.toarray() + _grouped(p[:, None] * refilled, codes)
                for table, p in zip(own, P.T, strict=True)
            ]
        loading = np.stack([-group_sums(p[:, None] * X, codes) @ inference.bread for p in P.T])
        made.append(ClusterScores(sign, tuple(own), loading, moments))
    return WildScores(group_sums(P * residuals[:, None], boot).T, tuple(made))


def likelihood_scores(
    scores: np.ndarray, bread: np.ndarray, R: np.ndarray, ways: Sequence[np.ndarray], boot: np.ndarray
) -> WildScores:
    r"""Of a likelihood model, from its score contributions :math:`s_i` (Kline & Santos 2012).

    :math:`a_h = R B \sum_{i\in h} s_i`. The perturbed scores are recentred by the share of each cluster in
    the observations, as the scores of a refitted model would sum to zero.
    """
    projected = scores @ bread @ R.T
    numerator = group_sums(projected, boot).T
    made = []
    for sign, codes in _crossed(ways):
        share = np.bincount(codes) / len(codes)
        loading = -share[None, :, None] * np.eye(len(R))[:, None, :]
        own = tuple(_table(column, codes, boot) for column in projected.T)
        made.append(ClusterScores(sign, own, loading, numerator))
    return WildScores(numerator, tuple(made))


def moments(scores: WildScores, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numerators (q, B) and their variances (q, q, B) for draws (H, B)."""
    q, count = len(scores.numerator), draws.shape[1]
    variance = np.zeros((q, q, count))
    for start in range(0, count, _DRAWS_A_BLOCK):
        block = slice(start, start + _DRAWS_A_BLOCK)
        for way in scores.ways:
            sums = way(draws[:, block])
            variance[:, :, block] += way.sign * np.einsum("igb,jgb->ijb", sums, sums)
    return scores.numerator @ draws, variance


def line_moments(
    first: WildScores, second: WildScores, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """N0, N1, V00, V01, V11 of one hypothesis: N0 + d N1 and V00 + 2 d V01 + d² V11 when r moves by d."""
    count = draws.shape[1]
    v00, v01, v11 = np.zeros(count), np.zeros(count), np.zeros(count)
    for start in range(0, count, _DRAWS_A_BLOCK):
        block = slice(start, start + _DRAWS_A_BLOCK)
        for one, two in zip(first.ways, second.ways, strict=True):
            a, b = one(draws[:, block])[0], two(draws[:, block])[0]
            v00[block] += one.sign * np.einsum("gb,gb->b", a, a)
            v01[block] += one.sign * np.einsum("gb,gb->b", a, b)
            v11[block] += one.sign * np.einsum("gb,gb->b", b, b)
    return (first.numerator @ draws)[0], (second.numerator @ draws)[0], v00, v01, v11


def _crossed(ways: Sequence[np.ndarray]) -> list[tuple[int, np.ndarray]]:
    """The non-empty sets of ways, crossed, with their signs (Cameron, Gelbach & Miller 2011)."""
    return [
        ((-1) ** (size + 1), cross(chosen))
        for size in range(1, len(ways) + 1)
        for chosen in combinations(ways, size)
    ]


def _absorbed_again(
    inference: Inference, residuals: np.ndarray, boot: np.ndarray, weights: np.ndarray | None
) -> np.ndarray | None:
    """What absorption adds to the residuals of each bootstrap cluster alone, (n, H); None when nothing."""
    effects = inference.absorbed
    if all(nested_in(effect, boot) for effect in effects):
        return None
    count = int(boot.max()) + 1
    if len(boot) * count > 2e8:
        raise ModelError(
            f"absorbed effects cut across the {count} bootstrap clusters, which takes too much memory",
            remedy="With so many clusters use CRV1, or absorb effects nested in clusters",
        )
    alone = np.zeros((len(boot), count))
    alone[np.arange(len(boot)), boot] = residuals
    return demean(alone, effects, weights) - alone


def _table(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> sparse.csr_matrix:
    """Sums of values by the cells of two codes."""
    shape = (int(rows.max()) + 1, int(columns.max()) + 1)
    return sparse.coo_matrix((values, (rows, columns)), shape=shape).tocsr()


def _grouped(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Sums (G, H) of the rows of a wide table."""
    picks = sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))))
    return picks @ table
