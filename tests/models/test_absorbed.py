"""Absorbed effects, their bias corrections, and Firth's penalty, against R."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError
from gvcmetrics.models.families.logit import family as logit_family
from gvcmetrics.models.likelihood.firth import RowTrace, differenced_trace
from gvcmetrics.models.likelihood.problem import Problem
from gvcmetrics.models.likelihood.sums import in_memory

REFERENCE = Path(__file__).parents[1] / "reference" / "engine"
CASES = json.loads((REFERENCE / "bias_corrected.json").read_text())
AVERAGES = json.loads((REFERENCE / "average_effects.json").read_text())
KEYS = [key for key in CASES if "firth" not in key]
pytestmark = pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")


def sample(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv")


@pytest.mark.parametrize("key", KEYS)
def test_absorbed_effects_against_dummies_in_r(key: str) -> None:
    case = CASES[key]
    link, effects, data, kind, *rest = key.split(":")
    estimate = getattr(gvc, link)(
        f"binary ~ x1 + x2 + d | unit{' + time' if effects == 'unit+time' else ''}",
        sample(data), unit="unit", time="time", lags=int(rest[0][1:]) if rest else 0,
        bias_correction=None if kind == "uncorrected" else kind,
    )  # fmt: skip
    np.testing.assert_allclose(estimate.params, case["coef"], rtol=1e-8)
    assert estimate.nobs == case["nobs"]
    if case.get("loglik") is not None:
        assert estimate.loglik == pytest.approx(case["loglik"], rel=1e-10)
    if link == "logit" and kind != "jackknife":
        # R's probit errors are from the expected information, these from the observed one
        errors = case.get("se_at_corrected") or case["se"]["classical"]
        np.testing.assert_allclose(estimate.std_errors, errors, rtol=1e-6)


@pytest.mark.parametrize("key", AVERAGES)
def test_average_effects_against_dummies_in_r(key: str) -> None:
    link, effects, data, _, lags = key.split(":")
    estimate = getattr(gvc, link)(
        f"binary ~ x1 + x2 + d | unit{' + time' if effects == 'unit+time' else ''}",
        sample(data), unit="unit", time="time", lags=int(lags[1:]), bias_correction="analytical",
    )  # fmt: skip
    margins = estimate.margins(["x1", "d"], denominator="used")
    np.testing.assert_allclose(margins.params, [AVERAGES[key]["x1"], AVERAGES[key]["d"]], rtol=1e-7)
    assert any("Averages are corrected" in note for note in margins.notes)
    # averages over parts of the rows add up to the average over all
    rows = sample(data)["time"].iloc[estimate.sample.rows].value_counts().sort_index()
    parts = estimate.margins("x1", by="time", denominator="used").params
    assert np.average(parts, weights=rows) == pytest.approx(margins.params.iloc[0], rel=1e-10)
    # by default over all rows, as alpaca and bife: those that say nothing have an effect of zero
    everyone = estimate.margins(["x1", "d"])
    share = len(estimate.sample.rows) / len(sample(data).dropna(subset=["binary", "x1", "x2", "d"]))
    np.testing.assert_allclose(everyone.params, share * margins.params, rtol=1e-12)
    np.testing.assert_allclose(everyone.std_errors, share * margins.std_errors, rtol=1e-10)
    assert (share == 1) == (not any("of which" in note for note in everyone.notes))


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_average_predictions_over_all_rows_hold_those_whose_outcome_never_changes(link: str) -> None:
    """A logit's mean prediction is the mean outcome, over the rows used and so over all."""
    data = sample("unbalanced").dropna(subset=["binary", "x1", "x2", "d"])
    made = getattr(gvc, link)("binary ~ x1 + x2 + d | unit", data)
    out = made.statistics["rows_left_out"]
    assert out > 0
    used = made.margins(kind="predictions", denominator="used").params.iloc[0]
    everyone = made.margins(kind="predictions")
    left_out = np.setdiff1d(np.arange(len(data)), made.sample.rows)
    expected = (used * len(made.sample.rows) + data["binary"].iloc[left_out].sum()) / len(data)
    assert everyone.params.iloc[0] == pytest.approx(expected, rel=1e-12)
    if link == "logit":
        assert everyone.params.iloc[0] == pytest.approx(data["binary"].mean(), rel=1e-8)
    by = made.margins("x1", by="time").params
    assert np.average(by, weights=data["time"].value_counts().sort_index()) == pytest.approx(
        made.margins("x1").params.iloc[0], rel=1e-10
    )
    at = made.margins("x1", at_means=True)
    assert at.params.iloc[0] == pytest.approx(
        made.margins("x1", at_means=True, denominator="used").params.iloc[0], rel=1e-14
    )
    with pytest.raises(ModelError, match="denominator"):
        made.margins("x1", denominator="some")


def test_the_correction_of_average_effects_removes_bias() -> None:
    # Eight periods of a dynamic probit. The effect of the past outcome comes out near zero without any
    # correction, and a tenth too small with corrected coefficients alone. Errors are taken against those of
    # an estimate that knows the unit effects, which share the noise of the draw.
    rng = np.random.default_rng(2016)
    errors = []
    for _ in range(8):
        unit, effect = np.arange(300), rng.normal(size=300) / 2
        outcome, frames = (rng.uniform(size=300) < 0.5).astype(int), []
        for time in range(8):
            x = rng.normal(size=300) + effect
            past = outcome
            outcome = (0.8 * x + effect + 0.5 * past + rng.normal(size=300) > 0).astype(int)
            frames.append(
                pd.DataFrame(
                    {"unit": unit, "time": time, "x": x, "past": past, "y": outcome, "effect": effect}
                )
            )
        data = pd.concat(frames)
        changing = data[data.groupby("unit")["y"].transform("nunique") > 1]
        index = 0.8 * changing["x"] + changing["effect"]
        truth = (ndtr(index + 0.5) - ndtr(index)).mean()
        index = 0.8 * data["x"] + data["effect"]
        knowing = gvc.probit("y ~ x + past", data, offset="effect").margins("past").params.iloc[0]
        noise = knowing / (ndtr(index + 0.5) - ndtr(index)).mean() - 1
        plain = gvc.probit("y ~ x + past | unit", data, unit="unit", time="time")
        corrected = gvc.probit(
            "y ~ x + past | unit", data, unit="unit", time="time", bias_correction="analytical", lags=1
        )
        eta, b = corrected.predict(kind="index").to_numpy(), corrected.params["past"]
        now = data.iloc[corrected.sample.rows]["past"].to_numpy()
        estimates = [
            plain.margins("past", denominator="used").params.iloc[0],
            (ndtr(eta + b * (1 - now)) - ndtr(eta - b * now)).mean(),
            corrected.margins("past", denominator="used").params.iloc[0],
        ]
        errors.append([estimate / truth - 1 - noise for estimate in estimates])
    (none, coefficients, average), spread = np.mean(errors, axis=0), np.std(errors, axis=0, ddof=1)[2]
    error = spread / np.sqrt(len(errors))
    assert error < 0.03
    assert none < -0.5
    assert coefficients < -2 * error
    assert abs(average) < 2 * error
    assert average - coefficients > 0.08


def test_absorbing_equals_dummies() -> None:
    data = sample("long")
    data["w"] = 1 + data["unit"] % 3
    kept = gvc.probit("binary ~ x1 + x2 | unit + time", data, weights="w", frequency=True)
    data = data.iloc[kept.sample.rows]
    dummies = gvc.probit("binary ~ x1 + x2 + C(unit) + C(time)", data, weights="w", frequency=True)
    np.testing.assert_allclose(kept.params, dummies.params[["x1", "x2"]], rtol=1e-8)
    np.testing.assert_allclose(kept.std_errors, dummies.std_errors[["x1", "x2"]], rtol=1e-7)
    np.testing.assert_allclose(kept.predict(), dummies.predict(), rtol=1e-7)
    assert kept.loglik == pytest.approx(dummies.loglik, rel=1e-11)


def test_the_correction_removes_bias() -> None:
    rng = np.random.default_rng(2016)
    plain, corrected, split = [], [], []
    for _ in range(12):
        unit, time = np.repeat(np.arange(150), 8), np.tile(np.arange(8), 150)
        x = rng.normal(size=1200) + rng.normal(size=150)[unit]
        y = x + rng.normal(size=150)[unit] + rng.normal(size=8)[time] * 0.3 + rng.logistic(size=1200) > 0
        data = pd.DataFrame({"unit": unit, "time": time, "x": x, "y": y.astype(int)})
        for found, correction in ((plain, None), (corrected, "analytical"), (split, "jackknife")):
            estimate = gvc.logit(
                "y ~ x | unit + time", data, unit="unit", time="time", bias_correction=correction
            )
            found.append(estimate.params["x"])
    # Unit dummies over 8 periods inflate a logit by about T/(T-1). The jackknife's halves have 4 periods, so
    # what it leaves, of the order of 1/T^2, is more than the analytical correction leaves.
    assert np.mean(plain) > 1.10
    assert abs(np.mean(corrected) - 1) < 0.05
    assert abs(np.mean(split) - 1) < 0.5 * abs(np.mean(plain) - 1)


def test_refusals() -> None:
    data = sample("long")
    with pytest.raises(ModelError, match="not known"):
        gvc.logit("binary ~ x1 | unit", data, unit="unit", bias_correction="magic")
    with pytest.raises(ModelError, match="for absorbed effects"):
        gvc.logit("binary ~ x1", data, bias_correction="analytical")
    with pytest.raises(ModelError, match="lags= needs"):
        gvc.logit("binary ~ x1 | unit", data, unit="unit", bias_correction="analytical", lags=1)
    with pytest.raises(ModelError, match="needs absorbed unit or time"):
        gvc.logit("binary ~ x1 | d", data, unit="unit", bias_correction="jackknife")
    with pytest.raises(ModelError, match="does not absorb unit"):
        gvc.ordered_logit("count ~ x1 | unit", data)
    data["sign"] = np.where(data["binary"] == 1, 1.0, -1.0) + data["x1"] * 1e-3
    with pytest.raises(ModelError, match="predicts the outcome perfectly"):
        gvc.logit("binary ~ sign + x2 | unit", data)


@pytest.mark.parametrize("name", ["separated", "unbalanced"])
def test_the_traces_of_firth_agree(name: str) -> None:
    data = sample(name).dropna(subset=["binary", "x1", "x2"])
    y, X = data["binary"].to_numpy(dtype=float), data[["x1", "x2", "d"]].fillna(0.0).to_numpy(dtype=float)
    rng = np.random.default_rng(5)
    weights, offset = rng.uniform(0.5, 2.0, len(y)), rng.normal(size=len(y)) / 5
    likelihood = in_memory(logit_family, y, X, weights, offset)
    problem = Problem(likelihood.evaluate, likelihood.scores, ("x1", "x2", "d"), np.zeros(3), np.ones(3))
    exact = RowTrace(logit_family, y, X, weights, offset)
    for _ in range(5):
        theta = rng.normal(size=3)
        inverse = np.linalg.inv(-likelihood.evaluate(theta)[2])
        expected = differenced_trace(problem)(theta, inverse)
        size = np.abs(expected).max()
        np.testing.assert_allclose(exact(theta, inverse), expected, rtol=0, atol=1e-8 * size)


@pytest.mark.parametrize("name", ["separated", "balanced", "unbalanced"])
def test_firth_against_brglm2(name: str) -> None:
    case = CASES[f"logit:firth:{name}"]
    regressors = " + ".join(case["names"][1:])
    estimate = gvc.logit(f"binary ~ {regressors}", sample(name), firth=True)
    np.testing.assert_allclose(estimate.params, case["coef"], rtol=1e-6)
    np.testing.assert_allclose(estimate.std_errors, case["se"]["classical"], rtol=1e-6)
    assert estimate.loglik == pytest.approx(case["loglik"], rel=1e-8)
    assert estimate.statistics["penalised_loglik"] == pytest.approx(case["penalised_loglik"], rel=1e-8)


def test_firth_of_the_conditional_logit_against_enumeration() -> None:
    case = CASES["logit:fixed:firth:separated"]
    estimate = gvc.logit(
        "binary ~ x1 + x2 + d + flag", sample("separated"), unit="unit", effects="fixed", firth=True
    )
    np.testing.assert_allclose(estimate.params, case["coef"], rtol=1e-6)
    np.testing.assert_allclose(estimate.std_errors, case["se"]["classical"], rtol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ModelError, match="flag"):
            gvc.logit("binary ~ x1 + x2 + d + flag", sample("separated"), unit="unit", effects="fixed")
