"""The sentences of the studies turn when the numbers turn."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.models import Results, TestResult

ANALYSIS = Path(__file__).parents[2] / "analysis"


def study(stem: str) -> dict[str, Any]:
    return runpy.run_path(str(next(ANALYSIS.glob(f"{stem}_*.py"))))


CARS, FIRMS, ECUADOR, LADDER = (study(stem) for stem in ("01", "02", "03", "04"))


def moves(stay: float, seed: int = 0) -> pd.DataFrame:
    """Quadrants of 60 exporters at nine changes; each stays with a probability."""
    rng, kinds = np.random.default_rng(seed), list(CARS["SHORT"])
    rows = []
    for exporter in range(60):
        at = int(rng.integers(4))
        for year in range(1974, 2015, 5):
            rows.append(
                {
                    "exporter": exporter,
                    "end_year": year,
                    "quadrant": kinds[at],
                    "start_year": year - 5,
                    "product": "cars",
                }
            )
            at = at if rng.random() < stay else (at + int(rng.integers(1, 4))) % 4
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("stay", "noise", "chance"),
    [
        (0.6, "more than the 11%", "more than the 25%"),
        (0.18, "more than the 11%", "fewer than the 25%"),
        (0.25, "more than the 11%", "not told apart from the 25%"),
        (0.02, "fewer than the 11%", "fewer than the 25%"),
    ],
)
def test_whether_quadrants_last(stay: float, noise: str, chance: str) -> None:
    said = CARS["persistence_in_words"](moves(stay))
    assert noise in said
    assert chance in said


def test_the_moves_counted_are_those_of_the_matrix() -> None:
    made = moves(0.3).drop(index=[5, 40, 41])
    counts = gvc.measures.transition_matrix(made, probabilities=False)
    assert len(CARS["successive"](made)) == counts.to_numpy().sum()


def test_no_noise_keeps_a_quadrant_more_often_than_a_ninth() -> None:
    rng = np.random.default_rng(1)
    windows = rng.normal(size=(200_000, 2, 3))
    signs = np.diff(windows, axis=2) > 0
    assert np.mean((signs[..., 0] == signs[..., 1]).all(axis=1)) == pytest.approx(CARS["NOISE"], abs=0.003)


def autoregressions(between: float, within: float) -> list[Results]:
    """Five models, of which the sentence on convergence reads the second and the fourth."""
    rng = np.random.default_rng(2)

    def fitted(rho: float) -> Results:
        frame = pd.DataFrame({"exporter": np.repeat(np.arange(80), 6), "window": np.tile(np.arange(6), 80)})
        past = rng.normal(size=len(frame))
        frame["past"] = past
        frame["distance_to_frontier"] = rho * past + 0.01 * rng.normal(size=len(frame))
        lagged = frame.rename(columns={"past": "L(distance_to_frontier)"})
        formula = "distance_to_frontier ~ `L(distance_to_frontier)`"
        return gvc.ols(formula, lagged, vcov={"CRV1": "exporter"})

    return [fitted(0), fitted(between), fitted(0), fitted(within), fitted(0)]


@pytest.mark.parametrize(
    ("between", "within", "words"),
    [(0.9, 0.5, "move faster"), (0.5, 0.9, "move no faster"), (-0.3, 0.5, "does not shrink steadily")],
)
def test_whether_exporters_converge(between: float, within: float, words: str) -> None:
    models = [Renamed(model) for model in autoregressions(between, within)]
    assert words in CARS["convergence_in_words"](models)


class Renamed:
    """A result under the name that a lag has in the studies."""

    def __init__(self, result: Results) -> None:
        self.nobs, self.n_clusters = result.nobs, result.n_clusters
        self.params = result.params.rename(lambda name: name.replace("`", ""))


def counts(research: float, others: float) -> list[Results]:
    rng = np.random.default_rng(3)
    n = 1500
    frame = pd.DataFrame(
        rng.normal(size=(n, 4)), columns=["log_rd", "log_spillovers", "log_rd_stock", "log_employment"]
    )
    index = research * (frame["log_rd"] + frame["log_rd_stock"] + frame["log_employment"])
    frame["patents"] = rng.poisson(np.exp(index + others * frame["log_spillovers"]))
    frame["firm_id"] = np.arange(n) // 5
    formula = "patents ~ log_rd + log_spillovers + log_rd_stock + log_employment"
    return [gvc.poisson(formula, frame, vcov={"CRV1": "firm_id"})] * 4


@pytest.mark.parametrize(
    ("research", "others", "told"),
    [(0.3, 0.3, "positive"), (-0.3, -0.3, "negative"), (0.0, 0.0, "not told from zero")],
)
def test_which_way_research_goes(research: float, others: float, told: str) -> None:
    models = counts(research, others)
    said = FIRMS["in_words"](models, models)
    for part in said.split(". ")[:2]:
        assert f", {told}" in part
    assert ("not rejected" in said) == (research == 0.5)


def test_what_remains_is_counted_for_each_way() -> None:
    family = pd.DataFrame(
        {
            "outcome": ["upgrade_product", "upgrade_process", "upgrade_product"],
            "hypothesis": ["cooperates = 0", "cooperates = 0", "foreign_owned = 0"],
            "estimate": [0.4, -0.3, 0.1],
            "p_value": [0.001, 0.02, 0.6],
            "romano_wolf": [0.01, 0.04, 0.9],
            "holm": [0.003, 0.06, 0.9],
        }
    )
    said = ECUADOR["in_words"](family)
    assert "2 have a bootstrap p-value below 0.05" in said
    assert "2 by Romano–Wolf (product on co-operates (+); process on co-operates (−))" in said
    assert "1 by Holm (product on co-operates (+))" in said
    none = ECUADOR["in_words"](family.assign(p_value=0.5, romano_wolf=0.5, holm=0.5))
    assert "0 have" in none
    assert "0 by Romano–Wolf and 0 by Holm" in none


def logit_of_share(slope: float) -> Results:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"exporter": np.repeat(np.arange(150), 8), "window": np.tile(np.arange(8), 150)})
    frame["log_market_share"] = rng.normal(size=len(frame))
    past = frame.groupby("exporter")["log_market_share"].shift()
    frame["y"] = (rng.logistic(size=len(frame)) < slope * past.fillna(0)).astype(int)
    return gvc.logit("y ~ L(log_market_share)", frame, unit="exporter", time="window")


UP, DOWN, FLAT = (logit_of_share(slope) for slope in (0.8, -0.8, 0.0))


@pytest.mark.parametrize(
    ("pooled", "fixed", "words"),
    [
        (UP, FLAT, "stand higher, but no within"),
        (DOWN, FLAT, "stand lower, but no within"),
        (FLAT, FLAT, "Neither between nor within"),
        (FLAT, UP, "nothing can be told from zero; of the 2 within estimates 2"),
        (UP, UP, "stand higher; of the 2 within estimates 2"),
    ],
)
def test_between_and_within(pooled: Results, fixed: Results, words: str) -> None:
    assert words in LADDER["within_in_words"](pooled, fixed, fixed)


def test_a_rejection_says_which_way() -> None:
    names = [
        *(f"Ladder: {name}" for name in (
            "random against fixed effects (Hausman)", "means of the exporter (Mundlak)", "strict exogeneity",
            "parallel slopes (Brant)",
        )),
        "Quadrant: pooled against fixed effects (Hausman)", "Quadrant: means of the exporter (Mundlak)",
    ]  # fmt: skip
    words = LADDER["tests_in_words"]

    led = SimpleNamespace(params={LADDER["AFTER"]: -0.4}, statistics={"units": 34})
    rejected = words(led, {name: TestResult(name, 9.0, 1, 0.0499, "χ²") for name in names})
    assert "p = 0.0499" in rejected
    assert "p = 0.050)" not in rejected
    assert "on a lower rung" in rejected
    assert "not rejected" not in rejected
    led.params = {LADDER["AFTER"]: 0.4}
    assert "on a higher rung" in words(led, {name: TestResult(name, 9.0, 1, 1e-9, "χ²") for name in names})
    kept = words(led, {name: TestResult(name, 0.1, 1, 0.7, "χ²") for name in names})
    assert "the power of the test is low" in kept
    assert "rejected" not in kept.replace("not rejected", "")
