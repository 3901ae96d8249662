"""Fixed effects by conditional likelihoods."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.effects.conditional_logit import ConditionalLogit
from gvcmetrics.models.effects.conditional_multinomial import ConditionalMultinomial

REFERENCE = Path(__file__).parents[1] / "reference" / "engine"
CASES = json.loads((REFERENCE / "fixed.json").read_text())
OUTCOMES = {"logit": "binary", "ordered_logit": "ordered", "multinomial_logit": "choice"}
KEYS = [key for key in CASES if key.split(":")[0] in OUTCOMES and ":fixed:" in key]


def sample(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv")


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("key", KEYS)
def test_against_r(key: str) -> None:
    case, response = CASES[key], key.split(":")[0]
    data, unit = sample(case["data"]), "unit"
    outcome, regressors = OUTCOMES[response], "x1 + x2 + d"
    if case["data"] == "wagepan":
        unit, outcome = "nr", "union" if response == "logit" else "quartile"
        regressors = " + ".join(case["names"])
    estimate = getattr(gvc, response)(
        f"{outcome} ~ {regressors}", data, unit=unit, effects="fixed",
        weights="weight" if "weighted" in key else None, vcov={"CRV1": unit},
    )  # fmt: skip
    np.testing.assert_allclose(estimate.params, case["coef"], rtol=1e-6)
    assert estimate.loglik == pytest.approx(case["loglik"], rel=1e-10)
    assert estimate.nobs == case.get("rows_used", case["nobs"])
    assert estimate.statistics["units"] == case.get("units_used", case["groups"])
    clusters = estimate.n_clusters[unit]
    n, k = estimate.nobs, len(estimate.params)
    small = math.sqrt((n - 1) / (n - k))
    for way in ("unit", "region"):
        if f"CRV1_ml:{way}" in case["se"]:
            made = estimate.with_vcov({"CRV1": unit if way == "unit" else way}).std_errors
            expected = np.array(case["se"][f"CRV1_ml:{way}"]) * small
            np.testing.assert_allclose(made, expected, rtol=1e-6)
    assert clusters == estimate.statistics["units"]
    if "weighted" not in key and response != "ordered_logit":
        np.testing.assert_allclose(estimate.with_vcov("iid").std_errors, case["se"]["classical"], rtol=1e-6)
    if "CRV3:region" in case["se"] and case["data"] == "unbalanced":
        made = estimate.with_vcov({"CRV3": "region"}).std_errors
        np.testing.assert_allclose(made, case["se"]["CRV3:region"], rtol=1e-6)


def _enumerated(y: np.ndarray, eta: np.ndarray) -> float:
    """Log probability of the ones given their number, by listing all sequences."""
    n, s = len(y), int(y.sum())
    terms = [sum(eta[list(ones)]) for ones in itertools.combinations(range(n), s)]
    return float(eta @ y - np.logaddexp.reduce(terms))


@settings(max_examples=40, deadline=None)
@given(
    y=st.lists(st.integers(0, 1), min_size=2, max_size=9).filter(lambda y: 0 < sum(y) < len(y)),
    spread=st.sampled_from([0.1, 1.0, 5.0, 60.0, 700.0]),
    seed=st.integers(0, 999),
)
def test_recursion_against_enumeration(y: list[int], spread: float, seed: int) -> None:
    X = np.random.default_rng(seed).normal(size=(len(y), 2)) * spread
    groups = Groups.of(np.zeros(len(y), dtype=int))
    likelihood = ConditionalLogit(np.array(y, dtype=float), X, groups)
    theta = np.array([0.7, -0.4])
    loglik, score, hessian = likelihood.evaluate(theta)
    expected = _enumerated(np.array(y, dtype=float), X @ theta)
    assert loglik == pytest.approx(expected, rel=1e-9, abs=1e-9 * spread)
    step = 1e-5 / spread
    for j in range(2):
        move = step * np.eye(2)[j]
        above, below = likelihood.evaluate(theta + move), likelihood.evaluate(theta - move)
        scale = max(1.0, spread)
        assert score[j] == pytest.approx((above[0] - below[0]) / (2 * step), rel=2e-4, abs=1e-4 * scale)
        np.testing.assert_allclose(
            hessian[j], (above[1] - below[1]) / (2 * step), rtol=2e-4, atol=1e-5 * scale**2
        )


def test_a_thousand_periods_neither_overflow_nor_vanish() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(1000, 2)) * 3
    y = (X @ [1.0, -1.0] + rng.logistic(size=1000) > 0).astype(float)
    loglik, score, hessian = ConditionalLogit(y, X, Groups.of(np.zeros(1000, dtype=int))).evaluate(
        np.array([1.0, -1.0])
    )
    # the log elementary symmetric function, summed in logs one period at a time
    table = np.full(int(y.sum()) + 1, -np.inf)
    table[0] = 0.0
    eta = X @ [1.0, -1.0]
    for e in eta:
        table[1:] = np.logaddexp(table[1:], e + table[:-1])
    assert loglik == pytest.approx(eta @ y - table[-1], rel=1e-10)
    assert np.isfinite(score).all()
    assert (np.linalg.eigvalsh(hessian) < 0).all()


def test_groups_of_many_lengths_with_an_offset_against_finite_differences() -> None:
    rng = np.random.default_rng(8)
    sizes = np.concatenate([rng.integers(2, 12, size=40), [65, 130, 150]])
    codes = np.repeat(np.arange(len(sizes)), sizes)
    X, offset = rng.normal(size=(len(codes), 3)) + 50.0, rng.normal(size=len(codes))
    y = (rng.random(len(codes)) < 0.4).astype(float)
    weights = rng.uniform(0.5, 2.0, size=len(sizes))
    likelihood = ConditionalLogit(y, X, Groups.of(codes), weights=weights, offset=offset)
    theta = np.array([0.8, -0.5, 0.2])
    loglik, score, hessian = likelihood.evaluate(theta)
    expected = 0.0
    for g in range(len(sizes)):
        eta, ones = (X @ theta + offset)[codes == g], y[codes == g]
        table = np.full(int(ones.sum()) + 1, -np.inf)
        table[0] = 0.0
        for e in eta:
            table[1:] = np.logaddexp(table[1:], e + table[:-1])
        expected += weights[g] * (eta @ ones - table[-1])
    assert loglik == pytest.approx(expected, rel=1e-11)
    np.testing.assert_allclose(likelihood.scores(theta).sum(axis=0), score, rtol=1e-12)
    for j in range(3):
        move = 1e-5 * np.eye(3)[j]
        above, below = likelihood.evaluate(theta + move), likelihood.evaluate(theta - move)
        assert score[j] == pytest.approx((above[0] - below[0]) / 2e-5, rel=1e-6, abs=1e-5)
        np.testing.assert_allclose(hessian[j], (above[1] - below[1]) / 2e-5, rtol=1e-7, atol=1e-5)


def test_multinomial_recursion_against_enumeration() -> None:
    rng = np.random.default_rng(2)
    y, X = np.array([0.0, 1, 2, 1, 0, 2]), rng.normal(size=(6, 2)) * 3
    theta = rng.normal(size=4)
    eta = np.column_stack([np.zeros(6), X @ theta.reshape(2, 2).T])
    sequences = set(itertools.permutations(y.astype(int)))
    terms = [eta[np.arange(6), list(d)].sum() for d in sequences]
    expected = eta[np.arange(6), y.astype(int)].sum() - np.logaddexp.reduce(terms)
    likelihood = ConditionalMultinomial(y, X, Groups.of(np.zeros(6, dtype=int)), 3)
    loglik, score, hessian = likelihood.evaluate(theta)
    assert loglik == pytest.approx(expected, rel=1e-12)
    for j in range(4):
        move = 1e-5 * np.eye(4)[j]
        above, below = likelihood.evaluate(theta + move), likelihood.evaluate(theta - move)
        assert score[j] == pytest.approx((above[0] - below[0]) / 2e-5, rel=1e-6, abs=1e-8)
        np.testing.assert_allclose(hessian[j], (above[1] - below[1]) / 2e-5, rtol=1e-6, atol=1e-7)


def test_two_categories_are_the_conditional_logit() -> None:
    data = sample("unbalanced")
    binary = gvc.logit("binary ~ x1 + d", data, unit="unit", effects="fixed")
    multinomial = gvc.multinomial_logit("binary ~ x1 + d", data, unit="unit", effects="fixed")
    ordered = gvc.ordered_logit("binary ~ x1 + d", data, unit="unit", effects="fixed")
    np.testing.assert_allclose(multinomial.params, binary.params, rtol=1e-9)
    np.testing.assert_allclose(ordered.params, binary.params, rtol=1e-12)


def test_what_fixed_effects_cannot_tell() -> None:
    data = sample("unbalanced")
    data["always"] = data.groupby("unit")["x1"].transform("mean")
    with pytest.warns(EstimationWarning, match="always"):
        estimate = gvc.logit("binary ~ x1 + always", data, unit="unit", effects="fixed")
    assert list(estimate.params.index) == ["x1"]
    assert estimate.statistics["units_left_out"] > 0
    with pytest.raises(ModelError, match="no probabilities"):
        estimate.predict()
    with (
        pytest.warns(EstimationWarning),
        pytest.raises(ModelError, match="no regressor varies within 'unit'"),
    ):
        gvc.logit("binary ~ always", data, unit="unit", effects="fixed")
    data["same"] = (data["unit"] % 2).astype(int)
    with pytest.raises(ModelError, match="changes within no 'unit'"):
        gvc.logit("same ~ x1", data, unit="unit", effects="fixed")


def test_clusters_and_weights_must_not_cut_units() -> None:
    data = sample("balanced")
    estimate = gvc.logit("binary ~ x1", data, unit="unit", effects="fixed")
    with pytest.raises(ModelError, match="'time' varies within 'unit'"):
        estimate.with_vcov({"CRV1": "time"})
    data["w"] = np.linspace(1, 2, len(data))
    with pytest.raises(ModelError, match="vary within 'unit'"):
        gvc.logit("binary ~ x1", data, unit="unit", effects="fixed", weights="w")


def test_separation_within_units_is_an_error() -> None:
    data = sample("balanced").head(240).copy()
    data["perfect"] = data["binary"] * 2.0 + np.arange(240) % 3 * 0.1
    with pytest.raises(ModelError, match="perfect"):
        gvc.logit("binary ~ x1 + perfect", data, unit="unit", effects="fixed")


def test_a_unit_with_too_many_sequences_is_named() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"unit": ["x"] * 400, "y": rng.integers(0, 7, 400), "a": rng.normal(size=400)})
    with pytest.raises(ModelError, match="unit 'x' chose in 400 periods"):
        gvc.multinomial_logit("y ~ a", data, unit="unit", effects="fixed")


def test_no_kernel_lets_the_compiler_reorder_sums() -> None:
    """Else last digits depend on whether a kernel was compiled just now or came from the cache."""
    modules = Path(gvc.__file__).parent.rglob("*.py")
    assert not [module.name for module in modules if "fastmath" in module.read_text(encoding="utf-8")]
