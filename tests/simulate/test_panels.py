"""Simulated panels: labelled, reproducible, with the truth under the estimators' names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError
from gvcmetrics.simulate.panels import EFFECTS, RESPONSES, simulate_clusters, simulate_panel


@pytest.mark.parametrize("response", RESPONSES)
def test_truth_has_the_estimators_names(response: str) -> None:
    panel = simulate_panel(response, "pooled", units=150, periods=4, seed=3)
    result = getattr(gvc, response)(panel.attrs["formula"], panel, vcov="hetero")
    truth = pd.Series(panel.attrs["truth"])
    assert set(truth.index) <= set(result.params.index)
    distance = (result.params[truth.index] - truth) / result.std_errors[truth.index]
    assert distance.abs().max() < 4.5


@pytest.mark.parametrize("effects", EFFECTS)
def test_labelled_and_reproducible(effects: str) -> None:
    one, two, other = (simulate_panel("logit", effects, units=30, periods=3, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert not one["y"].equals(other["y"])
    assert one.attrs["simulated"] is True
    assert len(one) == 90
    assert not one.duplicated(["unit", "period"]).any()


def test_unit_effects_are_as_said() -> None:
    def share_between(effects: str) -> tuple[float, float]:
        panel = simulate_panel("ols", effects, units=4000, periods=8, seed=5)
        truth = panel.attrs["truth"]
        rest = panel["y"] - truth["x1"] * panel["x1"] - truth["d"] * panel["d"]
        means = rest.groupby(panel["unit"]).mean()
        return means.var(), np.corrcoef(means, panel.groupby("unit")["x1"].mean())[0, 1]

    noise = 1 / 8
    assert share_between("pooled")[0] == pytest.approx(noise, rel=0.1)
    variance, correlation = share_between("random")
    assert variance == pytest.approx(0.8**2 + noise, rel=0.1)
    assert correlation == pytest.approx(0, abs=0.06)
    assert share_between("correlated")[1] > 0.3
    assert share_between("fixed")[1] > 0.5


def test_clusters_share_an_error_and_the_regressor() -> None:
    frame = simulate_clusters("ols", clusters=400, size=20, seed=2)
    assert frame.groupby("cluster")["x1"].nunique().eq(1).all()
    rest = (frame["y"] - 0.5 * frame["x2"]).groupby(frame["cluster"]).mean()
    assert rest.var() == pytest.approx(0.25 + 1 / 20, rel=0.2)
    assert frame.attrs["simulated"] is True


def test_unknown_designs() -> None:
    with pytest.raises(ModelError, match="no simulated panel"):
        simulate_panel("tobit")
    with pytest.raises(ModelError, match="no simulated panel"):
        simulate_panel("logit", "between")
    with pytest.raises(ModelError, match="no simulated clusters"):
        simulate_clusters("probit")
