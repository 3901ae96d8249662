r"""Several panels' estimates of one effect as one: the random-effects model.

:math:`y_i = \mu + u_i + e_i`, with :math:`u_i \sim (0, \tau^2)` and :math:`e_i \sim (0, v_i)`, v known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from gvcmetrics.errors import DataError
from gvcmetrics.ground.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Pooled:
    """A random-effects summary.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : of the mean effect μ. df : of its t distribution; ∞ is normal.
    tau2 : variance between panels. i2 : its share (%) of the total. q, q_p : Cochran's test that it is zero.
    predict_low, predict_high : where the effect of a further panel lies.
    k : panels.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    df: float
    tau2: float
    i2: float
    q: float
    q_p: float
    predict_low: float
    predict_high: float
    k: int


def pool(
    estimates: ArrayLike, std_errors: ArrayLike, *, knapp_hartung: bool = True, level: float = 0.95
) -> Pooled:
    r"""Random-effects mean by restricted maximum likelihood.

    With :math:`w_i = 1/(v_i + \tau^2)` and :math:`\hat\mu = \sum w_i y_i / \sum w_i`, τ² solves
    :math:`\sum w_i^2 (y_i - \hat\mu)^2 = \sum w_i - \sum w_i^2 / \sum w_i`, or is zero. Knapp and Hartung's
    variance of the mean is :math:`\sum w_i (y_i - \hat\mu)^2 / ((k - 1) \sum w_i)`, with t on k − 1 degrees
    of freedom.

    Parameters
    ----------
    estimates, std_errors : (k) on one scale, k at least 2.
    knapp_hartung : otherwise :math:`1 / \sum w_i` and the normal distribution.

    Raises
    ------
    DataError : fewer than two panels, or a standard error that is not positive.

    Source: Viechtbauer (2005) for REML; Knapp and Hartung (2003); Higgins and Thompson (2002) for I².
    """
    y, v = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float) ** 2
    k = len(y)
    if k < 2 or len(v) != k or not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        raise DataError("a summary needs two or more estimates, each with its standard error")
    tau2 = _reml(y, v)
    weights = 1 / (v + tau2)
    mean = float(weights @ y / weights.sum())
    spread = float(weights @ (y - mean) ** 2 / (k - 1)) if knapp_hartung else 1.0
    error = float(np.sqrt(spread / weights.sum()))
    law, df = (stats.t(k - 1), float(k - 1)) if knapp_hartung else (stats.norm(), float("inf"))
    reach = float(law.ppf(0.5 + level / 2))
    ahead = float(np.sqrt(tau2 + error**2))
    fixed = 1 / v
    typical = (k - 1) * fixed.sum() / (fixed.sum() ** 2 - (fixed**2).sum())
    q = float(fixed @ (y - fixed @ y / fixed.sum()) ** 2)
    return Pooled(
        mean, error, mean - reach * error, mean + reach * error, df, tau2,
        float(100 * tau2 / (tau2 + typical)), q, float(stats.chi2.sf(q, k - 1)),
        mean - reach * ahead, mean + reach * ahead, k,
    )  # fmt: skip


def leave_one_out(estimates: ArrayLike, std_errors: ArrayLike) -> np.ndarray:
    """The mean effect without each panel in turn; missing where one panel would remain."""
    y, e = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    if len(y) < 3:
        return np.full(len(y), np.nan)
    return np.array([pool(np.delete(y, i), np.delete(e, i)).estimate for i in range(len(y))])


def _reml(y: np.ndarray, v: np.ndarray) -> float:
    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        mean = w @ y / w.sum()
        return float((w**2) @ (y - mean) ** 2 - w.sum() + (w**2).sum() / w.sum())

    if score(0.0) <= 0:
        return 0.0
    high = float(np.var(y) + v.max())
    while score(high) > 0:
        high *= 2
    return float(optimize.brentq(score, 0.0, high, xtol=1e-15, rtol=1e-14))


def forest(labels: Sequence[str], estimates: ArrayLike, std_errors: ArrayLike, title: str = "") -> Figure:
    """Estimates of several panels with 95 % intervals, and below them their random-effects mean."""
    y, e = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    summary = pool(y, e)
    figure, axes = new_figure()
    rows = np.arange(len(y), 0, -1)
    axes.errorbar(y, rows, xerr=1.959964 * e, fmt="s", color="black", capsize=3)
    half = summary.conf_high - summary.estimate
    axes.errorbar([summary.estimate], [0], xerr=[half], fmt="D", color="black", capsize=3)
    axes.axvline(0.0, color="grey", linewidth=0.8)
    axes.set_yticks([*rows, 0], [*labels, f"mean of {summary.k}, I² = {summary.i2:.0f} %"])
    axes.set_title(title)
    return figure
