r"""Chances of a test whose estimate is normal and whose standard error is estimated.

With :math:`\delta` the true effect less the edge of what is tested, over the true standard error, and
:math:`r^2 \sim \chi^2_\nu / \nu` the square of estimated over true standard error, the test finds something
above where :math:`Z + \delta > c r` and below where :math:`Z + \delta < -c r`. Given :math:`r` all is closed
form; over :math:`r` it is integrated, which for :math:`c = t_{1-\alpha/2,\nu}` is the non-central t.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.special import ndtr

_NODES, _TAIL = 96, 1e-13
_AS_NORMAL = 1e5


@dataclass(frozen=True)
class Chances:
    """What a two-sided test does.

    Attributes
    ----------
    power : the chance to find the effect on its own side. found : to find one on either side.
    type_s : the chance that what is found has the wrong sign. type_m : the mean size of what is found over
        the true size (Gelman and Carlin 2014); missing where the true effect is zero.
    """

    power: float
    found: float
    type_s: float
    type_m: float


@lru_cache(maxsize=256)
def ratios(df: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for the ratio of estimated to true standard error with `df` degrees of freedom."""
    if df > _AS_NORMAL:
        return np.ones(1), np.ones(1)
    law = stats.chi(df, scale=1 / np.sqrt(df))
    low, high = law.ppf(_TAIL), law.isf(_TAIL)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    places = low + (high - low) * (nodes + 1) / 2
    mass = weights * law.pdf(places)
    return places, mass / mass.sum()


def critical(level: float, df: float = np.inf) -> float:
    """Two-sided critical value of t, of the normal law where `df` is infinite."""
    return float(stats.norm.isf(level / 2) if np.isinf(df) else stats.t.isf(level / 2, df))


def two_sided(distance: float, bar: float, df: float = np.inf) -> Chances:
    """Power and the errors of sign and size.

    Parameters
    ----------
    distance : true effect less the edge, over its standard error. bar : critical value.
    df : degrees of freedom of the estimated standard error, ∞ where it is known.

    Examples
    --------
    An example of Gelman and Carlin (2014), an effect of 2 with an error of 8.1; they drew 9.7 for the last:

    >>> found = two_sided(2 / 8.1, critical(0.05))
    >>> round(found.found, 2), round(found.type_s, 2), round(found.type_m, 1)
    (0.06, 0.24, 9.5)
    """
    ratio, weight = ratios(df)
    size = abs(distance)
    up, down = size - bar * ratio, -bar * ratio - size
    above, below = float(weight @ ndtr(up)), float(weight @ ndtr(down))
    found = above + below
    if size == 0:
        return Chances(above, found, 0.5, np.nan)
    extent = weight @ (size * ndtr(up) + stats.norm.pdf(up) - size * ndtr(down) + stats.norm.pdf(down))
    return Chances(above, found, below / found, float(extent) / (size * found))


def equivalence(distance: float, bound: float, bar: float, df: float = np.inf) -> float:
    """The chance that two one-sided tests find an effect within ±`bound`; both over the standard error."""
    ratio, weight = ratios(df)
    inside = ndtr(bound - bar * ratio - distance) - ndtr(bar * ratio - bound - distance)
    return float(weight @ np.maximum(inside, 0.0))


def joint(noncentrality: float, q: int, level: float, df: float = np.inf) -> float:
    """Power of the Wald test of `q` effects: non-central χ², or F where `df` is finite."""
    if noncentrality == 0:
        return level
    if np.isinf(df):
        return float(stats.ncx2.sf(stats.chi2.isf(level, q), q, noncentrality))
    return float(stats.ncf.sf(stats.f.isf(level, q, df), q, df, noncentrality))


def share(trials: int, value: float, bound: float, below: bool, level: float) -> float:
    """Power of the exact binomial test that a share of true `value` lies below (above) `bound`."""
    ones = np.arange(trials + 1)
    left, right = stats.binom.cdf(ones, trials, bound), stats.binom.sf(ones - 1, trials, bound)
    on_side = (ones / trials < bound) == below
    found = (2 * np.minimum(left, right) <= level) & on_side
    return float(stats.binom.pmf(ones, trials, value)[found].sum())


def detectable(power: float, bar: float, df: float = np.inf) -> float:
    """The smallest effect found with chance `power` on its own side, over its standard error."""
    return float(brentq(lambda size: two_sided(size, bar, df).power - power, 0.0, 1e4, xtol=1e-12))
