"""Scatter plots and tile maps show the numbers that they are given, and refuse what cannot be drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.report import heat_map, scatter_plot


@pytest.fixture
def units() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": np.arange(30.0), "name": [f"u{i}" for i in range(30)]})
    return frame.assign(y=2 + 0.5 * frame["x"], size=rng.uniform(1, 9, 30), side=["a", "b", "b"] * 10)


def test_curve_is_the_weighted_polynomial(units: pd.DataFrame) -> None:
    units["y"] += np.random.default_rng(4).normal(size=30)
    axes = scatter_plot(units, x="x", y="y", label="name", size="size", degree=1).axes[0]
    x, y = axes.lines[0].get_data()
    X, w = np.column_stack([np.ones(30), units["x"]]), units["size"].to_numpy()[:, None]
    slope = np.linalg.solve(X.T @ (w * X), X.T @ (w[:, 0] * units["y"]))
    np.testing.assert_allclose(y, slope[0] + slope[1] * np.asarray(x), rtol=1e-9)


def test_areas_follow_size_and_the_largest_group_lies_below(units: pd.DataFrame) -> None:
    axes = scatter_plot(units, x="x", y="y", label="name", size="size", group="side").axes[0]
    drawn = [points for points in axes.collections if len(points.get_offsets())]
    assert [len(points.get_offsets()) for points in drawn] == [20, 10]
    for points, side in zip(drawn, "ba", strict=True):
        rows = units[units["side"] == side].sort_values("size", ascending=False)
        np.testing.assert_allclose(points.get_offsets(), rows[["x", "y"]])
        area = points.get_sizes() / points.get_sizes()[0]
        np.testing.assert_allclose(area, rows["size"] / rows["size"].iloc[0], rtol=1e-9)


def test_a_unit_without_a_coordinate_is_counted(units: pd.DataFrame) -> None:
    units.loc[3, "y"] = np.nan
    figure = scatter_plot(units, x="x", y="y", label="name", note="Source: none.")
    said = figure.get_supxlabel()
    assert said == "29 shown. 1 without both measures are not shown. Source: none."
    with pytest.raises(DataError, match="no unit has both measures"):
        scatter_plot(units.assign(y=np.nan), x="x", y="y", label="name")
    with pytest.raises(DataError, match="29 groups to draw"):
        scatter_plot(units, x="x", y="y", label="name", group="name")
    with pytest.raises(DataError, match="no such column"):
        scatter_plot(units, x="x", y="z", label="name")


def test_tiles_are_coloured_by_the_logarithm_and_empty_where_there_is_nothing() -> None:
    table = pd.DataFrame([[1.0, 4.0], [0.25, 0.0]], index=["north", "south"], columns=["10", "11"])
    figure = heat_map(table, value_title="LQ", row_title="Region")
    tiles = figure.axes[0].collections[0]
    np.testing.assert_allclose(np.ma.filled(tiles.get_array(), np.nan).ravel(), [0, 2, -2, np.nan])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["north", "south"]
    with pytest.raises(DataError, match="no cell of the table is positive"):
        heat_map(table * 0, value_title="LQ")
