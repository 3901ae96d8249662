"""Builds for make: a file a panel that says `built`, or `absent` where its source is not on this machine."""

from __future__ import annotations

from pathlib import Path

from gvcmetrics.errors import MissingSourceError
from gvcmetrics.ground.files import alone, replacing
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.job import Built, Engine
from gvcmetrics.panels.kinds import load_panel
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.sources.raw_files import find_raw
from gvcmetrics.panels.store.listing import staleness
from gvcmetrics.panels.store.stored import find_panel, read_provenance

BUILT, ABSENT = "built\n", "absent\n"


def build_or_skip(
    spec: Path, state: Path, project: Project | None = None, engine: Engine = "duckdb"
) -> Built | MissingSourceError:
    """Build a panel and write to `state` how it ended; an absent source is returned, not raised.

    An earlier panel of an absent source stays. Any other error is raised and leaves `state` as it was.
    Of two that build one panel at once, the second waits for the first and takes what that has built.
    """
    project = project or find_project(spec.absolute().parent)
    before = _written(state)
    with alone(state.with_name(f".{state.name}.lock")):
        if _written(state) != before and (ready := _made_meanwhile(spec, state, project)) is not None:
            return ready
        found: Built | MissingSourceError
        try:
            found = build_panel(spec, project, engine)
        except MissingSourceError as error:
            found = error
        with replacing(state) as temporary:
            temporary.write_text(BUILT if isinstance(found, Built) else ABSENT)
        return found


def _written(state: Path) -> tuple[int, int] | None:
    if not state.exists():
        return None
    found = state.stat()
    return found.st_ino, found.st_mtime_ns


def _made_meanwhile(spec: Path, state: Path, project: Project) -> Built | MissingSourceError | None:
    """What another process has made of a spec, unless something behind it has changed since."""
    if state.read_text() == ABSENT:
        return why_absent(spec, project)
    path = find_panel(spec.stem, project)
    if path is None:
        return None
    made = read_provenance(path)
    if staleness(made.panel, made, spec, project) is not None:
        return None
    rejects = project.rejects_file(made.panel)
    return Built(path, made, rejects if rejects.exists() else None)


def why_absent(spec_path: Path, project: Project) -> MissingSourceError | None:
    """What a panel's source lacks on this machine, and how to get it; None if it is there."""
    kind, spec = load_panel(spec_path)
    try:
        find_raw(spec, project, kind.formats(spec))
    except MissingSourceError as error:
        return error
    return None
