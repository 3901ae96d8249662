r"""Several panels' estimates of one effect as one: the random-effects model.

:math:`y_i = \mu + u_i + e_i`, with :math:`u_i \sim (0, \tau^2)` and :math:`e_i \sim (0, v_i)`, v known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, stats

from gvcmetrics.errors import DataError
from gvcmetrics.ground.figures import (
    GREY,
    PALETTE,
    STYLE,
    broken,
    few_ticks,
    is_narrow,
    new_figure,
    redrawn,
    shows,
)

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


@redrawn
def forest(
    labels: Sequence[str],
    estimates: ArrayLike,
    std_errors: ArrayLike,
    title: str = "",
    *,
    intervals: tuple[ArrayLike, ArrayLike] | None = None,
    estimate_title: str = "Effect, 95% interval",
) -> Figure:
    """Estimates of several panels, their random-effects mean, and that without each of them.

    The diamond is the mean with Knapp and Hartung's interval; the thin line through it is where the effect of
    a further panel is expected. Without each panel in turn: of three panels or more.

    Parameters
    ----------
    labels, estimates, std_errors : of the panels.
    intervals : lower and upper ends; by default 1.96 standard errors either way.
    title, estimate_title : of the figure, and of the horizontal axis.
    """
    y, e = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    low, high = intervals if intervals is not None else (y - 1.959964 * e, y + 1.959964 * e)
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    summary = pool(y, e)
    rest = [pool(np.delete(y, i), np.delete(e, i)) for i in range(len(y))] if len(y) > 2 else []
    mean = f"mean of {summary.k}, I² = {summary.i2:.0f} %"
    without = [f"without {label}" for label in labels[: len(rest)]]
    lines = pd.DataFrame(
        {
            "row": [*labels, mean, *without],
            "estimate": [*y, summary.estimate, *(each.estimate for each in rest)],
            "conf_low": [*low, summary.conf_low, *(each.conf_low for each in rest)],
            "conf_high": [*high, summary.conf_high, *(each.conf_high for each in rest)],
            "predict_low": [*[np.nan] * len(y), summary.predict_low, *[np.nan] * len(rest)],
            "predict_high": [*[np.nan] * len(y), summary.predict_high, *[np.nan] * len(rest)],
        }
    )
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(None, 0.9 + (0.34 if is_narrow() else 0.24) * (len(lines) + 1))
        at = np.array([*range(len(y)), len(y) + 0.4, *(len(y) + 1.8 + i for i in range(len(rest)))])
        axes.axvline(0, color="#666666", linewidth=0.8)
        for part, colour, mark in ((slice(0, len(y)), PALETTE[0], "s"), (slice(len(y) + 1, None), GREY, "D")):
            axes.hlines(
                at[part], lines["conf_low"][part], lines["conf_high"][part], color=colour, linewidth=1.4
            )
            axes.plot(lines["estimate"][part], at[part], mark, color=colour, markersize=4)
        _diamond(axes, summary, at[len(y)])
        _reach(axes, lines, len(y))
        axes.set_yticks(at, [broken(text.replace("_", " "), 0.36) for text in lines["row"]])
        axes.set_ylim(at[-1] + 0.8, -0.8)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(title=broken(title, 0.9), xlabel=broken(estimate_title, 0.6))
        axes.xaxis.set_major_locator(few_ticks())
        axes.grid(axis="x")
        return shows(figure, lines)


def _diamond(axes: Any, summary: Pooled, at: float) -> None:
    if np.isfinite(summary.predict_low):
        axes.hlines([at], summary.predict_low, summary.predict_high, color=PALETTE[1], linewidth=0.8)
    corners = [
        (summary.conf_low, at),
        (summary.estimate, at - 0.3),
        (summary.conf_high, at),
        (summary.estimate, at + 0.3),
    ]
    axes.fill(*zip(*corners, strict=True), color=PALETTE[1], zorder=3)


def _reach(axes: Any, lines: pd.DataFrame, k: int) -> None:
    """Limits that show every panel; an interval of the mean that is many times as wide ends at the edge."""
    ends = lines[["estimate", "conf_low", "conf_high"]].iloc[:k].to_numpy()
    low, high = min(ends.min(), 0.0), max(ends.max(), 0.0)
    wide = high - low
    every = lines[["conf_low", "conf_high", "predict_low", "predict_high"]].to_numpy()
    first, last = np.nanmin([*every.ravel(), low]), np.nanmax([*every.ravel(), high])
    axes.set_xlim(max(first, low - wide) - 0.04 * wide, min(last, high + wide) + 0.04 * wide)
