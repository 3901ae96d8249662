"""Results: numbers, words, tables, and tests of hypotheses."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numbers import estimate
from gvcmetrics.ground.printing import WIDEST
from gvcmetrics.models.inference.restrictions import wald
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.summary import left_out

pytestmark = pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"firm": np.repeat(np.arange(50), 6), "year": np.tile(np.arange(6), 50)})
    frame["x"], frame["a b"], frame["xx"] = rng.normal(size=(3, 300))
    frame["sector"] = np.tile(["agro", "wood", "steel"], 100)
    frame["y"] = 1 + frame["x"] - 0.4 * frame["xx"] + rng.normal(size=300)
    return frame


@pytest.fixture(scope="module")
def result(data: pd.DataFrame) -> Results:
    return gvc.ols("y ~ x + xx + `a b` + log(x**2) + sector", data, vcov={"CRV1": "firm"})


def test_series_agree_with_each_other(result: Results) -> None:
    tidy = result.tidy()
    assert list(tidy.columns) == [
        "term",
        "estimate",
        "std_error",
        "statistic",
        "p_value",
        "conf_low",
        "conf_high",
    ]
    np.testing.assert_allclose(tidy["std_error"] ** 2, np.diag(result.cov))
    np.testing.assert_allclose(tidy["p_value"], 2 * stats.t(49).sf(np.abs(result.tstats)))
    half = stats.t(49).ppf(0.95) * result.std_errors
    np.testing.assert_allclose(result.conf_int(0.9)["conf_high"], result.params + half)
    with pytest.raises(ModelError, match=r"0\.95 for 95"):
        result.conf_int(95)


def test_with_vcov_equals_fitting_again(data: pd.DataFrame, result: Results) -> None:
    formula = "y ~ x + xx + `a b` + log(x**2) + sector"
    for vcov in ("iid", "hetero", "HC3", {"CRV1": "firm + year"}, {"CRV3": "year"}, {"DK": "year"}):
        again = gvc.ols(formula, data, vcov=vcov)
        changed = result.with_vcov(vcov)
        np.testing.assert_allclose(changed.std_errors, again.std_errors, rtol=1e-12)
        assert (changed.df, changed.vcov_label) == (again.df, again.vcov_label)
    assert changed.call == result.call + ".with_vcov({'DK': 'year'})"


def test_the_call_can_be_run_again(data: pd.DataFrame, result: Results) -> None:
    again = eval(result.with_vcov("hetero").call, {"gvc": gvc, "data": data})
    pd.testing.assert_series_equal(again.params, result.params)
    assert again.vcov_label == "heteroskedastic (HC1)"


@pytest.mark.parametrize(
    "hypotheses", ["x = xx", ["x - 2*xx = 1", "`a b`"], ["log(x ** 2) = 0", "x = 1"], "2*(x + xx)/4 = 0.3"]
)
def test_wald_by_hand(result: Results, hypotheses: str | list[str]) -> None:
    names = list(result.params.index)
    rows = {
        "x = xx": ({"x": 1, "xx": -1}, 0),
        "x - 2*xx = 1": ({"x": 1, "xx": -2}, 1),
        "`a b`": ({"a b": 1}, 0),
        "log(x ** 2) = 0": ({"log(x ** 2)": 1}, 0),
        "x = 1": ({"x": 1}, 1),
        "2*(x + xx)/4 = 0.3": ({"x": 0.5, "xx": 0.5}, 0.3),
    }
    chosen = [rows[text] for text in ([hypotheses] if isinstance(hypotheses, str) else hypotheses)]
    R = np.array([[row.get(name, 0) for name in names] for row, _ in chosen])
    distance = R @ result.params - [constant for _, constant in chosen]
    expected = distance @ np.linalg.inv(R @ result.cov.to_numpy() @ R.T) @ distance / len(chosen)
    test = result.test(hypotheses)
    assert test.statistic == pytest.approx(expected, rel=1e-10)
    assert test.pvalue == pytest.approx(stats.f.sf(expected, len(chosen), 49), rel=1e-10)
    normal = wald(result.params, result.cov, hypotheses)
    assert normal.statistic == pytest.approx(expected * len(chosen), rel=1e-10)
    assert normal.distribution == "χ²"


def test_one_hypothesis_is_the_square_of_t(result: Results) -> None:
    for name in result.params.index:
        assert result.test(f"`{name}` = 0").statistic == pytest.approx(result.tstats[name] ** 2, rel=1e-10)
        assert result.test(name).pvalue == pytest.approx(result.pvalues[name], rel=1e-8)


@pytest.mark.parametrize(
    ("hypotheses", "message"),
    [
        ("z = 0", "'z' in hypothesis"),
        ("`z` = 0", "'z' is not a parameter"),
        ("x * xx = 0", "not linear"),
        ("x ** 2 = 0", "not linear"),
        ("exp(x) = 1", "not linear"),
        (["x = 0", "2*x = 0"], "redundant"),
        ("x = = 0", "cannot be read"),
        ([], "redundant or empty"),
    ],
)
def test_bad_hypotheses(result: Results, hypotheses: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        result.test(hypotheses)  # type: ignore[arg-type]


def test_likelihood_ratio(data: pd.DataFrame, result: Results) -> None:
    small = gvc.ols("y ~ x + xx", data)
    result = result.with_vcov("iid")
    test = result.lr_test(small)
    assert test.statistic == pytest.approx(2 * (result.loglik - small.loglik), rel=1e-12)
    assert test.df == 4
    assert small.lr_test(result).statistic == test.statistic
    fixed = gvc.ols("y ~ x + xx", data, unit="firm", effects="fixed")
    assert fixed.lr_test(small).df == 49
    with pytest.raises(ModelError, match="differ in their observations"):
        small.lr_test(gvc.ols("y ~ x", data.head(200)))
    with pytest.raises(ModelError, match="neither nests"):
        small.lr_test(gvc.ols("y ~ x + `a b`", data))
    with pytest.raises(ModelError, match="with a likelihood"):
        small.lr_test(gvc.ols("y ~ x", data, unit="firm", effects="random"))


def test_information_criteria(data: pd.DataFrame) -> None:
    small = gvc.ols("y ~ x + xx", data)
    glance = small.glance().iloc[0]
    assert glance["aic"] == pytest.approx(2 * 3 - 2 * small.loglik)
    assert glance["bic"] == pytest.approx(np.log(300) * 3 - 2 * small.loglik)
    assert glance["nobs"] == 300


def test_summary_reads_like_a_column(result: Results) -> None:
    lines = result.summary().splitlines()
    assert lines[0] == "OLS"
    assert len({len(line) for line in lines if set(line) <= set("─═")}) == 1
    row = next(line for line in lines if line.startswith("x "))
    assert re.split(r"\s+", row)[1:3] == [f"{result.params['x']:.4f}", "***"]
    assert "clustered (CRV1) by firm" in result.summary()
    assert "*** p < 0.01" in result.summary()
    assert str(result) == repr(result) == result.summary()
    # Every column of numbers ends at the same place.
    table = [line for line in lines if line.startswith(("x ", "xx ", "a b ", "sector"))]
    assert len({len(line) for line in table}) == 1


def test_summary_says_what_went_wrong(data: pd.DataFrame) -> None:
    data = data.assign(x=data["x"].where(data.index > 4))
    text = gvc.ols("y ~ x + xx", data).summary()
    assert "Left out: 5 rows (missing x)." in text
    assert left_out({"missing x": 1, "singleton": 1200}) == (
        "Left out: 1 row (missing x), 1,200 rows (singleton)."
    )
    assert left_out({}) == ""


def test_html_escapes_names(data: pd.DataFrame) -> None:
    page = gvc.ols("y ~ `<b>x`", data.rename(columns={"x": "<b>x"}))._repr_html_()
    assert "&lt;b&gt;x" in page
    assert "<b>x" not in page


def test_correlated_effects_have_a_block(data: pd.DataFrame) -> None:
    result = gvc.ols("y ~ x + xx", data, unit="firm", effects="correlated")
    assert list(result.tidy()["block"]) == ["", "", "", "Unit means", "Unit means"]
    lines = result.summary().splitlines()
    assert lines[lines.index("Unit means") + 1].startswith("mean(x)")


LONG = "upgrades_the_design_of_products_for_its_main_buyer"


@pytest.fixture(scope="module")
def joint(data: pd.DataFrame) -> Results:
    rng = np.random.default_rng(3)
    outcomes = (rng.normal(size=(300, 3)) @ [[1, 0.5, 0.5], [0, 1, 0.5], [0, 0, 1]] > 0).astype(int)
    named = pd.DataFrame(outcomes, columns=["product", "organisational_innovation", LONG], index=data.index)
    formula = f"product + organisational_innovation + {LONG} ~ x + organisational_innovation_of_rivals"
    data = data.assign(organisational_innovation_of_rivals=data["xx"])
    return gvc.joint_probit(formula, pd.concat([data, named], axis=1))


def test_equations_are_blocks_and_no_name_is_cut(joint: Results) -> None:
    lines = joint.summary().splitlines()
    assert max(map(len, lines)) <= WIDEST
    assert "…" not in joint.summary()
    for equation in ("product", "organisational_innovation", LONG):
        start = lines.index(equation)
        assert lines[start - 1] == "─" * len(lines[1])
        # The equation is said once: its parameters go by the names of the regressors.
        assert lines[start + 1].split()[:2] == ["Intercept", f"{joint.params[f'{equation}: Intercept']:.4f}"]
        label = lines.index("organisational_innovation_of_rivals", start)
        shown = f"{joint.params[f'{equation}: organisational_innovation_of_rivals']:.4f}"
        assert lines[label + 1].split()[0] == shown
    page = joint._repr_html_()
    assert f"<i>{LONG}</i>" in page
    assert f"{LONG}: x" not in page


def test_a_wide_matrix_has_numbered_columns(joint: Results) -> None:
    lines = joint.summary().splitlines()
    start = lines.index("Correlations of the errors")
    assert lines[start + 1].split() == ["(1)", "(2)", "(3)"]
    rho = joint.params[f"rho({LONG}, product)"]
    assert lines[start + 4].split() == ["(3)", LONG, f"{rho:.4f}", lines[start + 4].split()[3], "1.0000"]
    short = gvc.joint_probit(
        "a + b ~ x", pd.DataFrame({"a": [0, 1] * 20, "b": [0, 1, 1, 0, 1] * 8, "x": range(40)})
    )
    lines = short.summary().splitlines()
    assert lines[lines.index("Correlations of the errors") + 1].split() == ["a", "b"]


def test_cutpoints_and_sigma_are_not_tested_against_zero(data: pd.DataFrame) -> None:
    grade = pd.cut(data["y"], [-9, 0.5, 1.5, 9], labels=False)
    result = gvc.ordered_logit("grade ~ x", data.assign(grade=grade), unit="firm", effects="random")
    lines = result.summary().splitlines()
    for name in ("cut1", "cut2", "sigma_u"):
        words = next(line for line in lines if line.startswith(name)).split()
        interval = result.conf_int().loc[name]
        assert words[1:] == [
            estimate(value) for value in (result.params[name], result.std_errors[name], *interval)
        ]
    assert lines[lines.index("Cutpoints") + 1].startswith("cut1")
    assert lines[lines.index("Unit effect") + 1].startswith("sigma_u")
    # tidy() keeps all numbers, for whoever has another null.
    assert result.tidy()["p_value"].notna().all()


def test_maketables_prints_results_side_by_side(data: pd.DataFrame, result: Results) -> None:
    maketables = pytest.importorskip("maketables")
    fixed = gvc.ols("y ~ x + xx | year", data, unit="firm", effects="fixed", vcov={"CRV1": "firm"})
    table = maketables.ETable([result, fixed]).make(type="tex")
    assert f"{result.params['x']:.3f}***" in table
    assert f"({fixed.std_errors['xx']:.3f})" in table
    assert "Observations & 300 & 300" in table
    assert re.search(r"firm & - & x", table)
    assert "Clusters & 50 & 50" in table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.1235"),
        (-12.0, "-12.0000"),
        (0.00012, "1.200e-04"),
        (3e7, "3.000e+07"),
        (0.0, "0.0000"),
        (7, "7"),
        (None, "."),
        (np.nan, "."),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert estimate(value) == text


def test_the_mean_of_the_outcome_is_weighted_and_needs_one_number() -> None:
    frame = pd.DataFrame(
        {"y": [0, 1, 1, 0, 1, 1], "z": [1, 1, 0, 0, 1, 0], "x": range(6), "w": [3, 1, 1, 1, 2, 1]}
    )
    assert gvc.ols("y ~ x", frame, weights="w").statistic("outcome_mean") == pytest.approx(5 / 9)
    assert gvc.ordered_logit("y ~ x", frame).statistic("outcome_mean") is None
    assert gvc.joint_probit("y + z ~ 1", frame).statistic("outcome_mean") is None
