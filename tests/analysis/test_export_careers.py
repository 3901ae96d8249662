"""The study of export careers against numpy on the raw cells; needs the mirror."""

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
FILES = ("exporters_mex_per_destination_1994_2008", "exporters_bra_destination_1997_2007")
STUDY: dict[str, Any] = runpy.run_path(str(ROOT / "analysis" / "11_export_careers.py"))

needs_mirror = pytest.mark.skipif(
    not (MIRROR / f"{FILES[0]}.parquet").is_file(), reason="GVCMETRICS_MIRROR has no exporters by destination"
)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("project")
    (folder / "data" / "panels").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        for name in STUDY["PANELS"]:
            build_panel(shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels"))
        return STUDY["prepared"]([gvc.panel(name) for name in STUDY["PANELS"]])


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """The cells of both files, with no code of the package."""
    both = pd.concat([pd.read_parquet(MIRROR / f"{name}.parquet") for name in FILES], ignore_index=True)
    return both.sort_values(["c", "d", "y"], ignore_index=True)


def slopes(rows: pd.DataFrame, outcome: str, regressors: list[str], effects: list[pd.Series]) -> np.ndarray:
    """Weighted least squares with a dummy for every effect."""
    dummies = [pd.get_dummies(each.astype(str), dtype=float).to_numpy() for each in effects]
    root = np.sqrt(rows["nf"].to_numpy(float))[:, None]
    X = np.column_stack([rows[regressors], *dummies]) * root
    return np.linalg.lstsq(X, rows[outcome].to_numpy() * root[:, 0], rcond=None)[0][: len(regressors)]


@needs_mirror
def test_rates_and_the_gap_between_beginners_and_others(cells: pd.DataFrame, raw: pd.DataFrame) -> None:
    table = STUDY["described"](cells)
    for origin, inside in raw.groupby("c"):
        assert table.loc[origin, "Entry"] == pytest.approx(inside["nf_entrant"].sum() / inside["nf"].sum())
        for kind, suffix in (("entrants", "entrant"), ("incumbents", "incumbent")):
            rate = inside[f"num_exits_{suffix}"].sum() / inside[f"nf_{suffix}"].sum()
            assert table.loc[origin, f"Exit of {kind}"] == pytest.approx(rate)
    gap = np.average(raw["exit_rate_entrant"] - raw["exit_rate_incumbent"], weights=raw["nf"])
    assert STUDY["continuity_model"](cells).params["entrant"] == pytest.approx(gap, rel=1e-8)


@needs_mirror
def test_slopes_equal_least_squares_with_dummies(cells: pd.DataFrame, raw: pd.DataFrame) -> None:
    raw = raw.assign(log_nd=np.log(raw["avg_nd"]), log_x=np.log(raw["total_v"] / raw["nf"]))
    spread = slopes(raw, "log_nd", ["log_x"], [raw["d"], raw["c"] + raw["y"].astype(str)])
    assert STUDY["spread_model"](cells).params["log_mean_exports"] == pytest.approx(spread[0], rel=1e-7)

    past = raw[["c", "d", "y", "log_nd", "log_x", "top5_share"]].assign(y=raw["y"] + 1)
    lagged = raw.merge(past, on=["c", "d", "y"], suffixes=("", "_before"))
    pair = lagged["c"] + lagged["d"]
    kept = lagged[pair.map(pair.value_counts()) > 1].reset_index(drop=True)
    names = ["log_nd_before", "log_x_before", "top5_share_before"]
    expected = slopes(kept, "exit_rate", names, [kept["c"] + kept["d"], kept["c"] + kept["y"].astype(str)])
    result = STUDY["exit_models"](cells)[1]
    np.testing.assert_allclose(result.params, expected, rtol=1e-6)
    assert result.nobs == len(kept)


def test_sentences_turn_with_the_numbers() -> None:
    up, down, none = (0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), (0.0, -0.1, 0.1)
    for found, word in (
        (up, "leave it more often"),
        (down, "leave it less often"),
        (none, "neither more nor"),
    ):
        assert word in STUDY["continuity_in_words"](found, 1405)
    for found, word in ((up, "more exits:"), (down, "fewer exits:"), (none, "neither more nor fewer exits")):
        assert f"there are {word}" in STUDY["exits_in_words"](up, found, 1210)
    for found, word in ((up, "in fewer countries"), (down, "in more countries"), (none, "neither more nor")):
        assert word in STUDY["spread_in_words"](found, 1405)
    assert "(N = 1,405 cells)" in STUDY["continuity_in_words"](up, 1405)
