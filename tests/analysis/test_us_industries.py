"""The study of local industries of the United States against numpy and statsmodels; needs the mirror."""

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
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.crosswalks.links import crosswalk

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "analysis" / "13_us_local_industries.py"
MIRROR = Path(os.environ.get("GVCMETRICS_MIRROR") or ".").resolve()
PANELS = ("us_commuting_zones", "us_zone_industries", "us_state_industries", "us_state_branches", "wiod")
STARTS = {2000: 2002, 2003: 2007, 2008: 2011}
CBP, ZONES, SHARES = (
    f"{name}.parquet"
    for name in (
        "us_cbp_state_manufacturing_2000_2011",
        "adh_commuting_zones_1990_2007",
        "adh_commuting_zone_shares",
    )
)
needs_mirror = pytest.mark.skipif(
    not (MIRROR / CBP).is_file(), reason="GVCMETRICS_MIRROR has no County Business Patterns"
)
STUDY = runpy.run_path(str(SCRIPT), run_name="study")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the study's panels; of the world tables it has the years that the study reads."""
    folder, mirror = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("mirror")
    (mirror / "wiod2013").mkdir()
    for name in (CBP, ZONES, SHARES, "concordances", *(f"wiod2013/wiot_{year}.parquet" for year in STARTS)):
        (mirror / name).symlink_to(MIRROR / name)
    (folder / "analysis").mkdir()
    (folder / "data" / "panels").mkdir(parents=True)
    shutil.copy(SCRIPT, folder / "analysis")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        patch.setenv("GVCMETRICS_MIRROR", str(mirror))
        patch.chdir(folder)
        for name in PANELS:
            build_panel(shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels"))
        runpy.run_path(str(folder / "analysis" / SCRIPT.name), run_name="__main__")
        yield folder


def shown(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / "analysis" / "results" / f"13_us_local_industries_{name}.parquet")


def column(table: pd.DataFrame, number: int, statistic: str) -> pd.Series:
    found = table[(table["column_number"] == number) & (table["statistic"] == statistic)]
    return found.set_index("name")["value"]


def zones() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The raw zones and the controls of the published regression, with no code of the package."""
    raw = pd.read_parquet(MIRROR / ZONES)
    controls = raw[[name for name in raw if name.startswith("l_")]]
    dummies = pd.get_dummies(raw[["division", "period"]].astype(str), dtype=float, drop_first=True)
    return raw, sm.add_constant(pd.concat([controls, dummies], axis=1))


def clustered(
    X: np.ndarray, u: np.ndarray, w: np.ndarray, groups: np.ndarray, bread: np.ndarray
) -> np.ndarray:
    codes = pd.factorize(groups)[0]
    scores = np.zeros((codes.max() + 1, X.shape[1]))
    np.add.at(scores, codes, X * (w * u)[:, None])
    return bread @ scores.T @ scores @ bread.T


@needs_mirror
def test_the_instrument_gives_the_published_figure(folder: Path) -> None:
    """Least squares in two stages; Autor, Dorn and Hanson (2013), table 3, column 6, have −0.596 (0.099)."""
    raw, W = zones()
    w, y = raw["weights"].to_numpy(), raw["d_sh_empl_mfg"].to_numpy()
    X = np.column_stack([raw["shock"], W])
    Z = np.column_stack([raw["IV"], W])
    bread = np.linalg.inv(Z.T @ (X * w[:, None]))
    beta = bread @ Z.T @ (w * y)
    error = np.sqrt(clustered(Z, y - X @ beta, w, raw["statefip"].to_numpy(), bread)[0, 0])
    table = shown(folder, "imports")
    row = table[table["name"] == "Manufacturing"].set_index("column")["value"]
    assert row["Instrument"] == pytest.approx(beta[0], rel=1e-6)
    assert beta[0] == pytest.approx(-0.596, abs=5e-4)
    # The study's factor is G/(G − 1) (N − 1)/(N − K).
    assert row["Error "] == pytest.approx(error, rel=0.02)
    assert row["Error "] == pytest.approx(0.099, abs=0.0015)
    plain = sm.WLS(y, X, weights=w).fit()
    assert row["Least squares"] == pytest.approx(plain.params[0], rel=1e-6)
    for end in ("AR low", "AR high"):
        reduced = sm.WLS(y - row[end] * raw["shock"], Z, weights=w).fit(
            cov_type="cluster", cov_kwds={"groups": raw["statefip"], "use_correction": True}
        )
        t = reduced.params.iloc[0] / reduced.bse.iloc[0]
        assert abs(t) == pytest.approx(stats.t.ppf(0.975, raw["statefip"].nunique() - 1), rel=0.01), end
    first = sm.WLS(raw["shock"], Z, weights=w).fit(cov_type="cluster", cov_kwds={"groups": raw["statefip"]})
    assert row["First-stage F"] == pytest.approx(first.tvalues.iloc[0] ** 2, rel=0.02)


@needs_mirror
def test_the_outside_and_inner_features_equal_weighted_least_squares(folder: Path) -> None:
    raw, W = zones()
    shares = pd.read_parquet(MIRROR / SHARES)
    p = shares["share"] / shares.groupby(["czone", "period"])["share"].transform("sum")
    group = p.groupby([shares["czone"], shares["period"], shares["sic"] // 100]).transform("sum")
    within, between = p * np.log2(group / p), -p * np.log2(group)
    place = [shares["czone"], shares["period"]]
    variety = pd.DataFrame(
        {"related": within.groupby(place).sum(), "unrelated": between.groupby(place).sum()}
    )
    both = raw.join(variety, on=["czone", "period"])
    known = both["related"].notna().to_numpy()
    both, W = both[known], W[known]
    names = ["IV", "l_shind_manuf_cbp", "related", "unrelated"]
    z = {name: (both[name] - both[name].mean()) / both[name].std() for name in [*names, "d_sh_empl_mfg"]}
    X = pd.concat(
        [pd.DataFrame({name: z[name] for name in names}), W.drop(columns="l_shind_manuf_cbp")], axis=1
    )
    fit = sm.WLS(z["d_sh_empl_mfg"], X, weights=both["weights"]).fit()
    ours = column(shown(folder, "inner"), 1, "estimate")
    order = ["import_exposure_elsewhere", "manufacturing_share", "related_variety", "unrelated_variety"]
    np.testing.assert_allclose(ours[order], fit.params[names], rtol=1e-6)


@pytest.fixture(scope="module")
def cells(folder: Path) -> pd.DataFrame:
    """State × industry × window from the raw files; only the world tables' participation is the package's."""
    raw = pd.read_parquet(MIRROR / CBP)
    codes = STUDY_CODES
    raw = raw[raw["naics_code"].isin(codes) & raw["year"].isin({*STARTS, *STARTS.values()})]
    raw = raw.assign(region=raw["state_fips"], industry=raw["naics_code"].map(codes), n=raw["establishments"])
    known = (raw["payroll_kusd"] > 0) & (raw["employment"] > 0)
    raw["pay"] = np.log((raw["payroll_kusd"] * 1000 / raw["employment"]).where(known))
    now = raw[raw["year"].isin(STARTS)].copy()
    by = [now["year"], now["region"]]
    of_industry = now["n"].groupby([now["year"], now["industry"]]).transform("sum")
    local = now["n"] / now["n"].groupby(by).transform("sum")
    now["specialisation"] = local / (of_industry / now["n"].groupby(now["year"]).transform("sum"))
    heads = now["n"].where(now["naics_code"].isin(["54", "55"]), 0)
    now["functions"] = heads.groupby(by).transform("sum") / now["n"].groupby(by).transform("sum")
    later = raw.set_index(["region", "industry", "year"])["pay"]
    ends = now["year"].map(STARTS)
    place = pd.MultiIndex.from_arrays([now["region"], now["industry"], ends])
    now["growth"] = 100 * (later.reindex(place).to_numpy() - now["pay"]) / (ends - now["year"])

    fine = pd.read_parquet(MIRROR / CBP)
    code = fine["naics_code"]
    fine = fine[(code.str.len() == 4) & code.str.startswith("3") & fine["year"].isin(STARTS)]
    at = [fine["year"], fine["state_fips"]]
    p = fine["establishments"] / fine["establishments"].groupby(at).transform("sum")
    group = p.groupby([*at, fine["naics_code"].str[:3]]).transform("sum")
    related = (p * np.log2(group / p)).groupby(at).sum().rename("related_variety")
    now = now.join(related, on=["year", "region"])
    links = crosswalk("ISIC4", "WIOD2013").links.dropna(subset="target")
    chain = gvc.industry_measures("wiod", STARTS).xs("USA", level="country")
    for name, measure in (("participation", "participation"), ("position", "position_koopman")):
        known = {
            (code, year): np.mean([mean_of(links, chain[measure][year], each) for each in span(code)])
            for code, year in set(zip(now["industry"], now["year"], strict=True))
        }
        now[name] = [known[pair] for pair in zip(now["industry"], now["year"], strict=True)]
    return now.reset_index(drop=True)


STUDY_CODES = {
    "11": "01-03",
    "21": "05-09",
    "22": "35",
    "23": "41-43",
    "42": "46",
    "44": "47",
    "48": "49-53",
    "51": "58-63",
    "52": "64-66",
    "53": "68",
    "54": "69-75",
    "55": "70",
    "56": "77-82",
    "61": "85",
    "62": "86-88",
    "71": "90-93",
    "72": "55-56",
    "81": "94-96",
    "311": "10",
    "312": "11-12",
    "313": "13",
    "315": "14",
    "316": "15",
    "321": "16",
    "322": "17",
    "323": "18",
    "324": "19",
    "325": "20-21",
    "326": "22",
    "327": "23",
    "331": "24",
    "332": "25",
    "333": "28",
    "334": "26",
    "335": "27",
    "336": "29-30",
    "337": "31",
    "339": "32",
}
GAPS = {4, 34, 40, 44, 48, 54, 57, 67, 76, 83, 89}


def span(code: str) -> list[str]:
    first, _, last = code.partition("-")
    return [f"{each:02}" for each in range(int(first), int(last or first) + 1) if each not in GAPS]


def mean_of(links: pd.DataFrame, measure: pd.Series, division: str) -> float:
    found = links[links["source"] == division]
    values = measure.reindex(found["target"]).to_numpy()
    return float(np.average(values, weights=found["weight"]))


def dummies(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    return pd.concat(
        [pd.get_dummies(frame[name].astype(str), prefix=name, dtype=float) for name in names], axis=1
    )


def z(values: pd.Series) -> pd.Series:
    return (values - values.mean()) / values.std()


@needs_mirror
def test_links_equal_least_squares_with_dummies(folder: Path, cells: pd.DataFrame) -> None:
    links = ["specialisation", "related_variety", "participation", "position"]
    made = cells[cells["naics_code"].str.len() == 3].dropna(subset=["growth", *links])
    made = made.assign(**{name: z(made[name]) for name in links})
    X = pd.concat([made[links], dummies(made, "industry", "region", "year")], axis=1)
    ours = column(shown(folder, "links"), 2, "estimate")
    np.testing.assert_allclose(ours[links], np.linalg.lstsq(X, made["growth"], rcond=None)[0][:4], rtol=1e-5)

    made["cell"] = made["region"].astype(str) + made["industry"]
    within = made[made["cell"].duplicated(keep=False)]
    means = within.groupby("cell")[["growth", *links]].transform("mean")
    left = within[["growth", *links]] - means
    years = pd.get_dummies(within["year"], dtype=float)
    years = years - years.groupby(within["cell"]).transform("mean")

    def slopes(kept: np.ndarray) -> np.ndarray:
        right = pd.concat([left[links], years], axis=1)[kept]
        return np.linalg.lstsq(right, left.loc[kept, "growth"], rcond=None)[0][:4]

    whole = slopes(np.ones(len(within), dtype=bool))
    table = shown(folder, "links")
    np.testing.assert_allclose(column(table, 1, "estimate")[links], whole, rtol=1e-5)
    industries = within["industry"].unique()
    without = [slopes((within["industry"] != each).to_numpy()) - whole for each in industries]
    G = len(industries)
    errors = np.sqrt((G - 1) / G * sum(each**2 for each in without))
    np.testing.assert_allclose(column(table, 1, "std_error")[links], errors, rtol=1e-4)
    assert len(within) == 2517


@needs_mirror
def test_completeness_is_worked_from_the_raw_table(folder: Path, cells: pd.DataFrame) -> None:
    """The input chain of one industry from the raw world table, and the regression of pay on all of it."""
    table = pd.read_parquet(MIRROR / "wiod2013" / "wiot_2000.parquet")
    industries = [f"c{number}" for number in range(1, 36)]
    uses = table.groupby("industry")[[f"USA_{each}" for each in industries]].sum().loc[industries].to_numpy()
    output = table[table["country"] == "USA"].set_index("industry")["output"].loc[industries].to_numpy()
    A = uses / output
    links = crosswalk("ISIC4", "WIOD2013").links.dropna(subset="target")
    names = sorted(set(STUDY_CODES.values()))
    share = np.zeros((len(names), 35))
    for row, name in enumerate(names):
        for division in span(name):
            for _, link in links[links["source"] == division].iterrows():
                share[row, industries.index(link["target"])] += link["weight"]
    sells = np.divide(share, share.sum(axis=0), out=np.zeros_like(share), where=share.sum(axis=0) > 0)
    buys = share / share.sum(axis=1, keepdims=True)
    inputs = sells @ A @ buys.T
    np.fill_diagonal(inputs, 0)
    here = cells[(cells["year"] == 2000) & (cells["region"] == 6)].set_index("industry")["specialisation"]
    present = here.reindex(names).fillna(0).clip(upper=1).to_numpy()
    expected = dict(zip(names, present @ inputs / inputs.sum(axis=0), strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        made = STUDY["local_industries"](gvc.panel("us_state_industries"), gvc.panel("us_state_branches"))
    ours = made[(made["year"] == 2000) & (made["region"] == "06")].set_index("industry")["completeness"]
    # The table is closed by spreading what rounding leaves, so coefficients differ a little.
    np.testing.assert_allclose(ours, pd.Series(expected)[ours.index], rtol=2e-3)

    joined = cells.assign(key=cells["region"].map("{:02}".format)).merge(
        made[["region", "industry", "year", "completeness"]],
        left_on=["key", "industry", "year"],
        right_on=["region", "industry", "year"],
    )
    terms = ["completeness", "functions", "specialisation"]
    used = joined.dropna(subset=["pay", *terms])
    X = pd.concat([used[terms].apply(z), dummies(used, "industry", "year")], axis=1)
    beta = np.linalg.lstsq(X, z(used["pay"]), rcond=None)[0][:3]
    np.testing.assert_allclose(column(shown(folder, "income"), 1, "estimate")[terms], beta, rtol=1e-5)


def test_sentences_turn_with_the_numbers() -> None:
    def shocks(value: float, low: float, high: float, F: float) -> str:
        row = {"Instrument": value, "Least squares": -0.1, "AR low": low, "AR high": high}
        row |= {"First-stage F": F, "Zones × periods": 9}
        return STUDY["shocks_in_words"](pd.DataFrame({"Manufacturing": row, "Other jobs": row}).T)

    assert "manufacturing — fewer jobs, −0.60" in shocks(-0.596, -0.8, -0.4, 50)
    assert "the published −0.596" in shocks(-0.596, -0.8, -0.4, 50)
    assert "not the published" in shocks(-0.7, -0.8, -0.4, 50)
    assert "manufacturing — more jobs" in shocks(0.6, 0.4, 0.8, 50)
    assert "neither fewer nor more" in shocks(0.6, -0.4, 0.8, 50)
    assert "is weak" in shocks(0.6, -0.4, 0.8, 5)

    def inner(outside: float, p: float) -> str:
        params = pd.Series({STUDY["Z"]: outside, **dict.fromkeys(STUDY["INNER"], 0.2)})
        test = SimpleNamespace(pvalue=p)
        return STUDY["inner_in_words"](SimpleNamespace(params=params, nobs=9, test=lambda _: test))

    assert "weighs more in size (p = 0.020)" in inner(-0.5, 0.02)
    assert "weighs less in size, a difference not told apart from zero" in inner(0.1, 0.4)

    def income(value: float, error: float) -> str:
        params, errors = pd.Series({"completeness": value}), pd.Series({"completeness": error})
        bounds = pd.DataFrame({"low": params - 2 * errors, "high": params + 2 * errors})
        result = SimpleNamespace(
            params=params, std_errors=errors, nobs=9, n_clusters={"region": 51}, conf_int=lambda: bounds
        )
        return STUDY["income_in_words"]([result, result])

    assert "within industries, higher pay" in income(0.5, 0.1)
    assert "within industries, lower pay" in income(-0.5, 0.1)
    assert "beyond the bound is ruled out" in income(0.01, 0.01)
    assert "beyond the bound is not ruled out" in income(0.01, 0.1)

    def links(value: float, p: float, equal: float) -> str:
        result = SimpleNamespace(params=pd.Series(value, STUDY["LINKS"]), nobs=9)
        return STUDY["links_in_words"](result, dict.fromkeys(STUDY["LINKS"], p), equal)

    assert "every link is positive, as claimed" in links(0.5, 0.01, 0.5)
    assert "is not borne out" in links(-0.5, 0.01, 0.5)
    assert "specialisation −0.50 (p = 0.020, negative)" in links(-0.5, 0.02, 0.5)
    assert "weigh alike is rejected" in links(0.5, 0.01, 0.01)
    assert "weigh alike is not rejected" in links(0.5, 0.01, 0.5)
