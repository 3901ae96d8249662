"""From a spec's `source` to the raw files on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from gvcmetrics.errors import Place, SpecError
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.tables import FORMATS, is_readable
from gvcmetrics.panels.sources.catalogue import Source
from gvcmetrics.panels.sources.catalogue import source as catalogue_source
from gvcmetrics.panels.sources.fetch import raw_file, verify
from gvcmetrics.panels.spec.panel import FileSource, PanelSpec


@dataclass(frozen=True)
class RawFiles:
    """The raw files of a panel, where they come from, and the checksum expected of a single one."""

    paths: tuple[Path, ...]
    source: Source
    sha256: str | None

    @property
    def name(self) -> str:
        """The files' names; of many, the first and how many more."""
        rest = len(self.paths) - 1
        return self.paths[0].name + (f" and {rest} more" if rest else "")

    def checksum(self, project: Project) -> str:
        """SHA-256 of the file; of several, that of the list of their checksums and names.

        Raises
        ------
        DataError : the file is not the one expected.
        """
        if len(self.paths) == 1:
            return verify(self.paths[0], self.sha256, self._restore(project))
        listed = "".join(f"{verify(path, None, '')}  {path.name}\n" for path in self.paths)
        return hashlib.sha256(listed.encode()).hexdigest()

    def _restore(self, project: Project) -> str:
        if self.source.embedded is not None:
            where = f"{project.data.name}/{project.raw.name}/{self.paths[0].name}"
            return f"Delete {where} to have it made again, or name an edited file under `source: {{file: …}}`"
        return "Restore the file, or correct `sha256` in the spec"


def find_raw(spec: PanelSpec, project: Project) -> RawFiles:
    """The raw files of a spec.

    Raises
    ------
    SpecError : a path leads out of the data folder, names no file, or names a format that is not read;
        a panel from a file of its own states no licence or citation.
    MissingSourceError : the catalogue's source is not on this machine.
    """
    given = spec.spec.source
    if isinstance(given, str):
        entry = catalogue_source(given, spec.document.place(("source",)))
        path = raw_file(entry, project)
        _refuse_unreadable(path, spec.document.place(("source",)))
        return RawFiles((path,), entry, entry.embedded.sha256 if entry.embedded else None)
    paths = _paths(given, spec, project)
    for key in ("licence", "citation"):
        if getattr(spec.spec, key) is None:
            raise SpecError(
                f"a panel from a file of its own must state its {key}",
                spec.document.place(()),
                f"Add `{key}:` (write `unknown` if it is)",
            )
    entry = Source(
        name=paths[0].name,
        title=spec.spec.title,
        origin="a file of the project" if len(paths) == 1 else f"{len(paths)} files of the project",
        licence=spec.spec.licence or "",
        citation=spec.spec.citation or "",
    )
    return RawFiles(paths, entry, given.sha256)


def data_file(name: str, project: Project, place: Place) -> Path:
    """A file inside the data folder.

    Raises
    ------
    SpecError : the path leads out of the folder, also by way of a link, or there is no such file.
    """
    folder = project.data.resolve()
    path = _inside(name, project, place)
    if not path.resolve().is_relative_to(folder):
        raise SpecError(f"'{name}' leaves the data folder", place, "Put the file under data/raw")
    if not path.is_file():
        raise SpecError(
            f"there is no file '{name}' in the data folder", place, "Put it there, or correct the path"
        )
    return path


def _inside(name: str, project: Project, place: Place) -> Path:
    parts = Path(name.replace("\\", "/")).parts
    if not name or "\0" in name or ".." in parts or Path(name).is_absolute():
        raise SpecError(f"'{name}' leaves the data folder", place, "Put the file under data/raw")
    return project.data / name


def _paths(given: FileSource, spec: PanelSpec, project: Project) -> tuple[Path, ...]:
    place = spec.document.place(("source", "file" if given.file is not None else "files"))
    if isinstance(given.files, str):
        _inside(given.files, project, place)
        names = sorted(
            path.relative_to(project.data).as_posix()
            for path in project.data.glob(given.files)
            if path.is_file()
        )
        if not names:
            remedy = "Put the files there, or correct the pattern"
            raise SpecError(f"no file in the data folder matches '{given.files}'", place, remedy)
    else:
        names = list(given.files or [given.file or ""])
    paths = tuple(data_file(name, project, place) for name in names)
    for path in paths:
        _refuse_unreadable(path, place)
    return paths


def _refuse_unreadable(path: Path, place: Place) -> None:
    if not is_readable(path):
        remedy = f"Formats: {', '.join(FORMATS)}, and .zip or .gz of these"
        raise SpecError(f"'{path.name}' is no format that a panel is built from", place, remedy)
