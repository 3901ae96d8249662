"""Plots of cases by their membership in two sets."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.figures import GREY, PALETTE, STYLE, broken, new_figure, redrawn, shows
from gvcmetrics.report.figures.placement import label_points

_MARKER = 4.5


@redrawn
def xy_plot(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    label: str,
    x_title: str = "",
    y_title: str = "",
    note: str = "",
) -> Figure:
    """Cases by their membership in a condition and in an outcome, with the diagonal.

    Cases on or above the diagonal agree with the condition being sufficient (X within Y), those on or below
    it with its being necessary (Y within X).

    Parameters
    ----------
    frame : one row a case; rows without one of the memberships are left out, and the figure says how many.
    x, y : columns of memberships in [0, 1].
    label : column of names.
    x_title, y_title : titles of the axes (default: the columns' names).
    note : a sentence below.

    Raises
    ------
    DataError
        For missing columns, values that are no memberships, and a frame without a case that has both.

    Source: Ragin (2008), ch. 3; Schneider and Wagemann (2012), ch. 3.
    """
    if absent := [column for column in (x, y, label) if column not in frame]:
        raise DataError(
            "the frame has no such column",
            Place(column=absent[0]),
            f"Its columns are: {', '.join(map(str, frame.columns))}.",
        )
    kept = frame.dropna(subset=[x, y])
    if kept.empty:
        raise DataError("no case has both memberships", remedy=f"Check the columns '{x}' and '{y}'.")
    for column in (x, y):
        if not kept[column].between(0, 1).all():
            raise DataError(
                "memberships lie from 0 to 1", Place(column=column), "Calibrate the column first."
            )
    across, up = kept[x].to_numpy(float), kept[y].to_numpy(float)
    left_out = len(frame) - len(kept)
    absent_cases = f" {left_out} without both memberships are not shown." if left_out else ""
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(4.6, 4.4)
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1.0, zorder=1)
        axes.axhline(0.5, color=GREY, linewidth=0.5, linestyle=":")
        axes.axvline(0.5, color=GREY, linewidth=0.5, linestyle=":")
        axes.scatter(
            across, up, s=(2 * _MARKER) ** 2, color=PALETTE[0], edgecolor="white", linewidth=0.6, zorder=3
        )
        axes.text(
            0.02, 0.98, "sufficient", transform=axes.transAxes, va="top", color="#666666", style="italic"
        )
        axes.text(
            0.98, 0.02, "necessary", transform=axes.transAxes, ha="right", color="#666666", style="italic"
        )
        axes.set(xlim=(-0.06, 1.06), ylim=(-0.06, 1.06), aspect="equal")
        axes.set(
            xlabel=broken(x_title or x.replace("_", " "), 0.8),
            ylabel=broken(y_title or y.replace("_", " "), 0.7),
        )
        axes.grid()
        said = f"{len(kept)} shown.{absent_cases} {note}".strip()
        figure.supxlabel(broken(said, 0.95, 6.5), x=0.99, ha="right", fontsize=6.5, color="#666666")
        figure.draw_without_rendering()
        steps = np.linspace(0, 1, 60)
        diagonal = axes.transData.transform(np.column_stack([steps, steps]))
        label_points(
            axes,
            across,
            up,
            kept[label].astype(str).tolist(),
            np.full(len(kept), _MARKER),
            [Bbox([point - 2, point + 2]) for point in diagonal],
        )
        # Drawing again must not move the axes that labels were placed in.
        figure.set_layout_engine("none")
        return shows(figure, kept[[label, x, y]])
