r"""How far trends may have differed before an effect is gone (Rambachan & Roth 2023).

With δ the difference in trends by event time (0 at the reference) and θ the mean effect after treatment,
either :math:`|\delta_{t+1}-2\delta_t+\delta_{t-1}| \le M`, or each step of δ after treatment is at most
:math:`\bar M` times the largest step seen before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.figures import Drawing
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.results.plots import COLOURS, STYLE, WIDTH
from gvcmetrics.models.robustness.check import Check
from gvcmetrics.models.treatments.aggregates import Part, event_time
from gvcmetrics.models.treatments.estimators import library

_WORDS = {
    "relative_magnitude": "Steps of the difference in trends, relative to the largest before treatment",
    "smoothness": "Largest change of slope of the difference in trends",
}


def honest(part: Part, m: Sequence[float], restriction: str, reference: int) -> Check:
    """Bounds of the mean effect for each M; see `DidResults.honest`."""
    params, cov = part
    names = [name for name in params.index if event_time(name) is not None]
    times = np.array([event_time(name) for name in names])
    before, after = times < reference, times > reference
    consecutive = np.array_equal(np.sort([*times, reference]), np.arange(times.min(), times.max() + 1))
    if restriction not in _WORDS:
        raise ModelError(f"restriction={restriction!r} is not known", remedy=f"Use {' or '.join(_WORDS)}")
    if not before.any() or not after.any() or not consecutive:
        raise ModelError("bounds need effects at consecutive event times before and after treatment")
    if not m or min(m) < 0:
        raise ModelError("m= must be numbers from 0 on", remedy="Write m=[0, 0.5, 1]")
    beta, V = params[names].to_numpy(), cov.loc[names, names].to_numpy()
    if not np.isfinite(V).all():
        raise ModelError(
            "bounds need the covariance between event times, which this method does not give",
            remedy='Use method="callaway_santanna"',
        )
    weight = after / after.sum()
    found = float(weight @ beta)
    error = float(np.sqrt(weight @ V @ weight))
    relative = restriction == "relative_magnitude"
    made = _relative(beta, before, after, m) if relative else _smooth(beta, V, times, reference, m)
    table = pd.DataFrame(made, index=pd.Index(list(m), name="m"), columns=["low", "high"])
    values = {"estimate": found, "std_error": error}
    crossed = table.index[(table["low"] <= 0) & (table["high"] >= 0)]
    values["breakdown"] = float(crossed.min()) if len(crossed) else np.inf
    until = (
        f"its bounds include zero from m = {values['breakdown']:g} on"
        if len(crossed)
        else "none of its bounds include zero"
    )
    said = f"The mean effect after treatment is {found:.4g} ({error:.4g}); {until}."
    if relative:
        said += " The bounds are of the estimates, without sampling error."
    return Check(
        f"Honest bounds, {restriction.replace('_', ' ')} (Rambachan & Roth 2023)", "ATT", table, said, values,
        lambda named: _figure(table, found, error, restriction),
    )  # fmt: skip


def _relative(beta: Array, before: np.ndarray, after: np.ndarray, m: Sequence[float]) -> Array:
    """The mean of cumulated steps, each of the largest size: the step j is in all means from j on."""
    steps = np.abs(np.diff([*beta[before], 0.0]))
    count = int(after.sum())
    reach = float(np.arange(count, 0, -1).sum()) / count * steps.max()
    centre = beta[after].mean()
    return np.array([[centre - each * reach, centre + each * reach] for each in m])


def _smooth(beta: Array, V: Array, times: Array, reference: int, m: Sequence[float]) -> Array:
    """The shortest intervals of fixed length that hold whatever the trend within M."""
    dd = library()
    effects = {
        int(e): dd.PeriodEffect(int(e), b, se, b / se, 2 * stats.norm.sf(abs(b / se)), (np.nan, np.nan))
        for e, b, se in zip(times, beta, np.sqrt(np.diag(V)), strict=True)
    }
    pre, post = [int(e) for e in times if e < reference], [int(e) for e in times if e > reference]
    study = dd.MultiPeriodDiDResults(
        effects, 0.0, 1.0, 0.0, 1.0, (0.0, 0.0), len(beta), 1, 1, pre, post, vcov=V,
        interaction_indices={int(e): k for k, e in enumerate(times)},
    )  # fmt: skip
    fits = [dd.HonestDiD(method="smoothness").fit(study, M=float(each)) for each in m]
    return np.array([[fit.ci_lb, fit.ci_ub] for fit in fits])


def _figure(table: pd.DataFrame, found: float, error: float, restriction: str) -> Figure:
    with mpl.rc_context(STYLE):
        figure = Drawing(WIDTH, 0.5 * WIDTH)
        axes = figure.add_subplot()
        axes.axhline(0, color="#666666", linewidth=0.8)
        at = np.arange(len(table)) + 1
        half = stats.norm.ppf(0.975) * error
        axes.vlines([0], [found - half], [found + half], color=COLOURS[1], linewidth=1.4)
        axes.plot([0], [found], "o", color=COLOURS[1], markersize=4)
        axes.vlines(at, table["low"], table["high"], color=COLOURS[0], linewidth=3)
        # Bounds of no width would not be seen.
        axes.plot(at, table[["low", "high"]], "_", color=COLOURS[0], markersize=7)
        axes.set_xticks([0, *at], ["estimate,\n95 %", *(f"{each:g}" for each in table.index)])
        axes.set_xlim(-0.6, len(table) + 0.6)
        axes.set_xlabel(_WORDS[restriction])
        kind = "bounds" if restriction == "relative_magnitude" else "95 % interval"
        axes.set_ylabel(f"Mean effect after treatment, {kind}")
        axes.set_title(f"Honest bounds, {restriction.replace('_', ' ')}")
        return figure
