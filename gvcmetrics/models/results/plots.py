"""Figures of estimates: marginal effects along a variable or side by side, coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.figures import Drawing
from gvcmetrics.models.marginal.result import Margins

# Okabe and Ito (2008), told apart under every common form of colour blindness; without their yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#222222")
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.6,
    "legend.frameon": False,
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
}
WIDTH = 6.5
_KEYS = ("variable", "contrast", "outcome")


class Drawn(Protocol):
    """Estimates or effects that can be drawn."""

    @property
    def model(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    def tidy(self, level: float = 0.95) -> pd.DataFrame: ...


def plot_margins(
    margins: Margins,
    x: str | None = None,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Marginal effects or predictions with their 95 % intervals.

    Parameters
    ----------
    margins : what to draw. With numbers in `at` it is drawn as lines along the first of them that takes
        several values; else one row an estimate.
    x : the variable of `at` to draw along.
    title : of the figure, by default what was estimated.
    labels : readable names, of variables or of whole terms.

    Raises
    ------
    ModelError : x is not a numeric variable of `at`; more than seven lines.
    """
    along = _along(margins, x)
    named = dict(labels or {})
    with mpl.rc_context(STYLE):
        figure = (
            _rows({"": margins.tidy()}, named, margins.kind == "effects")
            if along is None
            else _lines(margins.frame(), along, named)
        )
        axes = figure.axes[0]
        axes.set_title(title or margins.heading)
        shown = margins.scale if margins.kind == "predictions" else f"effect on the {margins.scale}"
        name = f"{shown.capitalize()}, 95 % interval"
        (axes.set_xlabel if along is None else axes.set_ylabel)(name)
        return figure


def plot_coefs(
    results: Drawn | Sequence[Drawn] | Mapping[str, Drawn],
    *,
    keep: Sequence[str] | None = None,
    drop: Sequence[str] = ("Intercept",),
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Coefficients with their 95 % intervals, one row a term, one colour a model.

    Parameters
    ----------
    results : of one model or of several; a mapping names them in the legend.
    keep, drop : terms to draw, by default all but the intercept.
    title, labels : as in `plot_margins`.

    Raises
    ------
    ModelError : no term is left, or more than seven models.
    """
    if isinstance(results, Mapping):
        models = dict(results)
    else:
        models = _numbered(results if isinstance(results, Sequence) else [results])
    tables = {}
    for name, model in models.items():
        table = model.tidy()
        wanted = ~table["term"].isin(drop) if keep is None else table["term"].isin(keep)
        tables[name] = table[wanted]
    if all(table.empty for table in tables.values()):
        raise ModelError("no term is left to draw", remedy="See .params for the names of terms")
    with mpl.rc_context(STYLE):
        figure = _rows(tables, dict(labels or {}))
        outcomes = dict.fromkeys(model.outcome for model in models.values())
        figure.axes[0].set_title(title or ", ".join(outcomes))
        figure.axes[0].set_xlabel("Estimate, 95 % interval")
        return figure


def _numbered(results: Sequence[Drawn]) -> dict[str, Drawn]:
    return {f"({position}) {model.model}": model for position, model in enumerate(results, start=1)}


def _along(margins: Margins, x: str | None) -> str | None:
    """The variable on the horizontal axis, None for rows."""
    columns = [column for column in margins.keys.columns if column not in _KEYS]
    numeric = [column for column in columns if pd.api.types.is_numeric_dtype(margins.keys[column])]
    if x is None:
        return next((column for column in numeric if margins.keys[column].nunique() > 1), None)
    if x not in numeric:
        raise ModelError(
            f"'{x}' is not a variable of at= with numbers", remedy=f"at={{'{x}': [0, 0.5, 1]}} in margins"
        )
    return x


def _lines(frame: pd.DataFrame, along: str, labels: Mapping[str, str]) -> Figure:
    """A line and a band for each combination of the other keys."""
    numbers = frame.columns[frame.columns.get_loc("estimate") :]
    others = [column for column in frame.columns.difference(numbers, sort=False) if column != along]
    varying = [column for column in others if frame[column].nunique() > 1]
    groups = frame.groupby(varying, sort=False) if varying else [((), frame)]
    _refuse_crowd(len(groups), "lines")
    figure, axes = _figure(WIDTH, 0.62 * WIDTH)
    for (key, part), colour in zip(groups, COLOURS, strict=False):
        part = part.sort_values(along)
        words = key if isinstance(key, tuple) else (key,)
        name = ", ".join(labels.get(str(word), str(word)) for word in words)
        axes.fill_between(
            part[along].astype(float), part["conf_low"], part["conf_high"], color=colour, alpha=0.15, lw=0
        )
        axes.plot(part[along].astype(float), part["estimate"], "o-", color=colour, markersize=3, label=name)
    if frame["conf_low"].min() < 0 < frame["conf_high"].max():
        axes.axhline(0, color="#666666", linewidth=0.8)
    axes.set_xlabel(labels.get(along, along))
    if varying:
        figure.legend(loc="outside lower center", ncols=4)
    return figure


def _rows(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str], zero: bool = True) -> Figure:
    """One row a term, tables side by side within it."""
    _refuse_crowd(len(tables), "models")
    terms = list(dict.fromkeys(term for table in tables.values() for term in table["term"]))
    figure, axes = _figure(WIDTH, 0.9 + (0.2 + 0.12 * len(tables)) * len(terms))
    if zero:
        axes.axvline(0, color="#666666", linewidth=0.8)
    offsets = (np.arange(len(tables)) - (len(tables) - 1) / 2) * 0.6 / max(len(tables), 2)
    for (name, table), offset, colour in zip(tables.items(), offsets, COLOURS, strict=False):
        shown = table.set_index("term").reindex(terms)
        height = np.arange(len(terms)) + offset
        axes.hlines(height, shown["conf_low"], shown["conf_high"], color=colour, linewidth=1.4)
        axes.plot(shown["estimate"], height, "o", color=colour, markersize=4, label=name)
    axes.set_yticks(range(len(terms)), [labels.get(term, term) for term in terms])
    axes.set_ylim(len(terms) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    if len(tables) > 1:
        figure.legend(loc="outside lower center", ncols=4)
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = Drawing(width, height)
    return figure, figure.add_subplot()


def _refuse_crowd(count: int, what: str) -> None:
    if count > len(COLOURS):
        raise ModelError(
            f"{count} {what} are too many for one figure",
            remedy=f"Draw up to {len(COLOURS)}: choose variables=, outcomes= or terms",
        )
