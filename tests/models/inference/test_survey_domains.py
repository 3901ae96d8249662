"""Domains and finite populations in survey errors: R's survey, the hand, every cell, refusals."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.registry import responses

REFERENCE = Path(__file__).parents[2] / "reference" / "domains"
FIRMS = pd.read_csv(REFERENCE / "firms.csv")
EXPECTED = pd.read_csv(REFERENCE / "domains.csv")
DESIGN = {"psu": "village", "strata": "district"}
CASES: dict[str, dict[str, str]] = {
    "clusters, domain": {**DESIGN, "subpop": "exporter"},
    "clusters, fpc": {**DESIGN, "fpc": "villages"},
    "clusters, fpc and domain": {**DESIGN, "fpc": "villages", "subpop": "exporter"},
    "clusters, domain of four districts": {
        **DESIGN, "subpop": "(exporter == 1) & (district != 'd') & (district != 'f')"
    },
    "rows, domain": {"strata": "district", "subpop": "exporter == 1"},
}  # fmt: skip
OUTCOMES = {"ols": "sales", "logit": "innovates", "poisson": "patents"}


def firms(model: str, survey: dict[str, str], data: pd.DataFrame = FIRMS, **options: Any) -> Any:
    formula = f"{OUTCOMES[model]} ~ rd + size"
    return getattr(gvc, model)(formula, data, weights="weight", vcov={"survey": survey}, **options)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("model", OUTCOMES)
def test_agrees_with_r(case: str, model: str) -> None:
    found = firms(model, CASES[case])
    expected = EXPECTED[(EXPECTED["case"] == case) & (EXPECTED["model"] == model)].set_index("term")
    np.testing.assert_allclose(found.params[expected.index], expected["estimate"], rtol=1e-6)
    np.testing.assert_allclose(found.std_errors[expected.index], expected["std_error"], rtol=1e-6)
    assert found.df == expected["df"].iloc[0]


def test_cutting_rows_is_something_else() -> None:
    kept = firms("ols", CASES["clusters, domain"])
    exporters = FIRMS[FIRMS["exporter"] == 1]
    cut = firms("ols", DESIGN, exporters)
    np.testing.assert_allclose(kept.params, cut.params, rtol=1e-12)
    assert (kept.df, cut.df) == (
        40.0,
        exporters.groupby(["district", "village"]).ngroups - 6,
    )
    assert not np.allclose(kept.std_errors, cut.std_errors, rtol=1e-2)
    assert kept.dropped == {"outside the subpopulation exporter": int((FIRMS["exporter"] == 0).sum())}
    assert "46 PSU in 6 strata, within exporter" in kept.vcov_label


@pytest.mark.parametrize("model", OUTCOMES)
def test_everybody_is_no_domain_and_shares_are_counts(model: str) -> None:
    everybody = firms(model, {**DESIGN, "subpop": "one"}, FIRMS.assign(one=True))
    np.testing.assert_allclose(everybody.cov, firms(model, DESIGN).cov, rtol=1e-12)
    shares = firms(model, {**DESIGN, "fpc": "share"})
    np.testing.assert_allclose(shares.cov, firms(model, {**DESIGN, "fpc": "villages"}).cov, rtol=1e-9)
    drawn_all = firms(model, {**DESIGN, "fpc": "one"}, FIRMS.assign(one=1.0))
    assert (drawn_all.std_errors == 0).all()


def test_a_domain_stays_in_what_follows() -> None:
    found = firms("logit", CASES["clusters, fpc and domain"])
    again = found.with_vcov({"survey": {**DESIGN, "fpc": "villages"}})
    np.testing.assert_array_equal(again.cov, found.cov)
    with pytest.raises(ModelError, match="not those of the subpopulation 'size'"):
        found.with_vcov({"survey": {**DESIGN, "subpop": "size"}})
    assert found.margins("rd").results.df == 40.0
    assert "subpop" in found.call


def test_missing_places_and_weights_of_zero() -> None:
    data = FIRMS.astype({"exporter": float})
    data.loc[0, "exporter"] = np.nan
    data.loc[1, "village"] = np.nan
    outside = FIRMS.index[(FIRMS["exporter"] == 0) & (FIRMS.index > 5)][0]
    data.loc[outside, "weight"] = 0.0
    # A missing regressor takes no row from the design that is outside the domain anyway.
    other = FIRMS.index[(FIRMS["exporter"] == 0) & (FIRMS.index > 5)][1]
    data.loc[other, "rd"] = np.nan
    found = firms("ols", CASES["clusters, domain"], data)
    assert found.dropped["missing place in the design"] == 2
    expected = firms("ols", CASES["clusters, domain"], FIRMS.drop(index=[0, 1, outside]))
    np.testing.assert_allclose(found.cov, expected.cov, rtol=1e-12)


@pytest.mark.parametrize(
    ("survey", "error", "message"),
    [
        ({**DESIGN, "subpop": "size"}, DataError, "true or false, 1 or 0, and not"),
        ({**DESIGN, "subpop": "size > 100"}, ModelError, "no row is in the subpopulation"),
        ({**DESIGN, "subpop": "nobody"}, DataError, "no such column"),
        ({**DESIGN, "fpc": "size"}, ModelError, "fpc varies within a stratum of 'district'"),
        ({**DESIGN, "fpc": "few"}, ModelError, "has 3 sampling units, of which 7 are here"),
        ({**DESIGN, "fpc": "none"}, ModelError, "fpc is 0"),
        ({**DESIGN, "fpc": "district"}, DataError, "numbers are needed"),
        ({"fpc": "villages"}, ModelError, "is not known"),
        ({**DESIGN, "fcp": "villages"}, ModelError, "is not known"),
    ],
)  # fmt: skip
def test_refusals(survey: dict[str, str], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        firms("ols", survey, FIRMS.assign(few=3.0, none=0.0))


def test_a_stratum_of_one_unit_that_was_surely_drawn() -> None:
    data = FIRMS[(FIRMS["district"] != "f") | (FIRMS["village"] == 1)]
    with pytest.raises(ModelError, match="1 strata of 'district' have one primary sampling unit only"):
        firms("ols", DESIGN, data)
    share = np.where(data["district"] == "f", 1.0, 1e-12)
    certain = firms("ols", {**DESIGN, "fpc": "share"}, data.assign(share=share))
    assert (certain.std_errors > 0).all()
    assert certain.df == 46 - 6 - 5


# --- every response and treatment of the registry -----------------------------------------------------------

SIDES = {
    "ols": "number", "logit": "yes", "probit": "yes", "cloglog": "yes", "ordered_logit": "rung",
    "ordered_probit": "rung", "multinomial_logit": "rung", "fractional_logit": "share", "poisson": "count",
    "negative_binomial": "count", "joint_probit": "yes + also", "tobit": "number",
}  # fmt: skip
CELLS = [(name, effects) for name, response in responses().items() for effects in response.treatments]


def panel(units: int = 60, periods: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n = units * periods
    unit = np.repeat(np.arange(units), periods)
    x = rng.normal(size=n)
    latent = 0.6 * x + 0.5 * rng.normal(size=units)[unit] + rng.normal(size=n)
    psu = unit % 30
    return pd.DataFrame(
        {
            "unit": unit,
            "psu": psu // 5,
            "stratum": psu % 5,
            "inside": np.isin(psu, [0, 1, 2, 3, 4, 7, 11, 13, 15, 16, 20, 25, 29]),
            "x": x,
            "number": latent,
            "yes": (latent > 0).astype(int),
            "also": (latent + rng.normal(size=n) > 0).astype(int),
            "rung": np.digitize(latent, [-0.5, 0.8]),
            "share": 1 / (1 + np.exp(-latent)),
            "count": rng.poisson(np.exp(0.4 * latent)),
        }
    )


PANEL = panel()


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_units_without_a_row_of_the_domain_have_scores_of_zero(name: str, effects: str) -> None:
    """By hand from the estimates on the domain's rows, the other sampling units put back."""
    formula = f"{SIDES[name]} ~ x" + (" | unit" if effects == "absorbed" else "")
    options = {"unit": "unit", "effects": "pooled" if effects == "absorbed" else effects}
    survey = {"psu": "psu", "strata": "stratum", "subpop": "inside"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        found = getattr(gvc, name)(formula, PANEL, vcov={"survey": survey}, **options)
        cut = getattr(gvc, name)(formula, PANEL[PANEL["inside"]], **options)
    np.testing.assert_allclose(found.params, cut.params, rtol=1e-10)
    place = [np.array(cut.sample.labels(column))[cut.codes(column)] for column in ("stratum", "psu")]
    sums = pd.DataFrame(cut.inference.scores).groupby(place).sum()
    everywhere = pd.MultiIndex.from_product([map(str, range(5)), map(str, range(6))])
    sums = sums.reindex(everywhere, fill_value=0.0)
    centred = sums - sums.groupby(level=0).transform("mean")
    influence = centred.to_numpy() @ cut.inference.bread
    expected = 6 / 5 * influence.T @ influence
    scale = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(
        found.cov / np.outer(scale, scale), expected / np.outer(scale, scale), atol=1e-7
    )
    assert found.df == 25.0
