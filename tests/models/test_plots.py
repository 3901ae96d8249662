"""Figures of estimates show the estimates."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError
from gvcmetrics.models.results.results import Results

DATA = pd.read_csv(Path(__file__).parents[1] / "reference" / "engine" / "data" / "balanced.csv").head(600)


@pytest.fixture(scope="module")
def res() -> Results:
    return gvc.logit("binary ~ x1*d + g", DATA)


def points(figure: Figure) -> list[tuple[np.ndarray, np.ndarray]]:
    lines = figure.axes[0].get_lines()
    return [(line.get_xdata(), line.get_ydata()) for line in lines if line.get_marker() == "o"]


def labels(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_lines_along_values(res: Results, tmp_path: Path) -> None:
    figure = res.plot_margins("d", at={"x1": [2, 0, 1]}, by="g", labels={"x1": "Quality"})
    made = res.margins("d", at={"x1": [0, 1, 2]}, by="g").frame()
    assert labels(figure) == ["a", "b", "c"]
    for (x, y), group in zip(points(figure), "abc", strict=True):
        np.testing.assert_array_equal(x, [0, 1, 2])
        np.testing.assert_allclose(y, made.loc[made["g"] == group, "estimate"])
    assert figure.axes[0].get_xlabel() == "Quality"
    assert figure.axes[0].get_ylabel() == "Effect on the probability, 95 % interval"
    figure.savefig(tmp_path / "lines.png")
    assert (tmp_path / "lines.png").stat().st_size > 5000


def test_rows_of_effects_and_predictions(res: Results) -> None:
    figure = res.plot_margins()
    [(x, _)] = points(figure)
    np.testing.assert_allclose(x, res.margins().params)
    ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert ticks == ["x1", "d", "g: b - a", "g: c - a"]
    predictions = res.plot_margins("g", kind="predictions", title="Levels")
    assert predictions.axes[0].get_title(loc="left") == "Levels"
    assert predictions.axes[0].get_xlabel() == "Probability, 95 % interval"
    assert len(predictions.axes[0].get_lines()) == 1, "no line at zero"


def test_notebooks_draw_figures_that_pyplot_does_not_know(res: Results) -> None:
    picture = res.plot_coefs()._repr_png_()
    assert picture.startswith(b"\x89PNG\r\n")
    width = int.from_bytes(picture[16:20], "big")
    assert width == 6.5 * 150


def test_coefficients_side_by_side(res: Results) -> None:
    other = gvc.probit("binary ~ x1 + g", DATA)
    figure = gvc.plot_coefs({"Logit": res, "Probit": other})
    assert labels(figure) == ["Logit", "Probit"]
    (logit, _), (probit, _) = points(figure)
    np.testing.assert_allclose(logit, res.params.drop("Intercept"))
    terms = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    np.testing.assert_allclose(probit, other.params.reindex(terms))
    assert len(points(gvc.plot_coefs([res, other.margins()]))) == 2
    ((alone, _),) = points(res.plot_coefs(keep=["x1", "d"]))
    np.testing.assert_allclose(alone, res.params[["d", "x1"]].reindex(["x1", "d"]))


def test_refusals(res: Results) -> None:
    with pytest.raises(ModelError, match="'g' is not a variable of at= with numbers"):
        res.plot_margins("d", at={"g": ["a", "b"]}, x="g")
    with pytest.raises(ModelError, match="no term is left"):
        res.plot_coefs(keep=["nothing"])
    with pytest.raises(ModelError, match="8 models are too many"):
        gvc.plot_coefs([res] * 8)
    with pytest.raises(ModelError, match="lines are too many"):
        res.plot_margins("d", at={"x1": [0, 1]}, by="region")
