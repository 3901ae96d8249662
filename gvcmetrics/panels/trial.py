"""`panel check`: what a spec makes of its raw files, without building."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gvcmetrics.errors import GvcError
from gvcmetrics.panels.findings import Findings
from gvcmetrics.panels.kinds import load_panel
from gvcmetrics.panels.progress import Report
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.sources.raw_files import find_raw
from gvcmetrics.panels.spec.blanks import blanks, marks
from gvcmetrics.panels.spec.yaml_lines import read_yaml


def check_panel(
    spec_path: Path | str, project: Project | None = None, report: Report | None = None
) -> Findings:
    """Read a spec and its raw file, and report; nothing is written.

    Whatever is wrong becomes a problem of the report; of bad cells, the first of each kind with
    their number. So does every line that a draft has marked as a guess: it is for a person to decide.
    """
    path = Path(spec_path)
    try:
        left = blanks(read_yaml(path))
        if left:
            return Findings(path.stem, [str(error) for error in left])
        project = project or find_project(path.absolute().parent)
        kind, spec = load_panel(path)
        found = kind.trial(spec, find_raw(spec, project, kind.formats(spec)), project, report)
        return replace(found, problems=[*found.problems, *map(str, marks(path))])
    except GvcError as error:
        return Findings(path.stem, [str(error)])
