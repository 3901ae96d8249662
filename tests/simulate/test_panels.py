"""Simulated panels: labelled, reproducible, with the truth under the estimators' names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError
from gvcmetrics.simulate.panels import EFFECTS, RESPONSES, simulate_clusters, simulate_panel, simulate_survey


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


@pytest.mark.parametrize("outcomes", [3, 4])
def test_several_outcomes_have_the_estimators_names(outcomes: int) -> None:
    panel = simulate_panel("joint_probit", units=2000, periods=2, outcomes=outcomes, seed=1)
    names = [f"y{j}" for j in range(1, outcomes + 1)]
    assert panel.attrs["formula"] == f"{' + '.join(names)} ~ x1 + d"
    pairs = {f"rho(y{b}, y{a})" for a in range(1, outcomes + 1) for b in range(a + 1, outcomes + 1)}
    truth = panel.attrs["truth"]
    assert pairs == {name for name in truth if name.startswith("rho")}
    for name in names:
        alone = gvc.probit(f"{name} ~ x1 + d", panel)
        expected = [truth[f"{name}: x1"], truth[f"{name}: d"]]
        assert ((alone.params[["x1", "d"]] - expected).abs() < 4 * alone.std_errors[["x1", "d"]]).all()


@pytest.mark.parametrize("response", ["ols", "logit"])
def test_a_survey_is_right_with_its_weights_only(response: str) -> None:
    frame = simulate_survey(response, strata=40, units=20, size=40, seed=1)
    assert frame.groupby("psu")["stratum"].nunique().eq(1).all()
    sizes = frame.groupby("stratum").size()
    assert sizes[sizes.index % 2 == 1].mean() == pytest.approx(
        sizes[sizes.index % 2 == 0].mean() / 2, rel=0.05
    )
    fit = getattr(gvc, response)
    design = {"survey": {"psu": "psu", "strata": "stratum"}}
    weighted = fit("y ~ x1 + x2", frame, weights="weight", vcov=design)
    plain = fit("y ~ x1 + x2", frame, vcov={"CRV1": "psu"})
    truth = pd.Series(frame.attrs["truth"])
    assert ((weighted.params[truth.index] - truth).abs() < 3 * weighted.std_errors[truth.index]).all()
    assert plain.params["Intercept"] - truth["Intercept"] > 4 * plain.std_errors["Intercept"]


def test_unknown_designs() -> None:
    with pytest.raises(ModelError, match="no simulated panel"):
        simulate_panel("tobit")
    with pytest.raises(ModelError, match="no simulated panel"):
        simulate_panel("logit", "between")
    with pytest.raises(ModelError, match="no simulated clusters"):
        simulate_clusters("probit")
    with pytest.raises(ModelError, match="no simulated survey"):
        simulate_survey("probit")
