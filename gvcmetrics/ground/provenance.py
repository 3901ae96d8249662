"""Where a panel comes from: the record in its file, and what notes and the report say of it.

A stored panel carries a `Provenance`. A frame carries the same as a dictionary in
``frame.attrs["provenance"]``, which pandas copies and writes; frames that were not read from a panel
(simulated ones, one's own) may carry any part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

METADATA_KEY = "gvcmetrics"
"""The key of a Parquet file's metadata that holds the record as JSON."""

Told = Mapping[str, Any]
"""A provenance as a frame carries it."""


@dataclass(frozen=True)
class ColumnProvenance:
    """What a column is and which raw columns it was made from (none: a constant of the spec)."""

    type: str
    unit: str
    label: str
    raw: list[str]
    scale: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Coverage:
    """How much a panel holds, and what of the raw file it does not.

    Attributes
    ----------
    raw_rows : rows of the raw file.
    omitted : keys left out because the source has no value for them (`omit_empty`).
    rejected : rows of the raw file that break a rule.
    """

    rows: int
    first_year: int
    last_year: int
    countries: int
    raw_rows: int
    omitted: int
    rejected: int


@dataclass(frozen=True)
class Provenance:
    """Source, licence, checksums and coverage of a panel, and the raw columns of each of its columns."""

    panel: str
    title: str
    contract: str
    keys: list[str]
    source: str
    source_title: str
    origin: str
    licence: str
    citation: str
    raw_file: str
    raw_sha256: str
    spec_file: str
    spec_sha256: str
    code_version: str
    coverage: Coverage
    columns: dict[str, ColumnProvenance]
    notes: list[str]
    partition_by: str | None = None
    simulated: bool = False

    def to_json(self, indent: int | None = None) -> str:
        """The record as it is stored."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Provenance:
        """The record that `to_json` wrote.

        Raises
        ------
        ValueError : the text is no such record.
        """
        stored = json.loads(text)
        try:
            stored["coverage"] = Coverage(**_known(Coverage, stored["coverage"]))
            stored["columns"] = {
                name: ColumnProvenance(**_known(ColumnProvenance, words))
                for name, words in stored["columns"].items()
            }
            return cls(**_known(cls, stored))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no provenance: {error}") from None

    def told(self, columns: Iterable[str] | None = None) -> dict[str, Any]:
        """The dictionary that a frame carries; of some of the columns, in their order."""
        said = asdict(self)
        chosen = self.columns if columns is None else columns
        return {**said, "columns": {name: said["columns"][name] for name in chosen}}


def _known(kind: Any, stored: dict[str, Any]) -> dict[str, Any]:
    """What this version knows of a record: a later one may say more."""
    return {field.name: stored[field.name] for field in fields(kind) if field.name in stored}


def as_list(provenance: Told | Sequence[Told] | None) -> list[Told]:
    """One provenance, several or none as a list."""
    if provenance is None:
        return []
    return [provenance] if isinstance(provenance, Mapping) else list(provenance)


def is_simulated(provenance: Told | Sequence[Told] | None) -> bool:
    """Whether any of the sources is simulated."""
    return any(item.get("simulated", False) for item in as_list(provenance))


def source_note(provenance: Told | Sequence[Told] | None) -> str:
    """Title, source and licence of each panel in one sentence; empty if there is none.

    A file of one's own has no title beside the panel's, which is then said once.
    """
    parts = []
    for item in as_list(provenance):
        own = [item["source_title"]] if item["source_title"] != item["title"] else []
        licence = "licence unknown" if item["licence"] == "unknown" else item["licence"]
        parts.append(f"{item['title']} ({'; '.join([*own, licence])})")
    if not parts:
        return ""
    return f"{'Source' if len(parts) == 1 else 'Sources'}: {'; '.join(dict.fromkeys(parts))}."
