"""What the build of a panel is given and what it gives back, whatever its contract."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

from gvcmetrics.ground.provenance import ColumnProvenance, Coverage, Provenance
from gvcmetrics.ground.version import __version__
from gvcmetrics.panels.contracts import Contract
from gvcmetrics.panels.progress import Report
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources.raw_files import RawFiles, Sourced

Engine = Literal["duckdb", "spark"]


class AnySpec(Sourced, Protocol):
    """A checked spec, of whatever contract."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> Path: ...

    @property
    def sha256(self) -> str: ...

    @property
    def contract(self) -> Contract: ...


@dataclass(frozen=True)
class Job:
    """One build.

    Attributes
    ----------
    folder : a workspace that goes with the build.
    report : called with each step forward, from a thread of its own.
    """

    raw: RawFiles
    project: Project
    folder: Path
    engine: Engine = "duckdb"
    report: Report | None = None

    @cached_property
    def raw_sha256(self) -> str:
        """The checksum of the raw files.

        Raises
        ------
        DataError : they are not those expected.
        """
        return self.raw.checksum()

    def record(
        self,
        spec: AnySpec,
        keys: tuple[str, ...],
        coverage: Coverage,
        columns: dict[str, ColumnProvenance],
        notes: list[str],
        partition_by: str | None = None,
    ) -> Provenance:
        """The provenance of what the build makes; `notes` follow those of the spec."""
        words, source = spec.words, self.raw.source
        return Provenance(
            panel=spec.name,
            title=words.title,
            contract=spec.contract.name,
            keys=list(keys),
            source=source.name,
            source_title=source.title,
            origin=source.origin,
            licence=words.licence or source.licence,
            citation=words.citation or source.citation,
            raw_file=self.raw.name,
            raw_sha256=self.raw_sha256,
            spec_file=spec.path.name,
            spec_sha256=spec.sha256,
            code_version=__version__,
            coverage=coverage,
            columns=columns,
            notes=[*words.notes, *notes],
            partition_by=partition_by,
            simulated=words.simulated,
        )


@dataclass(frozen=True)
class Built:
    """A panel that was made: where it is, its record, and the list of rejected rows if there are any."""

    path: Path
    provenance: Provenance
    rejects: Path | None = None
