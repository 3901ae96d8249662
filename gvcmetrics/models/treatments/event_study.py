"""Results of differences in differences, by time since treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.figures import Drawing
from gvcmetrics.models.inference.restrictions import TestResult
from gvcmetrics.models.results.plots import COLOURS, STYLE, WIDTH
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.robustness.check import Check
from gvcmetrics.models.treatments.aggregates import OVERALL, Part, event_name, event_time
from gvcmetrics.models.treatments.honest import honest


@dataclass(frozen=True, repr=False, eq=False)
class DidResults(Results):
    """`Results` whose parameters are the average effect (`ATT`) and `event[k]`, k periods after treatment.

    Attributes
    ----------
    parts : averages of other kinds, see `by`.
    reference : event time whose effect is zero by construction, None where each is against the one before.
    own_pretrend : the method's own test of pre-trends, where it has one.
    """

    parts: Mapping[str, Part] = field(default_factory=dict)
    reference: int | None = None
    anticipation: int = 0
    own_pretrend: TestResult | None = None

    def by(self, kind: Literal["event", "cohort", "period"]) -> DidResults:
        """Averages of another kind: `ATT` is then the mean of those by event time, cohort or period.

        Raises
        ------
        ModelError : the method estimates no effects by cohort and period.
        """
        if kind not in self.parts or kind == "simple":
            known = [name for name in self.parts if name != "simple"]
            remedy = f"Use {', '.join(known)}" if known else 'Use method="callaway_santanna"'
            raise ModelError(f"there are no averages by {kind!r}", remedy=remedy)
        params, cov = self.parts[kind]
        blocks = {f"By {kind}": tuple(name for name in params.index if name != OVERALL)}
        return replace(self, params=params, cov=cov, blocks=blocks, call=f"{self.call}.by({kind!r})")

    def pretrend(self) -> TestResult:
        """The test that no effect is there before treatment (and before it is anticipated).

        Raises
        ------
        ModelError : there is no period before the reference.
        """
        if self.own_pretrend is not None:
            return self.own_pretrend
        early = [name for name, k in self._events().items() if k < -self.anticipation]
        if not early:
            raise ModelError("there is no effect before treatment to test", remedy="Take earlier periods")
        made = self.test([f"`{name}`" for name in early])
        return replace(made, name="Pre-trends", null="no effect before treatment")

    def honest(
        self,
        m: Sequence[float] = (0, 0.5, 1, 1.5, 2),
        restriction: Literal["relative_magnitude", "smoothness"] = "relative_magnitude",
    ) -> Check:
        r"""Bounds of the mean effect after treatment where trends were not parallel (Rambachan & Roth 2023).

        Parameters
        ----------
        m : how far trends may differ. Of `relative_magnitude` :math:`\bar M`: a step of the difference in
            trends after treatment is at most so many times the largest before; the bounds are those of the
            estimates, without sampling error. Of `smoothness` M, by how much its slope may change between
            two periods, in units of the outcome; the bounds are 95 % intervals of the shortest fixed length.

        Raises
        ------
        ModelError : event times are not against one period (`base="universal"`), are not consecutive, or
            their covariance is not known.
        """
        if self.reference is None:
            raise ModelError(
                "bounds need all effects against one period", remedy='Estimate with base="universal"'
            )
        return honest((self.params, self.cov), list(m), restriction, self.reference)

    def plot(self, title: str = "", labels: Mapping[str, str] | None = None) -> Figure:
        """The event study: effects by periods since treatment, with 95 % intervals.

        Raises
        ------
        ModelError : the parameters are not event times.
        """
        events = self._events()
        if not events:
            raise ModelError("there are no effects by event time", remedy="Plot the result of did itself")
        frame = self.tidy().set_index("term").loc[[*events]]
        times = np.array([*events.values()])
        with mpl.rc_context(STYLE):
            figure = Drawing(WIDTH, 0.5 * WIDTH)
            axes = figure.add_subplot()
            axes.axhline(0, color="#666666", linewidth=0.8)
            axes.axvline(-0.5 - self.anticipation, color="#666666", linewidth=0.8, linestyle=":")
            late = times >= -self.anticipation
            for which, colour, name in (
                (~late, COLOURS[1], "before treatment"), (late, COLOURS[0], "after treatment"),
            ):  # fmt: skip
                part = frame[which]
                axes.vlines(times[which], part["conf_low"], part["conf_high"], color=colour, linewidth=1.4)
                axes.plot(times[which], part["estimate"], "o", color=colour, markersize=4, label=name)
            if self.reference is not None:
                axes.plot(
                    [self.reference], [0], "o", color="#666666", markerfacecolor="white", markersize=4,
                    label="reference",
                )  # fmt: skip
            ticks = np.arange(min(times.min(), 0), times.max() + 1)
            axes.set_xticks(ticks[:: max(1, len(ticks) // 15)])
            axes.set_xlabel("Periods since treatment began")
            axes.set_ylabel("Effect, 95 % interval")
            axes.set_title(title or (labels or {}).get(self.outcome, self.outcome))
            figure.legend(loc="outside lower center", ncols=3)
            return figure

    def _events(self) -> dict[str, int]:
        found = {name: event_time(name) for name in self.params.index}
        return {name: k for name, k in found.items() if k is not None and name == event_name(k)}
