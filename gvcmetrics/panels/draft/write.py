"""`panel new`: a commented draft of a spec from a raw file, with what is unsure marked in the file itself.

A line that ends in `#? …` is a guess to be looked at; `???` stands for what the file cannot tell, and
no spec loads before it is filled in. The other lines say after `#` what they were read off.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.files import replacing, sha256
from gvcmetrics.panels.codes import match_countries
from gvcmetrics.panels.contracts import CONTRACTS, FIRM, TRADE, Contract
from gvcmetrics.panels.draft.columns import RawColumn, RawSample, by_year
from gvcmetrics.panels.draft.match import Proposal, propose
from gvcmetrics.panels.draft.preset import PresetMatch, best_preset
from gvcmetrics.panels.draft.sample import read_sample
from gvcmetrics.panels.draft.text import Found, Line, draft_lines
from gvcmetrics.panels.draft.words import clues_for
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources.catalogue import catalogue
from gvcmetrics.panels.sources.fetch import mirror_path
from gvcmetrics.panels.spec.blanks import BLANK

_MOST_UNIQUE = 4


@dataclass(frozen=True)
class Draft:
    """What `panel new` wrote.

    Attributes
    ----------
    preset : the layout preset that the file follows, if it follows one.
    proposed : the panel columns that the draft maps, and what each is read from.
    unsure : the lines to decide or fill in, with their numbers.
    copied : the raw file's new place in the data folder, if it stood outside of it.
    """

    path: Path
    sample: RawSample
    preset: str | None
    proposed: dict[str, str]
    unsure: dict[int, Line]
    copied: Path | None


def write_draft(file: Path, country: str | None, project: Project, preset: str | None = None) -> Draft:
    """Write `data/panels/NAME.yaml`, a draft of the spec of one raw file; nothing is overwritten.

    A file that the catalogue does not know and that stands outside the data folder is copied to
    `data/raw`, since a spec reads no other.

    Raises
    ------
    DataError : the country is none, or not said of a file that needs it; the file cannot be read, or the spec
        is there already.
    SpecError : there is no such preset.
    """
    code = _country(country) if country is not None else BLANK
    sample = read_sample(file)
    path = project.spec_file(_panel_name(file))
    if path.exists():
        raise DataError(
            "the spec is there already", Place(path.name), "Rename or remove it, then draft again"
        )
    found = _found(sample, code, best_preset(sample, preset, project.specs))
    if country is None and found.contract.name == "firm":
        raise DataError("it is not said which country's firms these are", Place("--country"), "As in ECU")
    entry = next((name for name, known in catalogue().items() if _is_same(mirror_path(known), file)), None)
    copied = None
    if entry is None:
        inside = file.resolve().is_relative_to(project.data.resolve())
        copied = None if inside else _copy(file, project)
        within = file.resolve().relative_to(project.data.resolve()) if inside else Path("raw") / file.name
        lines = draft_lines(found, path.stem, within.as_posix(), None)
    else:
        lines = draft_lines(found, path.stem, file.name, entry)
    with replacing(path) as temporary:
        temporary.write_text("".join(f"{line.text}\n" for line in lines), encoding="utf-8")
    unsure = {number: line for number, line in enumerate(lines, 1) if line.key}
    return Draft(path, sample, found.preset.name if found.preset else None, found.proposed, unsure, copied)


def _found(sample: RawSample, country: str, preset: PresetMatch | None) -> Found:
    taken = {raw for raws in preset.mapped.values() for raw in raws} if preset else set()
    free = [column for column in sample.columns if column.name not in taken]
    columns, years = by_year(free)
    contract, proposals = _proposals(columns, sample.rows, preset)
    if years and not any(item.raw.years for item in proposals):
        columns, years = tuple(free), ()
        contract, proposals = _proposals(columns, sample.rows, preset)
    used = {item.raw.name for item in proposals}
    rest = tuple(column for column in columns if column.name not in used)
    named = {*(item.name for item in proposals), *(preset.mapped if preset else ())}
    unique = () if "firm_id" in named else tuple(column.name for column in rest if _is_unique(column))
    proposals = _with_keys(proposals, contract, years)
    return Found(sample, country, contract, preset, tuple(proposals), years, rest, unique[:_MOST_UNIQUE])


def _is_unique(raw: RawColumn) -> bool:
    """Could it name the rows: a value in each, none twice, and no amount?"""
    amount = raw.is_number and not raw.is_whole
    return not raw.years and not amount and raw.filled == raw.distinct == raw.rows


def _with_keys(proposals: list[Proposal], contract: Contract, years: tuple[str, ...]) -> list[Proposal]:
    """The proposals; where the keys among them do not tell the rows apart, their last is doubtful."""
    keys = [item for item in proposals if item.name in contract.keys and not item.raw.years]
    if not keys or (years and contract.name != "firm"):
        return proposals
    rows, told = keys[0].raw.rows, keys[0].raw.keys(item.raw for item in keys[1:])
    if told == rows:
        return proposals
    doubted = next((item for item in keys if item.name in ("firm_id", "product")), keys[-1])
    named = " × ".join(item.raw.name for item in keys)
    doubt = f"{rows - told:,} of {rows:,} rows repeat {named}"
    return [
        replace(item, doubt="; ".join(filter(None, (item.doubt, doubt))), sure=False)
        if item is doubted
        else item
        for item in proposals
    ]


def _proposals(
    columns: tuple[RawColumn, ...], rows: int, preset: PresetMatch | None
) -> tuple[Contract, list[Proposal]]:
    given = set(preset.mapped) if preset else set()
    if preset is None:
        trade = propose(columns, clues_for(TRADE), TRADE, rows)
        names = {item.name for item in trade}
        if {"product", "value_usd"} <= names and names & {"exporter", "importer"}:
            return TRADE, trade
    contract = FIRM if preset is None else CONTRACTS[preset.contract]
    words = {name: clues for name, clues in clues_for(contract).items() if name not in given}
    return contract, propose(columns, words, contract, rows)


def _country(country: str) -> str:
    found = match_countries([country])
    if country not in found.codes:
        near = found.unknown.get(country, "")
        remedy = f"Did you mean {near}?" if near else "Write its ISO3 code, as in ECU"
        raise DataError(f"there is no country '{country}'", Place("--country"), remedy)
    return found.codes[country]


def _panel_name(file: Path) -> str:
    stem = file.name.split(".", 1)[0]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "panel"
    return name if not name[0].isdigit() else f"panel_{name}"


def _is_same(known: Path | None, file: Path) -> bool:
    return known is not None and known.is_file() and known.samefile(file)


def _copy(file: Path, project: Project) -> Path | None:
    target = project.raw / file.name
    if target.exists():
        if sha256(target) == sha256(file):
            return None
        remedy = f"Rename {file.name}, or remove the one in data/raw"
        raise DataError("another file of this name is in data/raw", Place(file.name), remedy)
    with replacing(target) as temporary:
        shutil.copyfile(file, temporary)
    return target
