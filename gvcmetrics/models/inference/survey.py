r"""Errors by the design of a survey: first-stage units drawn within strata, domains, finite populations.

With z the scores of the estimates, summed by primary sampling unit i of stratum h, and zero in units that no
row of the domain lies in,

.. math:: B\Big[\sum_h (1 - f_h) \frac{n_h}{n_h - 1} \sum_i (z_{hi} - \bar z_h)(z_{hi} - \bar z_h)'\Big] B

(Binder 1983). :math:`n_h` counts the units of the whole sample: a domain is a random part of it, so that rows
outside it stay in the design. :math:`f_h = n_h/N_h` is the share of its units that was drawn, without
replacement. Degrees of freedom are units less strata, over the strata that the domain lies in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import group_sums


@dataclass(frozen=True, eq=False)
class Linearised:
    """Centred and weighted score sums (PSU, k), whose cross product is the middle of the sandwich."""

    sums: np.ndarray
    units: int
    strata: int
    df: float


def linearised(
    scores: np.ndarray,
    strata: np.ndarray,
    psu: np.ndarray,
    sampled: np.ndarray | None,
    names: tuple[str | None, str | None],
) -> Linearised:
    """The middle of the sandwich of a design.

    Parameters
    ----------
    scores : (n, k) of the rows of the estimates. strata, psu : codes of these rows, then of those outside the
        domain. sampled : by row inside, the share of its stratum's units that was drawn, or their number in
        the population; None for draws with replacement. names : of the columns of strata and PSU, None
        where there are none.

    Raises
    ------
    ModelError : a stratum has one unit, or its population is not a number of units it can have.
    """
    inside = len(scores)
    padded = np.zeros((len(psu), scores.shape[1]))
    padded[:inside] = scores
    sums = group_sums(padded, psu)
    stratum = np.empty(len(sums), dtype=np.int64)
    stratum[psu] = strata
    sizes = np.bincount(stratum)
    left = 1.0 - _fractions(sampled, strata[:inside], sizes, names[0])
    there = np.bincount(strata[:inside], minlength=len(sizes)) > 0
    lonely = there & (sizes == 1) & (left > 0.0)
    if lonely.any():
        if names[0] is None:
            raise ModelError(f"'{names[1]}' has one group only; a design needs at least two")
        raise ModelError(
            f"{int(lonely.sum())} strata of '{names[0]}' have one primary sampling unit only",
            remedy="Merge each with a similar stratum",
        )
    centred = sums - (group_sums(sums, stratum) / np.maximum(sizes, 1)[:, None])[stratum]
    weight = np.sqrt(left * sizes / np.maximum(sizes - 1, 1))
    df = float(sizes[there].sum() - there.sum())
    return Linearised(centred * weight[stratum][:, None], len(sums), int((sizes > 0).sum()), df)


def _fractions(
    sampled: np.ndarray | None, strata: np.ndarray, sizes: np.ndarray, name: str | None
) -> np.ndarray:
    """Share of each stratum's units that was drawn; zero where the draws are with replacement."""
    found = np.zeros(len(sizes))
    if sampled is None:
        return found
    found[strata] = sampled
    where = "the sample" if name is None else f"a stratum of '{name}'"
    if (found[strata] != sampled).any():
        raise ModelError(f"fpc varies within {where}", remedy="It is one number a stratum")
    if not (sampled > 0).all():
        raise ModelError(
            f"fpc is {sampled.min():g} in {where}", remedy="Give the share drawn, or the units there are"
        )
    counted = found > 1.0
    few = counted & (found < sizes)
    if few.any():
        worst = int(few.argmax())
        raise ModelError(
            f"fpc says that {where} has {found[worst]:g} sampling units, of which {sizes[worst]} are here",
            remedy="Give the number of sampling units in the population, not of rows",
        )
    return np.where(counted, sizes / np.maximum(found, 1.0), found)
