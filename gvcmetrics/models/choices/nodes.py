"""Where the distribution of random coefficients is looked at: Gauss–Hermite nodes, or Halton draws."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy import stats
from scipy.stats import qmc

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.batch import Array

# By the number of random coefficients; more of them are drawn.
_NODES = {1: 128, 2: 32}
_DRAWS = 1000
_MOST = 20_000


@dataclass(frozen=True, eq=False)
class Nodes:
    """points : (Q, R) standard normal. logs : (Q) log weights. said : what they are."""

    points: Array
    logs: Array
    said: str


def nodes(dimensions: int, nquad: int | str = "auto", draws: int | None = None) -> Nodes:
    """A product of Gauss–Hermite nodes for up to two coefficients, else Halton draws.

    nquad : nodes a coefficient. draws : Halton draws instead, the first twenty of the sequence left out.

    Raises
    ------
    ModelError : a number that makes no sense, or a product of too many nodes.
    """
    if nquad != "auto" and not (isinstance(nquad, int) and nquad >= 2):
        raise ModelError(f"nquad={nquad!r} is not a number of nodes", remedy="Use 'auto', or 32 and more")
    if draws is not None and not (isinstance(draws, int) and draws >= 10):
        raise ModelError(f"draws={draws!r} is not a number of draws", remedy="Use several hundred")
    if draws is None and (dimensions in _NODES or nquad != "auto"):
        count = _NODES[dimensions] if nquad == "auto" else int(nquad)
        if count**dimensions > _MOST:
            raise ModelError(
                f"{count} nodes for each of {dimensions} coefficients are {count**dimensions:,}",
                remedy="Use fewer, or draws=1000",
            )
        x, w = hermegauss(count)
        logs = np.log(w / w.sum())
        points = np.array([*product(x, repeat=dimensions)])
        of_each = f" for each of {dimensions} coefficients" if dimensions > 1 else ""
        return Nodes(
            points,
            np.array([sum(each) for each in product(logs, repeat=dimensions)]),
            f"{count} Gauss–Hermite nodes{of_each}",
        )
    count = draws or _DRAWS
    sequence = qmc.Halton(dimensions, scramble=False)
    sequence.fast_forward(20)
    return Nodes(
        stats.norm.ppf(sequence.random(count)), np.full(count, -np.log(count)), f"{count} Halton draws"
    )
