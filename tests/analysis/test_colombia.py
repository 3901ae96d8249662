"""The study of Colombia's services against statsmodels and scipy on the raw surveys; needs the mirror."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
RAW = Path(os.environ.get("GVCMETRICS_MIRROR") or ".")
WAVES = {"iii": "iii_2010_2011", "iv": "iv_2012_2013", "v": "v_2014_2015"}
STUDY: dict[str, Any] = runpy.run_path(str(ROOT / "analysis" / "07_colombian_services.py"))

pytestmark = pytest.mark.skipif(
    not (RAW / "colombia_edits_v_2014_2015.parquet").is_file(),
    reason="GVCMETRICS_MIRROR has no services survey of Colombia",
)


@pytest.fixture(scope="module")
def panels(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "data" / "panels").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        for name in STUDY["PANELS"]:
            build_panel(shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels"))
        return gvc.panel("colombian_services"), gvc.panel("colombian_services_2011")


@pytest.fixture(scope="module")
def raw() -> dict[str, pd.DataFrame]:
    """The waves by firm, with no code of the package."""
    files = {wave: pd.read_parquet(RAW / f"colombia_edits_{name}.parquet") for wave, name in WAVES.items()}
    return {wave: file.dropna(subset=["nordemp"]).set_index("nordemp") for wave, file in files.items()}


@pytest.fixture(scope="module")
def two_waves(raw: dict[str, pd.DataFrame]) -> pd.DataFrame:
    before, after = raw["iv"], raw["v"]
    both = before.index.intersection(after.index)
    before, after = before.loc[both], after.loc[both]
    return pd.DataFrame(
        {
            "exported": (before["I3R1C2"] > 0).astype(float),
            "exports": (after["I3R2C2"] > 0).astype(float),
            "certified": ((before["VI6R1C1"] == 1) | (before["VI7R1C1"] == 1)).astype(float),
            "log_employment": np.log(before["IV1R11C2"].where(before["IV1R11C2"] > 0)),
            "rd": (before["II1R1C2"] >= 1).astype(float).where(before["II1R1C2"].notna()),
            "system": before[["V3R6C1", "V3R7C1", "V3R8C1", "V3R10C1"]].eq(1).any(axis=1).astype(float),
            "process": (after["I1R4C1"] == 1).astype(float),
            "process_before": (before["I1R4C1"] == 1).astype(float),
            "marketing": (after["I1R6C1"] == 1).astype(float),
        }
    )


def test_links_equal_those_of_the_raw_files(
    panels: tuple[pd.DataFrame, pd.DataFrame], raw: dict[str, pd.DataFrame]
) -> None:
    links = STUDY["linkage"](*panels)
    exports = {"iii": "I3R1C2", "iv": "I3R1C2", "v": "I3R2C2"}
    for row, (first, second) in zip(
        links.itertuples(), (("iii", "iv"), ("iv", "v"), ("iii", "v")), strict=True
    ):
        both = raw[first].index.intersection(raw[second].index)
        idle = raw[first].loc[both, exports[first]] < 1
        entered = raw[second].loc[both, exports[second]] >= 1
        sizes = [raw[wave].loc[both, "IV1R11C2"] for wave in (first, second)]
        sized = (sizes[0] > 0) & (sizes[1] > 0)
        assert row[1] == len(both)
        assert row[2] == pytest.approx(np.corrcoef(*(np.log(each[sized]) for each in sizes))[0, 1], rel=1e-10)
        assert row[3:5] == (idle.sum(), (idle & entered).sum())


def test_what_is_chance_is_said_by_the_numbers() -> None:
    links = pd.DataFrame(
        {
            "Firms matched": [849, 3681, 676],
            "Correlation of log employment": [0.7, 0.8, 0.04],
            "Did not export": [802, 3328, 627],
            "Entered": [12, 122, 38],
        }
    )
    said = " ".join(STUDY["caution"](links).split())
    assert "by 0.04, no more than chance gives (±0.08)" in said
    links.loc[2, "Correlation of log employment"] = 0.5
    assert "by 0.50, more than chance gives" in " ".join(STUDY["caution"](links).split())


def test_entry_and_research_equal_logits_of_statsmodels(
    panels: tuple[pd.DataFrame, pd.DataFrame], two_waves: pd.DataFrame
) -> None:
    firms = STUDY["linked"](panels[0])
    found = STUDY["effect"](
        STUDY["entry_models"](firms[firms["exporter_before"] == 0])[0], "certified_before"
    )
    idle = two_waves[two_waves["exported"] == 0].dropna(subset=["log_employment"])
    innovators = firms.dropna(subset=["rd_of_innovators_before"])
    research = STUDY["effect"](
        STUDY["research_model"]("upgrade_process", innovators), "rd_of_innovators_before"
    )
    asked = two_waves.dropna(subset=["rd", "log_employment"])
    for effect, rows, outcome, first, rest in (
        (found, idle, "exports", "certified", ["log_employment"]),
        (research, asked, "process", "rd", ["log_employment", "process_before"]),
    ):
        X = sm.add_constant(rows[[first, *rest]])
        fit = sm.Logit(rows[outcome], X).fit(disp=0, tol=1e-12, cov_type="HC1")
        ends = [fit.predict(X.assign(**{first: value})) for value in (1.0, 0.0)]
        assert effect[0] == pytest.approx((ends[0] - ends[1]).mean(), rel=1e-6)
        slopes = [
            (p * (1 - p)).to_numpy() @ X.assign(**{first: v}) for p, v in zip(ends, (1.0, 0.0), strict=True)
        ]
        gradient = (slopes[0] - slopes[1]) / len(rows)
        error = float(np.sqrt(gradient @ fit.cov_params() @ gradient))
        assert effect[2] - effect[0] == pytest.approx(stats.norm.ppf(0.975) * error, rel=2e-3)


def test_the_joint_probit_solves_the_score_of_scipys_likelihood(
    panels: tuple[pd.DataFrame, pd.DataFrame], two_waves: pd.DataFrame
) -> None:
    firms = STUDY["linked"](panels[0])
    result = STUDY["system_model"](firms.dropna(subset=["rd_of_innovators_before"]))
    rows = two_waves.dropna(subset=["rd", "log_employment"])
    assert result.nobs == len(rows)
    X = np.column_stack([np.ones(len(rows)), rows["system"], rows["log_employment"]])
    signs = 2 * rows[["marketing", "process"]].to_numpy() - 1
    same = signs.prod(axis=1) > 0

    def loglik(theta: np.ndarray) -> float:
        ends = np.column_stack([X @ theta[:3], X @ theta[3:6]]) * signs
        total = 0.0
        for group, rho in ((same, theta[6]), (~same, -theta[6])):
            total += np.log(stats.multivariate_normal.cdf(ends[group], cov=[[1, rho], [rho, 1]])).sum()
        return total

    order = [f"{y}: {x}" for y in ("marketing_innovation", "upgrade_process")
             for x in ("Intercept", "system_before", "log_employment_before")]  # fmt: skip
    rho = next(name for name in result.params.index if name.startswith("rho("))
    theta = result.params[[*order, rho]].to_numpy()
    assert loglik(theta) == pytest.approx(result.loglik, rel=1e-7)
    step = 1e-4
    for at in (1, 4, 6):
        moved = [loglik(theta + sign * step * np.eye(7)[at]) for sign in (1, -1)]
        curvature = (moved[0] + moved[1] - 2 * loglik(theta)) / step**2
        assert abs((moved[0] - moved[1]) / (2 * step) / curvature) < 1e-4
    with_it, without = (np.column_stack([X[:, 0], np.full(len(X), v), X[:, 2]]) for v in (1.0, 0.0))
    changes = [
        (stats.norm.cdf(with_it @ theta[a : a + 3]) - stats.norm.cdf(without @ theta[a : a + 3])).mean()
        for a in (0, 3)
    ]
    assert STUDY["difference"](result)[0] == pytest.approx(changes[0] - changes[1], abs=1e-8)


def test_sentences_turn_with_the_numbers() -> None:
    up, down, none = (0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), (0.0, -0.1, 0.1)
    rates = pd.DataFrame({"sum": [10, 30], "size": [1000, 300]}, index=[0.0, 1.0])
    said = STUDY["entry_in_words"](rates, up, (*down, 0.01))
    for part in ("Of 1,300 firms", "10.0% of those with", "1.0% of the others", "p < 0.001", "more often"):
        assert part in said
    assert "smaller in smaller firms" in said
    turned = STUDY["entry_in_words"](rates.iloc[::-1].set_axis([0.0, 1.0]), down, (*up, 0.01))
    assert "1.0% of those with" in turned
    assert "less often" in turned
    assert "larger in smaller firms" in turned
    assert "neither more nor less often" in STUDY["entry_in_words"](rates, none, (*none, 0.9))
    research = STUDY["research_in_words"]({"Product": up, "Process": down, "Marketing": none}, 1005)
    assert "N = 1,005" in research
    assert "product upgrading more likely (0.200" in research
    assert "process upgrading less likely" in research
    assert "marketing upgrading neither more nor less" in research
    for found, word in ((up, "is larger"), (down, "is smaller"), (none, "is neither larger nor smaller")):
        assert word in STUDY["system_in_words"](found, 1005)
