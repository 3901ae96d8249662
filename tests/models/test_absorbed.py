"""Absorbed effects, their bias corrections, and Firth's penalty, against R."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError

REFERENCE = Path(__file__).parents[1] / "reference" / "engine"
CASES = json.loads((REFERENCE / "bias_corrected.json").read_text())
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
    with pytest.raises(ModelError, match="not known for new rows"):
        gvc.logit("binary ~ x1 | unit", data).predict(data.head())
    data["sign"] = np.where(data["binary"] == 1, 1.0, -1.0) + data["x1"] * 1e-3
    with pytest.raises(ModelError, match="predicts the outcome perfectly"):
        gvc.logit("binary ~ sign + x2 | unit", data)


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
