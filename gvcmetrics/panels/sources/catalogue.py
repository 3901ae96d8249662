"""What data exists, under which licence, and the tiers that it can come from.

The entries are in `catalogue.yaml` beside this module. A source has one or more tiers, tried in
this order: `embedded` (an item of an installed PyPI package), `mirror` (a path under the folder
that GVCMETRICS_MIRROR names, read in place), `remote` (an address, fetched only by
`gvcmetrics fetch`). `by_hand` says where a person gets the data otherwise.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from gvcmetrics.errors import Place, SpecError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.spec.yaml_lines import read_yaml


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Embedded(_Model):
    """An item of an installed package; `sha256` is that of the CSV file that is made from it."""

    package: str
    item: str
    sha256: str | None = None


class Remote(_Model):
    """An address, with size in bytes and checksum where they are known."""

    address: str
    size: int | None = None
    sha256: str | None = None


class Source(_Model):
    """One entry of the catalogue; `members` are the files meant, where `mirror` is a folder of more."""

    name: str
    title: str
    origin: str
    citation: str
    licence: str
    embedded: Embedded | None = None
    mirror: str | None = None
    members: list[str] = []
    remote: Remote | None = None
    by_hand: str | None = None


def read_catalogue(path: Path) -> dict[str, Source]:
    """The sources of a catalogue file, by name.

    Raises
    ------
    SpecError : the file is not a catalogue.
    """
    document = read_yaml(path)
    try:
        return {name: Source.model_validate({"name": name, **entry}) for name, entry in document.data.items()}
    except (ValidationError, TypeError, AttributeError) as error:
        raise SpecError(f"not a catalogue of sources: {error}", Place(document.file)) from None


@cache
def catalogue() -> dict[str, Source]:
    """The sources that gvcmetrics knows, by name."""
    return read_catalogue(Path(__file__).with_name("catalogue.yaml"))


def source(name: str, place: Place | None = None) -> Source:
    """One source of the catalogue.

    Raises
    ------
    SpecError : no such source; the remedy names the nearest.
    """
    known = catalogue()
    if name not in known:
        otherwise = "`gvcmetrics fetch` lists the sources; a file of your own is `source: {file: raw/…}`"
        remedy = did_you_mean(name, known, otherwise)
        raise SpecError(f"the catalogue has no source '{name}'", place, remedy)
    return known[name]
