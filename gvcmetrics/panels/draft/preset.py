"""Which layout preset a raw file follows: the one whose raw columns it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gvcmetrics.errors import SpecError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.contracts import CONTRACTS
from gvcmetrics.panels.draft.columns import RawSample
from gvcmetrics.panels.spec.extends import preset_names, with_presets
from gvcmetrics.panels.spec.yaml_lines import Document

_LEAST_COLUMNS, _LEAST_SHARE = 4, 0.4


@dataclass(frozen=True)
class PresetMatch:
    """A preset and how a raw file meets it.

    Attributes
    ----------
    mapped : the panel columns whose raw columns the file has, and these.
    required : what the preset cannot know (`columns.year`, `money`), and what to write.
    unlabelled : the panel columns that it reads by value labels, which the file does not have.
    """

    name: str
    contract: str
    mapped: dict[str, tuple[str, ...]]
    required: dict[str, str]
    unlabelled: tuple[str, ...]


def best_preset(sample: RawSample, name: str | None, folder: Path) -> PresetMatch | None:
    """The named preset, or else the one that most of its raw columns speak for; None if none does.

    Raises
    ------
    SpecError : there is no preset of this name, or it is one of input-output tables.
    """
    known = preset_names(folder)
    if name is not None and name not in known:
        remedy = did_you_mean(name, known, f"Presets: {', '.join(known)}")
        raise SpecError(f"there is no preset '{name}'", remedy=remedy)
    available = {column.name.casefold(): column.name for column in sample.columns}
    labelled = {column.name for column in sample.columns if column.value_labels}
    best: tuple[float, PresetMatch] | None = None
    for candidate in [name] if name else known:
        document = with_presets(Document(candidate, {"extends": candidate}), folder)
        if document.data.get("contract") not in CONTRACTS:
            if name is not None:
                problem = (
                    f"the preset '{name}' is for {document.data.get('contract')} panels, which have no draft"
                )
                raise SpecError(problem, remedy="Write the spec by hand, after one in data/panels")
            continue
        share, match = _meet(candidate, available, labelled, document)
        enough = len(match.mapped) >= _LEAST_COLUMNS and share >= _LEAST_SHARE
        if name is not None or (enough and (best is None or share > best[0])):
            best = (share, match)
    return best[1] if best else None


def _meet(
    name: str, available: dict[str, str], labelled: set[str], document: Document
) -> tuple[float, PresetMatch]:
    columns: dict[str, Any] = document.data.get("columns", {})
    required = document.data.get("requires", {})
    wanted = {column: tuple(_raws(words)) for column, words in columns.items() if tuple(_raws(words))}
    mapped = {
        column: tuple(available[raw.casefold()] for raw in raws)
        for column, raws in wanted.items()
        if all(raw.casefold() in available for raw in raws)
    }
    contract = document.data["contract"]
    keys = [key for key in CONTRACTS[contract].keys if key in wanted and f"columns.{key}" not in required]
    share = len(mapped) / len(wanted) if wanted and all(key in mapped for key in keys) else 0.0
    unlabelled = tuple(
        column
        for column, raws in mapped.items()
        if columns[column].get("by_label") and not labelled.intersection(raws)
    )
    return share, PresetMatch(name, contract, mapped, required, unlabelled)


def _raws(words: Any) -> Iterator[str]:
    if not isinstance(words, dict):
        return
    if "from" in words:
        yield words["from"]
    for item in [*words.get("any_of", []), *words.get("all_of", [])]:
        yield item["from"]
