"""What the guides name is there: a file that moves takes its mention along."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.models.results.several import ResultsList

ROOT = Path(__file__).parents[1]
GUIDES = ["README.md", "CONTRIBUTING.md", "docs/architecture.md"]
# Built, downloaded or the reader's own; NAME and NN stand for what the reader chooses.
MADE = re.compile(r"analysis/results/|data/parquet/|data/raw/|data/panels/presets/|\.venv|\.state$|NAME|NN_")


def paths(guide: str) -> list[str]:
    """Code spans that are paths, and the entries of a layout drawn in a text block."""
    text = (ROOT / guide).read_text("utf-8")
    spans = re.findall(r"`([\w.*-]+(?:/[\w.*-]*)+|[\w-]+\.(?:py|yaml|md|toml))`", text)
    drawn = re.findall(r"^((?:gvcmetrics|analysis|data|tests)/[\w/]*)  +\S", text, flags=re.MULTILINE)
    linked = re.findall(r"\]\(([\w./-]+)\)", text)
    beside = [str((ROOT / guide).parent.joinpath(link).resolve().relative_to(ROOT)) for link in linked]
    return [path for path in (*spans, *drawn, *beside) if not MADE.search(path)]


def is_there(path: str) -> bool:
    """In the project or the package; a file named alone may lie anywhere in it."""
    if any([*place.glob(path.rstrip("/"))] for place in (ROOT, ROOT / "gvcmetrics")):
        return True
    return any((ROOT / "gvcmetrics").rglob(path)) if "/" not in path.rstrip("/") else False


@pytest.mark.parametrize("guide", GUIDES)
def test_every_path_that_a_guide_names_exists(guide: str) -> None:
    named = paths(guide)
    assert len(named) > 4
    assert [path for path in named if not is_there(path)] == []


def test_every_make_target_that_a_guide_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    for guide in GUIDES:
        # In code: a span that begins so, or a line of a block.
        named = set(
            re.findall(r"(?:`|^ *)make ([a-z-]+)", (ROOT / guide).read_text("utf-8"), flags=re.MULTILINE)
        )
        assert named <= targets, guide
        assert named, guide


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_the_examples_of_formulas_run() -> None:
    text = (ROOT / "docs" / "models.md").read_text("utf-8")
    section = text.split("## Formulas")[1].split("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    assert blocks
    rng = np.random.default_rng(1)
    firms = pd.DataFrame({"firm_id": np.repeat(np.arange(40), 4), "year": np.tile(np.arange(2001, 2005), 40)})
    firms["region"] = rng.choice(["north", "south", "west"], len(firms))
    firms["industry"] = (firms["firm_id"] % 5).astype(str)
    firms["foreign"] = rng.integers(0, 2, len(firms))
    firms["large"] = rng.integers(0, 2, len(firms))
    firms["skilled"] = rng.random(len(firms))
    firms["trend"] = firms["year"] - 2001
    firms["log_sales"] = firms["skilled"] + rng.normal(size=len(firms))
    firms["exports"] = rng.poisson(np.exp(firms["skilled"]))
    firms["exporter"] = (firms["exports"] > 1).astype(int)
    names: dict[str, object] = {"gvc": gvc, "firms": firms}
    for block in blocks:
        exec(block, names)
    models = names["models"]
    assert isinstance(models, ResultsList)
    assert len(models) == 36


def test_readme_and_architecture_list_every_room() -> None:
    rooms = {f.name for f in (ROOT / "gvcmetrics").iterdir() if f.is_dir() and f.name != "__pycache__"}
    for guide in ("README.md", "docs/architecture.md"):
        text = (ROOT / guide).read_text("utf-8")
        assert [room for room in sorted(rooms) if not re.search(rf"\b{room}\b", text)] == []
