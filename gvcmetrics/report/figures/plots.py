"""The plots that studies of upgrading share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.figures import (
    GREY,
    PALETTE,
    STYLE,
    broken,
    darker,
    few_ticks,
    is_narrow,
    new_figure,
    page_width,
    redrawn,
    shows,
)
from gvcmetrics.ground.numbers import minus
from gvcmetrics.report.figures.placement import label_points, spread
from gvcmetrics.report.tables.terms import select_terms, term_label

# (price rises, share rises) → name of the quadrant and its colour.
QUADRANTS = {
    (True, True): ("Product upgrading", PALETTE[2]),
    (False, True): ("Process upgrading", PALETTE[0]),
    (True, False): ("Failed product upgrading", PALETTE[5]),
    (False, False): ("Downgrading", PALETTE[1]),
}
_LARGEST_MARKER = 16.0
_SMALLEST_MARKER = 2.2


@redrawn
def quadrant_plot(
    frame: pd.DataFrame,
    *,
    price: str = "change_relative_unit_value",
    share: str = "change_market_share",
    size: str | None = None,
    label: str = "exporter",
    n_labels: int = 20,
    price_title: str = "Change in relative unit value",
    share_title: str = "Change in world market share, percentage points",
    share_scale: float = 100.0,
    linear_within: float | None = None,
    note: str = "",
) -> Figure:
    """Kaplinsky–Readman quadrants: each unit by its change in relative unit value and in market share.

    Parameters
    ----------
    frame : one row for each unit; rows with a missing coordinate are left out, and the figure says how many.
    price, share : columns of the changes (horizontal and vertical).
    size : column that the area of a marker is proportional to (trade value); None for equal markers.
    label : column of names.
    n_labels : the largest units (or, without `size`, those farthest from the origin) get a label,
        as far as labels do not collide.
    price_title, share_title : titles of the axes.
    share_scale : what shares are multiplied with; 100 for percentage points.
    linear_within : where given, the vertical axis is linear up to this many (scaled) units and
        logarithmic beyond, for changes that span several orders of magnitude.
    note : a sentence below, such as the source.

    Raises
    ------
    DataError
        For missing columns, and a frame without a unit that has both changes.

    Source: Kaplinsky and Readman (2005), figure 2.
    """
    _require(frame, [price, share, label, *([size] if size else [])])
    kept = frame.dropna(subset=[price, share])
    if kept.empty:
        raise DataError("no unit has both changes", remedy=f"Check the columns '{price}' and '{share}'.")
    kept = kept.assign(**{share: kept[share] * share_scale})
    weight = kept[size].fillna(0) if size else np.hypot(_unit(kept[price]), _unit(kept[share]))
    kept = kept.assign(_weight=weight).sort_values(["_weight", label], ascending=[False, True])
    area = np.sqrt(kept["_weight"] / kept["_weight"].max()) if size else np.full(len(kept), 0.25)
    radii = np.maximum(_SMALLEST_MARKER, _LARGEST_MARKER * np.asarray(area))
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(None, (0.95 if is_narrow() else 0.72) * page_width())
        x, y = kept[price].to_numpy(float), kept[share].to_numpy(float)
        colours = [QUADRANTS[bool(right), bool(top)][1] for right, top in zip(x > 0, y > 0, strict=True)]
        axes.axhline(0, color="#666666", linewidth=0.8)
        axes.axvline(0, color="#666666", linewidth=0.8)
        axes.scatter(x, y, s=(2 * radii) ** 2, c=colours, alpha=0.6, linewidth=0.4, edgecolor="white")
        if linear_within is not None:
            axes.set_yscale("symlog", linthresh=linear_within, linscale=0.5)
            axes.yaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: minus(f"{value:g}")))
        axes.set(xlabel=broken(price_title, 0.8), ylabel=broken(share_title, 0.7))
        axes.margins(0.08, 0.14)
        names = [
            axes.annotate(
                name,
                (float(right), float(top)),
                xycoords="axes fraction",
                xytext=(-4 if right else 4, -4 if top else 4),
                textcoords="offset points",
                ha="right" if right else "left",
                va="top" if top else "bottom",
                color=darker(colour),
                fontweight="bold",
                fontsize=8.5,
            )
            for (right, top), (name, colour) in QUADRANTS.items()
        ]
        legend = f"Marker area proportional to {size.replace('_', ' ')}. " if size else ""
        missing = len(frame) - len(kept)
        absent = f" {missing} without both changes are not shown." if missing else ""
        _say(axes, f"{legend}{len(kept)} shown.{absent} {note}".strip())
        figure.draw_without_rendering()
        texts = [name if place < n_labels else "" for place, name in enumerate(kept[label].astype(str))]
        zero_x, zero_y = axes.transData.transform((0, 0))
        frame_box = axes.get_window_extent()
        lines = [
            Bbox([[zero_x - 1, frame_box.y0], [zero_x + 1, frame_box.y1]]),
            Bbox([[frame_box.x0, zero_y - 1], [frame_box.x1, zero_y + 1]]),
        ]
        label_points(axes, x, y, texts, radii, [*(name.get_window_extent() for name in names), *lines])
        return _settled(shows(figure, kept[[label, price, share, *([size] if size else [])]]))


@redrawn
def path_plot(
    frame: pd.DataFrame,
    *,
    outcome: str,
    unit: str = "exporter",
    time: str = "year",
    highlight: Sequence[str],
    labels: Mapping[str, str] | None = None,
    title: str = "",
    outcome_title: str = "",
    low: str | None = None,
    high: str | None = None,
    note: str = "",
) -> Figure:
    """Paths of a few units over time, named at their ends, against all others in grey.

    Parameters
    ----------
    frame : one row for each unit and time. Years without an observation leave a gap in the path.
    outcome, unit, time : columns.
    highlight : the units in colour, at most six.
    labels : readable names of units.
    title, outcome_title : of the figure, and of the vertical axis (default: the column's name).
    low, high : columns of interval bounds, drawn as a band behind the highlighted paths.
    note : a sentence below, such as the source.

    Raises
    ------
    DataError
        For missing columns, more than six units to highlight, and a unit that the frame does not have.
    """
    _require(frame, [outcome, unit, time, *(column for column in (low, high) if column)])
    if len(highlight) > len(PALETTE):
        raise DataError(f"{len(highlight)} units to highlight", remedy=f"Choose up to {len(PALETTE)}.")
    wide = frame.pivot(index=time, columns=unit, values=outcome)
    if absent := [name for name in highlight if name not in wide]:
        raise DataError(f"'{absent[0]}' is not in the frame", Place(column=unit))
    wide = wide.reindex(range(wide.index.min(), wide.index.max() + 1))
    with mpl.rc_context(STYLE):
        figure, axes = new_figure()
        axes.plot(wide.index, wide.drop(columns=list(highlight)), color=GREY, linewidth=0.5, alpha=0.45)
        ends = []
        # Bands lie over each other; together they must not hide the grey paths.
        alpha = min(0.15, 0.3 / max(len(highlight), 1))
        for name, colour in zip(highlight, PALETTE, strict=False):
            axes.plot(wide.index, wide[name], color=colour)
            if low and high:
                band = frame[frame[unit] == name].set_index(time).reindex(wide.index)
                axes.fill_between(wide.index, band[low], band[high], color=colour, alpha=alpha, linewidth=0)
            last = wide[name].last_valid_index()
            ends.append((last, wide[name].loc[last], (labels or {}).get(name, str(name)), colour))
        axes.set(title=title, xlabel="", ylabel=broken(outcome_title or outcome.replace("_", " "), 0.7))
        axes.set_xlim(wide.index.min(), wide.index.max())
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        axes.grid(axis="y")
        others = wide.shape[1] - len(highlight)
        _say(axes, f"{f'Grey: the other {others}.' if others else ''} {note}".strip())
        figure.draw_without_rendering()
        bottom, top = axes.get_ylim()
        height = axes.get_window_extent().height / figure.dpi * 72
        heights = spread([end[1] for end in ends], gap=9.5 / height * (top - bottom))
        for (last, value, name, colour), at in zip(ends, heights, strict=True):
            axes.annotate(
                name,
                (last, value),
                xytext=(wide.index.max(), at),
                textcoords="data",
                xycoords="data",
                va="center",
                color=darker(colour),
                fontweight="bold",
                fontsize=7.5,
                annotation_clip=False,
            ).set_x(wide.index.max() + 0.012 * (wide.index.max() - wide.index.min()))
        drawn = [unit, time, outcome, *(column for column in (low, high) if column)]
        return shows(figure, frame[drawn].dropna(subset=[outcome]))


@redrawn
def coefficient_plot(
    results: Mapping[str, Any],
    *,
    keep: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = "Intercept",
    order: str | Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    title: str = "",
    estimate_title: str = "Estimate, 95% confidence interval",
) -> Figure:
    """Estimates with their intervals, one line for each term, one colour for each model.

    Parameters
    ----------
    results : by the name in the legend: results, or frames with the columns of `tidy()`.
    keep, drop, order, labels : as in `gvcmetrics.report.regression_table`.
    title, estimate_title : of the figure, and of the horizontal axis.

    Raises
    ------
    DataError
        If no term is left, and for more than six models.
    """
    if len(results) > len(PALETTE):
        raise DataError(f"{len(results)} models to draw", remedy=f"Choose up to {len(PALETTE)}.")
    tidy = {
        name: (result if isinstance(result, pd.DataFrame) else result.tidy())
        for name, result in results.items()
    }
    every = [term for table in tidy.values() for term in table["term"]]
    terms = select_terms(every, labels, keep, drop, order)
    if not terms:
        raise DataError(
            "no term is left to draw", remedy=f"The terms are: {', '.join(dict.fromkeys(every))}."
        )
    line = max(0.22 + 0.13 * (len(tidy) - 1), 0.4 * is_narrow())
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(None, 0.9 + line * len(terms) + 0.18 * bool(title) + 0.3 * is_narrow())
        axes.axvline(0, color="#666666", linewidth=0.8)
        offsets = (np.arange(len(tidy)) - (len(tidy) - 1) / 2) * 0.6 / max(len(tidy), 2)
        for (name, table), offset, colour in zip(tidy.items(), offsets, PALETTE, strict=False):
            shown = table.set_index("term").reindex(terms)
            at = np.arange(len(terms)) + offset
            axes.hlines(at, shown["conf_low"], shown["conf_high"], color=colour, linewidth=1.4)
            axes.plot(shown["estimate"], at, "o", color=colour, markersize=4.5, label=name)
        axes.set_yticks(range(len(terms)), [broken(term_label(term, labels), 0.36) for term in terms])
        axes.set_ylim(len(terms) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(title=title, xlabel=broken(estimate_title, 0.6))
        if is_narrow():
            axes.xaxis.set_major_locator(few_ticks())
        axes.grid(axis="x")
        if len(tidy) > 1:
            figure.legend(loc="outside lower center", ncols=1 if is_narrow() else min(len(tidy), 4))
        drawn = pd.concat(tidy, names=["model"]).reset_index(level=0)
        kept = drawn[drawn["term"].isin(terms)]
        return shows(figure, kept[["model", "term", "estimate", "conf_low", "conf_high"]])


@redrawn
def scatter_plot(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    label: str,
    size: str | None = None,
    group: str | None = None,
    n_labels: int = 20,
    degree: int | None = None,
    x_title: str = "",
    y_title: str = "",
    note: str = "",
) -> Figure:
    """Units by two of their measures: a smile curve, a product space, sophistication against diversity.

    Parameters
    ----------
    frame : one row for each unit; rows with a missing coordinate are left out, and the figure says how many.
    x, y : columns.
    label : column of names.
    size : column that the area of a marker is proportional to; None for equal markers.
    group : column of the groups in colour, at most six, named in the legend.
    n_labels : the largest units (or, without `size`, those farthest out) get a label, as far as labels do
        not collide.
    degree : of a polynomial through the points, by least squares weighted by `size`; None for no curve.
    x_title, y_title : titles of the axes (default: the columns' names).
    note : a sentence below, such as the source.

    Raises
    ------
    DataError
        For missing columns, more than six groups, and a frame without a unit that has both measures.
    """
    _require(frame, [x, y, label, *(column for column in (size, group) if column)])
    kept = frame.dropna(subset=[x, y])
    if kept.empty:
        raise DataError("no unit has both measures", remedy=f"Check the columns '{x}' and '{y}'.")
    far = np.hypot(_unit(kept[x] - kept[x].median()), _unit(kept[y] - kept[y].median()))
    weight = kept[size].fillna(0) if size else far
    kept = kept.assign(_weight=weight).sort_values(["_weight", label], ascending=[False, True])
    # The largest group lies below the others.
    groups = [""] if group is None else list(kept[group].value_counts().index)
    if len(groups) > len(PALETTE):
        raise DataError(f"{len(groups)} groups to draw", Place(column=group), "Draw up to six.")
    equal = 0.2 if len(kept) < 200 else 0.12
    area = np.sqrt(kept["_weight"] / kept["_weight"].max()) if size else np.full(len(kept), equal)
    radii = np.maximum(1.2, _LARGEST_MARKER * np.asarray(area))
    across, up = kept[x].to_numpy(float), kept[y].to_numpy(float)
    curve = np.empty((0, 2))
    with mpl.rc_context(STYLE):
        figure, axes = new_figure()
        for name, colour in zip(groups, PALETTE, strict=False):
            rows = np.full(len(kept), True) if group is None else (kept[group] == name).to_numpy()
            axes.scatter(
                across[rows],
                up[rows],
                s=(2 * radii[rows]) ** 2,
                color=colour,
                alpha=0.55,
                linewidth=0.4,
                edgecolor="white",
            )
            axes.scatter([], [], s=30, color=colour, label=str(name))
        if degree is not None:
            # polyfit weighs residuals before they are squared.
            fit = np.polyfit(across, up, degree, w=np.sqrt(kept["_weight"]) if size else None)
            along = np.linspace(across.min(), across.max(), 200)
            curve = np.column_stack([along, np.polyval(fit, along)])
            axes.plot(*curve.T, color="#666666", linewidth=1.0, linestyle="--")
        axes.set(
            xlabel=broken(x_title or x.replace("_", " "), 0.8),
            ylabel=broken(y_title or y.replace("_", " "), 0.7),
        )
        axes.grid()
        axes.margins(0.06, 0.1)
        if group is not None:
            figure.legend(loc="outside upper right", ncols=2 if is_narrow() else len(groups))
        legend = f"Marker area proportional to {size.replace('_', ' ')}. " if size else ""
        missing = len(frame) - len(kept)
        absent = f" {missing} without both measures are not shown." if missing else ""
        _say(axes, f"{legend}{len(kept)} shown.{absent} {note}".strip())
        figure.draw_without_rendering()
        texts = [name if place < n_labels else "" for place, name in enumerate(kept[label].astype(str))]
        drawn = axes.transData.transform(curve) if len(curve) else curve
        label_points(axes, across, up, texts, radii, [Bbox([point - 1, point + 1]) for point in drawn])
        columns = [label, x, y, *(column for column in (size, group) if column)]
        return _settled(shows(figure, kept[list(dict.fromkeys(columns))]))


@redrawn
def heat_map(
    table: pd.DataFrame,
    *,
    value_title: str,
    centre: float = 1.0,
    row_title: str = "",
    column_title: str = "",
    note: str = "",
) -> Figure:
    """A table of ratios as tiles, one colour above the centre and another below: a map without geometry.

    Parameters
    ----------
    table : positive ratios, rows and columns in the order in which they are drawn; zero and missing
        tiles stay empty.
    value_title : what the ratio is, beside the colours.
    centre : the ratio without colour; colours follow the logarithm and end at eight times either way.
    row_title, column_title : titles of the axes.
    note : a sentence below, such as the source.

    Raises
    ------
    DataError
        For a table without a positive cell.
    """
    values = table.to_numpy(dtype=float)
    if not (values > 0).any():
        raise DataError("no cell of the table is positive", remedy="Check how the table was pivoted.")
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(values > 0, np.log2(values / centre), np.nan)
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(None, max(2.6, 1.1 + (0.3 if is_narrow() else 0.19) * len(table)))
        colours = mpl.colormaps["PuOr_r"].with_extremes(bad="white")
        tiles = axes.pcolormesh(power, cmap=colours, vmin=-3, vmax=3, edgecolor="white", linewidth=1.0)
        axes.set_xticks(np.arange(table.shape[1]) + 0.5, [str(name) for name in table.columns])
        axes.set_yticks(np.arange(len(table)) + 0.5, [broken(str(name), 0.3) for name in table.index])
        axes.tick_params(length=0)
        axes.tick_params(axis="x", rotation=90 if max(map(len, map(str, table.columns))) > 3 else 0)
        axes.invert_yaxis()
        axes.spines[:].set_visible(False)
        axes.set(xlabel=column_title, ylabel=row_title)
        bar = figure.colorbar(tiles, ax=axes, shrink=0.6, aspect=25, pad=0.02, extend="both")
        bar.set_ticks(range(-3, 4), labels=[f"{centre * 2.0**k:g}" for k in range(-3, 4)])
        bar.set_label(value_title)
        bar.outline.set_visible(False)
        _say(axes, note)
        rows, columns = row_title or "row", column_title or "column"
        axed = table.rename_axis(index=rows, columns=columns)
        long = axed.reset_index().melt(rows, var_name=columns, value_name=value_title or "value")
        return shows(figure, long)


def _require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    if absent := [column for column in columns if column not in frame]:
        raise DataError(
            "the frame has no such column",
            Place(column=absent[0]),
            f"Its columns are: {', '.join(map(str, frame.columns))}.",
        )


def _unit(column: pd.Series) -> pd.Series:
    return column / column.abs().max()


def _say(axes: Any, text: str) -> None:
    if text:
        axes.figure.supxlabel(broken(text, 0.95, 6.5), x=0.99, ha="right", fontsize=6.5, color="#666666")


def _settled(figure: Figure) -> Figure:
    """Freeze the layout that labels were placed in, so that drawing again does not move the axes."""
    figure.set_layout_engine("none")
    return figure
