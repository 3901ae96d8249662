"""Power over firms and clusters."""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from gvcmetrics.ground.figures import GREY, STYLE, Drawing, few_ticks, is_narrow, page_width, redrawn, shows
from gvcmetrics.ground.figures import broken as in_lines

_HEIGHT = 2.3
_SHADES = ("#A9CCE3", "#5499C7", "#1F618D", "#0B2E46")


@redrawn
def draw(curve: pd.DataFrame, firms: int, wanted: float, name: str) -> Figure:
    """A panel for each rule, a line for each number of clusters, the darker the more.

    Parameters
    ----------
    curve : columns `firms`, `clusters`, `rule`, `power`. firms : of the design, a thin upright line.
    wanted : power, a thin level line. name : of the hypothesis.
    """
    rules = list(dict.fromkeys(curve["rule"]))
    across = 1 if is_narrow() or len(rules) == 1 else 2
    down = -(-len(rules) // across)
    with mpl.rc_context(STYLE):
        figure = Drawing(page_width(), _HEIGHT * down + 0.5)
        grid = figure.subplots(down, across, squeeze=False, sharey=True, sharex=True)
        for place, axes in enumerate(grid.flat):
            if place >= len(rules):
                axes.set_visible(False)
                continue
            part = curve[curve["rule"] == rules[place]]
            axes.axhline(wanted, color=GREY, linewidth=0.8)
            axes.axvline(firms, color=GREY, linewidth=0.8)
            for shade, (clusters, line) in enumerate(part.groupby("clusters")):
                colour = _SHADES[shade % len(_SHADES)]
                axes.plot(
                    line["firms"],
                    line["power"],
                    color=colour,
                    label=f"{clusters}",
                    marker="o",
                    markersize=2.5,
                )
            axes.set_title(_title(rules[place], across), fontsize=7.5, fontweight="normal")
            axes.set_ylim(0, 1.03)
            axes.xaxis.set_major_locator(few_ticks())
            if place >= len(rules) - across:
                axes.set_xlabel("Firms asked")
                axes.tick_params(labelbottom=True)
            if place % across == 0:
                axes.set_ylabel("Power")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            title=f"{name}, by clusters; grey: {firms} firms, power {wanted:g}",
            ncols=len(labels),
            loc="outside upper left",
            fontsize=7.5,
        )
    return shows(figure, curve)


def _title(rule: str, across: int) -> str:
    """The rule over lines as wide as a panel."""
    if is_narrow():
        return in_lines(rule, 0.85, 7.5)
    return textwrap.fill(rule, 100 // across, break_long_words=False)
