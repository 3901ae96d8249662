"""CR2 with Satterthwaite's degrees of freedom against clubSandwich, and where it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError

REFERENCE = Path(__file__).parents[2] / "reference" / "cr2"
DATA = pd.read_csv(REFERENCE / "cr2.csv")
EXPECTED = pd.read_csv(REFERENCE / "cr2_clubSandwich.csv").set_index(["case", "term"])
CASES = {
    "ols": (gvc.ols, "y ~ x + d + z", ["x", "d", "z"]),
    "time effects": (gvc.ols, "y ~ x + d + z | time", ["x", "z"]),
    "unit effects": (gvc.ols, "y ~ x + z | unit", None),
    "unit and time effects": (gvc.ols, "y ~ x + z | unit + time", ["x", "z"]),
    "logit": (gvc.logit, "b ~ x + d + z", ["x", "d", "z"]),
    "poisson": (gvc.poisson, "k ~ x + d + z", ["x", "d"]),
}


@pytest.mark.parametrize("case", CASES)
def test_errors_and_degrees_of_freedom_are_those_of_clubsandwich(case: str) -> None:
    call, formula, joint = CASES[case]
    made = call(formula, DATA, vcov={"CR2": "g"})
    expected = EXPECTED.loc[case].rename({"(Intercept)": "Intercept"})
    for place, term in enumerate(made.params.index):
        row = expected.loc[term]
        assert made.std_errors[term] == pytest.approx(row["se"], rel=1e-6)
        assert made.df_by_parameter[place] == pytest.approx(row["df"], rel=1e-5)
        assert made.pvalues[term] == pytest.approx(row["p"], rel=1e-5)
        half = (made.conf_int()["conf_high"] - made.params)[term]
        assert half / made.std_errors[term] > 1.96
    if joint:
        test = made.test(joint)
        assert test.statistic == pytest.approx(expected.loc["joint", "fstat"], rel=1e-5)
        assert test.df_denominator == pytest.approx(expected.loc["joint", "df"], rel=1e-5)
        assert test.pvalue == pytest.approx(expected.loc["joint", "p"], rel=1e-4)


def test_the_absorbed_and_the_written_effects_give_the_same() -> None:
    absorbed = gvc.ols("y ~ x + d + z | time", DATA, vcov={"CR2": "g"})
    written = gvc.ols("y ~ x + d + z + C(time)", DATA, vcov={"CR2": "g"})
    for term in ("x", "d", "z"):
        assert absorbed.std_errors[term] == pytest.approx(written.std_errors[term], rel=1e-9)
        assert absorbed.pvalues[term] == pytest.approx(written.pvalues[term], rel=1e-9)


def test_units_of_measurement_do_not_matter() -> None:
    for call, outcome in ((gvc.ols, "y"), (gvc.logit, "b")):
        plain = call(f"{outcome} ~ x + d + z", DATA, vcov={"CR2": "g"})
        scaled = call(f"{outcome} ~ x + d + z", DATA.assign(x=DATA["x"] * 1e9), vcov={"CR2": "g"})
        np.testing.assert_allclose(plain.pvalues, scaled.pvalues, rtol=1e-6)


def test_where_there_is_no_working_model_it_is_refused() -> None:
    for refused in (
        lambda: gvc.probit("b ~ x", DATA, vcov={"CR2": "g"}),
        lambda: gvc.ols("y ~ x", DATA.assign(w=1.0 + DATA["d"]), weights="w", vcov={"CR2": "g"}),
        lambda: gvc.logit("b ~ x", DATA, firth=True, vcov={"CR2": "g"}),
        lambda: gvc.logit("b ~ x | unit", DATA, vcov={"CR2": "g"}),
    ):
        with pytest.raises(ModelError, match="CR2 is defined for"):
            refused()


def test_the_summary_says_which_degrees_of_freedom() -> None:
    assert "Satterthwaite" in str(gvc.logit("b ~ x + d", DATA, vcov={"CR2": "g"}))


CONTRASTS = pd.read_csv(REFERENCE / "contrasts_clubSandwich.csv").set_index("case")


@pytest.mark.parametrize(
    ("case", "made"),
    [
        (
            "ols, x at z = 0.7",
            lambda: gvc.ols("y ~ x*z + d", DATA, vcov={"CR2": "g"}).margins("x", at={"z": 0.7}),
        ),
        (
            "ols, x at z = 0.7",
            lambda: gvc.ols("y ~ x*z + d", DATA, vcov={"CR2": "g"}).lincom("x + 0.7*`x:z`"),
        ),
        ("ols, x - d", lambda: gvc.ols("y ~ x*z + d", DATA, vcov={"CR2": "g"}).lincom("x - d")),
        (
            "logit, average effect of x",
            lambda: gvc.logit("b ~ x + d + z", DATA, vcov={"CR2": "g"}).margins("x"),
        ),
    ],
)
def test_combinations_have_degrees_of_freedom_of_their_own(case: str, made: Any) -> None:
    found = made()
    row = (found if isinstance(found, pd.DataFrame) else found.tidy()).iloc[0]
    expected = CONTRASTS.loc[case]
    if not case.startswith(
        "logit"
    ):  # whose average effect has the gradient of R's combination, not its value
        assert row["estimate"] == pytest.approx(expected["estimate"], rel=1e-6)
    assert row["std_error"] == pytest.approx(expected["se"], rel=1e-6)
    width, wanted = row["conf_high"] - row["conf_low"], expected["high"] - expected["low"]
    assert width == pytest.approx(wanted, rel=1e-5)
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(row["statistic"]), expected["df"]), rel=1e-5)


def test_margins_that_are_coefficients_are_tested_as_these_are() -> None:
    result = gvc.ols("y ~ x + d + z", DATA, vcov={"CR2": "g"})
    made = result.margins(["x", "z"])
    np.testing.assert_allclose(made.pvalues, result.pvalues[["x", "z"]], rtol=1e-9)
    np.testing.assert_allclose(made.conf_int(), result.conf_int().loc[["x", "z"]], rtol=1e-9)
    np.testing.assert_allclose(result.lincom(["x", "z"])["p_value"], result.pvalues[["x", "z"]], rtol=1e-9)
    one, other = made.test(["x", "z"]), result.test(["x", "z"])
    assert one.statistic == pytest.approx(other.statistic, rel=1e-9)
    assert one.df_denominator == pytest.approx(other.df_denominator, rel=1e-9)
    assert "Satterthwaite" in str(made)
    clustered = result.with_vcov({"CRV1": "g"})
    assert clustered.margins("x").pvalues.iloc[0] == pytest.approx(clustered.pvalues["x"], rel=1e-9)


@pytest.mark.parametrize("case", ["ols", "logit"])
def test_intervals_of_predictions_are_those_of_the_combinations_that_they_are(case: str) -> None:
    """On the index, row by row, each with degrees of freedom of its own."""
    call, formula, _ = CASES[case]
    res = call(formula, DATA, vcov={"CR2": "g"})
    rows = DATA.iloc[[3, 40, 7]]
    X = res.predictor.regressors(rows)
    made = res.predict(rows, "index", interval=True, level=0.9)
    names = list(res.params.index)
    texts = [" + ".join(f"{x:.17g}*`{n}`" for x, n in zip(row, names, strict=True)) for row in X]
    expected = res.lincom(texts, level=0.9)
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(made[column].to_numpy(), expected[column].to_numpy(), rtol=1e-8)
    degrees = res.adjusted.degrees_of_each(X)
    assert np.ptp(degrees) > 0.1
    np.testing.assert_allclose(degrees, [res.adjusted.degrees(row[None]) for row in X], rtol=1e-10)
