"""From a spec's `source` to the raw files on this machine: one finder and one check-sum for all panels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gvcmetrics.errors import Place, SpecError
from gvcmetrics.ground.inputs import digest
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources.catalogue import Source
from gvcmetrics.panels.sources.catalogue import source as catalogue_source
from gvcmetrics.panels.sources.fetch import expected_sha256, raw_file, verify
from gvcmetrics.panels.spec.words import FileSource, PanelWords
from gvcmetrics.panels.spec.yaml_lines import Document


@dataclass(frozen=True)
class Formats:
    """What raw files may be called.

    Attributes
    ----------
    endings : of the files themselves.
    packed : of the archives that they may stand in; a .gz says after its name what is in it.
    whole_folder : is a folder one source, and not so many files?
    """

    endings: tuple[str, ...]
    packed: tuple[str, ...] = (".zip", ".tar", ".tgz", ".tar.gz", ".gz")
    whole_folder: bool = False

    def accept(self, path: Path) -> bool:
        """Can a panel be built from the file?"""
        endings = [ending.lower() for ending in path.suffixes]
        if endings[-2:] == [".tar", ".gz"]:
            return ".tar.gz" in self.packed
        if endings[-1:] == [".gz"]:
            return ".gz" in self.packed and "".join(endings[-2:-1]) in self.endings
        return "".join(endings[-1:]) in (*self.packed, *self.endings)

    def __str__(self) -> str:
        *others, last = self.packed or ("",)
        packed = f", and {', '.join(others)} or {last} of these".replace("  or", "") if last else ""
        return f"{', '.join(self.endings)}{packed}"


class Sourced(Protocol):
    """A spec, of whatever contract, as far as its source goes."""

    @property
    def words(self) -> PanelWords: ...

    @property
    def document(self) -> Document: ...


@dataclass(frozen=True)
class RawFiles:
    """The raw files of a panel, where they come from, and the checksum expected of a single one."""

    paths: tuple[Path, ...]
    source: Source
    sha256: str | None
    restore: str

    @property
    def name(self) -> str:
        """The files' names; of many, the first and how many more."""
        rest = len(self.paths) - 1
        return self.paths[0].name + (f" and {rest} more" if rest else "")

    @property
    def files(self) -> list[Path]:
        """The files, those of a folder one by one."""
        found: list[Path] = []
        for path in self.paths:
            found += sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
        return found

    def checksum(self) -> str:
        """SHA-256 of the file; of several, or of a folder, that of the list of their checksums and names.

        Raises
        ------
        DataError : the file is not the one expected.
        """
        files = self.files
        if len(files) == 1:
            return verify(files[0], self.sha256, self.restore)
        listed = "".join(f"{digest(file)}  {file.name}\n" for file in files)
        return hashlib.sha256(listed.encode()).hexdigest()


def find_raw(spec: Sourced, project: Project, formats: Formats) -> RawFiles:
    """The raw files of a spec.

    Raises
    ------
    SpecError : a path leads out of the data folder, names no file, or names a format that is not read;
        a panel from a file of its own states no licence or citation.
    MissingSourceError : the catalogue's source is not on this machine.
    """
    words, given = spec.words, spec.words.source
    if isinstance(given, str):
        place = spec.document.place(("source",))
        entry = catalogue_source(given, place)
        path = raw_file(entry, project)
        paths = tuple(path / name for name in entry.members) or _files_of(path, formats, place)
        expected = expected_sha256(entry, path, project)
        return RawFiles(paths, entry, expected, _restore(entry, path, project))
    paths = _paths(given, spec.document, project, formats)
    for key in ("licence", "citation"):
        if getattr(words, key) is None:
            raise SpecError(
                f"a panel from a file of its own must state its {key}",
                spec.document.place(()),
                f"Add `{key}:` (write `unknown` if it is)",
            )
    entry = Source(
        name=paths[0].name,
        title=words.title,
        origin="a file of the project" if len(paths) == 1 else f"{len(paths)} files of the project",
        licence=words.licence or "",
        citation=words.citation or "",
    )
    return RawFiles(paths, entry, given.sha256, "Restore the file, or correct `sha256` in the spec")


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


def _restore(entry: Source, path: Path, project: Project) -> str:
    where = f"{project.data.name}/{project.raw.name}/{path.name}"
    if entry.embedded is not None:
        return f"Delete {where} to have it made again, or name an edited file under `source: {{file: …}}`"
    return f"Delete it and run `gvcmetrics fetch {entry.name}`"


def _files_of(path: Path, formats: Formats, place: Place) -> tuple[Path, ...]:
    """The files of a source of the catalogue, which may be a folder."""
    if path.is_dir() and formats.whole_folder:
        return (path,)
    paths = tuple(sorted(filter(formats.accept, path.iterdir()))) if path.is_dir() else (path,)
    if not paths:
        problem = f"the folder '{path.name}' holds no file that a panel is built from"
        raise SpecError(problem, place, f"Formats: {formats}")
    for found in paths:
        _refuse_unreadable(found, formats, place)
    return paths


def _inside(name: str, project: Project, place: Place) -> Path:
    parts = Path(name.replace("\\", "/")).parts
    if not name or "\0" in name or ".." in parts or Path(name).is_absolute():
        raise SpecError(f"'{name}' leaves the data folder", place, "Put the file under data/raw")
    return project.data / name


def _paths(given: FileSource, document: Document, project: Project, formats: Formats) -> tuple[Path, ...]:
    place = document.place(("source", "file" if given.file is not None else "files"))
    if isinstance(given.files, str):
        names = _matching(given.files, project, place)
    else:
        names = list(given.files if given.files is not None else [given.file or ""])
        if not names:
            raise SpecError(
                "the list names no file", place, "Write `files: [raw/x_2019.csv, raw/x_2020.csv]`"
            )
    paths = tuple(data_file(name, project, place) for name in names)
    for path in paths:
        _refuse_unreadable(path, formats, place)
    return paths


def _matching(pattern: str, project: Project, place: Place) -> list[str]:
    _inside(pattern, project, place)
    try:
        found = [path for path in project.data.glob(pattern) if path.is_file()]
    except ValueError:  # `**` that is not a part of its own
        raise SpecError(f"'{pattern}' is no pattern", place, "Write one such as raw/f_*.csv") from None
    if not found:
        remedy = "Put the files there, or correct the pattern"
        raise SpecError(f"no file in the data folder matches '{pattern}'", place, remedy)
    return sorted(path.relative_to(project.data).as_posix() for path in found)


def _refuse_unreadable(path: Path, formats: Formats, place: Place) -> None:
    if not formats.accept(path):
        problem = f"'{path.name}' is no format that a panel is built from"
        raise SpecError(problem, place, f"Formats: {formats}")
