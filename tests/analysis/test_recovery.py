"""The harness that holds hypotheses against simulated economies: its sums, on hand-made draws."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "analysis" / "validation" / "recovery.py"


@pytest.fixture(scope="module")
def recovery():
    spec = importlib.util.spec_from_file_location("recovery", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["recovery"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["recovery"]


def draw(design: str, seed: int, **changes: object) -> dict[str, object]:
    """One made-up draw: a claim of a positive effect of 0.2, estimated about rightly."""
    given = {
        "design": design, "seed": seed, "hypothesis": "H2", "effect": "a ← b", "estimator": "",
        "panel": "firms",
        "family": "lock_in", "sign": "positive", "bound": 0.1, "estimate": 0.2,
        "std_error": 0.05, "conf_low": 0.1, "conf_high": 0.3, "p_value": 0.01,
        "verdict": "supported", "value": 0.2, "nothing": False,
    }  # fmt: skip
    return {**given, **changes}


@pytest.mark.parametrize(
    ("sign", "value", "nothing", "verdict", "right", "wrong"),
    [
        ("positive", 0.2, False, "supported", 1, 0),
        ("positive", 0.2, False, "contradicted", 0, 1),
        ("positive", -0.2, False, "supported", 0, 1),
        ("positive", -0.2, False, "contradicted", 1, 0),
        ("positive", 0.2, False, "equivalent to zero", 0, 1),
        ("positive", 0.05, False, "equivalent to zero", 1, 0),
        ("positive", 0.0, True, "supported", 0, 1),
        ("positive", 0.0, True, "contradicted", 0, 1),
        ("positive", 0.0, True, "equivalent to zero", 1, 0),
        ("positive", 0.0, True, "no clear answer", 0, 0),
        ("not_negative", 0.0, True, "supported", 1, 0),
        ("zero", 0.0, True, "contradicted", 0, 1),
        ("differs", np.nan, True, "supported", 0, 1),
        ("differs", np.nan, False, "supported", 1, 0),
        ("below", 0.04, False, "supported", 1, 0),
        ("positive", 0.2, False, "not estimable", 0, 0),
    ],
)
def test_a_verdict_is_right_wrong_or_neither(recovery, sign, value, nothing, verdict, right, wrong):
    made = draw("plain", 0, sign=sign, value=value, nothing=nothing, verdict=verdict)
    marked = recovery.marked(pd.DataFrame([made]))
    assert marked[["right", "wrong"]].iloc[0].tolist() == [right, wrong]


def test_bias_coverage_and_distance_are_those_of_the_draws(recovery):
    values = [0.1, 0.3, 0.5, 0.7]
    rows = [
        draw("plain", seed, estimate=each, conf_low=each - 0.15, conf_high=each + 0.15)
        for seed, each in enumerate(values)
    ]
    made = recovery.summarise(pd.DataFrame(rows)).iloc[0]
    spread = np.std(values, ddof=1)
    assert made["bias"] == pytest.approx(0.2)
    assert made["distance"] == pytest.approx(0.2 / (spread / 2))
    assert made["coverage"] == 0.5
    assert made["error_ratio"] == pytest.approx(0.05 / spread)


def test_a_family_errs_once_however_many_of_its_claims_do(recovery):
    rows = [
        draw("nothing", seed, effect=effect, value=0.0, nothing=True,
             verdict="supported" if seed == 0 else "no clear answer")
        for seed in range(4) for effect in ("a ← b", "c ← d")
    ]  # fmt: skip
    made = recovery.summarise(pd.DataFrame(rows))
    family = made[made["design"] == "family"]
    assert family["wrong"].tolist() == [0.25]
    assert family["replications"].tolist() == [4]


def test_what_is_off_is_said_with_its_reason_and_with_what_is_not(recovery, tmp_path: Path):
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(50):
        noise = rng.normal(0, 0.05)
        rows += [
            draw("plain", seed, hypothesis="H1", estimate=0.2 + noise),
            draw("endogenous", seed, hypothesis="H1", estimate=0.05 + noise),
            draw(
                "endogenous", seed, hypothesis="H1", estimate=0.2 + noise, estimator="capability held fixed"
            ),
            draw("nothing", seed, hypothesis="H1", value=0.0, nothing=True, verdict="no clear answer"),
        ]
    summary = recovery.summarise(pd.DataFrame(rows))
    said = " ".join(recovery.in_words(summary))
    assert "Plain**: none of 1 effects" in said
    assert "Endogenous**: 1 of 1" in said
    assert "with capability held fixed" in said
    assert "governance is endogenous" in said
    path = recovery.write(summary, tmp_path)
    manifest = json.loads(path.read_text("utf-8"))
    assert manifest["simulated"] is True
    assert [item["stem"] for item in manifest["items"] if item["kind"] == "table"] == [
        "recovery_rules",
        "recovery_families",
    ]


def test_every_claim_from_h1_to_h22_is_examined_and_has_a_truth(recovery):
    """The names that the truth has are those that the rules have."""
    import gvcmetrics as gvc
    from gvcmetrics.claims.claim import describe

    made = gvc.simulate.economy(firms=60, clusters=6, years=3, exporters=4, products=3, seed=1)
    named = set(zip(made.truth["hypothesis"], made.truth["effect"], strict=True))
    claims = recovery.claims()
    assert list(claims) == [f"H{number}" for number in range(1, 23)]
    rules = {
        (name, describe(claim, rule).rsplit(": ", 1)[0])
        for name, claim in claims.items()
        for rule in claim.expect
    }
    assert named == rules
