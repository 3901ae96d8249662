"""What a panel says about its origin, read for notes and for the report."""

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
    return any(bool(item.get("simulated")) for item in as_list(provenance))


def source_note(provenance: Provenance | Sequence[Provenance] | None) -> str:
    """ "Sources: …" with title, source and licence of each panel; empty if there is none."""
    parts = []
    for item in as_list(provenance):
        title = str(item.get("title") or item.get("name") or "")
        behind = [str(item[key]) for key in ("source", "licence") if item.get(key)]
        parts.append(f"{title} ({', '.join(behind)})" if behind else title)
    parts = list(dict.fromkeys(part for part in parts if part))
    if not parts:
        return ""
    return f"{'Source' if len(parts) == 1 else 'Sources'}: {'; '.join(parts)}."
