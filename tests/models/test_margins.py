"""Marginal effects against R, statsmodels and identities."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.models.marginal.result import Margins
from gvcmetrics.models.results.results import Results

REFERENCE = Path(__file__).parents[1] / "reference" / "engine"
CASES = json.loads((REFERENCE / "margins.json").read_text())
OUTCOMES = {
    "logit": "binary",
    "probit": "binary",
    "cloglog": "event",
    "poisson": "count",
    "fractional_logit": "fraction",
    "ordered_logit": "ordered",
    "ordered_probit": "ordered",
    "multinomial_logit": "choice",
}
ASKED: dict[str, Callable[[Results], Margins]] = {
    "average": lambda res: res.margins(),
    "at_means": lambda res: res.margins(at_means=True),
    "prediction_at_x1": lambda res: res.margins(kind="predictions", at={"x1": [-1, 0, 1]}),
    "slope_at_x1": lambda res: res.margins("x1", at={"x1": [-1, 0, 1]}),
    "prediction_by_g": lambda res: res.margins("g", kind="predictions"),
}
_FITTED: dict[tuple[str, str, str], Results] = {}


def sample(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv")


def fitted(response: str, data: str, regressors: str = "x1 + x2 + d + g") -> Results:
    key = (response, data, regressors)
    if key not in _FITTED:
        weights = "weight" if data == "unbalanced" else None
        formula = f"{OUTCOMES[response]} ~ {regressors}"
        _FITTED[key] = getattr(gvc, response)(formula, sample(data), weights=weights)
    return _FITTED[key]


def agree(made: Margins, case: dict[str, Any], way: str, rtol: float = 1e-6) -> None:
    np.testing.assert_allclose(made.params, case["estimate"], rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(made.std_errors, case["se"][way], rtol=rtol, atol=1e-12)


POOLED = [case for case in CASES if case.split(":")[0] in OUTCOMES and ":random:" not in case]


@pytest.mark.parametrize("name", POOLED)
def test_pooled_against_r(name: str) -> None:
    response, data, *_, what = name.split(":")
    if what == "interaction":
        res = fitted(response, data, "x1*d + x2 + d*g").with_vcov({"CRV1": "unit"})
        parts = [
            res.margins("x1", at={"d": [0, 1]}),
            res.margins("x1:d"),
            res.margins("d", at={"g": ["a", "b", "c"]}),
            res.margins("d:g"),
        ]
        case = CASES[name]
        np.testing.assert_allclose(
            np.concatenate([part.params for part in parts]), case["estimate"], rtol=1e-6
        )
        np.testing.assert_allclose(
            np.concatenate([part.std_errors for part in parts]), case["se"]["CRV1:unit"], rtol=1e-6
        )
        return
    res = fitted(response, data)
    agree(ASKED[what](res.with_vcov({"CRV1": "unit"})), CASES[name], "CRV1:unit")
    if data == "balanced" and response != "fractional_logit":
        agree(ASKED[what](res.with_vcov("iid")), CASES[name], "classical")


@pytest.mark.parametrize(
    "response", ["logit", "probit", "cloglog", "poisson", "ordered_logit", "ordered_probit"]
)
def test_random_effects_against_r(response: str) -> None:
    """Population-averaged by quadrature on both sides, hence 1e-4 for the errors."""
    formula = f"{OUTCOMES[response]} ~ x1 + x2 + d"
    res = getattr(gvc, response)(formula, sample("balanced"), unit="unit", effects="random")
    for what, unit_effect in (("population_averaged", "averaged"), ("effect_zero", "zero")):
        name = f"{response}:random:balanced:12:{what}"
        if name not in CASES:
            continue
        case = CASES[name]
        effects = res.margins(unit_effect=unit_effect).frame()
        level = res.margins(kind="predictions", unit_effect=unit_effect).frame()
        both = pd.concat([effects, level]).sort_values("outcome", kind="stable")
        np.testing.assert_allclose(both["estimate"], case["estimate"], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(both["std_error"], case["se"]["classical"], rtol=1e-4, atol=1e-9)


def test_joint_probit_against_r() -> None:
    case = CASES["joint_probit2:same:balanced:average"]
    res = gvc.joint_probit("first + second ~ x1 + x2 + d", sample("balanced"))
    cells = [f"first={a}, second={b}" for a, b in ("11", "10", "01", "00")]
    made = (
        res.margins(outcomes=cells)
        .frame()
        .sort_values("variable", key=lambda v: v.map({"x1": 0, "x2": 1, "d": 2}), kind="stable")
    )
    np.testing.assert_allclose(made["estimate"], case["estimate"][:12], rtol=1e-6)
    np.testing.assert_allclose(made["std_error"], case["se"]["classical"][:12], rtol=1e-6)
    alone = res.margins("x1", outcomes=["first"])
    np.testing.assert_allclose(alone.values, case["estimate"][12:], rtol=1e-6)
    np.testing.assert_allclose(alone.std_errors, case["se"]["classical"][12:], rtol=1e-6)
