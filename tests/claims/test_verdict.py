"""Verdicts by hand: the interval against the values that a rule allows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gvcmetrics.claims.claim import Rule
from gvcmetrics.claims.verdict import combined, evidence, evidence_of_share, judged, verdict

S, C, Z, U, N = "supported", "contradicted", "equivalent to zero", "no clear answer", "not estimable"


def said(sign: str, estimate: float, error: float = 0.01, bound: float | None = 0.1) -> str:
    found = evidence(Rule(sign=sign, bound=bound), np.array([estimate]), np.array([[error**2]]), float("inf"))
    return verdict(found.p_value, found.favours, found.p_negligible)


@pytest.mark.parametrize(
    ("sign", "estimate", "error", "expected"),
    [
        ("positive", 0.3, 0.01, S),
        ("positive", -0.3, 0.01, C),
        ("positive", 0.0, 0.01, Z),
        ("positive", 0.0, 0.2, U),
        ("positive", 0.05, 0.01, Z),
        ("negative", -0.3, 0.01, S),
        ("negative", 0.3, 0.01, C),
        ("zero", 0.0, 0.01, S),
        ("zero", 0.3, 0.01, C),
        ("zero", -0.3, 0.01, C),
        ("zero", 0.0, 0.2, U),
        ("zero", 0.1, 0.01, U),
        ("not_negative", 0.0, 0.01, S),
        ("not_negative", 0.3, 0.01, S),
        ("not_negative", -0.05, 0.1, U),
        ("not_negative", -0.3, 0.01, C),
        ("not_positive", 0.0, 0.01, S),
        ("not_positive", 0.3, 0.01, C),
        ("differs", 0.3, 0.01, S),
        ("differs", -0.3, 0.01, S),
        ("differs", 0.0, 0.01, Z),
        ("differs", 0.0, 0.2, U),
    ],
)
def test_every_sign_can_come_out_either_way(sign: str, estimate: float, error: float, expected: str) -> None:
    assert said(sign, estimate, error) == expected


def test_the_verdict_is_the_interval_inside_or_outside_the_allowed_values() -> None:
    rng = np.random.default_rng(1)
    edges = {
        "positive": (0, np.inf),
        "not_negative": (-0.1, np.inf),
        "zero": (-0.1, 0.1),
        "not_positive": (-np.inf, 0.1),
    }
    for sign, (low, high) in edges.items():
        for value in rng.uniform(-0.4, 0.4, 200):
            reach = stats.norm.ppf(0.975) * 0.05
            inside = low < value - reach and value + reach < high
            outside = value + reach < low or value - reach > high
            # Without a bound of its own a positive effect is never negligible.
            bound = None if sign == "positive" else 0.1
            assert said(sign, value, 0.05, bound) == (S if inside else C if outside else U), (sign, value)


def test_several_effects_at_once_are_tested_by_wald() -> None:
    effects, cov = np.array([0.2, -0.1]), np.array([[0.01, 0.002], [0.002, 0.02]])
    found = evidence(Rule(sign="differs", bound=0.05), effects, cov, float("inf"))
    assert found.p_value == pytest.approx(stats.chi2.sf(effects @ np.linalg.inv(cov) @ effects, 2))
    assert np.isnan(found.estimate)


def test_a_share_is_judged_by_the_exact_binomial_test() -> None:
    rule = Rule(sign="below", bound=0.1)
    few, many = evidence_of_share(rule, 5, 259), evidence_of_share(rule, 60, 259)
    assert few.p_value == pytest.approx(2 * stats.binom.cdf(5, 259, 0.1))
    assert verdict(few.p_value, few.favours) == S
    assert verdict(many.p_value, many.favours) == C
    assert few.conf_high == pytest.approx(stats.beta.ppf(0.975, 6, 254))


@pytest.mark.parametrize(
    ("verdicts", "required", "expected"),
    [
        ([S, S], [True, True], S),
        ([S, C], [True, True], C),
        ([S, U], [True, True], U),
        ([S, Z], [True, True], U),
        ([Z, Z], [True, True], Z),
        ([S, N], [True, False], S),
        ([S, N], [True, True], N),
        ([C, N], [True, True], C),
        ([N, N], [False, False], N),
    ],
)
def test_a_claim_says_all_its_rules(verdicts: list[str], required: list[bool], expected: str) -> None:
    assert combined(verdicts, required) == expected


def results(p_values: list[float], method: str) -> pd.DataFrame:
    count = len(p_values)
    return pd.DataFrame(
        {
            "hypothesis": [f"H{i}" for i in range(count)],
            "panel": "here", "family": "ties", "adjustment": method,
            "required": True, "p_value": p_values, "favours": True, "p_negligible": np.nan,
        }
    )  # fmt: skip


def test_families_share_their_errors() -> None:
    found = judged(results([0.01, 0.04, 0.03, np.nan], "holm"))
    assert found["p_adjusted"].round(4).tolist()[:3] == [0.03, 0.06, 0.06]
    assert found["verdict"].tolist() == [S, U, U, N]
    found = judged(results([0.01, 0.04, 0.03], "benjamini_hochberg"))
    assert found["verdict"].tolist() == [S, S, S]
