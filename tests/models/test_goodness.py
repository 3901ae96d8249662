"""Measures of fit against R, and by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError

ROOT = Path(__file__).parents[1] / "reference"
CASES = json.loads((ROOT / "engine" / "tests.json").read_text())
OWN = json.loads((ROOT / "inference" / "inference.json").read_text())
BALANCED = pd.read_csv(ROOT / "engine" / "data" / "balanced.csv")


def test_against_r() -> None:
    data = pd.read_csv(ROOT / "engine" / "data" / "unbalanced.csv")
    data = data.dropna(subset=["binary", "choice", "x1", "x2", "d"])
    case = CASES["fit:logit:unbalanced"]
    fit = gvc.goodness_of_fit(gvc.logit("binary ~ x1 + x2 + d", data))
    names = {"correctly_classified": "correctly_predicted"}
    compared = [name for name in case if name not in ("program", "call")]
    assert len(compared) >= 11
    for name in compared:
        assert fit[names.get(name, name)] == pytest.approx(case[name], rel=1e-6), name


def test_more_against_r() -> None:
    fit = gvc.goodness_of_fit(gvc.logit("binary ~ x1 + x2 + d", BALANCED))
    for name, value in OWN["fit:logit:balanced"].items():
        assert fit[name] == pytest.approx(value, rel=1e-6), name


@pytest.mark.parametrize("groups", [6, 10])
def test_hosmer_lemeshow(groups: int) -> None:
    case = OWN[f"hosmer_lemeshow:balanced:{groups}"]
    test = gvc.hosmer_lemeshow(gvc.logit("binary ~ x1 + x2 + d", BALANCED), groups)
    assert test.statistic == pytest.approx(case["chi2"], rel=1e-6)
    assert (test.df, test.pvalue) == (case["df"], pytest.approx(case["p"], rel=1e-6))


def test_frequencies_are_rows() -> None:
    data = BALANCED.assign(f=1 + BALANCED["d"])
    weighted = gvc.goodness_of_fit(gvc.probit("binary ~ x1 + d", data, weights="f", frequency=True))
    repeated = gvc.goodness_of_fit(gvc.probit("binary ~ x1 + d", data.loc[data.index.repeat(data["f"])]))
    pd.testing.assert_series_equal(weighted, repeated, rtol=1e-8)


def test_share_predicted_of_categories() -> None:
    result = gvc.multinomial_logit("choice ~ x1 + x2 + d", BALANCED)
    likeliest = result.predict().idxmax(axis=1)
    fit = gvc.goodness_of_fit(result)
    assert fit["correctly_predicted"] == (likeliest == BALANCED["choice"]).mean()
    assert fit["share_of_mode"] == BALANCED["choice"].value_counts(normalize=True).max()
    joint = gvc.joint_probit("first + second ~ x1", BALANCED)
    cell = "first=" + BALANCED["first"].astype(str) + ", second=" + BALANCED["second"].astype(str)
    assert (
        gvc.goodness_of_fit(joint)["correctly_predicted"] == (joint.predict().idxmax(axis=1) == cell).mean()
    )


def test_conditional_likelihood_has_no_probabilities_but_a_likelihood() -> None:
    result = gvc.logit("binary ~ x1", BALANCED, unit="unit", effects="fixed")
    fit = gvc.goodness_of_fit(result)
    assert fit["aic"] == pytest.approx(2 - 2 * result.loglik)
    assert "brier" not in fit


def test_refusals() -> None:
    with pytest.raises(ModelError, match="has no likelihood"):
        gvc.goodness_of_fit(gvc.ols("continuous ~ x1", BALANCED, unit="unit", effects="random"))
    with pytest.raises(ModelError, match="binary models"):
        gvc.hosmer_lemeshow(gvc.ordered_logit("ordered ~ x1", BALANCED))
    result = gvc.logit("binary ~ d", BALANCED)
    with pytest.raises(ModelError, match="too few values"):
        gvc.hosmer_lemeshow(result)
    with pytest.raises(ModelError, match="three or more"):
        gvc.hosmer_lemeshow(result, 2)
    weighted = gvc.logit("binary ~ x1", BALANCED.assign(w=np.arange(len(BALANCED)) + 1.0), weights="w")
    with pytest.raises(ModelError, match="unweighted"):
        gvc.hosmer_lemeshow(weighted)


def test_null_model_of_shares_is_their_mean() -> None:
    result = gvc.fractional_logit("fraction ~ x1 + d", BALANCED)
    y, mean = BALANCED["fraction"], BALANCED["fraction"].mean()
    null = (y * np.log(mean) + (1 - y) * np.log(1 - mean)).sum()
    assert result.statistics["pseudo_r2"] == pytest.approx(1 - result.loglik / null, rel=1e-8)
