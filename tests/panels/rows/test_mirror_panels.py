"""The panels built from the mirror, against pandas reading the same files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import MissingSourceError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project

SPECS = Path(__file__).parents[3] / "data" / "panels"
MIRROR = os.environ.get("GVCMETRICS_MIRROR")
needs_mirror = pytest.mark.skipif(not MIRROR, reason="needs GVCMETRICS_MIRROR")
FROM_MIRROR = ("ecuador_innovation", "gravity", "world_trade_sitc4")


@pytest.fixture
def mirrored(project: Project) -> Project:
    for name in FROM_MIRROR:
        project.spec_file(name).write_bytes((SPECS / f"{name}.yaml").read_bytes())
    return project


@needs_mirror
def test_ecuador_equals_the_stata_file(mirrored: Project) -> None:
    raw = pd.read_stata(Path(str(MIRROR)) / "enai_ecuador_2012_2014.dta", convert_categoricals=False)
    build_panel(mirrored.spec_file("ecuador_innovation"), mirrored)
    built = panel("ecuador_innovation", project=mirrored)
    assert len(built) == 3 * len(raw) == 7830
    built = built.assign(firm=built["firm_id"].astype(int)).sort_values(["firm", "year"])
    raw = raw.sort_values("firm")
    for name, letter in (
        ("sales_usd", "a"),
        ("exports_usd", "b"),
        ("investment_usd", "c"),
        ("employment", "d"),
    ):
        theirs = raw[[f"ii_9_{letter}_{year}" for year in (2012, 2013, 2014)]].to_numpy().ravel()
        np.testing.assert_array_equal(built[name], theirs)
    # The authors of the file averaged the three years themselves.
    means = built.groupby("firm")["employment"].mean().to_numpy()
    np.testing.assert_allclose(means, raw["num_emp_prom"], rtol=1e-6)
    last = built[built["year"] == 2014]
    product = raw[["iii_1_a", "iii_1_b", "iii_1_c", "iii_1_d"]].max(axis=1)
    np.testing.assert_array_equal(last["upgrade_product"], product)
    np.testing.assert_array_equal(last["upgrade_process"], raw[["iv_1_a", "iv_1_b"]].max(axis=1))
    np.testing.assert_array_equal(last["cooperates"].fillna(-1), raw["coop"].fillna(-1))
    np.testing.assert_array_equal(built["weight"], np.repeat(raw["fexp"].astype(float), 3))
    assert (
        last["cluster_id"].to_numpy() == (raw["cod_provincia"] + "-" + raw["ciiu2"].str[1:]).to_numpy()
    ).all()
    assert built.loc[built["year"] < 2014, "upgrade_product"].isna().all()
    # What the spec says of the file.
    assert last.groupby("size_class")["employment"].median().is_monotonic_increasing
    innovates = last[
        ["upgrade_product", "upgrade_process", "organisational_innovation", "marketing_innovation"]
    ]
    assert innovates.max(axis=1).mean() > 0.9


@needs_mirror
def test_trade_panels_equal_the_parquet_files(mirrored: Project) -> None:
    folder = Path(str(MIRROR))
    for name in ("gravity", "world_trade_sitc4"):
        build_panel(mirrored.spec_file(name), mirrored)
    raw = pd.read_parquet(folder / "agtpa_gravity.parquet").replace({"ROM": "ROU"})
    raw = raw.sort_values(["exporter", "importer", "year"])
    built = panel("gravity", project=mirrored)
    np.testing.assert_array_equal(built["value_usd"], raw["trade"] * 1e6)
    np.testing.assert_array_equal(built["distance_km"], raw["dist"])
    np.testing.assert_array_equal(built["rta_lead4"], raw["rta_lead4"])
    assert (built["exporter"].to_numpy() == raw["exporter"].to_numpy()).all()
    flow = built[(built["exporter"] == "DEU") & (built["importer"] == "FRA") & (built["year"] == 2006)]
    assert flow["value_usd"].item() == pytest.approx(89_294e6, rel=1e-5)  # as the spec's note says
    raw = pd.read_parquet(folder / "world_trade_sitc4_1998_2000.parquet")
    built = panel("world_trade_sitc4", project=mirrored)
    assert (len(built), built["exporter"].nunique(), built["product"].nunique()) == (124_336, 226, 785)
    codes = raw["country"].str.upper().replace("ROM", "ROU")
    order = raw.assign(country=codes).sort_values(["country", "product"])
    np.testing.assert_array_equal(built["value_usd"], order["value"])
    totals = built.groupby("exporter")["value_usd"].sum()
    assert totals.sum() == pytest.approx(120e9, rel=0.01)
    assert totals["CAN"] > totals["DEU"]


@pytest.mark.parametrize("name", FROM_MIRROR)
def test_an_absent_mirror_is_said_with_the_way_to_get_the_data(
    mirrored: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    for folder in (None, str(tmp_path / "empty")):
        monkeypatch.setenv("GVCMETRICS_MIRROR", folder) if folder else monkeypatch.delenv(
            "GVCMETRICS_MIRROR", raising=False
        )
        with pytest.raises(MissingSourceError, match=r"not on this machine\. Set GVCMETRICS_MIRROR to"):
            build_panel(mirrored.spec_file(name), mirrored)


def test_make_is_told_what_is_absent(mirrored: Project, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "GVCMETRICS_MIRROR"}
    environment["PYTHONPATH"] = str(SPECS.parents[1])
    states = {}
    for name in ("gravity", "exports"):
        state = tmp_path / f"{name}.state"
        command = ["panel", "build", f"data/panels/{name}.yaml", "--state", str(state)]
        done = subprocess.run(
            [sys.executable, "-m", "gvcmetrics", *command],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        states[name] = state.read_text()
        assert len(done.stdout.splitlines()) == 1
        if name == "gravity":
            assert done.stdout.startswith("skipped  gravity: ")
    assert states == {"gravity": "absent\n", "exports": "built\n"}
