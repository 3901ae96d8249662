"""Whether the treated have others to be compared with: overlap of scores, balance of regressors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.figures import Drawing
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.results.plots import COLOURS, STYLE, WIDTH
from gvcmetrics.models.results.results import Results


@dataclass(frozen=True, repr=False, eq=False)
class TreatmentResults(Results):
    """`Results` whose parameters are the effect and the two means it is the difference of.

    Attributes
    ----------
    balance : a row a regressor: means of the treated and of the others, normalised differences (Imbens &
        Rubin 2015: means over the root of the mean of both variances) before and after weighting.
    overlap : a row a group: rows, and smallest, mean and largest probability of treatment.
    scores : a row an observation: `treated`, `probability` of treatment, `weight`.
    """

    balance: pd.DataFrame = field(default_factory=pd.DataFrame)
    overlap: pd.DataFrame = field(default_factory=pd.DataFrame)
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)

    def plot(self, title: str = "") -> Figure:
        """Overlap: how often each probability of treatment is met among the treated and the others.

        Raises
        ------
        ModelError : the method is a regression, without probabilities of treatment.
        """
        if self.overlap.empty:
            raise ModelError("a regression has no probability of treatment", remedy='Use method="aipw"')
        with mpl.rc_context(STYLE):
            figure = Drawing(WIDTH, 0.5 * WIDTH)
            axes = figure.add_subplot()
            bins = [*np.linspace(0, 1, 41)]
            for arm, colour, name in ((1, COLOURS[0], "treated"), (0, COLOURS[1], "not treated")):
                inside = self.scores.loc[self.scores["treated"] == arm, "probability"]
                share = np.full(len(inside), 1 / len(inside))
                axes.hist(inside, bins, weights=share, color=colour, alpha=0.35)
                axes.hist(inside, bins, weights=share, color=colour, histtype="step", label=name)
            axes.set_xlim(0, 1)
            axes.set_xlabel("Probability of treatment")
            axes.set_ylabel("Share of the group")
            axes.set_title(title or "Overlap")
            axes.legend()
            return figure


def normalised_difference(x: Array, t: Array, weights: Array | None = None) -> float:
    """Difference of weighted means over the root of the mean of the groups' variances before weighting."""
    w = np.ones(len(x)) if weights is None else weights
    first, second = (np.average(x[t == arm], weights=w[t == arm]) for arm in (1, 0))
    spread = np.sqrt((np.var(x[t == 1], ddof=1) + np.var(x[t == 0], ddof=1)) / 2)
    return float((first - second) / spread) if spread > 0 else float("nan")


def balance_table(X: Array, names: Sequence[str], t: Array, weights: Array) -> pd.DataFrame:
    """Means and normalised differences of regressors."""
    rows = {
        name: {
            "treated": X[t == 1, k].mean(), "others": X[t == 0, k].mean(),
            "before": normalised_difference(X[:, k], t),
            "after": normalised_difference(X[:, k], t, weights),
        }
        for k, name in enumerate(names)
        if name != "Intercept"
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def overlap_table(p: Array, t: Array) -> pd.DataFrame:
    """Rows and probabilities of treatment by group."""
    rows = {
        name: {"rows": int((t == arm).sum()), "min": p[t == arm].min(), "mean": p[t == arm].mean(),
               "max": p[t == arm].max()}
        for name, arm in (("treated", 1), ("others", 0))
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")
