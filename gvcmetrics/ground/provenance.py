"""What a panel says about its origin, read for notes and for the report.

A provenance is the dictionary that a panel carries in ``frame.attrs["provenance"]``: panel, title,
source, source_title, origin, licence, citation, raw_file, raw_sha256, coverage (rows, first_year,
last_year, countries), simulated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Provenance = Mapping[str, Any]


def as_list(provenance: Provenance | Sequence[Provenance] | None) -> list[Provenance]:
    """One provenance, several or none as a list."""
    if provenance is None:
        return []
    return [provenance] if isinstance(provenance, Mapping) else list(provenance)


def is_simulated(provenance: Provenance | Sequence[Provenance] | None) -> bool:
    """Whether any of the sources is simulated."""
    return any(item.get("simulated", False) for item in as_list(provenance))


def source_note(provenance: Provenance | Sequence[Provenance] | None) -> str:
    """Title, source and licence of each panel in one sentence; empty if there is none."""
    parts = [f"{item['title']} ({item['source_title']}; {item['licence']})" for item in as_list(provenance)]
    if not parts:
        return ""
    return f"{'Source' if len(parts) == 1 else 'Sources'}: {'; '.join(dict.fromkeys(parts))}."
