"""The study of participation and growth against plain numpy on the raw tables; needs the mirror."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
MIRROR = Path(os.environ.get("GVCMETRICS_MIRROR") or ".").resolve()
YEARS = (1995, 1997, 1999)
STUDY: dict[str, Any] = runpy.run_path(str(ROOT / "analysis" / "14_participation_growth.py"))
needs_mirror = pytest.mark.skipif(
    not (MIRROR / "pwt_10_01.parquet").is_file(), reason="GVCMETRICS_MIRROR has no Penn World Table"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells and countries of three years of the tables."""
    folder, mirror = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("mirror")
    (mirror / "wiod2013").mkdir()
    for name in ("pwt_10_01.parquet", *(f"wiod2013/wiot_{year}.parquet" for year in YEARS)):
        (mirror / name).symlink_to(MIRROR / name)
    (folder / "data" / "panels").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        patch.setenv("GVCMETRICS_MIRROR", str(mirror))
        for name in ("wiod", "penn_world_table"):
            build_panel(shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels"))
        patch.setitem(STUDY["run"].__globals__, "YEARS", YEARS)
        patch.setitem(STUDY["run"].__globals__, "LEAST_YEARS", len(YEARS))
        cells, shares = STUDY["country_industries"]()
        return cells, STUDY["whole_countries"](shares, gvc.panel("penn_world_table"))


class Raw:
    """A year of the world table as it was published; rounding is the only difference to the closed one."""

    def __init__(self, year: int) -> None:
        raw = pd.read_parquet(MIRROR / "wiod2013" / f"wiot_{year}.parquet").set_index(["country", "industry"])
        self.rows = raw.index
        self.country = raw.index.get_level_values(0).to_numpy()
        uses = [f"{country}_{industry}" for country, industry in raw.index]
        self.Z = raw[uses].to_numpy(float)
        self.x = raw["output"].to_numpy(float)
        final = raw.drop(columns=[*uses, "output"])
        self.F = np.column_stack(
            [
                final.loc[:, [c.startswith(f"{k}_f") for c in final]].sum(axis=1)
                for k in pd.unique(self.country)
            ]
        )

    def sold_to(self, whole: bool) -> np.ndarray:
        """Sales by country of use, at home nothing; with final use, or intermediates alone."""
        countries = pd.unique(self.country)
        sold = np.column_stack([self.Z[:, self.country == each].sum(axis=1) for each in countries])
        return np.where(self.country[:, None] == countries, 0.0, sold + (self.F if whole else 0.0))


@needs_mirror
def test_cells_equal_the_raw_table(made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    cells = made[0]
    raw, start = Raw(1997), Raw(1995)
    ours = cells[cells["year"] == 1997].set_index(["country", "industry"])
    countries = list(pd.unique(raw.country))
    for country, industry in (("DEU", "c14"), ("MEX", "c15"), ("CHN", "c4")):
        at = raw.rows.get_loc((country, industry))
        here = raw.country == country
        A = raw.Z[:, here] / np.maximum(raw.x[here], 1e-9)
        domestic = np.linalg.inv(np.eye(here.sum()) - A[here])
        foreign = A[~here].sum(axis=0) @ domestic
        row = ours.loc[(country, industry)]
        assert row["backward"] / 10 == pytest.approx(
            foreign[np.flatnonzero(here).tolist().index(at)], abs=2e-3
        )
        assert row["value_added"] == pytest.approx(raw.x[at] - raw.Z[:, at].sum(), rel=1e-2)
        third = countries.index(country)
        for name, whole, traded in (
            ("supply_elsewhere", False, start.Z[:, at]),
            ("demand_elsewhere", True, start.Z[at]),
        ):
            sold = raw.sold_to(whole)
            elsewhere = np.log(np.maximum(sold.sum(axis=1) - sold[:, third], 1.0))
            weights = np.where(here, 0.0, traded)
            assert row[name] == pytest.approx((weights * elsewhere).sum() / weights.sum(), rel=3e-3), name


def swept(values: pd.DataFrame, groups: list[pd.Series]) -> pd.DataFrame:
    """Columns less the means of several groups, one after the other until nothing moves."""
    codes = [pd.factorize(each)[0] for each in groups]
    left = values.to_numpy(float).copy()
    for _ in range(500):
        start = left.copy()
        for code in codes:
            sums = np.column_stack([np.bincount(code, column) for column in left.T])
            left -= (sums / np.bincount(code)[:, None])[code]
        if np.abs(left - start).max() < 1e-9:
            break
    return pd.DataFrame(left, values.index, values.columns)


def least_squares(frame: pd.DataFrame, outcome: str, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and residual scores within cells, country-years and industry-years."""
    pairs = [frame["country"] + frame["year"].astype(str), frame["industry"] + frame["year"].astype(str)]
    left = swept(frame[[outcome, *names]], [frame["cell"], *pairs])
    X, y = left[names].to_numpy(), left[outcome].to_numpy()
    beta = np.linalg.lstsq(X, y, rcond=None)[0]
    bread = np.linalg.inv(X.T @ X)
    scores = X * (y - X @ beta)[:, None]

    def meat(by: pd.Series) -> np.ndarray:
        sums = pd.DataFrame(scores).groupby(by.to_numpy()).sum().to_numpy()
        return sums.T @ sums

    both = meat(frame["country"]) + meat(frame["industry"]) - meat(frame["cell"])
    return beta, np.sqrt(np.diag(bread @ both @ bread))


@needs_mirror
def test_within_estimates_equal_swept_least_squares(made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    cells = made[0]
    parts = STUDY["arithmetic"](cells)
    names = STUDY["SHARES"]
    known = cells.dropna(subset=names)
    whole, output, share = (result.params[names].to_numpy() for result in parts)
    np.testing.assert_allclose(whole, output + share, atol=1e-9)
    for result, outcome in zip(parts[:2], ("log_value_added", "log_output"), strict=True):
        beta, error = least_squares(known, outcome, names)
        np.testing.assert_allclose(result.params[names], beta, rtol=1e-5, atol=1e-8)
        # Small-sample factors apart.
        np.testing.assert_allclose(result.std_errors[names], error, rtol=0.04)

    before = cells[["cell", "year", *names]].assign(year=cells["year"] + 2)
    both = cells.drop(columns=names).merge(before, on=["cell", "year"]).dropna(subset=names)
    beta, _ = least_squares(both, "log_value_added", names)
    later = STUDY["lagged"](cells)
    np.testing.assert_allclose(later.params, beta, rtol=1e-5, atol=1e-8)

    shocks = STUDY["SHOCKS"]
    moved = STUDY["instruments"](cells)
    beta, _ = least_squares(cells.dropna(subset=shocks), "backward", shocks)
    np.testing.assert_allclose(moved[0].params, beta, rtol=1e-5)
    V = moved[0].cov.to_numpy()
    assert STUDY["joint_f"](moved[0]) == pytest.approx(beta @ np.linalg.solve(V, beta) / 2, rel=1e-6)
    flows = STUDY["FLOWS"]
    beta, _ = least_squares(cells, "log_value_added", flows)
    np.testing.assert_allclose(STUDY["elasticities"](cells)[0].params, beta, rtol=1e-5)


@needs_mirror
def test_gmm_of_three_years_is_instrumental_variables(made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """One differenced equation, as many instruments as regressors."""
    cells = made[0]
    names = ["log_value_added", *STUDY["SHARES"]]
    pairs = [cells["country"] + cells["year"].astype(str), cells["industry"] + cells["year"].astype(str)]
    left = swept(cells[names], pairs).assign(cell=cells["cell"], year=cells["year"]).dropna()
    wide = left.pivot(index="cell", columns="year").dropna()
    first, second, third = (wide.xs(year, axis=1, level=1)[names].to_numpy() for year in YEARS)
    beta = np.linalg.solve(first.T @ (second - first), first.T @ (third - second)[:, 0])
    np.testing.assert_allclose(STUDY["dynamics"](cells).params, beta, rtol=1e-4)


@needs_mirror
def test_countries_equal_least_squares_with_dummies(made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    nations = made[1]
    penn = pd.read_parquet(MIRROR / "pwt_10_01.parquet", columns=["isocode", "year", "rgdpna", "emp"])
    penn = penn.rename(columns={"isocode": "country"})
    penn["productivity"] = np.log(penn["rgdpna"] / penn["emp"])
    shares = nations[["country", "year", "backward", "forward"]]
    before = shares.assign(year=shares["year"] + 2)
    both = penn[["country", "year", "productivity"]].merge(before, on=["country", "year"])
    both = both[both["year"].isin(YEARS)]
    X = np.column_stack(
        [both[["backward", "forward"]], pd.get_dummies(both[["country", "year"]].astype(str), dtype=float)]
    )

    def slopes(kept: np.ndarray) -> np.ndarray:
        return np.linalg.lstsq(X[kept], both["productivity"].to_numpy()[kept], rcond=None)[0][:2]

    result = STUDY["country_models"](nations)[1]
    whole = slopes(np.ones(len(both), dtype=bool))
    np.testing.assert_allclose(result.params, whole, rtol=1e-6)
    countries = both["country"].unique()
    without = [slopes((both["country"] != each).to_numpy()) - whole for each in countries]
    factor = (len(countries) - 1) / len(countries)
    np.testing.assert_allclose(
        result.std_errors, np.sqrt(factor * sum(each**2 for each in without)), rtol=1e-4
    )


def said_of(values: dict[str, float], error: float = 0.01, **statistics: float) -> SimpleNamespace:
    """A result of which a sentence reads estimates, intervals, N and tests."""
    params = pd.Series(values, dtype=float)
    bounds = pd.DataFrame({"low": params - 2 * error, "high": params + 2 * error})
    test = SimpleNamespace(statistic=statistics.get("f", 50.0))
    return SimpleNamespace(
        params=params, nobs=9, n_clusters={"country": 40}, conf_int=lambda: bounds,
        statistics=statistics, test=lambda _: test,
    )  # fmt: skip


def test_sentences_on_arithmetic_and_lags_turn_with_the_numbers() -> None:
    def parts(whole: float, output: float, share: float) -> str:
        both = [said_of({"backward": each, "forward": -each}) for each in (whole, output, share)]
        return STUDY["arithmetic_in_words"](both)

    first = parts(-0.04, 0.16, -0.2)
    assert "backward share go with less value added in the same year, −0.040" in first
    assert "forward share go with more value added" in first
    assert "output rises, 0.160" in first
    assert "value added in output falls, −0.200" in first
    assert "is negative, as arithmetic" in first
    second = parts(0.0, -0.2, 0.2)
    assert "neither more nor less" in second
    assert "is not negative, although" in second

    def lags(value: float, gmm: float, **tests: float) -> str:
        names = [f"L({name})" for name in STUDY["SHARES"]]
        return STUDY["lags_in_words"](
            said_of(dict.fromkeys(names, value)), said_of(dict.fromkeys(names, gmm), **tests)
        )

    assert "backward share: more value added, 0.100 (0.080 to 0.120), by GMM less" in lags(
        0.1, -0.1, ar2_p=0.3, hansen_p=0.4
    )
    assert "upstreamness: less value added" in lags(-0.1, 0.0, ar2_p=0.3, hansen_p=0.4)
    assert "do not speak against GMM" in lags(0, 0, ar2_p=0.3, hansen_p=0.4)
    assert "second-order correlation is rejected (p = 0.030)" in lags(0, 0, ar2_p=0.03, hansen_p=0.4)
    assert "instruments are valid is rejected" in lags(0, 0, ar2_p=0.3, hansen_p=0.004)


def test_sentences_on_flows_instruments_and_countries_turn_with_the_numbers() -> None:
    flows = STUDY["FLOWS"]

    def elasticities(now: float, before: float) -> str:
        lagged = {f"L({name})": before for name in flows}
        return STUDY["flows_in_words"](said_of(dict.fromkeys(flows, now)), said_of(lagged))

    assert (
        "in the same year (positive) and −0.1000 (−0.1200 to −0.0800) two years before (negative)"
        in elasticities(0.1, -0.1)
    )
    assert "(not told from zero)" in elasticities(0.0, 0.1)

    def moved(share: float, value: float, f: float) -> str:
        shares, rest = (said_of(dict.fromkeys(STUDY["SHOCKS"], each), f=f) for each in (share, value))
        return STUDY["instruments_in_words"](shares, shares, rest, rest)

    assert "raise the backward share" in moved(0.3, 0.1, 4)
    assert "value added rises" in moved(0.3, 0.1, 4)
    assert "Output rises with suppliers' sales elsewhere" in moved(0.3, 0.1, 4)
    assert "weak for the backward (F = 4.0) and the forward (F = 4.0) share, below 10" in moved(0.3, 0.1, 4)
    assert "lower the forward share" in moved(-0.3, -0.1, 40)
    assert "value added falls" in moved(-0.3, -0.1, 40)
    assert "Neither F is below 10" in moved(-0.3, -0.1, 40)
    assert "are not told to move" in moved(0.0, 0.0, 40)

    def nations(plain: float, held: float) -> str:
        names = ["L(backward)", "L(forward)"]
        return STUDY["countries_in_words"](
            said_of(dict.fromkeys(names, plain)), said_of(dict.fromkeys(names, held))
        )

    assert "backward share go with higher GDP a person at work (0.100" in nations(0.1, 0.0)
    assert "schooling held neither higher nor lower" in nations(0.1, 0.0)
    assert "forward share go with lower GDP" in nations(-0.1, -0.1)
    assert "schooling held lower" in nations(-0.1, -0.1)
