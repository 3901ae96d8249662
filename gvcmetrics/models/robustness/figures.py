"""Figures of the checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gvcmetrics.ground.figures import Drawing
from gvcmetrics.models.results.plots import COLOURS, STYLE, WIDTH

_GREY = "#666666"
# More names than these would overlap.
_NAMED = 15


def in_order(
    estimates: pd.DataFrame, title: str, words: str, whole: float | None = None, first: int | None = None
) -> Figure:
    """Estimates with their intervals, from the lowest to the highest.

    estimates : columns estimate, conf_low, conf_high. whole : drawn as a line. first : the row to mark.
    """
    with mpl.rc_context(STYLE):
        figure = Drawing(WIDTH, 0.5 * WIDTH)
        axes = figure.add_subplot()
        _intervals(axes, estimates, first)
        if whole is not None:
            axes.axhline(whole, color=COLOURS[1], linewidth=0.9)
        if len(estimates) <= _NAMED:
            axes.set_xticks(range(len(estimates)), list(map(str, estimates.index)))
        axes.set_xlabel(words)
        axes.set_ylabel("Estimate, 95 % interval")
        axes.set_title(title)
        return figure


def with_choices(
    estimates: pd.DataFrame, choices: pd.DataFrame, title: str, first: int | None = None
) -> Figure:
    """The same above a dot for every choice that an estimate was made with."""
    with mpl.rc_context(STYLE):
        figure = Drawing(WIDTH, 2.6 + 0.19 * choices.shape[1])
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 0.35 + 0.19 * choices.shape[1]])
        _intervals(above, estimates, first)
        above.set_ylabel("Estimate, 95 % interval")
        above.set_title(title)
        for row, name in enumerate(choices.columns):
            at = np.flatnonzero(choices[name].to_numpy())
            below.plot(at, np.full(len(at), row), "o", color=COLOURS[0], markersize=2.5)
        below.set_yticks(range(choices.shape[1]), list(choices.columns))
        below.set_ylim(choices.shape[1] - 0.5, -0.5)
        below.tick_params(axis="y", length=0)
        below.grid(axis="y", color="#DDDDDD", linewidth=0.5)
        below.set_xlabel("Specifications, by estimate")
        return figure


def distribution(draws: Sequence[float], seen: float, title: str, words: str) -> Figure:
    """What chance gives, and what was seen."""
    with mpl.rc_context(STYLE):
        figure = Drawing(WIDTH, 0.45 * WIDTH)
        axes = figure.add_subplot()
        axes.hist(draws, bins=40, color="#BBBBBB")
        axes.axvline(seen, color=COLOURS[1], linewidth=1.2)
        top = (seen, axes.get_ylim()[1])
        axes.annotate("seen", top, xytext=(3, -10), textcoords="offset points", color=COLOURS[1])
        axes.set_xlabel(words)
        axes.set_ylabel("Draws")
        axes.set_title(title)
        return figure


def within(estimate: float, interval: tuple[float, float], bounds: tuple[float, float], title: str) -> Figure:
    """An estimate and its interval beside what counts as nothing."""
    with mpl.rc_context(STYLE):
        figure = Drawing(WIDTH, 1.3)
        axes = figure.add_subplot()
        axes.axvspan(*bounds, color=COLOURS[2], alpha=0.15, lw=0)
        axes.axvline(0, color=_GREY, linewidth=0.8)
        axes.hlines(0, *interval, color=COLOURS[0], linewidth=1.6)
        axes.plot([estimate], [0], "o", color=COLOURS[0], markersize=5)
        axes.set_yticks([])
        axes.set_ylim(-1, 1)
        axes.set_xlabel("Estimate and interval; shaded: what counts as nothing")
        axes.set_title(title)
        return figure


def curve(x: np.ndarray, y: np.ndarray, marks: pd.DataFrame, title: str, words: tuple[str, str]) -> Figure:
    """A line with points named on it: columns x, y, label."""
    with mpl.rc_context(STYLE):
        figure = Drawing(WIDTH, 0.5 * WIDTH)
        axes = figure.add_subplot()
        axes.plot(x, y, color=COLOURS[0])
        axes.axhline(0, color=_GREY, linewidth=0.8)
        for at, height, label in zip(marks["x"], marks["y"], marks["label"], strict=True):
            axes.plot([at], [height], "o", color=COLOURS[1], markersize=4)
            axes.annotate(str(label), (at, height), xytext=(6, -12), textcoords="offset points")
        axes.set_xlabel(words[0])
        axes.set_ylabel(words[1])
        axes.set_title(title)
        return figure


def _intervals(axes: Any, estimates: pd.DataFrame, first: int | None) -> None:
    at = np.arange(len(estimates))
    clear = ((estimates["conf_low"] > 0) | (estimates["conf_high"] < 0)).to_numpy()
    for rows, colour in ((~clear, "#999999"), (clear, COLOURS[0])):
        axes.vlines(
            at[rows], estimates["conf_low"][rows], estimates["conf_high"][rows], color=colour, linewidth=0.9
        )
        axes.plot(at[rows], estimates["estimate"][rows], "o", color=colour, markersize=2.8)
    if first is not None:
        axes.plot([first], [estimates["estimate"].iloc[first]], "o", color=COLOURS[1], markersize=5)
    axes.axhline(0, color=_GREY, linewidth=0.8)
