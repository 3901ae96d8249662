"""The study of five claims on Ecuador's firms against numpy and scipy on the raw survey; needs the mirror."""

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
from scipy.optimize import minimize

import gvcmetrics as gvc
from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
RAW = Path(os.environ.get("GVCMETRICS_MIRROR") or ".") / "enai_ecuador_2012_2014.dta"
STUDY: dict[str, Any] = runpy.run_path(str(ROOT / "analysis" / "10_ecuador_claims.py"))

needs_mirror = pytest.mark.skipif(not RAW.is_file(), reason="GVCMETRICS_MIRROR has no survey of Ecuador")


@pytest.fixture(scope="module")
def firms(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("project")
    (folder / "data" / "panels").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        name = f"{STUDY['PANEL']}.yaml"
        build_panel(shutil.copy(ROOT / "data" / "panels" / name, folder / "data" / "panels"))
        return STUDY["prepared"](gvc.panel(STUDY["PANEL"]))


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """The study's columns from the raw file, with no code of the package."""
    file = pd.read_stata(RAW, convert_categoricals=False)
    product = file[["iii_1_a", "iii_1_b", "iii_1_c", "iii_1_d"]].eq(1).any(axis=1)
    process = file[["iv_1_a", "iv_1_b"]].eq(1).any(axis=1)
    kinds = pd.concat([product, process, file["xi_1"] == 1, file["xii_1"] == 1], axis=1).mean(axis=1)
    return pd.DataFrame(
        {
            "kinds": kinds,
            "tie": ((file["ii_1"] == 1) | (file["ii_4"] > 0)).astype(float),
            "exported": (file["ii_9_b_2012"] > 0).astype(float),
            "size": np.log(file["ii_9_d_2012"].where(file["ii_9_d_2012"] > 0)),
            "sales": (file["ii_9_a_2014"] > file["ii_9_a_2012"]).astype(int),
            "jobs": (file["ii_9_d_2014"] > file["ii_9_d_2012"]).astype(int),
            "province": file["cod_provincia"],
            "division": file["ciiu2"],
            "weight": file["fexp"].astype(float),
        }
    )


@needs_mirror
def test_cells_and_their_slope_equal_least_squares(firms: pd.DataFrame, raw: pd.DataFrame) -> None:
    cells = STUDY["in_cells"](firms)
    many = raw.groupby(["province", "division"])["kinds"].transform("size") >= 5
    grouped = raw[many].dropna(subset=["size"]).groupby(["province", "division"])
    own = pd.DataFrame(
        {"y": grouped["kinds"].mean(), "sd": grouped["size"].std(), "m": grouped["size"].mean()}
    )
    assert len(cells) == len(own) == 144
    X = sm.add_constant(pd.DataFrame({"sd": own["sd"], "sq": own["sd"] ** 2, "m": own["m"]}))
    fit = sm.WLS(own["y"], X, weights=grouped.size()).fit()
    slope = fit.params["sd"] + 2 * own["sd"].median() * fit.params["sq"]
    assert STUDY["slope_at"](STUDY["dispersion_models"](cells)[1], cells)[0] == pytest.approx(slope, rel=1e-8)


@needs_mirror
def test_ties_of_ownership_equal_weighted_least_squares(firms: pd.DataFrame, raw: pd.DataFrame) -> None:
    used = raw.dropna(subset=["size"])
    X = sm.add_constant(used[["tie", "exported", "size"]])
    fit = sm.WLS(used["kinds"], X, weights=used["weight"]).fit(
        cov_type="cluster", cov_kwds={"groups": used.groupby(["province", "division"]).ngroup()}
    )
    result = STUDY["ownership_model"](False, firms)
    assert result.params["tie"] == pytest.approx(fit.params["tie"], rel=1e-8)
    assert result.std_errors["tie"] == pytest.approx(fit.bse["tie"], rel=1e-6)


@needs_mirror
def test_growth_of_sales_and_jobs_is_a_tetrachoric_correlation(
    firms: pd.DataFrame, raw: pd.DataFrame
) -> None:
    table = np.array(
        [[raw.loc[(raw["sales"] == a) & (raw["jobs"] == b), "weight"].sum() for b in (0, 1)] for a in (0, 1)]
    )
    table = table / table.sum()
    ends = stats.norm.ppf([table[1].sum(), table[:, 1].sum()])

    def gap(z: np.ndarray) -> float:
        rho = np.tanh(z[0])
        return (stats.multivariate_normal.cdf(ends, cov=[[1, rho], [rho, 1]]) - table[1, 1]) ** 2 * 1e6

    found = minimize(gap, [0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14})
    jobs = gvc.joint_probit("sales_grow + jobs_grow ~ 1", firms, weights="weight")
    assert jobs.params["rho(jobs_grow, sales_grow)"] == pytest.approx(np.tanh(found.x[0]), abs=1e-5)


def test_sentences_turn_with_the_numbers() -> None:
    up, down, none = (0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), (0.0, -0.1, 0.1)
    assert "upgrade in more kinds (0.200" in STUDY["dispersion_in_words"](up, 0.01, 144)
    assert "together are told from zero (bootstrap p = 0.010)" in STUDY["dispersion_in_words"](up, 0.01, 144)
    turned = STUDY["dispersion_in_words"](down, 0.4, 144)
    assert "upgrade in fewer kinds" in turned
    assert "together are not told from zero" in turned
    assert "neither more nor fewer kinds" in STUDY["dispersion_in_words"](none, 0.4, 144)
    for found, word in ((up, "is larger"), (down, "is smaller"), (none, "is neither larger nor smaller")):
        assert word in STUDY["system_in_words"](found, 2548)
    assert "more kinds (0.200" in STUDY["owners_in_words"](up, (0.01, 4), 2549)
    assert "4 sectoral patterns differ (p = 0.010)" in STUDY["owners_in_words"](up, (0.01, 4), 2549)
    assert "fewer kinds" in STUDY["owners_in_words"](down, (0.5, 4), 2549)
    assert "are not told to differ" in STUDY["owners_in_words"](down, (0.5, 4), 2549)
    assert "growing sales go with" in STUDY["jobs_in_words"](up, 2610)
    assert "growing sales go against" in STUDY["jobs_in_words"](down, 2610)
    assert "are not told to go with" in STUDY["jobs_in_words"](none, 2610)
