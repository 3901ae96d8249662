r"""Profile-likelihood intervals: the values that a likelihood-ratio test would not reject.

The bounds of parameter j are where :math:`2[\ell(\hat\theta) - \max_{\theta: \theta_j = b} \ell(\theta)]` is
the quantile of χ²(1). After Firth's penalty ℓ is the penalised likelihood (Heinze & Schemper 2002).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from gvcmetrics.models.data.batch import Array

_STEPS = 40


def profile_interval(
    profile: Callable[[Array, Array], float], estimates: Array, position: int, error: float, level: float
) -> tuple[float, float]:
    """Lower and upper bound of a parameter; infinite where the likelihood never falls that far.

    Parameters
    ----------
    profile : see `Inference`. error : standard error of the parameter, the length of a first step.
    """
    others = np.delete(np.eye(len(estimates)), position, axis=1)
    quantile = float(stats.chi2.ppf(level, 1))

    def height(value: float) -> float:
        base = estimates.copy()
        base[position] = value
        return profile(base, others)

    best = height(float(estimates[position]))

    def excess(value: float) -> float:
        return 2.0 * (best - height(value)) - quantile

    def bound(direction: float) -> float:
        inner, step = float(estimates[position]), error
        for _ in range(_STEPS):
            outer = inner + direction * step
            if excess(outer) > 0.0:
                return float(brentq(excess, inner, outer, xtol=1e-9 * max(error, 1e-300), rtol=1e-12))
            inner, step = outer, 1.5 * step
        return direction * float("inf")

    return bound(-1.0), bound(1.0)
