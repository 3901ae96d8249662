"""Pooled models: fit, invariances, bad input. Their estimates against R are in test_cells."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ConvergenceWarning, DataError, EstimationWarning, ModelError
from gvcmetrics.models.families.logit import family as logit_family
from gvcmetrics.models.likelihood import problem as estimate_module
from gvcmetrics.models.likelihood.newton import maximise
from gvcmetrics.models.likelihood.sums import Batch, Likelihood, in_memory

REFERENCE = Path(__file__).parents[1] / "reference" / "engine"
CASES = json.loads((REFERENCE / "pooled.json").read_text())
OUTCOMES = {
    "logit": "binary",
    "probit": "binary",
    "cloglog": "event",
    "fractional_logit": "fraction",
    "negative_binomial": "overdispersed",
    "ordered_logit": "ordered",
    "ordered_probit": "ordered",
    "multinomial_logit": "choice",
}


def sample(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv")


@pytest.mark.parametrize("key", [key for key in CASES if CASES[key].get("null_loglik") is not None])
def test_pseudo_r2_is_against_the_constant_alone_in_r(key: str) -> None:
    case, response = CASES[key], key.split(":")[0]
    weights = "weight" if "weighted" in key else None
    estimate = getattr(gvc, response)(
        f"{OUTCOMES[response]} ~ x1 + x2 + d + g", sample(case["data"]), weights=weights
    )
    expected = 1 - case["loglik"] / case["null_loglik"]
    assert estimate.statistics["pseudo_r2"] == pytest.approx(expected, rel=1e-8)


def test_null_model_is_the_one_with_a_constant() -> None:
    data = sample("balanced")
    for name in ("logit", "ordered_probit", "multinomial_logit", "negative_binomial"):
        function = getattr(gvc, name)
        estimate = function(f"{OUTCOMES[name]} ~ x1 + x2", data)
        if name != "ordered_probit":
            null = function(f"{OUTCOMES[name]} ~ 1", data).loglik
            assert estimate.statistics["pseudo_r2"] == pytest.approx(1 - estimate.loglik / null, rel=1e-9)


def test_scaling_recentring_permuting_and_frequency_weights() -> None:
    data = sample("balanced").head(900).copy()
    base = gvc.ordered_logit("ordered ~ x1 + x2", data)
    data["moved"] = 1000 * data["x1"] + 7e4
    moved = gvc.ordered_logit("ordered ~ moved + x2", data.sample(frac=1, random_state=3))
    assert moved.loglik == pytest.approx(base.loglik, rel=1e-11)
    assert moved.params["moved"] * 1000 == pytest.approx(base.params["x1"], rel=1e-7)
    assert moved.std_errors["moved"] * 1000 == pytest.approx(base.std_errors["x1"], rel=1e-7)
    data["times"] = 1 + np.arange(len(data)) % 3
    repeated = data.loc[data.index.repeat(data["times"])]
    for vcov in ("iid", "hetero"):
        counted = gvc.logit("binary ~ x1 + x2", data, weights="times", frequency=True, vcov=vcov)
        copied = gvc.logit("binary ~ x1 + x2", repeated, vcov=vcov)
        assert counted.nobs == copied.nobs
        np.testing.assert_allclose(counted.params, copied.params, rtol=1e-9)
        np.testing.assert_allclose(counted.std_errors, copied.std_errors, rtol=1e-9)
        assert counted.loglik == pytest.approx(copied.loglik, rel=1e-12)


def test_batches_give_what_memory_gives() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(30_011), rng.normal(size=(30_011, 3))])
    y = (X @ [0.2, 0.5, -0.3, 0.1] + rng.logistic(size=len(X)) > 0).astype(float)
    weights, offset = rng.uniform(0.5, 2, len(y)), rng.normal(size=len(y))
    whole = maximise(in_memory(logit_family, y, X, weights, offset).evaluate, np.zeros(4))

    def batches():  # type: ignore[no-untyped-def]
        for start in range(0, len(y), 7_001):
            cut = slice(start, start + 7_001)
            yield Batch(y[cut], X[cut], weights[cut], offset[cut])

    parts = maximise(Likelihood(logit_family, (np.arange(4),), batches).evaluate, np.zeros(4))
    np.testing.assert_allclose(parts.theta, whole.theta, rtol=1e-10)
    np.testing.assert_allclose(parts.hessian, whole.hessian, rtol=1e-10)


def test_an_offset_has_coefficient_one() -> None:
    data = sample("balanced")
    free = gvc.negative_binomial("overdispersed ~ x1 + x2", data)
    data["known"] = free.params["x2"] * data["x2"]
    held = gvc.negative_binomial("overdispersed ~ x1", data, offset="known")
    assert held.params["x1"] == pytest.approx(free.params["x1"], rel=1e-6)
    fixed = gvc.negative_binomial("overdispersed ~ x1 + x2", data, fix={"x2": free.params["x2"]})
    assert fixed.loglik == pytest.approx(free.loglik, rel=1e-11)
    assert fixed.std_errors["x2"] == 0
    with pytest.raises(ModelError, match="not a parameter"):
        gvc.logit("binary ~ x1", data, fix={"x9": 0})


def test_predictions_average_to_the_shares() -> None:
    data = sample("balanced")
    shares = data["choice"].value_counts(normalize=True).sort_index()
    predicted = gvc.multinomial_logit("choice ~ x1 + x2", data).predict()
    np.testing.assert_allclose(predicted.mean(), shares, rtol=1e-8)
    estimate = gvc.logit("binary ~ x1 + g", data)
    again = estimate.predict(data.head(5))
    np.testing.assert_allclose(again, estimate.predict().head(5))
    assert estimate.predict().mean() == pytest.approx(data["binary"].mean(), rel=1e-9)


def test_a_perfect_predictor_is_dropped_with_its_rows_and_named() -> None:
    data = sample("balanced").head(300).copy()
    data["flag"] = (data["binary"].eq(1) & (np.arange(300) % 7 == 0)).astype(int)
    with pytest.warns(
        EstimationWarning, match=r"'flag' = 1 predicts 'binary' = 1 perfectly: 'flag' and \d+ rows"
    ):
        estimate = gvc.logit("binary ~ x1 + flag", data)
    rest = gvc.logit("binary ~ x1", data[data["flag"] == 0])
    np.testing.assert_allclose(estimate.params, rest.params, rtol=1e-10)
    assert estimate.dropped["flag = 1 predicts perfectly"] == data["flag"].sum()


def test_separation_by_a_combination_is_an_error_that_names_it() -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a", "b", "c"])
    data["y"] = (data["a"] - data["b"] > 0).astype(int)
    with pytest.raises(ModelError, match=r"combination of .*a.*b.* predicts the outcome perfectly"):
        gvc.logit("y ~ a + b + c", data)
    data["rung"] = data["y"] + (data["a"] - data["b"] > 1)
    with pytest.raises(ModelError, match="predicts the outcome perfectly"):
        gvc.ordered_logit("rung ~ a + b + c", data)
    with pytest.raises(ModelError, match="predicts the outcome perfectly"):
        gvc.multinomial_logit("rung ~ a + b + c", data)


@pytest.mark.parametrize(
    ("function", "values", "message"),
    [
        ("logit", [0, 1, 2, 0], "neither 0 nor 1"),
        ("logit", [1, 1, 1, 1], "is 1 in all 4 rows"),
        ("probit", [0.5, 1, 0, 1], "neither 0 nor 1"),
        ("fractional_logit", [0.5, 1.2, 0, 1], "outside \\[0, 1\\]"),
        ("negative_binomial", [0.5, 1, 0, 1], "is not a count"),
        ("negative_binomial", [-1, 1, 0, 1], "is not a count"),
        ("ordered_logit", [2, 2, 2, 2], "one category only"),
        ("ordered_logit", ["a", "b", "a", "b"], "have no order"),
    ],
)
def test_outcomes_of_the_wrong_kind(function: str, values: list, message: str) -> None:
    data = pd.DataFrame({"y": values, "x": [1.0, 2.0, 4.0, 3.0]})
    with pytest.raises((DataError, ModelError), match=message):
        getattr(gvc, function)("y ~ x", data)


def test_an_outcome_with_a_thousand_values_is_not_ordered() -> None:
    data = pd.DataFrame({"y": np.arange(100.0), "x": np.arange(100.0) % 7})
    with pytest.raises(ModelError, match="100 categories"):
        gvc.ordered_logit("y ~ x", data)


def test_missing_and_infinite_values() -> None:
    data = sample("balanced").head(200).copy()
    data.loc[3, "x1"] = np.nan
    estimate = gvc.logit("binary ~ x1", data)
    assert estimate.nobs == 199
    assert estimate.dropped == {"missing x1": 1}
    data.loc[5, "x1"] = np.inf
    with pytest.raises(DataError, match="infinite"):
        gvc.logit("binary ~ x1", data)
    data["binary"] = np.nan
    with pytest.raises(ModelError, match="no observation is left"):
        gvc.logit("binary ~ x2", data)


def test_a_category_without_observations_is_named() -> None:
    data = sample("balanced").head(200).copy()
    data["rung"] = pd.Categorical(data["ordered"], categories=[1, 2, 3, 4, 9], ordered=True)
    with pytest.warns(EstimationWarning, match="'9' of 'rung' has no observation"):
        estimate = gvc.ordered_logit("rung ~ x1", data)
    assert [name for name in estimate.params.index if name.startswith("cut")] == ["cut1", "cut2", "cut3"]


def test_strange_names_and_collinear_columns() -> None:
    data = sample("balanced").head(400).rename(columns={"x1": "exp2", "x2": "a b", "d": "größe"})
    data["x:1"] = data["exp2"] * 2
    with pytest.warns(EstimationWarning, match="x:1"):
        estimate = gvc.logit("binary ~ exp2 + `a b` + größe + `x:1`", data)
    assert list(estimate.params.index) == ["Intercept", "exp2", "a b", "größe"]


def test_refusals_say_what_to_use() -> None:
    data = sample("balanced")
    with pytest.raises(ModelError, match=r"Use gvc.logit with effects='fixed'"):
        gvc.probit("binary ~ x1", data, unit="unit", effects="fixed")
    with pytest.raises(ModelError, match="needs the panel's unit"):
        gvc.logit("binary ~ x1", data, effects="random")
    with pytest.raises(ModelError, match="is not known"):
        gvc.logit("binary ~ x1", data, effects="between")
    with pytest.raises(ModelError, match="Papke"):
        gvc.fractional_logit("fraction ~ x1", data, unit="unit", effects="fixed")
    with pytest.raises(ModelError, match="read"):
        gvc.logit("binary ~ __import__('os').getcwd()", data, trusted=False)


def test_a_fit_that_stops_early_is_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate_module, "maximise", partial(maximise, max_iterations=1))
    with pytest.warns(ConvergenceWarning, match="not converged: no convergence after 1 iterations"):
        estimate = gvc.probit("binary ~ x1 + x2", sample("balanced"))
    assert not estimate.converged
    assert "NOT CONVERGED" in str(estimate)


def test_a_count_without_overdispersion_is_poisson() -> None:
    data = sample("balanced").assign(few=lambda d: 2 + d["binary"])
    estimate = gvc.negative_binomial("few ~ x1", data)
    assert any("The dispersion is at its lower bound, zero" in note for note in estimate.notes)
    poisson = gvc.poisson("few ~ x1", data)
    np.testing.assert_allclose(estimate.params[["Intercept", "x1"]], poisson.params, rtol=1e-6)
    wide = gvc.negative_binomial("overdispersed ~ x1", data)
    assert not any("dispersion" in note for note in wide.notes)
