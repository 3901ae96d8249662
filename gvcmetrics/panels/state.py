"""Builds for make: a file a panel that says `built`, or `absent` where its source is not on this machine."""

from __future__ import annotations

from pathlib import Path

from gvcmetrics.errors import MissingSourceError
from gvcmetrics.ground.files import replacing
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.job import Built, Engine
from gvcmetrics.panels.kinds import load_panel
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources.raw_files import find_raw

BUILT, ABSENT = "built\n", "absent\n"


def build_or_skip(
    spec: Path, state: Path, project: Project | None = None, engine: Engine = "duckdb"
) -> Built | MissingSourceError:
    """Build a panel and write to `state` how it ended; an absent source is returned, not raised.

    An earlier panel of an absent source stays. Any other error is raised and leaves `state` as it was.
    """
    found: Built | MissingSourceError
    try:
        found = build_panel(spec, project, engine)
    except MissingSourceError as error:
        found = error
    with replacing(state) as temporary:
        temporary.write_text(BUILT if isinstance(found, Built) else ABSENT)
    return found


def why_absent(spec_path: Path, project: Project) -> MissingSourceError | None:
    """What a panel's source lacks on this machine, and how to get it; None if it is there."""
    kind, spec = load_panel(spec_path)
    try:
        find_raw(spec, project, kind.formats(spec))
    except MissingSourceError as error:
        return error
    return None
