"""Figures: what is drawn where, labels that do not collide, files that do not change."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from gvcmetrics.errors import DataError
from gvcmetrics.ground.figures import NARROW_DPI, NARROW_WIDTH, PAGE_WIDTH, PALETTE
from gvcmetrics.report import coefficient_plot, new_figure, path_plot, quadrant_plot, save_figure
from gvcmetrics.report.figures.placement import spread
from gvcmetrics.report.figures.plots import QUADRANTS, heat_map, scatter_plot
from gvcmetrics.report.figures.sets import xy_plot


@pytest.fixture
def changes() -> pd.DataFrame:
    draw = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "exporter": [f"Country {number}" for number in range(40)],
            "change_relative_unit_value": draw.normal(0, 0.3, 40),
            "change_market_share": draw.normal(0, 0.02, 40),
            "trade_value": np.exp(draw.normal(0, 2, 40)),
        }
    )
    frame.loc[39, "change_market_share"] = np.nan
    return frame


@pytest.fixture
def panel() -> pd.DataFrame:
    lines = [("A", y, 0.1 * y) for y in range(5)] + [("B", y, 0.4 + 0.001 * y) for y in (0, 1, 4)]
    return pd.DataFrame([*lines, ("C", 0, 1.0), ("C", 3, 0.5)], columns=["exporter", "year", "quality"])


def text_of(figure):
    axes = figure.axes[0]
    return [text.get_text() for text in (*axes.texts, *figure.texts)] + [figure.get_supxlabel()]


def test_quadrants_are_named_coloured_and_sized(changes):
    figure = quadrant_plot(changes, size="trade_value")
    markers = figure.axes[0].collections[0]
    offsets, colours, areas = markers.get_offsets(), markers.get_facecolors(), markers.get_sizes()
    assert len(offsets) == 39
    for (x, y), colour in zip(offsets, colours, strict=True):
        assert mpl.colors.to_hex(colour) == QUADRANTS[bool(x > 0), bool(y > 0)][1].lower()
    assert {name for name, _ in QUADRANTS.values()} <= set(text_of(figure))
    kept = changes.dropna().sort_values("trade_value", ascending=False)
    np.testing.assert_allclose(offsets[:, 1], 100 * kept["change_market_share"])
    large = areas > areas.min()
    ratio = (kept["trade_value"] / kept["trade_value"].max()).to_numpy()
    np.testing.assert_allclose(areas[large] / areas.max(), ratio[large], rtol=1e-12)
    assert "39 shown. 1 without both changes are not shown." in text_of(figure)[-1]


def test_the_corner_of_each_quadrant(changes):
    figure = quadrant_plot(changes)
    corners = {text.get_text(): text.xy for text in figure.axes[0].texts}
    assert corners["Product upgrading"] == (1.0, 1.0)
    assert corners["Process upgrading"] == (0.0, 1.0)
    assert corners["Failed product upgrading"] == (1.0, 0.0)
    assert corners["Downgrading"] == (0.0, 0.0)


def test_labels_go_to_the_largest_and_do_not_collide(changes):
    figure = quadrant_plot(changes, size="trade_value", n_labels=15)
    figure.draw_without_rendering()
    labels = [text for text in figure.axes[0].texts if text.get_text().startswith("Country")]
    largest = changes.dropna().nlargest(15, "trade_value")["exporter"]
    assert {text.get_text() for text in labels} <= set(largest)
    assert len(labels) >= 10
    boxes = [mpl.text.Text.get_window_extent(text) for text in labels]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_wide_ranges_get_a_scale_with_a_linear_middle(changes):
    axes = quadrant_plot(changes, size="trade_value", linear_within=0.1).axes[0]
    assert axes.get_yscale() == "symlog"
    assert axes.yaxis.get_transform().linthresh == 0.1


def test_wrong_frames_are_explained(changes, panel):
    with pytest.raises(DataError, match="column 'weight'"):
        quadrant_plot(changes, size="weight")
    with pytest.raises(DataError, match="no unit has both changes"):
        quadrant_plot(changes.assign(change_market_share=np.nan))
    with pytest.raises(DataError, match="'Z' is not in the frame"):
        path_plot(panel, outcome="quality", highlight=["Z"])
    with pytest.raises(DataError, match="7 units to highlight"):
        path_plot(panel, outcome="quality", highlight=list("ABCDEFG"))


def test_paths_leave_gaps_and_name_the_highlighted(panel):
    figure = path_plot(panel, outcome="quality", highlight=["A", "B"], labels={"A": "Aland"})
    axes = figure.axes[0]
    lines = {line.get_color(): line.get_ydata() for line in axes.lines if line.get_color() in PALETTE}
    np.testing.assert_allclose(lines[PALETTE[0]], [0, 0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(lines[PALETTE[1]], [0.4, 0.401, np.nan, np.nan, 0.404])
    ends = {text.get_text(): text for text in axes.texts}
    assert set(ends) == {"Aland", "B"}
    figure.draw_without_rendering()
    boxes = [mpl.text.Text.get_window_extent(text) for text in ends.values()]
    assert not boxes[0].overlaps(boxes[1])
    assert figure.get_supxlabel() == "Grey: the other 1."


def test_paths_draw_interval_bounds(panel):
    banded = panel.assign(lower=panel["quality"] - 0.1, upper=panel["quality"] + 0.1)
    figure = path_plot(banded, outcome="quality", highlight=["A"], low="lower", high="upper")
    vertices = figure.axes[0].collections[0].get_paths()[0].vertices
    assert vertices[:, 1].min() == pytest.approx(-0.1)
    assert vertices[:, 1].max() == pytest.approx(0.5)


def test_coefficients_stand_at_their_estimates(results):
    figure = coefficient_plot({"OLS": results[0], "Logit": results[1]}, order="log_rd")
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["log_rd", "log_rd × size", "1|2"]
    ols, logit = (line for line in axes.lines if line.get_label() in {"OLS", "Logit"})
    np.testing.assert_allclose(ols.get_xdata(), [0.123456, np.nan, np.nan])
    np.testing.assert_allclose(logit.get_xdata(), [0.00004, -2.0, 1.25])
    ends = [segment[:, 0] for segment in axes.collections[0].get_segments() if len(segment)]
    np.testing.assert_allclose(ends[0], [0.043456, 0.203456])
    with pytest.raises(DataError, match="no term is left"):
        coefficient_plot({"OLS": results[0]}, keep="nothing")


@pytest.mark.parametrize(
    ("positions", "gap", "moved"),
    [
        ([0.0, 10.0], 1.0, [0.0, 10.0]),
        ([5.0, 5.0], 2.0, [4.0, 6.0]),
        ([1.0, 0.0, 0.5], 1.0, [1.5, -0.5, 0.5]),
        ([0.0, 0.0, 9.0], 2.0, [-1.0, 1.0, 9.0]),
    ],
)
def test_spread_moves_as_little_as_needed(positions, gap, moved):
    np.testing.assert_allclose(spread(positions, gap), moved, atol=1e-12)


def test_the_stamp_is_drawn_and_taken_off_again(tmp_path, panel):
    figure = path_plot(panel, outcome="quality", highlight=["A"])
    plain = imread(save_figure(figure, tmp_path / "a")[1])
    marked = imread(save_figure(figure, tmp_path / "b", simulated=True)[1])
    again = imread(save_figure(figure, tmp_path / "c")[1])
    assert (np.abs(plain - marked) > 0.05).any(axis=2).mean() > 0.02
    np.testing.assert_array_equal(plain, again)


def test_figures_leave_the_users_settings_alone(panel):
    before = dict(mpl.rcParams)
    path_plot(panel, outcome="quality", highlight=["A"])
    assert dict(mpl.rcParams) == before


def test_files_hold_no_date_and_embed_their_fonts(tmp_path, panel):
    figure, axes = new_figure()
    axes.set_title("Title")
    pdf, png = save_figure(figure, tmp_path / "v1.2")
    assert (pdf.name, png.name) == ("v1.2.pdf", "v1.2.png")
    document = pdf.read_bytes()
    assert b"/FontFile2" in document
    assert b"/Type3" not in document
    for mark in (b"CreationDate", b"Creator", b"Producer"):
        assert mark not in document
    assert b"Software" not in png.read_bytes()
    assert imread(png).shape[1] == 6.5 * 300


def test_another_process_draws_the_same_bytes(built_twice):
    first, second = built_twice(
        "import sys, numpy as np, pandas as pd\n"
        "from gvcmetrics.report import quadrant_plot, save_figure\n"
        "d = np.random.default_rng(1)\n"
        "f = pd.DataFrame({'exporter': list('abcdefgh'), 'change_relative_unit_value': d.normal(size=8),\n"
        "                  'change_market_share': d.normal(size=8), 'trade_value': d.random(8)})\n"
        "save_figure(quadrant_plot(f, size='trade_value'), sys.argv[1] + '/f', simulated=True)\n"
    )
    assert len(first) == 4
    assert first == second


def test_a_figure_has_its_data_and_its_narrow_twin_beside_it(changes, panel, tmp_path):
    """The data are those that are drawn; the twin is as wide as a telephone, in letters as large."""
    tidy = pd.DataFrame(
        {"term": ["a", "b"], "estimate": [0.1, 0.2], "conf_low": [0.0, 0.1], "conf_high": 0.3}
    )
    tiles = pd.DataFrame([[1.0, 2.0], [0.5, np.nan]], ["r1", "r2"], ["c1", "c2"])
    figures = {
        "quadrants": (quadrant_plot(changes, size="trade_value"), 39),
        "paths": (path_plot(panel, outcome="quality", highlight=["A"]), 10),
        "effects": (coefficient_plot({"one": tidy, "two": tidy}), 4),
        "points": (scatter_plot(changes, x="trade_value", y="change_market_share", label="exporter"), 39),
        "tiles": (heat_map(tiles, value_title="LQ"), 4),
        "cases": (
            xy_plot(pd.DataFrame({"x": [0.2, 1], "y": [0.4, 0], "n": "c"}), x="x", y="y", label="n"),
            2,
        ),
    }
    for name, (figure, rows) in figures.items():
        saved = {path.name for path in save_figure(figure, tmp_path / name)}
        assert saved == {f"{name}{end}" for end in (".pdf", ".png", ".csv", "_narrow.png")}
        data = pd.read_csv(tmp_path / f"{name}.csv")
        assert len(data) == rows, name
        wide, narrow = (imread(tmp_path / f"{name}{end}.png").shape for end in ("", "_narrow"))
        assert narrow[1] == pytest.approx(NARROW_WIDTH * NARROW_DPI, abs=1)
        assert narrow[0] / narrow[1] >= 0.9 * wide[0] / wide[1]
    drawn = pd.read_csv(tmp_path / "quadrants.csv").set_index("exporter").sort_index()
    given = changes.dropna().set_index("exporter").sort_index()
    np.testing.assert_allclose(drawn["change_relative_unit_value"], given["change_relative_unit_value"])
    assert figure_of_the_page_is_unmoved()


def figure_of_the_page_is_unmoved() -> bool:
    """Drawing the narrow twin leaves the width of the next figure alone."""
    figure, _ = new_figure()
    return bool(figure.get_size_inches()[0] == PAGE_WIDTH)


def test_simulated_data_are_marked_in_the_file_of_data(changes, tmp_path):
    save_figure(quadrant_plot(changes), tmp_path / "f", simulated=True)
    assert pd.read_csv(tmp_path / "f.csv")["simulated"].all()
