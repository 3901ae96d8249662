"""What marginal effects may be asked for: contrasts, values, groups, scales, outcomes, prints, refusals."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, ModelError
from gvcmetrics.models.results.results import Results

REFERENCE = Path(__file__).parents[1] / "reference" / "engine"
DATA = pd.read_csv(REFERENCE / "data" / "balanced.csv")


@pytest.fixture(scope="module")
def interacted() -> Results:
    return gvc.logit("binary ~ x1*d + x2 + d*g", DATA, vcov={"CRV1": "unit"})


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_against_statsmodels_with_robust_errors() -> None:
    res = gvc.probit("binary ~ x1 + x2 + d", DATA)
    X = sm.add_constant(DATA[["x1", "x2", "d"]])
    theirs = sm.Probit(DATA["binary"], X).fit(disp=0, tol=1e-12).get_margeff(dummy=True)
    made = res.margins()
    np.testing.assert_allclose(made.params, theirs.margeff, rtol=1e-7)
    np.testing.assert_allclose(made.std_errors, theirs.margeff_se, rtol=1e-6)
    clustered = res.with_vcov({"CRV1": "region"}).margins()
    assert (np.abs(clustered.std_errors / made.std_errors - 1) > 0.01).all()
    np.testing.assert_array_equal(clustered.params, made.params)


def test_effects_on_all_categories_add_to_zero() -> None:
    for res in (
        gvc.ordered_logit("ordered ~ x1*d + g", DATA),
        gvc.multinomial_logit("choice ~ x1 + g", DATA),
    ):
        made = res.margins().frame()
        sums = made.groupby(["variable", "contrast"])["estimate"].sum()
        np.testing.assert_allclose(sums, 0, atol=1e-12)
        levels = res.margins(kind="predictions").values
        assert levels.sum() == pytest.approx(1, rel=1e-12)


def test_joint_outcomes_are_sums_of_their_cells() -> None:
    made = gvc.joint_probit("first + second ~ x1 + d", DATA).margins("d").params
    assert list(made.index[:2]) == ["first: d", "second: d"]
    assert made["first: d"] == pytest.approx(
        made["first=1, second=0: d"] + made["first=1, second=1: d"], rel=1e-9
    )


def test_contrasts_between_categories(interacted: Results) -> None:
    base = interacted.margins("g").params
    pairs = interacted.margins("g", contrasts="pairwise")
    assert list(pairs.terms) == ["g: b - a", "g: c - a", "g: c - b"]
    np.testing.assert_allclose(pairs.params["g: c - b"], base["g: c - a"] - base["g: b - a"])
    adjacent = interacted.margins("g", contrasts="adjacent")
    assert list(adjacent.terms) == ["g: b - a", "g: c - b"]
    one = interacted.margins("g", contrasts={"g": [("b", "c")]})
    assert one.params.iloc[0] == -pairs.params["g: c - b"]
    assert one.std_errors.iloc[0] == pytest.approx(pairs.std_errors["g: c - b"], rel=1e-12)
    test = pairs.test("`g: c - a` - `g: b - a` = 0")
    assert test.statistic == pytest.approx(pairs.tstats["g: c - b"] ** 2, rel=1e-8)


def test_the_base_is_that_of_the_formula() -> None:
    res = gvc.logit("binary ~ C(g, contr.treatment('b')) + C(time)", DATA)
    assert list(res.margins("g").terms) == ["g: a - b", "g: c - b"]
    assert res.margins("time").keys["contrast"].iloc[0] == "2002 - 2001"
    ordered = DATA.assign(g=pd.Categorical(DATA["g"], ["c", "a", "b"]))
    assert list(gvc.logit("binary ~ g", ordered).margins().terms) == ["g: a - c", "g: b - c"]


def test_steps_of_numbers(interacted: Results) -> None:
    step = interacted.margins("x1", contrasts={"x1": [(1, -1)]})
    ends = interacted.margins(kind="predictions", at={"x1": [-1, 1]})
    assert step.params.iloc[0] == pytest.approx(np.diff(ends.values)[0], rel=1e-12)
    flag = gvc.logit("binary ~ flag + x1", DATA.assign(flag=DATA["d"] == 1))
    assert flag.margins("flag").params.iloc[0] == pytest.approx(
        gvc.logit("binary ~ d + x1", DATA).margins("d").params.iloc[0], rel=1e-9
    )


def test_groups_average_to_the_whole(interacted: Results) -> None:
    whole = interacted.margins(["x1", "g"]).params
    parts = interacted.margins(["x1", "g"], by=["region", "time"]).frame()
    counts = DATA.groupby(["region", "time"]).size().rename("rows").reset_index()
    parts = parts.merge(counts, on=["region", "time"])
    parts["product"] = parts["estimate"] * parts["rows"]
    sums = parts.groupby(["variable", "contrast"], sort=False)["product"].sum() / len(DATA)
    np.testing.assert_allclose(sums, whole, rtol=1e-12)
    alone = interacted.margins("d", by="g").frame()
    assert list(alone["g"]) == ["a", "b", "c"]


def test_weights_count_like_repeated_rows() -> None:
    data = DATA.head(300).assign(times=lambda d: 1 + d["time"] % 3)
    repeated = data.loc[data.index.repeat(data["times"])]
    one = gvc.ordered_probit("ordered ~ x1 + d", data, weights="times", frequency=True).margins()
    other = gvc.ordered_probit("ordered ~ x1 + d", repeated).margins()
    np.testing.assert_allclose(one.params, other.params, rtol=1e-8)
    np.testing.assert_allclose(one.std_errors, other.std_errors, rtol=1e-7)


def test_at_means_of_categories_are_their_shares() -> None:
    res = gvc.logit("binary ~ x1*g + C(d)", DATA)
    b, share = res.params, DATA["g"].value_counts(normalize=True)
    x1 = DATA["x1"].mean()
    index = b["Intercept"] + x1 * b["x1"] + DATA["d"].mean() * b["C(d)[T.1]"]
    index += sum(share[g] * (b[f"g[T.{g}]"] + x1 * b[f"x1:g[T.{g}]"]) for g in "bc")
    made = res.margins(kind="predictions", at_means=True)
    assert made.params.iloc[0] == pytest.approx(1 / (1 + np.exp(-index)), rel=1e-10)
    slope = b["x1"] + sum(share[g] * b[f"x1:g[T.{g}]"] for g in "bc")
    p = made.params.iloc[0]
    assert res.margins("x1", at_means=True).params.iloc[0] == pytest.approx(p * (1 - p) * slope, rel=1e-10)


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_conditional_models_have_effects_on_the_log_odds() -> None:
    res = gvc.logit("binary ~ x1*d + x2", DATA, unit="unit", effects="fixed", vcov={"CRV1": "region"})
    made = res.margins(["x1", "x1:d"])
    used = DATA.iloc[res.sample.rows]
    b = res.params
    assert made.scale == "log odds"
    np.testing.assert_allclose(made.values, [b["x1"] + b["x1:d"] * used["d"].mean(), b["x1:d"]], rtol=1e-12)
    semi = res.margins("x2", scale="semi_elasticity")
    left = 1 - used["binary"].mean()
    assert semi.params.iloc[0] == pytest.approx(left * b["x2"], rel=1e-12)
    assert semi.std_errors.iloc[0] == pytest.approx(left * res.std_errors["x2"], rel=1e-12)
    with pytest.raises(ModelError, match="depends on the unit effects"):
        res.margins("d", scale="semi_elasticity")
    with pytest.raises(ModelError, match="no probability can change"):
        res.margins(scale="response")
    with pytest.raises(ModelError, match="no level to predict"):
        res.margins(kind="predictions")
    choice = gvc.multinomial_logit("choice ~ x1 + d", DATA, unit="unit", effects="fixed")
    np.testing.assert_allclose(choice.margins().params, choice.params.loc[choice.margins().terms], rtol=1e-12)
    with pytest.raises(ModelError, match="is not known for this model"):
        choice.margins(scale="semi_elasticity")


def test_a_unit_mean_stays_where_it_is() -> None:
    res = gvc.probit("binary ~ x1", DATA, unit="unit", effects="correlated_pooled")
    b, eta = res.params, res.predict(kind="index")
    density = np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi)
    assert res.margins("x1").params.iloc[0] == pytest.approx((density * b["x1"]).mean(), rel=1e-10)
    linear = gvc.ols("continuous ~ x1", DATA, unit="unit", effects="correlated")
    assert linear.margins("x1").params.iloc[0] == pytest.approx(linear.params["x1"], rel=1e-12)


def test_names_that_are_no_identifiers_and_lags() -> None:
    data = DATA.rename(columns={"x1": "a b", "x2": "x:1"})
    res = gvc.logit("binary ~ `a b`*d + `x:1` + L(`a b`)", data, unit="unit", time="time")
    made = res.margins(["a b", "x:1", "L(a b)", "`a b`:d"])
    assert list(made.terms) == ["a b", "x:1", "L(a b)", "a b:d"]
    assert made.keys["contrast"].iloc[-1] == "dy/da b: 1 - 0"


def test_columns_of_any_dtype() -> None:
    plain = gvc.logit("binary ~ x1*d + g", DATA).margins()
    typed = DATA.assign(
        x1=DATA["x1"].astype(object), d=DATA["d"].astype("Int64"), g=DATA["g"].astype("category")
    )
    made = gvc.logit("binary ~ x1*d + g", typed).margins()
    np.testing.assert_allclose(made.params, plain.params, rtol=1e-10)
    np.testing.assert_allclose(made.std_errors, plain.std_errors, rtol=1e-10)


def test_prints_and_tidy(interacted: Results) -> None:
    made = interacted.margins(["x1", "g"], at={"d": [0, 1]})
    assert list(made.terms[:2]) == ["x1 | d=0", "g: b - a | d=0"]
    text = str(made)
    assert text.startswith("Average marginal effects on the probability of binary · Logit")
    assert "clustered (CRV1) by unit, 300 in unit" in text
    assert made.call.endswith(".margins(variables=['x1', 'g'], at={'d': [0, 1]})")
    assert made._repr_html_().count("<tr>") == 7
    tidy = made.tidy(0.90)
    assert list(tidy.columns) == [
        "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high",
    ]  # fmt: skip
    np.testing.assert_allclose(tidy["conf_high"] - tidy["estimate"], 1.6448536 * tidy["std_error"])
    blocks = gvc.ordered_logit("ordered ~ x1", DATA).margins().tidy()
    assert list(blocks["block"]) == ["1", "2", "3", "4"]
    assert "***" not in str(interacted.margins(kind="predictions")).split("═")[-1]


def test_outcomes_are_blocks_of_the_printed_table() -> None:
    made = gvc.ordered_logit("ordered ~ x1 + g", DATA).margins()
    lines = str(made).splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("variable"))
    assert "outcome" not in lines[head]
    for outcome in ("1", "2", "3", "4"):
        row = lines[lines.index(outcome) + 1].split()
        assert row[:3] == ["x1", "dy/dx", f"{made.params[f'{outcome}: x1']:.4f}"]
    assert made._repr_html_().count("colspan") == 4
    long = DATA.rename(columns={"g": "how_the_buyer_governs_the_chain_of_this_product", "x1": "x"})
    name = "how_the_buyer_governs_the_chain_of_this_product"
    long[name] = long[name].map({g: f"{g} where design and process are set by the buyer" for g in "abc"})
    lines = str(gvc.logit(f"binary ~ x + {name}", long).margins()).splitlines()
    assert max(map(len, lines)) <= 100
    assert not any("…" in line for line in lines)


def test_a_table_puts_effects_beside_coefficients(interacted: Results) -> None:
    made = interacted.margins(["x1", "g", "x1:d"])
    printed = gvc.table([interacted, made], headers=["Logit", "Effects"])
    lines = {line.split("  ")[0].strip(): line for line in str(printed).splitlines()}
    for term, label in (("x1", "x1"), ("x1:d", "x1 × d")):
        for numbers in (interacted.params, made.params):
            assert f"{numbers[term]:.3f}" in lines[label]
    assert f"{made.params['g: b - a']:.3f}" in lines["g: b - a"]
    alone = str(gvc.table([made]))
    assert "Pseudo R²" in alone
    assert f"{made.std_errors['x1']:.3f}" in alone


def test_refusals(interacted: Results) -> None:
    for options, message in (
        ({"variables": "x9"}, "'x9' is not a variable of the model. They are x1, d, x2, g"),
        ({"variables": "x1:d:g"}, "not an interaction of two variables"),
        ({"variables": "x1:x1"}, "not an interaction of two variables"),
        ({"at": {"x9": 1}}, "at= names 'x9'"),
        ({"at": {"x1": []}}, "0 combinations"),
        ({"kind": "slopes"}, "kind='slopes' is not known"),
        ({"scale": "log"}, "scale='log' is not known"),
        ({"scale": "log_odds"}, "is not known for this model"),
        ({"unit_effect": "mean"}, "unit_effect='mean' is not known"),
        ({"contrasts": "helmert"}, "contrasts='helmert' is not known"),
        ({"variables": "g", "contrasts": {"g": ["b"]}}, r"must be pairs \(to, from\)"),
        ({"variables": "x1", "kind": "predictions"}, "need a variable with categories"),
        ({"outcomes": ["yes"]}, "this model has one"),
    ):
        with pytest.raises(ModelError, match=message):
            interacted.margins(**options)
    for options, message in (
        ({"variables": "g", "contrasts": {"g": [("z", "a")]}}, "'z' was not in the estimation sample"),
        ({"at": {"g": "z"}}, "'z' was not in the estimation sample"),
        ({"at": {"x1": "high"}}, "'high' is not a number"),
        ({"by": "sector"}, "no such column"),
    ):
        with pytest.raises(DataError, match=message):
            interacted.margins(**options)
    holes = DATA.assign(sector=DATA["region"].where(DATA.index > 3))
    with pytest.raises(DataError, match="row 2, column 'sector': 4 rows of the estimation sample"):
        gvc.logit("binary ~ x1", holes).margins(by="sector")
    powers = gvc.logit("binary ~ np.cbrt(x1) + sqrt(size):d", DATA.assign(size=DATA["x2"].clip(0)))
    with pytest.raises(ModelError, match=r"derivative of cbrt\(\) in 'np.cbrt\(x1\)' is not known"):
        powers.margins("x1")
    with pytest.raises(ModelError, match="'size' is infinite at 0"):
        powers.margins("size")
    assert np.isfinite(powers.margins("x1", contrasts={"x1": [(1, 0)]}).std_errors).all()
    product = gvc.logit("binary ~ I(x1 * x2) + d", DATA)
    with pytest.raises(ModelError, match="Write their product as x1:x2"):
        product.margins("x1:x2")
    shifted = gvc.logit("binary ~ x1 + x2", DATA, offset="0.5 * x2")
    for options in ({"variables": "x2"}, {"at": {"x2": 0}}):
        with pytest.raises(ModelError, match="'x2' stands in the offset too"):
            shifted.margins(**options)
    with pytest.raises(ModelError, match="has no expected outcomes"):
        replace(interacted, predictor=None).margins()
    joint = gvc.joint_probit("first + second ~ x1 + x2", DATA.head(200))
    with pytest.raises(ModelError, match="not known for all outcomes here"):
        joint.margins("x1:x2")


def test_intervals_cover_the_true_effects() -> None:
    """Given the regressors, in 120 samples drawn from a probit with an interaction."""
    draws = np.random.default_rng(5)
    frame = pd.DataFrame({"x": draws.normal(size=400), "d": draws.integers(0, 2, 400)})
    x, d = frame["x"], frame["d"]

    def density(at: pd.Series | float) -> pd.Series:
        eta = 0.2 + 0.5 * x - 0.3 * at + 0.4 * x * at
        return np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi) * (0.5 + 0.4 * at)

    truth = np.array([density(d).mean(), (density(1.0) - density(0.0)).mean()])
    found, covered = [], []
    for _ in range(120):
        index = 0.2 + 0.5 * x - 0.3 * d + 0.4 * x * d
        frame["y"] = (index + draws.normal(size=400) > 0).astype(int)
        made = gvc.probit("y ~ x*d", frame).margins(["x", "x:d"])
        found.append(made.values)
        covered.append(np.abs(made.values - truth) < 1.959964 * made.std_errors.to_numpy())
    errors = np.std(found, axis=0) / np.sqrt(120)
    assert (np.abs(np.mean(found, axis=0) - truth) < 3 * errors).all()
    share = np.mean(covered, axis=0)
    assert ((share > 0.89) & (share < 0.995)).all(), share


def test_r_and_statsmodels_agree_on_the_stored_values() -> None:
    """The stored averages of a logit and a Poisson, made once more by statsmodels."""
    cases = json.loads((REFERENCE / "margins.json").read_text())
    X = sm.add_constant(DATA[["x1", "x2", "d"]].assign(b=DATA["g"] == "b", c=DATA["g"] == "c").astype(float))
    for name, model, y in (("logit", sm.Logit, "binary"), ("poisson", sm.Poisson, "count")):
        theirs = model(DATA[y], X).fit(disp=0, tol=1e-12, maxiter=100).get_margeff()
        np.testing.assert_allclose(
            theirs.margeff[:2], cases[f"{name}:balanced:average"]["estimate"][:2], rtol=1e-7
        )
