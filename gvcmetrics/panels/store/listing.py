"""Which panels there are: built, stale, damaged, or waiting for their spec to be built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from gvcmetrics.errors import DataError, MissingSourceError
from gvcmetrics.ground.inputs import changed_input
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.ground.provenance import Provenance
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.sources.plugins import shipped_panels
from gvcmetrics.panels.spec.extends import spec_digest
from gvcmetrics.panels.store.stored import PROVENANCE_FILE, find_panel, read_provenance


def list_panels(project: Project | None = None) -> pd.DataFrame:
    """The project's panels: what is built and what a spec could build.

    Returns
    -------
    pandas.DataFrame : one row a panel, index `panel`; title, contract, state (`built`, `stale` where
        the spec or a file behind it changed since, `not built`, `damaged`), rows, first and last year,
        countries, source, licence, and the command that builds it.
    """
    project = project or find_project()
    rows = [_listed(name, project) for name in panel_names(project)]
    counts = dict.fromkeys(("rows", "first_year", "last_year", "countries"), "Int64")
    names = ["panel", "title", "contract", "state", *counts, "source", "licence", "command"]
    return pd.DataFrame(rows, columns=names).astype(counts).set_index("panel")


def panel_names(project: Project) -> list[str]:
    """Names of all panels that are built or have a spec, here or in an installed package."""
    folders = [file.parent for file in project.parquet.glob(f"*/{PROVENANCE_FILE}")]
    files = [*project.specs.glob("*.yaml"), *project.parquet.glob("*.parquet"), *folders]
    return sorted({*shipped_panels(), *(file.stem for file in files if not file.name.startswith("."))})


def build_command(name: str, project: Project) -> str:
    """The command that builds a panel."""
    shipped = not project.spec_file(name).exists() and name in shipped_panels()
    return f"gvcmetrics panel build {name}" if shipped else f"gvcmetrics panel build data/panels/{name}.yaml"


def _listed(name: str, project: Project) -> dict[str, Any]:
    path, spec = find_panel(name, project), project.spec_file(name)
    if not spec.exists() and name in shipped_panels():
        spec = shipped_panels()[name].spec
    row: dict[str, Any] = {"panel": name, "state": "not built", "command": build_command(name, project)}
    if path is None:
        return row
    try:
        found = read_provenance(path)
    except DataError:
        return {**row, "state": "damaged"}
    stale = staleness(name, found, spec, project) is not None
    kept = {field: getattr(found, field) for field in ("title", "contract", "source", "licence")}
    counts = {
        field: getattr(found.coverage, field) for field in ("rows", "first_year", "last_year", "countries")
    }
    return {**row, **kept, **counts, "state": "stale" if stale else "built"}


def staleness(name: str, found: Provenance, spec: Path, project: Project) -> str | None:
    """What has changed since a panel was built, its spec or the name of a file behind it; None if nothing."""
    if spec.exists() and spec_digest(spec) != found.spec_sha256:
        return spec.name
    return changed_input(project.inputs_file(name))


def not_built(name: str, project: Project) -> MissingSourceError:
    """The error for a panel that is not there: how to build it, or the nearest that is."""
    known = panel_names(project)
    if name in known:
        return MissingSourceError(
            f"the panel '{name}' is not built", remedy=f"Run `{build_command(name, project)}`, or `make all`"
        )
    remedy = did_you_mean(name, known, f"Panels here: {', '.join(known) or 'none'}")
    return MissingSourceError(f"there is no panel '{name}'", remedy=remedy)
