"""Where a project keeps its panels: the data folder and the files in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gvcmetrics.errors import MissingSourceError


@dataclass(frozen=True)
class Project:
    """The data folder of a project: `panels/` (specs), `raw/` and `parquet/` (built).

    Attributes
    ----------
    data : the folder that holds `panels/`.
    home : the data folder that panels are built into, where it is another: `data` may be that of an
        installed package, which is only read.
    """

    data: Path
    home: Path | None = None

    @property
    def specs(self) -> Path:
        return self.data / "panels"

    @property
    def raw(self) -> Path:
        return (self.home or self.data) / "raw"

    @property
    def parquet(self) -> Path:
        return (self.home or self.data) / "parquet"

    @property
    def codebook(self) -> Path:
        return (self.home or self.data).parent / "analysis" / "results" / "codebook.html"

    def spec_file(self, name: str) -> Path:
        return self.specs / f"{name}.yaml"

    def panel_file(self, name: str) -> Path:
        return self.parquet / f"{name}.parquet"

    def panel_folder(self, name: str) -> Path:
        return self.parquet / name

    def inputs_file(self, name: str) -> Path:
        return self.parquet / f".{name}.inputs.json"

    def rejects_file(self, name: str) -> Path:
        return self.parquet / f"{name}.rejects.csv"


def find_project(start: Path | None = None) -> Project:
    """The project whose data folder GVCMETRICS_DATA names, or else the nearest one.

    The nearest is looked for at and above `start`, then at and above the working directory.

    Raises
    ------
    MissingSourceError : no parent folder holds `data/panels`.
    """
    named = os.environ.get("GVCMETRICS_DATA")
    if named:
        if not (Path(named) / "panels").is_dir():
            raise MissingSourceError(
                f"GVCMETRICS_DATA is '{named}', which holds no folder 'panels'",
                remedy="Point it at a project's data folder, or unset it",
            )
        return Project(Path(named).absolute())
    here = Path.cwd()
    near = start.absolute() if start else here
    for folder in [near, *near.parents, here, *here.parents]:
        if (folder / "data" / "panels").is_dir():
            return Project(folder / "data")
    raise MissingSourceError(
        f"no project found: neither '{here.name}' nor a folder above it holds 'data/panels'",
        remedy="Change to the project's folder, or set GVCMETRICS_DATA to its data folder",
    )
