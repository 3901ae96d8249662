"""The codebook: one self-contained HTML page on all built panels, the same bytes for the same panels."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from gvcmetrics.errors import MissingSourceError
from gvcmetrics.ground.files import replacing
from gvcmetrics.ground.provenance import Provenance
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.show.describe import ColumnSummary, raw_columns, summarise_panel
from gvcmetrics.panels.store.listing import not_built, panel_names
from gvcmetrics.panels.store.stored import find_panel, read_provenance


def write_codebook(project: Project | None = None) -> Path:
    """Write `analysis/results/codebook.html` on all built panels.

    Raises
    ------
    MissingSourceError : no panel is built.
    """
    project = project or find_project()
    built = [path for name in panel_names(project) if (path := find_panel(name, project)) is not None]
    if not built:
        raise MissingSourceError(
            "no panel is built, so there is nothing to describe", remedy="Run `make all`"
        )
    sections = []
    found = [read_provenance(path) for path in built]
    for provenance in found:
        sections.append(_section(provenance, summarise_panel(provenance, project)))
    with replacing(project.codebook) as temporary:
        temporary.write_text(_page(found, sections), encoding="utf-8")
    return project.codebook


def write_description(name: str, target: Path, project: Project | None = None) -> None:
    """Write the codebook of one built panel to an HTML file.

    Raises
    ------
    MissingSourceError : the panel is not built.
    """
    project = project or find_project()
    path = find_panel(name, project)
    if path is None:
        raise not_built(name, project)
    provenance = read_provenance(path)
    with replacing(target) as temporary:
        page = _page([provenance], [_section(provenance, summarise_panel(provenance, project))])
        temporary.write_text(page, encoding="utf-8")


def _page(found: list[Provenance], sections: list[str]) -> str:
    style = files("gvcmetrics.panels.show").joinpath("codebook.css").read_text(encoding="utf-8")
    rows = [
        (
            f'<a href="#{p.panel}"><code>{p.panel}</code></a>',
            escape(p.title),
            p.contract,
            f"{p.coverage.rows:,}",
            f"{p.coverage.first_year}–{p.coverage.last_year}",
            str(p.coverage.countries),
            escape(p.licence),
        )
        for p in found
    ]
    heads = ("panel", "title", "contract", "#rows", "#years", "#countries", "licence")
    lead = (
        "The panels of this project: what each column holds, in which unit, and which raw column it was "
        "made from. Names of key columns are blue."
    )
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Codebook</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>\n{style}</style></head><body><main>",
        f'<h1>Codebook</h1><p class="lead">{lead}</p>',
        _table("Panels", heads, rows, ()),
        *sections,
        "</main></body></html>\n",
    ]
    return "\n".join(parts)


def _section(found: Provenance, columns: list[ColumnSummary]) -> str:
    coverage = found.coverage
    kept = f"{coverage.rows:,} from {coverage.raw_rows:,} raw rows"
    kept += f"; {coverage.omitted:,} keys without any value left out" if coverage.omitted else ""
    kept += f"; {coverage.rejected:,} raw rows rejected" if coverage.rejected else ""
    facts = {
        "Rows": kept,
        "Keys": ", ".join(f"<code>{escape(key)}</code>" for key in found.keys),
        "Source": escape(f"{found.source_title}. {found.origin}"),
        "Citation": escape(found.citation),
        "Licence": escape(found.licence),
        "Raw file": f"{_code(found.raw_file)}, SHA-256 {_code(found.raw_sha256)}",
        "Spec": f"{_code(found.spec_file)}, SHA-256 {_code(found.spec_sha256)}",
        "Made by": f"gvcmetrics {escape(found.code_version)}",
    }
    listed = "".join(f"<dt>{key}</dt><dd>{value}</dd>" for key, value in facts.items())
    spread = "min … mean … max, or most frequent"
    heads = ("column", "label", "unit", "type", "#missing", "#distinct", spread, "raw column")
    marked = tuple(index for index, column in enumerate(columns) if column.name in found.keys)
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    parts = [
        f'<section id="{escape(found.panel)}"><h2>{_code(found.panel)}</h2>',
        f'<p class="lead">{escape(found.title)}</p>',
        '<p class="simulated">Simulated data.</p>' if found.simulated else "",
        f"<dl>{listed}</dl>",
        _table(f"Columns of {found.panel}", heads, [_cells(column) for column in columns], marked),
        f'<ul class="notes">{notes}</ul>' if notes else "",
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _cells(line: ColumnSummary) -> tuple[str, ...]:
    note = f'<span class="note">{escape(line.column.note)}</span>' if line.column.note else ""
    return (
        _code(line.name),
        escape(line.column.label) + note,
        escape(line.column.unit),
        line.column.type,
        f"{100 * line.missing_share:.1f} %",
        f"{line.distinct:,}",
        escape(line.spread),
        escape(raw_columns(line.column)),
    )


def _table(
    label: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], marked: tuple[int, ...]
) -> str:
    """A table in a box that slides; heads with `#` are columns of numbers, `marked` rows those of keys."""
    classes = [' class="n"' if head.startswith("#") else "" for head in heads]
    top = "".join(f"<th{kind}>{head.lstrip('#')}</th>" for head, kind in zip(heads, classes, strict=True))
    body = []
    for index, row in enumerate(rows):
        cells = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row, classes, strict=True))
        mark = ' class="key"' if index in marked else ""
        body.append(f"<tr{mark}>{cells}</tr>")
    rows_of_it = "\n".join(body)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">'
        f"<table><thead><tr>{top}</tr></thead><tbody>\n{rows_of_it}\n</tbody></table></div>"
    )


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
