"""Production functions: R written out plainly, recovery on simulated firms, resampling, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyfixest
import pytest
import statsmodels.api as sm

from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.measures.firms.productivity import (
    labour_productivity,
    markups,
    production_function,
    revenue_tfp,
)
from gvcmetrics.simulate.firms import simulate_firms

REFERENCE = Path(__file__).parents[2] / "reference" / "productivity"
MATERIALS, INVESTMENT = "materials_usd", "investment_usd"
MOMENTS = {"objective": "moments"}
GROSS = {"output": "sales_usd", "free": ("employment", MATERIALS)}

CASES = {
    "ols": {"method": "ols"},
    "ols_years": {"method": "ols", "year_effects": True},
    "fixed_effects": {"method": "fixed_effects"},
    "olley_pakes": {"method": "olley_pakes", "proxy": INVESTMENT, **MOMENTS},
    "olley_pakes_survival": {"method": "olley_pakes", "proxy": INVESTMENT, "survival": True, **MOMENTS},
    "levinsohn_petrin": {"method": "levinsohn_petrin", "proxy": MATERIALS, **MOMENTS},
    "olley_pakes_residuals": {"method": "olley_pakes", "proxy": INVESTMENT},
    "olley_pakes_survival_residuals": {"method": "olley_pakes", "proxy": INVESTMENT, "survival": True},
    "levinsohn_petrin_residuals": {"method": "levinsohn_petrin", "proxy": MATERIALS},
    "levinsohn_petrin_gross": {"method": "levinsohn_petrin", "proxy": MATERIALS, **GROSS},
    "ackerberg_caves_frazer": {"method": "ackerberg_caves_frazer", "proxy": MATERIALS},
    "ackerberg_caves_frazer_years": {
        "method": "ackerberg_caves_frazer", "proxy": MATERIALS, "year_effects": True,
    },
    "ols_translog": {"method": "ols", "form": "translog"},
    "ackerberg_caves_frazer_translog": {
        "method": "ackerberg_caves_frazer", "proxy": MATERIALS, "form": "translog",
    },
    "wooldridge": {"method": "wooldridge", "proxy": MATERIALS},
    "wooldridge_gross": {"method": "wooldridge", "proxy": MATERIALS, **GROSS},
}  # fmt: skip


@pytest.fixture(scope="module")
def firms() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "firms.csv")


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("case", CASES)
def test_against_r(firms, case):
    table = pd.read_csv(REFERENCE / "production.csv")
    expected = table[table["case"] == case].set_index("input")
    # Rows in another order and under a repeated index must not matter.
    shuffled = firms.sample(frac=1, random_state=1).set_axis([0] * len(firms))
    got = production_function(shuffled, **CASES[case]).coefficients.set_index("input").loc[expected.index]
    # A minimum is found to the root of the machine's precision, by R's optimize too.
    atol = 2e-6 if case.endswith("residuals") else 0
    np.testing.assert_allclose(got["estimate"], expected["estimate"], rtol=1e-8, atol=atol)
    if expected["std_error"].notna().all():
        np.testing.assert_allclose(got["std_error"], expected["std_error"], rtol=1e-8)
    else:
        assert got["std_error"].isna().all()


@pytest.mark.filterwarnings("ignore:.*singleton fixed effect:UserWarning")
@pytest.mark.parametrize(("method", "absorb"), [("ols", ""), ("fixed_effects", " | firm_id")])
def test_clustered_errors_follow_fixest(firms, method, absorb):
    got = production_function(firms, method=method).coefficients
    logged = np.log(firms.drop(columns=["firm_id", "year"])).assign(firm_id=firms["firm_id"])
    fit = pyfixest.feols(
        f"value_added_usd ~ employment + capital_usd{absorb}", logged, vcov={"CRV1": "firm_id"}
    )
    np.testing.assert_allclose(got["estimate"], fit.coef()[list(got["input"])], rtol=1e-8)
    np.testing.assert_allclose(got["std_error"], fit.se()[list(got["input"])], rtol=1e-8)


def test_log_tfp_is_the_residual_and_its_noise_is_told_apart(firms):
    result = production_function(firms, method="levinsohn_petrin", proxy=MATERIALS)
    beta = result.coefficients.set_index("input")["estimate"]
    expected = np.log(firms["value_added_usd"]) - np.log(firms[list(beta.index)]) @ beta
    np.testing.assert_allclose(result.productivity["log_tfp"], expected, rtol=1e-12)
    assert result.productivity.index.equals(firms.index)
    assert abs(result.productivity["first_stage_residual"].mean()) < 1e-10
    assert result.productivity.attrs["lineage"]["log_tfp"] == [
        "capital_usd", "employment", "materials_usd", "value_added_usd",
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize(
    ("method", "proxy", "world"),
    [
        ("ackerberg_caves_frazer", MATERIALS, {"design": "early labour"}),
        ("levinsohn_petrin", MATERIALS, {"design": "labour errors"}),
        ("wooldridge", MATERIALS, {"design": "labour errors"}),
        ("olley_pakes", INVESTMENT, {"design": "labour errors", "adjustment_cost_spread": 0.0, "burn_in": 1}),
    ],
)
def test_elasticities_are_recovered_where_least_squares_is_biased(method, proxy, world):
    firms = simulate_firms(1000, 10, seed=20, **world)
    truth = pd.Series(firms.attrs["truth"])
    ols = production_function(firms, method="ols").coefficients.set_index("input")
    bias = (ols["estimate"] - truth) / ols["std_error"]
    assert bias["employment"] > 50
    assert ols.at["employment", "estimate"] > 0.75
    result = production_function(firms, method=method, proxy=proxy, bootstrap=40, seed=1)
    got = result.coefficients.set_index("input")
    distance = (got["estimate"] - truth) / got["std_error"]
    assert (distance.abs() < 2).all(), distance
    assert got.at["employment", "std_error"] < 0.02
    omega = result.productivity["log_tfp"]
    if result.productivity.shape[1] == 2:
        omega = omega - result.productivity["first_stage_residual"]
    closeness = np.corrcoef(omega, firms["true_log_productivity"])[0, 1]
    assert closeness > (0.8 if method == "wooldridge" else 0.98)


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_survival_correction_undoes_selective_exit():
    world = {"design": "labour errors", "adjustment_cost_spread": 0.0, "burn_in": 1}
    firms = simulate_firms(2000, 8, seed=502, **world)
    # Firms with more capital bear lower productivity before they leave, so survivors' capital looks useless.
    log_capital = np.log(firms["capital_usd"])
    bound = -0.15 - 0.5 * (log_capital - log_capital.mean())
    leaves = firms["year"].where((firms["true_log_productivity"] < bound) & (firms["year"] > 0))
    stayed = firms[firms["year"] < leaves.groupby(firms["firm_id"]).transform("min").fillna(99)]
    op = {"method": "olley_pakes", "proxy": INVESTMENT, "objective": "moments", "bootstrap": 30}
    naive = production_function(stayed, **op).coefficients.set_index("input").loc["capital_usd"]
    corrected = production_function(stayed, **op, survival=True).coefficients.set_index("input")
    assert naive["estimate"] < 0.4 - 5 * naive["std_error"]
    assert abs(corrected.at["capital_usd", "estimate"] - 0.4) < 2 * corrected.at["capital_usd", "std_error"]
    assert corrected.at["capital_usd", "std_error"] < 0.08


def test_mean_over_replications_is_the_truth():
    estimates = []
    for seed in range(12):
        firms = simulate_firms(250, 8, design="labour errors", seed=seed)
        result = production_function(firms, method="levinsohn_petrin", proxy=MATERIALS)
        estimates.append(result.coefficients["estimate"].to_numpy())
    mean, spread = np.mean(estimates, axis=0), np.std(estimates, axis=0, ddof=1) / np.sqrt(12)
    assert (np.abs(mean - [0.6, 0.4]) < 2.5 * spread).all(), (mean, spread)
    assert (spread < 0.02).all()


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize(
    "case",
    ["ols", "fixed_effects", "olley_pakes_survival", "levinsohn_petrin", "ackerberg_caves_frazer_years"],
)
def test_a_bootstrap_draw_equals_estimation_on_the_drawn_firms(firms, case):
    result = production_function(firms, **CASES[case], bootstrap=3, seed=5)
    ids = np.sort(firms["firm_id"].unique())
    solved = result.draws.dropna()
    assert len(solved) == result.groups.at[0, "bootstrap_draws"] >= 1
    draw = solved.index[-1]
    counts = np.random.default_rng(5).multinomial(len(ids), np.full(len(ids), 1 / len(ids)), size=3)[draw]
    copies = [
        firms[firms["firm_id"] == firm].assign(firm_id=firm + 1000 * copy)
        for firm, count in zip(ids, counts, strict=True)
        for copy in range(count)
    ]
    drawn = production_function(pd.concat(copies), **CASES[case]).coefficients["estimate"]
    np.testing.assert_allclose(solved.iloc[-1, 1:].astype(float), drawn, rtol=1e-6)


def test_bootstrap_repeats_and_agrees_with_the_clustered_formula(firms):
    one = production_function(firms, method="ols", bootstrap=300, seed=3).coefficients["std_error"]
    two = production_function(firms, method="ols", bootstrap=300, seed=3).coefficients["std_error"]
    np.testing.assert_array_equal(one, two)
    analytic = production_function(firms, method="ols").coefficients["std_error"]
    np.testing.assert_allclose(one, analytic, rtol=0.15)


def test_groups_are_estimated_apart_and_small_ones_are_told(firms):
    rest = firms.assign(firm_id=firms["firm_id"] + 1000, value_added_usd=firms["value_added_usd"] ** 2)
    few = firms.head(2).assign(firm_id=9999, year=[0, 1])
    both = pd.concat([firms.assign(industry="24"), rest.assign(industry="25"), few.assign(industry="26")])
    with pytest.warns(EstimationWarning, match="not estimated: 26"):
        result = production_function(both, method="levinsohn_petrin", proxy=MATERIALS, by="industry")
    alone = production_function(rest, method="levinsohn_petrin", proxy=MATERIALS).coefficients
    got = result.coefficients.set_index(["group", "input"])["estimate"]
    np.testing.assert_allclose(got["25"], alone["estimate"], rtol=1e-9)
    assert got["26"].isna().all()
    groups = result.groups.set_index("group")
    assert groups.loc["24", ["rows", "firms", "status"]].tolist() == [len(firms), 250, "estimated"]
    assert "too few" in groups.at["26", "status"]
    assert result.productivity["log_tfp"].isna().sum() == 2


def test_rows_with_zeros_are_left_out_of_estimate_and_measure(firms):
    zero = firms.copy()
    zero.loc[[3, 8], "employment"] = 0.0
    zero.loc[20, "value_added_usd"] = -5.0
    got = production_function(zero, method="levinsohn_petrin", proxy=MATERIALS)
    without = production_function(zero.drop(index=[3, 8, 20]), method="levinsohn_petrin", proxy=MATERIALS)
    pd.testing.assert_frame_equal(got.coefficients, without.coefficients)
    assert got.productivity["log_tfp"].isna().to_numpy().nonzero()[0].tolist() == [3, 8, 20]


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_translog_elasticities_are_those_of_a_cobb_douglas_world():
    firms = simulate_firms(1000, 10, seed=20)
    acf = {"method": "ackerberg_caves_frazer", "proxy": MATERIALS, "form": "translog", "bootstrap": 30}
    result = production_function(firms, **acf)
    table = result.coefficients.set_index("input")
    distance = (table["estimate"] - [0.6, 0.4, 0, 0, 0]) / table["std_error"]
    assert (distance.abs() < 2).all(), distance
    slopes = result.elasticities
    np.testing.assert_allclose(slopes.mean(), table["estimate"].iloc[:2], rtol=1e-9)
    bigger = firms.assign(employment=firms["employment"] * 1.001)
    x, y = np.log(firms[["employment", "capital_usd"]]), np.log(bigger[["employment", "capital_usd"]])
    centre, beta = x.mean(), table["estimate"]

    def value(logged: pd.DataFrame) -> pd.Series:
        e, c = (logged["employment"] - centre["employment"], logged["capital_usd"] - centre["capital_usd"])
        return (
            beta.iloc[0] * e
            + beta.iloc[1] * c
            + beta.iloc[2] * e**2
            + beta.iloc[3] * e * c
            + beta.iloc[4] * c**2
        )

    numeric = (value(y) - value(x)) / np.log(1.001)
    np.testing.assert_allclose(slopes["employment"], numeric, atol=1e-4)
    np.testing.assert_allclose(
        result.productivity["log_tfp"], np.log(firms["value_added_usd"]) - value(x), atol=1e-9
    )


def test_cobb_douglas_elasticities_feed_markups(firms):
    grouped = firms.assign(industry=np.where(firms["firm_id"] < 125, "24", "25"))
    result = production_function(grouped, method="ols", by="industry", **GROSS)
    beta = result.coefficients.set_index(["group", "input"])["estimate"]
    expected = grouped["industry"].map(beta.xs(MATERIALS, level="input"))
    np.testing.assert_allclose(result.elasticities[MATERIALS], expected, rtol=1e-12)
    got = markups(grouped, elasticity=result.elasticities[MATERIALS])
    np.testing.assert_allclose(got, expected * grouped["sales_usd"] / grouped[MATERIALS], rtol=1e-12)


def test_several_solutions_are_announced():
    firms = simulate_firms(400, 10, seed=1)
    with pytest.warns(EstimationWarning, match="several solutions in all"):
        result = production_function(firms, method="ackerberg_caves_frazer", proxy=MATERIALS)
    assert result.groups.at[0, "solutions"] > 1
    # Not the one that takes wages for productivity and leaves capital without weight.
    assert result.coefficients["estimate"].min() > 0.3


def test_bad_requests_and_frames_are_refused(firms):
    lp = {"method": "levinsohn_petrin", "proxy": MATERIALS}
    with pytest.raises(ModelError, match="no method 'gmm'"):
        production_function(firms, method="gmm")
    with pytest.raises(ModelError, match="levinsohn_petrin needs proxy"):
        production_function(firms, method="levinsohn_petrin")
    with pytest.raises(ModelError, match="ols takes no proxy"):
        production_function(firms, method="ols", proxy=MATERIALS)
    with pytest.raises(ModelError, match="no form 'ces'"):
        production_function(firms, **lp, form="ces")
    with pytest.raises(ModelError, match="levinsohn_petrin is Cobb–Douglas here"):
        production_function(firms, **lp, form="translog")
    with pytest.raises(ModelError, match="survival correction"):
        production_function(firms, **lp, survival=True)
    with pytest.raises(DataError, match="column 'materials_usd'"):
        production_function(firms.drop(columns=MATERIALS), **lp)
    with pytest.raises(DataError, match=r"row 3.*repeat a key of firm_id, year"):
        production_function(firms.iloc[[0, 0, 1]], **lp)
    with pytest.raises(DataError, match="row 2, column 'employment'"):
        production_function(firms.assign(employment=-firms["employment"]), **lp)
    cross_section = firms.drop_duplicates("firm_id")
    with pytest.raises(DataError, match=r"every firm is seen once.*revenue_tfp"):
        production_function(cross_section, **lp)
    with pytest.raises(ModelError, match="no group could be estimated"):
        production_function(firms.head(4), **lp)
    strangers = cross_section.assign(firm_id=-1 - cross_section["firm_id"], industry="25")
    one_each = pd.concat([firms.assign(industry="24"), strangers])
    with pytest.warns(EstimationWarning, match="not estimated: 25"):
        production_function(one_each, method="fixed_effects", by="industry")
    full = simulate_firms(60, 4, seed=1)
    with pytest.raises(ModelError, match="no firm leaves the panel"):
        production_function(full, method="olley_pakes", proxy=INVESTMENT, survival=True)
    with pytest.raises(ModelError, match="collinear"):
        production_function(firms.assign(capital_usd=firms["employment"]), method="ols")


def test_labour_productivity():
    frame = pd.DataFrame({"value_added_usd": [6.0, -2.0, 1.0, np.nan], "employment": [3, 2, 0, 1]})
    got = labour_productivity(frame)
    assert got.tolist()[:2] == [2.0, -1.0]
    assert got.iloc[2:].isna().all()
    assert got.attrs["lineage"] == {"labour_productivity": ["employment", "value_added_usd"]}
    with pytest.raises(DataError, match="row 2, column 'employment'"):
        labour_productivity(frame.assign(employment=-1))


def test_revenue_tfp_is_the_residual_within_groups(firms):
    frame = firms[firms["year"] == 0].assign(industry=lambda d: d["firm_id"] % 2)
    inputs = ("employment", "capital_usd")
    got = revenue_tfp(frame, inputs=inputs, by="industry")
    for _, rows in frame.groupby("industry"):
        x = sm.add_constant(np.log(rows[list(inputs)]))
        expected = sm.OLS(np.log(rows["sales_usd"]), x).fit().resid
        np.testing.assert_allclose(got[rows.index], expected, atol=1e-12)
    assert got.name == "revenue_tfp_residual"
    assert got.attrs["lineage"]["revenue_tfp_residual"] == ["capital_usd", "employment", "sales_usd"]
    assert revenue_tfp(frame.head(3), inputs=inputs).isna().all()


def test_revenue_tfp_by_cost_shares_recovers_known_productivity():
    rng = np.random.default_rng(0)
    spent = pd.DataFrame(rng.lognormal(0, 0.1, (101, 1)) * [[0.3, 0.2, 0.5]],
                         columns=["wages_usd", "capital_usd", "materials_usd"])  # fmt: skip
    truth = rng.normal(size=101)
    sales = np.exp(truth) * (spent ** [0.3, 0.2, 0.5]).prod(axis=1)
    got = revenue_tfp(spent.assign(sales_usd=sales), elasticities="cost shares")
    np.testing.assert_allclose(got, truth - truth.mean(), atol=1e-12)
    with pytest.raises(DataError, match="no elasticities 'translog'"):
        revenue_tfp(spent.assign(sales_usd=sales), elasticities="translog")


def test_markups_undo_the_first_order_condition():
    rng = np.random.default_rng(1)
    markup, theta, noise = rng.uniform(1, 2, 50), rng.uniform(0.3, 0.7, 50), rng.normal(0, 0.1, 50)
    revenue = rng.lognormal(size=50)
    frame = pd.DataFrame({"sales_usd": revenue * np.exp(noise), MATERIALS: theta / markup * revenue})
    got = markups(frame, elasticity=pd.Series(theta), first_stage_residual=pd.Series(noise))
    np.testing.assert_allclose(got, markup, rtol=1e-12)
    np.testing.assert_allclose(
        markups(frame, elasticity=pd.Series(theta)), markup * np.exp(noise), rtol=1e-12
    )
    assert got.attrs["lineage"] == {"markup": [MATERIALS, "sales_usd"]}
    assert markups(frame.assign(materials_usd=0.0), elasticity=0.5).isna().all()
    with pytest.raises(DataError, match="another index"):
        markups(frame, elasticity=pd.Series(theta, range(1, 51)))


def test_an_implausible_estimate_is_named_with_what_to_do(firms):
    """Labour and output against each other: a negative elasticity that least squares cannot hide."""
    upside_down = firms.assign(employment=1 / firms["employment"])
    with pytest.warns(EstimationWarning, match=r"all: negative elasticity \(employment -0\.\d+\).*another"):
        production_function(upside_down, method="ols")
    with pytest.warns(EstimationWarning, match=r"returns to scale are 0\.4\d+"):
        production_function(firms.assign(value_added_usd=firms["value_added_usd"] ** 0.45), method="ols")
    with pytest.raises(ModelError, match="no objective 'squares'"):
        production_function(firms, method="ols", objective="squares")
    with pytest.raises(DataError, match="years are not whole numbers"):
        production_function(firms.assign(year=firms["year"].astype(str)), method="ols")


def test_the_repr_is_short_and_all_solutions_are_at_hand(firms):
    result = production_function(firms, method="levinsohn_petrin", proxy=MATERIALS)
    assert repr(result).startswith("ProductionFunction by levinsohn_petrin: 1 groups\n  all: employment 0.")
    assert result.solutions["taken"].sum() == 1
    taken = result.solutions.query("taken")[["employment", "capital_usd"]].to_numpy()[0]
    np.testing.assert_array_equal(taken, result.coefficients["estimate"])


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_one_firm_of_many_years_and_few_rows_of_many_firms_are_too_few(firms):
    one = firms[firms["firm_id"] == firms["firm_id"].iloc[0]]
    one = pd.concat(
        [one.assign(year=one["year"] + 100 * k, employment=one["employment"] + k) for k in range(12)]
    )
    few = firms[firms["year"] == firms["year"].iloc[0]].head(3)
    parts = {
        "all": firms,
        "one": one.assign(firm_id=90_000),
        "few": few.assign(firm_id=few["firm_id"] + 90_001),
    }
    both = pd.concat([part.assign(industry=name) for name, part in parts.items()], ignore_index=True)
    status = production_function(both, method="ols", by="industry").groups.set_index("group")["status"]
    assert len(one) > 8
    assert status["all"] == "estimated"
    assert status["one"] == f"1 firms and {len(one)} rows are too few."
    assert status["few"] == "3 firms and 3 rows are too few."
