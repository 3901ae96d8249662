"""The study of Ecuador's firms against statsmodels on the raw survey; needs the mirror."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
MIRROR = os.environ.get("GVCMETRICS_MIRROR")
RAW = Path(MIRROR or ".") / "enai_ecuador_2012_2014.dta"

pytestmark = pytest.mark.skipif(not RAW.is_file(), reason="GVCMETRICS_MIRROR has no survey of Ecuador")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "analysis").mkdir()
    (folder / "data" / "panels").mkdir(parents=True)
    shutil.copy(ROOT / "analysis" / "03_ecuador_upgrading.py", folder / "analysis")
    spec = shutil.copy(ROOT / "data" / "panels" / "ecuador_innovation.yaml", folder / "data" / "panels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        patch.chdir(folder)
        build_panel(spec)
        runpy.run_path(str(folder / "analysis" / "03_ecuador_upgrading.py"), run_name="__main__")
    return folder / "analysis" / "results"


def test_every_standard_error_is_clustered_by_province(results: Path) -> None:
    tables = [pd.read_parquet(path) for path in results.glob("03*.parquet")]
    tables = [table for table in tables if (table["statistic"] == "std_error").any()]
    assert tables
    for table in tables:
        printed = table.loc[table["statistic"] == "std_error", "column_number"].unique()
        clusters = table[table["name"] == "clusters"].set_index("column_number")["text"]
        assert set(clusters.reindex(printed)) == {"Province"}


def raw_sample() -> pd.DataFrame:
    """The study's sample from the raw file, with no code of the package."""
    raw = pd.read_stata(RAW, convert_categoricals=False)
    employment, weight = raw["ii_9_d_2012"].astype(float), raw["fexp"].astype(float)
    jobs = weight * employment
    division, province = raw["ciiu2"], raw["cod_provincia"]
    both = jobs.groupby([province, division]).transform("sum")
    quotient = (both / jobs.groupby(province).transform("sum")) / (
        jobs.groupby(division).transform("sum") / jobs.sum()
    )
    with np.errstate(divide="ignore"):
        return pd.DataFrame(
            {
                "process": raw[["iv_1_a", "iv_1_b"]].eq(1).any(axis=1).astype(float),
                "group_member": raw["ii_1"],
                "foreign_owned": (raw["ii_4"] > 0).astype(float),
                "exported_2012": (raw["ii_9_b_2012"] > 0).astype(float),
                "cooperates": raw["coop"],
                "log_location_quotient": np.log(quotient),
                "log_employment_2012": np.log(employment),
                "weight": weight,
            }
        )


def test_marginal_effects_on_process_upgrading(results: Path) -> None:
    sample = raw_sample().replace([np.inf, -np.inf], np.nan).dropna()
    X = sm.add_constant(sample.drop(columns=["process", "weight"]))
    fit = sm.GLM(sample["process"], X, sm.families.Binomial(), freq_weights=sample["weight"]).fit(tol=1e-13)
    table = pd.read_parquet(results / "03_ecuador_upgrading_logit.parquet")
    shown = table[(table["statistic"] == "estimate") & (table["column_number"] == 2)].set_index("name")[
        "value"
    ]
    for tie in ("group_member", "foreign_owned", "exported_2012", "cooperates"):
        change = fit.predict(X.assign(**{tie: 1})) - fit.predict(X.assign(**{tie: 0}))
        assert shown[tie] == pytest.approx(np.average(change, weights=sample["weight"]), rel=1e-6), tie
    p = fit.predict(X)
    slope = np.average(p * (1 - p), weights=sample["weight"]) * fit.params["log_location_quotient"]
    assert shown["log_location_quotient"] == pytest.approx(slope, rel=1e-6)
