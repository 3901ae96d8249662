"""Bad input that needs a machine in a bad state, or a file of some size."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "gvcmetrics", "panel", "build", "data/panels/exports.yaml"]


def write_many(project: Project, n: int = 120_000) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"country": "DEU", "code": np.arange(n), "year": 2000, "value_k": rng.random(n)})
    frame.assign(quality=rng.random(n), share_pct=1).to_csv(project.raw / "exports.csv", index=False)


def run(project: Project, command: list[str], limit: Callable[[], None] | None = None) -> tuple[int, str]:
    """Exit code and stderr, without the lines on progress that a slow machine gets."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=project.data.parent, env=environment, capture_output=True, text=True, preexec_fn=limit
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("exports: ")]
    return done.returncode, "\n".join(said)


def test_a_full_disk_is_said_and_spares_the_earlier_panel(project: Project) -> None:
    build_panel(project.spec_file("exports"), project)
    before = project.panel_file("exports").read_bytes()
    write_many(project)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    code, said = run(project, COMMAND, limit)
    assert code == 1
    assert said.startswith("error: exports.csv: the disk is full")
    assert "Free space and build again" in said
    assert len(said.splitlines()) == 1
    assert project.panel_file("exports").read_bytes() == before
    assert sorted(path.name for path in project.parquet.iterdir()) == [
        ".exports.inputs.json",
        "exports.parquet",
    ]


def test_a_disk_that_is_really_full(project: Project) -> None:
    mount = "mount -t tmpfs -o size=512k none data/parquet"
    script = f"{mount} || exit 77; {' '.join(COMMAND)}; code=$?; ls -A data/parquet >&2; exit $code"
    project.parquet.mkdir()
    write_many(project)
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    code, said = run(project, ["unshare", "-rm", "sh", "-c", script])
    if code not in (0, 1) or "unshare" in said:
        pytest.skip("this machine lets nobody mount a small disk")
    assert code == 1
    assert said.startswith("error: exports.csv: the disk is full")
    assert len(said.splitlines()) == 1  # and nothing is left on it


@pytest.mark.slow
def test_a_text_among_numbers_at_row_7_000_001(project: Project) -> None:
    spec = project.spec_file("many")
    spec.write_text(
        "title: Many rows\ncontract: trade\nsource: {file: raw/many.csv}\nlicence: none\ncitation: none\n"
        "columns:\n  exporter: {constant: DEU}\n  importer: {constant: WLD}\n  product: {from: k}\n"
        "  year: {constant: '2000'}\n  value_usd: {from: v}\n"
    )
    with open(project.raw / "many.csv", "w") as file:
        file.write("k,v\n")
        for start in range(0, 7_050_000, 50_000):
            lines = [f"{number},5\n" for number in range(start, start + 50_000)]
            if start == 6_950_000:
                lines[-1] = "6999999,five\n"
            file.write("".join(lines))
    with pytest.raises(DataError, match=r"many.csv, row 7000001, column 'v': 'five': not a number"):
        build_panel(spec, project)
    rejects = pd.read_csv(project.rejects_file("many"))
    found = rejects[["file", "row", "column", "value"]].to_numpy().tolist()
    assert found == [["many.csv", 7000001, "v", "five"]]
