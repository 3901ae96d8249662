"""Panels that other installed packages ship, through the entry-point group `gvcmetrics.panels`.

An entry point names a package of data: a folder with `panels/*.yaml`, and the files that these specs
name, laid out as a project's data folder is. It is only read; its panels are built into the project of the
user. In the package's pyproject.toml:

    [project.entry-points."gvcmetrics.panels"]
    firms_of_peru = "firms_of_peru.data"
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from gvcmetrics.errors import MissingSourceError, SpecError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.ground.warn import warn
from gvcmetrics.panels.project import Project, find_project

GROUP = "gvcmetrics.panels"


@dataclass(frozen=True)
class ShippedPanel:
    """The spec of a panel in an installed package."""

    package: str
    spec: Path

    def project(self, home: Project) -> Project:
        """The project that reads the package's files and builds into `home`."""
        return Project(self.spec.parent.parent, home.data)


def shipped_panels() -> dict[str, ShippedPanel]:
    """The panels of all installed packages, by name; a package whose folder is absent is warned about.

    Raises
    ------
    SpecError : two packages ship a panel of the same name.
    """
    found: dict[str, ShippedPanel] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        folder = _folder(point)
        if folder is None:
            said = f"the package of the entry point '{point.name}' has no folder '{point.value}/panels'"
            warn(f"{said}; its panels are left out", UserWarning)
            continue
        package = point.dist.name if point.dist else point.name
        for spec in sorted((folder / "panels").glob("*.yaml")):
            if spec.stem in found and found[spec.stem].spec != spec:
                first = found[spec.stem].package
                problem = f"the packages {first} and {package} both ship a panel '{spec.stem}'"
                raise SpecError(problem, remedy="Uninstall one of them")
            found[spec.stem] = ShippedPanel(package, spec)
    return found


def find_spec_file(given: str) -> tuple[Path, Project]:
    """The spec that a user names by path or by name, and the project to build it in.

    Raises
    ------
    MissingSourceError : there is no such file, and neither the project nor a package has the name.
    """
    path = Path(given)
    if path.is_file() or path.suffix in (".yaml", ".yml"):
        return path, find_project(path.absolute().parent)
    project, shipped = find_project(), shipped_panels()
    if project.spec_file(given).exists():
        return project.spec_file(given), project
    if given in shipped:
        return shipped[given].spec, shipped[given].project(project)
    known = sorted({*shipped, *(spec.stem for spec in project.specs.glob("*.yaml"))})
    remedy = did_you_mean(given, known, f"Panels here: {', '.join(known) or 'none'}")
    raise MissingSourceError(f"there is no spec '{given}'", remedy=remedy)


def _folder(point: EntryPoint) -> Path | None:
    try:
        spec = find_spec(point.value)
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or []) if spec else []
    return next((Path(place) for place in places if (Path(place) / "panels").is_dir()), None)
