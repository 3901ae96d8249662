"""The wild cluster bootstrap against samples drawn one by one, in R and here."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError
from gvcmetrics.models.inference.bootstrap import bootstrap_pvalue, draw_weights
from gvcmetrics.models.inference.restrictions import linear_hypotheses

ROOT = Path(__file__).parents[1] / "reference"
CASES = json.loads((ROOT / "inference" / "inference.json").read_text())
BALANCED = pd.read_csv(ROOT / "engine" / "data" / "balanced.csv")
FEW = BALANCED[(BALANCED["unit"] <= 60) & (BALANCED["industry"] <= 6)]
UNBALANCED = pd.read_csv(ROOT / "engine" / "data" / "unbalanced.csv")
LINEAR = {
    "wcr:balanced:d": (FEW, "continuous ~ x1 + x2 + d", "d", True, None),
    "wcr:balanced:d=0.2": (FEW, "continuous ~ x1 + x2 + d", "d = 0.2", True, None),
    "wcu:balanced:d": (FEW, "continuous ~ x1 + x2 + d", "d", False, None),
    "wcr:balanced:time": (FEW, "continuous ~ x1 + x2 + d + C(time)", "d", True, None),
    "wcr:unbalanced:weighted": (
        UNBALANCED[UNBALANCED["industry"] <= 6], "continuous ~ x1 + x2 + d", "d", True, "weight"
    ),
}  # fmt: skip


@pytest.mark.parametrize("key", LINEAR)
def test_linear_against_r(key: str) -> None:
    data, formula, hypothesis, imposed, weights = LINEAR[key]
    result = gvc.ols(formula, data, weights=weights)
    test = gvc.wild_bootstrap(result, hypothesis, "industry", impose_null=imposed, interval=False)
    assert test.enumerated
    assert test.statistic == pytest.approx(CASES[key]["t"], rel=1e-6)
    assert test.pvalue == pytest.approx(CASES[key]["p"], rel=1e-12)
    np.testing.assert_allclose(np.sort(test.draws), CASES[key]["t_draws_sorted"], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(("key", "null"), [("score:balanced:d", "d"), ("score:balanced:d=0.3", "d = 0.3")])
def test_score_against_r(key: str, null: str) -> None:
    result = gvc.logit("binary ~ x1 + x2 + d", FEW)
    test = gvc.wild_bootstrap(result, null, "industry", interval=False)
    assert test.statistic == pytest.approx(CASES[key]["t"], rel=1e-6)
    assert test.pvalue == pytest.approx(CASES[key]["p"], rel=1e-12)
    np.testing.assert_allclose(np.sort(test.draws), CASES[key]["t_draws_sorted"], rtol=1e-6, atol=1e-12)


def drawn_one_by_one(X: np.ndarray, y: np.ndarray, codes: list[np.ndarray], boot: np.ndarray) -> np.ndarray:
    """t of the last column under its null, every sign pattern of `boot`, errors clustered by all `codes`."""
    inverse = np.linalg.pinv(X.T @ X)
    restricted = X[:, :-1] @ np.linalg.lstsq(X[:, :-1], y, rcond=None)[0]

    def t(sample: np.ndarray) -> float:
        b = inverse @ (X.T @ sample)
        scores = X * (sample - X @ b)[:, None]
        variance = 0.0
        for sign, ways in ((1, codes[:1]), (1, codes[1:]), (-1, codes if len(codes) > 1 else [])):
            if ways:
                sums = pd.DataFrame(scores @ inverse[:, -1]).groupby(ways).sum().to_numpy()
                variance += sign * float((sums**2).sum())
        return b[-1] / np.sqrt(variance) if variance > 0 else np.nan

    groups = boot.max() + 1
    signs = [1.0 - 2.0 * ((pattern >> np.arange(groups)) & 1) for pattern in range(2**groups)]
    return np.array([t(restricted + v[boot] * (y - restricted)) for v in signs])


@pytest.mark.parametrize("absorbed", [(), ("unit", "time"), ("industry",)])
def test_absorbed_effects_that_cut_across_clusters(absorbed: tuple[str, ...]) -> None:
    bars = f" | {' + '.join(absorbed)}" if absorbed else ""
    result = gvc.ols(f"continuous ~ x1 + x2 + d{bars}", FEW)
    dummies = [pd.get_dummies(FEW[column]).to_numpy(float) for column in absorbed]
    X = np.column_stack([np.ones(len(FEW)), *dummies, FEW[["x1", "x2", "d"]]])
    codes = pd.factorize(FEW["industry"], sort=True)[0]
    drawn = drawn_one_by_one(X, FEW["continuous"].to_numpy(), [codes], codes)
    test = gvc.wild_bootstrap(result, "d", "industry", interval=False)
    np.testing.assert_allclose(test.draws / test.statistic, drawn / drawn[0], rtol=1e-9)


def test_two_ways_of_clustering() -> None:
    industry, year = (pd.factorize(FEW[column], sort=True)[0] for column in ("industry", "region"))
    X = np.column_stack([np.ones(len(FEW)), FEW[["x1", "x2", "d"]]])
    drawn = drawn_one_by_one(X, FEW["continuous"].to_numpy(), [industry, year], industry)
    test = gvc.wild_bootstrap(
        gvc.ols("continuous ~ x1 + x2 + d", FEW), "d", "industry + region", bootstrap_cluster="industry",
        interval=False,
    )  # fmt: skip
    np.testing.assert_allclose(test.draws / test.statistic, drawn / drawn[0], rtol=1e-8)


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        ("ols", "continuous ~ x1 + x2 + d"),
        ("logit", "binary ~ x1 + x2 + d"),
        ("poisson", "count ~ x1 + x2 + d"),
    ],
)
@pytest.mark.parametrize("imposed", [True, False])
def test_interval_holds_what_the_test_does_not_reject(function: str, formula: str, imposed: bool) -> None:
    result = getattr(gvc, function)(formula, BALANCED)
    options = {"cluster": "region", "impose_null": imposed, "draws": 399}
    test = gvc.wild_bootstrap(result, "d", **options)
    assert test.conf_low < result.params["d"] < test.conf_high
    width = test.conf_high - test.conf_low
    for end, inward in ((test.conf_low, 1), (test.conf_high, -1)):
        inside, outside = end + inward * 1e-3 * width, end - inward * 1e-3 * width
        assert gvc.wild_bootstrap(result, f"d = {inside}", interval=False, **options).pvalue > 0.05
        assert gvc.wild_bootstrap(result, f"d = {outside}", interval=False, **options).pvalue <= 0.05


def test_same_seed_same_draws_and_other_seed_others() -> None:
    result = gvc.ols("continuous ~ x1 + d", BALANCED)
    first, again, other = (gvc.wild_bootstrap(result, "d", "region", seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.draws, again.draws)
    assert not np.array_equal(first.draws, other.draws)


def test_joint_hypothesis_of_one_is_the_square() -> None:
    result = gvc.ols("continuous ~ x1 + x2 + d", FEW)
    joint = gvc.wild_bootstrap(result, ["d", "x1 = 2*x2"], "industry", interval=False)
    assert joint.enumerated
    assert np.isnan(joint.conf_low)
    single = gvc.wild_bootstrap(result, "x1 - 2*x2", "industry", interval=False)
    turned = result.test("x1 - 2*x2")
    crv = result.with_vcov({"CRV1": "industry"})
    assert single.statistic**2 == pytest.approx(crv.test("x1 - 2*x2").statistic, rel=1e-10)
    assert joint.statistic == pytest.approx(2 * crv.test(["d", "x1 = 2*x2"]).statistic, rel=1e-8)
    assert turned.statistic != pytest.approx(single.statistic**2, rel=1e-3)


@pytest.mark.parametrize("imposed", [True, False])
def test_identity_likelihood_without_null_is_the_wald_statistic(imposed: bool) -> None:
    result = gvc.logit("binary ~ x1 + x2 + d", BALANCED)
    test = gvc.wild_bootstrap(result, "d", "region", impose_null=imposed, interval=False)
    wald = float(result.with_vcov({"CRV1": "region"}).tstats["d"])
    assert (test.statistic == pytest.approx(wald, rel=1e-6)) is (not imposed)


RESPONSES = {
    "ordered_logit": ("ordered ~ x1 + d", "pooled", "d"),
    "ordered_probit": ("ordered ~ x1 + d", "pooled", "d"),
    "multinomial_logit": ("choice ~ x1 + d", "pooled", "1: d = 2: d"),
    "probit": ("binary ~ x1 + d", "pooled", "d"),
    "logit": ("binary ~ x1 + d", "fixed", "d"),
    "cloglog": ("event ~ x1 + d", "random", "d"),
    "joint_probit": ("first + second ~ x1 + d", "pooled", "`first: d` = `second: d`"),
    "poisson": ("count ~ x1 + d | time", "fixed", "d"),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_restricted_scores_vanish_along_what_is_free(name: str) -> None:
    formula, effects, hypothesis = RESPONSES[name]
    result = getattr(gvc, name)(formula, BALANCED, unit="unit", effects=effects)
    R, r, _ = linear_hypotheses(list(result.params.index), hypothesis)
    scores, bread = result.inference.restricted(R, r)
    total, scale = scores.sum(axis=0), np.sqrt(np.diag(bread))
    # At a constrained maximum the score is a multiple of R.
    multiplier = np.linalg.lstsq(R.T, total, rcond=None)[0]
    assert np.abs((total - R.T @ multiplier) * scale).max() < 1e-5
    assert np.abs(R.T @ multiplier * scale).max() > 1e-3
    test = gvc.wild_bootstrap(result, hypothesis, "region", interval=False)
    lr_like = float(total @ bread @ total)
    wald = result.test(hypothesis).statistic
    assert lr_like == pytest.approx(wald, rel=0.35)
    assert 0 < test.pvalue <= 1


def test_weights_have_mean_zero_and_variance_one() -> None:
    for kind in ("rademacher", "webb", "mammen"):
        v, enumerated = draw_weights(40, 20_000, kind, 3)
        assert not enumerated
        assert v.mean() == pytest.approx(0, abs=0.005)
        assert v.var() == pytest.approx(1, abs=0.01)
        assert len(np.unique(v.round(9))) == {"rademacher": 2, "webb": 6, "mammen": 2}[kind]
    assert (draw_weights(40, 20_000, "mammen", 3)[0] ** 3).mean() == pytest.approx(1, abs=0.02)


def test_all_patterns_when_they_are_few() -> None:
    v, enumerated = draw_weights(5, 31, "rademacher", 1)
    assert enumerated
    assert len(np.unique(v, axis=1).T) == 32
    np.testing.assert_array_equal(v[:, 0], 1.0)
    assert not draw_weights(5, 30, "rademacher", 1)[1]


def test_pvalue_counts_the_sample() -> None:
    assert bootstrap_pvalue(2.0, np.array([1.0, -3.0, 0.5]), False) == 0.5
    assert bootstrap_pvalue(2.0, np.array([2.0, -2.0, 0.5, -0.5]), True) == 0.5
    assert bootstrap_pvalue(9.0, np.array([1.0, np.nan, 0.5]), False) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cluster": "one"}, "one group only"),
        ({"cluster": "region", "weights": "normal"}, "not known"),
        ({"cluster": "region", "draws": 0}, "above zero"),
        ({"cluster": "region", "level": 95}, "between 0 and 1"),
    ],
)
def test_bad_input(options: dict, message: str) -> None:
    result = gvc.ols("continuous ~ x1 + d", BALANCED.assign(one=1))
    with pytest.raises(ModelError, match=message):
        gvc.wild_bootstrap(result, "d", **options)


def test_restriction_on_a_transformed_parameter_is_refused() -> None:
    result = gvc.probit("binary ~ x1 + d", BALANCED, unit="unit", effects="random")
    with pytest.raises(ModelError, match="not linear in the likelihood"):
        gvc.wild_bootstrap(result, "sigma_u = 1", "region", interval=False)


@pytest.mark.parametrize("effect", ["region", "time"])
def test_absorbed_effects_of_a_logit_are_dummies(effect: str) -> None:
    absorbed = gvc.logit(f"binary ~ x1 + d | {effect}", BALANCED)
    dummies = gvc.logit(f"binary ~ x1 + d + C({effect})", BALANCED)
    one, two = (
        gvc.wild_bootstrap(result, "d = 0.4", "region", interval=False, draws=199)
        for result in (absorbed, dummies)
    )
    # The small-sample factor counts absorbed effects nested in clusters out, as it does for linear models.
    np.testing.assert_allclose(one.draws / one.statistic, two.draws / two.statistic, rtol=1e-5)
    assert one.pvalue == two.pvalue
    if effect == "time":
        assert one.statistic == pytest.approx(two.statistic, rel=1e-6)


def test_penalised_and_corrected_estimates_are_refused() -> None:
    firth = gvc.logit("binary ~ x1 + d", FEW, firth=True)
    corrected = gvc.logit("binary ~ x1 + d | unit", BALANCED, bias_correction="analytical")
    for result, message in ((firth, "penalised"), (corrected, "cannot be fitted under a restriction")):
        with pytest.raises(ModelError, match=message):
            gvc.wild_bootstrap(result, "d", "region", interval=False)
    assert gvc.wild_bootstrap(firth, "d", "region", impose_null=False, interval=False).pvalue > 0


@pytest.mark.parametrize("cluster", ["region + industry", "industry + region"])
def test_of_two_ways_the_one_with_fewer_groups_is_drawn(cluster: str) -> None:
    result = gvc.ols("continuous ~ x1 + d", BALANCED)
    fewest = min(("region", "industry"), key=lambda name: BALANCED[name].nunique())
    options = {"draws": 99, "interval": False}
    made = gvc.wild_bootstrap(result, "d", cluster, **options)
    assert made.n_clusters == BALANCED[fewest].nunique()
    asked = gvc.wild_bootstrap(result, "d", cluster, bootstrap_cluster=fewest, **options)
    np.testing.assert_array_equal(made.draws, asked.draws)
