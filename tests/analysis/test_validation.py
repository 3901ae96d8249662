"""The Monte Carlo harness: a small run, and its verdicts on made-up draws."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.models import RESPONSES

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "analysis" / "validation" / "run.py"
DOCS = ROOT / "docs" / "models.md"
EFFECTS = ("pooled", "absorbed", "fixed", "random", "correlated", "correlated_pooled")


@pytest.fixture(scope="module")
def run():
    # The processes of the pool look the module up by its name.
    spec = importlib.util.spec_from_file_location("validation_run", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["validation_run"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["validation_run"]


def made_up(run, shift: float, covered: float, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    estimates = rng.normal(size=n)
    estimates = 0.5 + 0.1 * (estimates - estimates.mean()) / estimates.std(ddof=1) + shift * 0.1 / np.sqrt(n)
    inside = np.arange(n) < covered * n
    frame = {"truth": 0.5, "estimate": estimates, "error": 0.1, "covered": inside, "converged": True}
    cell = run.Cell("logit", "pooled", "pooled", "pooled")
    return run.summarise(cell, pd.DataFrame(frame, index=pd.Index(["x1"] * n)))


@pytest.mark.parametrize(
    ("shift", "covered", "inside", "far"),
    [
        (0.0, 0.95, "yes", 0),
        (1.9, 0.935, "yes", 0),
        (2.1, 0.95, "no", 0),
        (0.0, 0.925, "no", 0),
        (-4.1, 0.95, "no", 1),
        (0.0, 0.90, "no", 1),
        (0.0, 1.00, "no", 1),
    ],
)
def test_verdicts(run, shift: float, covered: float, inside: str, far: int) -> None:
    table = made_up(run, shift, covered)
    assert table["distance"].iloc[0] == pytest.approx(shift, abs=1e-9)
    assert table["coverage"].iloc[0] == covered
    assert table["error_ratio"].iloc[0] == pytest.approx(1.0)
    assert table["inside"].iloc[0] == inside
    sizes = pd.DataFrame({"model": ["ols"], "test": ["CRV1"], "rejected": [0.2], "replications": [500]})
    assert len(run.unexplained(table, sizes)) == far


@pytest.mark.parametrize(("rejected", "wrong"), [(0.05, 0), (0.08, 0), (0.10, 1), (0.005, 1)])
def test_size_of_the_bootstrap_is_judged(run, rejected: float, wrong: int) -> None:
    sizes = pd.DataFrame(
        {"model": ["ols"], "test": ["Wild bootstrap"], "rejected": [rejected], "replications": [500]}
    )
    assert len(run.unexplained(made_up(run, 0.0, 0.95), sizes)) == wrong


def test_variances_are_judged_by_coverage(run) -> None:
    draws = pd.DataFrame(
        {"truth": 0.8, "estimate": [0.7, 0.71] * 200, "error": 0.1, "covered": np.arange(400) < 380},
        index=pd.Index(["sigma_u"] * 400),
    )
    table = run.summarise(run.Cell("logit", "random", "random", "random"), draws)
    assert table["distance"].iloc[0] < -100
    assert table["inside"].iloc[0] == "yes"
    sizes = pd.DataFrame({"model": [], "test": pd.Series(dtype=str), "rejected": [], "replications": []})
    assert run.unexplained(table, sizes) == []
    assert run.unexplained(table.assign(parameter="x1"), sizes) == ["logit, random: x1"]
    assert run.unexplained(table.assign(coverage=0.85), sizes) == ["logit, random: sigma_u"]


def test_every_cell_has_a_random_stream_of_its_own(run) -> None:
    names = [cell.name for cell in run.cells()] + ["ols, size", "logit, size"]
    seeds = [run.seed_of(name, number) for name in names for number in range(50)]
    assert len(set(seeds)) == len(seeds)
    assert run.seed_of("ols, pooled", 3) == run.seed_of("ols, pooled", 3)
    # The same whether it runs alone or among others, and whatever process takes its batch.
    cell = next(cell for cell in run.cells() if cell.name == "ols, pooled")
    both = run._estimates((cell, range(2)))
    second = run.estimate(cell, run.seed_of(cell.name, 1))
    np.testing.assert_array_equal(both.iloc[len(second) :], second)


def of_chance(run, rows: int, replications: int, rng: np.random.Generator, **changes: float) -> pd.DataFrame:
    """The table of estimators that are as they should be."""
    frame = {
        "model": "logit, pooled", "parameter": "x1", "replications": replications, "allowed": 0.0,
        "distance": rng.standard_t(replications - 1, rows) + changes.get("off", 0.0) * np.sqrt(replications),
        "coverage": rng.binomial(replications, changes.get("covers", 0.95), rows) / replications,
        "covers_low": 0.94, "covers_high": 0.96,
    }  # fmt: skip
    return pd.DataFrame(frame)


@pytest.mark.parametrize("replications", [40, 500])
def test_chance_fails_one_run_in_a_hundred_at_most(run, replications: int) -> None:
    """Some 250 numbers each; binomial(100, 0.01) exceeds 5 once in 2000 times."""
    rng = np.random.default_rng(3)
    sizes = pd.DataFrame({"model": [], "test": pd.Series(dtype=str), "rejected": [], "replications": []})
    failed = [bool(run.unexplained(of_chance(run, 125, replications, rng), sizes)) for _ in range(100)]
    assert sum(failed) <= 5
    wrong = of_chance(run, 125, replications, rng)
    wrong.loc[0] = of_chance(run, 1, replications, rng, off=1.5).loc[0]
    wrong.loc[1] = of_chance(run, 1, replications, rng, covers=0.4).loc[0]
    assert len(run.unexplained(wrong, sizes)) == 2


def test_what_theory_says_of_a_cell_is_what_it_is_held_to(run) -> None:
    cell = run.Cell("ols", "kernel", "pooled", "common shocks", covers=(0.85, 0.90), bias=0.25)
    rng = np.random.default_rng(1)
    estimates = 0.7 + 0.5 * rng.normal(size=400)
    draws = {"truth": 0.6, "estimate": estimates, "error": 0.4, "covered": np.arange(400) < 348}
    table = run.summarise(cell, pd.DataFrame(draws, index=pd.Index(["x1"] * 400)))
    assert table["inside"].iloc[0] == "yes"
    sizes = pd.DataFrame({"model": [], "test": pd.Series(dtype=str), "rejected": [], "replications": []})
    assert run.unexplained(table, sizes) == []
    strict = table.assign(covers_low=0.94, covers_high=0.96)
    assert run.unexplained(strict, sizes) == ["ols, kernel: x1"]
    assert run.unexplained(table.assign(allowed=0.0, distance=6.0), sizes) == ["ols, kernel: x1"]


def test_a_small_run(run, tmp_path: Path) -> None:
    wanted = [("logit", "pooled"), ("ordered_logit", "fixed"), ("logit", "unit dummies, two periods")]
    chosen = [cell for cell in run.cells() if (cell.response, cell.label) in wanted]
    assert len(chosen) == 3
    estimators, sizes = run.validate(12, workers=1, chosen=chosen, loud=False)
    assert set(estimators["model"]) == {f"{response}, {label}" for response, label in wanted}
    assert (estimators["replications"] == 12).all()
    assert (estimators["distance"].abs() < 5).all()
    doubled = estimators[estimators["model"].str.contains("dummies")].set_index("parameter")
    assert doubled.loc["x1", "expected"] == 1.0
    assert doubled.loc["x1", "mean"] > 0.75
    assert sizes["replications"].eq(48).all()
    by_test = sizes.groupby("test")["rejected"].mean()
    assert by_test["CRV1"] > by_test["Wild bootstrap, Rademacher, all 256 draws"]
    manifest = json.loads(run.write(estimators, sizes, tmp_path).read_text("utf-8"))
    assert manifest["simulated"] is True
    assert {path.suffix for path in tmp_path.glob("validation_estimators.*")} >= {
        ".tex",
        ".html",
        ".md",
        ".docx",
    }


def test_every_cell_of_the_estimators(run) -> None:
    labels = [(cell.response, cell.label) for cell in run.cells()]
    assert len(labels) == len(set(labels))
    rows = re.findall(r"^\| ([a-z_]+) \| ((?:(?:yes|—) \| ?)+)$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert [response for response, _ in rows] == list(RESPONSES)
    for response, marks in rows:
        listed = [mark.strip() for mark in marks.strip(" |").split("|")]
        wanted = {e for e, mark in zip(EFFECTS, listed, strict=True) if mark == "yes"}
        mine = [cell for cell in run.cells() if cell.response == response]
        simulated = {cell.label for cell in mine if cell.label == cell.effects}
        simulated |= {"absorbed"} if any("|" in cell.formula for cell in mine) else set()
        # Least squares with absorbed effects are the fixed ones.
        assert simulated | ({"absorbed"} if response == "ols" else set()) == wanted, response


@pytest.mark.parametrize(
    "label",
    [
        "absorbed, jackknife correction", "Firth, 100 rows", "3 outcomes", "survey design", "survey domain",
        "average effects after absorbed", "random, sigma 4", "random, gamma effects", "CR2, eight clusters",
        "Driscoll–Kraay, 40 periods, 2 lags", "difference, two steps",
    ],
)  # fmt: skip
def test_designs_of_their_own(run, label: str) -> None:
    cell = next(cell for cell in run.cells() if cell.label == label)
    draws = run.estimate(cell, seed=1)
    assert draws["converged"].all()
    assert len(draws)
    assert ((draws["estimate"] - draws["truth"]).abs() < 4.5 * draws["error"]).all()


def test_the_report_has_the_validation_or_how_to_run_it(run, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("compose_report", SCRIPT.parents[1] / "report.py")
    report = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(report)
    without = report.run(tmp_path).read_text("utf-8")
    assert "simulates every estimator with known parameters" in without
    assert "examines simulated economies of known effects" in without
    assert '<a href="#validation">Do the estimators recover known parameters?</a>' in without
    sizes = pd.DataFrame(
        {"model": ["ols"], "test": ["CRV1"], "rejected": [0.2], "replications": [500], "inside": ["no"]}
    )
    run.write(made_up(run, 0.0, 0.95), sizes, tmp_path)
    page = report.run(tmp_path).read_text("utf-8")
    assert "simulates every estimator with known parameters" not in page
    assert "Table 1. Estimates and intervals against known parameters" in page
    assert page.count('<section id="validation">') == 1
    assert report.run(tmp_path).read_text("utf-8") == page
