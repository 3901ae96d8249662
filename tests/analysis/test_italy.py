"""The study of Italy's local systems against statsmodels and numpy on the raw files; needs the mirror."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "analysis" / "12_italian_local_systems.py"
MIRROR = Path(os.environ.get("GVCMETRICS_MIRROR") or ".")
PANELS = (
    "italy_local_systems",
    "italy_municipalities",
    "italy_provinces",
    "italy_ownership",
    "italy_ownership_regions",
)
MODES = ["foreign_multinational", "italian_multinational", "domestic_group"]
needs_mirror = pytest.mark.skipif(
    not (MIRROR / "istat_sll_2023.parquet").is_file(), reason="GVCMETRICS_MIRROR has no tables of ISTAT"
)
STUDY = runpy.run_path(str(SCRIPT), run_name="study")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "analysis").mkdir()
    (folder / "data" / "panels").mkdir(parents=True)
    shutil.copytree(ROOT / "data" / "rates", folder / "data" / "rates")
    shutil.copy(SCRIPT, folder / "analysis")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        patch.chdir(folder)
        for name in PANELS:
            build_panel(shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels"))
        runpy.run_path(str(folder / "analysis" / SCRIPT.name), run_name="__main__")
    return folder / "analysis" / "results"


def shown(results: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(results / f"12_italian_local_systems_{name}.parquet")


def column(table: pd.DataFrame, number: int, statistic: str) -> pd.Series:
    found = table[(table["column_number"] == number) & (table["statistic"] == statistic)]
    return found.set_index("name")["value"]


@pytest.fixture(scope="module")
def places() -> pd.DataFrame:
    """The provinces from the raw files, with no code of the package."""
    raw = pd.read_parquet(MIRROR / "istat_province_sections_2015_2023.parquet")
    raw = raw[raw["section"] == "B+C"]
    made = raw.drop_duplicates("province").set_index("province")[["region"]]
    for name, value in (("employees", "employees"), ("value_added", "value_added_keur")):
        wide = raw.pivot(index="province", columns="year", values=value).dropna(subset=[2023, 2017])
        wide = wide[(wide[[2017, 2018, 2019, 2020, 2023]] > 0).all(axis=1)]
        for window, first, last in (("before", 2017, 2019), ("shock", 2019, 2020), ("recovery", 2020, 2023)):
            total = wide[last].sum() / wide[first].sum()
            made[f"{name}_{window}"] = 100 * (wide[last] / wide[first] / total - 1)
    towns = pd.read_parquet(MIRROR / "istat_municipality_2023.parquet")
    towns = towns[(towns["sector"] == "industry") & towns["persons_employed"].notna()]
    systems = pd.read_parquet(MIRROR / "istat_sll_2023.parquet")
    districts = set(systems.loc[systems["class_code"] == "A", "sll_name"])
    jobs = towns["persons_employed"].where(towns["sll_name"].isin(districts), 0.0)
    made["district_share"] = (
        jobs.groupby(towns["province"]).sum() / towns.groupby("province")["persons_employed"].sum()
    )
    base = raw[raw["year"] == 2019].set_index("province")["persons_employed"]
    made["log_employment_2019"] = np.log(base)
    owners = pd.read_parquet(MIRROR / "istat_region_industry_group_2023.parquet")
    owners = owners[(owners["nace"] == "industry") & (owners["group_type"] != "all")]
    wide = owners.pivot(index="region", columns="group_type", values="persons_employed")
    return made.dropna(subset="log_employment_2019").join(wide.div(wide.sum(axis=1), axis=0), on="region")


def by_leaving_out(sample: pd.DataFrame, y: str, terms: list[str]) -> tuple[pd.Series, pd.Series]:
    """Least squares, and errors from leaving each region out in turn."""
    X = sm.add_constant(sample[terms])
    whole = sm.OLS(sample[y], X).fit().params
    codes = sample["region"].unique()
    without = [
        sm.OLS(sample.loc[kept, y], X[kept]).fit().params - whole
        for kept in (sample["region"] != code for code in codes)
    ]
    spread = sum(each**2 for each in without) * (len(codes) - 1) / len(codes)
    return whole, np.sqrt(spread)


@needs_mirror
def test_districts_and_modes_equal_least_squares(results: Path, places: pd.DataFrame) -> None:
    outcomes = ["employees_shock", "employees_recovery", "value_added_shock", "value_added_recovery"]
    places = places.rename(columns={"employees_before": "growth_before"})
    for name, modes in (("districts", []), ("modes", MODES)):
        terms = ["district_share", *modes, "log_employment_2019", "growth_before"]
        for number, outcome in enumerate(outcomes, 1):
            sample = places.dropna(subset=[outcome])
            estimates, errors = by_leaving_out(sample, outcome, terms)
            table = shown(results, name)
            np.testing.assert_allclose(column(table, number, "estimate")[terms], estimates[terms], rtol=1e-6)
            np.testing.assert_allclose(column(table, number, "std_error")[terms], errors[terms], rtol=1e-6)
            assert len(sample) == (107 if outcome.startswith("emp") else 106)


def webb(sample: pd.DataFrame, y: str, terms: list[str], tested: list[str], draws: int = 1999) -> float:
    """A wild cluster bootstrap of our own: null imposed, six-point weights, Wald statistic by CRV1."""
    X = sm.add_constant(sample[terms]).to_numpy()
    places = [1 + terms.index(name) for name in tested]
    group = sample["region"].astype("category").cat.codes.to_numpy()
    kept = [i for i in range(X.shape[1]) if i not in places]
    outcome = sample[y].to_numpy()
    null = X[:, kept] @ np.linalg.lstsq(X[:, kept], outcome, rcond=None)[0]
    inverse = np.linalg.inv(X.T @ X)

    def wald(values: np.ndarray) -> float:
        beta = inverse @ X.T @ values
        scores = np.zeros((group.max() + 1, X.shape[1]))
        np.add.at(scores, group, X * (values - X @ beta)[:, None])
        cov = (inverse @ scores.T @ scores @ inverse)[np.ix_(places, places)]
        return float(beta[places] @ np.linalg.solve(cov, beta[places]))

    rng = np.random.default_rng(7)
    points = np.array([-np.sqrt(1.5), -1, -np.sqrt(0.5), np.sqrt(0.5), 1, np.sqrt(1.5)])
    observed, left = wald(outcome), outcome - null
    drawn = [wald(null + left * rng.choice(points, group.max() + 1)[group]) for _ in range(draws)]
    return float(np.mean([each >= observed for each in drawn]))


@needs_mirror
def test_bootstrap_p_values_are_those_of_a_bootstrap_of_our_own(results: Path, places: pd.DataFrame) -> None:
    places = places.rename(columns={"employees_before": "growth_before"})
    terms = ["district_share", *MODES, "log_employment_2019", "growth_before"]
    table = shown(results, "modes")
    said = table[table["row"].str.startswith("Bootstrap p")].set_index("column_number")
    ours = webb(places, "employees_recovery", terms, MODES)
    assert float(said.loc[2, "text"]) == pytest.approx(ours, abs=0.02)
    plain = shown(results, "districts")
    said = plain[plain["row"].str.startswith("Bootstrap p")].set_index("column_number")
    ours = webb(places, "employees_shock", [terms[0], *terms[4:]], ["district_share"])
    assert float(said.loc[1, "text"]) == pytest.approx(ours, abs=0.06)


@needs_mirror
def test_morans_i_is_the_double_sum(results: Path, places: pd.DataFrame) -> None:
    places = places.rename(columns={"employees_before": "growth_before"})
    terms = ["district_share", *MODES, "log_employment_2019", "growth_before"]
    left = sm.OLS(places["employees_recovery"], sm.add_constant(places[terms])).fit().resid
    towns = pd.read_parquet(MIRROR / "istat_municipality_2023.parquet")
    linked: dict[str, set[str]] = {}
    for _, found in towns.groupby("sll_name"):
        for name in set(found["province"]):
            linked.setdefault(name, set()).update(set(found["province"]) - {name})
    there = [name for name in places.index if linked[name]]
    z = left[there] - left[there].mean()
    total = sum(z[a] * z[b] / len(linked[a]) for a in there for b in linked[a])
    table = shown(results, "spatial")
    said = table[(table["name"] == "Employees, 2020–23") & table["column"].str.endswith("system: I")]
    assert said["value"].item() == pytest.approx(total / (z**2).sum(), rel=1e-6)


@needs_mirror
def test_ownership_slopes_equal_dummies(results: Path) -> None:
    raw = pd.read_parquet(MIRROR / "istat_region_industry_group_2023.parquet")
    raw = raw[raw["nace"].str.startswith("C") & (raw["group_type"] != "all")]
    raw = raw[(raw["value_added_keur"] > 0) & (raw["persons_employed"] > 0)]
    raw["y"] = np.log(raw["value_added_keur"] / raw["persons_employed"])
    across = raw["group_type"].str.endswith("multinational").astype(float)
    patterns = {"C10-12": "natural_resource", "C29-30": "complex_products", "C13-15": ""}
    raw["multinational"], raw["domestic_group"] = across, (raw["group_type"] == "domestic_group") * 1.0
    names = ["natural_resource", "complex_products", "mixed"]
    for name in names:
        raw[f"multinational_{name}"] = across * (raw["nace"].map(patterns).fillna("mixed") == name)
    cell = raw["region"] + raw["nace"]
    raw, cell = raw[cell.duplicated(keep=False)], cell[cell.duplicated(keep=False)]
    terms = ["multinational", "domestic_group", *(f"multinational_{name}" for name in names)]
    both = pd.concat([raw[terms], pd.get_dummies(cell, dtype=float)], axis=1)
    fit = sm.OLS(raw["y"], both).fit()
    table = shown(results, "ownership")
    np.testing.assert_allclose(column(table, 2, "estimate")[terms], fit.params[terms], rtol=1e-6)
    pooled = sm.OLS(raw["y"], both.drop(columns=[f"multinational_{name}" for name in names])).fit()
    np.testing.assert_allclose(column(table, 1, "estimate")[terms[:2]], pooled.params[terms[:2]], rtol=1e-6)


@needs_mirror
def test_correlations_solve_the_tables_of_four_cells(results: Path) -> None:
    """With constants alone a bivariate probit meets all four cells: its correlation is tetrachoric."""
    raw = pd.read_parquet(MIRROR / "istat_province_sections_2015_2023.parquet")
    raw = raw[(raw["section"] != "total") & (raw["year"] >= 2017)].sort_values(
        ["province", "section", "year"]
    )
    unit = [raw["province"], raw["section"]]
    ups = []
    for level in (raw["turnover_keur"], raw["persons_employed"], raw["wages_keur"] / raw["employees"]):
        growth = np.log(level.where(level > 0)).groupby(unit).diff()
        ups.append((growth > growth.groupby(raw["year"]).transform("median")).where(growth.notna()))
    answers = pd.concat(ups, axis=1).dropna().to_numpy(dtype=float)
    table = shown(results, "together")
    assert len(answers) == 6420
    for number, (a, b) in enumerate([(0, 1), (0, 2), (1, 2)], 1):
        both = (answers[:, a] * answers[:, b]).mean()
        tops = norm.ppf([answers[:, a].mean(), answers[:, b].mean()])

        def excess(r: float, tops: np.ndarray = tops, both: float = both) -> float:
            return (
                quad(lambda x: norm.pdf(x) * norm.cdf((tops[1] - r * x) / np.sqrt(1 - r**2)), -9, tops[0])[0]
                - both
            )

        estimates = column(table, number, "estimate")
        rho = estimates[estimates.index.str.startswith("rho(")].item()
        assert rho == pytest.approx(brentq(excess, -0.99, 0.99), abs=1e-6)


@needs_mirror
def test_classes_equal_the_raw_file(results: Path) -> None:
    raw = pd.read_parquet(MIRROR / "istat_sll_2023.parquet")
    industry = (
        raw[raw["sector"] == "industry"].groupby("class_code")[["value_added_keur", "persons_employed"]].sum()
    )
    table = shown(results, "classes")
    said = table[table["column"] == "Value added a job, industry"]["value"].to_numpy()
    usd = industry["value_added_keur"] / industry["persons_employed"] / 0.924813
    np.testing.assert_allclose(said, usd, rtol=1e-6)


def found(district: float, modes: float = 0.0) -> SimpleNamespace:
    """What the sentences read of a result."""
    params = pd.Series({"district_share": district, **dict.fromkeys(MODES, modes)})
    bounds = pd.DataFrame({"low": params - 1, "high": params + 1})
    return SimpleNamespace(params=params, tstats=params, nobs=107, conf_int=lambda: bounds)


def test_sentences_on_resilience_turn_with_the_numbers() -> None:
    words = STUDY["resilience_in_words"]
    up, down = [found(9.0, 3.0)] * 4, [found(-9.0, -3.0)] * 4
    better = words(up, [0.001] * 4, up, [0.001] * 4)
    worse = words(down, [0.001] * 4, down, [0.9] * 4)
    open_ = words(up, [0.5] * 4, up, [0.9] * 4)
    assert "districts did better in 4 and worse in 0" in better
    assert "districts did better in 0 and worse in 4" in worse
    assert "cannot be called more resilient, nor less" in open_
    assert "goes with employees, 2019–20 and employees, 2020–23" in better
    assert "8 of these 8 tests stay below 0.05" in better
    assert "goes with none of the four" in worse
    assert "+0.3 per cent for a tenth" in better
    assert "−0.3 per cent for a tenth" in worse


def test_sentences_on_neighbours_owners_and_pairs_turn_with_the_numbers() -> None:
    left = pd.DataFrame({"In one region: I": [0.4], "In one region: p": [0.001]}, index=["Employees"])
    assert "alike in 1 of 1 tests: employees" in STUDY["spatial_in_words"](left)
    assert "In none of 1 tests" in STUDY["spatial_in_words"](left.replace(0.001, 0.6))

    def owners(gap: float, p: float) -> str:
        params = pd.Series({"multinational": gap, **dict.fromkeys(STUDY["PATTERNS"], gap)})
        bounds = pd.DataFrame({"low": params - 0.1, "high": params + 0.1})
        result = SimpleNamespace(params=params, nobs=9, conf_int=lambda: bounds)
        return STUDY["owners_in_words"]([result, result], p)

    assert "is higher: by +0.50" in owners(0.5, 0.01)
    assert "is lower: by −0.50" in owners(-0.5, 0.01)
    assert "not told apart, if anything higher" in owners(0.05, 0.01)
    assert "depends on the pattern" in owners(0.5, 0.01)
    assert "is not shown to depend" in owners(0.5, 0.4)

    def together(value: float, p: float) -> str:
        result = SimpleNamespace(
            params=pd.Series({"rho(a, b)": value}), pvalues=pd.Series({"rho(a, b)": p}), nobs=9
        )
        return STUDY["together_in_words"]({"Sales, jobs": result})

    assert "sales and jobs move together (+0.30" in together(0.3, 0.01)
    assert "sales and jobs move apart (−0.30" in together(-0.3, 0.01)
    assert "neither together nor apart" in together(0.3, 0.5)


def test_moran_of_a_checkerboard_and_of_two_halves() -> None:
    line = np.abs(np.subtract.outer(np.arange(30), np.arange(30))) == 1
    halves, stripes = np.repeat([1.0, -1.0], 15), np.tile([1.0, -1.0], 15)
    alike, p_alike = STUDY["morans_i"](halves, line.astype(float))
    unlike, p_unlike = STUDY["morans_i"](stripes, line.astype(float))
    assert alike > 0.8
    assert p_alike < 0.001
    assert unlike == pytest.approx(-1)
    assert p_unlike == 1
